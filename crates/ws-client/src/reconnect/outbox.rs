//! Where messages wait for a connection, and the handle that puts them there.

use std::{error, fmt, sync::Arc};

use ws_core::{CloseFrame, Error, Message};

use super::queue::Queue;

/// Sends messages through a [`Reconnecting`](super::Reconnecting) client from anywhere: another task, a thread, a handler.
///
/// Cheap to clone, and without a type parameter. Messages wait in a queue, across connections, until a connection takes
/// them; the queue is [bounded](super::Reconnecting::queue_limits), and whoever sends either waits for room or has the
/// message given back. The client moves them while it is asked for its [next event](super::Reconnecting::next).
///
/// `Ok` means that the message is in the queue. It is sent once or never: see [the module](super#what-may-be-lost).
#[derive(Clone)]
pub struct Outbox(Arc<Queue>);

impl Outbox {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// Queues a message; waits for room if there is none. Those who wait are served in the order they came.
    ///
    /// A message that is larger than the queue waits until the queue is empty.
    ///
    /// # Errors
    ///
    /// [`SendErrorKind::Closed`] if the client is closing or gone, or becomes it; [`SendErrorKind::NotData`] for a control
    /// frame. The message is in the error.
    ///
    /// # Cancel safety
    ///
    /// Safe in that the message is queued whole or not at all; if the future is dropped before it is done, the message is
    /// dropped, too, and the place in the line is lost.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        match self.0.reserve(&message).await {
            Ok(room) => room.put(message, false),
            Err(kind) => Err(SendError::new(message, kind)),
        }
    }

    /// Queues a message at once or not at all.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`SendErrorKind::Full`] if there is no room. The message is in the error.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.try_put(message.into(), false)
    }

    /// Queues a message for the connection that is up, at once or not at all. If it is still in the queue when that connection
    /// ends, it is dropped.
    ///
    /// For what is of no use later: a position, a key that was pressed, a beat.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), and [`SendErrorKind::Down`] if no connection is up. The message is in the error.
    pub fn try_send_now(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.try_put(message.into(), true)
    }

    fn try_put(&self, message: Message, now_or_never: bool) -> Result<(), SendError> {
        match self.0.try_reserve(&message) {
            Ok(room) => room.put(message, now_or_never),
            Err(kind) => Err(SendError::new(message, kind)),
        }
    }

    /// Ends the client.
    ///
    /// If a connection is up, what is queued is sent, then the close frame, and the client gives
    /// [`Down`](super::Event::Down) as its last event when the closing handshake is done, in
    /// [`Config::close_timeout`](ws_core::Config::close_timeout) at the longest. Otherwise it is over at once, and what is
    /// queued stays for [`take_queued`](Self::take_queued). No message can be queued any more.
    ///
    /// Of several calls only the first counts. This does not wait; the client does it all when it is asked for its next event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](ws_core::ErrorKind::Usage) when the close frame must not be sent as it is: its code, or a reason
    /// over 123 bytes. Nothing happens then.
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        let frame = frame.into();
        if let Some(frame) = &frame {
            frame.check_sendable()?;
        }
        self.0.request_close(frame);
        Ok(())
    }

    /// Takes back what no connection has taken, in order; for a client that is given up, or to begin anew after
    /// [`Down`](super::Event::Down).
    #[must_use = "they are not sent any more"]
    pub fn take_queued(&self) -> Vec<Message> {
        self.0.drain()
    }

    /// How many messages are queued.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.len()
    }

    /// Whether a connection is up and set up, as far as the client has seen.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.is_up()
    }

    /// Whether the client is closing, over, or dropped: nothing can be sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("queued", &self.queued())
            .field("up", &self.is_up())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// A message that was not queued, and why.
pub struct SendError {
    message: Message,
    kind: SendErrorKind,
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// The client is closing, over, or dropped.
    Closed,
    /// No connection is up, and the message was for one that is.
    Down,
    /// There is no room in the queue.
    Full,
    /// Only text and binary messages are queued; [`Outbox::close`] sends the close frame, and keep-alive the pings.
    NotData,
}

impl SendError {
    pub(super) fn new(message: Message, kind: SendErrorKind) -> Self {
        Self { message, kind }
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// Gives the message back.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SendErrorKind::Closed => "the client is closed",
            SendErrorKind::Down => "no connection is up",
            SendErrorKind::Full => "the queue is full",
            SendErrorKind::NotData => "control frames are not queued",
        })
    }
}

impl error::Error for SendError {}
