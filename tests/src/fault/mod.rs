//! A TCP proxy that does to connections what networks and peers do: it delays, throttles, cuts, resets, stalls.
//!
//! A [`Plan`] says what happens to one connection, with a [`Lane`] for each direction. What ends a connection ends it after
//! an exact number of bytes, so a test can go through all of them.

mod plan;
mod proxy;
mod relay;

pub use self::{
    plan::{Direction, Fault, Lane, Plan},
    proxy::FaultProxy,
    relay::Report,
};
