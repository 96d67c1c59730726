//! Who is in which room, as this node says it of its own and as it hears it of others; and which nodes live.

mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use self::view::View;
use super::promise::Promise;
use super::{Placed, Presence};
use crate::backplane::{Event, NodeId, PresenceChange};

/// Entries that leave together at the most.
const MAX_SAID: usize = 512;

/// What this node said of its members, with the version of the word, by room and id.
type Own = HashMap<Arc<str>, HashMap<Arc<str>, (u64, Bytes)>>;

/// After so many times the time to live a dead node's entries are removed from the server, and it is forgotten.
const BURIED_AFTER: u32 = 3;

pub(super) struct Roster {
    me: NodeId,
    ttl: Duration,
    /// Of the latest word about a member of this node.
    version: u64,
    own: Own,
    /// What the server was not told yet, by room and id.
    unsaid: HashMap<(Arc<str>, Arc<str>), Presence>,
    promises: Vec<Promise<()>>,
    /// When a node last gave a sign of life.
    heard: HashMap<NodeId, Instant>,
    /// Since when a node is taken for dead.
    dead: HashMap<NodeId, Instant>,
    /// The rooms that are watched.
    views: HashMap<Arc<str>, View>,
    to_load: HashSet<Arc<str>>,
}

impl Roster {
    pub(super) fn new(me: NodeId, ttl: Duration, now: Instant) -> Self {
        Self {
            me,
            ttl,
            version: 0,
            own: HashMap::new(),
            unsaid: HashMap::new(),
            promises: Vec::new(),
            heard: HashMap::from([(me, now)]),
            dead: HashMap::new(),
            views: HashMap::new(),
            to_load: HashSet::new(),
        }
    }

    /// Begins a session: all of this node's is said again, all that is watched is looked at again, and all nodes have
    /// time to give a sign of life.
    pub(super) fn begin(&mut self, now: Instant) {
        self.heard.values_mut().for_each(|heard| *heard = now);
        let rooms: Vec<Arc<str>> = self.own.keys().cloned().collect();
        self.say_again(&rooms);
        self.load_all();
    }

    // What this node says.

    pub(super) fn set_own(&mut self, room: Arc<str>, id: Arc<str>, data: Option<Bytes>) {
        let members = self.own.entry(Arc::clone(&room)).or_default();
        let old = members.get(&id).map(|(_, data)| data);
        if old == data.as_ref() {
            if members.is_empty() {
                self.own.remove(&room);
            }
            return;
        }
        self.version += 1;
        match &data {
            Some(data) => drop(members.insert(Arc::clone(&id), (self.version, data.clone()))),
            None => drop(members.remove(&id)),
        }
        if members.is_empty() {
            self.own.remove(&room);
        }
        let entry = Presence { node: self.me, id: Arc::clone(&id), version: self.version, data };
        self.unsaid.insert((room, id), entry);
    }

    /// Keeps the promise when all that is unsaid now is said.
    pub(super) fn wait_for_said(&mut self, promise: Promise<()>) {
        self.promises.push(promise);
    }

    /// Some of what is unsaid, and the promises to keep once it is said.
    pub(super) fn unsaid(&mut self) -> (Vec<Placed>, Vec<Promise<()>>) {
        let entries: Vec<_> = self
            .unsaid
            .iter()
            .take(MAX_SAID)
            .map(|((room, _), entry)| (Arc::clone(room), entry.clone()))
            .collect();
        let all = entries.len() == self.unsaid.len();
        (entries, if all { std::mem::take(&mut self.promises) } else { Vec::new() })
    }

    /// The server was told; what changed in between remains to be said.
    pub(super) fn said(&mut self, entries: &[(Arc<str>, u64, Arc<str>)]) {
        for (room, version, id) in entries {
            let key = (Arc::clone(room), Arc::clone(id));
            if self.unsaid.get(&key).is_some_and(|entry| entry.version == *version) {
                self.unsaid.remove(&key);
            }
        }
    }

    pub(super) fn say_again(&mut self, rooms: &[Arc<str>]) {
        for (room, id, version, data) in entries_of(&self.own, rooms) {
            let entry = Presence { node: self.me, id: Arc::clone(&id), version, data: Some(data) };
            self.unsaid.entry((room, id)).or_insert(entry);
        }
    }

