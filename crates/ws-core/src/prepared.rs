//! A message that is encoded once and sent many times.

#[cfg(feature = "deflate")]
use std::sync::{Mutex, PoisonError};
use std::{fmt, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};

#[cfg(feature = "deflate")]
use crate::CompressionLevel;
use crate::{
    Error, Message, MessageKind, UsageError, Utf8Bytes,
    frame::{FrameHeader, MAX_CONTROL_PAYLOAD, Opcode, ReservedBits},
};

/// A message for many connections: its frame is encoded once and shared by all of them.
///
/// Cheap to clone. Servers send the encoded frame itself, from 4 KiB on without copying; clients mask it anew for each
/// connection, since RFC 6455, 5.3 asks for a fresh key. [`Conn::write_prepared`](crate::Conn::write_prepared) and
/// [`Conn::queue_prepared`](crate::Conn::queue_prepared) take it. Control frames can be prepared as well, and are encoded for
/// each connection.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use ws_core::{Config, Conn, Message, Negotiated, PreparedMessage, Role};
///
/// let tick = PreparedMessage::new("tick")?;
/// for _ in 0..3 {
///     let (near, far) = tokio::io::duplex(1024);
///     let mut server = Conn::new(near, Role::Server, Config::new(), Negotiated::new());
///     let mut client = Conn::new(far, Role::Client, Config::new(), Negotiated::new());
///     server.write_prepared(&tick).await?;
///     assert_eq!(client.read_message().await?, Some(Message::text("tick")));
/// }
/// # Ok::<(), ws_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PreparedMessage(Arc<Prepared>);

struct Prepared {
    /// Its payload lies in `frame`, so that the bytes are there once.
    message: Message,
    /// The frame of a data message as a server sends it: not masked. Empty for a control frame.
    frame: Bytes,
    /// The frames of the compressed forms that connections had a use for; none where the message is better sent as it is.
    #[cfg(feature = "deflate")]
    compressed: Mutex<Vec<(Variant, Option<Bytes>)>>,
}

/// What the compressed form of a message depends on: the window, and how hard it was tried.
#[cfg(feature = "deflate")]
pub(crate) type Variant = (u8, CompressionLevel);

impl PreparedMessage {
    /// Prepares a message or control frame.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a control frame that must not be sent as it is: its payload or
    /// reason is too long, or its close code is not one for the wire.
    pub fn new(message: impl Into<Message>) -> Result<Self, Error> {
        let message = message.into();
        let (message, frame) = match message {
            Message::Text(text) => {
                let (payload, frame) = encode(MessageKind::Text, ReservedBits::NONE, text.as_bytes());
                (Message::Text(Utf8Bytes::from_validated(payload)), frame)
            }
            Message::Binary(data) => {
                let (payload, frame) = encode(MessageKind::Binary, ReservedBits::NONE, &data);
                (Message::Binary(payload), frame)
            }
            Message::Ping(payload) | Message::Pong(payload) if payload.len() > MAX_CONTROL_PAYLOAD => {
                return Err(UsageError::ControlTooLong.into());
            }
            Message::Close(Some(frame)) => {
                frame.check_sendable()?;
                (Message::Close(Some(frame)), Bytes::new())
            }
            other => (other, Bytes::new()),
        };
        Ok(Self(Arc::new(Prepared {
            message,
            frame,
            #[cfg(feature = "deflate")]
            compressed: Mutex::default(),
        })))
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// The kind of a data message, `None` for a control frame.
    pub(crate) fn kind(&self) -> Option<MessageKind> {
        self.0.message.kind()
    }

    /// The payload of a data message.
    #[cfg(feature = "deflate")]
    pub(crate) fn payload(&self) -> &[u8] {
        match self.message() {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(data) => data,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => &[],
        }
    }

    /// The frame of the compressed message as a server sends it; `None` where it is better sent as it is. It is made by the
    /// first connection that needs it, while others that need it wait. `payload` gives nothing if it cannot tell now.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(
        &self,
        variant: Variant,
        payload: impl FnOnce() -> Option<Option<Bytes>>,
    ) -> Option<Bytes> {
        let kind = self.kind()?;
        let mut made = self.0.compressed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = made.iter().find(|(key, _)| *key == variant) {
            return frame.clone();
        }
        let frame = payload()?.map(|payload| encode(kind, ReservedBits::RSV1, &payload).1);
        made.push((variant, frame.clone()));
        frame
    }

    /// The frame of a data message as a server sends it: not masked.
    pub(crate) fn server_frame(&self) -> &Bytes {
        &self.0.frame
    }
}

/// The payload, and the frame that it lies in.
fn encode(kind: MessageKind, reserved: ReservedBits, payload: &[u8]) -> (Bytes, Bytes) {
    let header = FrameHeader { reserved, ..FrameHeader::new(kind.opcode(), payload.len() as u64) }.encode();
    let mut frame = BytesMut::with_capacity(header.len() + payload.len());
    frame.put_slice(&header);
    frame.put_slice(payload);
    let frame = frame.freeze();
    (frame.slice(header.len()..), frame)
}

impl MessageKind {
    /// The opcode of the first frame of such a message.
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::TEXT,
            Self::Binary => Opcode::BINARY,
        }
    }
}

impl fmt::Debug for PreparedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PreparedMessage").field(&self.0.message).finish()
    }
}
