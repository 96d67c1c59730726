//! Where a message is put together that does not arrive in one piece.

use std::mem;

use bytes::Bytes;

use crate::{
    InboundBudget, Violation,
    budget::{Charge, Grant},
    proto::Receiver,
};

/// The beginning of a message, and the room for more of it.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) bytes: Vec<u8>,
    /// The room on the account of the budget that connections share, if there is one.
    charge: Option<Box<Charge>>,
}

impl Assembly {
    /// Makes room for `next` bytes that are here, and for some of those that the current frame announces.
    ///
    /// Room follows what has arrived, four times that at the start and twice later, never the announced length: fourteen
    /// bytes on the wire must not take megabytes.
    pub(super) fn make_room(
        &mut self,
        next: usize,
        receiver: &Receiver,
        budget: Option<&InboundBudget>,
    ) -> Result<(), Violation> {
        let remaining = receiver.data_remaining().unwrap_or(0);
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let spare = capacity - len;
        // More room only when little is left: each time may cost a copy.
        if spare >= next && (spare - next) as u64 >= remaining.min(super::DIRECT) {
            return Ok(());
        }
        let arrived = len + next;
        // A little more than twice: what is left of a frame then would not be worth another growth.
        let twice = || arrived.saturating_mul(2).saturating_add(super::DIRECT as usize);
        let ceiling = if arrived <= EAGER { (4 * arrived).max(FIRST) } else { twice() };
        let announced = usize::try_from(remaining).unwrap_or(usize::MAX);
        let mut room = arrived.saturating_add(announced).min(ceiling);
        if !receiver.in_final_frame() {
            // In the final frame all that is to come is known, so there is nothing to keep in reserve. Before, twice what
            // there was, so that many small fragments do not copy the message each time; but no more than a message may have.
            let most = usize::try_from(receiver.max_message_size()).unwrap_or(usize::MAX);
            room = room.max(capacity.saturating_mul(2).min(most));
        }
        if let Some(budget) = budget {
            let charge = self.charge.get_or_insert_with(|| Box::new(budget.charge()));
            // The task that waits leaves its waker then; see `is_evicted`.
            if charge.grow_to(room, std::task::Waker::noop()) == Grant::Denied {
                return Err(Violation::OutOfBudget);
            }
        }
        self.bytes.reserve_exact(room - len);
        Ok(())
    }

    /// Whether there is anything to [`free`](Self::free).
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.bytes.capacity() > 0 || self.is_charged()
    }

    /// Whether the room is on the account of a budget.
    pub(super) fn is_charged(&self) -> bool {
        self.charge.is_some()
    }

    /// Whether another connection needed the room more. Wakes the task if that happens later.
    pub(super) fn is_evicted(&mut self, waker: &std::task::Waker) -> bool {
        self.charge.as_mut().is_some_and(|charge| charge.poll_evicted(waker).is_ready())
    }

    /// The message that was put together, without room that it does not need: it may be kept for long.
    pub(super) fn take(&mut self) -> Bytes {
        let mut bytes = mem::take(&mut self.bytes);
        self.free();
        if bytes.capacity() - bytes.len() > bytes.len() / 8 {
            bytes.shrink_to_fit();
        }
        bytes.into()
    }

    /// Forgets the message. Room of ordinary size stays for the next one, until the connection waits.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > EAGER {
            self.free();
        }
    }

    /// Forgets the message and gives its room back.
    pub(super) fn free(&mut self) {
        self.bytes = Vec::new();
        if let Some(charge) = &mut self.charge {
            charge.shrink_to(0);
        }
    }
}

/// Up to here, room for four times what has arrived is made.
const EAGER: usize = 64 << 10;
/// Room for the first bytes of a message.
const FIRST: usize = 4096;
