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
        let (victim, mut asker) = (holding(&budget, 8), budget.charge());
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
