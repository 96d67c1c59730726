//! The options of a dial.

use std::time::Duration;

use super::{Interface, Plain, Streamed, Web, WebSocket, stream};
use crate::{
    Api, BinaryType, Overflow,
    browser::{DialError, Inbox, Settings, Socket, check_subprotocols},
    reconnect::Reconnecting,
};

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
#[derive(Clone, Debug)]
#[must_use]
pub struct Dialer {
    subprotocols: Vec<String>,
    handshake_timeout: Option<Duration>,
    binary_type: BinaryType,
    api: Api,
    settings: Settings,
}

impl Dialer {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            subprotocols: Vec::new(),
            handshake_timeout: Some(HANDSHAKE_TIMEOUT),
            binary_type: BinaryType::default(),
            api: Api::default(),
            settings: Settings::default(),
        }
    }

    /// The subprotocols that are offered, the preferred one first (RFC 6455, 1.9); none unless set. A server that chooses none of them is a
    /// failed dial, in browsers.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a dial may take in all; 30 seconds unless set, `None` for as long as the browser lets it.
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.handshake_timeout = timeout.into();
        self
    }

    /// The largest message that is accepted, in bytes; 16 MiB unless set, `None` for any size. A larger one fails the connection with 1009, for
    /// which the browser sends 4909. By then the browser itself has it in memory.
    pub fn max_message_size(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.settings.max_message_size = limit.into();
        self
    }

    /// How many bytes the browser may hold of outgoing messages before writers wait; 256 KiB unless set.
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.settings.high_water_mark = bytes;
        self
    }

    /// How long the closing handshake may take; 5 seconds unless set.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.settings.close_timeout = timeout;
        self
    }

    /// How many bytes of messages may wait until they are read; 16 MiB unless set. A message that is larger may wait if no other does.
    ///
    /// Of short ones there may be one for each 64 of these bytes, and 1,024 in any case. With [`Api::Stream`] there is never as much: 64 KiB
    /// and one message, and 1,024 messages.
    pub fn max_queued(mut self, bytes: usize) -> Self {
        self.settings.max_queued = bytes;
        self
    }

    /// What happens when more waits than [may](Self::max_queued); the connection is failed unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// What the browser makes of binary messages until they are read; an `ArrayBuffer` unless set. [`Api::Stream`] has no other.
    pub fn binary_type(mut self, binary_type: BinaryType) -> Self {
        self.binary_type = binary_type;
        self
    }

    /// Which interface of the browser is used; `WebSocket` unless set.
    pub fn api(mut self, api: Api) -> Self {
        self.api = api;
        self
    }

    /// Opens a connection.
    ///
    /// The scheme of the URL is `ws` or `wss`; `http` and `https` mean the same. A fragment is dropped (RFC 6455, 3).
    ///
    /// # Errors
    /// [`DialError::kind`] says what failed, which is little more than that it did.
    ///
    /// # Cancel safety
    /// Dropping the future closes whatever was opened.
    pub async fn dial(&self, url: impl AsRef<str>) -> Result<WebSocket, DialError> {
        check_subprotocols(&self.subprotocols)?;
        let url = normal(url.as_ref());
        let paced = self.api == Api::Stream && stream::is_there();
        let settings = Settings { paced, offers: !self.subprotocols.is_empty(), ..self.settings };
        let inbox = Inbox::new(settings);
        let socket = if paced {
            Interface::Streamed(Streamed::new(&url, &self.subprotocols, &inbox)?)
        } else {
            Interface::Plain(Plain::new(&url, &self.subprotocols, self.binary_type, &inbox)?)
        };
        Socket::open(Web(socket), inbox, settings, self.handshake_timeout).await
    }

    /// A client that dials this URL, and again when its connection is lost; see [`reconnect`](crate::reconnect).
    ///
    /// # Errors
    /// [`DialErrorKind::InvalidSubprotocol`](crate::DialErrorKind::InvalidSubprotocol). Nothing is opened yet.
    pub fn reconnecting(self, url: impl AsRef<str>) -> Result<Reconnecting, DialError> {
        check_subprotocols(&self.subprotocols)?;
        let url = url.as_ref().to_owned();
        Ok(Reconnecting::from_fn(move |_attempt| {
            let (dialer, url) = (self.clone(), url.clone());
            async move { Ok(dialer.dial(url).await?) }
        }))
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self::new()
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

/// The URL as all browsers take it: those before 2024 refuse the schemes of HTTP, and fragments.
fn normal(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default().trim();
    match url.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => format!("ws{}", &url[4..]),
        _ => url.to_owned(),
    }
}

/// As that of `ws_client`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
