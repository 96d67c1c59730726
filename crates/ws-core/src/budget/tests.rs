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
