//! What a hub asks of the server that its nodes share.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{Events, History, Member, NodeId, Position, Publication, Reply, Topic};

/// What a hub asks of the server that its nodes share.
///
/// The module's page says what is promised. Calls never block and never wait: they take effect in the order in which they are
/// made, and the [`Reply`] says what became of it. Several tasks may call at the same time.
pub trait Backplane: fmt::Debug + Send + Sync + 'static {
    /// This node.
    fn node(&self) -> NodeId;

    /// Whether the server can be reached now, as far as is known.
    fn is_up(&self) -> bool;

    /// What arrives. `None` when it was taken before.
    fn take_events(&self) -> Option<Events>;

    /// Publishes. The position is there when the publication is retained.
    ///
    /// While there is no server it waits in a bounded queue, at most [`Config::timeout`](super::Config::timeout). An
    /// error other than [`ErrorKind::Unconfirmed`](super::ErrorKind::Unconfirmed) says that no node will get it. Success says that the
    /// server has it, not that a node had asked for it.
    fn publish(&self, publication: Publication) -> Reply<Option<Position>>;

    /// Asks for what is published to these topics from now on.
    ///
    /// The reply comes when the server has heard it. While there is no server it comes at once, and the topics are asked
    /// for when there is one; from then on they are asked for again after each loss, all in few requests. Topics are a set: asking
    /// twice is asking once.
    fn subscribe(&self, topics: Vec<Topic>) -> Reply<()>;

    /// Asks no more for what is published to these topics. What is on its way may still arrive.
    fn unsubscribe(&self, topics: Vec<Topic>) -> Reply<()>;

    /// Reads what a room retained: all after `since`, at most `limit` messages, or else nothing; without `since` the
    /// newest `limit` messages.
    ///
    /// A node that subscribes first and reads then, and drops what arrives with offsets that it has read, misses nothing.
    fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Reply<History>;

    /// Says that somebody is in a room on this node, or what is said of them now.
    ///
    /// It lasts until it is taken back, and is said again by itself when the server forgot it. It ends with this node. While
    /// there is no server the reply comes at once, and the server is told later.
    fn set_presence(&self, room: Arc<str>, id: Arc<str>, data: Bytes) -> Reply<()>;

    /// Takes back that somebody is in a room on this node.
    fn remove_presence(&self, room: Arc<str>, id: Arc<str>) -> Reply<()>;

    /// Who is in a room, on all nodes that live, in no order.
    fn presence(&self, room: Arc<str>) -> Reply<Vec<Member>>;

    /// How many are in a room, on all nodes that live.
    fn presence_count(&self, room: Arc<str>) -> Reply<usize>;
}

/// So that a handle can be kept beside the hub.
impl<B: Backplane + ?Sized> Backplane for Arc<B> {
    fn node(&self) -> NodeId {
        (**self).node()
    }

    fn is_up(&self) -> bool {
        (**self).is_up()
    }

    fn take_events(&self) -> Option<Events> {
        (**self).take_events()
    }

    fn publish(&self, publication: Publication) -> Reply<Option<Position>> {
        (**self).publish(publication)
    }

    fn subscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        (**self).subscribe(topics)
    }

    fn unsubscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        (**self).unsubscribe(topics)
    }

    fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Reply<History> {
        (**self).history(room, since, limit)
    }

    fn set_presence(&self, room: Arc<str>, id: Arc<str>, data: Bytes) -> Reply<()> {
        (**self).set_presence(room, id, data)
    }

    fn remove_presence(&self, room: Arc<str>, id: Arc<str>) -> Reply<()> {
        (**self).remove_presence(room, id)
    }

    fn presence(&self, room: Arc<str>) -> Reply<Vec<Member>> {
        (**self).presence(room)
    }

    fn presence_count(&self, room: Arc<str>) -> Reply<usize> {
        (**self).presence_count(room)
    }
}
