//! Events of the `tracing` crate: steps and outcomes of dials, and what a client that comes back goes through.
//!
//! Without the feature there is nothing left of them.

#[cfg(feature = "tracing")]
pub(crate) use told::{down, phase, redirected, span, up, within};
#[cfg(not(feature = "tracing"))]
pub(crate) use untold::{down, phase, redirected, span, up, within};

#[cfg(feature = "tracing")]
mod told {
    use std::{error::Error, time::Duration};

    use ::tracing::{Instrument as _, Span, debug, debug_span, info, trace, warn};
    use http::Response;
    use ws_core::Conn;

    use crate::{DialError, Phase, reconnect::Cause};

    /// The span of a dial. Of the URL it has the host and the port alone: paths, queries and user names may be secrets.
    pub(crate) fn span(server: &str) -> Span {
        debug_span!(target: TARGET, "dial", server)
    }

    /// Dials within its span, and tells what came of it.
    pub(crate) async fn within<S>(
        span: Span,
        dial: impl Future<Output = Result<(Conn<S>, Response<()>), DialError>>,
    ) -> Result<(Conn<S>, Response<()>), DialError> {
        let dialed = dial.instrument(span.clone()).await;
        match &dialed {
            Ok((conn, response)) => {
                #[cfg(feature = "deflate")]
                let compression = conn.deflate().map(|_| "permessage-deflate");
                #[cfg(not(feature = "deflate"))]
                let compression: Option<&str> = None;
                let status = response.status().as_u16();
                let subprotocol = conn.subprotocol();
                debug!(target: TARGET, parent: &span, status, subprotocol, compression, "connection opened");
            }
            Err(error) => {
                let error: &(dyn Error + 'static) = error;
                debug!(target: TARGET, parent: &span, error, "dial failed");
            }
        }
        dialed
    }

    pub(crate) fn phase(phase: Phase) {
        trace!(target: TARGET, "{phase}");
    }

    pub(crate) fn redirected(server: &str) {
        debug!(target: TARGET, server, "redirected");
    }

    pub(crate) fn up(attempt: u32) {
        info!(target: TARGET, attempt, "connection is up");
    }

    /// A connection, or an attempt at one, has ended.
    pub(crate) fn down(attempt: Option<u32>, cause: &Cause, retry_in: Option<Duration>) {
        let seconds = retry_in.map(|wait| wait.as_secs_f64());
        match (cause, attempt) {
            (Cause::CloseRequested, _) => info!(target: TARGET, "connection closed"),
            (_, Some(attempt)) => {
                warn!(target: TARGET, attempt, cause = cause as &(dyn Error + 'static), retry_in_seconds = seconds, "attempt failed");
            }
            (_, None) => {
                warn!(target: TARGET, cause = cause as &(dyn Error + 'static), retry_in_seconds = seconds, "connection is down");
            }
        }
    }

    /// Of the span and of all events, for filters.
    const TARGET: &str = "ws_client";
}

#[cfg(not(feature = "tracing"))]
mod untold {
    use std::time::Duration;

    use crate::{Phase, reconnect::Cause};

    pub(crate) struct Span;

    pub(crate) fn span(_server: &str) -> Span {
        Span
    }

    pub(crate) fn within<F: Future>(_span: Span, dial: F) -> F {
        dial
    }

    pub(crate) fn phase(_phase: Phase) {}

    pub(crate) fn redirected(_server: &str) {}

    pub(crate) fn up(_attempt: u32) {}

    pub(crate) fn down(_attempt: Option<u32>, _cause: &Cause, _retry_in: Option<Duration>) {}
}
