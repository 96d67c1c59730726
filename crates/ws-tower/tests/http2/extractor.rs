//! The extractor in routes of axum, over both versions of HTTP.

use axum::{Router, routing::any};
use http::Request;
use tokio::net::TcpStream;
use ws_tower::{
    UpgradeLayer, Upgrader,
    extract::{WebSocket, WebSocketUpgrade},
};

use crate::{
    client::{Connection, handshake},
    support::{self, Handshake, Raw, TEXT, within},
};

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// A route that is a page as well.
fn app() -> Router {
    let handler = async |ws: Option<WebSocketUpgrade>| match ws {
        Some(ws) => ws.on_upgrade(echo),
        None => axum::response::IntoResponse::into_response("a page"),
    };
    Router::new().route("/ws", any(handler)).layer(UpgradeLayer::new(Upgrader::new().subprotocols(["chat"])))
}

#[tokio::test]
async fn one_route_serves_both_versions_and_a_page() {
    let addr = support::serve_axum(app()).await;
    let connection = Connection::over(within(TcpStream::connect(addr)).await.expect("connected")).await;
    connection.open().await.echoes("over HTTP/2").await;

    let (page, _) =
        connection.ask(Request::get("https://server.example/ws").body(()).expect("a request")).await;
    assert_eq!(page.status(), 200);
    let data = within(page.into_body().data()).await.expect("a body").expect("open");
    assert_eq!(data, "a page");

    let (mut raw, head) = Raw::open(addr, &Handshake::new("/ws")).await;
    assert_eq!(head.status, 101);
    raw.send_frame(TEXT, b"over HTTP/1.1").await;
    assert_eq!(raw.frame().await, (TEXT, b"over HTTP/1.1".to_vec()));
}

#[tokio::test]
async fn layer_decides_over_http2_too() {
    let addr = support::serve_axum(app()).await;
    let connection = Connection::over(within(TcpStream::connect(addr)).await.expect("connected")).await;
    let request = |name: &str, value: &str| handshake().header(name, value).body(()).expect("a request");
    let (response, _) = connection.ask(request("sec-websocket-protocol", "chat")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["sec-websocket-protocol"]),
        (200, &"chat".parse().expect("a value"))
    );
    let (response, _) = connection.ask(request("origin", "https://other.example")).await;
    assert_eq!(response.status(), 403);
}
