//! What is told to the recorder of the `metrics` crate.
//!
//! Metrics are looked up by name each time, at most once a second for a connection: so it holds none, and recorders that forget
//! what is idle go on with what they know.

use std::{sync::Arc, time::Duration};

use ::metrics::{
    Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use ws_core::Traffic;

use super::close::Close;

/// A counter of [`Traffic`].
struct Carried {
    name: &'static str,
    unit: Unit,
    description: &'static str,
    of: fn(&Traffic) -> u64,
}

/// Tells what there is and what it means.
pub(super) fn describe() {
    describe_counter!(HANDSHAKES, Unit::Count, "Opening handshakes by their outcome.");
    describe_gauge!(CONNECTIONS, Unit::Count, "Open connections.");
    describe_histogram!(DURATION, Unit::Seconds, "How long connections that have ended were open.");
    describe_counter!(
        CLOSES,
        Unit::Count,
        "Connections that have ended, by who ended them and the close code."
    );
    for Carried { name, unit, description, .. } in CARRIED {
        describe_counter!(*name, *unit, *description);
    }
}

pub(super) fn handshake(outcome: &'static str, reason: &'static str, route: Option<&Arc<str>>) {
    let own = [Label::from_static_parts("outcome", outcome), Label::from_static_parts("reason", reason)];
    counter!(HANDSHAKES, labels(own, route)).increment(1);
}

pub(super) fn opened(route: Option<&Arc<str>>) {
    gauge!(CONNECTIONS, labels([], route)).increment(1.0);
}

/// Adds what was carried between two times, received and sent.
pub(super) fn traffic(before: &[Traffic; 2], now: &[Traffic; 2], route: Option<&Arc<str>>) {
    for (direction, (before, now)) in ["received", "sent"].into_iter().zip(before.iter().zip(now)) {
        for Carried { name, of, .. } in CARRIED {
            let more = of(now).saturating_sub(of(before));
            if more > 0 {
                let own = [Label::from_static_parts("direction", direction)];
                counter!(*name, labels(own, route)).increment(more);
            }
        }
    }
}

pub(super) fn closed(close: Close, duration: Duration, route: Option<&Arc<str>>) {
    gauge!(CONNECTIONS, labels([], route)).decrement(1.0);
    histogram!(DURATION, labels([], route)).record(duration);
    let own = [Label::from_static_parts("by", close.by), Label::new("code", close.label())];
    counter!(CLOSES, labels(own, route)).increment(1);
}

fn labels<const N: usize>(own: [Label; N], route: Option<&Arc<str>>) -> Vec<Label> {
    let route = route.map(|route| Label::new("route", SharedString::from_shared(route.clone())));
    own.into_iter().chain(route).collect()
}

const HANDSHAKES: &str = "websocket_handshakes_total";
const CONNECTIONS: &str = "websocket_connections";
const DURATION: &str = "websocket_connection_duration_seconds";
const CLOSES: &str = "websocket_closes_total";
const CARRIED: &[Carried] = &[
    Carried {
        name: "websocket_messages_total",
        unit: Unit::Count,
        description: "Data messages.",
        of: |traffic| traffic.messages,
    },
    Carried {
        name: "websocket_payload_bytes_total",
        unit: Unit::Bytes,
        description: "Bytes of data messages, without compression.",
        of: |traffic| traffic.payload_bytes,
    },
    Carried {
        name: "websocket_wire_bytes_total",
        unit: Unit::Bytes,
        description: "Bytes of the transport, with headers and control frames.",
        of: |traffic| traffic.wire_bytes,
    },
    Carried {
        name: "websocket_compressed_messages_total",
        unit: Unit::Count,
        description: "Data messages that were compressed.",
        of: |traffic| traffic.compressed_messages,
    },
    Carried {
        name: "websocket_uncompressed_bytes_total",
        unit: Unit::Bytes,
        description: "Bytes of compressed messages before compression.",
        of: |traffic| traffic.uncompressed_bytes,
    },
    Carried {
        name: "websocket_compressed_bytes_total",
        unit: Unit::Bytes,
        description: "Bytes of compressed messages after compression.",
        of: |traffic| traffic.compressed_bytes,
    },
];
