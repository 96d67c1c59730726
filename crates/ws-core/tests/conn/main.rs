//! The connection over transports whose every read and write is scripted.

#![cfg(feature = "io")]
#![cfg_attr(not(feature = "stream"), allow(unused_imports, reason = "some tests are left out"))]

mod calls;
mod executor;
mod pipe;
mod wire;

mod borrowed;
mod budget;
mod byte_stream;
mod cancel;
mod closing;
mod closing_order;
mod control;
mod control_ends;
mod deadlines;
#[cfg(feature = "deflate")]
mod deflate;
mod failing;
#[cfg(feature = "futures-io")]
mod futures_io;
mod handlers;
mod joined;
#[cfg(feature = "json")]
mod json;
mod keep_alive;
mod large;
mod loss;
mod message_timeout;
mod messages;
mod panics;
mod pings;
mod prepared;
mod queue;
mod reader;
mod reader_ends;
mod reader_left;
#[cfg(feature = "stream")]
mod scripts;
mod short;
mod short_reads;
mod split;
mod stats;
#[cfg(feature = "stream")]
mod stream_sink;
mod threads;
mod timers;
mod waiters;
mod wakes;
mod write_deadlines;
mod writer;
mod writer_left;
