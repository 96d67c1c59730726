//! How do I stop a server so that its clients know, and nobody is cut off?
//!
//! ```text
//! cargo run --release --bin graceful-shutdown
//! cargo run --release --bin connect ws://127.0.0.1:3000/ws     in other terminals, as many as you like
//! ```
//!
//! Then press Ctrl-C in the first, or send it `SIGTERM`.
#![forbid(unsafe_code)]

use std::{future::IntoFuture as _, time::Duration};

use axum::{Router, response::Response, routing::any};
use tokio::time::timeout;
use ws_tower::{
    ConnectionLimit, Tracker, UpgradeLayer, Upgrader,
    extract::{Error, WebSocket, WebSocketUpgrade},
};

#[tokio::main]
async fn main() {
    // Knows every connection that is upgraded below the layer. Keep a clone to stop them all.
    let tracker = Tracker::new();
    let upgrader = Upgrader::new()
        .tracker(tracker.clone())
        // Beyond this, handshakes are refused with 503 before they cost anything.
        .limit(ConnectionLimit::new().total(10_000));
    let app = Router::new().route("/ws", any(upgrade)).layer(UpgradeLayer::new(upgrader));

    let listener = ws_examples::listen().await;
    // The HTTP server stops when the tracker does: it accepts no more, and finishes the requests that it has.
    let server = axum::serve(listener, app).with_graceful_shutdown(tracker.shutdown_begun());
    let server = tokio::spawn(server.into_future());

    ws_examples::stop_signal().await;
    println!("closing {} connections", tracker.len());
    // Ten thousand clients that are closed in one instant come back in one instant.
    let summary = tracker.shutdown().stagger(Duration::from_secs(2)).await;
    println!("{} closed, {} aborted, {} panics", summary.closed, summary.aborted, tracker.panics());
    // axum waits for ever for a client that began a request and never ends it.
    let _ = timeout(Duration::from_secs(5), server).await;
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        if let Err(error) = echo(socket).await {
            eprintln!("{error}");
        }
    })
}

/// Knows nothing of all that: the shutdown is a normal end to it.
async fn echo(socket: WebSocket) -> Result<(), Error> {
    let mut conn = socket.into_conn();
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}
