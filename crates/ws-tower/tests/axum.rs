//! The extractor under `axum::serve`.
#![cfg(feature = "axum")]

mod support;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use support::{CLOSE, Handshake, Raw, TEXT, masked, within};
use tokio::sync::mpsc;
use ws_core::{Config, Conn, ErrorKind, Message};
use ws_tower::{
    SubprotocolOrder, UpgradeLayer, Upgraded, Upgrader,
    extract::{CloseFrame, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
};

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// A route whose handler hands its connection to the test.
fn handing_over(path: &str) -> (Router, mpsc::UnboundedReceiver<Conn<Upgraded>>) {
    let (send, conns) = mpsc::unbounded_channel();
    let handler = async move |ws: WebSocketUpgrade| {
        ws.on_upgrade(move |socket| async move {
            send.send(socket.into_conn()).ok();
        })
    };
    (Router::new().route(path, any(handler)), conns)
}

#[tokio::test]
async fn transport_is_the_tcp_stream_of_the_server() {
    let (app, mut conns) = handing_over("/ws");
    let addr = support::serve_axum(app).await;
    let (raw, head) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(head.status, 101);

    let conn = within(conns.recv()).await.expect("a connection");
    let tcp = conn.get_ref().tcp().expect("the TCP stream");
    // axum leaves it off.
    assert!(tcp.nodelay().expect("an open socket"));
    assert_eq!(conn.get_ref().peer_addr(), Some(raw.local_addr()));
}

#[tokio::test]
async fn bytes_behind_the_request_are_the_first_messages() {
    let app = Router::new().route("/ws", any(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)));
    let addr = support::serve_axum(app).await;
    let mut raw = Raw::connect(addr).await;
    let mut bytes = Handshake::new("/ws").bytes();
    bytes.extend(masked(TEXT, b"one"));
    bytes.extend(masked(TEXT, b"two"));
    raw.send(&bytes).await;
    assert_eq!(raw.head().await.status, 101);
    assert_eq!(raw.frame().await, (TEXT, b"one".to_vec()));
    assert_eq!(raw.frame().await, (TEXT, b"two".to_vec()));
}

// Shows HS-1.
#[tokio::test]
async fn handshake_may_arrive_byte_by_byte() {
    let app = Router::new().route("/ws", any(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)));
    let addr = support::serve_axum(app).await;
    let mut raw = Raw::connect(addr).await;
    let mut bytes = Handshake::new("/ws").bytes();
    bytes.extend(masked(TEXT, b"one"));
    for byte in bytes {
        raw.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(raw.head().await.status, 101);
    assert_eq!(raw.frame().await, (TEXT, b"one".to_vec()));
}

#[tokio::test]
async fn extractor_follows_the_layer_around_it() {
    let (app, mut conns) = handing_over("/ws");
    let upgrader =
        Upgrader::new().subprotocols(["chat"]).config(Config::new().max_message_size(4)).response_headers(
            [(http::header::SERVER, http::HeaderValue::from_static("ws"))].into_iter().collect(),
        );
    let addr = support::serve_axum(app.layer(UpgradeLayer::new(upgrader))).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/ws").add("Sec-WebSocket-Protocol", "chat")).await;
    assert_eq!(head.get("sec-websocket-protocol").as_deref(), Some("chat"));
    assert_eq!(head.get("server").as_deref(), Some("ws"));

    let mut conn = within(conns.recv()).await.expect("a connection");
    assert_eq!(conn.subprotocol(), Some("chat"));
    raw.send_frame(TEXT, b"fives").await;
    let error = tokio::spawn(async move { conn.read_message().await.expect_err("too big") });
    assert_eq!(raw.frame().await.0, CLOSE);
    drop(raw);
    assert_eq!(within(error).await.expect("no panic").kind(), &ErrorKind::TooBig { limit: 4 });
}

