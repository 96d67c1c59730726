//! What a backplane tells its hub, through a bounded queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Message, PresenceChange};

/// What a backplane tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server is lost. What is published from now on waits, and what others publish is not heard.
    Down,
    /// Events were dropped here, since too many waited to be taken.
    Lagged {
        /// How many.
        dropped: u64,
    },
    /// Something was published.
    Message(Message),
    /// Somebody came to a room that is watched, changed or left.
    Presence {
        /// The room.
        room: Arc<str>,
        /// Who, and what.
        change: PresenceChange,
    },
    /// The server is there, and all topics are asked for.
    Up {
        /// Whether messages may have been missed before.
        missed: bool,
    },
}

impl Event {
    fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.payload.len(),
            Self::Presence { change, .. } => change.member().data.len(),
            Self::Down | Self::Lagged { .. } | Self::Up { .. } => 0,
        }
    }

    /// What is never dropped: there are few of them, and nobody may miss them.
    fn is_state(&self) -> bool {
        matches!(self, Self::Down | Self::Up { .. })
    }
}

/// The events of one node, in order.
#[derive(Debug)]
pub struct Events(Arc<Shared>);

/// Where a backplane puts its events.
#[derive(Debug)]
pub(crate) struct EventSender(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Notify,
    max_events: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    senders: usize,
    abandoned: bool,
}

/// A queue with these bounds.
pub(crate) fn channel(max_events: usize, max_bytes: usize) -> EventSender {
    let queue = Mutex::new(Queue { senders: 1, ..Queue::default() });
    EventSender(Arc::new(Shared { queue, arrived: Notify::new(), max_events, max_bytes }))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Exclusive, so that events are taken in order by one.
#[expect(clippy::needless_pass_by_ref_mut)]
impl Events {
    /// Takes the next event, or `None` once the backplane is dropped and all are taken.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            // Registered before the look, so that nothing slips in between: `notify_one` keeps one permit.
            let arrived = self.0.arrived.notified();
            {
                let mut queue = self.0.lock();
                if let Some(event) = queue.pop() {
                    return Some(event);
                }
                if queue.senders == 0 {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Takes the next event if one is there.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.lock().pop()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        // Nobody takes any more, so nothing is kept.
        queue.abandoned = true;
        queue.events.clear();
        queue.bytes = 0;
    }
}

impl EventSender {
    /// The other end. There is one.
    pub(crate) fn events(&self) -> Events {
        Events(Arc::clone(&self.0))
    }

    /// Puts an event behind the others, or counts it as dropped where there is no room.
    pub(crate) fn send(&self, event: Event) {
        let mut queue = self.0.lock();
        if queue.abandoned {
            return;
        }
        let size = event.size();
        let full = queue.events.len() >= self.0.max_events || queue.bytes + size > self.0.max_bytes;
        if event.is_state() {
            queue.push_state(event);
        } else if full {
            if let Some(Event::Lagged { dropped }) = queue.events.back_mut() {
                *dropped += 1;
            } else {
                queue.events.push_back(Event::Lagged { dropped: 1 });
            }
        } else {
            queue.bytes += size;
            queue.events.push_back(event);
        }
        drop(queue);
        self.0.arrived.notify_one();
    }
}

impl Clone for EventSender {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.arrived.notify_one();
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.size();
        Some(event)
    }

    /// A server that comes and goes while nobody takes events does not fill the queue: a loss that follows a recovery with
    /// nothing between takes it back.
    fn push_state(&mut self, event: Event) {
        match (self.events.back(), &event) {
            (Some(Event::Down), Event::Down) => {}
            (Some(Event::Up { missed: true }), Event::Down) if self.events.len() > 1 => {
                self.events.pop_back();
                if self.events.back() != Some(&Event::Down) {
                    self.events.push_back(Event::Down);
                }
            }
            _ => self.events.push_back(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{NodeId, Topic};

    fn message(len: usize) -> Event {
        let (origin, payload) = (NodeId::from_u128(1), vec![0; len].into());
        Event::Message(Message { origin, topic: Topic::All, payload, placement: None })
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_where_it_is_missing() {
        let sender = channel(2, 100);
        let mut events = sender.events();
        for _ in 0..5 {
            sender.send(message(1));
        }
        assert_eq!(events.next().await, Some(message(1)));
        sender.send(message(2));
        assert_eq!(events.next().await, Some(message(1)));
        assert_eq!(events.next().await, Some(Event::Lagged { dropped: 4 }));
        sender.send(message(3));
        assert_eq!(events.next().await, Some(message(3)));
    }

    #[tokio::test]
    async fn bytes_are_bounded() {
        let sender = channel(100, 100);
        let mut events = sender.events();
        sender.send(message(60));
        sender.send(message(60));
        sender.send(message(40));
        assert_eq!(events.next().await, Some(message(60)));
        assert_eq!(events.next().await, Some(Event::Lagged { dropped: 1 }));
        assert_eq!(events.next().await, Some(message(40)));
    }

    #[tokio::test]
    async fn a_full_queue_takes_up_and_down_but_does_not_grow_by_them() {
        let sender = channel(1, 100);
        let mut events = sender.events();
        sender.send(message(1));
        for _ in 0..1000 {
            sender.send(Event::Down);
            sender.send(Event::Up { missed: true });
        }
        assert_eq!(sender.0.lock().events.len(), 3);
        assert_eq!(events.next().await, Some(message(1)));
        assert_eq!(events.next().await, Some(Event::Down));
        assert_eq!(events.next().await, Some(Event::Up { missed: true }));
    }

    #[tokio::test]
    async fn events_end_when_the_last_sender_is_dropped() {
        let sender = channel(10, 100);
        let mut events = sender.events();
        let other = sender.clone();
        sender.send(message(1));
        drop(sender);
        drop(other);
        assert_eq!(events.next().await, Some(message(1)));
        assert_eq!(events.next().await, None);
    }
}
