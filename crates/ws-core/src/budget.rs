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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        cell::Cell,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use proptest::{collection::vec, prelude::*};

    use super::*;

    thread_local! {
        pub(super) static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Woken {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn grow(charge: &mut Charge, bytes: usize) -> Grant {
        charge.grow_to(bytes, Waker::noop())
    }

    fn holding(budget: &InboundBudget, bytes: usize) -> Charge {
        let mut charge = budget.charge();
        assert_eq!(grow(&mut charge, bytes), Grant::Given);
        charge
    }

    #[test]
    fn growth_and_shrinking_are_counted() {
        let budget = InboundBudget::new(100);
        let mut one = holding(&budget, 30);
        let clone = budget.clone();
        let mut two = holding(&clone, 20);
        assert_eq!(budget.in_use(), 50);
        assert_eq!(grow(&mut one, 80), Grant::Given);
        assert_eq!((budget.in_use(), budget.limit()), (100, 100));
        one.shrink_to(10);
        two.shrink_to(0);
        assert_eq!(budget.in_use(), 10);
        assert_eq!(format!("{budget:?}"), "InboundBudget { limit: 100, in_use: 10 }");
    }

    #[test]
    fn growth_to_less_and_shrinking_to_more_change_nothing() {
        let budget = InboundBudget::new(100);
        let mut charge = holding(&budget, 30);
        assert_eq!(grow(&mut charge, 20), Grant::Given);
        charge.shrink_to(40);
        assert_eq!(budget.in_use(), 30);
    }

    #[test]
    fn drop_gives_everything_back() {
        let budget = InboundBudget::new(100);
        drop(holding(&budget, 100));
        assert_eq!(budget.in_use(), 0);
        drop(holding(&budget, 100));
    }

    #[test]
    fn largest_holder_goes_and_its_bytes_are_free_at_once() {
        let budget = InboundBudget::new(100);
        let (small, large, middle) = (holding(&budget, 20), holding(&budget, 50), holding(&budget, 30));
        let asker = holding(&budget, 10);
        assert!(large.is_evicted());
        assert!(!small.is_evicted() && !middle.is_evicted() && !asker.is_evicted());
        assert_eq!(budget.in_use(), 60);
        drop(large);
        assert_eq!(budget.in_use(), 60, "given back once");
    }

    #[test]
    fn of_equal_holders_the_oldest_goes() {
        let budget = InboundBudget::new(100);
        let mut first = holding(&budget, 40);
        let mut second = budget.charge();
        let third = holding(&budget, 40);
        // The age of a holding counts, not that of the account: this one is the oldest account, with the newest holding.
        first.shrink_to(0);
        assert_eq!((grow(&mut first, 20), grow(&mut second, 10)), (Grant::Given, Grant::Given));
        assert_eq!((grow(&mut second, 20), grow(&mut first, 40)), (Grant::Given, Grant::Given));
        let asker = holding(&budget, 10);
        assert!(third.is_evicted());
        assert!(!first.is_evicted() && !second.is_evicted() && !asker.is_evicted());
    }

    #[test]
    fn asker_that_would_be_the_largest_is_denied_and_nobody_else_goes() {
        let budget = InboundBudget::new(100);
        let (others, mut asker) = ([holding(&budget, 40), holding(&budget, 40)], holding(&budget, 20));
        assert_eq!(grow(&mut asker, 41), Grant::Denied);
        assert!(!asker.is_evicted() && others.iter().all(|other| !other.is_evicted()));
        assert_eq!(budget.in_use(), 100, "the asker still holds what it had");
        drop(asker);
        assert_eq!(budget.in_use(), 80);
    }

    #[test]
    fn asker_that_is_as_large_as_a_younger_holder_is_denied() {
        let budget = InboundBudget::new(100);
        let mut asker = holding(&budget, 40);
        let younger = holding(&budget, 60);
        assert_eq!(grow(&mut asker, 60), Grant::Denied);
        assert!(!younger.is_evicted());
    }

    #[test]
    fn request_over_the_whole_limit_is_denied() {
        for limit in [0, 100] {
            let budget = InboundBudget::new(limit);
            let mut asker = budget.charge();
            assert_eq!(grow(&mut asker, limit + 1), Grant::Denied);
            assert_eq!(grow(&mut asker, usize::MAX), Grant::Denied);
            assert_eq!(grow(&mut asker, limit), Grant::Given);
        }
        let everything = holding(&InboundBudget::new(usize::MAX), usize::MAX);
        assert!(!everything.is_evicted());
    }

    #[test]
    fn evicted_account_gets_nothing_any_more() {
        let budget = InboundBudget::new(100);
        let mut victim = holding(&budget, 60);
        let asker = holding(&budget, 50);
        assert_eq!((grow(&mut victim, 61), grow(&mut victim, 1)), (Grant::Denied, Grant::Denied));
        victim.shrink_to(0);
        assert_eq!(grow(&mut victim, 1), Grant::Denied);
        assert_eq!(budget.in_use(), 50);
        drop((victim, asker));
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn evicted_account_is_woken_by_the_last_waker_it_left() {
        let budget = InboundBudget::new(100);
        let (first, last) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let mut victim = budget.charge();
        assert_eq!(victim.grow_to(60, &first.clone().into()), Grant::Given);
        assert_eq!(victim.poll_evicted(&last.clone().into()), Poll::Pending);
        assert_eq!(Arc::strong_count(&first), 1, "a waker that was replaced is dropped");
        let _asker = holding(&budget, 50);
        assert_eq!((first.count(), last.count()), (0, 1));
        assert_eq!(victim.poll_evicted(&first.into()), Poll::Ready(()));
    }

    #[test]
    fn account_without_bytes_keeps_no_waker() {
        let budget = InboundBudget::new(100);
        let task = Arc::new(Woken::default());
        let waker = Waker::from(task.clone());
        let mut charge = budget.charge();
        assert_eq!(charge.grow_to(60, &waker), Grant::Given);
        charge.shrink_to(0);
        assert_eq!(charge.poll_evicted(&waker), Poll::Pending);
        drop(waker);
        assert_eq!(Arc::strong_count(&task), 1);
    }

    /// A task that drops its connection, and so its account, as soon as it is woken.
    struct Quits(Mutex<Option<Charge>>);

    impl Wake for Quits {
        fn wake(self: Arc<Self>) {
            drop(lock(&self.0).take());
        }
    }

    #[test]
    fn task_may_drop_its_account_while_it_is_woken() {
        let budget = InboundBudget::new(100);
        let task = Arc::new(Quits(Mutex::new(None)));
        let mut victim = budget.charge();
        assert_eq!(victim.grow_to(60, &task.clone().into()), Grant::Given);
        *lock(&task.0) = Some(victim);
        let _asker = holding(&budget, 50);
        assert!(lock(&task.0).is_none());
        assert_eq!(budget.in_use(), 50);
    }

    /// A task that asks for memory when it is dropped.
    struct AsksLate(Mutex<Charge>);

    impl Wake for AsksLate {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for AsksLate {
        fn drop(&mut self) {
            assert_eq!(grow(&mut lock(&self.0), 50), Grant::Given);
        }
    }

    #[test]
    fn waker_that_is_replaced_may_evict_the_account_it_was_left_by() {
        let budget = InboundBudget::new(100);
        let mut victim = budget.charge();
        let task = Arc::new(AsksLate(Mutex::new(budget.charge())));
        assert_eq!(victim.grow_to(60, &task.into()), Grant::Given);
        assert_eq!(victim.poll_evicted(Waker::noop()), Poll::Ready(()));
        assert_eq!(budget.in_use(), 0);
    }

    /// The rules, said with a list that is searched from one end to the other.
    struct Model {
        limit: usize,
        clock: u64,
        accounts: Vec<ModelAccount>,
    }

    #[derive(Clone, Copy, Default)]
    struct ModelAccount {
        bytes: usize,
        since: u64,
        evicted: bool,
    }

    impl Model {
        fn in_use(&self) -> usize {
            self.accounts.iter().filter(|account| !account.evicted).map(|account| account.bytes).sum()
        }

        fn grow(&mut self, asker: usize, bytes: usize) -> Grant {
            let account = self.accounts[asker];
            if account.evicted {
                return Grant::Denied;
            }
            if bytes <= account.bytes {
                return Grant::Given;
            }
            self.clock += 1;
            let since = if account.bytes == 0 { self.clock } else { account.since };
            let before = self.accounts.clone();
            self.accounts[asker] = ModelAccount { bytes, since, evicted: false };
            while self.in_use() > self.limit {
                let mut largest = asker;
                for (index, other) in self.accounts.iter().enumerate().filter(|(_, other)| !other.evicted) {
                    let top = self.accounts[largest];
                    if other.bytes > top.bytes || (other.bytes == top.bytes && other.since < top.since) {
                        largest = index;
                    }
                }
                if largest == asker {
                    self.accounts = before;
                    return Grant::Denied;
                }
                self.accounts[largest].evicted = true;
            }
            Grant::Given
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Grow(usize, usize),
        Shrink(usize, usize),
        Replace(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0..ACCOUNTS, 0..130_usize).prop_map(|(account, bytes)| Step::Grow(account, bytes)),
            8 => (0..ACCOUNTS, 1..8_usize).prop_map(|(account, bytes)| Step::Grow(account, bytes * 8)),
            4 => (0..ACCOUNTS, 0..40_usize).prop_map(|(account, bytes)| Step::Shrink(account, bytes)),
            2 => (0..ACCOUNTS).prop_map(Step::Replace),
        ];
        vec(step, 1..200)
    }

    const ACCOUNTS: usize = 6;

    proptest! {
        #[test]
        fn any_order_of_calls_does_what_the_model_does(steps in steps()) {
            let budget = InboundBudget::new(100);
            let mut model = Model { limit: 100, clock: 0, accounts: vec![ModelAccount::default(); ACCOUNTS] };
            let mut charges: Vec<_> = (0..ACCOUNTS).map(|_| budget.charge()).collect();
            let mut tasks: Vec<_> = (0..ACCOUNTS).map(|_| Arc::new(Woken::default())).collect();
            for step in steps {
                match step {
                    Step::Grow(account, bytes) => {
                        let grant = charges[account].grow_to(bytes, &tasks[account].clone().into());
                        prop_assert_eq!(grant, model.grow(account, bytes));
                    }
                    Step::Shrink(account, bytes) => {
                        charges[account].shrink_to(bytes);
                        model.accounts[account].bytes = model.accounts[account].bytes.min(bytes);
                    }
                    Step::Replace(account) => {
                        charges[account] = budget.charge();
                        tasks[account] = Arc::default();
                        model.accounts[account] = ModelAccount::default();
                    }
                }
                prop_assert_eq!(budget.in_use(), model.in_use());
                prop_assert!(budget.in_use() <= budget.limit());
                for (index, account) in model.accounts.iter().enumerate() {
                    prop_assert_eq!(charges[index].is_evicted(), account.evicted);
                    prop_assert_eq!(tasks[index].count(), usize::from(account.evicted));
                }
            }
            drop(charges);
            prop_assert_eq!(budget.in_use(), 0);
        }
    }

    #[test]
    fn five_thousand_hoarders_cost_few_comparisons_a_grant_and_spare_small_holders() {
        let budget = InboundBudget::new(64 << 20);
        let honest: Vec<_> = (0..1000).map(|_| holding(&budget, 4 << 10)).collect();
        let mut hoarders: Vec<_> = (0..5000).map(|_| budget.charge()).collect();
        let mut worst = 0;
        for bytes in (12..=20).map(|power| 1 << power) {
            for hoarder in &mut hoarders {
                COMPARISONS.set(0);
                let grant = grow(hoarder, bytes);
                worst = worst.max(COMPARISONS.get());
                if grant == Grant::Denied {
                    hoarder.shrink_to(0);
                }
            }
            assert!(budget.in_use() <= budget.limit());
        }
        assert!(hoarders.iter().filter(|hoarder| hoarder.is_evicted()).count() > 1000);
        assert!(honest.iter().all(|account| !account.is_evicted()));
        // Three walks down a tree of four levels at the most, up to eleven keys in a node.
        assert!(worst <= 3 * 4 * 11 + 1, "{worst} comparisons");
    }
}

#[cfg(all(loom, test))]
mod loom_tests {
    use std::future::poll_fn;

    use loom::{future::block_on, thread};

    use super::*;

    fn grow(charge: &mut Charge, bytes: usize) -> Grant {
        charge.grow_to(bytes, Waker::noop())
    }

    fn holding(budget: &InboundBudget, bytes: usize) -> Charge {
        let mut charge = budget.charge();
        assert_eq!(grow(&mut charge, bytes), Grant::Given);
        charge
    }

    /// What the accounts hold that were not evicted.
    fn held(charges: &[&Charge]) -> usize {
        charges.iter().filter(|charge| !charge.is_evicted()).map(|charge| charge.held.bytes).sum()
    }

    /// Grows to so many bytes, and waits to be evicted after that, as the task of a connection does: it looks again when it
    /// is woken and not before. When the memory is denied there is nothing to wait for.
    fn grow_and_wait(charge: &mut Charge, bytes: usize) {
        let mut granted = false;
        block_on(poll_fn(|cx| {
            if granted {
                return if charge.is_evicted() { Poll::Ready(()) } else { Poll::Pending };
            }
            granted = charge.grow_to(bytes, cx.waker()) == Grant::Given;
            if granted { Poll::Pending } else { Poll::Ready(()) }
        }));
    }

    #[test]
    fn two_askers_for_the_last_room_leave_one_of_them() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (mut older, mut younger) = (holding(&budget, 4), holding(&budget, 4));
            let asks = thread::spawn(move || {
                let grant = grow(&mut older, 6);
                (older, grant)
            });
            let younger_grant = grow(&mut younger, 6);
            let (older, older_grant) = asks.join().unwrap();

            assert_eq!(younger_grant, Grant::Given);
            // It was first, and is the one that goes then; or it came second, and was the one to go at once.
            assert_eq!(older.is_evicted(), older_grant == Grant::Given);
            assert!(!younger.is_evicted());
            assert_eq!(budget.in_use(), held(&[&older, &younger]));
            drop((older, younger));
            assert_eq!(budget.in_use(), 0);
        });
    }

    #[test]
    fn three_askers_are_counted_exactly() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let [first, second] = [5, 6].map(|bytes| {
                let mut charge = budget.charge();
                thread::spawn(move || {
                    let _ = grow(&mut charge, 3);
                    let _ = grow(&mut charge, bytes);
                    charge
                })
            });
            let mut third = budget.charge();
            let _ = grow(&mut third, 4);
            third.shrink_to(1);
            let (first, second) = (first.join().unwrap(), second.join().unwrap());

            assert_eq!(budget.in_use(), held(&[&first, &second, &third]));
            assert!(budget.in_use() <= 10);
            drop((first, second, third));
            assert_eq!(budget.in_use(), 0);
        });
    }

    #[test]
    fn eviction_and_drop_of_the_same_account_give_back_once() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (victim, mut asker) = (holding(&budget, 8), budget.charge());
            let drops = thread::spawn(move || drop(victim));
            assert_eq!(grow(&mut asker, 5), Grant::Given);
            drops.join().unwrap();

            assert_eq!(budget.in_use(), 5);
            drop(asker);
            assert_eq!(budget.in_use(), 0);
        });
    }

    #[test]
    fn eviction_and_shrinking_of_the_same_account_give_back_once() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (mut victim, mut asker) = (holding(&budget, 8), budget.charge());
            let shrinks = thread::spawn(move || {
                victim.shrink_to(2);
                let grant = grow(&mut victim, 3);
                (victim, grant)
            });
            assert_eq!(grow(&mut asker, 5), Grant::Given);
            let (victim, grant) = shrinks.join().unwrap();

            assert_eq!(victim.is_evicted(), grant == Grant::Denied);
            assert_eq!(budget.in_use(), if victim.is_evicted() { 5 } else { 8 });
            assert_eq!(budget.in_use(), held(&[&victim, &asker]));
        });
    }

    #[test]
    fn eviction_and_growth_of_the_same_account_are_counted_once() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (mut victim, mut asker) = (holding(&budget, 6), budget.charge());
            let grows = thread::spawn(move || {
                let grant = grow(&mut victim, 7);
                (victim, grant)
            });
            assert_eq!(grow(&mut asker, 5), Grant::Given);
            let (victim, _) = grows.join().unwrap();

            // Before it grows or after it has.
            assert!(victim.is_evicted());
            assert_eq!(budget.in_use(), 5);
            drop((victim, asker));
            assert_eq!(budget.in_use(), 0);
        });
    }

    #[test]
    fn eviction_right_after_the_grant_wakes_the_task_that_asked() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (mut victim, mut asker) = (budget.charge(), budget.charge());
            let waits = thread::spawn(move || {
                grow_and_wait(&mut victim, 8);
                drop(victim);
            });
            // It evicts the other one, or was there first; then the other one wants more, and is denied.
            assert_eq!(grow(&mut asker, 5), Grant::Given);
            waits.join().unwrap();
            assert_eq!(budget.in_use(), 5);
        });
    }

    #[test]
    fn eviction_wakes_a_task_that_waits_with_another_waker_than_it_asked_with() {
        loom::model(|| {
            let budget = InboundBudget::new(10);
            let (mut victim, mut asker) = (holding(&budget, 8), budget.charge());
            let waits = thread::spawn(move || {
                block_on(poll_fn(|cx| victim.poll_evicted(cx.waker())));
                victim
            });
            assert_eq!(grow(&mut asker, 5), Grant::Given);
            let victim = waits.join().unwrap();
            assert!(victim.is_evicted());
            assert_eq!(budget.in_use(), 5);
        });
    }
}
