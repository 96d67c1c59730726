//! The histories of all rooms of a bus.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::backplane::{Epoch, History, HistoryLimits, NodeId, Placement, Position, Retained};

/// The histories of all rooms.
#[derive(Default)]
pub(super) struct Logs {
    /// Those that ever had a message.
    rooms: HashMap<Arc<str>, Log>,
    /// When to look at each room next, for what is too old there. Each room stands here once.
    due: VecDeque<(Instant, Place)>,
    /// The messages of all rooms, the oldest first; some are gone already.
    order: VecDeque<(Place, u64)>,
    /// Rooms without messages, of which the position is known; some are gone or have messages again.
    bare: VecDeque<Place>,
    total: Total,
    secret: RandomState,
    /// How many rooms have been forgotten.
    ended: u64,
}

/// One life of a room.
#[derive(Clone)]
struct Place {
    room: Arc<str>,
    epoch: Epoch,
}

struct Log {
    epoch: Epoch,
    last: u64,
    messages: VecDeque<(Instant, Retained)>,
    bytes: usize,
    used: Instant,
    /// Whether it stands among the bare ones.
    is_bare: bool,
}

/// What is kept of all rooms.
#[derive(Default)]
struct Total {
    messages: usize,
    /// With what is needed to keep them.
    bytes: usize,
}

impl Logs {
    pub(super) fn append(
        &mut self,
        room: &Arc<str>,
        origin: NodeId,
        payload: Bytes,
        limits: &HistoryLimits,
    ) -> Placement {
        let now = Instant::now();
        self.sweep(now, limits);
        let place = Place { room: Arc::clone(room), epoch: self.epoch(room) };
        let log = self.rooms.entry(Arc::clone(room)).or_insert_with(|| {
            self.total.bytes += ROOM + room.len();
            self.due.push_back((now + limits.age, place.clone()));
            Log::new(place.epoch, now)
        });
        let place = Place { epoch: log.epoch, ..place };
        let previous = log.last;
        log.used = now;
        log.last += 1;
        log.bytes += payload.len();
        self.total.messages += 1;
        self.total.bytes += MESSAGE + payload.len();
        log.messages.push_back((now, Retained { origin, offset: log.last, payload }));
        log.trim(now, limits, &mut self.total);
        if !log.messages.is_empty() {
            self.order.push_back((place.clone(), log.last));
        } else if !mem::replace(&mut log.is_bare, true) {
            self.bare.push_back(place.clone());
        }
        let position = Position::new(log.epoch, log.last);
        self.make_room(&place, limits);
        Placement { position, previous }
    }

    pub(super) fn read(
        &mut self,
        room: &Arc<str>,
        since: Option<Position>,
        limit: usize,
        limits: &HistoryLimits,
    ) -> History {
        let now = Instant::now();
        self.sweep(now, limits);
        let Some(log) = self.rooms.get_mut(room) else {
            // Nothing is kept of it: whoever names rooms must not fill the memory with them.
            let position = Position::new(self.epoch(room), 0);
            let exact = since.is_none_or(|since| since == position);
            return History { exact, messages: Vec::new(), position };
        };
        log.used = now;
        log.trim(now, limits, &mut self.total);
        let position = Position::new(log.epoch, log.last);
        let skipped = match since {
            None => Some(log.messages.len().saturating_sub(limit)),
            // Kept offsets have no holes, so counting from the newest finds the first that is missing.
            Some(since) if since.epoch == log.epoch && since.offset <= log.last => {
                let missing = usize::try_from(log.last - since.offset).unwrap_or(usize::MAX);
                log.messages.len().checked_sub(missing).filter(|_| missing <= limit)
            }
            Some(_) => None,
        };
        let messages = skipped
            .map(|skipped| log.messages.range(skipped..).map(|(_, message)| message.clone()).collect());
        History { exact: messages.is_some(), messages: messages.unwrap_or_default(), position }
    }

    /// The epoch of a room without messages, which begins with the first of them. It cannot be foretold, and is not that of an
    /// earlier life of the room.
    fn epoch(&self, room: &str) -> Epoch {
        Epoch::from_u64(self.secret.hash_one((room, self.ended)))
    }

