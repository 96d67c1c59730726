//! The histories of all rooms of a bus.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
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
    due: VecDeque<(Instant, Arc<str>)>,
    secret: RandomState,
    /// How many rooms have been forgotten.
    ended: u64,
}

struct Log {
    epoch: Epoch,
    last: u64,
    messages: VecDeque<(Instant, Retained)>,
    bytes: usize,
    used: Instant,
}

impl Logs {
    pub(super) fn append(
        &mut self,
        room: &Arc<str>,
        origin: NodeId,
        payload: Bytes,
        limits: &HistoryLimits,
    ) -> Placement {
        let log = self.log(room, limits);
        let previous = log.last;
        log.last += 1;
        log.bytes += payload.len();
        log.messages.push_back((log.used, Retained { origin, offset: log.last, payload }));
        log.trim(limits);
        let (used, position) = (log.used, Position::new(log.epoch, log.last));
        if previous == 0 {
            self.due.push_back((used + limits.age, Arc::clone(room)));
        }
        Placement { position, previous }
    }

    pub(super) fn read(
        &mut self,
        room: &Arc<str>,
        since: Option<Position>,
        limit: usize,
        limits: &HistoryLimits,
    ) -> History {
        self.sweep(Instant::now(), limits);
        if !self.rooms.contains_key(room) {
            // Nothing is kept of it: whoever names rooms must not fill the memory with them.
            let position = Position::new(self.epoch(room), 0);
            let exact = since.is_none_or(|since| since == position);
            return History { exact, messages: Vec::new(), position };
        }
        let log = self.log(room, limits);
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

    fn log(&mut self, room: &Arc<str>, limits: &HistoryLimits) -> &mut Log {
        let now = Instant::now();
        self.sweep(now, limits);
        let epoch = self.epoch(room);
        let log = self.rooms.entry(Arc::clone(room)).or_insert_with(|| Log {
            epoch,
            last: 0,
            messages: VecDeque::new(),
            bytes: 0,
            used: now,
        });
        log.used = now;
        log.trim(limits);
        log
    }

    /// Frees what is too old in the rooms whose turn it is, and rooms that nobody used for long.
    fn sweep(&mut self, now: Instant, limits: &HistoryLimits) {
        while self.due.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, room)) = self.due.pop_front() else { break };
            let Some(log) = self.rooms.get_mut(&room) else { continue };
            log.trim(limits);
            if log.messages.is_empty() {
                log.messages = VecDeque::new();
            }
            if log.messages.is_empty() && now >= log.used + limits.position_age {
                self.rooms.remove(&room);
                self.ended += 1;
            } else {
                // Not at once again, whatever the age is.
                let pause = limits.age.max(std::time::Duration::from_secs(1));
                self.due.push_back((now + pause, room));
            }
        }
    }
}

impl Log {
    fn trim(&mut self, limits: &HistoryLimits) {
        let now = Instant::now();
        while let Some((at, message)) = self.messages.front() {
            let keep = self.messages.len() <= limits.messages
                && self.bytes <= limits.bytes
                && now.duration_since(*at) < limits.age;
            if keep {
                break;
            }
            self.bytes -= message.payload.len();
            self.messages.pop_front();
        }
    }
}
