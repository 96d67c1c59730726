//! The frame toolkit, over streams whose every read and write is scripted.

#![cfg(feature = "raw")]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/heap.rs"]
mod heap;
mod stream;
mod wire;

mod check;
mod cipher;
mod close;
mod control;
#[cfg(feature = "deflate")]
mod deflate;
mod frame;
mod header;
mod memory;
mod message;
mod reader;
mod round_trip;
mod utf8;
mod writer;
