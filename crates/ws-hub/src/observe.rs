//! What is told of sessions and messages: to `metrics`, to `tracing`, or to nobody.
//!
//! Nothing that a peer has chosen is a label, and what a peer has written is escaped in events.

use std::time::Duration;

use crate::{Delivery, Disconnect, Refusal, Session, handler::Handler};

pub(crate) fn opened() {
    #[cfg(feature = "metrics")]
    {
        on::describe();
        metrics::gauge!(on::SESSIONS).increment(1.0);
    }
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), expect(unused_variables))]
pub(crate) fn closed<A: Handler>(session: &Session<A>, end: &Disconnect, duration: Duration) {
    #[cfg(feature = "metrics")]
    {
        metrics::gauge!(on::SESSIONS).decrement(1.0);
        metrics::histogram!(on::DURATION).record(duration);
        let (cause, code) = (end.cause.as_str(), on::code(end.code));
        metrics::counter!(on::CLOSES, "cause" => cause, "code" => code).increment(1);
        let dropped = session.dropped();
        if dropped > 0 {
            metrics::counter!(on::DROPPED_OF_SESSIONS).increment(dropped);
        }
    }
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: TARGET,
        session = %session.id(),
        user = session.user().as_deref().map(tracing::field::debug),
        cause = end.cause.as_str(),
        code = end.code.as_u16(),
        reason = ?end.reason,
        seconds = duration.as_secs_f64(),
        dropped = session.dropped(),
        rooms = end.rooms.len(),
        "session ended"
    );
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), expect(unused_variables))]
pub(crate) fn refused(refusal: Refusal) {
    #[cfg(feature = "metrics")]
    metrics::counter!(on::REFUSED, "reason" => on::reason(refusal)).increment(1);
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, reason = %refusal, "session refused");
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables))]
pub(crate) fn received(bytes: usize) {
    #[cfg(feature = "metrics")]
    {
        metrics::counter!(on::RECEIVED).increment(1);
        metrics::counter!(on::RECEIVED_BYTES).increment(bytes as u64);
    }
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables))]
pub(crate) fn sent(delivery: &Delivery) {
    #[cfg(feature = "metrics")]
    for (outcome, count) in [
        ("queued", delivery.queued),
        ("dropped", delivery.dropped),
        ("displaced", delivery.displaced),
        ("disconnected", delivery.disconnected),
        ("closed", delivery.closed),
    ] {
        if count > 0 {
            metrics::counter!(on::DELIVERIES, "outcome" => outcome).increment(count as u64);
        }
    }
}

/// The time in which a message is given to all whom it is for.
#[must_use]
pub(crate) struct FanOut {
    #[cfg(feature = "metrics")]
    since: std::time::Instant,
}

impl FanOut {
    pub(crate) fn begin() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            since: std::time::Instant::now(),
        }
    }

    pub(crate) fn end(self, delivery: &Delivery) {
        #[cfg(feature = "metrics")]
        {
            metrics::histogram!(on::FAN_OUT).record(self.since.elapsed());
            metrics::histogram!(on::RECEIVERS).record(delivery.receivers() as f64);
        }
        sent(delivery);
    }
}

/// The bytes that wait for a session have changed by so many.
#[cfg(feature = "metrics")]
pub(crate) fn queued_bytes(change: f64) {
    if change != 0.0 {
        metrics::gauge!(on::QUEUED_BYTES).increment(change);
    }
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables))]
pub(crate) fn rooms(change: f64) {
    #[cfg(feature = "metrics")]
    metrics::gauge!(on::ROOMS).increment(change);
}

#[cfg_attr(not(feature = "metrics"), expect(unused_variables))]
pub(crate) fn round_trip(round_trip: Duration) {
    #[cfg(feature = "metrics")]
    metrics::histogram!(on::ROUND_TRIP).record(round_trip);
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), expect(unused_variables))]
pub(crate) fn lagged(events: u64) {
    #[cfg(feature = "metrics")]
    metrics::counter!(on::LAGGED).increment(events);
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, events, "events of the backplane were dropped");
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), expect(unused_variables))]
pub(crate) fn backplane(is_up: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!(on::BACKPLANE).set(f64::from(u8::from(is_up)));
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, up = is_up, "backplane");
}

pub(crate) fn gap() {
    #[cfg(feature = "metrics")]
    metrics::counter!(on::GAPS).increment(1);
}

pub(crate) fn unreadable() {
    #[cfg(feature = "metrics")]
    metrics::counter!(on::UNREADABLE).increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, "message of another node could not be read");
}

