//! The opening handshake as pure functions over `http` types (RFC 6455, section 4).
//!
//! Nothing here does I/O, reads a clock or draws random bytes, and nothing depends on an HTTP implementation: the same
//! functions serve any server and any client. All of it reads every line of a header and runs in time linear in the
//! size of the headers.
//!
//! A server checks the request, then its origin, then its key, and answers:
//!
//! ```
//! use http::{Request, Response};
//! use ws_core::handshake::{self, Refusal};
//!
//! fn accept<B>(request: &Request<B>) -> Result<Response<()>, Refusal> {
//!     let (uri, headers) = (request.uri(), request.headers());
//!     handshake::check_request(request.method(), request.version(), uri, headers)?;
//!     let authority = handshake::request_authority(uri, headers).ok_or(Refusal::Host)?;
//!     if !handshake::is_same_origin(headers, authority, None) {
//!         return Err(Refusal::OriginNotAllowed);
//!     }
//!     let accept = handshake::check_key(headers)?;
//!     Ok(handshake::response(accept, handshake::select_subprotocol(headers, &["chat"])))
//! }
//!
//! let request = Request::get("/")
//!     .header("host", "server.example.com")
//!     .header("connection", "keep-alive, Upgrade")
//!     .header("upgrade", "websocket")
//!     .header("sec-websocket-version", "13")
//!     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
//!     .header("sec-websocket-protocol", "superchat, chat")
//!     .body(())?;
//! let response = accept(&request)?;
//! assert_eq!(response.status(), 101);
//! assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//! assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`RequestHead`] does the same with one reading of the head.
//!
//! Over HTTP/2 (RFC 8441) [`check_connect`] and [`connect_response`] take the place of the first and the last, and there is
//! no key.
//!
//! A client draws sixteen random bytes for [`encode_key`], adds [`request_headers`] to its request, and lets
//! [`check_response`] read the answer.
//!
//! An [`Offer`] does all of a client's part, compression included, over HTTP/1.1 and HTTP/2, and gives what a connection is
//! made with.
//!
//! permessage-deflate (RFC 7692) is negotiated beside that: a server lets [`negotiate_deflate`] choose among the offers, and
//! adds what it gives to the response; a client's [`Offer`] holds its configuration.

mod client;
mod connect;
#[cfg(feature = "deflate")]
mod deflate;
mod extensions;
mod fields;
mod head;
mod key;
mod offer;
mod origin;
mod refusal;
mod scan;
mod server;
mod subprotocol;
mod tokens;

#[cfg(test)]
mod tests;

#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub use self::deflate::{negotiate_deflate, offer_deflate};
pub use self::{
    client::{OfferError, ResponseError, check_response, is_reserved_request_header, request_headers},
    connect::{check_connect, connect_response, is_websocket_connect},
    extensions::{
        Extension, ExtensionParameter, ExtensionParameters, Extensions, InvalidExtension, parse_extensions,
    },
    head::RequestHead,
    key::{accept_key, encode_key, is_valid_key},
    offer::Offer,
    origin::{InvalidOrigin, Origin, is_same_origin, request_authority},
    refusal::Refusal,
    server::{check_key, check_request, is_reserved_response_header, is_websocket_upgrade, response},
    subprotocol::{requested_subprotocols, select_subprotocol},
    tokens::{Tokens, has_token, is_token, is_token_list, tokens},
};

#[cfg(all(feature = "deflate", feature = "raw"))]
pub(crate) use self::deflate::parameters;

/// What the handshake without an HTTP server needs: the same checks, over heads that were parsed without a map.
#[cfg(feature = "raw")]
pub(crate) use self::{
    client::{check_answer, check_offer},
    fields::{Field, Fields},
    key::{answer_key, encode_nonce},
    origin::{is_scheme, is_valid_host},
    scan::is_token_byte,
    server::{MAX_FIELDS, MAX_HEAD, MAX_LINE, RequestParts, valid_key},
};
