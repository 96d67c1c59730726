//! The primitives that are shared between tasks: the real ones, or loom's, which try every interleaving.

#[cfg(not(all(loom, test)))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic};

#[cfg(all(loom, test))]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic};
