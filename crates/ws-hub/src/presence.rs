//! Who is in a room: what this node says of its own sessions, and what it sees of all.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::{
    Hub, Session,
    backplane::{BackplaneError, Member, NodeId, PresenceChange, Topic},
    groups::lock,
    handler::Handler,
};

/// Somebody who is present in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Present {
    /// The user; or the session's identity, if it has no user.
    pub name: Arc<str>,
    /// What was said of them, last on one of the nodes where they are.
    pub data: Bytes,
    /// The nodes where they are.
    pub nodes: Vec<NodeId>,
}

impl Present {
    pub(crate) fn of(members: Vec<Member>) -> Vec<Self> {
        let mut present: BTreeMap<Arc<str>, Self> = BTreeMap::new();
        for Member { node, id, data, .. } in members {
            let entry = present.entry(id.clone());
            entry.or_insert_with(|| Self { name: id, data, nodes: Vec::new() }).nodes.push(node);
        }
        present.into_values().collect()
    }
}

/// That somebody came to a room, changed or left it, over all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresenceEvent {
    /// Somebody is present who was not.
    Joined {
        /// The user, or the session's identity.
        name: Arc<str>,
        /// What is said of them.
        data: Bytes,
    },
    /// Somebody is not present any more, with no session on any node.
    Left {
        /// The user, or the session's identity.
        name: Arc<str>,
        /// What was last said of them; nothing where that was not told.
        data: Bytes,
    },
    /// Other things are said of somebody who is present.
    Updated {
        /// The user, or the session's identity.
        name: Arc<str>,
        /// What is said of them now.
        data: Bytes,
    },
}

/// The presence of a hub's rooms.
pub(crate) struct Presences {
    /// Of this node's sessions.
    own: Mutex<HashMap<Arc<str>, Own>>,
    /// Of all nodes', in rooms that are watched.
    watched: Mutex<HashMap<Arc<str>, View>>,
}

/// Who of this node is present in a room.
#[derive(Default)]
struct Own {
    sessions: HashMap<u64, Arc<str>>,
    names: HashMap<Arc<str>, Said>,
}

/// What is said of somebody, and by how many sessions.
struct Said {
    data: Bytes,
    sessions: usize,
    /// When the last session has gone: a number, so that a time of grace knows whether it is still about that time.
    departure: u64,
}

/// Who is present in a room, by node.
#[derive(Default)]
struct View {
    present: HashMap<Arc<str>, Vec<NodeId>>,
    /// Whether the whole was read ever: what is not in it is not present.
    is_known: bool,
    /// For each who reads the whole, whom was told of since it was asked for: what is read of them is older.
    looks: Vec<(u64, Touched)>,
}

type Touched = HashSet<(NodeId, Arc<str>)>;

impl Presences {
    pub(crate) fn new() -> Self {
        Self { own: Mutex::default(), watched: Mutex::default() }
    }

    /// Says that a session is present. The backplane is called under the lock, which never waits, so that it hears things in
    /// their order.
    pub(crate) fn set<A: Handler>(&self, hub: &Hub<A>, room: &str, session: &Session<A>, data: Bytes) {
        let name = session.user().unwrap_or_else(|| session.id().to_string().into());
        let room: Arc<str> = room.into();
        let mut rooms = lock(&self.own);
        let own = rooms.entry(room.clone()).or_default();
        let mut is_new = false;
        match own.sessions.insert(session.number(), name.clone()) {
            Some(before) if before == name => {}
            before => {
                if let Some(before) = before {
                    own.forget(hub, &room, &before);
                }
                let said = own.names.entry(name.clone()).or_insert_with(|| {
                    is_new = true;
                    Said { data: Bytes::new(), sessions: 0, departure: 0 }
                });
                said.sessions += 1;
            }
        }
        let Some(said) = own.names.get_mut(&name) else { return };
        if is_new || said.data != data {
            said.data = data.clone();
            hub.plane().set_presence(room.clone(), name, data).forget();
        }
        // Whoever left while this was said is not here to take it back.
        drop(rooms);
        if !session.is_in(&room) {
            self.leave(hub, &room, session, true);
        }
    }

