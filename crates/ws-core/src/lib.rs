//! WebSocket for any byte stream: the protocol of RFC 6455, and a connection over tokio's I/O traits.
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
//! What protects a program is on by default and finite: the size of messages and frames, fragments, control frames,
//! queued bytes, the time of the closing handshake; see [`Config`].
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
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `handshake` | yes | [`handshake`] |
//! | `io` | yes | [`Conn`] |
//! | `stream` | yes | `Stream` and `Sink` for [`Conn`] |

#![cfg_attr(docsrs, feature(doc_cfg))]
// The pages link to everything there is; a build with fewer features lacks some of it.
#![cfg_attr(not(all(feature = "handshake", feature = "stream")), allow(rustdoc::broken_intra_doc_links))]

pub mod frame;
#[cfg(feature = "handshake")]
#[cfg_attr(docsrs, doc(cfg(feature = "handshake")))]
pub mod handshake;
pub mod proto;
#[cfg(feature = "raw")]
#[cfg_attr(docsrs, doc(cfg(feature = "raw")))]
pub mod raw;
pub mod utf8;

#[cfg(feature = "io")]
mod budget;
mod close;
mod config;
#[cfg(feature = "io")]
mod conn;
mod error;
mod message;
mod pool;
mod prepared;
#[cfg(feature = "io")]
mod sync;
#[cfg(test)]
mod tests;
mod text;
mod violation;

#[cfg(feature = "io")]
#[cfg_attr(docsrs, doc(cfg(feature = "io")))]
pub use crate::{
    budget::InboundBudget,
    conn::{
        ByteStream, Conn, Control, JoinedMessages, MessageReader, MessageRef, MessageWriter, Parts, ReadHalf,
        Reply, ReuniteError, WriteHalf,
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
