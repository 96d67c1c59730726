//! Hubs over pipes in memory and paused time.

#[path = "../support/mod.rs"]
mod support;

mod life;
