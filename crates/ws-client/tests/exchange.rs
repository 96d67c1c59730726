//! Opening handshakes on behalf of another client: what is offered, and what is given back.

mod support;

use http::{HeaderValue, Request, header};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use ws_client::{DialErrorKind, Dialer, Exchange, ResponseError};
use ws_core::DeflateConfig;

use support::{PATIENCE, fields, read_head, serve, switching};

fn request(addr: std::net::SocketAddr, more: &[(&'static str, &'static str)]) -> Request<()> {
    let mut request = Request::get(format!("ws://{addr}/chat")).body(()).unwrap();
    for (name, value) in more {
        request.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn offers_of_the_request_take_the_place_of_those_of_the_dialer() {
    let (addr, server) = serve(|mut io| async move {
        let head = read_head(&mut io).await;
        let response =
            switching(&head, "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: x-own; z=1\r\n");
        io.write_all(response.as_bytes()).await.unwrap();
        head
    })
    .await;
    let dialer = Dialer::new().subprotocols(["mine"]).compression(DeflateConfig::new());
    let request = request(
        addr,
        &[
            ("sec-websocket-protocol", "a, b"),
            ("sec-websocket-protocol", "a"),
            ("sec-websocket-extensions", "x-own; y"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ],
    );
    let Exchange::Accepted(accepted) = dialer.exchange(request).await.unwrap() else { panic!("refused") };
    assert_eq!(accepted.response.headers()[header::SEC_WEBSOCKET_EXTENSIONS], "x-own; z=1");
    assert_eq!(accepted.negotiated.subprotocol.as_deref(), Some("b"));
    let head = server.await.unwrap();
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["a, b"]);
    assert_eq!(fields(&head, "sec-websocket-extensions"), ["x-own; y", "permessage-deflate"]);
}

#[tokio::test]
async fn without_offers_in_the_request_the_dialer_makes_its_own() {
    let (addr, server) = serve(|mut io| async move {
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        head
    })
    .await;
    let dialer = Dialer::new().subprotocols(["mine"]).compression(DeflateConfig::new());
    let _ = dialer.exchange(request(addr, &[])).await.unwrap();
    let head = server.await.unwrap();
    assert_eq!(fields(&head, "sec-websocket-protocol"), ["mine"]);
    assert!(fields(&head, "sec-websocket-extensions")[0].starts_with("permessage-deflate"));
}

#[tokio::test]
async fn empty_line_of_extensions_offers_none() {
    let (addr, server) = serve(|mut io| async move {
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        head
    })
    .await;
    let dialer = Dialer::new().compression(DeflateConfig::new());
    let _ = dialer.exchange(request(addr, &[("sec-websocket-extensions", "")])).await.unwrap();
    assert!(fields(&server.await.unwrap(), "sec-websocket-extensions").is_empty());
}

#[tokio::test]
async fn what_came_behind_the_answer_is_given_back_and_the_transport_is_left_alone() {
    let (addr, _server) = serve(|mut io| async move {
        let head = read_head(&mut io).await;
        let mut bytes = switching(&head, "").into_bytes();
        bytes.extend_from_slice(b"\x81\x02hi and no frame");
        io.write_all(&bytes).await.unwrap();
        let mut echoed = [0; 4];
        io.read_exact(&mut echoed).await.unwrap();
        io.write_all(&echoed).await.unwrap();
    })
    .await;
    let Exchange::Accepted(mut accepted) = Dialer::new().exchange(request(addr, &[])).await.unwrap() else {
        panic!("refused")
    };
    let mut seen = accepted.read_buf.to_vec();
    accepted.io.write_all(b"ping").await.unwrap();
    accepted.io.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, b"\x81\x02hi and no frameping");
}

#[tokio::test]
async fn answer_that_agrees_to_what_was_not_offered_is_an_error() {
    let (addr, _server) = serve(|mut io| async move {
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "Sec-WebSocket-Extensions: x-own\r\n").as_bytes()).await.unwrap();
    })
    .await;
    let error = Dialer::new().exchange(request(addr, &[])).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Handshake(ResponseError::ExtensionNotOffered));
}

#[tokio::test]
async fn refusal_is_a_response_with_all_of_its_body() {
    let (addr, _server) = serve(|mut io| async move {
        let length = 100_000;
        let head = format!("HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: {length}\r\n\r\n");
        read_head(&mut io).await;
        io.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..10 {
            io.write_all(&vec![b'x'; length / 10]).await.unwrap();
        }
        // Held until the other end has read all: the connection ends with the body.
        let _ = io.read(&mut [0]).await;
    })
    .await;
    let Exchange::Refused(response) = Dialer::new().exchange(request(addr, &[])).await.unwrap() else {
        panic!("accepted")
    };
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-why"]),
        (403, &"because".parse().unwrap())
    );
    let body = timeout(PATIENCE, response.into_body().collect()).await.unwrap().unwrap();
    assert_eq!(body.to_bytes().len(), 100_000);
}

#[tokio::test]
async fn body_that_breaks_off_is_an_error_of_the_body() {
    let (addr, _server) = serve(|mut io| async move {
        read_head(&mut io).await;
        io.write_all(b"HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    })
    .await;
    let Exchange::Refused(response) = Dialer::new().exchange(request(addr, &[])).await.unwrap() else {
        panic!("accepted")
    };
    timeout(PATIENCE, response.into_body().collect()).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn preamble_comes_before_the_request() {
    let (addr, server) = serve(|mut io| async move {
        let mut first = [0; 7];
        io.read_exact(&mut first).await.unwrap();
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        (first, head)
    })
    .await;
    let _ = Dialer::new().preamble(&b"PROXY\r\n"[..]).exchange(request(addr, &[])).await.unwrap();
    let (first, head) = server.await.unwrap();
    assert_eq!(&first, b"PROXY\r\n");
    assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
}
