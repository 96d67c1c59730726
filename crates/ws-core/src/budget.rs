//! One bound on the memory of unfinished incoming messages, for many connections.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    task::{Poll, Waker},
};

use crate::sync::{
    Arc, Mutex,
    atomic::{self, AtomicBool},
    lock,
};

/// Bounds the bytes that unfinished incoming messages hold, over all connections that share it.
///
/// A limit on the size of a message bounds what one connection holds; this bounds what thousands hold of which each stays
/// a byte under its limit. Clones are handles to the same budget: make one for a process and give it to the [`Config`] of
/// every connection.
///
/// When there is no room for what a connection asks for, the largest holder fails with close code 1013 and
/// [`ErrorKind::OutOfBudget`](crate::ErrorKind::OutOfBudget): the one that asks, counted with what it asks for, or another
/// one that holds more; of equal ones that which has held memory for longest. So a message is given up only for one that
/// takes no more than it, and connections that receive small messages are the last to suffer. What the other one held
/// counts as free at once; its task is woken and frees it when it polls the connection next.
///
/// Counted is the room that is made for messages that have arrived in part, not the buffers that reads borrow.
///
/// ```
/// use ws_core::{Config, InboundBudget};
///
/// let budget = InboundBudget::new(256 << 20);
/// let config = Config::new().inbound_budget(budget.clone());
/// assert_eq!((budget.in_use(), budget.limit()), (0, 256 << 20));
/// # let _ = config;
/// ```
///
/// [`Config`]: crate::Config
#[derive(Clone)]
pub struct InboundBudget(Arc<Shared>);

impl InboundBudget {
    /// A budget of so many bytes, all of them free.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared { limit: bytes, ledger: Mutex::new(Ledger::default()) }))
    }

    /// How many bytes unfinished messages hold now.
    #[must_use]
    pub fn in_use(&self) -> usize {
        lock(&self.0.ledger).in_use
    }

    /// How many bytes they may hold together.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// An account for one connection, with nothing on it.
    pub(crate) fn charge(&self) -> Charge {
        let seat = Seat { evicted: AtomicBool::new(false), waker: Mutex::new(None) };
        Charge { budget: self.clone(), seat: Arc::new(seat), held: Holding { bytes: 0, since: 0 } }
    }
}

impl fmt::Debug for InboundBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundBudget").field("limit", &self.limit()).field("in_use", &self.in_use()).finish()
    }
}

/// What one connection holds of a budget. Dropping it gives everything back.
///
/// An account that is evicted stays so: its connection has to fail.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: InboundBudget,
    seat: Arc<Seat>,
    /// Where the ledger has this account, unless it is evicted or holds nothing.
    held: Holding,
}

/// The answer to a connection that asks for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Grant {
    /// The memory may be taken.
    Given,
    /// It may not: this connection is the one that must fail, and what it holds has to be dropped.
    Denied,
}

impl Charge {
    /// Asks to hold `bytes` in all, before they are taken. Nothing changes when it holds that many.
    ///
    /// The waker is woken when the account is evicted later.
    pub(crate) fn grow_to(&mut self, bytes: usize, waker: &Waker) -> Grant {
        if self.is_evicted() {
            return Grant::Denied;
        }
        if bytes <= self.held.bytes {
            return Grant::Given;
        }
        // First, so that whoever finds this account in the ledger finds its waker, too.
        self.leave(waker);
        let mut victim = None;
        {
            let mut ledger = lock(&self.budget.0.ledger);
            // Again: accounts are evicted under the lock.
            if self.is_evicted() {
                return Grant::Denied;
            }
            let since = if self.held.bytes == 0 { ledger.begin() } else { self.held.since };
            let wanted = Holding { bytes, since };
            if bytes - self.held.bytes > self.budget.limit() - ledger.in_use {
                victim = ledger.evict_larger_than(wanted);
                if victim.is_none() {
                    return Grant::Denied;
                }
            }
            ledger.replace(self.held, wanted, &self.seat);
            self.held = wanted;
        }
        if let Some(victim) = victim {
            victim.wake();
        }
        Grant::Given
    }

