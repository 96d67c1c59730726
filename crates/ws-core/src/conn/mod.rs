//! The async connection: a [`Protocol`](crate::proto::Protocol) driven over tokio's I/O traits.

mod ending;
mod keys;
mod read;
#[cfg(feature = "stream")]
mod stream;
mod waiters;
mod write;

use std::{
    fmt,
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use self::{ending::Ending, keys::Keys, read::ReadBuffer, waiters::Waiters};
use crate::{
    CloseFrame, Config, Error, Message, Negotiated, Role,
    config::Settings,
    proto::{Closing, Protocol},
};

/// A WebSocket connection over any byte stream.
///
/// Reading and writing are both driven by the calls on this type; there is no task behind it. Pings are answered and
/// close frames echoed while the application reads. Queued messages go out on [`flush`](Self::flush), **and whenever a
/// read is about to wait**, so a loop that reads and queues writes once per batch of messages that arrived together.
///
/// A connection that waits holds no buffers: it borrows them from the [`BufferPool`](crate::BufferPool) of its
/// [`Config`] while bytes are in flight.
///
/// Dropping a connection drops its transport without a closing handshake; the peer sees 1006. End it with
/// [`close`](Self::close).
///
/// The closing handshake is bounded by [`Config::close_timeout`] with tokio's timer, which must be enabled in the
/// runtime; nothing else needs it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use ws_core::{Config, Conn, Message, Negotiated, Role};
///
/// let (near, far) = tokio::io::duplex(1024);
/// let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
/// let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
///
/// client.write_message("hello").await?;
/// assert_eq!(server.read_message().await?, Some(Message::text("hello")));
/// # Ok::<(), ws_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Conn<S> {
    io: S,
    protocol: Protocol<Keys>,
    read: ReadBuffer,
    /// The data of a message that has not arrived as a whole.
    message: Vec<u8>,
    /// Bytes at the end of `message` that were read straight to it and are not parsed.
    direct: usize,
    /// Bytes were written that the transport may still hold back.
    unflushed: bool,
    /// Queued bytes have waited through one read already.
    stale: bool,
    /// Writing failed; nothing can be sent any more.
    broken: Option<io::ErrorKind>,
    ending: Ending,
    waiters: Waiters,
    #[cfg(feature = "stream")]
    stream_ended: bool,
    settings: Settings,
    negotiated: Negotiated,
}

/// What [`Conn::into_parts`] gives back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> {
    /// The transport.
    pub io: S,
    /// Bytes that were read from the transport and are not part of a message that was given out.
    pub read_buf: Bytes,
    /// Encoded frames that were queued and not written.
    pub write_buf: Bytes,
    /// What the opening handshake agreed on.
    pub negotiated: Negotiated,
}

impl<S> Conn<S> {
    /// Takes over a transport whose opening handshake is done.
    #[must_use]
    pub fn new(io: S, role: Role, config: Config, negotiated: Negotiated) -> Self {
        Self::with_read_buf(io, role, config, negotiated, BytesMut::new())
    }

