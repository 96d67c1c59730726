//! Where a publication goes.

use std::sync::Arc;

use super::NodeId;

/// Where a publication goes, and what a node asks for.
///
/// Names are any text; they are escaped where a server gives characters a meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// Every node.
    All,
    /// One node. Each node has its own without asking for it.
    Node(NodeId),
    /// The nodes that watch who is in this room. Nothing is published here: it brings [`Event::Presence`](super::Event::Presence).
    Presence(Arc<str>),
    /// The nodes that have sessions in this room.
    Room(Arc<str>),
    /// The nodes that have sessions of this user.
    User(Arc<str>),
}

impl Topic {
    /// The topic of a room.
    pub fn room(name: impl Into<Arc<str>>) -> Self {
        Self::Room(name.into())
    }

    /// The topic of a user.
    pub fn user(name: impl Into<Arc<str>>) -> Self {
        Self::User(name.into())
    }

    /// The topic of a room's presence.
    pub fn presence(room: impl Into<Arc<str>>) -> Self {
        Self::Presence(room.into())
    }
}
