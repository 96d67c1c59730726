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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::Topic;

    fn publication(len: usize) -> Publication {
        Publication::new(Topic::All, vec![0; len])
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_by_count_bytes_and_time() {
        let outbox = Outbox::new(2, 10, Duration::from_secs(3));
        let first = outbox.push(publication(8));
        assert_eq!(outbox.push(publication(3)).await.unwrap_err().kind(), ErrorKind::Full);
        let second = outbox.push(publication(2));
        assert_eq!(outbox.push(publication(0)).await.unwrap_err().kind(), ErrorKind::Full);
        tokio::select! {
            () = outbox.expire() => {}
            result = async { (first.await, second.await) } => {
                assert_eq!(result.0.unwrap_err().kind(), ErrorKind::TimedOut);
                assert_eq!(result.1.unwrap_err().kind(), ErrorKind::TimedOut);
            }
        }
        // The room is free again.
        outbox.push(publication(10)).forget();
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_left_is_unconfirmed_and_what_has_not_is_closed() {
        let outbox = Outbox::new(1000, 10_000_000, Duration::from_secs(3));
        let replies: Vec<_> = (0..=MAX_BATCH).map(|_| outbox.push(publication(1))).collect();
        let (publications, batch) = outbox.next().await;
        assert_eq!(publications.len(), MAX_BATCH);
        drop(batch);
        outbox.close();
        let mut kinds = Vec::new();
        for reply in replies {
            kinds.push(reply.await.unwrap_err().kind());
        }
        assert_eq!(kinds.pop(), Some(ErrorKind::Closed));
        assert!(kinds.iter().all(|kind| *kind == ErrorKind::Unconfirmed));
        assert_eq!(outbox.push(publication(1)).await.unwrap_err().kind(), ErrorKind::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_bounded_by_bytes_but_one_of_any_size_leaves() {
        let outbox = Outbox::new(1000, 10_000_000, Duration::from_secs(3));
        for len in [MAX_BATCH_BYTES * 2, MAX_BATCH_BYTES / 2, MAX_BATCH_BYTES / 2, 1] {
            outbox.push(publication(len)).forget();
        }
        let mut batches = Vec::new();
        for _ in 0..3 {
            batches.push(outbox.next().await.0.len());
        }
        assert_eq!(batches, [1, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn volatile_publications_do_not_outlast_the_server() {
        let outbox = Outbox::new(2, 10, Duration::from_secs(3));
        let volatile = outbox.push(publication(5).volatile());
        let waits = outbox.push(publication(5));
        outbox.fail_volatile();
        assert_eq!(volatile.await.unwrap_err().kind(), ErrorKind::Unavailable);
        outbox.push(publication(5)).forget();
        assert_eq!(outbox.next().await.0.len(), 2);
        drop(waits);
    }
}
