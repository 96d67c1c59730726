//! HTTP proxies: what they are asked, what they answer, and what they do instead.
#![cfg(feature = "proxy")]

mod support;

use std::{error::Error, io, net::SocketAddr, time::Duration};

use http::{HeaderValue, StatusCode, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower_service::Service;
use ws_client::{Connector, DialError, DialErrorKind, Dialer, Message, Phase, Proxy, ProxyError};

use support::{PATIENCE, accept_handshake, answer, fields, read_head, serve};

fn through(addr: SocketAddr) -> Dialer {
    Dialer::new().proxy(Proxy::new(&format!("http://{addr}")).unwrap())
}

/// Accepts a `CONNECT` and gives its head.
async fn accept_connect(io: &mut TcpStream) -> String {
    let head = read_head(io).await;
    io.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    head
}

/// The error of a dial through a proxy that answers with these bytes and keeps the connection.
async fn answered(response: &'static str) -> DialError {
    let (addr, _proxy) = serve(move |mut io| async move { answer(&mut io, response).await }).await;
    let error = timeout(PATIENCE, through(addr).dial("ws://example.com/")).await.unwrap().unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&addr.to_string()) && text.contains("example.com:80"), "{text}");
    error
}

fn proxy_error(error: &DialError) -> &ProxyError {
    let DialErrorKind::Proxy(kind) = error.kind() else { panic!("{error:?}") };
    kind
}

#[tokio::test]
async fn tunnel_is_asked_for_and_the_handshake_goes_through_it() {
    let (addr, proxy) = serve(|mut io| async move {
        let connect = accept_connect(&mut io).await;
        let head = accept_handshake(&mut io, "").await;
        io.write_all(b"\x81\x02hi").await.unwrap();
        (connect, head, io)
    })
    .await;
    // No name here resolves example.com.
    let (mut conn, _) = through(addr).dial("ws://example.com/chat").await.unwrap();
    assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
    assert_eq!(conn.get_ref().peer_addr().unwrap(), addr);
    let (connect, head, _io) = proxy.await.unwrap();
    assert_eq!(connect, "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n");
    assert_eq!(head.lines().next(), Some("GET /chat HTTP/1.1"));
    assert_eq!(fields(&head, "host"), ["example.com"]);
}

#[tokio::test]
async fn addresses_stand_in_brackets() {
    let (addr, proxy) = serve(|mut io| async move {
        let connect = accept_connect(&mut io).await;
        accept_handshake(&mut io, "").await;
        connect
    })
    .await;
    through(addr).dial("ws://[2001:db8::1]:81/").await.unwrap();
    assert!(proxy.await.unwrap().starts_with("CONNECT [2001:db8::1]:81 HTTP/1.1\r\n"));
}

/// The heads of a `CONNECT` and of the handshake behind it.
async fn heads(configure: impl FnOnce(SocketAddr) -> Dialer) -> (String, String) {
    let (addr, proxy) =
        serve(|mut io| async move { (accept_connect(&mut io).await, accept_handshake(&mut io, "").await) })
            .await;
    configure(addr).dial("ws://example.com/").await.unwrap();
    proxy.await.unwrap()
}

#[tokio::test]
async fn credentials_and_headers_go_to_the_proxy_alone() {
    let (connect, head) = heads(|addr| {
        let proxy = Proxy::new(&format!("http://user:secret@{addr}"))
            .unwrap()
            .header(header::USER_AGENT, HeaderValue::from_static("tests"));
        Dialer::new().proxy(proxy).header(header::AUTHORIZATION, HeaderValue::from_static("Bearer token"))
    })
    .await;
    assert_eq!(fields(&connect, "proxy-authorization"), ["Basic dXNlcjpzZWNyZXQ="]);
    assert_eq!(fields(&connect, "user-agent"), ["tests"]);
    assert_eq!(fields(&connect, "authorization"), [""; 0]);
    assert_eq!(fields(&head, "proxy-authorization"), [""; 0]);
    assert_eq!(fields(&head, "user-agent"), [""; 0]);
    assert_eq!(fields(&head, "authorization"), ["Bearer token"]);
}

#[tokio::test]
async fn authorization_of_the_caller_replaces_the_credentials() {
    let (connect, _) = heads(|addr| {
        let proxy = Proxy::new(&format!("http://user:secret@{addr}"))
            .unwrap()
            .header(header::PROXY_AUTHORIZATION, HeaderValue::from_static("Bearer token"));
        Dialer::new().proxy(proxy)
    })
    .await;
    assert_eq!(fields(&connect, "proxy-authorization"), ["Bearer token"]);
}

