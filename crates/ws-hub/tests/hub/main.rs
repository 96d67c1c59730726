//! Hubs over pipes in memory and paused time.

#[path = "../support/mod.rs"]
mod support;

mod delivery;
mod life;
mod limits;
mod nodes;
mod presence;
mod races;
mod recovery;
mod rooms;
