//! The load generator: epoll, prepared frames and a parser of its own; no WebSocket library.

mod client;
mod compressed;
pub(crate) mod deflate;
pub(crate) mod extension;
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
mod responder;
mod socketio;
mod window;

pub(crate) use client::Target;
pub(crate) use frame::{FIN, masked};
pub(crate) use generator::run;
pub(crate) use latency::Latency;
pub(crate) use opening::REQUEST;
pub(crate) use payload::{Random, payloads};
pub(crate) use prepared::Prepared;
pub(crate) use requests::Requests;
pub(crate) use responder::Responder;
pub(crate) use window::{Limit, Measured};