#[tokio::test]
async fn every_2xx_is_a_tunnel_whatever_length_it_announces() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\nProxy-Agent: tests\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 299 Fine\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (addr, proxy) = serve(move |mut io| async move {
            read_head(&mut io).await;
            io.write_all(response.as_bytes()).await.unwrap();
            accept_handshake(&mut io, "").await;
        })
        .await;
        through(addr).dial("ws://example.com/").await.expect(response);
        proxy.await.unwrap();
    }
}

#[tokio::test]
async fn refusal_has_the_status_the_headers_and_the_body() {
    let (addr, _proxy) = serve(|mut io| async move {
        let body = "b".repeat(2000);
        let response = format!(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2000\r\n\r\n{body}"
        );
        answer(&mut io, &response).await;
    })
    .await;
    let dialer = Dialer::new().proxy(Proxy::new(&format!("http://user:secret@{addr}")).unwrap());
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Refused(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    let response = error.response().unwrap();
    assert_eq!(response.status(), 407);
    assert_eq!(response.headers()[header::PROXY_AUTHENTICATE], "Basic");
    assert_eq!(response.body(), &"b".repeat(1024));
    assert_eq!(
        error.to_string(),
        format!(
            "proxy {addr} answered CONNECT example.com:80 with 407 Proxy Authentication Required (credentials are \
             missing or wrong; they belong into the proxy's URL or its Proxy-Authorization header)"
        )
    );
    assert!(!format!("{error:?} {dialer:?}").contains("secret"));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn every_other_status_is_a_refusal() {
    for (response, status, kind) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, io::ErrorKind::PermissionDenied),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 502, io::ErrorKind::ConnectionRefused),
        ("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", 504, io::ErrorKind::TimedOut),
        ("HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n", 302, io::ErrorKind::ConnectionRefused),
        (
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
            405,
            io::ErrorKind::ConnectionRefused,
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            101,
            io::ErrorKind::ConnectionRefused,
        ),
    ] {
        // Some of these bodies end with the connection.
        let (addr, _proxy) = serve(move |mut io| async move {
            read_head(&mut io).await;
            io.write_all(response.as_bytes()).await.unwrap();
        })
        .await;
        let error = through(addr).dial("ws://example.com/").await.unwrap_err();
        assert_eq!(proxy_error(&error), &ProxyError::Refused(status.try_into().unwrap()));
        assert_eq!(error.response().unwrap().status(), status);
        assert_eq!(io::Error::from(error).kind(), kind, "{status}");
    }
}

#[tokio::test]
async fn bytes_behind_the_answer_fail_the_dial() {
    for response in [
        "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n\0",
    ] {
        assert_eq!(proxy_error(&answered(response).await), &ProxyError::EarlyData, "{response:?}");
    }
}

#[tokio::test]
async fn proxies_that_do_not_speak_http_are_named_so() {
    for bytes in ["SSH-2.0-OpenSSH_9.2\r\n", "\x05\x00", "\x15\x03\x01\x00\x02\x02\x32"] {
        let (addr, _proxy) = serve(move |mut io| async move {
            read_head(&mut io).await;
            io.write_all(bytes.as_bytes()).await.unwrap();
        })
        .await;
        let error = through(addr).dial("ws://example.com/").await.unwrap_err();
        assert_eq!(proxy_error(&error), &ProxyError::Http, "{bytes:?}");
        assert!(error.source().unwrap().is::<hyper::Error>());
    }
}

#[tokio::test]
async fn answer_that_is_cut_off_at_any_byte_is_an_error() {
    let response = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
    for cut in 0..response.len() {
        let (addr, _proxy) = serve(move |mut io| async move {
            read_head(&mut io).await;
            io.write_all(&response.as_bytes()[..cut]).await.unwrap();
        })
        .await;
        let error = through(addr).dial("ws://example.com/").await.unwrap_err();
        assert_eq!(proxy_error(&error), &ProxyError::Http, "cut at {cut}");
        assert!(error.to_string().contains("closed the connection"), "cut at {cut}: {error}");
    }
}

#[tokio::test]
async fn answers_without_end_fail_the_dial() {
    for (head, more) in
        [("", "HTTP/1.1 100 Continue\r\n\r\n"), ("HTTP/1.1 200 OK\r\n", "X: abcdefghijklmnopqrstuvwxyz\r\n")]
    {
        let (addr, proxy) = serve(move |mut io| async move {
            read_head(&mut io).await;
            io.write_all(head.as_bytes()).await.unwrap();
            while io.write_all(more.as_bytes()).await.is_ok() {}
        })
        .await;
        let error = timeout(PATIENCE, through(addr).dial("ws://example.com/")).await.unwrap().unwrap_err();
        assert_eq!(proxy_error(&error), &ProxyError::Http, "{more:?}");
        timeout(PATIENCE, proxy).await.expect("the connection was not closed").unwrap();
    }
}

