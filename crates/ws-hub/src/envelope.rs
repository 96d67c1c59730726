//! What is sent: a payload, and what becomes of it where there is no room.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use ws_core::{Error, Message, MessageKind, PreparedMessage, Utf8Bytes};

use crate::Overflow;

/// The data of a message: text or bytes.
///
/// Strings and byte vectors convert to it. It is cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455, 5.6 has these two kinds of data")]
pub enum Payload {
    /// UTF-8 text.
    Text(Utf8Bytes),
    /// Any bytes.
    Binary(Bytes),
}

impl Payload {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        }
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The bytes, of text as well.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) => data,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    pub(crate) fn into_message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(data) => Message::Binary(data),
        }
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Utf8Bytes> for Payload {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Payload {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(data.into())
    }
}

impl From<&[u8]> for Payload {
    fn from(data: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(data))
    }
}

/// A message with what becomes of it on its way.
///
/// Everything that converts to a [`Payload`] converts to an envelope: `room.send("hello")` is enough where the hub's
/// [`Overflow`] serves.
///
/// ```
/// use ws_hub::{Envelope, Overflow};
///
/// // A late position is worth nothing: only the latest waits, and only for those who keep up.
/// let position = Envelope::new("3,4").key("cursor:7").volatile();
/// let invoice = Envelope::new("…").overflow(Overflow::DropOldest);
/// # let _ = (position, invoice);
/// ```
#[derive(Clone, Debug)]
#[must_use = "an envelope does nothing unless it is sent"]
pub struct Envelope {
    pub(crate) content: Content,
    pub(crate) overflow: Option<Overflow>,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) volatile: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Payload(Payload),
    Prepared(PreparedMessage),
}

impl Envelope {
    /// A message with the hub's [`Overflow`], without a key, and not volatile.
    pub fn new(payload: impl Into<Payload>) -> Self {
        Self { content: Content::Payload(payload.into()), overflow: None, key: None, volatile: false }
    }

    /// What is done where a session's queue is full; the hub's [`Overflow`] unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// Of the messages with this key that wait for a session, only the latest is kept: it takes the place of the one
    /// before, so it needs no room either.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Drops it for sessions that do not take what was sent before, rather than letting it wait.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> Payload {
        match &self.content {
            Content::Payload(payload) => payload.clone(),
            Content::Prepared(message) => match message.message() {
                Message::Text(text) => Payload::Text(text.clone()),
                // Control frames are not prepared to an envelope.
                message => Payload::Binary(message.clone().into_data()),
            },
        }
    }
}

impl<T: Into<Payload>> From<T> for Envelope {
    fn from(payload: T) -> Self {
        Self::new(payload)
    }
}

/// A message that the caller has encoded already, and may send again.
///
/// # Errors
/// Gives a control frame back: pings and close frames are no data.
impl TryFrom<PreparedMessage> for Envelope {
    type Error = PreparedMessage;

    fn try_from(message: PreparedMessage) -> Result<Self, PreparedMessage> {
        if message.message().kind().is_none() {
            return Err(message);
        }
        Ok(Self { content: Content::Prepared(message), overflow: None, key: None, volatile: false })
    }
}

/// A message as it stands in queues: one for all of its receivers.
pub(crate) struct Outgoing {
    body: Body,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) size: usize,
    pub(crate) volatile: bool,
    /// It is never dropped to make room for another: the receiver would have a hole in what it can recover.
    pub(crate) kept: bool,
}

enum Body {
    /// For one receiver: there is no use for a frame that others can share.
    One(Message),
    Shared(PreparedMessage),
}

impl Outgoing {
    /// For many receivers: encoded once.
    pub(crate) fn shared(content: Content, key: Option<Arc<str>>, volatile: bool) -> Arc<Self> {
        let prepared = match content {
            Content::Payload(payload) => PreparedMessage::new(payload.into_message()),
            Content::Prepared(message) => Ok(message),
        };
        let body = match prepared {
            Ok(message) => Body::Shared(message),
            Err(_) => unreachable!("only control frames can be unfit to be prepared"),
        };
        Arc::new(Self::new(body, key, volatile))
    }

    /// For many receivers: a message of a history.
    pub(crate) fn kept(payload: Payload) -> Arc<Self> {
        let mut message = Self::shared(Content::Payload(payload), None, false);
        if let Some(message) = Arc::get_mut(&mut message) {
            message.kept = true;
        }
        message
    }

    pub(crate) fn one(content: Content, key: Option<Arc<str>>, volatile: bool) -> Arc<Self> {
        let body = match content {
            Content::Payload(payload) => Body::One(payload.into_message()),
            Content::Prepared(message) => Body::Shared(message),
        };
        Arc::new(Self::new(body, key, volatile))
    }

    fn new(body: Body, key: Option<Arc<str>>, volatile: bool) -> Self {
        let message = match &body {
            Body::One(message) => message,
            Body::Shared(prepared) => prepared.message(),
        };
        let size = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => data.len(),
            Message::Close(_) => 0,
        };
        Self { body, key, size, volatile, kept: false }
    }

    pub(crate) fn message(&self) -> &Message {
        match &self.body {
            Body::One(message) => message,
            Body::Shared(prepared) => prepared.message(),
        }
    }

    /// Queues it on a connection.
    pub(crate) fn start_send<S: tokio::io::AsyncWrite + Unpin>(
        &self,
        conn: &mut ws_core::Conn<S>,
    ) -> Result<(), Error> {
        match &self.body {
            Body::One(message) => conn.start_send(message.clone()),
            Body::Shared(prepared) => conn.start_send_prepared(prepared),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("message", self.message())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
