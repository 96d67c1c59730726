//! The server that Autobahn's fuzzing client talks to: echoes every message, in the style that the path names.

use axum::{Router, extract::Path, http::StatusCode, response::Response, routing::any};
use tokio::net::TcpListener;
use ws_core::DeflateConfig;
use ws_tests::echo::Style;
use ws_tower::extract::WebSocketUpgrade;

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
    axum::serve(listener, Router::new().route("/{style}", any(upgrade))).await?;
    Ok(())
}

async fn upgrade(Path(style): Path<String>, ws: WebSocketUpgrade) -> Result<Response, StatusCode> {
    let style: Style = style.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let ws = ws
        .max_message_size(MAX_MESSAGE_SIZE)
        .max_frame_size(MAX_MESSAGE_SIZE)
        // Offered in the cases of sections 12 and 13 only. The shortest messages are compressed, too.
        .compression(DeflateConfig::new().threshold(0));
    Ok(ws.on_upgrade(async move |socket| {
        let _ended = style.echo(socket.into_conn()).await;
    }))
}
