//! What a connection takes from the heap, counted by the allocator.

#![cfg(feature = "io")]

mod heap;
mod wire;

mod borrowed;
mod idle;
mod incoming;
mod messages;
mod streams;
