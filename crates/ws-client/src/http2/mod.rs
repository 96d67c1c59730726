//! WebSockets over HTTP/2 (RFC 8441): several as streams of one connection.
//!
//! h2 is used directly, and not through hyper: its streams are read and written without a task and a channel for each of
//! them, any 2xx accepts, and what a server says by RST_STREAM, GOAWAY and SETTINGS is there to act upon.
//!
//! ```text
//! Http2Dialer ──► Pool ──► Attempt ──► Link ◄── Slot ◄── Http2Stream
//!                                       │
//! Http2Connection ──────────────────────┤
//!                                       └── driver: the task of the connection
//! ```

mod attempt;
mod connection;
mod dialer;
mod driver;
mod error;
mod exchange;
mod link;
mod pool;
mod stream;
mod transport;

pub use self::{
    connection::Http2Connection, dialer::Http2Dialer, error::Http2Error, stream::Http2Stream,
    transport::Http2Transport,
};
