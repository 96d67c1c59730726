//! The extractor: a drop-in for `axum::extract::ws`.
//!
//! Change the import line, and handlers compile as they are:
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use ws_tower::extract::{WebSocket, WebSocketUpgrade};
//!
//! async fn handler(ws: WebSocketUpgrade) -> Response {
//!     ws.on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if socket.send(message).await.is_err() {
//!             return;
//!         }
//!     }
//! }
//!
//! let app: Router = Router::new().route("/ws", any(handler));
//! # let _ = app;
//! ```
//!
//! # What is different
//!
//! * **Origins are checked.** A page of another origin is refused with 403 unless [`CheckOrigin`](crate::CheckOrigin)
//!   allows it. This is the one thing that may need a change: put an [`UpgradeLayer`](crate::UpgradeLayer) around
//!   the routes.
//! * `Connection` and `Upgrade` are parsed: every line, every token, instead of searched for a word.
//! * `Sec-WebSocket-Key` must be 16 bytes in Base64, once.
//! * Of the subprotocols that both sides know, the first one that the *client* names is chosen;
//!   [`requested_protocols`](WebSocketUpgrade::requested_protocols) keeps the client's order.
//! * A frame may be as large as a message (64 MiB) unless
//!   [`max_frame_size`](WebSocketUpgrade::max_frame_size) is set.
//! * Close codes are a type: write `4000.into()` for `4000`. `frame.code == 1000` compiles as before.
//! * What is still on its way when the handler sends a close frame is dropped; the peer's close frame comes next.
//! * The client of a handler that panics gets a close frame with 1011, not 1006.
//! * A refused request is answered with `Connection: close`, so that frames sent too early are never read as the next
//!   request.
//! * A request without `Upgrade: websocket` is answered with 426, another `Sec-WebSocket-Version` too; a connection that the
//!   HTTP server cannot upgrade with 500, and HTTP/1.0 with 400. Bodies of refusals are the name of the status.
//!
//! # Settings
//!
//! Without an [`UpgradeLayer`](crate::UpgradeLayer) the defaults are those of [`Upgrader`](crate::Upgrader), with
//! axum's limit of 64 MiB a message. Memory follows the bytes that have arrived, so the limit alone costs nothing. With
//! a layer, its `Upgrader` decides. The methods of [`WebSocketUpgrade`] override either.
//!
//! # Requests that may be something else
//!
//! `Option<WebSocketUpgrade>` is `None` for a request that does not ask for a WebSocket, so that one route can serve
//! a page too. A malformed handshake is refused all the same.

pub mod close_code;
mod socket;
mod upgrade;

pub use ws_core::{CloseCode, CloseFrame, Error, Message, Utf8Bytes};

pub use self::{
    socket::WebSocket,
    upgrade::{DefaultOnFailedUpgrade, OnFailedUpgrade, WebSocketUpgrade},
};
pub use crate::rejection;