/// With the server's order a handler chooses as it does with axum.
#[tokio::test]
async fn order_of_subprotocols_is_that_of_the_layer() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.protocols(["v1", "v2"]).on_upgrade(|_| async {})
    }
    let server = UpgradeLayer::new(Upgrader::new().subprotocol_order(SubprotocolOrder::Server));
    let app = Router::new().route("/server", any(handler).layer(server)).route("/client", any(handler));
    let addr = support::serve_axum(app).await;
    for (path, chosen) in [("/server", "v1"), ("/client", "v2")] {
        let handshake = Handshake::new(path).add("Sec-WebSocket-Protocol", "v3, v2, v1");
        let (_raw, head) = Raw::open(addr, &handshake).await;
        assert_eq!(head.get("sec-websocket-protocol").as_deref(), Some(chosen), "{path}");
    }
}

#[tokio::test]
async fn innermost_layer_wins() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |_| ())
    }
    let named = |name: &str| UpgradeLayer::new(Upgrader::new().subprotocols([name]));
    let app = Router::new()
        .route("/inner", any(handler).layer(named("inner")))
        .route("/outer", any(handler))
        .layer(named("outer"));
    let addr = support::serve_axum(app).await;
    for name in ["inner", "outer"] {
        let handshake = Handshake::new(&format!("/{name}")).add("Sec-WebSocket-Protocol", "outer, inner");
        let (_raw, head) = Raw::open(addr, &handshake).await;
        assert_eq!(head.get("sec-websocket-protocol").as_deref(), Some(name));
    }
}

#[tokio::test]
async fn handler_overrides_the_layer() {
    let (send, mut results) = mpsc::unbounded_channel();
    let handler = async move |ws: WebSocketUpgrade| {
        ws.max_message_size(8).on_upgrade(move |mut socket| async move {
            while let Some(result) = socket.recv().await {
                send.send(result).ok();
            }
        })
    };
    let layer = UpgradeLayer::new(Upgrader::new().config(Config::new().max_message_size(4)));
    let addr = support::serve_axum(Router::new().route("/ws", any(handler)).layer(layer)).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/ws")).await;
    raw.send_frame(TEXT, b"eight ch").await;
    raw.send_frame(TEXT, b"nine char").await;
    assert_eq!(
        within(results.recv()).await.expect("a result").expect("a message"),
        Message::text("eight ch")
    );
    assert_eq!(raw.frame().await.0, CLOSE);
    drop(raw);
    let error = within(results.recv()).await.expect("a result").expect_err("too big");
    let error = error.into_inner().downcast::<ws_core::Error>().expect("an error of ours");
    assert_eq!(error.kind(), &ErrorKind::TooBig { limit: 8 });
}

/// Announces a message of `len` bytes, sends one of them, and gives what the server sends before the end.
async fn answer_to_announced(app: Router, len: u64) -> Vec<u8> {
    let addr = support::serve_axum(app).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(head.status, 101);
    let mut frame = vec![0x82, 0xFF];
    frame.extend(len.to_be_bytes());
    frame.extend([0; 5]);
    raw.send(&frame).await;
    raw.shutdown().await;
    raw.rest().await
}

#[tokio::test]
async fn message_limit_is_the_one_of_axum_without_a_layer_and_ours_with_one() {
    const TOO_BIG: &[u8] = b"\x88\x02\x03\xF1";
    let plain = || Router::new().route("/ws", any(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)));
    assert_eq!(answer_to_announced(plain(), 64 << 20).await, b"");
    assert_eq!(answer_to_announced(plain(), (64 << 20) + 1).await, TOO_BIG);
    let layered = || plain().layer(UpgradeLayer::new(Upgrader::new()));
    assert_eq!(answer_to_announced(layered(), 1 << 20).await, b"");
    assert_eq!(answer_to_announced(layered(), (1 << 20) + 1).await, TOO_BIG);
}

#[tokio::test]
async fn optional_extractor_is_none_only_for_requests_that_ask_for_something_else() {
    async fn handler(ws: Option<WebSocketUpgrade>) -> Response {
        match ws {
            Some(ws) => ws.on_upgrade(echo),
            None => "a page".into_response(),
        }
    }
    let addr = support::serve_axum(Router::new().route("/", any(handler))).await;
    let good = Handshake::new("/");
    let plain = good.clone().without("Upgrade").without("Connection");
    let status = async |handshake: &Handshake| Raw::open(addr, handshake).await.1.status;
    assert_eq!(status(&good).await, 101);
    assert_eq!(status(&plain).await, 200);
    assert_eq!(status(&good.clone().set("Upgrade", "h2c")).await, 200);
    assert_eq!(status(&good.clone().without("Connection")).await, 400);
    assert_eq!(status(&good.clone().without("Sec-WebSocket-Key")).await, 400);
}

