//! What waits to be published.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Published;
use super::promise::Promise;
use crate::backplane::{ErrorKind, Position, Publication, Reply};

/// Publications that leave together at the most: enough that round trips do not matter, few enough that the first does not
/// wait long for the answers to the last.
const MAX_BATCH: usize = 512;
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// A queue of publications, bounded by count, by bytes and by age.
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    arrived: Notify,
    max_queued: usize,
    max_bytes: usize,
    timeout: Duration,
}

#[derive(Default)]
struct Queue {
    queued: VecDeque<Queued>,
    bytes: usize,
    closed: bool,
}

struct Queued {
    publication: Publication,
    deadline: Instant,
    promise: Promise<Option<Position>>,
}

/// Publications on their way. Dropped, they are unconfirmed.
pub(super) struct Batch(Vec<Promise<Option<Position>>>);

impl Outbox {
    pub(super) fn new(max_queued: usize, max_bytes: usize, timeout: Duration) -> Self {
        Self { queue: Mutex::default(), arrived: Notify::new(), max_queued, max_bytes, timeout }
    }

    pub(super) fn push(&self, publication: Publication) -> Reply<Option<Position>> {
        let mut queue = self.lock();
        if queue.closed {
            return Reply::ready(Err(ErrorKind::Closed.into()));
        }
        let bytes = queue.bytes + publication.payload.len();
        if queue.queued.len() >= self.max_queued || bytes > self.max_bytes {
            return Reply::ready(Err(ErrorKind::Full.into()));
        }
        queue.bytes = bytes;
        let (promise, reply) = Promise::new(ErrorKind::Closed);
        queue.queued.push_back(Queued { publication, deadline: Instant::now() + self.timeout, promise });
        let first = queue.queued.len() == 1;
        drop(queue);
        if first {
            self.arrived.notify_waiters();
        }
        reply
    }

    /// Takes the next publications, at least one, as soon as there are any.
    ///
    /// Cancel safe.
    pub(super) async fn next(&self) -> (Vec<Publication>, Batch) {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(batch) = self.take() {
                return batch;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<(Vec<Publication>, Batch)> {
        let mut queue = self.lock();
        queue.expire(Instant::now());
        let (mut publications, mut promises, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(queued) = queue.queued.front() {
            let len = queued.publication.payload.len();
            let full = publications.len() == MAX_BATCH || bytes + len > MAX_BATCH_BYTES;
            if full && !publications.is_empty() {
                break;
            }
            let Some(mut queued) = queue.pop() else { break };
            bytes += len;
            queued.promise.or(ErrorKind::Unconfirmed);
            promises.push(queued.promise);
            publications.push(queued.publication);
        }
        (!publications.is_empty()).then_some((publications, Batch(promises)))
    }

    /// Fails what has waited for too long, for ever.
    pub(super) async fn expire(&self) {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let deadline = {
                let mut queue = self.lock();
                queue.expire(Instant::now());
                queue.queued.front().map(|queued| queued.deadline)
            };
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => arrived.await,
            }
        }
    }

    /// Fails what waits that may not wait for a server.
    pub(super) fn fail_volatile(&self) {
        let mut queue = self.lock();
        let (volatile, queued): (VecDeque<_>, _) =
            std::mem::take(&mut queue.queued).into_iter().partition(|queued| queued.publication.volatile);
        queue.queued = queued;
        for queued in volatile {
            queue.bytes -= queued.publication.payload.len();
            queued.promise.keep(Err(ErrorKind::Unavailable.into()));
        }
    }

    /// Fails what waits, and what is pushed from now on.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.bytes = 0;
        queue.queued = VecDeque::new();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Queued> {
        let queued = self.queued.pop_front()?;
        self.bytes -= queued.publication.payload.len();
        Some(queued)
    }

    fn expire(&mut self, now: Instant) {
        // All wait equally long, so the first is the oldest.
        while self.queued.front().is_some_and(|queued| queued.deadline <= now) {
            let Some(queued) = self.pop() else { break };
            queued.promise.keep(Err(ErrorKind::TimedOut.into()));
        }
    }
}

impl Batch {
    pub(super) fn keep(self, results: Vec<Published>) {
        for (promise, result) in self.0.into_iter().zip(results) {
            promise.keep(result);
        }
    }
}
