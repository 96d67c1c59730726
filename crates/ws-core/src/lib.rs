//! WebSocket core.

#[cfg(feature = "handshake")]
pub mod handshake;

mod close;
mod config;
mod error;
mod message;
mod pool;
mod text;
mod violation;

pub use crate::{
    close::{CloseCode, CloseFrame},
    config::{Config, Negotiated, Role},
    error::{Error, ErrorKind, UsageError},
    message::{Message, MessageKind},
    pool::{BufferPool, Pool},
    text::Utf8Bytes,
    violation::{ProtocolError, Violation},
};
#[cfg(feature = "io")]
mod conn;
#[cfg(feature = "io")]
pub use crate::conn::{Conn, Parts};
