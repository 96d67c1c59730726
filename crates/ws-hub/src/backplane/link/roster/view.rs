//! Who is in one room that is watched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;

use crate::backplane::link::Presence;
use crate::backplane::{Member, NodeId, PresenceChange};

type Key = (NodeId, Arc<str>);

/// Who is in one room: what the server said when it was asked, and what it told since.
#[derive(Default)]
pub(super) struct View {
    /// Nobody before the first answer, which is told to nobody: who watches a room asks who is there.
    members: HashMap<Key, (u64, Bytes)>,
    state: State,
    /// What was told while the answer was on its way, newest by member.
    changes: HashMap<Key, (u64, Option<Bytes>)>,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    First,
    Loading,
    Loaded,
}

impl View {
    /// Expects an answer: what is told until then is put on top of it.
    pub(super) fn load(&mut self) {
        if self.state == State::Loaded {
            self.state = State::Loading;
        }
    }

    pub(super) fn changed(&mut self, entry: Presence) -> Option<PresenceChange> {
        let Presence { node, id, version, data } = entry;
        if self.state == State::Loaded {
            return self.apply((node, id), version, data);
        }
        let newest = self.changes.entry((node, id)).or_insert((version, None));
        if version >= newest.0 {
            *newest = (version, data);
        }
        None
    }

    pub(super) fn loaded(&mut self, entries: Vec<Presence>) -> Vec<PresenceChange> {
        let changes = std::mem::take(&mut self.changes);
        let first = std::mem::replace(&mut self.state, State::Loaded) == State::First;
        let mut members: HashMap<Key, (u64, Bytes)> = entries
            .into_iter()
            .filter_map(|entry| Some(((entry.node, entry.id), (entry.version, entry.data?))))
            .collect();
        if first {
            // What was told since the room is watched is news, whether the answer knew of it or not.
            members.retain(|key, (version, _)| changes.get(key).is_none_or(|(newer, _)| *version < *newer));
            self.members = members;
            let gone = |(node, id): &Key| Member { node: *node, id: Arc::clone(id), data: Bytes::new() };
            return changes
                .into_iter()
                .filter_map(|(key, (version, data))| {
                    let left = data.is_none().then(|| PresenceChange::Left(gone(&key)));
                    self.apply(key, version, data).or(left)
                })
                .collect();
        }
        for (key, (version, data)) in changes {
            if members.get(&key).is_some_and(|(known, _)| *known >= version) {
                continue;
            }
            match data {
                Some(data) => drop(members.insert(key, (version, data))),
                None => drop(members.remove(&key)),
            }
        }
        let mut news: Vec<PresenceChange> = std::mem::take(&mut self.members)
            .into_iter()
            .filter_map(|(key, old)| match members.entry(key) {
                Entry::Vacant(gone) => Some(PresenceChange::Left(member(gone.key(), old.1))),
                Entry::Occupied(stays) => {
                    let other = stays.get().1 != old.1;
                    let change =
                        other.then(|| PresenceChange::Updated(member(stays.key(), stays.get().1.clone())));
                    self.members.insert(stays.key().clone(), stays.get().clone());
                    stays.remove();
                    change
                }
            })
            .collect();
        news.extend(members.iter().map(|(key, (_, data))| PresenceChange::Joined(member(key, data.clone()))));
        self.members.extend(members);
        news
    }

    /// All of a node leave.
    pub(super) fn leave(&mut self, node: NodeId) -> Vec<PresenceChange> {
        self.changes.retain(|(owner, _), _| *owner != node);
        let keys: Vec<Key> = self.members.keys().filter(|(owner, _)| *owner == node).cloned().collect();
        keys.into_iter()
            .filter_map(|key| {
                let (_, data) = self.members.remove(&key)?;
                Some(PresenceChange::Left(member(&key, data)))
            })
            .collect()
    }

