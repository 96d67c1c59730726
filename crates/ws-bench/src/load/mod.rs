//! The load generator: epoll, prepared frames and a parser of its own; no WebSocket library.

mod client;
mod compressed;
pub(crate) mod deflate;
mod extension;
mod frame;
mod generator;
mod handshakes;
mod json;
mod latency;
mod opening;
mod payload;
mod prepared;
mod prose;
mod replies;
mod requests;
mod window;

pub(crate) use client::Target;
pub(crate) use generator::run;
pub(crate) use payload::{Random, payloads};
pub(crate) use prepared::Prepared;
pub(crate) use window::{Limit, Measured};
