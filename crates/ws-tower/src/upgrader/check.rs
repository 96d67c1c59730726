//! The checks of an opening handshake, in their order.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
};

use http::{HeaderValue, Request, Version, request::Parts};
use ws_core::handshake::{Refusal, RequestHead};

#[cfg(feature = "deflate")]
use super::accepted::Agreed;
#[cfg(feature = "axum")]
use super::accepted::Offers;
use super::{Upgrader, accepted::Handshake};
use crate::{
    Tracker,
    life::Life,
    observe::Handshaking,
    rejection::{Cause, Fault, WebSocketUpgradeRejection},
    source::UpgradeSource,
    target::Target,
};

impl Upgrader {
    /// Runs all checks in their order: the request, the host, the origin, the key, the subprotocol, and whether there is an
    /// upgrade to be had.
    pub(crate) fn check(&self, request: &mut Parts) -> Result<Handshake, WebSocketUpgradeRejection> {
        let observed = Handshaking::begin(self, request);
        let version = request.version;
        let (answer, life, source) = match self.check_all(request) {
            Ok(checked) => checked,
            Err(fault) => {
                let cause = Cause { fault, version };
                let rejection = WebSocketUpgradeRejection::new(cause, self.0.on_rejection.clone());
                observed.refused(&rejection);
                return Err(rejection);
            }
        };
        Ok(Handshake {
            upgrader: self.clone(),
            source,
            observed,
            life,
            accept: answer.accept,
            subprotocol: answer.subprotocol,
            #[cfg(feature = "axum")]
            offers: answer.offers,
            config: None,
            response_headers: None,
            #[cfg(feature = "deflate")]
            compression: answer.compression,
        })
    }

    fn check_all(&self, request: &mut Parts) -> Result<(Answer, Option<Box<Life>>, UpgradeSource), Fault> {
        // A function of the application may panic: the client gets an answer all the same, and nothing here is left half
        // done, as nothing was begun.
        let checked =
            panic::catch_unwind(AssertUnwindSafe(|| Ok((self.check_head(request)?, self.admit(request)?))));
        let (answer, life) = checked.unwrap_or(Err(Fault::CheckPanicked))?;
        let source = UpgradeSource::take(request).ok_or(Refusal::NotUpgradable)?;
        Ok((answer, life, source))
    }

    /// Checks what the request says.
    fn check_head(&self, request: &Parts) -> Result<Answer, Fault> {
        let Parts { method, uri, version, headers, .. } = request;
        let is_http1 = *version <= Version::HTTP_11;
        let head = &RequestHead::new(method, *version, uri, headers);
        if is_http1 {
            head.check()?;
        } else {
            head.check_connect(protocol(request))?;
        }
        let settings = &*self.0;
        let target =
            Target::of(request, head, settings.external_scheme.as_ref(), settings.trusted_proxy.as_ref());
        if settings.allowed_hosts.as_ref().is_some_and(|hosts| !hosts.allow(&target)) {
            return Err(Fault::HostNotAllowed);
        }
        if !settings.check_origin.allows(request, head, &target) {
            return Err(Refusal::OriginNotAllowed.into());
        }
        // RFC 8441, 5: `:protocol` takes the place of the key.
        let accept = if is_http1 { Some(head.check_key()?) } else { None };
        let subprotocol = settings.subprotocols.answer(request).map_err(|_| Fault::SubprotocolRequired)?;
        Ok(Answer {
            accept,
            subprotocol,
            #[cfg(feature = "axum")]
            offers: Offers::of(head),
            #[cfg(feature = "deflate")]
            compression: Agreed::of(head, settings.compression.as_ref()),
        })
    }

    /// Takes a place for the connection. The last of the checks: nobody who fails another takes a place from others.
    fn admit(&self, request: &Parts) -> Result<Option<Box<Life>>, Fault> {
        let (tracker, limit) = (&self.0.tracker, &self.0.limit);
        if tracker.is_none() && limit.is_none() {
            return Ok(None);
        }
        let member = tracker.as_ref().map(Tracker::admit).transpose()?;
        let permit = limit.as_ref().map(|limit| {
            let refused = Fault::TooManyConnections { retry_after: limit.refused_for() };
            limit.admit(request).ok_or(refused)
        });
        Ok(Some(Box::new(Life { member, permit: permit.transpose()? })))
    }
}

/// What a request that passed is answered with.
struct Answer {
    /// `Sec-WebSocket-Accept`. HTTP/2 has none.
    accept: Option<HeaderValue>,
    subprotocol: Option<HeaderValue>,
    #[cfg(feature = "axum")]
    offers: Offers,
    #[cfg(feature = "deflate")]
    compression: Option<Box<Agreed>>,
}

/// The `:protocol` of an extended `CONNECT` (RFC 8441, 4).
#[cfg(feature = "http2")]
pub(crate) fn protocol(request: &Parts) -> Option<&str> {
    request.extensions.get::<hyper::ext::Protocol>().map(hyper::ext::Protocol::as_str)
}

/// Without the feature `http2` none is known, and so none is spoken.
#[cfg(not(feature = "http2"))]
pub(crate) fn protocol(_request: &Parts) -> Option<&str> {
    None
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
