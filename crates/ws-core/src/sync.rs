//! The primitives that are shared between tasks: the real ones, or loom's, which try every interleaving.
//!
//! What several tasks share is tested like this:
//!
//! * The shared part is a type of its own that takes its `Arc`, `Mutex` and atomics from here and nothing from tokio: no
//!   timer, no transport. Time is an argument; whoever waits leaves a [`Waker`](std::task::Waker).
//! * Its models stand at the foot of its file, in `#[cfg(all(loom, test))] mod loom_tests`; that name is what selects
//!   them. Its other tests are `#[cfg(all(test, not(loom)))]`: loom's primitives work inside a model only.
//! * A model is `loom::model(|| …)` over at most three threads (`loom::thread::spawn`, `join`). `loom::future::block_on`
//!   is a task that waits: when nobody wakes it, loom reports a deadlock. After the joins, assert what must hold in every
//!   interleaving; what a model has drawn from outside of loom (a static, a random number) must be the same in each.
//! * `tests/run loom` runs all of them, with at most three preemptions an execution. One alone, with that flag in
//!   `RUSTFLAGS` (the dependencies take no notice of it):
//!   `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test -p ws-core --lib --release --target-dir target/loom NAME`.

use std::sync::PoisonError;

#[cfg(not(all(loom, test)))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic};

#[cfg(all(loom, test))]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic};

/// Locks, whether or not a thread has panicked with the lock. What is behind these locks is changed in steps that do not
/// panic, so it is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
