//! WebSocket servers on tower, hyper and axum: the opening handshake, and the connection that follows it.
//!
//! An [`Upgrader`] holds the policy of a server: which origins may connect, which subprotocols it speaks, how large a
//! message may be. There are three ways to serve with it.
//!
//! # 1. In axum, as an extractor
//!
//! [`extract`] is a drop-in for `axum::extract::ws`. An [`UpgradeLayer`] gives the policy to the routes below it.
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, response::Response, routing::any};
//! use ws_tower::{CheckOrigin, UpgradeLayer, Upgrader, extract::{WebSocket, WebSocketUpgrade}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upgrader = Upgrader::new().check_origin(CheckOrigin::list(["https://app.example.com"])?);
//! let app = Router::new().route("/ws", any(handler)).layer(UpgradeLayer::new(upgrader));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
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
//! ```
//!
//! # 2. As a tower service
//!
//! [`Upgrader::service`] makes a complete endpoint of a handler. It takes requests with any body, so it runs under hyper
//! itself, as a route of axum (`route_service`), and below any middleware.
//!
//! ```no_run
//! use hyper::server::conn::http1;
//! use hyper_util::{rt::{TokioIo, TokioTimer}, service::TowerToHyperService};
//! use ws_tower::Upgrader;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let echo = Upgrader::new().service(|mut conn| async move {
//!     while let Ok(Some(message)) = conn.read_message().await {
//!         if conn.write_message(message).await.is_err() {
//!             return;
//!         }
//!     }
//! });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     // The timer bounds how long a client may take to send its request; `with_upgrades` hands over the connection.
//!     let server = http1::Builder::new()
//!         .timer(TokioTimer::new())
//!         .serve_connection(TokioIo::new(stream), TowerToHyperService::new(echo.clone()))
//!         .with_upgrades();
//!     tokio::spawn(server);
//! }
//! # }
//! ```
//!
//! # 3. By hand
//!
//! [`Upgrader::upgrade`] checks one request and gives the response and a future of the connection. Everything around it
//! (routing, authentication, the task) is yours.
//!
//! ```
//! use http::{Request, Response};
//! use ws_tower::{ResponseBody, Upgrader};
//!
//! fn answer<B>(upgrader: &Upgrader, mut request: Request<B>) -> Response<ResponseBody> {
//!     let accepted = match upgrader.upgrade(&mut request) {
//!         Ok(accepted) => accepted,
//!         Err(rejection) => return rejection.into(),
//!     };
//!     let room = request.uri().path().to_owned();
//!     tokio::spawn(async move {
//!         let mut conn = accepted.conn.await?;
//!         conn.write_message(format!("welcome to {room}")).await?;
//!         conn.close(None).await?;
//!         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//!     });
//!     accepted.response.map(|()| ResponseBody::empty())
//! }
//! # let _ = answer::<()>;
//! ```
//!
//! # What is checked
//!
//! `Connection`, `Upgrade`, the method, `Sec-WebSocket-Version`, the version of HTTP, the size of the head, `Host`, that
//! there is no body, the syntax of subprotocols and extensions, whether the host and the origin are allowed,
//! `Sec-WebSocket-Key`, the subprotocol if one is required, and whether there is a place for the connection, in this order;
//! every line and every token is read. A refusal is a [`rejection`], which is a response with the status and headers that fit it.
//!
//! Over HTTP/2 (RFC 8441) it is the method, `:protocol`, that there is no field of HTTP/1.1, `Sec-WebSocket-Version`, the size,
//! `:authority` and that `Host` does not contradict it, and from the body on the same; there is no key.
//!
//! # The life of a server
//!
//! A [`Tracker`] counts the connections, closes them with 1001 when the server stops, and waits for them, bounded; the HTTP
//! server does none of it, as connections are not its any more. A [`ConnectionLimit`] refuses handshakes beyond a number, in
//! total or for each client, with 503. Both are off until they are given to an [`Upgrader`].
//!
//! # When a handler panics
//!
//! Its peer gets what was queued and a close frame with 1011, in each of the three ways to serve, as long as panics
//! unwind. The panic goes on as ever, to the hook and to the `JoinHandle`; other connections are untouched. What the peer does
//! not take at once is sent in the background, in the close timeout at the longest. [`Tracker::panics`] counts.
//!
//! # Features
//!
//! * `axum` (default): [`extract`], and rejections as axum responses.
//! * `deflate` (default): `Upgrader::compression`, which is off until it is called.
//! * `http2`: WebSocket over HTTP/2, and the module `http2` to prepare servers for it. Without it `CONNECT` is refused with 501.
//! * `rustls`: takes TLS streams of tokio-rustls out of hyper's box, and `Upgraded::tls`.
//! * `json`: `read_json` and `write_json` of the connection.
//! * `metrics` and `tracing`: `Observe`, which tells of handshakes and connections.
//! * `testing`: `testing`, a client for tests of routes in process, without a listener.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod endpoint;
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod extract;
mod future;
mod host;
#[cfg(feature = "http2")]
#[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
pub mod http2;
mod io;
mod layer;
mod life;
mod limit;
mod member;
mod observe;
mod origin;
mod proxy;
pub mod rejection;
mod shutdown;
mod source;
mod sync;
mod target;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod tracker;
mod upgrader;

/// What the types of this crate are made of, so that a server needs no dependency on it of its own.
#[doc(no_inline)]
pub use {http, ws_core};

pub use ws_core::handshake::{is_websocket_upgrade, requested_subprotocols};

#[cfg(any(feature = "metrics", feature = "tracing"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "metrics", feature = "tracing"))))]
pub use self::observe::Observe;
pub use self::{
    body::ResponseBody,
    endpoint::UpgradeService,
    future::{OnUpgrade, UpgradeError},
    host::{AllowedHosts, InvalidHostPattern},
    io::Upgraded,
    layer::{Upgrade, UpgradeLayer},
    limit::ConnectionLimit,
    origin::{CheckOrigin, InvalidOriginPattern, OriginPattern, OriginPredicate},
    proxy::{InvalidAddressRange, TrustedProxy},
    shutdown::{Shutdown, ShutdownFuture, ShutdownSummary},
    tracker::Tracker,
    upgrader::{Accepted, OfferedSubprotocol, OfferedSubprotocols, SubprotocolOrder, Upgrader},
};
