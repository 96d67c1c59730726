//! What a client shares with its handles: the queue, and what was asked for.

use std::{
    cell::RefCell,
    collections::VecDeque,
    mem,
    task::{Poll, Waker},
};

use ws_core::{CloseFrame, Message};

use super::SendErrorKind;

/// Messages that wait for a connection. Nobody is woken while the state is borrowed.
#[derive(Debug)]
pub(super) struct Queue(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
    /// Those who wait for room, in the order they came.
    senders: VecDeque<(u64, Waker)>,
    next_sender: u64,
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
    cost: usize,
    /// Only for the connection that is up.
    now_or_never: bool,
}

/// A place among those who wait for room; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    queue: &'a Queue,
    number: Option<u64>,
}

impl Queue {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Self {
        let queue = Self(RefCell::default());
        queue.set_limits(max_messages, max_bytes);
        queue
    }

    pub(super) fn set_limits(&self, max_messages: usize, max_bytes: usize) {
        let mut state = self.0.borrow_mut();
        (state.max_messages, state.max_bytes) = (max_messages.max(1), max_bytes.max(1));
    }

    // The side of the handles.

    pub(super) fn place(&self) -> Place<'_> {
        Place { queue: self, number: None }
    }

    /// Queues a message at once or not at all.
    pub(super) fn try_put(
        &self,
        message: Message,
        now_or_never: bool,
    ) -> Result<(), (Message, SendErrorKind)> {
        let mut state = self.0.borrow_mut();
        let refused = if message.kind().is_none() {
            Some(SendErrorKind::NotData)
        } else if state.closed {
            Some(SendErrorKind::Closed)
        } else if now_or_never && !state.up {
            Some(SendErrorKind::Down)
        } else if !state.senders.is_empty() || !state.has_room(&message) {
            Some(SendErrorKind::Full)
        } else {
            None
        };
        if let Some(kind) = refused {
            return Err((message, kind));
        }
        let driver = state.push(message, now_or_never);
        drop(state);
        wake(driver);
        Ok(())
    }

    pub(super) fn request_close(&self, frame: Option<CloseFrame>) {
        let mut state = self.0.borrow_mut();
        if state.closed {
            return;
        }
        state.close = Some(frame);
        drop(state);
        self.shut();
    }

    /// Empties the queue.
    pub(super) fn drain(&self) -> Vec<Message> {
        let mut state = self.0.borrow_mut();
        let waiting = mem::take(&mut state.waiting);
        state.bytes = 0;
        drop(state);
        self.wake_sender();
        waiting.into_iter().map(|waiting| waiting.message).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().waiting.len()
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.borrow().up
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }

    // The side of the client.

    /// Leaves the waker of the task that drives the client, and gives the close frame that was asked for, once.
    pub(super) fn park(&self, waker: &Waker) -> Option<Option<CloseFrame>> {
        let mut state = self.0.borrow_mut();
        let before = state.driver.replace(waker.clone());
        let close = state.close.take();
        drop(state);
        // It may run code of its task.
        drop(before);
        close
    }

    /// Takes the first message.
    pub(super) fn pop(&self) -> Option<Waiting> {
        let mut state = self.0.borrow_mut();
        let waiting = state.waiting.pop_front()?;
        state.bytes -= waiting.cost;
        drop(state);
        self.wake_sender();
        Some(waiting)
    }

    /// Puts a message back that was not sent.
    pub(super) fn put_back(&self, waiting: Waiting) {
        let mut state = self.0.borrow_mut();
        state.bytes += waiting.cost;
        state.waiting.push_front(waiting);
    }

    pub(super) fn set_up(&self) {
        self.0.borrow_mut().up = true;
    }

    /// The connection that was up has ended, and with it what was only for it.
    pub(super) fn set_down(&self) {
        let mut state = self.0.borrow_mut();
        state.up = false;
        state.waiting.retain(|waiting| !waiting.now_or_never);
        state.bytes = state.waiting.iter().map(|waiting| waiting.cost).sum();
        drop(state);
        self.wake_sender();
    }

    /// The client is over.
    pub(super) fn end(&self) {
        let mut state = self.0.borrow_mut();
        state.up = false;
        state.close = None;
        drop(state);
        self.shut();
    }

    /// Takes no more messages, and tells everybody.
    fn shut(&self) {
        let mut state = self.0.borrow_mut();
        state.closed = true;
        let driver = state.driver.take();
        let senders = mem::take(&mut state.senders);
        drop(state);
        wake(driver);
        senders.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// There may be room for the first of those who wait for it.
    fn wake_sender(&self) {
        let first = self.0.borrow().senders.front().map(|(_, waker)| waker.clone());
        wake(first);
    }
}

impl State {
    /// The room that a message takes. One that is larger than the queue takes all of it.
    fn cost(&self, message: &Message) -> usize {
        let len = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
        };
        len.min(self.max_bytes)
    }

    fn has_room(&self, message: &Message) -> bool {
        self.waiting.len() < self.max_messages && self.bytes + self.cost(message) <= self.max_bytes
    }

    #[must_use]
    fn push(&mut self, message: Message, now_or_never: bool) -> Option<Waker> {
        let cost = self.cost(&message);
        self.bytes += cost;
        self.waiting.push_back(Waiting { message, cost, now_or_never });
        self.driver.take()
    }
}

impl Place<'_> {
    /// Queues the message once there is room and nobody has waited for longer.
    pub(super) fn poll_put(
        &mut self,
        message: &mut Option<Message>,
        waker: &Waker,
    ) -> Poll<Result<(), SendErrorKind>> {
        let mut state = self.queue.0.borrow_mut();
        let Some(wanted) = message.as_ref() else { return Poll::Ready(Ok(())) };
        if wanted.kind().is_none() {
            return Poll::Ready(Err(SendErrorKind::NotData));
        }
        if state.closed {
            return Poll::Ready(Err(SendErrorKind::Closed));
        }
        let first = state.senders.front().map(|(number, _)| *number);
        if (first.is_none() || first == self.number) && state.has_room(wanted) {
            let driver = message.take().and_then(|message| state.push(message, false));
            drop(state);
            wake(driver);
            self.leave();
            return Poll::Ready(Ok(()));
        }
        let known = state.senders.iter_mut().find(|(number, _)| Some(*number) == self.number);
        if let Some((_, known)) = known {
            known.clone_from(waker);
        } else {
            let number = state.next_sender;
            state.next_sender += 1;
            self.number = Some(number);
            state.senders.push_back((number, waker.clone()));
        }
        Poll::Pending
    }

    /// Makes way for the next.
    fn leave(&mut self) {
        if let Some(left) = self.number.take() {
            self.queue.0.borrow_mut().senders.retain(|(number, _)| *number != left);
            self.queue.wake_sender();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
