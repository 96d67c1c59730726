//! [`RequestHead`]: the checks of a server that share one reading of a head.

use std::fmt;

use http::{
    HeaderMap, HeaderValue, Method, Uri, Version,
    header::{ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL},
    uri::Scheme,
};

#[cfg(feature = "deflate")]
use super::deflate::negotiate_offers;
use super::{
    Refusal, accept_key,
    connect::check_connect_fields,
    fields::Overview,
    origin::is_origin_of,
    server::{RequestParts, valid_key_of},
};
#[cfg(feature = "deflate")]
use crate::{DeflateConfig, NegotiatedDeflate};

/// The head of a request, read once for all of its checks.
///
/// Each method says what the function says that it names. To look up a header for every check takes twice as long
/// as one pass over the head.
///
/// ```
/// use http::{Request, Response};
/// use ws_core::handshake::{self, Refusal, RequestHead};
///
/// fn accept<B>(request: &Request<B>) -> Result<Response<()>, Refusal> {
///     let head = RequestHead::new(request.method(), request.version(), request.uri(), request.headers());
///     head.check()?;
///     let authority = head.authority().ok_or(Refusal::Host)?;
///     if !head.is_same_origin(authority, None) {
///         return Err(Refusal::OriginNotAllowed);
///     }
///     Ok(handshake::response(head.check_key()?, None))
/// }
/// # let _ = accept::<()>;
/// ```
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a Uri,
    parts: RequestParts<'a>,
    overview: Overview<'a>,
}

impl<'a> RequestHead<'a> {
    /// Reads a head. Nothing is checked yet.
    #[must_use]
    pub fn new(method: &'a Method, version: Version, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let parts = RequestParts::new(method, version, uri, headers);
        Self { method, uri, parts, overview: Overview::of(parts.fields) }
    }

    /// Checks all of the request but its origin and its key: [`check_request`](super::check_request).
    ///
    /// # Errors
    ///
    /// The first check that fails, as the answer to give.
    pub fn check(&self) -> Result<(), Refusal> {
        self.parts.check_fields(&self.overview)
    }

    /// Checks all of an HTTP/2 request but its origin: [`check_connect`](super::check_connect).
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn check_connect(&self, protocol: Option<&str>) -> Result<(), Refusal> {
        check_connect_fields(self.method, protocol, self.uri, self.parts.fields, &self.overview)
    }

    /// What the request is for: [`request_authority`](super::request_authority).
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        self.parts.authority.or_else(|| self.overview.host())
    }

    /// Whether the request comes from a page of the server it is sent to, or from no page at all:
    /// [`is_same_origin`](super::is_same_origin).
    #[must_use]
    pub fn is_same_origin(&self, authority: &str, scheme: Option<&Scheme>) -> bool {
        is_origin_of(self.overview.only_line(&ORIGIN), authority, scheme)
    }

    /// Checks the key, and gives the `Sec-WebSocket-Accept` that answers it: [`check_key`](super::check_key).
    ///
    /// # Errors
    ///
    /// If there is not exactly one `Sec-WebSocket-Key`, or if it is not 16 bytes in canonical Base64.
    pub fn check_key(&self) -> Result<HeaderValue, Refusal> {
        valid_key_of(self.overview.only_line(&SEC_WEBSOCKET_KEY)).map(accept_key)
    }

    /// Whether there is a `Sec-WebSocket-Protocol`: without, [`requested_subprotocols`](super::requested_subprotocols) gives none.
    #[must_use]
    pub fn offers_subprotocols(&self) -> bool {
        self.overview.contains(&SEC_WEBSOCKET_PROTOCOL)
    }

    /// Whether there is a `Sec-WebSocket-Extensions`: without, [`parse_extensions`](super::parse_extensions) gives none.
    #[must_use]
    pub fn offers_extensions(&self) -> bool {
        self.overview.contains(&SEC_WEBSOCKET_EXTENSIONS)
    }

    /// Chooses the first offer of permessage-deflate that can be kept to: [`negotiate_deflate`](super::negotiate_deflate).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn negotiate_deflate(&self, config: &DeflateConfig) -> Option<(NegotiatedDeflate, HeaderValue)> {
        if !self.offers_extensions() {
            return None;
        }
        negotiate_offers(self.overview.lines(&SEC_WEBSOCKET_EXTENSIONS).extensions(), config)
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("uri", self.uri)
            .finish_non_exhaustive()
    }
}
