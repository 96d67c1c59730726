//! Bounds and times of a backplane.

use std::time::Duration;

/// How much of a room's messages is kept for those who come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryLimits {
    /// How many messages of a room are kept at the most. Default 256.
    pub messages: usize,
    /// How many bytes of payload of a room are kept at the most. Default 1 MiB.
    pub bytes: usize,
    /// How long a message is kept at the most. Default 5 minutes.
    pub age: Duration,
    /// How long the position of a room without new messages is known. Default one day, and never shorter than `age`.
    pub position_age: Duration,
    /// How many bytes the histories of all rooms take at the most, with some 128 for each message and 512 for each room
    /// beside what they say. The oldest messages go first, whatever their room, and rooms without messages are forgotten:
    /// who comes back to one is told of a gap. Default 256 MiB.
    ///
    /// For histories in the memory of a process. How much Redis and NATS keep is a matter of their own settings.
    pub total_bytes: usize,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            messages: 256,
            bytes: 1024 * 1024,
            age: Duration::from_secs(5 * 60),
            position_age: Duration::from_secs(24 * 60 * 60),
            total_bytes: 256 * 1024 * 1024,
        }
    }
}

impl HistoryLimits {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many messages of a room are kept.
    #[must_use]
    pub fn messages(mut self, messages: usize) -> Self {
        self.messages = messages;
        self
    }

    /// Sets how many bytes of payload of a room are kept.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets how long a message is kept.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets how long the position of a room without new messages is known.
    #[must_use]
    pub fn position_age(mut self, age: Duration) -> Self {
        self.position_age = age;
        self
    }

    /// Sets how many bytes the histories of all rooms take, where they are in memory.
    #[must_use]
    pub fn total_bytes(mut self, bytes: usize) -> Self {
        self.total_bytes = bytes;
        self
    }
}

/// Bounds and times of a backplane. All nodes of one application should have the same.
///
/// ```
/// use std::time::Duration;
/// use ws_hub::backplane::{Config, HistoryLimits};
///
/// let config = Config::new()
///     .prefix("chat")
///     .max_queued_bytes(4 * 1024 * 1024)
///     .history(HistoryLimits::new().messages(100).age(Duration::from_secs(600)));
/// # let _ = config;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Config {
    pub(crate) prefix: String,
    pub(crate) max_queued: usize,
    pub(crate) max_queued_bytes: usize,
    pub(crate) max_events: usize,
    pub(crate) max_event_bytes: usize,
    pub(crate) max_payload: usize,
    pub(crate) timeout: Duration,
    pub(crate) presence_ttl: Duration,
    pub(crate) backoff: (Duration, Duration),
    pub(crate) history: HistoryLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prefix: "ws-hub".into(),
            max_queued: 16 * 1024,
            max_queued_bytes: 16 * 1024 * 1024,
            max_events: 64 * 1024,
            max_event_bytes: 64 * 1024 * 1024,
            max_payload: 768 * 1024,
            timeout: Duration::from_secs(10),
            presence_ttl: Duration::from_secs(30),
            backoff: (Duration::from_millis(100), Duration::from_secs(10)),
            history: HistoryLimits::default(),
        }
    }
}

impl Config {
    /// The defaults, which each method names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the names of keys, channels and subjects begin with, so that applications may share a server. Default `ws-hub`.
    ///
    /// ASCII letters, digits, `-` and `_` are taken as they are, anything else is escaped.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how many publications may wait for the server. Default 16,384.
    pub fn max_queued(mut self, publications: usize) -> Self {
        self.max_queued = publications;
        self
    }

    /// Sets how many bytes of publications may wait for the server. Default 16 MiB.
    pub fn max_queued_bytes(mut self, bytes: usize) -> Self {
        self.max_queued_bytes = bytes;
        self
    }

    /// Sets how many events may wait to be taken. Default 65,536.
    pub fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// Sets how many bytes of events may wait to be taken. Default 64 MiB.
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Sets how many bytes one publication may carry. Default 768 KiB; NATS takes no more than 1 MiB unless told to.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Sets how long anything may take: a publication in the queue, an answer of the server, a connection. Default 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets after what time without a sign of life a node is dead, and its members leave their rooms. Default 30 s.
    ///
    /// A sign of life is given three times as often.
    pub fn presence_ttl(mut self, ttl: Duration) -> Self {
        self.presence_ttl = ttl;
        self
    }

    /// Sets the first and the longest pause between attempts to connect. Each is twice the one before, less a random
    /// part of up to a half. Default 100 ms and 10 s.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = (first, longest);
        self
    }

    /// Sets how much of a room's messages is kept.
    pub fn history(mut self, limits: HistoryLimits) -> Self {
        self.history = limits;
        self
    }
}
