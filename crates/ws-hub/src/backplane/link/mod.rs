//! What every backplane over a network does alike: queues, reconnecting, asking again for topics, presence.
//!
//! A server is a [`Server`], one connection to it a [`Session`]; neither decides anything. [`Link`] is the handle, which
//! only writes down what is wanted; [`driver`] makes it so, on one task, with one session after the other.

mod driver;
mod interest;
mod outbox;
mod promise;
mod roster;
pub(super) mod wire;

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use self::interest::Interest;
use self::outbox::Outbox;
use self::promise::Promise;
use self::roster::Roster;
use super::events::{self, EventSender};
use super::{
    BackplaneError, Config, ErrorKind, Events, History, Member, Message, NodeId, Position, Publication,
    Reply, Topic,
};

/// Reads that may wait for the server.
const MAX_READS: usize = 4096;

/// Somewhere to connect to.
pub(super) trait Server: Send + Sync + 'static {
    type Session: Session;

    /// Connects, and asks for what every node gets: its own topic and the signs of life of all.
    fn connect(
        &self,
        node: NodeId,
        config: &Config,
    ) -> impl Future<Output = Result<Self::Session, BackplaneError>> + Send;
}

/// One connection to a server. An error ends it, but for those within the results of `publish`.
///
/// Each method does its part when it is first polled, and then only waits: so the order of first polls is the order on the wire.
pub(super) trait Session: Send + Sync + 'static {
    /// Asks for topics, and waits until the server has heard all of it.
    fn subscribe(&self, topics: Vec<Topic>) -> impl Future<Output = Result<(), BackplaneError>> + Send;

    /// Asks no more for topics.
    fn unsubscribe(&self, topics: Vec<Topic>) -> impl Future<Output = Result<(), BackplaneError>> + Send;

    /// Publishes, in this order. One result for each.
    fn publish(
        &self,
        batch: Vec<Publication>,
    ) -> impl Future<Output = Result<Vec<Published>, BackplaneError>> + Send;

    /// The next thing that arrived; an error when the connection is lost. Called by one task.
    fn receive(&self) -> impl Future<Output = Result<Incoming, BackplaneError>> + Send;

    /// See [`Backplane::history`](super::Backplane::history).
    fn history(
        &self,
        room: Arc<str>,
        since: Option<Position>,
        limit: usize,
    ) -> impl Future<Output = Result<History, BackplaneError>> + Send;

    /// All entries of a room's presence, of dead nodes too.
    fn members(&self, room: Arc<str>) -> impl Future<Output = Result<Vec<Presence>, BackplaneError>> + Send;

    /// Stores entries of this node, or removes those without data, and tells who watches.
    fn say(&self, entries: Vec<Placed>) -> impl Future<Output = Result<(), BackplaneError>> + Send;

    /// Keeps the entries of this node, all of which these are, from expiring. Gives the rooms that the server has forgotten.
    fn keep(
        &self,
        entries: Vec<Placed>,
    ) -> impl Future<Output = Result<Vec<Arc<str>>, BackplaneError>> + Send;

    /// Removes entries of a node that has been dead for long.
    fn bury(
        &self,
        room: Arc<str>,
        entries: Vec<Presence>,
    ) -> impl Future<Output = Result<(), BackplaneError>> + Send;

    /// Gives a sign of life, or the last one.
    fn beat(&self, last: bool) -> impl Future<Output = Result<(), BackplaneError>> + Send;
}

/// What became of one publication.
pub(super) type Published = Result<Option<Position>, BackplaneError>;

/// What a session receives.
#[derive(Debug)]
pub(super) enum Incoming {
    Beat(NodeId),
    LastBeat(NodeId),
    /// Messages were lost on this side of the server. Redis disconnects instead.
    #[cfg_attr(not(feature = "nats"), expect(dead_code))]
    Lost(u64),
    Message {
        message: Message,
        echo: bool,
    },
    Presence {
        room: Arc<str>,
        entry: Presence,
    },
}

/// An entry and its room.
pub(super) type Placed = (Arc<str>, Presence);

/// An entry of a room's presence. Of two of the same node and id the one with the higher version is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) node: NodeId,
    pub(super) id: Arc<str>,
    pub(super) version: u64,
    /// `None` says that they left.
    pub(super) data: Option<Bytes>,
}

/// A handle on a backplane over a network.
pub(super) struct Link {
    core: Arc<Core>,
}

/// What the handle and the driver share.
struct Core {
    node: NodeId,
    config: Config,
    events: EventSender,
    taken: AtomicBool,
    up: AtomicBool,
    outbox: Outbox,
    interest: Interest,
    roster: Mutex<Roster>,
    /// Entries of the roster wait to be said.
    said: Notify,
    /// Rooms of the roster may wait to be looked at.
    load: Notify,
    reads: mpsc::Sender<Read>,
    closed: Notify,
}

/// Something to read from the server.
enum Read {
    History { room: Arc<str>, since: Option<Position>, limit: usize, promise: Promise<History> },
    Members { room: Arc<str>, promise: Promise<Vec<Member>> },
    Count { room: Arc<str>, promise: Promise<usize> },
}

