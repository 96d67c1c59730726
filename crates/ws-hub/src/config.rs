//! How a hub behaves: queues, limits and times, and why the defaults are what they are.

use std::time::Duration;

use ws_core::{CloseCode, CloseFrame};

use crate::backplane::HistoryLimits;

/// What is done with a message for a session whose queue is full.
///
/// The hub has one ([`Config::overflow`]), and each message may have its own ([`Envelope::overflow`](crate::Envelope::overflow)).
/// Whatever it is, the sender is told ([`Delivery`](crate::Delivery)), the session's handler is told
/// ([`Handler::dropped`](crate::Handler::dropped)), and no other session waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Closes the session with this close frame, and drops what waits for it. A client that comes back recovers what it
    /// missed, where its rooms have a history.
    Disconnect(CloseFrame),
    /// Drops the message.
    DropNewest,
    /// Drops what has waited longest, as much of it as is needed.
    DropOldest,
    /// Waits for room, so long at the most, and then drops the message. It is the one who sends that waits, by awaiting the
    /// [`Sending`](crate::Sending); without that the message is dropped at once.
    Wait(Duration),
}

impl Default for Overflow {
    fn default() -> Self {
        Self::Disconnect(CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too slow"))
    }
}

/// How many in how long: so many at once, and on average no more than that in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rate {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
}

impl Rate {
    /// So many in a second, 1 at least, and as many at once.
    pub fn per_second(count: u32) -> Self {
        let count = count.max(1);
        Self { per_second: count, burst: count }
    }

    /// How many may come at once after a pause, 1 at least.
    pub fn burst(mut self, count: u32) -> Self {
        self.burst = count.max(1);
        self
    }
}

/// Queues, limits and times of a hub. Every queue is bounded.
///
/// | Setting | Default | What happens beyond it |
/// |---|---|---|
/// | [`max_queued_messages`](Self::max_queued_messages) | 1,024 | [`overflow`](Self::overflow) |
/// | [`max_queued_bytes`](Self::max_queued_bytes) | 1 MiB | [`overflow`](Self::overflow) |
/// | [`overflow`](Self::overflow) | disconnect with 1013 | |
/// | [`keep_alive`](Self::keep_alive) | a ping each 25 s, 20 s for an answer | the session is lost |
/// | [`write_timeout`](Self::write_timeout) | 30 s | the session is lost |
/// | [`flush_timeout`](Self::flush_timeout) | 5 s | what waits is dropped, the close frame goes out |
/// | [`max_message_size`](Self::max_message_size) | the connection's | closed with 1009 |
/// | [`max_sessions`](Self::max_sessions) | none | refused, 1013 |
/// | [`sessions_per_second`](Self::sessions_per_second) | none | refused, 1013 |
/// | [`max_sessions_per_user`](Self::max_sessions_per_user) | none | refused, 1008 |
/// | [`max_sessions_per_key`](Self::max_sessions_per_key) | none | refused, 1008 |
/// | [`max_rooms_per_session`](Self::max_rooms_per_session) | 128 | [`JoinError`](crate::JoinError) |
/// | [`max_name_len`](Self::max_name_len) | 255 bytes | [`JoinError`](crate::JoinError) |
/// | [`max_requests`](Self::max_requests) | 64 | [`RequestError`](crate::RequestError) |
/// | [`messages_per_second`](Self::messages_per_second) | none | closed with 1008 |
/// | [`bytes_per_second`](Self::bytes_per_second) | none | closed with 1008 |
/// | [`authentication_grace`](Self::authentication_grace) | none | closed with 1008 |
/// | [`concurrent_messages`](Self::concurrent_messages) | 1 | the next message is not read |
/// | [`presence_grace`](Self::presence_grace) | none | |
/// | [`history`](Self::history) | 256 messages, 1 MiB, 5 minutes a room; 256 MiB in all | the oldest are forgotten |
///
/// ```
/// use std::time::Duration;
/// use ws_hub::{Config, Overflow, Rate};
///
/// let config = Config::new()
///     .max_queued_bytes(256 << 10)
///     .overflow(Overflow::DropOldest)
///     .messages_per_second(Rate::per_second(20).burst(50))
///     .presence_grace(Duration::from_secs(10));
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) max_queued_messages: usize,
    pub(crate) max_queued_bytes: usize,
    pub(crate) overflow: Overflow,
    pub(crate) keep_alive: Option<(Duration, Duration)>,
    pub(crate) write_timeout: Option<Duration>,
    pub(crate) flush_timeout: Duration,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) max_sessions: usize,
    pub(crate) sessions_per_second: Option<Rate>,
    pub(crate) max_sessions_per_user: usize,
    pub(crate) max_sessions_per_key: usize,
    pub(crate) max_rooms_per_session: usize,
    pub(crate) max_name_len: usize,
    pub(crate) max_requests: usize,
    pub(crate) messages_per_second: Option<Rate>,
    pub(crate) bytes_per_second: Option<Rate>,
    pub(crate) authentication_grace: Option<Duration>,
    pub(crate) concurrent_messages: usize,
    pub(crate) presence_grace: Duration,
    pub(crate) history: HistoryLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_queued_messages: 1024,
            max_queued_bytes: 1 << 20,
            overflow: Overflow::default(),
            // Proxies and load balancers cut what was silent for 30 or 60 seconds.
            keep_alive: Some((Duration::from_secs(25), Duration::from_secs(20))),
            write_timeout: Some(Duration::from_secs(30)),
            flush_timeout: Duration::from_secs(5),
            max_message_size: None,
            max_sessions: usize::MAX,
            sessions_per_second: None,
            max_sessions_per_user: usize::MAX,
            max_sessions_per_key: usize::MAX,
            max_rooms_per_session: 128,
            max_name_len: 255,
            max_requests: 64,
            messages_per_second: None,
            bytes_per_second: None,
            authentication_grace: None,
            concurrent_messages: 1,
            presence_grace: Duration::ZERO,
            history: HistoryLimits::default(),
        }
    }
}

