//! The checks of an opening handshake, in their order.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
};

use http::{HeaderMap, HeaderValue, Method, Request, Version, request::Parts};
use ws_core::handshake::{self, Refusal};

#[cfg(feature = "deflate")]
use super::accepted::Agreed;
use super::{Upgrader, accepted::Handshake};
use crate::{
    rejection::{Cause, WebSocketUpgradeRejection},
    source::UpgradeSource,
};

impl Upgrader {
    /// Runs all checks in their order: the request, the origin, the key, and whether there is an upgrade to be had.
    pub(crate) fn check(&self, request: &mut Parts) -> Result<Handshake, WebSocketUpgradeRejection> {
        let accept = self
            .check_head(request)
            .map_err(|cause| WebSocketUpgradeRejection::new(cause, self.0.on_rejection.clone()))?;
        let Some(source) = UpgradeSource::take(&mut request.extensions) else {
            let cause = Cause::Http1(Refusal::NotUpgradable);
            return Err(WebSocketUpgradeRejection::new(cause, self.0.on_rejection.clone()));
        };
        Ok(Handshake {
            upgrader: self.clone(),
            source,
            accept,
            subprotocol: handshake::select_subprotocol(&request.headers, &self.0.subprotocols),
            config: self.0.config.clone(),
            response_headers: HeaderMap::new(),
            #[cfg(feature = "deflate")]
            compression: Agreed::on(&request.headers, self.0.compression.as_ref()),
        })
    }

    /// Checks what the request says, and gives the `Sec-WebSocket-Accept` to answer with.
    fn check_head(&self, request: &Parts) -> Result<HeaderValue, Cause> {
        let Parts { method, uri, version, headers, .. } = request;
        if *version > Version::HTTP_11 {
            // RFC 8441, 4: there a WebSocket is opened with CONNECT and `:protocol`.
            return Err(if method == Method::CONNECT { Cause::ProtocolNotSpoken } else { Cause::NotConnect });
        }
        handshake::check_request(method, *version, uri, headers).map_err(Cause::Http1)?;
        // A closure of the application may panic: the client gets an answer all the same, and nothing here is left half
        // done, as nothing was begun.
        let allowed = panic::catch_unwind(AssertUnwindSafe(|| self.0.check_origin.allows(request)));
        if !allowed.map_err(|_| Cause::CheckPanicked)? {
            return Err(Cause::Http1(Refusal::OriginNotAllowed));
        }
        handshake::check_key(headers).map_err(Cause::Http1)
    }
}

/// Lends the head of a request. It is all that is checked, and `Parts` is how the rest of this crate, and functions of
/// applications, see it; moving it out and back costs a few words.
pub(super) fn with_head<B, T>(request: &mut Request<B>, check: impl FnOnce(&mut Parts) -> T) -> T {
    let (mut parts, ()) = Request::new(()).into_parts();
    swap_head(&mut parts, request);
    let checked = check(&mut parts);
    swap_head(&mut parts, request);
    checked
}

/// Exchanges everything but the body.
fn swap_head<B>(parts: &mut Parts, request: &mut Request<B>) {
    mem::swap(&mut parts.method, request.method_mut());
    mem::swap(&mut parts.uri, request.uri_mut());
    mem::swap(&mut parts.version, request.version_mut());
    mem::swap(&mut parts.headers, request.headers_mut());
    mem::swap(&mut parts.extensions, request.extensions_mut());
}
