//! The connection over transports whose every read and write is scripted.

#![cfg(feature = "stream")]

mod executor;
mod pipe;
mod wire;

mod cancel;
mod closing;
mod control;
mod failing;
mod loss;
mod messages;
mod queue;
mod reader;
mod reader_ends;
mod reader_left;
mod scripts;
mod stream_sink;
mod wakes;
mod writer;
mod writer_left;
