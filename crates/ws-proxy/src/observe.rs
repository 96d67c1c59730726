//! [`Observe`]: who is told of requests and connections, as they come and go.

use ws_client::DialError;

use crate::Access;

/// What a proxy tells of its requests and connections, and to whom; [`Proxy::observe`](crate::Proxy::observe) takes it.
///
/// Nothing is told unless it is asked for here.
///
/// # `tracing`
///
/// Events at the level `INFO`: `request refused`, `connection opened` and `connection closed`, with what [`Access`] has; at `WARN`
/// `backend failed`, with the error. None is told for each message.
///
/// # `metrics`
///
/// | Name | Kind | Labels |
/// |---|---|---|
/// | `websocket_proxy_requests_total` | counter | `status` |
/// | `websocket_proxy_connections` | gauge | |
/// | `websocket_proxy_connection_duration_seconds` | histogram | |
/// | `websocket_proxy_ends_total` | counter | `cause` |
/// | `websocket_proxy_bytes_total`, `websocket_proxy_messages_total` | counter | `from`: `client` or `backend` |
/// | `websocket_proxy_dial_failures_total` | counter | `backend`: its URL without path |
///
/// What a connection carried is added when it ends.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Observe {
    #[cfg(feature = "metrics")]
    metrics: bool,
    #[cfg(feature = "tracing")]
    tracing: bool,
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
        self.tracing = true;
        self
    }

    /// Tells the recorder of the `metrics` crate.
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    pub fn metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    pub(crate) fn is_on(&self) -> bool {
        #[cfg(feature = "metrics")]
        if self.metrics {
            return true;
        }
        #[cfg(feature = "tracing")]
        if self.tracing {
            return true;
        }
        false
    }

    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "only events tell the error"))]
    pub(crate) fn dial_failed(&self, access: &Access, error: &DialError) {
        #[cfg(feature = "metrics")]
        if self.metrics {
            metrics::counter!("websocket_proxy_dial_failures_total", "backend" => backend(access))
                .increment(1);
        }
        #[cfg(feature = "tracing")]
        if self.tracing {
            tracing::warn!(target: TARGET, backend = backend(access), %error, "backend failed");
        }
    }

    pub(crate) fn opened(&self, access: &Access) {
        #[cfg(feature = "metrics")]
        if self.metrics {
            count_request(access);
            metrics::gauge!("websocket_proxy_connections").increment(1.0);
        }
        #[cfg(feature = "tracing")]
        if self.tracing {
            tracing::info!(
                target: TARGET,
                peer = access.peer.map(tracing::field::display),
                host = ?access.host,
                backend = backend(access),
                "connection opened"
            );
        }
        #[cfg(not(feature = "metrics"))]
        let _ = access;
    }

    pub(crate) fn finished(&self, access: &Access, was_open: bool) {
        #[cfg(feature = "metrics")]
        if self.metrics {
            if was_open {
                metrics::gauge!("websocket_proxy_connections").decrement(1.0);
                metrics::histogram!("websocket_proxy_connection_duration_seconds").record(access.duration);
            } else {
                count_request(access);
            }
            if let Some(carried) = &access.carried {
                metrics::counter!("websocket_proxy_ends_total", "cause" => carried.cause.as_str())
                    .increment(1);
                for (from, bytes, messages) in [
                    ("client", carried.bytes_from_client, carried.messages_from_client),
                    ("backend", carried.bytes_from_backend, carried.messages_from_backend),
                ] {
                    metrics::counter!("websocket_proxy_bytes_total", "from" => from).increment(bytes);
                    metrics::counter!("websocket_proxy_messages_total", "from" => from).increment(messages);
                }
            }
        }
        #[cfg(feature = "tracing")]
        if self.tracing {
            match (&access.carried, was_open) {
                (Some(carried), true) => tracing::info!(
                    target: TARGET,
                    peer = access.peer.map(tracing::field::display),
                    backend = backend(access),
                    seconds = access.duration.as_secs_f64(),
                    cause = carried.cause.as_str(),
                    close_from_client = carried.close_from_client.map(u16::from),
                    close_from_backend = carried.close_from_backend.map(u16::from),
                    bytes_from_client = carried.bytes_from_client,
                    bytes_from_backend = carried.bytes_from_backend,
                    messages_from_client = carried.messages_from_client,
                    messages_from_backend = carried.messages_from_backend,
                    "connection closed"
                ),
                _ => tracing::info!(
                    target: TARGET,
                    peer = access.peer.map(tracing::field::display),
                    host = ?access.host,
                    status = access.status.as_u16(),
                    backend = backend(access),
                    "request refused"
                ),
            }
        }
        #[cfg(not(any(feature = "metrics", feature = "tracing")))]
        let _ = (access, was_open);
    }
}

#[cfg(feature = "metrics")]
fn count_request(access: &Access) {
    let status = access.status.as_u16().to_string();
    metrics::counter!("websocket_proxy_requests_total", "status" => status).increment(1);
}

/// The scheme and the authority: paths are the clients' to choose.
fn backend(access: &Access) -> String {
    let Some(uri) = &access.backend else { return "none".into() };
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    format!("{}://{authority}", uri.scheme_str().unwrap_or("ws"))
}

/// Of all events, for filters.
#[cfg(feature = "tracing")]
const TARGET: &str = "ws_proxy";