#[tokio::test]
async fn proxy_that_never_answers_is_given_up_and_hung_up_on() {
    let (addr, proxy) = serve(|mut io| async move {
        read_head(&mut io).await;
        io.read(&mut [0]).await.unwrap()
    })
    .await;
    let dialer = through(addr).handshake_timeout(Duration::from_millis(100));
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Proxy));
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        format!(
            "timed out while waiting for the proxy (example.com:80 through proxy {addr}); check the proxy's port and \
             scheme, or try again later"
        )
    );
    assert_eq!(proxy.await.unwrap(), 0);
}

#[tokio::test]
async fn server_behind_the_tunnel_that_never_answers_is_given_up() {
    let (addr, _proxy) = serve(|mut io| async move {
        accept_connect(&mut io).await;
        read_head(&mut io).await;
        io.read(&mut [0]).await
    })
    .await;
    let dialer = through(addr).handshake_timeout(Duration::from_millis(100));
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
    assert!(error.to_string().contains(&format!("through proxy {addr}")), "{error}");
}

#[tokio::test]
async fn handshake_timeout_cuts_the_body_and_keeps_the_status() {
    let (addr, _proxy) = serve(|mut io| async move {
        answer(&mut io, "HTTP/1.1 403 Forbidden\r\n\r\nno").await;
    })
    .await;
    let dialer = through(addr).handshake_timeout(Duration::from_millis(200));
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Refused(StatusCode::FORBIDDEN));
    assert_eq!(error.response().unwrap().body(), "no");
}

#[tokio::test]
async fn refusal_of_the_server_is_not_the_proxys() {
    let (addr, _proxy) = serve(|mut io| async move {
        accept_connect(&mut io).await;
        answer(&mut io, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    })
    .await;
    let error = through(addr).dial("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FORBIDDEN));
    assert_eq!(error.response().unwrap().body(), "no");
}

#[tokio::test]
async fn proxy_that_cannot_be_connected_to_is_named() {
    // Bound and gone: nobody listens there.
    let addr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = through(addr).dial("ws://example.com/").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Connect);
    assert_eq!(
        error.to_string(),
        format!(
            "could not connect to proxy {addr} on the way to example.com:80; check its host and port, and whether it \
             is up"
        )
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn proxy_without_an_address_is_named() {
    let proxy = Proxy::new("http://proxy.invalid:3128").unwrap();
    let error = Dialer::new().proxy(proxy).dial("ws://example.com/").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Dns);
    assert!(error.to_string().contains("proxy.invalid:3128"), "{error}");
}

#[tokio::test]
async fn excluded_hosts_are_dialed_directly() {
    let (addr, server) = serve(|mut io| async move { accept_handshake(&mut io, "").await }).await;
    let proxy = Proxy::new("http://proxy.invalid").unwrap().exclude("127.0.0.1");
    Dialer::new().proxy(proxy).dial(format!("ws://{addr}/")).await.unwrap();
    assert!(server.await.unwrap().starts_with("GET / "));
}

#[tokio::test]
async fn function_is_asked_for_the_url_and_its_error_fails_the_dial() {
    let proxy = Proxy::with(|url| Err(format!("not {url}").into()));
    let error = Dialer::new().proxy(proxy).dial("ws://example.com/chat").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Choice);
    assert_eq!(error.to_string(), "no proxy could be chosen for example.com:80");
    assert_eq!(error.source().unwrap().to_string(), "not http://example.com:80/");
}

#[tokio::test]
async fn header_that_has_no_place_in_connect_fails_the_dial() {
    let proxy = Proxy::new("http://proxy.invalid")
        .unwrap()
        .header(header::CONTENT_LENGTH, HeaderValue::from_static("1"));
    let error = Dialer::new().proxy(proxy).dial("ws://example.com/").await.unwrap_err();
    assert_eq!(proxy_error(&error), &ProxyError::Header(header::CONTENT_LENGTH));
    assert!(error.to_string().contains("content-length"), "{error}");
}

#[tokio::test]
async fn dropped_dial_closes_the_connection_to_the_proxy() {
    let (asked, connect) = tokio::sync::oneshot::channel();
    let (addr, proxy) = serve(|mut io| async move {
        read_head(&mut io).await;
        asked.send(()).unwrap();
        io.read(&mut [0]).await.unwrap()
    })
    .await;
    tokio::select! {
        dialed = async { through(addr).dial("ws://example.com/").await } => panic!("{dialed:?}"),
        asked = connect => asked.unwrap(),
    }
    assert_eq!(proxy.await.unwrap(), 0);
}

#[tokio::test]
async fn connector_on_its_own_says_what_the_proxy_did() {
    let (addr, _proxy) = serve(|mut io| async move {
        answer(&mut io, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    let mut connector = Connector::new().proxy(Proxy::new(&format!("http://{addr}")).unwrap());
    let error = connector.call("ws://example.com".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("CONNECT example.com:80 with 403"), "{error}");
}
