//! What a client shares with its handles: the queue, and what was asked for.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};
use ws_core::{CloseFrame, Message};

use super::outbox::{SendError, SendErrorKind};

/// Messages that wait for a connection. Every method takes the lock for a few steps and wakes nobody while it holds it.
///
/// Room is counted by semaphores, which serve those who wait in their order.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Room for so many messages.
    slots: Semaphore,
    /// Room for so many bytes.
    bytes: Semaphore,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Waiting>,
    max_messages: usize,
    max_bytes: u32,
    /// The task that drives the client, while it waits.
    driver: Option<Waker>,
    close: Option<Option<CloseFrame>>,
    closed: bool,
    up: bool,
}

/// A message in the queue.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) message: Message,
    cost: u32,
    /// Only for the connection that is up.
    now_or_never: bool,
}

/// Room for one message.
#[derive(Debug)]
pub(super) struct Room<'a> {
    queue: &'a Queue,
    slot: SemaphorePermit<'a>,
    bytes: SemaphorePermit<'a>,
}

impl Queue {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Self {
        let (max_messages, max_bytes) = limits(max_messages, max_bytes);
        let state = State {
            waiting: VecDeque::new(),
            max_messages,
            max_bytes,
            driver: None,
            close: None,
            closed: false,
            up: false,
        };
        Self {
            state: Mutex::new(state),
            slots: Semaphore::new(max_messages),
            bytes: Semaphore::new(max_bytes as usize),
        }
    }

    /// Changes the limits of a queue that is empty.
    pub(super) fn set_limits(&self, max_messages: usize, max_bytes: usize) {
        let (max_messages, max_bytes) = limits(max_messages, max_bytes);
        let mut state = self.lock();
        resize(&self.slots, mem::replace(&mut state.max_messages, max_messages), max_messages);
        resize(&self.bytes, mem::replace(&mut state.max_bytes, max_bytes) as usize, max_bytes as usize);
    }

    // The side of the handles.

