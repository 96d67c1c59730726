//! Streams of events, and what they come to for the server.

use std::{
    collections::VecDeque,
    error, fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use tokio::sync::watch;

use crate::{protocol::RawEvent, shared::Handle, types::EventSubscription};

/// All streams of a client. Nobody is woken while it is locked.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    state: Mutex<State>,
    capacity: usize,
    /// Tells that something else is confirmed, or that the connection has ended.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    /// Replaced when one comes or goes.
    queues: Arc<[Arc<Queue>]>,
    /// What the server has been asked for and has confirmed; nothing while there is no connection.
    confirmed: EventSubscription,
}

impl Subscriptions {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { queues: Arc::from([]), confirmed: EventSubscription::empty() }),
            capacity: capacity.max(1),
            changed: watch::Sender::new(()),
        }
    }

    /// Whether the server sends all of this, and goes on to while there is a stream for it.
    pub(crate) fn is_confirmed(&self, mask: EventSubscription) -> bool {
        self.lock().confirmed.contains(mask)
    }

    /// Follows what is confirmed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Opens a queue for these events, or for one type among them.
    pub(crate) fn open(&self, mask: EventSubscription, event_type: Option<&'static str>) -> Arc<Queue> {
        let queue = Arc::new(Queue { mask, event_type, capacity: self.capacity, waiting: Mutex::default() });
        let mut state = self.lock();
        state.queues = state.queues.iter().cloned().chain([Arc::clone(&queue)]).collect();
        drop(state);
        queue
    }

    fn close(&self, queue: &Arc<Queue>) {
        let mut state = self.lock();
        state.queues = state.queues.iter().filter(|each| !Arc::ptr_eq(each, queue)).cloned().collect();
    }

    /// What the server has to be asked for.
    pub(crate) fn wanted(&self) -> EventSubscription {
        wanted(&self.queues())
    }

    /// What the server has to be asked for, when this is what it sends now. What it may then stop to send is not confirmed any more.
    pub(crate) fn ask(&self, subscribed: EventSubscription) -> EventSubscription {
        let mut state = self.lock();
        let wanted = wanted(&state.queues);
        // In one step: a stream that is opened later does not take for confirmed what is given up here.
        state.confirmed = subscribed & wanted;
        drop(state);
        self.changed.send_replace(());
        wanted
    }

    /// There is no connection any more, and the state of the client says so already.
    pub(crate) fn disconnected(&self) {
        self.lock().confirmed = EventSubscription::empty();
        self.changed.send_replace(());
    }

    /// Gives an event to all that want it.
    pub(crate) fn dispatch(&self, event: &RawEvent) {
        for queue in self.queues().iter().filter(|queue| queue.wants(event)) {
            queue.push(event.clone());
        }
    }

    /// Tells all that they may have missed something.
    pub(crate) fn reconnected(&self) {
        self.queues().iter().for_each(|queue| queue.reconnected());
    }

    /// Ends all streams.
    pub(crate) fn end(&self) {
        self.queues().iter().for_each(|queue| queue.end());
    }

    fn queues(&self) -> Arc<[Arc<Queue>]> {
        Arc::clone(&self.lock().queues)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wanted(queues: &[Arc<Queue>]) -> EventSubscription {
    queues.iter().fold(EventSubscription::empty(), |all, queue| all | queue.mask)
}

/// Events that wait for one reader. When there are too many, the oldest go.
#[derive(Debug)]
pub(crate) struct Queue {
    mask: EventSubscription,
    event_type: Option<&'static str>,
    capacity: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// How many events among the items, and the bytes that their data takes.
    events: usize,
    bytes: usize,
    /// How many were dropped before the first item.
    dropped: u64,
    /// Whether there was another connection before the first item.
    reconnected: bool,
    is_over: bool,
    reader: Option<Waker>,
}

#[derive(Debug)]
enum Item {
    Event(RawEvent),
    Reconnected,
}

impl Queue {
    fn wants(&self, event: &RawEvent) -> bool {
        self.mask.intersects(event.intent) && self.event_type.is_none_or(|name| name == &*event.event_type)
    }

    fn push(&self, event: RawEvent) {
        let mut waiting = self.waiting();
        while waiting.events >= self.capacity
            || (waiting.events > 0 && waiting.bytes.saturating_add(event.size) > MAX_BYTES)
        {
            match waiting.items.pop_front() {
                Some(Item::Event(event)) => {
                    waiting.events -= 1;
                    waiting.bytes -= event.size;
                    waiting.dropped += 1;
                }
                Some(Item::Reconnected) => waiting.reconnected = true,
                None => break,
            }
        }
        waiting.events += 1;
        waiting.bytes += event.size;
        waiting.items.push_back(Item::Event(event));
        wake(waiting);
    }

    fn reconnected(&self) {
        let mut waiting = self.waiting();
        // Twice in a row says no more than once.
        if !matches!(waiting.items.back(), Some(Item::Reconnected)) {
            waiting.items.push_back(Item::Reconnected);
        }
        wake(waiting);
    }

    fn end(&self) {
        let mut waiting = self.waiting();
        waiting.is_over = true;
        wake(waiting);
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<RawEvent, Gap>>> {
        let mut waiting = self.waiting();
        if std::mem::take(&mut waiting.reconnected) {
            return Poll::Ready(Some(Err(Gap::Reconnected)));
        }
        if waiting.dropped > 0 {
            return Poll::Ready(Some(Err(Gap::Dropped(std::mem::take(&mut waiting.dropped)))));
        }
        match waiting.items.pop_front() {
            Some(Item::Event(event)) => {
                waiting.events -= 1;
                waiting.bytes -= event.size;
                Poll::Ready(Some(Ok(event)))
            }
            Some(Item::Reconnected) => Poll::Ready(Some(Err(Gap::Reconnected))),
            None if waiting.is_over => Poll::Ready(None),
            None => {
                waiting.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the reader, without the lock.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let reader = waiting.reader.take();
    drop(waiting);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Events as they arrive: all of some kinds, or of one type.
///
/// Each stream has a buffer of its own: 256 events, unless [`Obs::event_buffer`](crate::Obs::event_buffer) says otherwise, which take 4 MiB
/// of memory, or one that takes more. When its reader is too slow, the oldest events are dropped, and the reader is told how many in
/// their place. Nobody else waits for it.
///
/// A stream goes on over reconnections, ends when the client is closed or gives up, and keeps the client alive as its handles do.
/// Dropping it ends the subscription, if no other stream needs it.
///
/// The server handles events by several threads: two that happened in short order may arrive in the other order.
#[must_use = "a stream does nothing unless it is read"]
pub struct Events<E> {
    queue: Arc<Queue>,
    handle: Arc<Handle>,
    decode: fn(RawEvent) -> Result<E, Gap>,
}

/// Where something is missing between the events of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// The reader was too slow, and so many events were dropped, the oldest.
    Dropped(u64),
    /// The connection was lost and is up again. What happened in between is not known: ask for what you need.
    Reconnected,
    /// An event of this type came whose data is not as it is known here.
    Unreadable(Box<str>),
}

impl<E> Events<E> {
    pub(crate) fn new(
        queue: Arc<Queue>,
        handle: Arc<Handle>,
        decode: fn(RawEvent) -> Result<E, Gap>,
    ) -> Self {
        Self { queue, handle, decode }
    }

    /// The next event; an error where something is missing, after which the stream goes on. `None` once the client is over.
    ///
    /// # Cancel safety
    ///
    /// Safe: no event is lost.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "one reader is woken, so there must be one alone")]
    pub async fn next(&mut self) -> Option<Result<E, Gap>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// How many events wait in the buffer.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.waiting().events
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<E, Gap>>> {
        self.queue.poll(cx).map(|event| event.map(|event| event.and_then(self.decode)))
    }
}

impl<E> Stream for Events<E> {
    type Item = Result<E, Gap>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<E> Drop for Events<E> {
    fn drop(&mut self) {
        self.handle.shared.subscriptions.close(&self.queue);
        self.handle.shared.changed.notify_one();
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("subscription", &self.queue.mask)
            .field("event_type", &self.queue.event_type)
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(count) => {
                write!(f, "{count} events were dropped because their reader was too slow")
            }
            Self::Reconnected => f.write_str("the connection was lost and is up again"),
            Self::Unreadable(name) => write!(f, "an event {name:?} is not as expected"),
        }
    }
}

impl error::Error for Gap {}

/// Whatever OBS tells of itself is some kilobytes. What plugins and other clients tell may be anything.
const MAX_BYTES: usize = 4 << 20;
