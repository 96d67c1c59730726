//! What limits come to in bytes of the heap, counted by an allocator (MEM-1 to MEM-8, OUT-1, OUT-4, CLS-5).

#![cfg(feature = "io")]

mod heap;
#[allow(dead_code, reason = "the other tests of memory use all of it")]
#[path = "../memory/wire.rs"]
mod wire;

mod budget;
mod incoming;
mod outgoing;
mod timers;
