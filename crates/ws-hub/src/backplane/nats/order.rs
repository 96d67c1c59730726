//! Puts the retained messages of a room back into their order.
//!
//! The server stores the messages of two publishers one after the other, but may then republish them at the same time: the
//! second before the first, a moment apart. So what comes too early is held for a moment.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backplane::{Message, Placement, Position};

/// How long a message waits for those before it: the server's threads are apart by less, but on a machine that is busy.
const PATIENCE: Duration = Duration::from_millis(250);

/// Messages of a room that wait at the most.
const MAX_HELD: usize = 64;

#[derive(Default)]
pub(super) struct Order {
    rooms: HashMap<Arc<str>, Room>,
    /// Rooms with messages that wait, the one that waits longest first.
    waiting: VecDeque<(Instant, Arc<str>)>,
    ready: VecDeque<Message>,
}

struct Room {
    /// The last message that was let through.
    last: Position,
    held: BTreeMap<u64, (Placement, Message)>,
}

impl Order {
    /// Takes a message that arrived. Those of a room that is not known begin anywhere.
    pub(super) fn push(&mut self, name: &Arc<str>, placement: Placement, message: Message, now: Instant) {
        let Placement { position, previous } = placement;
        let Some(room) = self.rooms.get_mut(name) else {
            self.rooms.insert(Arc::clone(name), Room { last: position, held: BTreeMap::new() });
            self.ready.push_back(message);
            return;
        };
        if position.epoch != room.last.epoch {
            room.release(&mut self.ready);
            room.last = position;
            self.ready.push_back(message);
        } else if position.offset <= room.last.offset {
            // Too late: what comes after it was let through, and has shown that it was missing.
        } else if previous <= room.last.offset {
            room.last = position;
            self.ready.push_back(message);
            room.follow(&mut self.ready);
        } else {
            if room.held.is_empty() {
                self.waiting.push_back((now + PATIENCE, Arc::clone(name)));
            }
            room.held.insert(position.offset, (placement, message));
            if room.held.len() > MAX_HELD {
                room.release(&mut self.ready);
            }
        }
    }

    /// The next message that is in order.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    /// When to call [`expire`](Self::expire).
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(deadline, _)| *deadline)
    }

    /// Lets through what has waited for too long: what was before it is lost.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.waiting.front().is_some_and(|(deadline, _)| *deadline <= now) {
            let Some((_, name)) = self.waiting.pop_front() else { break };
            if let Some(room) = self.rooms.get_mut(&name) {
                room.release(&mut self.ready);
            }
        }
    }

    pub(super) fn forget(&mut self, room: &str) {
        self.rooms.remove(room);
    }
}

impl Room {
    /// Lets through what follows on what was let through.
    fn follow(&mut self, ready: &mut VecDeque<Message>) {
        while let Some(first) = self.held.first_entry() {
            if first.get().0.previous > self.last.offset {
                break;
            }
            let (placement, message) = first.remove();
            self.last = placement.position;
            ready.push_back(message);
        }
    }

    /// Lets everything through.
    fn release(&mut self, ready: &mut VecDeque<Message>) {
        for (placement, message) in std::mem::take(&mut self.held).into_values() {
            self.last = placement.position;
            ready.push_back(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::backplane::{Epoch, NodeId, Topic};

    fn push(order: &mut Order, previous: u64, offset: u64, now: Instant) {
        let position = Position::new(Epoch::from_u64(1), offset);
        let placement = Placement { position, previous };
        let (origin, topic, payload) = (NodeId::from_u128(1), Topic::room("r"), Bytes::new());
        let message = Message { origin, topic, payload, placement: Some(placement) };
        order.push(&"r".into(), placement, message, now);
    }

    fn offsets(order: &mut Order) -> Vec<u64> {
        std::iter::from_fn(|| order.pop()).map(|message| message.placement.unwrap().position.offset).collect()
    }

    #[test]
    fn what_comes_too_early_waits_for_what_is_before_it() {
        let (mut order, now) = (Order::default(), Instant::now());
        for (previous, offset) in [(3, 5), (8, 9), (5, 7), (7, 8)] {
            push(&mut order, previous, offset, now);
        }
        assert_eq!(offsets(&mut order), [5, 7, 8, 9]);
    }

    #[test]
    fn what_is_lost_is_not_waited_for_for_long_and_does_not_come_later() {
        let (mut order, now) = (Order::default(), Instant::now());
        push(&mut order, 0, 1, now);
        push(&mut order, 3, 4, now);
        push(&mut order, 4, 5, now);
        assert_eq!(offsets(&mut order), [1]);
        let deadline = order.deadline().unwrap();
        order.expire(deadline - Duration::from_millis(1));
        assert_eq!(offsets(&mut order), [0; 0]);
        order.expire(deadline);
        assert_eq!(offsets(&mut order), [4, 5]);
        push(&mut order, 2, 3, now);
        push(&mut order, 5, 6, now);
        assert_eq!(offsets(&mut order), [6]);
        assert_eq!(order.deadline(), None);
    }

    #[test]
    fn not_more_than_a_bound_waits() {
        let (mut order, now) = (Order::default(), Instant::now());
        push(&mut order, 0, 1, now);
        for offset in 3..=3 + MAX_HELD as u64 {
            push(&mut order, offset - 1, offset, now);
        }
        assert_eq!(offsets(&mut order).len(), 2 + MAX_HELD);
    }
}