impl Link {
    /// A link to this server, which connects in the background.
    pub(super) fn new(server: impl Server, config: Config) -> Result<Self, BackplaneError> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|error| BackplaneError::new(ErrorKind::Invalid, Some(error.into())))?;
        let node = NodeId::random();
        let (reads, queued_reads) = mpsc::channel(MAX_READS);
        let core = Arc::new(Core {
            node,
            events: events::channel(config.max_events, config.max_event_bytes),
            taken: AtomicBool::new(false),
            up: AtomicBool::new(false),
            outbox: Outbox::new(config.max_queued, config.max_queued_bytes, config.timeout),
            interest: Interest::default(),
            roster: Mutex::new(Roster::new(node, config.presence_ttl, Instant::now())),
            said: Notify::new(),
            load: Notify::new(),
            reads,
            closed: Notify::new(),
            config,
        });
        runtime.spawn(driver::run(Arc::clone(&core), server, queued_reads));
        Ok(Self { core })
    }

    pub(super) fn node(&self) -> NodeId {
        self.core.node
    }

    pub(super) fn is_up(&self) -> bool {
        self.core.up.load(Ordering::Acquire)
    }

    pub(super) fn take_events(&self) -> Option<Events> {
        (!self.core.taken.swap(true, Ordering::AcqRel)).then(|| self.core.events.events())
    }

    pub(super) fn publish(&self, publication: Publication) -> Reply<Option<Position>> {
        if let Err(kind) = publication.check(&self.core.config) {
            return Reply::ready(Err(kind.into()));
        }
        if publication.volatile && !self.is_up() {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        self.core.outbox.push(publication)
    }

    pub(super) fn subscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        self.core.interest.add(topics)
    }

    pub(super) fn unsubscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        self.core.interest.remove(topics)
    }

    pub(super) fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Reply<History> {
        self.read(|promise| Read::History { room, since, limit, promise })
    }

    pub(super) fn presence(&self, room: Arc<str>) -> Reply<Vec<Member>> {
        self.read(|promise| Read::Members { room, promise })
    }

    pub(super) fn presence_count(&self, room: Arc<str>) -> Reply<usize> {
        self.read(|promise| Read::Count { room, promise })
    }

    fn read<T>(&self, read: impl FnOnce(Promise<T>) -> Read) -> Reply<T> {
        if !self.is_up() {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        let (promise, reply) = Promise::new(ErrorKind::Unavailable);
        // A refused read is dropped with its promise, which then says what kind of failure it is.
        if let Err(mpsc::error::TrySendError::Full(read)) = self.core.reads.try_send(read(promise)) {
            read.fail(ErrorKind::Full);
        }
        reply
    }

    pub(super) fn say(&self, room: Arc<str>, id: Arc<str>, data: Option<Bytes>) -> Reply<()> {
        if data.as_ref().is_some_and(|data| data.len() > self.core.config.max_payload) {
            return Reply::ready(Err(ErrorKind::Invalid.into()));
        }
        let (promise, reply) = Promise::new(ErrorKind::Closed);
        let mut roster = self.core.roster();
        roster.set_own(room, id, data);
        if self.is_up() {
            roster.wait_for_said(promise)
        } else {
            promise.keep(Ok(()))
        }
        drop(roster);
        self.core.said.notify_one();
        reply
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.core.outbox.close();
        self.core.closed.notify_one();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("node", &self.core.node)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl Core {
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    fn fail(self, kind: ErrorKind) {
        match self {
            Self::History { promise, .. } => promise.keep(Err(kind.into())),
            Self::Members { promise, .. } => promise.keep(Err(kind.into())),
            Self::Count { promise, .. } => promise.keep(Err(kind.into())),
        }
    }
}

/// Implements [`Backplane`](super::Backplane) for a newtype over a [`Link`].
macro_rules! backplane_over_link {
    ($name:ident) => {
        impl $crate::backplane::Backplane for $name {
            fn node(&self) -> $crate::backplane::NodeId {
                self.0.node()
            }

            fn is_up(&self) -> bool {
                self.0.is_up()
            }

            fn take_events(&self) -> Option<$crate::backplane::Events> {
                self.0.take_events()
            }

            fn publish(
                &self,
                publication: $crate::backplane::Publication,
            ) -> $crate::backplane::Reply<Option<$crate::backplane::Position>> {
                self.0.publish(publication)
            }

            fn subscribe(&self, topics: Vec<$crate::backplane::Topic>) -> $crate::backplane::Reply<()> {
                self.0.subscribe(topics)
            }

            fn unsubscribe(&self, topics: Vec<$crate::backplane::Topic>) -> $crate::backplane::Reply<()> {
                self.0.unsubscribe(topics)
            }

            fn history(
                &self,
                room: std::sync::Arc<str>,
                since: Option<$crate::backplane::Position>,
                limit: usize,
            ) -> $crate::backplane::Reply<$crate::backplane::History> {
                self.0.history(room, since, limit)
            }

            fn set_presence(
                &self,
                room: std::sync::Arc<str>,
                id: std::sync::Arc<str>,
                data: bytes::Bytes,
            ) -> $crate::backplane::Reply<()> {
                self.0.say(room, id, Some(data))
            }

            fn remove_presence(
                &self,
                room: std::sync::Arc<str>,
                id: std::sync::Arc<str>,
            ) -> $crate::backplane::Reply<()> {
                self.0.say(room, id, None)
            }

            fn presence(
                &self,
                room: std::sync::Arc<str>,
            ) -> $crate::backplane::Reply<Vec<$crate::backplane::Member>> {
                self.0.presence(room)
            }

            fn presence_count(&self, room: std::sync::Arc<str>) -> $crate::backplane::Reply<usize> {
                self.0.presence_count(room)
            }
        }
    };
}

pub(super) use backplane_over_link;

#[cfg(test)]
mod tests;
