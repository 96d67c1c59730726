//! What a connection and its `Control`s share: requests one way, round trips and the end the other.

use std::{
    collections::VecDeque,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::waiters::Waiter;
use crate::{
    CloseFrame, Message,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
        lock,
    },
};

/// The mailbox of a connection. Every method takes the lock for a few steps and wakes nobody while it holds it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Whether `state` has requests: what a connection that is driven looks at before it takes the lock.
    pending: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    close: Option<Option<CloseFrame>>,
    close_asked: bool,
    /// The tasks that drive the connection: the reader and the writer.
    drivers: [Option<Waker>; 2],
    /// Pings that somebody waits for.
    pings: Vec<Ping>,
    /// The first keep-alive ping that is not answered.
    probe: Option<(u64, Instant)>,
    /// The number in the last ping that was sent.
    last_ping: u64,
    next_ticket: u64,
    round_trip: Option<Duration>,
    /// Who waits for the end.
    watchers: Vec<(u64, Waker)>,
    over: bool,
}

#[derive(Debug)]
enum Request {
    Ping(Bytes),
    Pong(Bytes),
    /// A ping whose pong is waited for, by the ticket of the one who does.
    Measure(u64),
}

#[derive(Debug)]
struct Ping {
    ticket: u64,
    /// The number it was sent with, and when.
    sent: Option<(u64, Instant)>,
    answer: Option<Duration>,
    waker: Option<Waker>,
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The close frame was sent or asked for, and nothing follows it.
    Closing,
    /// The connection is over.
    Over,
    /// Nobody drives the connection, and many requests wait already.
    Full,
}

impl Shared {
    /// A mailbox that numbers the pings from `number` on. The application may send numbers of its own, most likely small
    /// ones, whose pongs must not be taken for others.
    pub(super) fn new(drivers: [Option<Waker>; 2], number: u64) -> Self {
        let state = State { drivers, last_ping: number, ..State::default() };
        Self { state: Mutex::new(state), pending: AtomicBool::new(false) }
    }

    // The side of the connection.

    /// Whether there is something to [`take`](Self::take).
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// The next control frame that was asked for. Above the high-water mark of the queue only the close frame is given.
    pub(super) fn take(&self, now: Instant, has_room: bool) -> Option<Message> {
        let mut state = self.lock();
        let request = if has_room { state.requests.pop_front() } else { None };
        let message = match request {
            Some(Request::Ping(payload)) => Some(Message::Ping(payload)),
            Some(Request::Pong(payload)) => Some(Message::Pong(payload)),
            Some(Request::Measure(ticket)) => {
                let number = state.number_ping();
                if let Some(ping) = state.pings.iter_mut().find(|ping| ping.ticket == ticket) {
                    ping.sent = Some((number, now));
                }
                Some(numbered(number))
            }
            None => state.close.take().map(Message::Close),
        };
        let pending = state.close.is_some() || !state.requests.is_empty();
        self.pending.store(pending, Ordering::Release);
        message
    }

    /// A keep-alive ping.
    pub(super) fn probe(&self, now: Instant) -> Message {
        let mut state = self.lock();
        let number = state.number_ping();
        // The first that is not answered stays: with a round trip beyond the interval, no pong would ever fit the last.
        state.probe.get_or_insert((number, now));
        numbered(number)
    }

    /// A pong arrived. It answers all pings up to its own, since a peer may answer only the latest (5.5.3).
    pub(super) fn pong(&self, payload: &[u8], now: Instant) {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else { return };
        let mut state = self.lock();
        if number > state.last_ping {
            return;
        }
        if let Some((_, sent)) = state.probe.take_if(|(probe, _)| *probe <= number) {
            state.round_trip = Some(now.saturating_duration_since(sent));
        }
        let mut wakers = Vec::new();
        let mut latest = None;
        for ping in &mut state.pings {
            let Some((ping_number, sent)) = ping.sent.take_if(|(ping, _)| *ping <= number) else { continue };
            let elapsed = now.saturating_duration_since(sent);
            ping.answer = Some(elapsed);
            // They stand in any order.
            latest = latest.max(Some((ping_number, elapsed)));
            wakers.extend(ping.waker.take());
        }
        state.round_trip = latest.map(|(_, elapsed)| elapsed).or(state.round_trip);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Leaves the waker of one who drives the connection and has to wait; false if there is something to take first.
    pub(super) fn park(&self, by: Waiter, waker: &Waker, has_room: bool) -> bool {
        let mut state = self.lock();
        if state.close.is_some() || (has_room && !state.requests.is_empty()) {
            return false;
        }
        let before = remember(&mut state.drivers[by as usize], waker);
        drop(state);
        drop(before);
        true
    }

    /// The connection has sent its close frame. What was asked for and not sent cannot be sent any more.
    pub(super) fn close_sent(&self) {
        let mut state = self.lock();
        state.close_asked = true;
        state.close = None;
        state.requests.clear();
        self.pending.store(false, Ordering::Release);
    }

    /// The connection is over.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        state.requests.clear();
        state.close = None;
        self.pending.store(false, Ordering::Release);
        let drivers = std::mem::take(&mut state.drivers);
        let pings: Vec<_> = state.pings.iter_mut().filter_map(|ping| ping.waker.take()).collect();
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        drop(drivers);
        pings.into_iter().chain(watchers.into_iter().map(|(_, waker)| waker)).for_each(Waker::wake);
    }