impl Config {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults of melody: 512 bytes a message, 256 messages of any size in a queue, newer ones dropped beyond that, a
    /// ping each 54 seconds and 6 seconds to answer it, 10 seconds to write.
    ///
    /// A queue that is bounded by count alone is one that a slow client can fill with 256 messages of any size.
    pub fn melody() -> Self {
        Self {
            max_queued_messages: 256,
            max_queued_bytes: usize::MAX,
            overflow: Overflow::DropNewest,
            keep_alive: Some((Duration::from_secs(54), Duration::from_secs(6))),
            write_timeout: Some(Duration::from_secs(10)),
            max_message_size: Some(512),
            ..Self::default()
        }
    }

    /// How many messages may wait for a session, 1 at least; 1,024 unless set. Those count that the transport has not taken.
    pub fn max_queued_messages(mut self, messages: usize) -> Self {
        self.max_queued_messages = messages.max(1);
        self
    }

    /// How many bytes of messages may wait for a session; 1 MiB unless set. A larger message may wait alone.
    ///
    /// Receivers of one message share its bytes, so this bounds what slow sessions hold together only if they are sent
    /// different ones.
    pub fn max_queued_bytes(mut self, bytes: usize) -> Self {
        self.max_queued_bytes = bytes;
        self
    }

    /// What is done where a queue is full; [`Overflow::Disconnect`] with 1013 unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// How often each session is pinged, and how long to wait for any byte after that; 25 and 20 seconds unless set, `None`
    /// for no pings.
    ///
    /// The hub's pings measure the round trip ([`Session::round_trip_time`](crate::Session::round_trip_time)). Leave the
    /// keep-alive of the connection off where this is on, or there are two.
    pub fn keep_alive(mut self, keep_alive: impl Into<Option<(Duration, Duration)>>) -> Self {
        self.keep_alive = keep_alive.into().map(|(interval, timeout)| (interval.max(MIN_INTERVAL), timeout));
        self
    }

    /// How long the transport of a session may take nothing of what is written, before the session is given up; 30 seconds
    /// unless set, `None` for any time.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.write_timeout = timeout.into();
        self
    }

    /// How long a session that is closed may take for what waits before its close frame; 5 seconds unless set. Then what
    /// waits is dropped, and the close frame goes out.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout;
        self
    }

    /// The largest message that is accepted, in bytes. Unless set, what the connection was made with, 1 MiB by default.
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.max_message_size = Some(bytes);
        self
    }

    /// How many sessions there may be at a time. Any number unless set.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
        self
    }

    /// How many sessions may begin. Any number unless set. When all clients come back at once after a failure, those beyond it are
    /// refused and come again, instead of making the server too slow for everybody.
    pub fn sessions_per_second(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.sessions_per_second = rate.into();
        self
    }

    /// How many sessions of one [user](crate::Admission::user) there may be at a time on this node. Any number unless set.
    pub fn max_sessions_per_user(mut self, sessions: usize) -> Self {
        self.max_sessions_per_user = sessions;
        self
    }

    /// How many sessions with one [key](crate::Admission::key), an IP address most likely, there may be at a time on this
    /// node. Any number unless set.
    pub fn max_sessions_per_key(mut self, sessions: usize) -> Self {
        self.max_sessions_per_key = sessions;
        self
    }

    /// How many rooms a session may be in; 128 unless set.
    pub fn max_rooms_per_session(mut self, rooms: usize) -> Self {
        self.max_rooms_per_session = rooms;
        self
    }

    /// How long the name of a room may be, in bytes; 255 unless set.
    pub fn max_name_len(mut self, bytes: usize) -> Self {
        self.max_name_len = bytes;
        self
    }

    /// How many [requests](crate::Session::request) of one session may wait for their acknowledgement; 64 unless set.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.max_requests = requests;
        self
    }

    /// How many messages a session may send. Any number unless set. One that sends more is closed with 1008.
    pub fn messages_per_second(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.messages_per_second = rate.into();
        self
    }

    /// How many bytes of messages a session may send. Any number unless set. One that sends more is closed with 1008.
    ///
    /// Let the burst be larger than the largest message.
    pub fn bytes_per_second(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.bytes_per_second = rate.into();
        self
    }

    /// How long a session may be without a [user](crate::Session::authenticate) before it is closed with 1008. Any time
    /// unless set.
    pub fn authentication_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.authentication_grace = grace.into();
        self
    }

    /// How many messages of one session are handled at a time, 1 at least and unless set: each is handled before the next
    /// is looked at. With more, each has a task of its own, and they overtake each other.
    pub fn concurrent_messages(mut self, messages: usize) -> Self {
        self.concurrent_messages = messages.max(1);
        self
    }

    /// How long somebody whose sessions are lost stays present in their rooms, so that a reload of a page is no leave and
    /// no join. Not at all unless set.
    pub fn presence_grace(mut self, grace: Duration) -> Self {
        self.presence_grace = grace;
        self
    }

    /// How much of each room's history is kept; see [`HistoryLimits`]. For a hub without a backplane: with one, the
    /// backplane's own configuration says it.
    pub fn history(mut self, limits: HistoryLimits) -> Self {
        self.history = limits;
        self
    }
}

/// Pings without end would be all that a hub does.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