/// Of all events, for filters.
#[cfg(feature = "tracing")]
const TARGET: &str = "ws_hub";

#[cfg(feature = "metrics")]
mod on {
    use std::sync::Once;

    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

    use ws_core::CloseCode;

    use crate::Refusal;

    pub(super) const SESSIONS: &str = "websocket_hub_sessions";
    pub(super) const ROOMS: &str = "websocket_hub_rooms";
    pub(super) const DURATION: &str = "websocket_hub_session_duration_seconds";
    pub(super) const CLOSES: &str = "websocket_hub_session_ends_total";
    pub(super) const REFUSED: &str = "websocket_hub_refusals_total";
    pub(super) const RECEIVED: &str = "websocket_hub_received_messages_total";
    pub(super) const RECEIVED_BYTES: &str = "websocket_hub_received_bytes_total";
    pub(super) const DELIVERIES: &str = "websocket_hub_deliveries_total";
    pub(super) const DROPPED_OF_SESSIONS: &str = "websocket_hub_ended_sessions_dropped_messages_total";
    pub(super) const FAN_OUT: &str = "websocket_hub_fan_out_seconds";
    pub(super) const RECEIVERS: &str = "websocket_hub_fan_out_receivers";
    pub(super) const QUEUED_BYTES: &str = "websocket_hub_queued_bytes";
    pub(super) const ROUND_TRIP: &str = "websocket_hub_round_trip_seconds";
    pub(super) const BACKPLANE: &str = "websocket_hub_backplane_up";
    pub(super) const LAGGED: &str = "websocket_hub_backplane_dropped_events_total";
    pub(super) const GAPS: &str = "websocket_hub_gaps_total";
    pub(super) const UNREADABLE: &str = "websocket_hub_backplane_unreadable_total";

    pub(super) fn reason(refusal: Refusal) -> &'static str {
        match refusal {
            Refusal::Closed => "closed",
            Refusal::TooManySessions => "sessions",
            Refusal::TooManyWithKey => "key",
            Refusal::TooManyAtOnce => "rate",
            Refusal::TooManyOfUser => "user",
        }
    }

    /// Peers choose codes, so only those have a label of their own that RFC 6455 and its registry know.
    pub(super) fn code(code: CloseCode) -> &'static str {
        const KNOWN: [&str; 16] = [
            "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011",
            "1012", "1013", "1014", "1015",
        ];
        match code.as_u16() {
            code @ 1000..=1015 => KNOWN[usize::from(code - 1000)],
            3000..=3999 => "3xxx",
            4000..=4999 => "4xxx",
            _ => "other",
        }
    }

    /// Tells once what there is and what it means.
    pub(super) fn describe() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            describe_gauge!(SESSIONS, Unit::Count, "Sessions.");
            describe_gauge!(ROOMS, Unit::Count, "Rooms with a session of this node.");
            describe_histogram!(DURATION, Unit::Seconds, "How long sessions that have ended lasted.");
            describe_counter!(
                CLOSES,
                Unit::Count,
                "Sessions that have ended, by who or what ended them and by close code."
            );
            describe_counter!(REFUSED, Unit::Count, "Sessions that were refused, by the limit.");
            describe_counter!(RECEIVED, Unit::Count, "Data messages that arrived.");
            describe_counter!(RECEIVED_BYTES, Unit::Bytes, "Bytes of data messages that arrived.");
            describe_counter!(DELIVERIES, Unit::Count, "Messages times receivers, by what came of them.");
            describe_counter!(
                DROPPED_OF_SESSIONS,
                Unit::Count,
                "Messages that were dropped for sessions that have ended since, over their whole life."
            );
            describe_histogram!(FAN_OUT, Unit::Seconds, "To queue a message for all whom it is for.");
            describe_histogram!(RECEIVERS, Unit::Count, "Sessions that a message was for.");
            describe_gauge!(
                QUEUED_BYTES,
                Unit::Bytes,
                "Bytes that wait for sessions, of each what it waits for."
            );
            describe_histogram!(ROUND_TRIP, Unit::Seconds, "From a ping to its pong.");
            describe_gauge!(BACKPLANE, "1 while the backplane's server can be reached.");
            describe_counter!(
                LAGGED,
                Unit::Count,
                "Events of the backplane that this node was too slow for."
            );
            describe_counter!(
                GAPS,
                Unit::Count,
                "Times that messages of a room may have been missed for good."
            );
            describe_counter!(UNREADABLE, Unit::Count, "Messages of other nodes that could not be read.");
        });
    }
}
