//! Models of what connections of ws-tower share with their tracker, in every interleaving of up to three threads.
//!
//! ws-tower does not build with `--cfg loom`: tokio has no sockets there. So the files of the tracker are compiled here once
//! more, as they are, with the primitives of loom, and what is made of them, for those of its module [`sync`]. `tests/run loom`
//! runs the models, with at most three preemptions each.

#![cfg(all(loom, test))]
#![allow(dead_code, missing_docs, reason = "ws-tower uses the rest, and documents it")]

#[path = "../../../crates/ws-tower/src/member.rs"]
mod member;
mod models;
mod rejection;
#[path = "../../../crates/ws-tower/src/shutdown.rs"]
mod shutdown;
mod sync;
#[path = "../../../crates/ws-tower/src/tracker.rs"]
mod tracker;

pub use self::{
    shutdown::{Shutdown, ShutdownFuture, ShutdownSummary},
    tracker::Tracker,
};
