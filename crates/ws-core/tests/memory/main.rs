//! What a connection takes from the heap, counted by the allocator.

#![cfg(feature = "io")]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/heap.rs"]
mod heap;
#[path = "../support/state.rs"]
mod state;
#[path = "../support/wire.rs"]
mod wire;

mod borrowed;
mod idle;
mod incoming;
mod large;
#[cfg(feature = "stream")]
mod loops;
mod messages;
mod streams;
