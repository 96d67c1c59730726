//! What limits come to in bytes of the heap, counted by an allocator (MEM-1 to MEM-8, OUT-1, OUT-4, CLS-5).

#![cfg(feature = "io")]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/heap.rs"]
mod heap;
#[path = "../support/state.rs"]
mod state;
#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/wire.rs"]
mod wire;

mod budget;
mod incoming;
mod outgoing;
mod timers;
