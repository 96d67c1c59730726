//! WebSocket for any byte stream: the protocol of RFC 6455 with the compression of RFC 7692, and a connection over tokio's
//! I/O traits.
//!
//! [`Conn`] is what most programs use. Servers get one from `ws-tower`, clients from `ws-client`; with a transport whose
//! opening handshake is done by other means, [`Conn::new`] makes one:
//!
#![cfg_attr(feature = "io", doc = "```")]
#![cfg_attr(not(feature = "io"), doc = "```ignore")]
//! use tokio::io::{AsyncRead, AsyncWrite};
//! use ws_core::Conn;
//!
//! /// Sends every message back. Replies to messages that arrived together leave in one write.
//! async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut conn: Conn<S>) -> Result<(), ws_core::Error> {
//!     while let Some(message) = conn.read_message().await? {
//!         conn.queue_message(message).await?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # The connection
//!
//! | To | Use |
//! |---|---|
//! | read and write messages | [`read_message`](Conn::read_message), [`write_message`](Conn::write_message); [`recv`](Conn::recv) for control frames, too |
//! | write once for many messages | [`queue_message`](Conn::queue_message); a read that is about to wait flushes, or [`flush`](Conn::flush) |
//! | read without an allocation per message | [`read_borrowed`](Conn::read_borrowed) |
//! | stream messages of any size | [`next_reader`](Conn::next_reader), [`next_writer`](Conn::next_writer) |
//! | send one message to many | [`PreparedMessage`], [`write_prepared`](Conn::write_prepared) |
//! | compress, or leave a message out | [`Config::compression`], `write_message_with`, `set_write_compression` (feature `deflate`) |
//! | exchange JSON | `read_json`, `write_json` (feature `json`) |
//! | read and write in two tasks | [`into_split`](Conn::into_split), [`ReadHalf::reunite`] |
//! | only write | [`ReadHalf::close_read`] |
//! | ping, close, or wait for the end from anywhere | [`control`](Conn::control), [`Control`] |
//! | see or change the answers to control frames | [`set_ping_handler`](Conn::set_ping_handler), [`set_pong_handler`](Conn::set_pong_handler), [`set_close_handler`](Conn::set_close_handler) |
//! | bound the time | [`set_read_deadline`](Conn::set_read_deadline), [`set_write_deadline`](Conn::set_write_deadline), a timeout around any call |
//! | count messages and bytes, or see how it ended from elsewhere | [`stats`](Conn::stats), [`Stats`] |
//! | notice that the peer is gone | [`Config::keep_alive`] |
//! | end it | [`close`](Conn::close), [`abort`](Conn::abort); [`closing`](Conn::closing) tells how it ended |
//! | carry a byte stream | [`into_byte_stream`](Conn::into_byte_stream), [`join_messages`](Conn::join_messages) |
//!
//! **Somebody has to read.** There is no task behind a connection: pings are answered, pongs are heard and the closing
//! handshake goes on while a read, or `close`, is awaited.
//!
//! **Every future may be dropped.** A read loses nothing, and a write has queued its message whole or not at all. So
//! `select!` and `timeout` need no care, but around a [`MessageWriter`] that is not finished.
//!
//! **A normal end is no error.** Reading gives `None` after a close with 1000, 1001 or no code. Every other end is an
//! [`Error`], whose [`kind`](Error::kind) says whose fault it was.
//!
//! **What protects a program is on and finite**: the size of messages and frames, fragments, control frames, queued bytes,
//! the time of the closing handshake. [`Config`] has a table of all settings; [`InboundBudget`] bounds the memory of
//! unfinished messages over all connections.
//!
//! # Layers
//!
//! Each may use those above it, none those below:
//!
//! | Module | What it holds |
//! |---|---|
//! | [`frame`], [`utf8`] | headers, masking, opcodes; validation of text in pieces |
//! | [`handshake`] | the opening handshake as pure functions over `http` types (feature `handshake`) |
//! | [`proto`] | one connection as a state machine: no I/O, no clock, no randomness |
//! | [`Conn`] | the state machine driven over `AsyncRead + AsyncWrite` (feature `io`) |
//! | `raw` | frames one at a time, and the opening handshake without an HTTP server (feature `raw`) |
//! | [`reconnect`] | when a client dials again: decisions, without a clock or randomness |
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `handshake` | yes | [`handshake`] |
//! | `io` | yes | [`Conn`] and its halves; tokio's I/O traits and timer |
//! | `stream` | yes | `Stream` and `Sink` for [`Conn`] and its halves |
//! | `futures-io` | | futures-io's I/O traits, beside tokio's, for [`ByteStream`], [`MessageReader`] and [`MessageWriter`] |
//! | `json` | | `read_json` and `write_json`; serde |
//! | `raw` | | `raw`; httparse |

#![cfg_attr(docsrs, feature(doc_cfg))]
// The pages link to everything there is; a build with fewer features lacks some of it.
#![cfg_attr(
    not(all(feature = "deflate", feature = "handshake", feature = "stream")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub mod deflate;
pub mod frame;
#[cfg(feature = "handshake")]
#[cfg_attr(docsrs, doc(cfg(feature = "handshake")))]
pub mod handshake;
pub mod proto;
#[cfg(feature = "raw")]
#[cfg_attr(docsrs, doc(cfg(feature = "raw")))]
pub mod raw;
pub mod reconnect;
pub mod utf8;

#[cfg(feature = "io")]
mod budget;
mod close;
mod config;
#[cfg(feature = "io")]
mod conn;
mod error;
#[cfg(feature = "io")]
mod keys;
mod message;
mod pool;
mod prepared;
#[cfg(feature = "io")]
mod sync;
#[cfg(test)]
mod tests;
mod text;
mod violation;

#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub use crate::deflate::{Compression, CompressionLevel, DeflateConfig, DeflatePool, NegotiatedDeflate};
#[cfg(feature = "io")]
#[cfg_attr(docsrs, doc(cfg(feature = "io")))]
pub use crate::{
    budget::InboundBudget,
    conn::{
        ByteStream, Conn, Control, End, JoinedMessages, MessageReader, MessageRef, MessageWriter, Parts,
        ReadHalf, Reply, ReuniteError, Stats, Traffic, WriteHalf,
    },
};
pub use crate::{
    close::{CloseCode, CloseFrame},
    config::{Config, KeepAlive, Negotiated, Role},
    error::{Error, ErrorKind, UsageError},
    message::{Message, MessageKind},
    pool::{BufferPool, Pool},
    prepared::PreparedMessage,
    text::Utf8Bytes,
    violation::{ProtocolError, Violation},
};
