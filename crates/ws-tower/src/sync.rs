//! The primitives that connections and their tracker share.
//!
//! `tests/models` compiles the files that use them with a module of this name that has loom's instead, and goes through every
//! interleaving: this crate as a whole does not build with loom, since tokio has no sockets there.

use std::sync::PoisonError;
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock, atomic};

pub(crate) use tokio::sync::Notify;

/// Locks, whether or not a thread has panicked with the lock. What is behind these locks is changed in steps that do not
/// panic, so it is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
