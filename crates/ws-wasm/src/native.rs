//! The names for programs outside of browsers: those of ws-client.

use std::time::Duration;

use ws_client::Transport;
pub use ws_client::{DialError, DialErrorKind};

use crate::{
    browser::{Api, BinaryType, Overflow},
    reconnect::Reconnecting,
};

/// A connection: `ws_client`'s.
pub type WebSocket = ws_client::Conn<Transport>;
/// The half of a connection that reads.
pub type ReadHalf = ws_core::ReadHalf<Transport>;
/// The half of a connection that writes.
pub type WriteHalf = ws_core::WriteHalf<Transport>;
/// An incoming message as a byte stream.
pub type MessageReader<'a> = ws_core::MessageReader<'a, Transport>;
/// An outgoing message as a byte stream.
pub type MessageWriter<'a> = ws_core::MessageWriter<'a, Transport>;
/// A connection as a byte stream.
pub type ByteStream = ws_core::ByteStream<Transport>;
/// A moment of the clock: `std`'s.
pub type Instant = std::time::Instant;

/// The options of a dial that there are in browsers and outside.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use ws_wasm::Dialer;
///
/// let dialer = Dialer::new().subprotocols(["chat.v2", "chat.v1"]).handshake_timeout(Duration::from_secs(5));
/// let mut socket = dialer.dial("wss://example.com/chat").await?;
/// println!("speaking {:?}", socket.subprotocol());
/// socket.write_message("hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// Outside of browsers it is made [from](#impl-From%3CDialer%3E-for-Dialer) a `ws_client::Dialer`, which has the others.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Dialer {
    dialer: ws_client::Dialer,
    config: ws_client::Config,
    is_configured: bool,
}

impl Dialer {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subprotocols that are offered, the preferred one first (RFC 6455, 1.9); none unless set. A server that chooses none of them is a
    /// failed dial in browsers, and here a connection without one.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.dialer = self.dialer.subprotocols(names);
        self
    }

    /// How long a dial may take in all; 30 seconds unless set, `None` for as long as it takes.
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.dialer = self.dialer.handshake_timeout(timeout);
        self
    }

    /// The largest message that is accepted, in bytes; 16 MiB unless set, `None` for any size. A larger one fails the connection with 1009.
    pub fn max_message_size(self, limit: impl Into<Option<u64>>) -> Self {
        self.configure(|config| config.max_message_size(limit))
    }

    /// How many bytes may be held of outgoing messages before writers wait. Unless set it is 64 KiB, and in a browser 256 KiB.
    pub fn high_water_mark(self, bytes: usize) -> Self {
        self.configure(|config| config.high_water_mark(bytes))
    }

    /// How long the closing handshake may take; 5 seconds unless set.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.configure(|config| config.close_timeout(timeout))
    }

    /// How many bytes of messages may wait in a browser until they are read. There is nothing to set outside: a server is not read
    /// faster than the program reads.
    pub fn max_queued(self, _: usize) -> Self {
        self
    }

    /// What happens in a browser when more waits than [may](Self::max_queued); there is nothing to set outside.
    pub fn overflow(self, _: Overflow) -> Self {
        self
    }

    /// What a browser makes of binary messages until they are read; there is nothing to set outside.
    pub fn binary_type(self, _: BinaryType) -> Self {
        self
    }

    /// Which interface of a browser is used; there is nothing to set outside.
    pub fn api(self, _: Api) -> Self {
        self
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`DialError::kind`] says what failed; in a browser, little more than that it did.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever was opened.
    pub async fn dial(&self, url: impl AsRef<str>) -> Result<WebSocket, DialError> {
        let (conn, _response) = self.whole().dial(url.as_ref()).await?;
        Ok(conn)
    }

    /// A client that dials this URL, and again when its connection is lost; see [`reconnect`](crate::reconnect).
    ///
    /// # Errors
    /// As [`dial`](Self::dial), for a URL that cannot be dialed. Nothing is opened yet.
    pub fn reconnecting(self, url: impl AsRef<str>) -> Result<Reconnecting, DialError> {
        Reconnecting::new(self.whole(), url.as_ref())
    }

    /// With what is set of its configuration here.
    fn whole(&self) -> ws_client::Dialer {
        let dialer = self.dialer.clone();
        if self.is_configured { dialer.config(self.config.clone()) } else { dialer }
    }

    fn configure(mut self, set: impl FnOnce(ws_client::Config) -> ws_client::Config) -> Self {
        self.config = set(self.config);
        self.is_configured = true;
        self
    }
}

/// With everything that programs outside of browsers can set. Its `config` as a whole gives way once one of
/// [`max_message_size`](Dialer::max_message_size), [`high_water_mark`](Dialer::high_water_mark) and
/// [`close_timeout`](Dialer::close_timeout) is set here.
impl From<ws_client::Dialer> for Dialer {
    fn from(dialer: ws_client::Dialer) -> Self {
        Self { dialer, ..Self::default() }
    }
}

/// Opens a connection with the default options: [`Dialer::dial`] without a dialer.
///
/// # Errors
/// As [`Dialer::dial`].
///
/// # Cancel safety
/// Dropping the future closes whatever was opened.
pub async fn dial(url: impl AsRef<str>) -> Result<WebSocket, DialError> {
    Dialer::new().dial(url).await
}

/// Is done after this time, by the timer of a page or of tokio.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
