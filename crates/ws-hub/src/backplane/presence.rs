//! Who is in a room.

use std::sync::Arc;

use bytes::Bytes;

use super::NodeId;

/// Somebody in a room, on some node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The node where they are.
    pub node: NodeId,
    /// Who it is, unique on that node and in that room: a session's number.
    pub id: Arc<str>,
    /// What was said of them.
    pub data: Bytes,
}

/// That somebody came, changed or left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresenceChange {
    /// Somebody is in the room who was not.
    Joined(Member),
    /// Somebody left the room, or their node died. `data` is what was last said of them.
    Left(Member),
    /// Other data are said of somebody in the room.
    Updated(Member),
}

impl PresenceChange {
    /// Whom it is about.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Self::Joined(member) | Self::Left(member) | Self::Updated(member) => member,
        }
    }
}