#[tokio::test]
async fn result_extractor_gives_the_rejection_to_the_handler() {
    async fn handler(ws: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Response {
        match ws {
            Ok(ws) => ws.on_upgrade(echo),
            Err(WebSocketUpgradeRejection::OriginNotAllowed(_)) => StatusCode::IM_A_TEAPOT.into_response(),
            Err(other) => other.into_response(),
        }
    }
    let addr = support::serve_axum(Router::new().route("/", any(handler))).await;
    let (_raw, head) = Raw::open(addr, &Handshake::new("/").add("Origin", "https://other.example")).await;
    assert_eq!(head.status, 418);
    let (_raw, head) = Raw::open(addr, &Handshake::new("/").line("POST / HTTP/1.1")).await;
    assert_eq!((head.status, head.get("allow").as_deref()), (405, Some("GET")));
}

#[tokio::test]
async fn rejection_follows_the_policy_of_the_layer() {
    let app = Router::new().route("/ws", any(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)));
    let upgrader = Upgrader::new().on_rejection(|rejection, mut response| {
        *response.body_mut() = rejection.to_string().into();
        response
    });
    let addr = support::serve_axum(app.layer(UpgradeLayer::new(upgrader))).await;
    let (mut raw, head) =
        Raw::open(addr, &Handshake::new("/ws").add("Origin", "https://other.example")).await;
    assert_eq!(head.status, 403);
    let body = String::from_utf8(raw.rest().await).expect("text");
    assert!(body.contains("origin"), "{body}");
}

#[tokio::test]
async fn failed_upgrade_is_told() {
    let (send, mut errors) = mpsc::unbounded_channel();
    // The response is another one, and the connection goes on as HTTP until its next request.
    let handler = async move |ws: WebSocketUpgrade| {
        let _ = ws
            .on_failed_upgrade(move |error: axum::Error| send.send(error).expect("the test waits"))
            .on_upgrade(async |_| panic!("there is no connection"));
        "something else"
    };
    let addr = support::serve_axum(Router::new().route("/ws", any(handler))).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(head.status, 200);
    raw.send(&Handshake::new("/other").bytes()).await;
    let error = within(errors.recv()).await.expect("an error");
    assert!(error.into_inner().is::<ws_tower::UpgradeError>());
}

/// A task that takes it by value keeps two places for it, for as long as the connection lives.
#[test]
fn socket_is_three_words() {
    assert_eq!(size_of::<WebSocket>(), 3 * size_of::<usize>());
}

#[tokio::test]
async fn service_is_a_route() {
    let service = Upgrader::new().service(|mut conn: Conn<Upgraded>| async move {
        conn.write_message("hello").await.ok();
    });
    let addr = support::serve_axum(Router::new().route_service("/raw", service)).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/raw")).await;
    assert_eq!(head.status, 101);
    assert_eq!(raw.frame().await, (TEXT, b"hello".to_vec()));
}

#[tokio::test]
async fn close_code_of_the_handler_goes_out() {
    let handler = async |ws: WebSocketUpgrade| {
        ws.on_upgrade(async |mut socket| {
            let frame = CloseFrame { code: 4000.into(), reason: "bye".into() };
            socket.send(Message::Close(Some(frame))).await.ok();
            while let Some(Ok(_)) = socket.next().await {}
        })
    };
    let addr = support::serve_axum(Router::new().route("/ws", any(handler))).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(raw.frame().await, (CLOSE, b"\x0F\xA0bye".to_vec()));
    raw.send_frame(CLOSE, b"\x0F\xA0").await;
    assert_eq!(raw.rest().await, b"");
}

#[tokio::test]
async fn queued_messages_go_out_when_the_stream_is_about_to_wait() {
    let handler = async |ws: WebSocketUpgrade| {
        ws.on_upgrade(async |mut socket| {
            socket.feed(Message::text("fed")).await.ok();
            socket.next().await;
        })
    };
    let addr = support::serve_axum(Router::new().route("/ws", any(handler))).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(raw.frame().await, (TEXT, b"fed".to_vec()));
}
