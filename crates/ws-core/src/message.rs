//! Messages: what an application reads and writes.

use std::fmt;

use bytes::Bytes;

use crate::{CloseFrame, Error, UsageError, Utf8Bytes};

/// Whether a data message is text or binary (RFC 6455, 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has these two; new ones would need new opcodes")]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// A WebSocket message: data, or a control frame where those are asked for.
///
/// ```
/// use ws_core::Message;
///
/// assert_eq!(Message::from("hi"), Message::text("hi"));
/// assert_eq!(Message::binary(vec![1, 2, 3]).into_data(), vec![1, 2, 3]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "matched exhaustively by users of axum's type of this name")]
pub enum Message {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping with at most 125 bytes of payload. It is answered without help.
    Ping(Bytes),
    /// A pong with at most 125 bytes of payload.
    Pong(Bytes),
    /// A close frame, with its code and reason if it had any.
    Close(Option<CloseFrame>),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// The kind of a data message, `None` for a control frame.
    #[must_use]
    pub const fn kind(&self) -> Option<MessageKind> {
        match self {
            Self::Text(_) => Some(MessageKind::Text),
            Self::Binary(_) => Some(MessageKind::Binary),
            Self::Ping(_) | Self::Pong(_) | Self::Close(_) => None,
        }
    }

    /// Whether this is a text message.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether this is a binary message.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// The payload; of a close frame, its reason.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data,
            Self::Close(frame) => frame.map(|frame| frame.reason.into_bytes()).unwrap_or_default(),
        }
    }

    /// The payload as text; of a close frame, its reason.
    ///
    /// # Errors
    /// [`UsageError::NotText`] when the payload is not UTF-8.
    pub fn into_text(self) -> Result<Utf8Bytes, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Close(frame) => Ok(frame.map(|frame| frame.reason).unwrap_or_default()),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => {
                Utf8Bytes::try_from(data).map_err(|_| UsageError::NotText.into())
            }
        }
    }

    /// The payload as a string slice; of a close frame, its reason.
    ///
    /// # Errors
    /// [`UsageError::NotText`] when the payload is not UTF-8.
    pub fn to_text(&self) -> Result<&str, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Close(frame) => Ok(frame.as_ref().map_or("", |frame| &frame.reason)),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => {
                std::str::from_utf8(data).map_err(|_| UsageError::NotText.into())
            }
        }
    }
}

impl fmt::Debug for Message {
    /// Shows the length and at most the first 16 bytes of binary payloads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, data) = match self {
            Self::Text(text) => return f.debug_tuple("Text").field(text).finish(),
            Self::Close(frame) => return f.debug_tuple("Close").field(frame).finish(),
            Self::Binary(data) => ("Binary", data),
            Self::Ping(data) => ("Ping", data),
            Self::Pong(data) => ("Pong", data),
        };
        write!(f, "{name}({} bytes: \"{}\"", data.len(), data[..data.len().min(16)].escape_ascii())?;
        f.write_str(if data.len() > 16 { "…)" } else { ")" })
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

impl From<&[u8]> for Message {
    fn from(data: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(data))
    }
}

impl From<Vec<u8>> for Message {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(data.into())
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_data().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_payload_becomes_text_only_when_it_is_utf8() {
        assert_eq!(Message::binary("é").into_text().unwrap(), "é");
        let error = Message::binary(&[0xFF][..]).into_text().unwrap_err();
        assert_eq!(error.usage(), Some(UsageError::NotText));
    }

    #[test]
    fn debug_shows_length_and_prefix() {
        let message = Message::binary(vec![0; 20]);
        assert_eq!(format!("{message:?}"), format!("Binary(20 bytes: \"{}\"…)", "\\x00".repeat(16)));
        assert_eq!(format!("{:?}", Message::Ping("a".into())), "Ping(1 bytes: \"a\")");
    }
}
