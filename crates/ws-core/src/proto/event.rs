//! What the receiver tells its driver.

use bytes::Bytes;

use crate::{CloseCode, CloseFrame, MessageKind};

/// Something that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// The next bytes of a data message, unmasked and, in text, validated up to here.
    Data {
        /// Whether the message is text or binary.
        kind: MessageKind,
        /// The bytes, in the place where they arrived. May be empty at the ends of a message.
        payload: &'i [u8],
        /// The message begins with these bytes.
        first: bool,
        /// The message is complete with these bytes.
        last: bool,
    },
    /// A ping with its payload.
    Ping(Bytes),
    /// A pong with its payload.
    Pong(Bytes),
    /// The close frame of the peer; nothing that follows it is looked at.
    Close(Option<CloseFrame>),
}

/// What this endpoint owes the peer for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owed {
    /// A pong with the payload of the ping (RFC 6455, 5.5.2 and 5.5.3).
    Pong(Bytes),
    /// A close frame that echoes the code, unless one was sent already (5.5.1).
    Close(Option<CloseCode>),
}

impl Event<'_> {
    /// A control frame, which borrows nothing; data is none.
    #[cfg(feature = "io")]
    pub(crate) fn into_control(self) -> Option<Event<'static>> {
        match self {
            Self::Data { .. } => None,
            Self::Ping(payload) => Some(Event::Ping(payload)),
            Self::Pong(payload) => Some(Event::Pong(payload)),
            Self::Close(frame) => Some(Event::Close(frame)),
        }
    }

    /// What the event obliges this endpoint to send.
    #[must_use]
    pub fn owed(&self) -> Option<Owed> {
        match self {
            Self::Ping(payload) => Some(Owed::Pong(payload.clone())),
            Self::Close(frame) => Some(Owed::Close(frame.as_ref().map(|frame| frame.code))),
            Self::Data { .. } | Self::Pong(_) => None,
        }
    }
}
