//! What is published, and what arrives.

use std::fmt;

use bytes::Bytes;

use super::{Config, ErrorKind, NodeId, Placement, Topic};

/// What a node publishes.
///
/// ```
/// use ws_hub::backplane::{Publication, Topic};
///
/// let plain = Publication::new(Topic::room("lobby"), "hello");
/// let retained = Publication::new(Topic::room("lobby"), "hello").retained();
/// assert!(!plain.is_retained() && retained.is_retained());
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a publication does nothing unless it is published"]
pub struct Publication {
    pub(crate) topic: Topic,
    pub(crate) payload: Bytes,
    pub(crate) retained: bool,
    pub(crate) echo: bool,
    pub(crate) volatile: bool,
}

impl Publication {
    /// A publication to a topic. Neither retained, nor echoed, nor volatile.
    pub fn new(topic: Topic, payload: impl Into<Bytes>) -> Self {
        Self { topic, payload: payload.into(), retained: false, echo: false, volatile: false }
    }

    /// Keeps it in the history of its room, which gives it a position. Only rooms have a history.
    ///
    /// A retained publication comes back to its origin too, as an event like everybody's: so all nodes hand on the room's
    /// messages in one order.
    pub fn retained(mut self) -> Self {
        self.retained = true;
        self
    }

    /// Brings it back to its origin too, where that has asked for the topic.
    pub fn echoed(mut self) -> Self {
        self.echo = true;
        self
    }

    /// Fails at once with [`ErrorKind::Unavailable`](super::ErrorKind::Unavailable) while there is no server, instead of waiting.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// What every backplane checks before it takes a publication.
    pub(crate) fn check(&self, config: &Config) -> Result<(), ErrorKind> {
        let possible = match self.topic {
            Topic::Presence(_) => false,
            Topic::Room(_) => true,
            Topic::All | Topic::Node(_) | Topic::User(_) => !self.retained,
        };
        if possible && self.payload.len() <= config.max_payload { Ok(()) } else { Err(ErrorKind::Invalid) }
    }

    /// Where it goes.
    #[must_use]
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Whether it is kept in the history of its room.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        self.retained
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("topic", &self.topic)
            .field("len", &self.payload.len())
            .field("retained", &self.retained)
            .field("echo", &self.echo)
            .field("volatile", &self.volatile)
            .finish()
    }
}

/// A publication that arrived.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The node that published it.
    pub origin: NodeId,
    /// Where it was published.
    pub topic: Topic,
    /// What it carries.
    pub payload: Bytes,
    /// Where it stands in the history of its room, when it was retained.
    pub placement: Option<Placement>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("origin", &self.origin)
            .field("topic", &self.topic)
            .field("len", &self.payload.len())
            .field("placement", &self.placement)
            .finish()
    }
}