    /// All entries of this node.
    pub(super) fn own(&self) -> Vec<Placed> {
        let rooms: Vec<Arc<str>> = self.own.keys().cloned().collect();
        entries_of(&self.own, &rooms)
            .map(|(room, id, version, data)| {
                (room, Presence { node: self.me, id, version, data: Some(data) })
            })
            .collect()
    }

    /// Ends the session: who waits for what is unsaid is told now, since it will be said by itself.
    pub(super) fn end(&mut self) {
        for promise in self.promises.drain(..) {
            promise.keep(Ok(()));
        }
    }

    // Which nodes live.

    /// A node gave a sign of life. One that was taken for dead is looked for again in all rooms.
    pub(super) fn heard(&mut self, node: NodeId, now: Instant) {
        self.heard.insert(node, now);
        if self.dead.remove(&node).is_some() {
            self.load_all();
        }
    }

    /// When this node last heard itself: how fresh all it hears is.
    pub(super) fn heard_itself(&self) -> Instant {
        self.heard[&self.me]
    }

    /// A node said that it ends.
    pub(super) fn ended(&mut self, node: NodeId, now: Instant) -> Vec<Event> {
        if node == self.me {
            return Vec::new();
        }
        self.heard.remove(&node);
        self.dead.insert(node, now);
        let mut events = Vec::new();
        for (room, view) in &mut self.views {
            events.extend(view.leave(node).into_iter().map(|change| event(room, change)));
        }
        events
    }

    /// Takes nodes for dead that gave no sign of life for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Event> {
        // While this node does not hear itself, it knows nothing of the others.
        if now.duration_since(self.heard_itself()) >= self.ttl {
            return Vec::new();
        }
        let silent: Vec<NodeId> = self
            .heard
            .iter()
            .filter(|(_, heard)| now.duration_since(**heard) >= self.ttl)
            .map(|(node, _)| *node)
            .collect();
        let events = silent.into_iter().flat_map(|node| self.ended(node, now)).collect();
        let forgotten = self.ttl * BURIED_AFTER * 2;
        self.dead.retain(|_, since| now.duration_since(*since) < forgotten);
        events
    }

    /// Tells the entries of nodes that live, or may do so, from those that can be removed.
    pub(super) fn living(&mut self, entries: Vec<Presence>, now: Instant) -> (Vec<Presence>, Vec<Presence>) {
        let (mut living, mut buried) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.dead.get(&entry.node) {
                Some(since) if now.duration_since(*since) >= self.ttl * BURIED_AFTER => buried.push(entry),
                Some(_) => {}
                None => {
                    // One that was never heard has its time to give a sign of life from now on.
                    self.heard.entry(entry.node).or_insert(now);
                    living.push(entry);
                }
            }
        }
        (living, buried)
    }

    // What is watched.

    pub(super) fn watch(&mut self, room: &Arc<str>) {
        self.views.entry(Arc::clone(room)).or_default();
    }

    pub(super) fn unwatch(&mut self, room: &Arc<str>) {
        self.views.remove(room);
        self.to_load.remove(room);
    }

    pub(super) fn load(&mut self, room: &Arc<str>) {
        if let Some(view) = self.views.get_mut(room) {
            view.load();
            self.to_load.insert(Arc::clone(room));
        }
    }

    fn load_all(&mut self) {
        self.views.values_mut().for_each(View::load);
        self.to_load = self.views.keys().cloned().collect();
    }

    /// A room that is to be looked at.
    pub(super) fn next_to_load(&mut self) -> Option<Arc<str>> {
        let room = self.to_load.iter().next().cloned()?;
        self.to_load.remove(&room);
        Some(room)
    }

    /// What the server has of a room, of nodes that live.
    pub(super) fn loaded(&mut self, room: &Arc<str>, entries: Vec<Presence>) -> Vec<Event> {
        let Some(view) = self.views.get_mut(room) else { return Vec::new() };
        // Asked for again in between: then another answer comes, which is newer.
        if self.to_load.contains(room) {
            return Vec::new();
        }
        view.loaded(entries).into_iter().map(|change| event(room, change)).collect()
    }

    /// Somebody came, changed or left.
    pub(super) fn changed(&mut self, room: &Arc<str>, entry: Presence, now: Instant) -> Option<Event> {
        self.heard(entry.node, now);
        self.views.get_mut(room)?.changed(entry).map(|change| event(room, change))
    }
}

fn event(room: &Arc<str>, change: PresenceChange) -> Event {
    Event::Presence { room: Arc::clone(room), change }
}

