//! How far a room's history was handed on to its sessions: each message once, in order, and gaps are noticed.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use crate::{
    backplane::{Placement, Position},
    envelope::Outgoing,
};

/// The messages of a room with a history, as they pass through this node.
#[derive(Default)]
pub(crate) struct Stream {
    /// The newest message that was handed on, or the place where this node came in.
    last: Option<Position>,
    /// How many read the history at this time, to hand it on to a session that comes in.
    readers: u32,
    recent: Recent,
    /// What arrived while a gap is filled.
    held: Option<Vec<Held>>,
    held_bytes: usize,
}

/// What was handed on since the first of those began who read the history.
#[derive(Default)]
struct Recent {
    messages: VecDeque<(u64, Arc<Outgoing>)>,
    bytes: usize,
    /// The newest one that is not there any more, for want of room.
    forgotten: u64,
}

/// A message that waits for a gap to be filled.
pub(crate) struct Held {
    pub(crate) placement: Placement,
    pub(crate) payload: Bytes,
}

/// What to do with a message that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was handed on before.
    Old,
    /// It is the next one.
    Next,
    /// Messages are missing before it, from here on. It is held until they are there.
    Gap(Position),
    /// It is held, as those before it are.
    Held,
    /// So many are held that this node gives the missing ones up.
    Overrun,
}

impl Stream {
    pub(crate) fn last(&self) -> Option<Position> {
        self.last
    }

    /// Tells what to do with a message, and notes it as handed on if it is the next one.
    pub(crate) fn arrive(&mut self, placement: Placement, payload: &Bytes) -> Arrival {
        if let Some(held) = &mut self.held {
            if held.len() >= MAX_HELD || self.held_bytes + payload.len() > MAX_HELD_BYTES {
                // What fills the gap finds its end here, and whoever came late is told.
                held.clear();
                self.held_bytes = 0;
                return Arrival::Overrun;
            }
            self.held_bytes += payload.len();
            held.push(Held { placement, payload: payload.clone() });
            return Arrival::Held;
        }
        match self.last {
            Some(last) if placement.follows(last) => {}
            // The room had no history when this node came in, and this is the first message of the one it has now.
            Some(last) if last.offset == 0 && placement.previous == 0 => {}
            Some(_) if self.is_old(placement.position) => return Arrival::Old,
            Some(last) => {
                self.held_bytes = payload.len();
                self.held = Some(vec![Held { placement, payload: payload.clone() }]);
                return Arrival::Gap(last);
            }
            None => {}
        }
        self.last = Some(placement.position);
        Arrival::Next
    }

    /// Whether this was handed on. Offsets of another epoch cannot be compared: they are new.
    fn is_old(&self, position: Position) -> bool {
        self.last.is_some_and(|last| last.epoch == position.epoch && position.offset <= last.offset)
    }

    /// Has what arrives be held from here on, and gives the place after which it may be missing; none if there is no such
    /// place, or it is done already.
    pub(crate) fn suspect(&mut self) -> Option<Position> {
        if self.held.is_some() {
            return None;
        }
        let last = self.last?;
        self.held = Some(Vec::new());
        self.held_bytes = 0;
        Some(last)
    }

    /// Gives up what is missing: goes on with what is held, or from this place.
    pub(crate) fn give_up(&mut self, position: Option<Position>) {
        let held = self.held.iter().flatten().next();
        let held = held.map(|first| Position::new(first.placement.position.epoch, first.placement.previous));
        self.last = held.or(position).or(self.last);
    }

    pub(crate) fn has_held(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.is_empty())
    }

    /// Notes a message that fills a gap, or that was held; false if it was handed on before.
    pub(crate) fn fill(&mut self, position: Position) -> bool {
        if self.is_old(position) {
            return false;
        }
        self.last = Some(position);
        true
    }

    /// What is held, in order; none, and from then on nothing is held, once it is all given out.
    pub(crate) fn take_held(&mut self) -> Option<Vec<Held>> {
        match &mut self.held {
            Some(held) if !held.is_empty() => {
                self.held_bytes = 0;
                Some(std::mem::take(held))
            }
            _ => {
                self.held = None;
                None
            }
        }
    }

    /// Whether messages are missing at this time.
    pub(crate) fn is_filling(&self) -> bool {
        self.held.is_some()
    }

    // For sessions that come in.

    /// From here on, what is handed on is kept until [`end_read`](Self::end_read).
    pub(crate) fn begin_read(&mut self) {
        self.readers += 1;
    }

    pub(crate) fn end_read(&mut self) {
        self.readers -= 1;
        if self.readers == 0 {
            self.recent = Recent::default();
        }
    }

    /// Keeps a message that is handed on, if anybody is coming in.
    pub(crate) fn record(&mut self, offset: u64, message: &Arc<Outgoing>) {
        if self.readers == 0 {
            return;
        }
        let recent = &mut self.recent;
        recent.bytes += message.size;
        recent.messages.push_back((offset, message.clone()));
        while recent.messages.len() > MAX_HELD || recent.bytes > MAX_HELD_BYTES {
            let Some((offset, message)) = recent.messages.pop_front() else { break };
            recent.bytes -= message.size;
            recent.forgotten = offset;
        }
    }

    /// Of what was read up to `read`, and what was handed on since, all that was handed on: that is what a session that comes
    /// in now has missed. None if this node cannot tell.
    pub(crate) fn replay(
        &mut self,
        read: Position,
        messages: Vec<(u64, Arc<Outgoing>)>,
    ) -> Option<Vec<Arc<Outgoing>>> {
        if self.is_filling() {
            return None;
        }
        let mut last = *self.last.get_or_insert(read);
        if last.offset == 0 && read.offset == 0 {
            // Nothing was published, so nothing was missed, whatever this history that has no message is called.
            last = read;
            self.last = Some(read);
        }
        if last.epoch != read.epoch {
            return None;
        }
        let mut replay: Vec<_> = messages
            .into_iter()
            .filter(|(offset, _)| *offset <= last.offset)
            .map(|(_, message)| message)
            .collect();
        if last.offset > read.offset {
            // Handed on while the history was read. The first of them must be there still.
            let recent = &self.recent;
            let first = recent.messages.iter().position(|(offset, _)| *offset > read.offset)?;
            if recent.forgotten > read.offset {
                return None;
            }
            replay.extend(recent.messages.range(first..).map(|(_, message)| message.clone()));
        }
        Some(replay)
    }
}

/// Messages of a room that wait for a gap to be filled, or for a session that comes in; and their bytes.
const MAX_HELD: usize = 4096;
const MAX_HELD_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests;