    /// Forgets the oldest messages of all until the rest fits, and the rooms that have none then. First go rooms of which
    /// nothing is known but the position; never the one where something was said last.
    fn make_room(&mut self, newest: &Place, limits: &HistoryLimits) {
        while self.total.bytes > limits.total_bytes {
            if let Some(place) = self.bare.pop_front() {
                let Some(log) = place.of(&mut self.rooms) else { continue };
                log.is_bare = false;
                if log.messages.is_empty() && place.room != newest.room {
                    self.forget(&place.room);
                }
                continue;
            }
            let Some((place, offset)) = self.order.pop_front() else { break };
            let Some(log) = place.of(&mut self.rooms).filter(|log| log.first() == Some(offset)) else {
                continue;
            };
            log.pop(&mut self.total);
            if log.messages.is_empty() && place.room != newest.room {
                self.forget(&place.room);
            }
        }
        // What is gone otherwise leaves its place here, and must not outnumber what is there.
        if self.order.len() > 2 * self.total.messages + SLACK {
            let rooms = &mut self.rooms;
            self.order.retain(|(place, offset)| {
                place.of(rooms).is_some_and(|log| log.first().is_some_and(|first| first <= *offset))
            });
        }
        if self.due.len() > 2 * self.rooms.len() + SLACK {
            let rooms = &mut self.rooms;
            self.due.retain(|(_, place)| place.of(rooms).is_some());
        }
        if self.bare.len() > 2 * self.rooms.len() + SLACK {
            let rooms = &mut self.rooms;
            self.bare.retain(|place| place.of(rooms).is_some());
        }
    }

    fn forget(&mut self, room: &Arc<str>) {
        if self.rooms.remove(room).is_some() {
            self.total.bytes -= ROOM + room.len();
            self.ended += 1;
        }
    }

    /// Frees what is too old in the rooms whose turn it is, and rooms that nobody used for long.
    fn sweep(&mut self, now: Instant, limits: &HistoryLimits) {
        while self.due.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, place)) = self.due.pop_front() else { break };
            let Some(log) = place.of(&mut self.rooms) else { continue };
            log.trim(now, limits, &mut self.total);
            if log.messages.is_empty() {
                log.messages = VecDeque::new();
                if now >= log.used + limits.position_age {
                    self.forget(&place.room);
                    continue;
                }
                if !mem::replace(&mut log.is_bare, true) {
                    self.bare.push_back(place.clone());
                }
            }
            // Not at once again, whatever the age is.
            let pause = limits.age.max(std::time::Duration::from_secs(1));
            self.due.push_back((now + pause, place));
        }
    }
}

impl Place {
    /// The history of the room, if it is still the same life.
    fn of<'a>(&self, rooms: &'a mut HashMap<Arc<str>, Log>) -> Option<&'a mut Log> {
        rooms.get_mut(&self.room).filter(|log| log.epoch == self.epoch)
    }
}

impl Log {
    fn new(epoch: Epoch, now: Instant) -> Self {
        Self { epoch, last: 0, messages: VecDeque::new(), bytes: 0, used: now, is_bare: false }
    }

    /// The offset of the oldest message.
    fn first(&self) -> Option<u64> {
        self.messages.front().map(|(_, message)| message.offset)
    }

    /// Forgets the oldest message.
    fn pop(&mut self, total: &mut Total) {
        if let Some((_, message)) = self.messages.pop_front() {
            self.bytes -= message.payload.len();
            total.messages -= 1;
            total.bytes -= MESSAGE + message.payload.len();
        }
    }

    fn trim(&mut self, now: Instant, limits: &HistoryLimits, total: &mut Total) {
        while let Some((at, _)) = self.messages.front() {
            let keep = self.messages.len() <= limits.messages
                && self.bytes <= limits.bytes
                && now.duration_since(*at) < limits.age;
            if keep {
                break;
            }
            self.pop(total);
        }
    }
}

/// What it takes to keep a message, beside its payload, and a room, beside its name; rounded up.
const MESSAGE: usize = 128;
const ROOM: usize = 512;
/// How many places of what is gone do no harm.
const SLACK: usize = 64;

#[cfg(test)]
mod tests;
