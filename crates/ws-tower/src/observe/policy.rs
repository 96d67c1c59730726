//! [`Observe`]: to whom a server tells of its connections.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use http::request::Parts;

/// What a server tells of its handshakes and connections, and to whom; [`Upgrader::observe`](crate::Upgrader::observe) takes it.
///
/// Nothing is told unless it is asked for here: that another crate of the program turns a feature on changes nothing.
///
/// # `tracing`
///
/// A span `websocket` for each connection, at the level `INFO`, with the fields `role`, `route`, `subprotocol`, `peer` (the address) and
/// `compression`, as far as there are any. The handlers of [`Upgrader::service`](crate::Upgrader::service) and of
/// `WebSocketUpgrade::on_upgrade` run inside it. It has no parent, so that no request seems to last as long as its connection, but
/// follows from the span of the request.
///
/// Events tell of handshakes that were refused or came to nothing, and of connections that were opened and closed; the last one
/// with the close code, who closed, the seconds, messages and bytes. None is told for each message or poll, and nothing of
/// what peers say in messages or close reasons.
///
/// # `metrics`
///
/// Counters, a gauge and a histogram whose names begin with `websocket_`, in the recorder of the `metrics` facade; the page "observe" of
/// the documentation lists them. What a connection carries is added when it waits for bytes or has flushed some, once a second at
/// the most, and when it ends.
///
/// ```
/// # #[cfg(all(feature = "metrics", feature = "tracing"))] {
/// use ws_tower::{Observe, Upgrader};
///
/// let upgrader = Upgrader::new().observe(Observe::new().tracing().metrics());
/// # let _ = upgrader;
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Observe {
    pub(super) sinks: Sinks,
    route: Option<Arc<RouteOf>>,
}

type RouteOf = dyn Fn(&Parts) -> Option<String> + Send + Sync;

/// Who is told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sinks {
    #[cfg(feature = "metrics")]
    pub(super) metrics: bool,
    #[cfg(feature = "tracing")]
    pub(super) tracing: bool,
}

impl Observe {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the subscriber of the `tracing` crate.
    #[cfg(feature = "tracing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
    pub fn tracing(mut self) -> Self {
        self.sinks.tracing = true;
        self
    }

    /// Tells the recorder of the `metrics` crate. One that is installed by now gets descriptions and units, too.
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    pub fn metrics(mut self) -> Self {
        super::metrics::describe();
        self.sinks.metrics = true;
        self
    }

    /// Names the route of a request, for the field and label `route`. Without this there is none.
    ///
    /// Every name makes time series of its own, so give the pattern of a route and never the path, which is the client's to
    /// choose. `None`, or a panic, becomes `other`. Below axum's router there is a pattern:
    ///
    #[cfg_attr(all(feature = "axum", feature = "metrics"), doc = "```")]
    #[cfg_attr(not(all(feature = "axum", feature = "metrics")), doc = "```ignore")]
    /// use axum::extract::MatchedPath;
    /// use ws_tower::Observe;
    ///
    /// let observe = Observe::new().metrics().route(|request| {
    ///     Some(request.extensions.get::<MatchedPath>()?.as_str().to_owned())
    /// });
    /// # let _ = observe;
    /// ```
    pub fn route<F>(mut self, name: F) -> Self
    where
        F: Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    {
        self.route = Some(Arc::new(name));
        self
    }

    pub(super) fn route_of(&self, request: &Parts) -> Option<Arc<str>> {
        let route = self.route.as_ref()?;
        // Who only wants to know does not fail a handshake.
        let name = panic::catch_unwind(AssertUnwindSafe(|| route(request))).ok().flatten();
        Some(name.map_or_else(|| OTHER.into(), Arc::from))
    }
}

impl fmt::Debug for Observe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observe").field(&self.sinks).finish()
    }
}

/// The route of a request that has none.
const OTHER: &str = "other";
