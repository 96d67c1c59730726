//! Handshakes and connections, and what is told of them.

#[cfg(feature = "metrics")]
use std::time::Duration;
use std::{fmt, sync::Arc, thread};

use http::request::Parts;
use tokio::time::Instant;
#[cfg(feature = "metrics")]
use ws_core::Traffic;
use ws_core::{Conn, Stats};

#[cfg(feature = "metrics")]
use super::metrics;
#[cfg(feature = "tracing")]
use super::tracing::{self, Span};
use super::{close::Close, policy::Sinks};
use crate::{UpgradeError, Upgraded, Upgrader, rejection::WebSocketUpgradeRejection};

/// A handshake, from its checks to its connection. It is told of once: when it comes to something, or to nothing.
#[derive(Debug)]
pub(crate) struct Handshaking(Option<Box<Begun>>);

/// A handshake that is told of.
#[derive(Debug)]
struct Begun {
    sinks: Sinks,
    route: Option<Arc<str>>,
    /// The span of the request.
    #[cfg(feature = "tracing")]
    request: Span,
}

impl Handshaking {
    pub(crate) fn begin(upgrader: &Upgrader, request: &Parts) -> Self {
        Self(upgrader.observed().map(|observe| {
            Box::new(Begun {
                sinks: observe.sinks,
                route: observe.route_of(request),
                #[cfg(feature = "tracing")]
                request: tracing::current(observe.sinks.tracing),
            })
        }))
    }

    pub(crate) fn refused(mut self, rejection: &WebSocketUpgradeRejection) {
        let Some(begun) = self.0.take() else { return };
        #[cfg(feature = "metrics")]
        begun.count("refused", rejection.name());
        #[cfg(feature = "tracing")]
        if begun.sinks.tracing {
            tracing::refused(rejection, begun.route.as_deref());
        }
    }

    /// Gives the error back.
    pub(crate) fn failed(&mut self, error: UpgradeError) -> UpgradeError {
        let Some(begun) = self.0.take() else { return error };
        #[cfg(feature = "metrics")]
        begun.count("failed", if error.is_timeout() { "Timeout" } else { "NotUpgraded" });
        #[cfg(feature = "tracing")]
        if begun.sinks.tracing {
            tracing::failed(&begun.request, &error, begun.route.as_deref());
        }
        error
    }

    pub(crate) fn opened(&mut self, conn: &mut Conn<Upgraded>) {
        let Some(begun) = self.0.take() else { return };
        #[cfg(feature = "metrics")]
        {
            begun.count("accepted", NO_REASON);
            if begun.sinks.metrics {
                metrics::opened(begun.route.as_ref());
            }
        }
        #[cfg(feature = "tracing")]
        let span = match begun.sinks.tracing {
            true => tracing::opened(&begun.request, conn, begun.route.as_deref()),
            false => Span::none(),
        };
        let (stats, now) = (conn.stats(), Instant::now());
        conn.get_mut().observer = Observer(Some(Box::new(Open {
            sinks: begun.sinks,
            #[cfg(feature = "metrics")]
            route: begun.route,
            stats,
            since: now,
            panicked: false,
            #[cfg(feature = "metrics")]
            told: Told { at: now, traffic: Default::default() },
            #[cfg(feature = "tracing")]
            span,
        })));
    }
}

impl Drop for Handshaking {
    /// The application has answered otherwise, or has lost interest.
    fn drop(&mut self) {
        let Some(begun) = self.0.take() else { return };
        #[cfg(feature = "metrics")]
        begun.count("declined", NO_REASON);
        #[cfg(feature = "tracing")]
        if begun.sinks.tracing {
            tracing::declined(&begun.request, begun.route.as_deref());
        }
    }
}

impl Begun {
    #[cfg(feature = "metrics")]
    fn count(&self, outcome: &'static str, reason: &'static str) {
        if self.sinks.metrics {
            metrics::handshake(outcome, reason, self.route.as_ref());
        }
    }
}

/// Goes along with the transport of a connection; dropped with it.
pub(crate) struct Observer(Option<Box<Open>>);

/// An open connection that is told of.
struct Open {
    sinks: Sinks,
    #[cfg(feature = "metrics")]
    route: Option<Arc<str>>,
    stats: Stats,
    since: Instant,
    panicked: bool,
    #[cfg(feature = "metrics")]
    told: Told,
    #[cfg(feature = "tracing")]
    span: Span,
}

/// What the recorder knows of the traffic, received and sent.
#[cfg(feature = "metrics")]
struct Told {
    at: Instant,
    traffic: [Traffic; 2],
}

impl Observer {
    pub(crate) const NONE: Self = Self(None);

    /// The connection waits for bytes, or has flushed some.
    #[cfg(feature = "metrics")]
    #[inline]
    pub(crate) fn waits(&mut self) {
        if let Some(open) = self.0.as_deref_mut().filter(|open| open.sinks.metrics) {
            let now = Instant::now();
            if now.saturating_duration_since(open.told.at) >= INTERVAL {
                open.told.at = now;
                open.tell();
            }
        }
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) fn waits(&self) {}

    /// A panic has dropped the connection; what is left of it outlives the panic.
    pub(crate) fn panicked(&mut self) {
        if let Some(open) = self.0.as_deref_mut() {
            open.panicked = true;
        }
    }

    /// What the handler of the connection runs in.
    pub(crate) fn scope(&self) -> Scope {
        Scope {
            #[cfg(feature = "tracing")]
            span: self.0.as_ref().map_or_else(Span::none, |open| open.span.clone()),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer(on)" } else { "Observer(off)" })
    }
}

impl Open {
    /// Adds what has been carried since the last time.
    #[cfg(feature = "metrics")]
    fn tell(&mut self) {
        let traffic = [self.stats.received(), self.stats.sent()];
        metrics::traffic(&self.told.traffic, &traffic, self.route.as_ref());
        self.told.traffic = traffic;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let close = Close::of(&self.stats, self.panicked || thread::panicking());
        let duration = self.since.elapsed();
        #[cfg(feature = "metrics")]
        if self.sinks.metrics {
            self.tell();
            metrics::closed(close, duration, self.route.as_ref());
        }
        #[cfg(feature = "tracing")]
        if self.sinks.tracing {
            tracing::closed(&self.span, close, duration, &self.stats);
        }
    }
}

/// Where a handler runs: in the span of its connection.
pub(crate) struct Scope {
    #[cfg(feature = "tracing")]
    span: Span,
}

impl Scope {
    #[cfg(feature = "tracing")]
    pub(crate) fn run<F: Future>(self, start: impl FnOnce() -> F) -> impl Future<Output = F::Output> {
        let future = self.span.in_scope(start);
        tracing::within(self.span, future)
    }

    #[cfg(not(feature = "tracing"))]
    pub(crate) fn run<F: Future>(self, start: impl FnOnce() -> F) -> F {
        start()
    }
}

/// How often the traffic of a connection is added to the totals at the most.
#[cfg(feature = "metrics")]
const INTERVAL: Duration = Duration::from_secs(1);
/// The label of what needs no reason.
#[cfg(feature = "metrics")]
const NO_REASON: &str = "none";
