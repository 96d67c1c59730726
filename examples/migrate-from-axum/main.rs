//! What does a handler for `axum::extract::ws` look like here?
//!
//! The same. This one does what axum's own example for WebSockets does: it greets, reads and writes in two tasks, tells control
//! frames apart, and closes with a code and a reason. All that was changed is one line:
//!
//! ```diff
//!  use axum::{
//!      Router,
//!      extract::ConnectInfo,
//!      http::{HeaderMap, header::USER_AGENT},
//!      response::IntoResponse,
//!      routing::any,
//!  };
//! -use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
//! +use ws_tower::extract::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
//! ```
//!
//! With it comes a check of origins: a page of another host is refused with 403. See docs/migrating/from-axum.md.
//!
//! ```text
//! cargo run --release --bin migrate-from-axum
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws
//! ```
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderMap, header::USER_AGENT},
    response::IntoResponse,
    routing::any,
};
use futures_util::{SinkExt, StreamExt};
use ws_tower::extract::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;
    let app = Router::new().route("/ws", any(handler));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, app).await {
        eprintln!("{error}");
    }
}

async fn handler(
    ws: WebSocketUpgrade,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("something");
    println!("{peer} connects with {}", agent.escape_debug());
    ws.max_message_size(64 << 10).on_upgrade(move |socket| handle(socket, peer))
}

async fn handle(mut socket: WebSocket, peer: SocketAddr) {
    if socket.send(Message::Ping(vec![1, 2, 3].into())).await.is_err() {
        return;
    }
    // Two halves, so that one task writes while the other reads.
    let (mut sender, mut receiver) = socket.split();
    let write = tokio::spawn(async move {
        for number in 1..=3 {
            if sender.send(Message::text(format!("message {number}"))).await.is_err() {
                return;
            }
        }
        let frame = CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::from_static("Goodbye") };
        if let Err(error) = sender.send(Message::Close(Some(frame))).await {
            println!("{peer} is not told goodbye: {error}");
        }
    });
    // Reading answers pings and finishes the closing handshake on the way.
    while let Some(Ok(message)) = receiver.next().await {
        print(peer, &message);
    }
    write.abort();
    println!("{peer} is gone");
}

fn print(peer: SocketAddr, message: &Message) {
    match message {
        Message::Text(text) => println!("{peer} says {:?}", text.as_str()),
        Message::Binary(data) => println!("{peer} sends {} bytes", data.len()),
        Message::Ping(data) | Message::Pong(data) => println!("{peer} is there: {data:?}"),
        Message::Close(Some(CloseFrame { code, reason })) => {
            println!("{peer} closes: {code} {:?}", reason.as_str())
        }
        Message::Close(None) => println!("{peer} closes"),
    }
}
