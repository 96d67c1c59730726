//! How do I send back what a client sends?
//!
//! ```text
//! cargo run --release --bin echo
//! cargo run --release --bin echo -- --listen 127.0.0.1:8080
//! cargo run --release --bin echo -- --deflate
//! cargo run --release --bin echo -- --pages DIR    with pages that speak to it, such as examples/browser/anywhere
//! ```
//!
//! Then open the printed address in a browser, or type lines into `cargo run --bin connect ws://127.0.0.1:3000/ws`.
#![forbid(unsafe_code)]

use axum::{
    Router,
    response::{Html, Response},
    routing::{any, get},
};
use ws_core::DeflateConfig;
use ws_tower::{
    UpgradeLayer, Upgrader,
    extract::{Error, WebSocket, WebSocketUpgrade},
};

#[tokio::main]
async fn main() {
    let (listener, [deflate, pages]) = ws_examples::listen_with_options([
        ("--deflate", "", "compress messages, if the client offers it"),
        ("--pages", "DIR", "files to serve at /pages/, of pages that speak to this server"),
    ])
    .await;

    // Compression is off until it is asked for; this is all that it takes.
    let compression = deflate.map(|_| DeflateConfig::new());
    let app = Router::new()
        .route("/", get(Html(include_str!("index.html"))))
        // `any` and not `get`: the extractor itself answers whatever is not an opening handshake, with the right status.
        .route("/ws", any(upgrade))
        .merge(ws_examples::pages(pages.as_deref()))
        // The policy for the extractors below it: origins, limits, compression.
        .layer(UpgradeLayer::new(Upgrader::new().compression(compression)));
    // As `axum::serve`, but clients that are slow to send their request are cut off.
    ws_examples::serve(listener, app).await;
}

/// Answers the opening handshake. The closure runs in a task of its own once the response is sent.
async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        if let Err(error) = echo(socket).await {
            // Not a normal end: the peer broke a rule, closed with an error code, or vanished.
            eprintln!("{error}");
        }
    })
}

async fn echo(socket: WebSocket) -> Result<(), Error> {
    // `WebSocket` looks like axum's type. Below it is a `Conn`, which can do more and has errors that say more.
    let mut conn = socket.into_conn();

    // `None` is a normal end. Pings are answered and the closing handshake is finished on the way.
    while let Some(message) = conn.read_message().await? {
        // Queue instead of send: what is queued goes out as soon as the next read has to wait. Ten messages that
        // arrive together are answered with one write. `write_message` would write ten times.
        conn.queue_message(message).await?;
    }
    Ok(())
}
