//! Scripts in which one call of the transport fails (F9), or one future of the connection is dropped (F8): each call and each
//! poll there is, one after the other, for both roles, with compression and without.

#![cfg(all(feature = "deflate", feature = "io", feature = "stream"))]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/heap.rs"]
mod heap;

mod cancel;
mod fail;
mod faulty;
mod scripts;
