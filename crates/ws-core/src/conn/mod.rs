//! The async connection: a [`Protocol`](crate::proto::Protocol) driven over tokio's I/O traits.

mod assembly;
mod borrowed;
mod buffer;
mod byte_stream;
mod clock;
#[cfg(feature = "deflate")]
mod compression;
mod control;
mod ending;
mod farewell;
#[cfg(feature = "futures-io")]
mod futures_io;
mod handler;
mod join;
#[cfg(feature = "json")]
mod json;
mod outgoing;
mod parse;
mod parts;
mod read;
mod reader;
mod shared;
mod short;
mod split;
mod stats;
mod step;
#[cfg(feature = "stream")]
mod stream;
mod timers;
mod turn;
mod via;
mod waiters;
mod write;
mod writer;

use std::{
    borrow::Borrow,
    fmt,
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use self::{
    assembly::Assembly,
    buffer::ReadBuffer,
    control::ControlSlot,
    ending::Ending,
    farewell::{Farewell, Io},
    handler::Handlers,
    outgoing::Outgoing,
    stats::StatsSlot,
    step::{Incoming, Step, Want},
    timers::Timers,
    turn::Turn,
    waiters::{Waiter, Waiters},
};
pub use self::{
    borrowed::MessageRef,
    byte_stream::ByteStream,
    control::Control,
    handler::Reply,
    join::JoinedMessages,
    parts::Parts,
    reader::MessageReader,
    split::{ReadHalf, ReuniteError, WriteHalf},
    stats::{End, Stats, Traffic},
    writer::MessageWriter,
};
#[cfg(feature = "deflate")]
use crate::NegotiatedDeflate;
use crate::{
    CloseFrame, Config, Error, ErrorKind, Message, Negotiated, PreparedMessage, Role, Utf8Bytes, Violation,
    config::Settings,
    keys::Keys,
    proto::{Closing, Protocol},
};

/// A WebSocket connection over any byte stream.
///
/// Reading and writing are both driven by the calls on this type; there is no task behind it. **Somebody has to read**:
/// pings are answered, close frames echoed and pings of keep-alive sent while a read waits. Queued messages go out on
/// [`flush`](Self::flush), **and whenever a read is about to wait**, so a loop that reads and queues writes once per batch
/// of messages that arrived together.
///
/// Messages may be read in any way, one by one as it suits: [`read_message`](Self::read_message),
/// [`read_borrowed`](Self::read_borrowed), [`next_reader`](Self::next_reader). [`into_split`](Self::into_split) makes a half
/// that reads and a half that writes, [`control`](Self::control) a handle that pings and closes from anywhere.
///
/// A connection that waits holds no buffers: it borrows them from the [`BufferPool`](crate::BufferPool) of its
/// [`Config`] while bytes are in flight.
///
/// Dropping a connection drops its transport without a closing handshake; the peer sees 1006. End it with
/// [`close`](Self::close). [`close_on_panic`](Self::close_on_panic) tells the peer when a panic drops it.
///
/// The closing handshake is bounded by [`Config::close_timeout`] with tokio's timer, which must be enabled in the runtime.
/// Deadlines, keep-alive and [`Config::message_timeout`] use it, too; there is one timer at the most, and none before
/// something has to be timed.
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
// Boxed because a task has room for it as often as it is moved: the argument of an `async fn` and the variable that takes it
// over are two places. Inline, the task of an echo had 1,664 bytes.
pub struct Conn<S>(Box<State<S>>);

struct State<S> {
    /// First, and so dropped before the transport: whoever sees that go can ask how the connection ended.
    stats: StatsSlot,
    io: Io<S>,
    protocol: Protocol<Keys>,
    read: ReadBuffer,
    /// The data of a message that did not arrive in one piece.
    message: Assembly,
    /// Bytes at the end of `message` that were read straight to it and are not parsed.
    direct: usize,
    incoming: Incoming,
    outgoing: Option<Box<Outgoing>>,
    /// Bytes that were copied to the queue when it was last written.
    burst: u32,
    turn: Turn,
    /// Bytes were written that the transport may still hold back.
    unflushed: bool,
    /// Queued bytes have waited through one read already.
    stale: bool,
    /// Writing failed; nothing can be sent any more.
    broken: Option<io::ErrorKind>,
    ending: Ending,
    waiters: Waiters,
    timers: Option<Box<Timers>>,
    handlers: Option<Box<Handlers>>,
    control: ControlSlot,
    farewell: Option<Farewell<S>>,
    #[cfg(feature = "stream")]
    stream_ended: bool,
    settings: Settings,
    /// Boxed: most connections have none.
    subprotocol: Option<Box<Utf8Bytes>>,
    #[cfg(feature = "deflate")]
    deflate: Option<NegotiatedDeflate>,
}

/// The protocol with the extensions that were negotiated.
fn protocol(role: Role, config: &Config, negotiated: &Negotiated) -> Protocol<Keys> {
    let protocol = Protocol::new(role, config, Keys);
    #[cfg(feature = "deflate")]
    if let Some(deflate) = negotiated.deflate {
        return protocol.with_deflate(deflate, config.deflate());
    }
    let _ = negotiated;
    protocol
}

impl<S> Conn<S> {
    /// Takes over a transport whose opening handshake is done. Connections that are alike may borrow one configuration.
    /// Its type is to be told: `Config::default()`, not `Default::default()`.
    #[must_use]
    pub fn new(io: S, role: Role, config: impl Borrow<Config>, negotiated: Negotiated) -> Self {
        Self::with_read_buf(io, role, config, negotiated, BytesMut::new())
    }

    /// Takes over a transport together with what was read behind the opening handshake: the peer's first frames.
    ///
    /// An empty buffer that has capacity becomes the first read buffer.
    #[must_use]
    pub fn with_read_buf(
        io: S,
        role: Role,
        config: impl Borrow<Config>,
        negotiated: Negotiated,
        read_buf: BytesMut,
    ) -> Self {
        let config = config.borrow();
        let timers = config.timing().map(|timing| Box::new(Timers::new(timing)));
        Self(Box::new(State {
            stats: StatsSlot::default(),
            io: Io::new(io),
            protocol: protocol(role, config, &negotiated),
            read: ReadBuffer::new(read_buf),
            message: Assembly::default(),
            direct: 0,
            incoming: Incoming::None,
            outgoing: None,
            burst: 0,
            turn: Turn::new(),
            unflushed: false,
            stale: false,
            broken: None,
            ending: Ending::default(),
            waiters: Waiters::default(),
            timers,
            handlers: None,
            control: ControlSlot::default(),
            farewell: None,
            #[cfg(feature = "stream")]
            stream_ended: false,
            settings: config.settings(),
            #[cfg(feature = "deflate")]
            deflate: negotiated.deflate,
            subprotocol: negotiated.subprotocol.map(Box::new),
        }))
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.protocol.role()
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.0.subprotocol.as_ref().map(|name| name.as_str())
    }

    /// What the opening handshake agreed on.
    fn negotiated(&self) -> Negotiated {
        Negotiated {
            subprotocol: self.0.subprotocol.as_deref().cloned(),
            #[cfg(feature = "deflate")]
            deflate: self.0.deflate,
        }
    }

    /// The close frames of both ends so far, and their order.
    #[must_use]
    pub fn closing(&self) -> &Closing {
        self.0.protocol.closing()
    }

    /// Sends control frames from anywhere: another task, a registry, a handler. See [`Control`].
    #[must_use]
    pub fn control(&self) -> Control {
        let shared = self.0.control.shared(&self.0.waiters);
        if self.0.ending.is_over() {
            shared.end();
        } else if self.closing().sent().is_some() {
            shared.close_sent();
        }
        Control::new(shared.clone())
    }

    /// The round trip of the last ping of [`Control::ping`] or of keep-alive that was answered.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.0.control.get().and_then(|shared| shared.round_trip())
    }

    /// Until when reads may wait; `None` for as long as it takes, the default.
    ///
    /// From then on, a read that finds nothing in what was received already fails with
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut), for which [`Error::is_timeout`] is true. Nothing is lost and
    /// nothing is broken by that: with a later deadline, or none, reading goes on where it was. [`close`](Self::close) is not
    /// bound by it but by the close timeout.
    ///
    /// The deadline holds for every read until it is set anew; it does not move with what arrives.
    ///
    /// For a timeout of one call, drop its future: `tokio::time::timeout(limit, conn.read_message())`.
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.set_deadline(deadline.into(), |timers, deadline| timers.read = deadline);
    }

    /// Until when writes may wait; `None` for as long as it takes, the default.
    ///
    /// From then on, writes and flushes fail with [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut). A message that was
    /// queued by then stays queued, whole, and goes out with a later flush or read; one that was not queued is not sent.
    /// What reads answer and flush is not bound by the deadline, nor is [`close`](Self::close).
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.set_deadline(deadline.into(), |timers, deadline| timers.write = deadline);
    }

    /// Changes the largest message that is accepted, in bytes; `None` for any size. See [`Config::max_message_size`].
    ///
    /// It holds for every frame that is announced from now on: raise it once a peer has proved who it is. The limits on frames
    /// and fragments follow it unless they were set.
    pub fn set_max_message_size(&mut self, limit: impl Into<Option<u64>>) {
        self.0.protocol.set_max_message_size(limit.into());
    }

    /// The transport.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.0.io
    }

    /// The transport. Reading from it or writing to it breaks the connection; setting its options does not.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.0.io
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the next data message.
    ///
    /// `None` is a normal end: the closing handshake was done with 1000, 1001 or no code (RFC 6455, 7.4.1). Pings and pongs
    /// are handled on the way. Messages that are queued are flushed before this waits.
    ///
    /// When the peer breaks a rule or exceeds a limit, the close frame that says so is sent and the transport is shut
    /// down before this returns, in the close timeout at the longest.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) for any other close code,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) without a closing handshake,
    /// [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) and [`ErrorKind::TooBig`](crate::ErrorKind::TooBig) for what
    /// the peer did wrong, [`ErrorKind::OutOfBudget`](crate::ErrorKind::OutOfBudget) if an
    /// [`InboundBudget`](crate::InboundBudget) is spent, [`ErrorKind::Io`](crate::ErrorKind::Io) for other failures of the
    /// transport. Every further call gives the same.
    ///
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when the [read deadline](Self::set_read_deadline) has passed;
    /// this ends nothing.
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub fn read_message(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        poll_fn(|cx| self.poll_read_message(cx))
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
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when the [write deadline](Self::set_write_deadline) has passed,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) or [`ErrorKind::Io`](crate::ErrorKind::Io) when
    /// the transport fails. That the call succeeds does not mean that the peer has got the message.
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub fn write_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| self.poll_write_message(cx, &mut message))
    }

    /// Sends a message that was encoded before; as [`write_message`](Self::write_message).
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.queue_prepared(message).await?;
        self.flush().await
    }

    /// Queues a message that was encoded before; as [`queue_message`](Self::queue_message).
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.start_send_prepared(message)
    }

    /// Queues a message or control frame. Waits only while the queue is above its high-water mark
    /// ([`Config::high_water_mark`], 64 KiB unless set).
    ///
    /// The queue is sent by [`flush`](Self::flush), and by any read that is about to wait.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub fn queue_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| self.poll_queue(cx, &mut message))
    }

    /// Hands everything that is queued to the transport.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when the write deadline has passed,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) or [`ErrorKind::Io`](crate::ErrorKind::Io) when
    /// the transport fails.
    ///
    /// # Cancel safety
    /// Safe: what is not written stays queued.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        poll_fn(|cx| self.poll_flush(cx))
    }

    /// Ends the connection with the closing handshake (RFC 6455, 7.1.2): sends what is queued and a close frame, waits for
    /// the peer's, and ends the transport. Data that still arrives is dropped.
    ///
    /// All of this takes the close timeout at the longest ([`Config::close_timeout`], 5 seconds unless set), whatever the
    /// deadlines are. After the peer has closed, there is nothing left to do.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the close frame must not be sent as it is,
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) when the peer does not answer in time or the
    /// transport ends without its answer, and the other errors of [`read_message`](Self::read_message) but
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) and [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut).
    ///
    /// # Cancel safety
    /// Safe: the close frame is queued once, and a later call to this or to a read goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.begin_close(frame.into())?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Sends a message, whole or not at all: it is taken once it is queued or written.
    #[inline]
    fn poll_write_message(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), Error>> {
        if let Some(written) = self.poll_write_short(cx, message) {
            return written;
        }
        if message.is_some() {
            ready!(self.poll_queue(cx, message))?;
        }
        self.poll_flush(cx)
    }

    /// Queues a message once there is room.
    #[inline]
    fn poll_queue(&mut self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        if self.needs_buffer() {
            return self.poll_queue_first(cx, message);
        }
        if let Some(Message::Text(text)) = message {
            if text.is_inline() && self.queue_inline(text) {
                #[expect(
                    clippy::mem_forget,
                    reason = "there is nothing to free, and finding that out takes a while"
                )]
                std::mem::forget(message.take());
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_queue_short(cx, message)
    }

    /// As [`poll_queue`](Self::poll_queue), of the first message after a while, and often the only one.
    #[inline(never)]
    fn poll_queue_first(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), Error>> {
        if self.queue_alone(message) {
            return Poll::Ready(Ok(()));
        }
        self.poll_queue_short(cx, message)
    }

    #[inline(never)]
    fn poll_queue_short(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), Error>> {
        if message.as_ref().is_some_and(|message| self.queue_short(message)) {
            *message = None;
            return Poll::Ready(Ok(()));
        }
        self.poll_queue_any(cx, message)
    }

    /// As [`poll_queue`](Self::poll_queue), whatever the message is.
    #[inline(never)]
    fn poll_queue_any(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_ready(cx))?;
        // Short ways were tried.
        Poll::Ready(message.take().map_or(Ok(()), |message| self.send(message)))
    }

    /// Polls for the next data message, as [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    #[inline]
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_short(cx, Self::poll_read_any)
    }

    /// As [`poll_read_message`](Self::poll_read_message), whatever the message is.
    #[inline(never)]
    fn poll_read_any(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let piece = ready!(self.poll_whole(cx))?;
        Poll::Ready(Ok(piece.map(|piece| self.take_message(piece))))
    }

    /// Polls for the next message or control frame, as [`recv`](Self::recv).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_short(cx, Self::poll_recv_any)
    }

    /// As [`poll_recv`](Self::poll_recv), whatever there is.
    #[inline(never)]
    fn poll_recv_any(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.leave_message();
        Poll::Ready(match ready!(self.poll_step(cx, Waiter::Reader, &mut Want::Message)) {
            Some(Step::Data(piece)) => Ok(Some(self.take_message(piece))),
            Some(Step::Control(message)) => Ok(Some(message)),
            Some(Step::TimedOut) => Err(Error::new(ErrorKind::TimedOut)),
            None => self.0.ending.result_without_close(),
        })
    }

    /// Polls until the close frames of both ends are exchanged and the transport is ended; see [`close`](Self::close).
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_end(cx, Waiter::Reader)
    }

    /// Polls until the connection has ended. Data that still arrives is dropped.
    fn poll_end(&mut self, cx: &mut Context<'_>, by: Waiter) -> Poll<Result<(), Error>> {
        self.drop_message(by);
        while ready!(self.poll_step(cx, by, &mut Want::End)).is_some() {
            self.drop_message(by);
        }
        Poll::Ready(self.0.ending.result_without_close().map(|_| ()))
    }

    /// Begins the closing handshake, unless the connection is closing or over.
    fn begin_close(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        // A close frame that was asked for before is the first.
        self.take_requests();
        if !self.0.ending.is_begun() && self.closing().sent().is_none() {
            self.start_send(Message::Close(frame))?;
        }
        Ok(())
    }

    /// Fails the connection for a reason other than its bytes, and drives it to its end.
    fn poll_fail(&mut self, cx: &mut Context<'_>, violation: Violation) -> Poll<Error> {
        if !self.0.ending.is_begun() {
            self.fail(violation);
        }
        let ended = ready!(self.poll_end(cx, Waiter::Reader));
        Poll::Ready(ended.err().unwrap_or_else(|| violation.into()))
    }
}

impl<S: fmt::Debug> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("io", &self.0.io)
            .field("role", &self.role())
            .field("negotiated", &self.negotiated())
            .field("queued", &self.0.protocol.queued())
            .field("ending", &self.0.ending)
            .finish_non_exhaustive()
    }
}

/// Bytes left in a frame from which on they are read in place; below, the read buffer takes what follows along.
const DIRECT: u64 = 2048;
