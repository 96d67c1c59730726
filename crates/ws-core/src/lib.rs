//! WebSocket core.

pub mod frame;
#[cfg(feature = "handshake")]
pub mod handshake;
pub mod proto;
pub mod utf8;

mod close;
mod config;
#[cfg(feature = "io")]
mod conn;
mod error;
mod message;
mod pool;
mod text;
mod violation;

#[cfg(feature = "io")]
pub use crate::conn::{Conn, Parts};
pub use crate::{
    close::{CloseCode, CloseFrame},
    config::{Config, Negotiated, Role},
    error::{Error, ErrorKind, UsageError},
    message::{Message, MessageKind},
    pool::{BufferPool, Pool},
    text::Utf8Bytes,
    violation::{ProtocolError, Violation},
};
