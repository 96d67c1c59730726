//! The state of a connection, by what it takes.

use ws_core::{Config, Role};

use crate::{
    heap::measured,
    wire::{Wire, conn},
};

/// What a new connection takes from the heap: its state.
pub(crate) fn state() -> isize {
    measured(|| conn(Role::Server, Config::new(), Wire::new(b""))).1.live
}
