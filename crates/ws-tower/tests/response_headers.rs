//! Headers that an application adds to the response that accepts a handshake, on the wire.
#![cfg(feature = "axum")]

mod support;

use axum::{Router, response::Response, routing::any};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use support::{ACCEPT, Handshake, KEY, Raw, TEXT};
use ws_tower::{UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

/// Those that belong to the handshake, or would announce a body.
const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn cookie(value: &'static str) -> (HeaderName, HeaderValue) {
    (header::SET_COOKIE, HeaderValue::from_static(value))
}

#[tokio::test]
async fn headers_of_the_policy_the_handler_and_the_response_all_arrive() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        let (name, value) = cookie("handler=1");
        let mut ws =
            ws.response_header(name, value).response_header(header::SERVER, HeaderValue::from_static("ours"));
        for name in RESERVED {
            ws = ws.response_header(HeaderName::from_static(name), HeaderValue::from_static("7"));
        }
        let mut response = ws.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.recv().await {
                let _ = socket.send(message).await;
            }
        });
        // As with axum's extractor, the response is one as any other.
        response.headers_mut().insert("x-late", HeaderValue::from_static("1"));
        response
    }
    let policy = Upgrader::new().response_headers(HeaderMap::from_iter([cookie("policy=1")]));
    let app = Router::new().route("/", any(handler)).layer(UpgradeLayer::new(policy));
    let (mut raw, head) = Raw::open(support::serve_axum(app).await, &Handshake::new("/")).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.get("set-cookie").as_deref(), Some("policy=1, handler=1"));
    assert_eq!((head.get("server").as_deref(), head.get("x-late").as_deref()), (Some("ours"), Some("1")));
    assert_eq!(head.get("sec-websocket-accept").as_deref(), Some(ACCEPT));
    assert_eq!(
        (head.get("connection").as_deref(), head.get("upgrade").as_deref()),
        (Some("Upgrade"), Some("websocket"))
    );
    for absent in
        ["content-length", "transfer-encoding", "trailer", "sec-websocket-protocol", "sec-websocket-key"]
    {
        assert_eq!(head.get(absent), None, "{absent}");
    }
    raw.send_frame(TEXT, b"hi").await;
    assert_eq!(raw.frame().await, (TEXT, b"hi".to_vec()));
}

#[test]
fn headers_of_one_response_are_added_but_for_the_reserved_ones() {
    let mut request = Request::get("/")
        .header("host", "server.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
        .extension(hyper::upgrade::on(Request::new(())))
        .body(())
        .expect("a request");
    let mut accepted = Upgrader::new().upgrade(&mut request).expect("accepted");
    let before = accepted.response.headers().clone();
    for name in RESERVED {
        accepted = accepted.response_header(HeaderName::from_static(name), HeaderValue::from_static("7"));
    }
    assert_eq!(accepted.response.headers(), &before);
    for value in ["a=1", "b=2"] {
        let (name, value) = cookie(value);
        accepted = accepted.response_header(name, value);
    }
    let cookies: Vec<_> = accepted.response.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

/// What puts text into a response takes a `HeaderValue`, and that cannot hold what would end a line.
// Shows HS-9.
#[test]
fn no_value_can_end_its_line() {
    for byte in 0..=u8::MAX {
        let value = HeaderValue::from_bytes(&[b'a', byte, b'b']);
        let is_allowed = matches!(byte, b'\t' | 0x20..=0x7E | 0x80..);
        assert_eq!(value.is_ok(), is_allowed, "{byte:#04x}");
        // A name is a token, and stricter.
        let name = HeaderName::from_bytes(&[b'a', byte, b'b']);
        assert!(name.is_err() || byte.is_ascii_graphic(), "{byte:#04x}");
    }
}
