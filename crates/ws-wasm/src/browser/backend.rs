//! What the logic asks of a browser.

use std::{future::Future, io, pin::Pin, time::Duration};

use bytes::Bytes;

use super::Instant;

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "that is what seals")]
    pub trait Sealed {}
}

/// A future of one thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// A WebSocket of a browser, as far as [`Socket`](super::Socket) needs it: what it is told goes in here, what happens comes
/// back through the queue that it was made with.
///
/// Dropping it ends its events; it does not close the socket. This trait is sealed.
pub trait BrowserSocket: sealed::Sealed + 'static {
    /// Binary data that is not in memory yet.
    type Blob: 'static;

    /// Ends what [`watch`](Self::watch) began when it is dropped.
    type Watch: Unpin + 'static;

    /// Takes a text message over.
    ///
    /// # Errors
    /// What the browser throws.
    fn send_text(&self, text: &str) -> io::Result<()>;

    /// Takes a binary message over.
    ///
    /// # Errors
    /// What the browser throws.
    fn send_binary(&self, data: &[u8]) -> io::Result<()>;

    /// The bytes that were taken over and are not handed to the network.
    fn buffered_amount(&self) -> u64;

    /// Begins the closing handshake, behind everything that was sent. The code is one that browsers accept.
    fn close(&self, code: Option<u16>, reason: &str);

    /// Ends the closing handshake that is under way without waiting for what was sent, where the browser can.
    fn give_up(&self);

    /// What the opening handshake agreed on.
    fn facts(&self) -> Facts;

    /// Brings the data to memory.
    fn read_blob(blob: Self::Blob) -> LocalFuture<io::Result<Bytes>>;

    /// The time of a clock that never goes back.
    fn now() -> Instant;

    /// Is done after this time.
    fn sleep(duration: Duration) -> LocalFuture<()>;

    /// Tells when it is worth to look for the network at once: it is back, or the page is looked at again.
    fn watch(tell: Box<dyn Fn()>) -> Self::Watch;

    /// A number that spreads the clients of a server which comes back; nothing secret depends on it.
    fn random() -> u64;
}

/// What an opening handshake agreed on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// `Sec-WebSocket-Extensions`, as the browser tells it; mostly `permessage-deflate` and its parameters.
    pub extensions: String,
    /// The subprotocol; empty without one.
    pub subprotocol: String,
    /// The URL, as the browser has understood it.
    pub url: String,
}
