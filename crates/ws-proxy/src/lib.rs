//! A reverse proxy for WebSocket that keeps every close code, header and byte.
//!
//! A [`Proxy`] is a tower `Service`, and so a route of axum:
//!
//! ```no_run
//! use axum::Router;
//! use ws_proxy::Proxy;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxy = Proxy::to("ws://127.0.0.1:9000")?.strip_prefix("/chat");
//! let app = Router::new().route_service("/chat/{*rest}", proxy);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The program `ws-proxy` (feature `bin`) is one with a configuration file.
//!
//! # What happens to a request
//!
//! 1. The [`Upgrader`](ws_tower::Upgrader) checks it: what is no opening handshake, comes from a page that is not allowed, or exceeds a limit
//!    is answered here, and no backend hears of it.
//! 2. The [`Backends`] choose one. Its request is made of the client's: end-to-end headers pass, those of one connection do not;
//!    `Host` and `Origin` go by a [`HostPolicy`] and an [`OriginPolicy`], [`ForwardedHeaders`] tell of the client, and the
//!    [director](Proxy::director) has the last word.
//! 3. The backend is dialed, by a key of the proxy's own. If it cannot be reached, another one is tried. When the client goes
//!    away, the dial ends.
//! 4. Only a valid answer is passed on as an acceptance, with the subprotocol, the extensions, each line of `Set-Cookie` and all other
//!    end-to-end headers. Whatever else the backend says is passed on as a refusal: status, headers, body.
//! 5. What the client has sent meanwhile waits with the HTTP server. Nothing of it reaches a backend before that has accepted.
//!
//! | The client gets | When |
//! |---|---|
//! | what the [`Upgrader`](ws_tower::Upgrader) says | the request is no handshake that it accepts |
//! | 404 | [`rewrite_path`](Proxy::rewrite_path) has no path for it |
//! | 502 | the backend could not be reached, or answered wrongly |
//! | 503 with `Retry-After` | there is no backend, all are full, or the proxy is drained |
//! | 504 | the backend did not answer in time |
//! | what the backend says | it refuses |
//!
//! Client and backend may speak HTTP/1.1 or HTTP/2 (RFC 8441), each as it likes: feature `http2`.
//!
//! # Tunnel or relay
//!
//! By default the two connections are tied to a **tunnel** of bytes. Frames, fragments, masks, extensions and close codes pass as they
//! are; memory is bounded by the [buffers](Proxy::buffer_size), and the slower side sets the pace. The proxy follows the frame headers,
//! so that it can count messages, tell close codes, and say goodbye where a frame ends.
//!
//! A [`Relay`] reads and writes messages: it can look at them, change them, hold them to limits, ping each side, and end compression.
//!
//! # The life of a proxy
//!
//! [`Tunnels`] count the connections and drain them; a [`Reloadable`] takes another configuration while it serves;
//! [`Backends::replace`] changes the backends alone. None of it touches open connections, but for the drain.
//!
//! # Features
//!
//! * `deflate` (default): permessage-deflate at either side of a relay. Tunnels need nothing.
//! * `rustls` (default): `wss://` to backends, and TLS streams of tokio-rustls from clients.
//! * `native-tls`: `wss://` to backends with the TLS library of the system.
//! * `http2`: WebSocket over HTTP/2 at either side.
//! * `proxy-protocol`: the PROXY protocol, read and sent.
//! * `metrics` and `tracing`: `Observe`, which tells of requests and connections.
//! * `bin`: the program `ws-proxy`.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod body;
mod dialer;
mod dialing;
mod drain;
mod headers;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod observe;
mod peer;
mod proxy;
#[cfg(feature = "proxy-protocol")]
#[cfg_attr(docsrs, doc(cfg(feature = "proxy-protocol")))]
pub mod proxy_protocol;
mod record;
mod relay;
mod reload;
mod service;
mod telling;
mod tunnel;
mod tunnels;

/// What the types of this crate are made of, so that a proxy needs no dependency on it of its own.
#[doc(no_inline)]
pub use {http, ws_client, ws_core, ws_tower};

#[cfg(any(feature = "metrics", feature = "tracing"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "metrics", feature = "tracing"))))]
pub use self::observe::Observe;
pub use self::{
    backend::{BackendStatus, Backends, Health, InvalidBackend, StickyCookie},
    body::ProxyBody,
    dialer::BackendDialer,
    drain::{Drain, DrainFuture, DrainSummary},
    headers::{ForwardedHeaders, HostPolicy, OriginPolicy},
    peer::Peer,
    proxy::Proxy,
    record::{Access, Carried, Cause, Side},
    relay::{Relay, Verdict},
    reload::Reloadable,
    service::ProxyFuture,
    tunnels::Tunnels,
};
