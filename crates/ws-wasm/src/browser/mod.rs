//! What a connection is in a browser.
//!
//! [`Socket`] is the logic, over what a browser has to offer, a [`BrowserSocket`]; so it is tested without a browser. It
//! compiles everywhere, and there is something to make one of in browsers alone.
//!
//! # Close codes
//!
//! A page may close with 1000, 3000 to 4999, or no code; for any other the browser throws, and closes nothing. So what is asked for is
//! translated, whether by [`Socket::close`] or by this crate when it fails a connection:
//!
//! | Asked for | On the wire | |
//! |---|---|---|
//! | no code | none | the server sees 1005 |
//! | 1000, 3000 to 4999 | the same | |
//! | 1001 | 1000 | a page that goes away |
//! | 1003 | 4903 | a message of another kind in a [`ByteStream`] |
//! | 1008 | 4908 | a message for [`ReadHalf::close_read`] |
//! | 1009 | 4909 | a message over [`max_message_size`](crate::Dialer::max_message_size) |
//! | 1011 | 4911 | a `Blob` that cannot be read |
//! | 1013 | 4913 | more than [`max_queued`](crate::Dialer::max_queued) waits to be read |
//! | 1002, 1007, 1010, 1012, 1014 | 49 and the last two digits | |
//! | anything else | nothing: an error of the kind [`Usage`](ws_core::ErrorKind::Usage) | |
//!
//! Codes of the server arrive as they are. Where the connection is lost, or the server breaks the protocol, browsers say 1006, which is
//! [`ErrorKind::ConnectionLost`](ws_core::ErrorKind::ConnectionLost).

mod backend;
mod byte_stream;
mod closing;
mod error;
mod inbox;
mod instant;
#[cfg(feature = "json")]
mod json;
mod read;
mod reader;
pub mod reconnect;
mod settings;
mod shared;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod timer;
mod write;
mod writer;

pub(crate) use self::{
    backend::sealed,
    error::check_subprotocols,
    inbox::{Arrived, Farewell, Inbox},
    settings::Settings,
};
pub use self::{
    backend::{BrowserSocket, Facts, LocalFuture},
    byte_stream::ByteStream,
    closing::Closing,
    error::{DialError, DialErrorKind},
    instant::Instant,
    read::{ReadHalf, ReuniteError},
    reader::MessageReader,
    settings::{Api, BinaryType, Overflow},
    socket::Socket,
    write::WriteHalf,
    writer::MessageWriter,
};
