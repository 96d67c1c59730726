//! How do client and server agree on what their messages mean?
//!
//! ```text
//! cargo run --release --bin subprotocols
//! ```
//!
//! Then, in the console of a browser that shows the printed address:
//!
//! ```text
//! socket = new WebSocket("ws://127.0.0.1:3000/ws", ["shout.v1", "shout.v2"]);
//! socket.onopen = () => { console.log(socket.protocol); socket.send("hello"); };
//! socket.onmessage = (event) => console.log(event.data);
//! ```
#![forbid(unsafe_code)]

use axum::{
    Router,
    response::Response,
    routing::{any, get},
};
use serde_json::json;
use ws_core::Message;
use ws_tower::{
    SubprotocolOrder, UpgradeLayer, Upgrader,
    extract::{Error, WebSocket, WebSocketUpgrade},
};

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;
    let policy = Upgrader::new()
        .subprotocols(["shout.v2", "shout.v1"])
        // The client lists its subprotocols by preference, and so does the server. Unless told otherwise the client's
        // order counts; here whoever speaks the new version gets it.
        .subprotocol_order(SubprotocolOrder::Server)
        // A client that speaks neither is refused with 400. Without this line it is accepted, and none is chosen.
        .require_subprotocol(true);
    let app = Router::new()
        .route("/", get(async || "Speak shout.v1 or shout.v2 to /ws."))
        .route("/ws", any(upgrade))
        .layer(UpgradeLayer::new(policy));
    ws_examples::serve(listener, app).await;
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        if let Err(error) = shout(socket).await {
            eprintln!("{error}");
        }
    })
}

async fn shout(socket: WebSocket) -> Result<(), Error> {
    let mut conn = socket.into_conn();
    // Decided once: it cannot change while the connection is open.
    let is_json = conn.subprotocol() == Some("shout.v2");
    while let Some(message) = conn.read_message().await? {
        let Message::Text(text) = message else { continue };
        let loud = text.to_uppercase();
        let reply = if is_json { json!({ "said": loud }).to_string() } else { loud };
        conn.queue_message(reply).await?;
    }
    Ok(())
}
