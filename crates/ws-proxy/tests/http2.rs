//! HTTP/1.1 and HTTP/2 (RFC 8441) on either side.
#![cfg(all(feature = "deflate", feature = "http2"))]

mod support;

use std::net::SocketAddr;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_client::{CloseFrame, Conn, DialErrorKind, Dialer, Http2Transport, Message};
use ws_core::DeflateConfig;
use ws_proxy::{Proxy, Relay, Tunnels};
use ws_tower::{CheckOrigin, Upgrader};

use support::{backend_with, echo, proxy_to, read_head, scripted, serve};

/// A client of one version of HTTP.
async fn dial(proxy: SocketAddr, is_http2: bool) -> Conn<Http2Transport> {
    let dialer = Dialer::new().compression(DeflateConfig::new()).subprotocols(["a", "b"]);
    let dialer = dialer.http2().prior_knowledge(is_http2);
    let (conn, response) = dialer.dial(format!("ws://{proxy}/path?q")).await.unwrap();
    assert_eq!(conn.get_ref().version() == http::Version::HTTP_2, is_http2);
    assert_eq!(response.status(), if is_http2 { StatusCode::OK } else { StatusCode::SWITCHING_PROTOCOLS });
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    conn
}

async fn echoing() -> SocketAddr {
    let cookies = ["a=1", "b=2"].map(|cookie| (http::header::SET_COOKIE, cookie.parse().unwrap()));
    let upgrader = Upgrader::new()
        .check_origin(CheckOrigin::Any)
        .subprotocols(["b"])
        .compression(DeflateConfig::new())
        .response_headers(cookies.into_iter().collect());
    backend_with(upgrader, echo).await
}

fn to(backend: SocketAddr, is_http2: bool) -> Proxy {
    let dialer = Dialer::new().compression(DeflateConfig::new());
    let proxy = proxy_to(backend);
    if is_http2 { proxy.dialer(dialer.http2().prior_knowledge(true)) } else { proxy.dialer(dialer) }
}

#[tokio::test]
async fn all_four_directions_carry_messages_and_close_codes() {
    let server = echoing().await;
    for to_http2 in [false, true] {
        let upgrader = Upgrader::new().check_origin(CheckOrigin::Any).compression(DeflateConfig::new());
        let tunnel = to(server, to_http2);
        let relay = to(server, to_http2).relay(Relay::new()).upgrader(upgrader);
        for proxy in [tunnel, relay] {
            let proxy = serve(proxy).await;
            for from_http2 in [false, true] {
                let mut client = dial(proxy, from_http2).await;
                assert_eq!(client.subprotocol(), Some("b"));
                assert!(client.deflate().is_some());
                for length in [0, 1, 1000, 200_000] {
                    let message = Message::from("text ".repeat(length));
                    client.write_message(message.clone()).await.unwrap();
                    assert_eq!(client.read_message().await.unwrap(), Some(message));
                }
                client.close(CloseFrame::new(4000, "done")).await.unwrap();
                let answered = client.closing().received().unwrap().map(|frame| frame.code.as_u16());
                assert_eq!(answered, Some(4000), "{from_http2} to {to_http2}");
            }
        }
    }
}

#[tokio::test]
async fn one_connection_to_the_backend_carries_many() {
    let server = echoing().await;
    let tunnels = Tunnels::new();
    let proxy = serve(to(server, true).tunnels(tunnels.clone())).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(dial(proxy, false).await);
    }
    for client in &mut clients {
        client.write_message("hello").await.unwrap();
        assert_eq!(client.read_message().await.unwrap(), Some("hello".into()));
    }
    // Each is drained on its own.
    let drain = tokio::spawn(async move { tunnels.drain().close_frame(CloseFrame::new(1012, "")).await });
    for client in &mut clients {
        let error = client.read_message().await.unwrap_err();
        assert_eq!(error.close_code().map(u16::from), Some(1012));
    }
    drop(clients);
    assert_eq!(drain.await.unwrap().aborted, 0);
}

// Shows PRX-2.
#[tokio::test]
async fn answer_that_would_accept_over_http2_is_a_bad_gateway() {
    for (status, expected) in [("200 OK", 502), ("204 No Content", 502), ("302 Found", 302), ("403 No", 403)]
    {
        let (server, _) = scripted(move |mut io| async move {
            read_head(&mut io).await;
            let answer = format!("HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
            io.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let proxy = serve(proxy_to(server)).await;
        let dialer = Dialer::new().http2().prior_knowledge(true);
        let error = dialer.dial(format!("ws://{proxy}/")).await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::from_u16(expected).unwrap()));
        let headers = error.response().unwrap().headers();
        assert!(!headers.contains_key("connection") && !headers.contains_key("upgrade"));
    }
}

#[tokio::test]
async fn refusal_of_a_backend_over_http2_is_passed_on_to_http1() {
    let server = backend_with(Upgrader::new(), echo).await;
    let proxy = serve(to(server, true)).await;
    let more = "Origin: http://evil.example\r\n";
    let (mut client, head) = support::ask(proxy, support::handshake("/", more)).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let mut body = String::new();
    client.read_to_string(&mut body).await.unwrap();
    assert_eq!(body, "Forbidden");
}

// Shows PRX-9.
#[tokio::test]
async fn protocols_other_than_websocket_are_refused_over_http2() {
    let (server, mut requests) = scripted(|mut io| async move { read_head(&mut io).await }).await;
    let proxy = serve(proxy_to(server)).await;
    let stream = tokio::net::TcpStream::connect(proxy).await.unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    send = send.ready().await.unwrap();
    while !send.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let mut request = http::Request::connect(format!("http://{proxy}/")).version(http::Version::HTTP_2);
    request = request.header("sec-websocket-version", "13");
    let mut request = request.body(()).unwrap();
    request.extensions_mut().insert(h2::ext::Protocol::from_static("connect-udp"));
    let (response, _stream) = send.send_request(request, false).unwrap();
    assert_eq!(response.await.unwrap().status(), StatusCode::NOT_IMPLEMENTED);
    assert!(requests.try_recv().is_err());
}
