//! Sessions by a name that they share: a room, or a user.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Session,
    handler::Handler,
    members::{Members, Snapshot},
    stream::Stream,
};

/// The groups of one kind. A group is there while somebody is in it.
pub(crate) struct Groups<A: Handler> {
    /// By a hash of the name, so that groups come and go without much waiting for each other.
    shards: Box<[Mutex<Named<A>>]>,
    hasher: RandomState,
}

type Named<A> = HashMap<Arc<str>, Arc<Group<A>>>;

/// The sessions that share a name.
pub(crate) struct Group<A: Handler> {
    pub(crate) name: Arc<str>,
    state: Mutex<GroupState<A>>,
    /// Held while a message of the history is given to those who are in the room.
    walk: Mutex<()>,
}

pub(crate) struct GroupState<A: Handler> {
    pub(crate) members: Members<A>,
    /// Those who need the group although they are not in it.
    pins: usize,
    /// How far the room's history was handed on. Boxed: only rooms that publish have one.
    pub(crate) stream: Option<Box<Stream>>,
}

impl<A: Handler> Default for GroupState<A> {
    fn default() -> Self {
        Self { members: Members::default(), pins: 0, stream: None }
    }
}

impl<A: Handler> Groups<A> {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new() }
    }

    /// Puts a session into the group of this name. `created` is told of a new group, and `before` of any group before the
    /// session is in it. Both run under a lock, so that what they do is in the order of what happens.
    pub(crate) fn insert(
        &self,
        name: &str,
        session: &Session<A>,
        created: impl FnOnce(&Arc<str>),
        before: impl FnOnce(&mut GroupState<A>),
    ) -> Arc<Group<A>> {
        let mut groups = self.shard(name);
        let group = Self::get_or_create(&mut groups, name, created);
        let mut state = group.lock();
        before(&mut state);
        state.members.insert(session);
        drop(state);
        group
    }

    /// Keeps the group of this name, with nobody in it if need be, until it is unpinned.
    pub(crate) fn pin(&self, name: &str, created: impl FnOnce(&Arc<str>)) -> Arc<Group<A>> {
        let mut groups = self.shard(name);
        let group = Self::get_or_create(&mut groups, name, created);
        group.lock().pins += 1;
        group
    }

    pub(crate) fn unpin(&self, group: &Arc<Group<A>>, vanished: impl FnOnce(&Arc<str>)) {
        self.change(group, vanished, |state| {
            state.pins -= 1;
            None
        });
    }

    /// Takes a session out of a group.
    pub(crate) fn remove(&self, group: &Arc<Group<A>>, number: u64, vanished: impl FnOnce(&Arc<str>)) {
        self.change(group, vanished, |state| state.members.remove(number));
    }

    fn change(
        &self,
        group: &Arc<Group<A>>,
        vanished: impl FnOnce(&Arc<str>),
        change: impl FnOnce(&mut GroupState<A>) -> Option<Session<A>>,
    ) {
        let mut groups = self.shard(&group.name);
        let mut state = group.lock();
        let removed = change(&mut state);
        let is_unused = state.members.is_empty() && state.pins == 0;
        drop(state);
        let known = groups.get(&group.name).is_some_and(|known| Arc::ptr_eq(known, group));
        let gone = if is_unused && known { groups.remove(&group.name) } else { None };
        if gone.is_some() {
            vanished(&group.name);
        }
        drop(groups);
        // What may be the last of a session is dropped without a lock.
        drop((removed, gone));
    }

    fn get_or_create(groups: &mut Named<A>, name: &str, created: impl FnOnce(&Arc<str>)) -> Arc<Group<A>> {
        if let Some(group) = groups.get(name) {
            return group.clone();
        }
        let name: Arc<str> = name.into();
        let group = Arc::new(Group { name: name.clone(), state: Mutex::default(), walk: Mutex::default() });
        groups.insert(name, group.clone());
        created(&group.name);
        group
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Group<A>>> {
        self.shard(name).get(name).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.shards.iter().flat_map(|shard| lock(shard).keys().cloned().collect::<Vec<_>>()).collect()
    }

    fn shard(&self, name: &str) -> MutexGuard<'_, Named<A>> {
        lock(&self.shards[self.hasher.hash_one(name) as usize % SHARDS])
    }
}

impl<A: Handler> Group<A> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, GroupState<A>> {
        lock(&self.state)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<A> {
        self.lock().members.snapshot()
    }

    /// Waits until no message of the history is given to those who were in the room: a few steps for each of them. Whoever left
    /// before is given none any more.
    pub(crate) fn walk(&self) -> MutexGuard<'_, ()> {
        lock(&self.walk)
    }
}

/// No code of an application runs under these locks, and ours leaves whole what it leaves.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 64;
