//! [`Stats`]: what is counted, and how `/metrics` tells it.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
};

use ws_proxy::Access;

use crate::routes::{Common, Routes};

/// Counts requests and what connections carried. A clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Stats(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    requests: BTreeMap<u16, u64>,
    ends: BTreeMap<&'static str, u64>,
    bytes: [u64; 2],
    messages: [u64; 2],
}

impl Stats {
    pub(crate) fn count(&self, access: &Access) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.requests.entry(access.status.as_u16()).or_default() += 1;
        if let Some(carried) = &access.carried {
            *counts.ends.entry(carried.cause.as_str()).or_default() += 1;
            counts.bytes[0] += carried.bytes_from_client;
            counts.bytes[1] += carried.bytes_from_backend;
            counts.messages[0] += carried.messages_from_client;
            counts.messages[1] += carried.messages_from_backend;
        }
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, common: &Common, routes: &Routes) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, common, routes);
        text
    }

    fn write(&self, text: &mut String, common: &Common, routes: &Routes) -> std::fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(text, "# TYPE websocket_proxy_connections gauge")?;
        writeln!(text, "websocket_proxy_connections {}", common.tunnels.len())?;
        writeln!(text, "# TYPE websocket_proxy_requests_total counter")?;
        for (status, count) in &counts.requests {
            writeln!(text, "websocket_proxy_requests_total{{status=\"{status}\"}} {count}")?;
        }
        writeln!(text, "# TYPE websocket_proxy_ends_total counter")?;
        for (cause, count) in &counts.ends {
            writeln!(text, "websocket_proxy_ends_total{{cause=\"{cause}\"}} {count}")?;
        }
        for (name, values) in [("bytes", counts.bytes), ("messages", counts.messages)] {
            writeln!(text, "# TYPE websocket_proxy_{name}_total counter")?;
            for (from, value) in ["client", "backend"].into_iter().zip(values) {
                writeln!(text, "websocket_proxy_{name}_total{{from=\"{from}\"}} {value}")?;
            }
        }
        let mut backends = BTreeMap::new();
        for status in routes.backends().iter().flat_map(ws_proxy::Backends::status) {
            backends.insert(status.uri.to_string(), (status.connections, status.is_up));
        }
        writeln!(text, "# TYPE websocket_proxy_backend_connections gauge")?;
        for (uri, (connections, _)) in &backends {
            writeln!(text, "websocket_proxy_backend_connections{{backend=\"{uri}\"}} {connections}")?;
        }
        writeln!(text, "# TYPE websocket_proxy_backend_up gauge")?;
        for (uri, (_, is_up)) in &backends {
            writeln!(text, "websocket_proxy_backend_up{{backend=\"{uri}\"}} {}", u8::from(*is_up))?;
        }
        Ok(())
    }
}
