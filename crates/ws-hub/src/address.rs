//! Whom something is for, in a form that other nodes understand.

use std::{collections::HashSet, sync::Arc};

use crate::{
    Hub, Session, SessionId,
    backplane::{NodeId, Topic},
    handler::Handler,
    members::Snapshot,
};

/// Whom something is for: all, or those in any of the rooms, of the users, of the sessions; of them, those who are in every
/// room of `only`; without the exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) all: bool,
    pub(crate) rooms: Vec<Arc<str>>,
    pub(crate) users: Vec<Arc<str>>,
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) only: Vec<Arc<str>>,
    pub(crate) except_rooms: Vec<Arc<str>>,
    pub(crate) except_users: Vec<Arc<str>>,
    pub(crate) except: Vec<SessionId>,
}

impl Address {
    /// Where it is published: as few nodes as possible hear of it.
    pub(crate) fn topic(&self) -> Topic {
        match (self.all, &self.rooms[..], &self.users[..], &self.sessions[..]) {
            (false, [room], [], []) => Topic::Room(room.clone()),
            (false, [], [user], []) => Topic::User(user.clone()),
            (false, [], [], [first, rest @ ..]) if rest.iter().all(|id| id.node == first.node) => {
                Topic::Node(first.node)
            }
            _ => Topic::All,
        }
    }

    /// Whether none but this node has any of them.
    pub(crate) fn is_local(&self, node: NodeId) -> bool {
        !self.all
            && self.rooms.is_empty()
            && self.users.is_empty()
            && self.sessions.iter().all(|id| id.node == node)
    }

    /// Calls with each session of this node once. No lock is held meanwhile.
    pub(crate) fn for_each<A: Handler>(&self, hub: &Hub<A>, mut each: impl FnMut(&Session<A>)) {
        let node = hub.node();
        let mut each = |session: &Session<A>| {
            if self.admits(session, node) {
                each(session);
            }
        };
        if self.all {
            for snapshot in hub.snapshots() {
                snapshot.iter().for_each(&mut each);
            }
            return;
        }
        let groups = self.rooms.iter().filter_map(|room| hub.room_group(room));
        let groups = groups.chain(self.users.iter().filter_map(|user| hub.user_group(user)));
        let snapshots: Vec<_> = groups.map(|group| group.snapshot()).collect();
        if let ([snapshot], []) = (&snapshots[..], &self.sessions[..]) {
            // Nobody stands in one group twice.
            snapshot.iter().for_each(each);
            return;
        }
        let mut seen = HashSet::with_capacity(snapshots.iter().map(Snapshot::len).sum());
        let here = self.sessions.iter().filter(|id| id.node == node);
        let sessions: Vec<_> = here.filter_map(|id| hub.session(*id)).collect();
        for session in snapshots.iter().flat_map(Snapshot::iter).chain(&sessions) {
            if seen.insert(session.number()) {
                each(session);
            }
        }
    }

    fn admits<A: Handler>(&self, session: &Session<A>, node: NodeId) -> bool {
        let number = session.number();
        if self.except.iter().any(|id| id.number == number && id.node == node) {
            return false;
        }
        if !self.only.iter().all(|room| session.is_in(room)) {
            return false;
        }
        if self.except_rooms.iter().any(|room| session.is_in(room)) {
            return false;
        }
        self.except_users.is_empty() || session.user().is_none_or(|user| !self.except_users.contains(&user))
    }
}
