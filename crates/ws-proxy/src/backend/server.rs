//! [`Server`]: one backend, its connections and its health.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Uri;
use tokio::time::Instant;

use super::hash::hash;

/// A backend.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) uri: Uri,
    /// What a sticky cookie calls it, and what it is ranked by.
    pub(super) id: u64,
    open: AtomicUsize,
    condition: Mutex<Condition>,
}

#[derive(Debug, Default)]
struct Condition {
    failures: u32,
    /// Until when it is left alone.
    down_until: Option<Instant>,
}

/// When a backend is taken for down: passively, by the dials that fail.
///
/// After so many failures in a row, with none in between that worked, a backend is left alone for a while. Then one request
/// tries it: if that works, it is up. A failure is a dial that came to no valid answer, or that was answered with 502, 503 or
/// 504. When all backends are down, they are tried all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Health {
    failures: u32,
    retry_after: Duration,
}

impl Health {
    /// Down for 10 s after 3 failures in a row.
    pub const fn new() -> Self {
        Self { failures: 3, retry_after: Duration::from_secs(10) }
    }

    /// How many failures in a row make a backend down; 0 for never.
    pub const fn failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How long a backend that is down is left alone.
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = after;
        self
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    pub(super) fn new(uri: Uri) -> Self {
        let id = hash(uri.to_string().as_bytes());
        Self { uri, id, open: AtomicUsize::new(0), condition: Mutex::default() }
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes a place, unless all are taken.
    pub(super) fn enter(self: &Arc<Self>, max: Option<usize>) -> Option<Place> {
        let taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            max.is_none_or(|max| open < max).then_some(open + 1)
        });
        taken.is_ok().then(|| Place(Arc::clone(self)))
    }

    /// Whether it may be dialed. Once it was left alone long enough, that is so for one who asks.
    pub(super) fn may_be_tried(&self, health: Health) -> bool {
        let mut condition = self.lock();
        match condition.down_until {
            None => true,
            Some(until) if until > Instant::now() => false,
            Some(_) => {
                condition.down_until = Instant::now().checked_add(health.retry_after);
                true
            }
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().down_until.is_none_or(|until| until <= Instant::now())
    }

    fn failed(&self, health: Health) {
        let mut condition = self.lock();
        condition.failures = condition.failures.saturating_add(1);
        if health.failures > 0 && condition.failures >= health.failures {
            condition.down_until = Instant::now().checked_add(health.retry_after);
        }
    }

    fn worked(&self) {
        *self.lock() = Condition::default();
    }

    fn lock(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a backend, as far as it counts.
#[derive(Debug)]
pub(crate) struct Place(Arc<Server>);

impl Place {
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.0
    }

    pub(crate) fn dialed(&self, worked: bool, health: Health) {
        if worked { self.0.worked() } else { self.0.failed(health) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