    /// Waits for room.
    pub(super) async fn reserve(&self, message: &Message) -> Result<Room<'_>, SendErrorKind> {
        let cost = self.cost(message)?;
        let slot = self.slots.acquire().await.map_err(|_closed| SendErrorKind::Closed)?;
        let bytes = self.bytes.acquire_many(cost).await.map_err(|_closed| SendErrorKind::Closed)?;
        Ok(Room { queue: self, slot, bytes })
    }

    /// Finds room at once.
    pub(super) fn try_reserve(&self, message: &Message) -> Result<Room<'_>, SendErrorKind> {
        let kind = |error| match error {
            TryAcquireError::Closed => SendErrorKind::Closed,
            TryAcquireError::NoPermits => SendErrorKind::Full,
        };
        let cost = self.cost(message)?;
        let slot = self.slots.try_acquire().map_err(kind)?;
        let bytes = self.bytes.try_acquire_many(cost).map_err(kind)?;
        Ok(Room { queue: self, slot, bytes })
    }

    /// The room that a message takes. One that is larger than the queue takes all of it.
    fn cost(&self, message: &Message) -> Result<u32, SendErrorKind> {
        let len = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Err(SendErrorKind::NotData),
        };
        let max = self.lock().max_bytes;
        Ok(u32::try_from(len).map_or(max, |len| len.min(max)))
    }

    pub(super) fn request_close(&self, frame: Option<CloseFrame>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.close = Some(frame);
        self.shut(state);
    }

    /// Empties the queue.
    pub(super) fn drain(&self) -> Vec<Message> {
        let waiting = mem::take(&mut self.lock().waiting);
        waiting.into_iter().map(|waiting| self.release(waiting)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().up
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    // The side of the client.

    /// Leaves the waker of the task that drives the client, and gives the close frame that was asked for, once.
    pub(super) fn park(&self, waker: &Waker) -> Option<Option<CloseFrame>> {
        let mut state = self.lock();
        let known = state.driver.as_ref().is_some_and(|known| known.will_wake(waker));
        let before = if known { None } else { state.driver.replace(waker.clone()) };
        let close = state.close.take();
        drop(state);
        // It may run code of its task.
        drop(before);
        close
    }

    /// Takes the first message.
    pub(super) fn pop(&self) -> Option<Waiting> {
        self.lock().waiting.pop_front()
    }

    /// Puts a message back that was not sent.
    pub(super) fn put_back(&self, waiting: Waiting) {
        self.lock().waiting.push_front(waiting);
    }

    /// Gives the room of a message back.
    pub(super) fn release(&self, waiting: Waiting) -> Message {
        self.slots.add_permits(1);
        self.bytes.add_permits(waiting.cost as usize);
        waiting.message
    }

    /// A connection is up.
    pub(super) fn set_up(&self) {
        self.lock().up = true;
    }

    /// The connection that was up has ended, and with it what was only for it.
    pub(super) fn set_down(&self) {
        let mut state = self.lock();
        state.up = false;
        let (gone, kept) =
            mem::take(&mut state.waiting).into_iter().partition(|waiting| waiting.now_or_never);
        state.waiting = kept;
        drop(state);
        let gone: VecDeque<Waiting> = gone;
        for waiting in gone {
            self.release(waiting);
        }
    }

    /// The client is over.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.up = false;
        state.close = None;
        self.shut(state);
    }

    /// Takes no more messages, and tells everybody.
    fn shut(&self, mut state: MutexGuard<'_, State>) {
        state.closed = true;
        let driver = state.driver.take();
        drop(state);
        self.slots.close();
        self.bytes.close();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room<'_> {
    /// Takes the room for a message.
    pub(super) fn put(self, message: Message, now_or_never: bool) -> Result<(), SendError> {
        let mut state = self.queue.lock();
        if state.closed {
            return Err(SendError::new(message, SendErrorKind::Closed));
        }
        if now_or_never && !state.up {
            return Err(SendError::new(message, SendErrorKind::Down));
        }
        let cost = self.bytes.num_permits() as u32;
        self.slot.forget();
        self.bytes.forget();
        state.waiting.push_back(Waiting { message, cost, now_or_never });
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(())
    }
}

/// What a semaphore can count.
fn limits(max_messages: usize, max_bytes: usize) -> (usize, u32) {
    let max_bytes = u32::try_from(max_bytes).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
    (max_messages.clamp(1, Semaphore::MAX_PERMITS), max_bytes.max(1))
}

fn resize(semaphore: &Semaphore, from: usize, to: usize) {
    if to > from {
        semaphore.add_permits(to - from);
    } else {
        semaphore.forget_permits(from - to);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn put(queue: &Queue, message: &'static str) -> Result<(), SendErrorKind> {
        let message = Message::text(message);
        let room = queue.try_reserve(&message)?;
        room.put(message, false).map_err(|error| error.kind())
    }

    #[test]
    fn messages_and_bytes_are_bounded() {
        let queue = Queue::new(2, 10);
        assert_eq!(put(&queue, "12345"), Ok(()));
        assert_eq!(put(&queue, "123456"), Err(SendErrorKind::Full), "bytes");
        assert_eq!(put(&queue, "1234"), Ok(()));
        assert_eq!(put(&queue, ""), Err(SendErrorKind::Full), "messages");
        let first = queue.pop().unwrap();
        assert_eq!(put(&queue, ""), Err(SendErrorKind::Full), "room of a message is kept until it is sent");
        queue.release(first);
        assert_eq!(put(&queue, "123456"), Ok(()));
    }

    #[test]
    fn message_larger_than_the_queue_has_it_for_itself() {
        let queue = Queue::new(8, 4);
        assert_eq!(put(&queue, "12345678"), Ok(()));
        assert_eq!(put(&queue, "1"), Err(SendErrorKind::Full));
        assert_eq!(queue.drain(), [Message::text("12345678")]);
        assert_eq!(put(&queue, "1"), Ok(()));
        assert_eq!(put(&queue, "12345678"), Err(SendErrorKind::Full));
    }

    #[test]
    fn limits_are_changed_both_ways() {
        let queue = Queue::new(8, 100);
        queue.set_limits(1, 2);
        assert_eq!(put(&queue, "123"), Ok(()), "it takes all there is");
        assert_eq!(put(&queue, ""), Err(SendErrorKind::Full));
        queue.drain();
        queue.set_limits(2, 4);
        assert_eq!([put(&queue, "12"), put(&queue, "34")], [Ok(()), Ok(())]);
        assert_eq!(put(&queue, ""), Err(SendErrorKind::Full));
        queue.set_limits(usize::MAX, usize::MAX);
        assert_eq!(put(&queue, "5"), Ok(()));
    }

    #[test]
    fn close_is_given_once_and_takes_the_first_frame() {
        let queue = Queue::new(1, 1);
        queue.request_close(None);
        queue.request_close(Some(CloseFrame::new(4000, "later")));
        assert_eq!(queue.park(Waker::noop()), Some(None));
        assert_eq!(queue.park(Waker::noop()), None);
        assert_eq!(put(&queue, ""), Err(SendErrorKind::Closed));
    }
}
