//! Tests of WebSocket routes in process: the whole opening handshake, and no listener.
//!
//! A [`Client`] calls an application, an `axum::Router` or any other tower service, with an opening handshake, and gives the
//! client's end of the connection over a pipe in memory. Routing, state, middleware, extractors and the [`Upgrader`] work as
//! they do behind a server; so does the handshake, whose answer is checked as a client checks it.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, response::Response, routing::any};
//! use ws_core::Message;
//! use ws_tower::{extract::WebSocketUpgrade, testing::Client};
//!
//! async fn shout(ws: WebSocketUpgrade) -> Response {
//!     ws.on_upgrade(|mut socket| async move {
//!         while let Some(Ok(Message::Text(text))) = socket.recv().await {
//!             if socket.send(text.to_uppercase().into()).await.is_err() {
//!                 return;
//!             }
//!         }
//!     })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Router::new().route("/ws", any(shout)));
//!
//! let (mut conn, response) = client.connect("/ws").await?;
//! assert_eq!(response.status(), 101);
//! conn.write_message("hello").await?;
//! assert_eq!(conn.read_message().await?, Some(Message::text("HELLO")));
//!
//! let refused = client.connect("/elsewhere").await.unwrap_err();
//! assert_eq!(refused.status().unwrap(), 404);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here waits for a clock or a socket, so tests run with paused time (`start_paused`), and many at once.
//!
//! # What is different from a server
//!
//! * The request says `Host: localhost` unless the URL or a header says otherwise, and has no `ConnectInfo`: add what a
//!   server would know with [`Client::extension`].
//! * [`Upgraded::peer_addr`](crate::Upgraded::peer_addr) is `None`.
//! * Handlers that take hyper's `OnUpgrade` out of the request themselves, as `axum::extract::ws` does, do not find one.
//!   Nobody but hyper can make one.
//!
//! [`Upgrader`]: crate::Upgrader

mod client;
mod error;
mod offer;

pub(crate) use self::offer::Offer;
pub use self::{client::Client, error::ConnectError};