    /// Gives back all but `bytes`, after they are freed. Nothing changes when it holds no more.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if bytes >= self.held.bytes {
            return;
        }
        let rest = Holding { bytes, ..self.held };
        {
            let mut ledger = lock(&self.budget.0.ledger);
            if !self.is_evicted() {
                ledger.replace(self.held, rest, &self.seat);
            }
        }
        self.held = rest;
        if bytes == 0 {
            // Nobody evicts this account now, and the waker would keep its task in memory.
            let waker = lock(&self.seat.waker).take();
            drop(waker);
        }
    }

    /// Whether this connection was chosen to fail.
    pub(crate) fn is_evicted(&self) -> bool {
        // Nothing is published with it: the ledger's lock orders what is counted, the waker's lock who is woken.
        self.seat.evicted.load(atomic::Ordering::Relaxed)
    }

    /// Waits to be evicted. Of the wakers that were left, here or with [`grow_to`](Self::grow_to), the last is woken.
    pub(crate) fn poll_evicted(&self, waker: &Waker) -> Poll<()> {
        if self.held.bytes > 0 && !self.is_evicted() {
            self.leave(waker);
        }
        // After the waker is there: an eviction in between either is seen here or wakes it.
        if self.is_evicted() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn leave(&self, waker: &Waker) {
        let mut place = lock(&self.seat.waker);
        if place.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let old = place.replace(waker.clone());
        drop(place);
        drop(old);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

struct Shared {
    limit: usize,
    ledger: Mutex<Ledger>,
}

/// Who holds how much.
#[derive(Default)]
struct Ledger {
    /// The sum over `holders`; never over the limit.
    in_use: usize,
    /// How many accounts have begun to hold something.
    begun: u64,
    /// In the order of size, so that the largest is found without looking at all.
    holders: BTreeMap<Holding, Arc<Seat>>,
}

impl Ledger {
    fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    /// Takes the largest holder out, if it comes before one with the holding `wanted`.
    ///
    /// One is enough, since it frees as many bytes as are wanted, or more. It is not the one that asks, either, who holds
    /// less than it wants.
    fn evict_larger_than(&mut self, wanted: Holding) -> Option<Arc<Seat>> {
        let largest = self.holders.last_entry()?;
        if *largest.key() < wanted {
            return None;
        }
        let (held, seat) = largest.remove_entry();
        self.in_use -= held.bytes;
        seat.evicted.store(true, atomic::Ordering::Relaxed);
        Some(seat)
    }

    fn replace(&mut self, old: Holding, new: Holding, seat: &Arc<Seat>) {
        let known = if old.bytes > 0 { self.holders.remove(&old) } else { None };
        if new.bytes > 0 {
            self.holders.insert(new, known.unwrap_or_else(|| seat.clone()));
        }
        self.in_use = self.in_use - old.bytes + new.bytes;
    }
}

/// What an account and the ledger share.
#[derive(Debug)]
struct Seat {
    /// Set under the ledger's lock.
    evicted: AtomicBool,
    /// Its own lock, so that a connection that is polled leaves its waker without waiting for others.
    waker: Mutex<Option<Waker>>,
}

impl Seat {
    /// Wakes the connection. Not under the lock of the ledger: a waker may do anything.
    fn wake(&self) {
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The size of a holding, and its place among equals: when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holding {
    bytes: usize,
    since: u64,
}

impl Ord for Holding {
    /// By size; of equal ones the older is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        #[cfg(all(test, not(loom)))]
        tests::COMPARISONS.with(|count| count.set(count.get() + 1));
        self.bytes.cmp(&other.bytes).then_with(|| other.since.cmp(&self.since))
    }
}

impl PartialOrd for Holding {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(all(loom, test))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;
