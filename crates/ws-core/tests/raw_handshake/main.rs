//! The opening handshake without an HTTP server, both ends, over streams in memory.

#![cfg(feature = "raw")]
#![allow(clippy::disallowed_methods, reason = "tests look at the virtual clock")]

mod support;

mod arrival;
mod callbacks;
mod client;
mod fields;
mod lending;
mod limits;
mod observer;
mod origin;
mod properties;
mod refusals;
mod table;
mod time;
