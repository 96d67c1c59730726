//! Two halves: one reads, the other writes, in tasks of their own.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Conn, Control, JoinedMessages, MessageReader, MessageWriter, Reply, Stats, via::Via, waiters::Waiter,
};
use crate::{
    CloseFrame, Error, Message, MessageKind, PreparedMessage, ProtocolError, Role, Utf8Bytes, proto::Closing,
};

/// The connection below both halves.
///
/// The lock is held for single polls, which never wait; so the halves take turns like two calls of one task would.
#[derive(Debug)]
pub(super) struct Joint<S>(Arc<Mutex<Conn<S>>>);

impl<S> Joint<S> {
    /// Only a handler of the application can panic below the lock; the connection is whole then.
    pub(super) fn lock(&self) -> MutexGuard<'_, Conn<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for Joint<S> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.lock().half_panicked();
        }
    }
}

/// The half of a connection that reads; [`Conn::into_split`] gives it.
///
/// Its methods are named as those of [`Conn`]. As there, pings are answered and the closing handshake goes on while it reads, and
/// what the other half has queued is flushed when a read is about to wait.
///
/// The transport is dropped when both halves are.
#[derive(Debug)]
pub struct ReadHalf<S>(Joint<S>);

/// The half of a connection that writes; [`Conn::into_split`] gives it.
///
/// Its methods are named as those of [`Conn`]. While it waits for the peer to read, the other half goes on, and while the other
/// waits, this one does. What is queued here goes out by [`flush`](Self::flush), or by a read of the other half.
///
/// The transport is dropped when both halves are.
#[derive(Debug)]
pub struct WriteHalf<S>(Joint<S>);

/// The halves were of different connections. Here they are back.
#[expect(clippy::exhaustive_structs, reason = "there are two halves")]
pub struct ReuniteError<S>(pub ReadHalf<S>, pub WriteHalf<S>);

impl<S> Conn<S> {
    /// Splits the connection in two halves that work at the same time, in different tasks or in one. They share the
    /// connection under a lock that is held for single polls; [`ReadHalf::reunite`] undoes it.
    ///
    /// Whoever owns the connection as a whole does not need this to write while a read waits: reads are cancel safe, so
    /// `tokio::select!` does. [`control`](Self::control) sends control frames beside either.
    ///
    /// ```
    /// # async fn echo(
    /// #     conn: ws_core::Conn<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>,
    /// # ) -> std::io::Result<()> {
    /// let (mut read, mut write) = conn.into_split();
    /// while let Some(mut message) = read.next_reader().await? {
    ///     let mut reply = write.next_writer(message.kind()).await?;
    ///     tokio::io::copy(&mut message, &mut reply).await?;
    ///     reply.finish().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<S>, WriteHalf<S>) {
        let conn = Arc::new(Mutex::new(self));
        (ReadHalf(Joint(conn.clone())), WriteHalf(Joint(conn)))
    }
}

impl<S> ReadHalf<S> {
    #[cfg(any(feature = "json", feature = "stream"))]
    pub(super) fn joint(&self) -> &Joint<S> {
        &self.0
    }

    /// Makes one connection of the two halves again. Nothing that was queued or received is lost.
    ///
    /// # Errors
    /// Gives both halves back when they are of different connections.
    pub fn reunite(self, write: WriteHalf<S>) -> Result<Conn<S>, ReuniteError<S>> {
        if !Arc::ptr_eq(&self.0.0, &write.0.0) {
            return Err(ReuniteError(self, write));
        }
        let conn = self.0.0.clone();
        drop((self, write));
        match Arc::try_unwrap(conn) {
            Ok(conn) => Ok(conn.into_inner().unwrap_or_else(PoisonError::into_inner)),
            // There are never more than the two.
            Err(conn) => Err(ReuniteError(Self(Joint(conn.clone())), WriteHalf(Joint(conn)))),
        }
    }

    /// Whether the other half is of the same connection.
    #[must_use]
    pub fn is_pair_of(&self, write: &WriteHalf<S>) -> bool {
        Arc::ptr_eq(&self.0.0, &write.0.0)
    }