    // The side of a `Control`.

    pub(super) fn request_ping(&self, payload: Bytes) -> Result<(), Refused> {
        self.request(Request::Ping(payload))
    }

    pub(super) fn request_pong(&self, payload: Bytes) -> Result<(), Refused> {
        self.request(Request::Pong(payload))
    }

    /// Asks for a close frame, the last of all requests. There is only one; asking again changes nothing.
    pub(super) fn request_close(&self, frame: Option<CloseFrame>) {
        let mut state = self.lock();
        if state.over || state.close_asked {
            return;
        }
        state.close_asked = true;
        state.close = Some(frame);
        self.wake_drivers(state);
    }

    /// Asks for a ping, and gives the ticket to wait for its pong with.
    pub(super) fn request_measure(&self) -> Result<u64, Refused> {
        let ticket = {
            let mut state = self.lock();
            let ticket = state.ticket();
            state.pings.push(Ping { ticket, sent: None, answer: None, waker: None });
            ticket
        };
        match self.request(Request::Measure(ticket)) {
            Ok(()) => Ok(ticket),
            Err(refused) => {
                self.forget(ticket);
                Err(refused)
            }
        }
    }

    /// The round trip of a ping once its pong is there.
    pub(super) fn poll_measure(&self, ticket: u64, waker: &Waker) -> Poll<Result<Duration, Refused>> {
        let mut state = self.lock();
        let over = state.over;
        let Some(ping) = state.pings.iter_mut().find(|ping| ping.ticket == ticket) else {
            return Poll::Ready(Err(Refused::Over));
        };
        if let Some(elapsed) = ping.answer {
            return Poll::Ready(Ok(elapsed));
        }
        if over {
            return Poll::Ready(Err(Refused::Over));
        }
        let before = remember(&mut ping.waker, waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Nobody waits for this ping or end any more.
    pub(super) fn forget(&self, ticket: u64) {
        let mut state = self.lock();
        let ping = state.pings.iter().position(|ping| ping.ticket == ticket);
        let ping = ping.map(|at| state.pings.swap_remove(at));
        state.requests.retain(|request| !matches!(request, Request::Measure(other) if *other == ticket));
        let watcher = state.watchers.iter().position(|(other, _)| *other == ticket);
        let watcher = watcher.map(|at| state.watchers.swap_remove(at));
        drop(state);
        drop((ping, watcher));
    }

    /// A ticket to wait for the end with.
    pub(super) fn watch(&self) -> u64 {
        self.lock().ticket()
    }

    /// Whether the connection is over; if not, leaves a waker.
    pub(super) fn poll_over(&self, ticket: u64, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.over {
            return Poll::Ready(());
        }
        let before = match state.watchers.iter_mut().find(|(other, _)| *other == ticket) {
            Some((_, known)) if known.will_wake(waker) => None,
            Some((_, known)) => Some(std::mem::replace(known, waker.clone())),
            None => {
                state.watchers.push((ticket, waker.clone()));
                None
            }
        };
        drop(state);
        drop(before);
        Poll::Pending
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.lock().round_trip
    }

    fn request(&self, request: Request) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.over {
            return Err(Refused::Over);
        }
        if state.close_asked {
            return Err(Refused::Closing);
        }
        if state.requests.len() >= MAX_REQUESTS {
            return Err(Refused::Full);
        }
        state.requests.push_back(request);
        self.wake_drivers(state);
        Ok(())
    }

    fn wake_drivers(&self, mut state: MutexGuard<'_, State>) {
        self.pending.store(true, Ordering::Release);
        let drivers = std::mem::take(&mut state.drivers);
        drop(state);
        drivers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn number_ping(&mut self) -> u64 {
        self.last_ping += 1;
        self.last_ping
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }
}

/// A ping that carries its number.
fn numbered(number: u64) -> Message {
    Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes()))
}

/// Puts a waker in its place and gives the one that was there, to be dropped without a lock.
fn remember(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(known) if known.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}

/// Requests that wait for the connection to be driven. More means that nobody drives it.
const MAX_REQUESTS: usize = 64;

#[cfg(all(loom, test))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;
