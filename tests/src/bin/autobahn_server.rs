//! The server that Autobahn's fuzzing client talks to: echoes every message, on any path.

use axum::{Router, response::Response, routing::any};
use tokio::net::TcpListener;
use ws_core::Message;
use ws_tower::extract::{WebSocket, WebSocketUpgrade};

/// Autobahn's largest messages have 16 MiB.
const MAX_MESSAGE_SIZE: usize = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut args = std::env::args().skip(1);
    let (Some("--listen"), Some(address), None) = (args.next().as_deref(), args.next(), args.next()) else {
        return Err("usage: autobahn-server --listen HOST:PORT".into());
    };
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(any(upgrade))).await?;
    Ok(())
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.max_message_size(MAX_MESSAGE_SIZE).max_frame_size(MAX_MESSAGE_SIZE).on_upgrade(echo)
}

async fn echo(socket: WebSocket) {
    let mut conn = socket.into_conn();
    // Most cases end in an error on purpose; the suite judges what went over the wire.
    while let Ok(Some(message @ (Message::Text(_) | Message::Binary(_)))) = conn.read_message().await {
        if conn.write_message(message).await.is_err() {
            break;
        }
    }
}