    /// Sends control frames from anywhere; see [`Conn::control`].
    #[must_use]
    pub fn control(&self) -> Control {
        self.0.lock().control()
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.lock().role()
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<Utf8Bytes> {
        self.0.lock().0.subprotocol.as_deref().cloned()
    }

    /// The close frames of both ends so far, and their order.
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.0.lock().closing().clone()
    }

    /// Counts what the connection carries from now on; see [`Conn::stats`].
    #[must_use]
    pub fn stats(&mut self) -> Stats {
        self.0.lock().stats()
    }

    /// The round trip of the last ping that was measured; see [`Conn::round_trip_time`].
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.0.lock().round_trip_time()
    }

    /// See [`Conn::set_ping_handler`]. The handler must not use the halves; a [`Control`] it may.
    pub fn set_ping_handler(&mut self, handler: impl FnMut(&Bytes) -> Reply + Send + 'static) {
        self.0.lock().set_ping_handler(handler);
    }

    /// See [`Conn::set_pong_handler`]. The handler must not use the halves; a [`Control`] it may.
    pub fn set_pong_handler(&mut self, handler: impl FnMut(&Bytes) + Send + 'static) {
        self.0.lock().set_pong_handler(handler);
    }

    /// See [`Conn::set_close_handler`]. The handler must not use the halves; a [`Control`] it may.
    pub fn set_close_handler(&mut self, handler: impl FnMut(Option<&CloseFrame>) -> Reply + Send + 'static) {
        self.0.lock().set_close_handler(handler);
    }

    /// Until when reads may wait; see [`Conn::set_read_deadline`].
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.0.lock().set_read_deadline(deadline);
    }

    /// Changes the largest message that is accepted; see [`Conn::set_max_message_size`].
    pub fn set_max_message_size(&mut self, limit: impl Into<Option<u64>>) {
        self.0.lock().set_max_message_size(limit);
    }

    /// Reads the messages from here on as one byte stream; see [`Conn::join_messages`].
    pub fn join_messages(&mut self, terminator: impl Into<Bytes>) -> JoinedMessages<'_, S> {
        JoinedMessages::new(Via::Half(&self.0), terminator.into())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadHalf<S> {
    /// Reads the next data message; see [`Conn::read_message`].
    ///
    /// # Errors
    /// As [`Conn::read_message`].
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn read_message(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_read_message(cx)).await
    }

    /// Reads the next message or control frame; see [`Conn::recv`].
    ///
    /// # Errors
    /// As [`Conn::recv`].
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.0.lock().poll_recv(cx)).await
    }

    /// Reads the next data message as a byte stream; see [`Conn::next_reader`].
    ///
    /// # Errors
    /// As [`Conn::read_message`].
    ///
    /// # Cancel safety
    /// Safe: nothing of the message is lost.
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        let kind = poll_fn(|cx| self.0.lock().poll_next_kind(cx)).await?;
        Ok(kind.map(|kind| MessageReader::new(Via::Half(&self.0), kind)))
    }

    /// Drives the connection for a program that only writes: answers pings, sees the pongs of [`Control::ping`], runs
    /// keep-alive and the closing handshake, until the connection ends. A data message fails it with 1008.
    ///
    /// Spawn it, or join it with what writes; [`Control::closed`] tells other tasks of the end.
    ///
    /// ```
    /// # async fn ticker(
    /// #     conn: ws_core::Conn<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>,
    /// # ) -> Result<(), ws_core::Error> {
    /// let (read, mut write) = conn.into_split();
    /// let ticks = async {
    ///     loop {
    ///         write.write_message("tick").await?;
    ///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///     }
    /// };
    /// tokio::select! {
    ///     ended = read.close_read() => ended,
    ///     failed = ticks => failed,
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) with [`ProtocolError::UnexpectedMessage`] for a data message, and
    /// those of [`Conn::read_message`].
    ///
    /// # Cancel safety
    /// Dropping the future drops this half: nobody reads any more then. Spawn it, or join it, for as long as the connection
    /// lives.
    pub async fn close_read(self) -> Result<(), Error> {
        let message = poll_fn(|cx| self.0.lock().poll_next_kind(cx)).await?;
        if message.is_none() {
            return Ok(());
        }
        let refused = ProtocolError::UnexpectedMessage.into();
        Err(poll_fn(|cx| self.0.lock().poll_fail(cx, refused)).await)
    }

    /// Polls for the next data message, as [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// As [`Conn::read_message`].
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.0.lock().poll_read_message(cx)
    }
}

