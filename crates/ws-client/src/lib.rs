//! A WebSocket client over hyper.
//!
//! [`dial`] opens a connection with the defaults; a [`Dialer`] holds options and opens many.
//!
//! ```no_run
//! use ws_client::{Message, dial};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut conn, _response) = dial("wss://echo.example.com/").await?;
//! conn.write_message("hello").await?;
//! while let Some(message) = conn.read_message().await? {
//!     if let Message::Text(text) = message {
//!         println!("{text}");
//!         break;
//!     }
//! }
//! conn.close(None).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! * The opening handshake is spoken over HTTP/1.1, and what comes back is checked against RFC 6455, 4.1. Nothing is sent
//!   between the request and a valid answer.
//! * A server that refuses is heard out: [`DialError::response`] has its status, headers and the first 1,024 bytes of
//!   its body.
//! * Redirects are followed only when asked for, and credentials stay with the origin they are for:
//!   [`Dialer::redirects`].
//! * A dial is bounded in time, and the error says what it was waiting for: [`Dialer::handshake_timeout`].
//! * `wss://` is spoken by rustls with the *ring* provider and the platform's certificate verifier. No process-wide
//!   default is read or set, so nothing has to be installed first. Roots and client certificates of one's own go in by
//!   [`Dialer`], and a failure has its reason, a [`TlsError`].
//! * Anything that opens a transport can take the place of the [`Connector`]; [`Dialer::handshake`] takes one that is
//!   open already.
//! * [`Dialer::exchange`] is for reverse proxies: it offers what another client offers, and gives back whatever came of it.
//! * [`reconnect`] dials again when a connection is lost, keeps what is to be sent meanwhile, and subscribes anew.
//!
//! # Features
//!
//! * `rustls` (default): `wss://`. Without it and `native-tls` such URLs fail with an error that says so.
//! * `webpki-roots`: `Dialer::webpki_roots`, for systems without root certificates. It turns `rustls` on.
//! * `native-tls`: `Dialer::native_tls`, for the TLS library of the system; on Linux it needs OpenSSL's headers. Without
//!   `rustls` it is what `wss://` is spoken with.
//! * `proxy`: `Dialer::proxy`, for proxies that are spoken to in HTTP or HTTPS; none is used unless it is called.
//! * `socks`: SOCKS5 proxies, for which it takes `proxy` along.
//! * `deflate` (default): `Dialer::compression`, which is off until it is called.
//! * `idn` (default): hosts with letters beyond ASCII, such as `ws://bücher.example/`. Without it they are refused with an
//!   error that says so.
//! * `cookies`: `Dialer::cookie_jar`, which sends and keeps cookies.
//! * `http2`: `Dialer::http2`, several WebSockets on one connection of HTTP/2 (RFC 8441).
//! * `raw`: `ws_core::raw`, frames by hand, and the opening handshake on any byte stream for either side.
//! * `json`: `read_json` and `write_json` of the connection.
//! * `tracing`: events of dials and of clients that come back, target `ws_client`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connect;
#[cfg(feature = "cookies")]
mod cookies;
mod dial;
mod dialer;
mod error;
mod exchange;
mod handshake;
mod head;
#[cfg(feature = "http2")]
mod http2;
mod interim;
mod observe;
mod opening;
mod phase;
pub mod reconnect;
mod redirect;
mod replayed;
mod request;
mod target;
mod tls_error;
mod transport;
mod url;

use http::Response;

#[cfg(feature = "socks")]
#[cfg_attr(docsrs, doc(cfg(feature = "socks")))]
pub use crate::connect::proxy::SocksError;
#[cfg(feature = "proxy")]
#[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
pub use crate::connect::proxy::{Proxy, ProxyError, ProxyUriError};
#[cfg(feature = "cookies")]
#[cfg_attr(docsrs, doc(cfg(feature = "cookies")))]
pub use crate::cookies::{CookieJar, CookieStore};
#[cfg(feature = "http2")]
#[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
pub use crate::http2::{Http2Connection, Http2Dialer, Http2Error, Http2Stream, Http2Transport};
pub use crate::{
    connect::{Connecting, Connector},
    dialer::Dialer,
    error::{DialError, DialErrorKind},
    exchange::{Accepted, Exchange, RefusalBody},
    phase::Phase,
    redirect::{DialedUri, RedirectError},
    request::{IntoDialRequest, RequestError, UriError},
    tls_error::TlsError,
    transport::Transport,
};
/// The library whose builder [`Dialer::native_tls`] takes.
#[cfg(feature = "native-tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
#[doc(no_inline)]
pub use native_tls;
/// The library whose types [`Dialer::tls_config`] and its neighbours take.
#[cfg(feature = "rustls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
#[doc(no_inline)]
pub use rustls;
#[doc(no_inline)]
pub use ws_core::{
    CloseCode, CloseFrame, Config, Conn, Error, ErrorKind, Message,
    handshake::{OfferError, ResponseError},
};
/// What the types of this crate are made of, so that a client needs no dependency on it of its own.
#[doc(no_inline)]
pub use {http, ws_core};

/// Opens a connection with the default options: [`Dialer::dial`] without a dialer.
///
/// # Errors
///
/// [`DialError::kind`] says what failed.
///
/// # Cancel safety
///
/// Dropping the future closes whatever was opened.
pub async fn dial(request: impl IntoDialRequest) -> Result<(Conn<Transport>, Response<()>), DialError> {
    Dialer::new().dial(request).await
}