    fn apply(&mut self, key: Key, version: u64, data: Option<Bytes>) -> Option<PresenceChange> {
        let old = self.members.get(&key);
        if old.is_some_and(|(known, _)| *known >= version) {
            return None;
        }
        let Some(data) = data else {
            let (_, data) = self.members.remove(&key)?;
            return Some(PresenceChange::Left(member(&key, data)));
        };
        let change = match old {
            None => Some(PresenceChange::Joined(member(&key, data.clone()))),
            Some((_, old)) if *old != data => Some(PresenceChange::Updated(member(&key, data.clone()))),
            Some(_) => None,
        };
        self.members.insert(key, (version, data));
        change
    }
}

fn member(key: &Key, data: Bytes) -> Member {
    Member { node: key.0, id: Arc::clone(&key.1), data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(node: u128, id: &str, version: u64, data: Option<&'static str>) -> Presence {
        Presence {
            node: NodeId::from_u128(node),
            id: id.into(),
            version,
            data: data.map(Bytes::from_static_str),
        }
    }

    trait FromStaticStr {
        fn from_static_str(text: &'static str) -> Self;
    }

    impl FromStaticStr for Bytes {
        fn from_static_str(text: &'static str) -> Self {
            Self::from_static(text.as_bytes())
        }
    }

    fn whom(changes: &[PresenceChange]) -> Vec<String> {
        let mut all: Vec<String> = changes
            .iter()
            .map(|change| {
                let sign = match change {
                    PresenceChange::Joined(_) => '+',
                    PresenceChange::Left(_) => '-',
                    PresenceChange::Updated(_) => '=',
                };
                format!("{sign}{}", change.member().id)
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn who_is_there_at_first_is_no_news() {
        let mut view = View::default();
        assert_eq!(view.changed(entry(1, "during", 5, Some("x"))), None);
        let news = view.loaded(vec![entry(1, "before", 1, Some("x")), entry(1, "during", 5, Some("x"))]);
        assert_eq!(whom(&news), ["+during"]);
        assert_eq!(whom(view.changed(entry(1, "after", 6, Some("x"))).as_slice()), ["+after"]);
    }

    #[test]
    fn who_leaves_while_the_first_answer_is_on_its_way_is_told_either_way() {
        for known in [true, false] {
            let mut view = View::default();
            view.changed(entry(1, "a", 2, None));
            let answer = if known { vec![entry(1, "a", 1, Some("x"))] } else { vec![] };
            assert_eq!(whom(&view.loaded(answer)), ["-a"]);
        }
    }

    #[test]
    fn another_answer_tells_the_differences() {
        let mut view = View::default();
        view.loaded(vec![
            entry(1, "gone", 1, Some("x")),
            entry(1, "other", 2, Some("x")),
            entry(1, "same", 3, Some("x")),
        ]);
        view.load();
        assert_eq!(view.changed(entry(1, "late", 9, Some("x"))), None);
        let news = view.loaded(vec![
            entry(1, "other", 7, Some("y")),
            entry(1, "same", 3, Some("x")),
            entry(2, "new", 1, Some("x")),
        ]);
        assert_eq!(whom(&news), ["+late", "+new", "-gone", "=other"]);
        assert_eq!(whom(view.changed(entry(1, "same", 10, None)).as_slice()), ["-same"]);
    }

    #[test]
    fn the_same_word_twice_is_told_once() {
        let mut view = View::default();
        view.loaded(vec![]);
        assert!(view.changed(entry(1, "a", 1, Some("x"))).is_some());
        assert_eq!(view.changed(entry(1, "a", 1, Some("x"))), None);
        assert_eq!(view.changed(entry(1, "a", 2, Some("x"))), None);
    }

    #[test]
    fn a_dead_nodes_members_leave() {
        let mut view = View::default();
        view.loaded(vec![entry(1, "a", 1, Some("x")), entry(2, "b", 1, Some("x"))]);
        assert_eq!(whom(&view.leave(NodeId::from_u128(1))), ["-a"]);
        assert_eq!(whom(&view.leave(NodeId::from_u128(1))), [] as [&str; 0]);
    }
}