impl<S> WriteHalf<S> {
    #[cfg(any(feature = "deflate", feature = "stream"))]
    pub(super) fn joint(&self) -> &Joint<S> {
        &self.0
    }

    /// Sends control frames from anywhere; see [`Conn::control`].
    #[must_use]
    pub fn control(&self) -> Control {
        self.0.lock().control()
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.lock().role()
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<Utf8Bytes> {
        self.0.lock().0.subprotocol.as_deref().cloned()
    }

    /// The close frames of both ends so far, and their order.
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.0.lock().closing().clone()
    }

    /// Counts what the connection carries from now on; see [`Conn::stats`].
    #[must_use]
    pub fn stats(&mut self) -> Stats {
        self.0.lock().stats()
    }

    /// Until when writes may wait; see [`Conn::set_write_deadline`].
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.0.lock().set_write_deadline(deadline);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WriteHalf<S> {
    /// Sends a message or control frame; see [`Conn::write_message`].
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_message(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let mut message = Some(message.into());
        poll_fn(|cx| self.0.lock().poll_write_message(cx, &mut message)).await
    }

    /// Queues a message or control frame; see [`Conn::queue_message`]. A read of the other half that waits sends it.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_message(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.queue(|conn| conn.start_send(message)).await
    }

    /// Queues by the connection, and wakes a read that waits, which sends it.
    pub(super) async fn queue(
        &mut self,
        start_send: impl FnOnce(&mut Conn<S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        let mut conn = self.0.lock();
        start_send(&mut conn)?;
        conn.0.waiters.queued();
        Ok(())
    }

    /// Sends a message that was encoded before; see [`Conn::write_prepared`].
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.0.lock().start_send_prepared(message)?;
        self.flush().await
    }

    /// Queues a message that was encoded before; see [`Conn::queue_prepared`].
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        let mut conn = self.0.lock();
        conn.start_send_prepared(message)?;
        conn.0.waiters.queued();
        Ok(())
    }

    /// Writes a data message as a byte stream; see [`Conn::next_writer`].
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: no message is begun.
    pub async fn next_writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, S>, Error> {
        poll_fn(|cx| self.0.lock().poll_begin(cx, kind)).await?;
        Ok(MessageWriter::new(Via::Half(&self.0), kind))
    }

    /// Hands everything that is queued to the transport; see [`Conn::flush`].
    ///
    /// # Errors
    /// As [`Conn::flush`].
    ///
    /// # Cancel safety
    /// Safe: what is not written stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Ends the connection with the closing handshake; see [`Conn::close`]. Both halves may drive it: the other one may
    /// read at the same time, or be dropped.
    ///
    /// # Errors
    /// As [`Conn::close`].
    ///
    /// # Cancel safety
    /// Safe: the close frame is queued once, and a later call to this or to a read goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.0.lock().begin_close(frame.into())?;
        poll_fn(|cx| self.0.lock().poll_end(cx, Waiter::Writer)).await
    }

    /// Polls until the queue is below its high-water mark; see [`Conn::poll_ready`].
    ///
    /// # Errors
    /// As [`Conn::flush`].
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.lock().poll_ready(cx)
    }

    /// Queues a message without waiting; see [`Conn::start_send`]. A read of the other half that waits already does not send
    /// it, as it does what [`queue_message`](Self::queue_message) has queued: flush.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    pub fn start_send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.0.lock().start_send(message)
    }

    /// Polls until everything that is queued is handed to the transport; see [`Conn::poll_flush`].
    ///
    /// # Errors
    /// As [`Conn::flush`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.lock().poll_flush(cx)
    }
}

impl<S> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReuniteError")
    }
}

impl<S> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of different connections")
    }
}

impl<S> std::error::Error for ReuniteError<S> {}