    /// Takes over a transport together with what was read behind the opening handshake: the peer's first frames.
    ///
    /// An empty buffer that has capacity becomes the first read buffer.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a configuration is built for the call, in most programs"
    )]
    pub fn with_read_buf(
        io: S,
        role: Role,
        config: Config,
        negotiated: Negotiated,
        read_buf: BytesMut,
    ) -> Self {
        Self {
            io,
            protocol: Protocol::new(role, &config, Keys),
            read: ReadBuffer::new(read_buf),
            message: Vec::new(),
            direct: 0,
            unflushed: false,
            stale: false,
            broken: None,
            ending: Ending::default(),
            waiters: Waiters::default(),
            #[cfg(feature = "stream")]
            stream_ended: false,
            settings: config.settings(),
            negotiated,
        }
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.protocol.role()
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.negotiated.subprotocol.as_deref()
    }

    /// The close frames of both ends so far, and their order.
    #[must_use]
    pub fn closing(&self) -> &Closing {
        self.protocol.closing()
    }

    /// The transport.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// The transport. Reading from it or writing to it breaks the connection; setting its options does not.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Takes the connection apart: the transport, what was read ahead, and what was queued.
    ///
    /// The transport can be handed on without loss while no message and no control frame has arrived in part. What has
    /// arrived of one is lost then, and what follows on the transport begins in its middle; only the beginning of a frame
    /// header is kept.
    #[must_use]
    pub fn into_parts(mut self) -> Parts<S> {
        let mut read_buf = BytesMut::from(self.protocol.receiver().partial_header());
        read_buf.extend_from_slice(self.read.filled());
        Parts {
            io: self.io,
            read_buf: read_buf.freeze(),
            write_buf: self.protocol.sender().outbox().to_vec().into(),
            negotiated: self.negotiated,
        }
    }

    /// Drops the transport without a closing handshake; what is queued is lost.
    pub fn abort(self) {}
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the next data message.
    ///
    /// `None` is a normal end: the closing handshake was done with 1000, 1001 or no code. Pings and pongs are handled on
    /// the way. Messages that are queued are flushed before this waits.
    ///
    /// When the peer breaks a rule or exceeds a limit, the close frame that says so is sent and the transport is shut
    /// down before this returns, in the close timeout at the longest.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) for any other close code,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) without a closing handshake,
    /// [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) and [`ErrorKind::TooBig`](crate::ErrorKind::TooBig) for what
    /// the peer did wrong, [`ErrorKind::Io`](crate::ErrorKind::Io) for other failures of the transport. Every further
    /// call gives the same.
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn read_message(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_read_message(cx)).await
    }

    /// Reads the next message or control frame.
    ///
    /// As [`read_message`](Self::read_message), but pings and pongs are given out too (pings are answered all the same),
    /// and so is the peer's close frame, once, after the closing handshake. `None` follows it, whatever its code.
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message), without [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Sends a message or control frame: queues it and everything before it is handed to the transport.
    ///
    /// A close frame only begins the closing handshake; [`close`](Self::close) finishes it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the state or the payload forbids the message,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) or [`ErrorKind::Io`](crate::ErrorKind::Io) when
    /// the transport fails. That the call succeeds does not mean that the peer has got the message.
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_message(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.queue_message(message).await?;
        self.flush().await
    }

    /// Queues a message or control frame. Waits only while the queue is above its high-water mark.
    ///
    /// The queue is sent by [`flush`](Self::flush), and by any read that is about to wait.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_message(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.start_send(message)
    }

    /// Hands everything that is queued to the transport.
    ///
    /// # Errors
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) or [`ErrorKind::Io`](crate::ErrorKind::Io) when
    /// the transport fails.
    ///
    /// # Cancel safety
    /// Safe: what is not written stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Ends the connection with the closing handshake (RFC 6455, 7.1.2): sends what is queued and a close frame, waits for
    /// the peer's, and ends the transport. Data that still arrives is dropped.
    ///
    /// All of this takes the close timeout at the longest. After the peer has closed, there is nothing left to do.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the close frame must not be sent as it is,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) when the peer does not answer in time or the
    /// transport ends without its answer, and the other errors of [`read_message`](Self::read_message) but
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    ///
    /// # Cancel safety
    /// Safe: the close frame is queued once, and a later call to this or to a read goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        let frame = frame.into();
        if !self.ending.is_begun() && self.closing().sent().is_none() {
            self.start_send(Message::Close(frame))?;
        }
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Polls for the next data message, as [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        // Control frames without end must not keep the other tasks of the thread from running.
        for _ in 0..CONTROL_BUDGET {
            match ready!(self.poll_next_message(cx)) {
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                Some(Message::Close(_)) | None => {
                    return Poll::Ready(self.ending.result(self.protocol.closing()));
                }
                Some(message) => return Poll::Ready(Ok(Some(message))),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Polls for the next message or control frame, as [`recv`](Self::recv).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        match ready!(self.poll_next_message(cx)) {
            Some(message) => Poll::Ready(Ok(Some(message))),
            None => Poll::Ready(self.ending.result_without_close()),
        }
    }

    /// Polls until the close frames of both ends are exchanged and the transport is ended; see [`close`](Self::close).
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while ready!(self.poll_next_message(cx)).is_some() {}
        Poll::Ready(self.ending.result_without_close().map(|_| ()))
    }
}

impl<S: fmt::Debug> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("io", &self.io)
            .field("role", &self.role())
            .field("negotiated", &self.negotiated)
            .field("queued", &self.protocol.queued())
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

/// Control frames that one poll for a message passes over before other tasks get a turn.
const CONTROL_BUDGET: u32 = 1024;