    /// Takes back that a session is present; at once, or after the time of grace.
    pub(crate) fn leave<A: Handler>(&self, hub: &Hub<A>, room: &str, session: &Session<A>, at_once: bool) {
        let grace = hub.config().presence_grace;
        let mut rooms = lock(&self.own);
        let Some(own) = rooms.get_mut(room) else { return };
        let room: Arc<str> = room.into();
        let Some(name) = own.sessions.remove(&session.number()) else { return };
        let Some(said) = own.names.get_mut(&name) else { return };
        // Without a runtime nobody is there to wait.
        let runtime =
            Handle::try_current().ok().filter(|_| said.sessions == 1 && !at_once && !grace.is_zero());
        let Some(runtime) = runtime else {
            own.forget(hub, &room, &name);
            if own.names.is_empty() {
                rooms.remove(&room);
            }
            return;
        };
        said.sessions = 0;
        said.departure = hub.next_number();
        let departure = said.departure;
        let hub = hub.downgrade();
        runtime.spawn(async move {
            tokio::time::sleep(grace).await;
            if let Some(hub) = Hub::upgrade(&hub) {
                hub.presences().expire(&hub, &room, &name, departure);
            }
        });
    }

    /// The time of grace is over.
    fn expire<A: Handler>(&self, hub: &Hub<A>, room: &Arc<str>, name: &Arc<str>, departure: u64) {
        let mut rooms = lock(&self.own);
        let Some(own) = rooms.get_mut(room) else { return };
        let Some(said) = own.names.get(name) else { return };
        if said.sessions == 0 && said.departure == departure {
            own.forget(hub, room, name);
            if own.names.is_empty() {
                rooms.remove(room);
            }
        }
    }

    // All nodes.

    pub(crate) async fn watch<A: Handler>(
        &self,
        hub: &Hub<A>,
        room: &str,
    ) -> Result<Vec<Present>, BackplaneError> {
        let room: Arc<str> = room.into();
        let (is_known, subscribed) = {
            let mut watched = lock(&self.watched);
            let is_known = watched.entry(room.clone()).or_default().is_known;
            // Even for the second, to whom it is confirmed in its turn.
            (is_known, hub.plane().subscribe(vec![Topic::Presence(room.clone())]))
        };
        // If it fails, what the server says next of its state makes it good.
        let _ = subscribed.await;
        let members =
            if is_known { hub.plane().presence(room).await? } else { self.look(hub, &room).await? };
        Ok(Present::of(members))
    }

    /// Reads who is present, and tells the application of what it does not know, if it knows anything.
    async fn look<A: Handler>(&self, hub: &Hub<A>, room: &Arc<str>) -> Result<Vec<Member>, BackplaneError> {
        let look = Look::begin(self, room, hub.next_number());
        let members = hub.plane().presence(room.clone()).await?;
        let events = match lock(&self.watched).get_mut(room) {
            Some(view) => view.fill(look.number, &members),
            None => Vec::new(),
        };
        for event in events {
            hub.guarded(|| hub.handler().presence(hub, room, &event));
        }
        Ok(members)
    }

    /// Looks at the rooms that are watched, since changes were missed; or at those alone that were not seen yet.
    pub(crate) fn look_again<A: Handler>(&self, hub: &Hub<A>, all: bool) {
        let watched = lock(&self.watched);
        let rooms = watched.iter().filter(|(_, view)| all || !view.is_known);
        let rooms: Vec<_> = rooms.map(|(room, _)| room.clone()).collect();
        drop(watched);
        if rooms.is_empty() {
            return;
        }
        let hub = hub.clone();
        tokio::spawn(async move {
            for room in rooms {
                // Without a server the next connection to it begins this anew.
                let _ = hub.presences().look(&hub, &room).await;
            }
        });
    }

    pub(crate) fn unwatch<A: Handler>(&self, hub: &Hub<A>, room: &str) {
        let mut watched = lock(&self.watched);
        if let Some((room, _)) = watched.remove_entry(room) {
            hub.plane().unsubscribe(vec![Topic::Presence(room)]).forget();
        }
    }