fn entries_of<'a>(
    own: &'a Own,
    rooms: &'a [Arc<str>],
) -> impl Iterator<Item = (Arc<str>, Arc<str>, u64, Bytes)> + 'a {
    rooms.iter().flat_map(|room| {
        own.get(room)
            .into_iter()
            .flatten()
            .map(|(id, (version, data))| (Arc::clone(room), Arc::clone(id), *version, data.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    fn node(number: u128) -> NodeId {
        NodeId::from_u128(number)
    }

    fn entry(owner: u128, id: &str, version: u64) -> Presence {
        Presence { node: node(owner), id: id.into(), version, data: Some(Bytes::from_static(b"x")) }
    }

    /// A roster of node 1 that watches the room `r`, where node 2 has a member.
    fn watching(now: Instant) -> Roster {
        let mut roster = Roster::new(node(1), TTL, now);
        roster.watch(&"r".into());
        let (living, _) = roster.living(vec![entry(2, "a", 1)], now);
        assert!(roster.loaded(&"r".into(), living).is_empty());
        roster
    }

    fn left(events: &[Event]) -> bool {
        matches!(events, [Event::Presence { change: PresenceChange::Left(_), .. }])
    }

    #[tokio::test]
    async fn a_silent_node_is_dead_after_its_time_and_comes_back_with_a_sign_of_life() {
        let now = Instant::now();
        let mut roster = watching(now);
        roster.heard(node(1), now + TTL);
        assert!(roster.expire(now + TTL - SECOND).is_empty());
        assert!(left(&roster.expire(now + TTL)));
        assert_eq!(roster.living(vec![entry(2, "a", 1)], now + TTL), (vec![], vec![]));
        assert_eq!(roster.next_to_load(), None);
        roster.heard(node(2), now + TTL + SECOND);
        assert_eq!(roster.next_to_load().as_deref(), Some("r"));
        let (living, _) = roster.living(vec![entry(2, "a", 1)], now + TTL + SECOND);
        let events = roster.loaded(&"r".into(), living);
        assert!(matches!(&events[..], [Event::Presence { change: PresenceChange::Joined(_), .. }]));
    }

    #[tokio::test]
    async fn who_does_not_hear_itself_takes_nobody_for_dead() {
        let now = Instant::now();
        let mut roster = watching(now);
        assert!(roster.expire(now + TTL * 2).is_empty());
        // With a new session all have their time again.
        roster.begin(now + TTL * 2);
        roster.heard(node(1), now + TTL * 3);
        assert!(roster.expire(now + TTL * 3 - SECOND).is_empty());
        assert!(left(&roster.expire(now + TTL * 3)));
    }

    #[tokio::test]
    async fn the_long_dead_are_buried() {
        let now = Instant::now();
        let mut roster = watching(now);
        assert!(left(&roster.ended(node(2), now)));
        assert_eq!(roster.living(vec![entry(2, "a", 1)], now + TTL * 3 - SECOND), (vec![], vec![]));
        assert_eq!(roster.living(vec![entry(2, "a", 1)], now + TTL * 3).1.len(), 1);
    }

    #[tokio::test]
    async fn what_changes_while_it_is_said_is_said_again() {
        let mut roster = Roster::new(node(1), TTL, Instant::now());
        roster.set_own("r".into(), "a".into(), Some("1".into()));
        let (entries, _) = roster.unsaid();
        let key = |entries: &[Placed]| vec![("r".into(), entries[0].1.version, "a".into())];
        roster.set_own("r".into(), "a".into(), None);
        roster.said(&key(&entries));
        let (entries, _) = roster.unsaid();
        assert_eq!(entries[0].1.data, None);
        roster.said(&key(&entries));
        assert!(roster.unsaid().0.is_empty() && roster.own().is_empty());
    }

    #[tokio::test]
    async fn all_of_a_node_is_said_again_with_a_new_session() {
        let now = Instant::now();
        let mut roster = Roster::new(node(1), TTL, now);
        roster.set_own("r".into(), "a".into(), Some("1".into()));
        roster.set_own("r".into(), "a".into(), Some("1".into()));
        let (entries, _) = roster.unsaid();
        roster.said(&[("r".into(), entries[0].1.version, "a".into())]);
        assert!(roster.unsaid().0.is_empty());
        roster.begin(now);
        assert_eq!(roster.unsaid().0, entries);
    }
}
