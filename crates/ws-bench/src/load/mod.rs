//! The load generator: epoll, prepared frames and a parser of its own; no WebSocket library.

mod client;
mod compressed;
pub(crate) mod deflate;
mod extension;
mod frame;
mod generator;
mod json;
mod latency;
mod payload;
mod prepared;
mod prose;
mod replies;
mod requests;

pub(crate) use client::Target;
pub(crate) use generator::{Limit, Measured, run};
pub(crate) use payload::{Random, payloads};
pub(crate) use prepared::Prepared;