    /// Tells the application of a change, if it is one for somebody as a whole.
    pub(crate) fn change<A: Handler>(&self, hub: &Hub<A>, room: &Arc<str>, change: &PresenceChange) {
        let event = match lock(&self.watched).get_mut(room) {
            Some(view) => view.change(change),
            None => None,
        };
        if let Some(event) = event {
            hub.guarded(|| hub.handler().presence(hub, room, &event));
        }
    }
}

impl Own {
    /// One session less says that somebody is present.
    fn forget<A: Handler>(&mut self, hub: &Hub<A>, room: &Arc<str>, name: &Arc<str>) {
        let Entry::Occupied(mut said) = self.names.entry(name.clone()) else { return };
        said.get_mut().sessions = said.get().sessions.saturating_sub(1);
        if said.get().sessions == 0 {
            said.remove();
            hub.plane().remove_presence(room.clone(), name.clone()).forget();
        }
    }
}

/// Notes who is told of while the whole is read, until it is dropped.
struct Look<'a> {
    presences: &'a Presences,
    room: &'a Arc<str>,
    number: u64,
}

impl<'a> Look<'a> {
    fn begin(presences: &'a Presences, room: &'a Arc<str>, number: u64) -> Self {
        if let Some(view) = lock(&presences.watched).get_mut(room) {
            view.looks.push((number, Touched::new()));
        }
        Self { presences, room, number }
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if let Some(view) = lock(&self.presences.watched).get_mut(self.room) {
            view.looks.retain(|(number, _)| *number != self.number);
        }
    }
}

impl View {
    /// Takes over what was read, and gives what is new of it. The first time that is nothing: who watches is told of all.
    fn fill(&mut self, look: u64, members: &[Member]) -> Vec<PresenceEvent> {
        let Some(at) = self.looks.iter().position(|(number, _)| *number == look) else { return Vec::new() };
        // Those before it have read what is older.
        let Some((_, touched)) = self.looks.drain(..=at).next_back() else { return Vec::new() };
        let before = std::mem::take(&mut self.present);
        let is_first = !std::mem::replace(&mut self.is_known, true);
        let mut events = Vec::new();
        for Member { node, id, data, .. } in members {
            if touched.contains(&(*node, id.clone())) {
                continue;
            }
            let nodes = self.present.entry(id.clone()).or_default();
            if nodes.is_empty() {
                let (name, data) = (id.clone(), data.clone());
                // What was said before is not known here: it may have been something else.
                events.push(if before.contains_key(id) {
                    PresenceEvent::Updated { name, data }
                } else {
                    PresenceEvent::Joined { name, data }
                });
            }
            nodes.push(*node);
        }
        for (name, nodes) in before {
            let told = nodes.into_iter().filter(|node| touched.contains(&(*node, name.clone())));
            let told: Vec<_> = told.collect();
            if !told.is_empty() {
                self.present.entry(name).or_default().extend(told);
            } else if !self.present.contains_key(&name) {
                events.push(PresenceEvent::Left { name, data: Bytes::new() });
            }
        }
        if is_first { Vec::new() } else { events }
    }

    fn change(&mut self, change: &PresenceChange) -> Option<PresenceEvent> {
        let Member { node, id, data, .. } = change.member();
        for (_, touched) in &mut self.looks {
            touched.insert((*node, id.clone()));
        }
        let (name, data) = (id.clone(), data.clone());
        if matches!(change, PresenceChange::Left(_)) {
            let Entry::Occupied(mut nodes) = self.present.entry(name.clone()) else {
                // Somebody who came before this node looked; or whose leave was found out before it was told.
                return (!self.is_known).then_some(PresenceEvent::Left { name, data });
            };
            nodes.get_mut().retain(|other| other != node);
            if !nodes.get().is_empty() {
                return None;
            }
            nodes.remove();
            return Some(PresenceEvent::Left { name, data });
        }
        let nodes = self.present.entry(name.clone()).or_default();
        let is_new = nodes.is_empty();
        if !nodes.contains(node) {
            nodes.push(*node);
        }
        Some(if is_new {
            PresenceEvent::Joined { name, data }
        } else {
            PresenceEvent::Updated { name, data }
        })
    }
}
