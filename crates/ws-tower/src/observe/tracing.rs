//! The span and the events of the `tracing` crate.

use std::time::Duration;

pub(super) use ::tracing::Span;
use ::tracing::{Instrument as _, info, info_span, warn};
use ws_core::{Conn, Stats};

use super::close::Close;
use crate::{UpgradeError, Upgraded, rejection::WebSocketUpgradeRejection};

/// The span of the request, if anybody is told of it.
pub(super) fn current(is_told: bool) -> Span {
    if is_told { Span::current() } else { Span::none() }
}

pub(super) fn within<F: Future>(span: Span, future: F) -> impl Future<Output = F::Output> {
    future.instrument(span)
}

pub(super) fn refused(rejection: &WebSocketUpgradeRejection, route: Option<&str>) {
    info!(
        target: TARGET,
        route,
        status = rejection.status().as_u16(),
        rejection = rejection.name(),
        reason = %rejection,
        "handshake refused"
    );
}

pub(super) fn failed(request: &Span, error: &UpgradeError, route: Option<&str>) {
    warn!(target: TARGET, parent: request, route, %error, "upgrade failed");
}

pub(super) fn declined(request: &Span, route: Option<&str>) {
    info!(target: TARGET, parent: request, route, "handshake declined by the application");
}

/// Makes the span of a connection.
pub(super) fn opened(request: &Span, conn: &Conn<Upgraded>, route: Option<&str>) -> Span {
    #[cfg(feature = "deflate")]
    let compression = conn.deflate().map(|_| "permessage-deflate");
    #[cfg(not(feature = "deflate"))]
    let compression: Option<&str> = None;
    let span = info_span!(
        target: TARGET,
        parent: None,
        "websocket",
        role = "server",
        route,
        subprotocol = conn.subprotocol(),
        peer = conn.get_ref().peer_addr().map(::tracing::field::display),
        compression,
    );
    span.follows_from(request);
    info!(target: TARGET, parent: &span, "connection opened");
    span
}

pub(super) fn closed(span: &Span, close: Close, duration: Duration, stats: &Stats) {
    let (received, sent) = (stats.received(), stats.sent());
    info!(
        target: TARGET,
        parent: span,
        by = close.by,
        code = close.code.as_u16(),
        seconds = duration.as_secs_f64(),
        messages_received = received.messages,
        messages_sent = sent.messages,
        payload_bytes_received = received.payload_bytes,
        payload_bytes_sent = sent.payload_bytes,
        wire_bytes_received = received.wire_bytes,
        wire_bytes_sent = sent.wire_bytes,
        compression_ratio_received = received.compression_ratio(),
        compression_ratio_sent = sent.compression_ratio(),
        "connection closed"
    );
}

/// Of the span and of all events, for filters.
const TARGET: &str = "ws_tower";
