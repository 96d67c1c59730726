//! The load generator: epoll, prepared frames and a parser of its own; no WebSocket library.

mod connect;
mod generator;
mod latency;
mod prepared;
mod replies;

pub(crate) use connect::Target;
pub(crate) use generator::{Limit, Measured, run};
pub(crate) use prepared::Prepared;
