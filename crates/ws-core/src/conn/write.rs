//! Writing: messages into the queue, the queue to the transport.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use super::{Conn, waiters::Waiter};
use crate::{Error, ErrorKind, Message, PreparedMessage, Role, UsageError, keys::Keys};

impl<S: AsyncWrite + Unpin> Conn<S> {
    /// Queues a message or control frame without waiting, whatever the queue holds; poll [`poll_ready`](Self::poll_ready)
    /// first.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    #[inline]
    pub fn start_send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let mut message = Some(message.into());
        if self.queue_alone(&mut message) {
            return Ok(());
        }
        match message {
            Some(message) if !self.send_short(&message) => self.send(message),
            _ => Ok(()),
        }
    }

    /// As [`start_send`](Self::start_send), whatever the message is.
    pub(super) fn send(&mut self, message: Message) -> Result<(), Error> {
        let data = data_len(&message);
        let closes = matches!(message, Message::Close(_));
        self.queue(|conn| conn.0.protocol.send(message))?;
        if let Some(len) = data {
            self.count_sent(len, true);
        }
        if closes {
            self.close_sent();
        }
        Ok(())
    }

    /// Queues a prepared message without waiting, as [`start_send`](Self::start_send).
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.queue(|conn| conn.0.protocol.send_prepared(message))?;
        if let Some(len) = data_len(message.message()) {
            self.count_sent(len, true);
        }
        if matches!(message.message(), Message::Close(_)) {
            self.close_sent();
        }
        Ok(())
    }

    /// Does what every frame needs before it is queued: masking keys, a buffer.
    pub(super) fn queue(
        &mut self,
        send: impl FnOnce(&mut Self) -> Result<(), UsageError>,
    ) -> Result<(), Error> {
        self.check_writable()?;
        if self.role() == Role::Client {
            Keys::ensure().map_err(Error::transport)?;
        }
        self.lend();
        let result = send(self);
        if result.is_err() {
            self.release_write();
        }
        Ok(result?)
    }

    /// Whether there is no buffer to copy frames into.
    #[inline]
    pub(super) fn needs_buffer(&mut self) -> bool {
        self.0.protocol.sender().outbox().needs_buffer()
    }

    /// Makes sure that there is a buffer to copy frames into.
    #[inline]
    pub(super) fn lend(&mut self) {
        if self.needs_buffer() {
            self.lend_buffer();
        }
    }

    #[inline(never)]
    fn lend_buffer(&mut self) {
        if self.0.read.is_empty() && !self.is_lent() {
            // The buffer that came with the connection serves the first read; one who writes first does not need it.
            self.0.read.release(&self.0.settings.pool);
        }
        if !self.0.io.is_write_vectored() {
            // The pieces of a frame would be records or frames of their own in TLS and HTTP/2.
            self.0.protocol.sender().coalesce();
        }
        // As much as was queued before the last flush: a program that queues sixteen messages at a time does it again, and
        // growing to that size step by step would copy them again and again.
        let size = self.0.settings.write_buffer_size().max(self.0.burst as usize);
        self.0.protocol.sender().outbox_mut().lend(self.0.settings.pool.take(size));
    }

    /// The close frame is queued.
    fn close_sent(&mut self) {
        self.0.control.close_sent();
        self.note_closing();
        if self.0.protocol.closing().received().is_some() {
            // A handler had left the answer to the application, and this was it.
            self.begin_closed();
        }
        // From here on the reader bounds the wait for the peer's close frame.
        self.0.waiters.wake_reader();
    }

    /// Queues what was asked for through a `Control`.
    pub(super) fn take_requests(&mut self) {
        while let Some(message) = self.0.control.take(self.has_room()) {
            // After a close frame there is nothing to send, and nobody to tell.
            let _ = self.start_send(message);
        }
        if self.0.protocol.closing().sent().is_some() {
            self.0.control.close_sent();
        }
    }

    /// Polls until the queue is below its high-water mark.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.has_room() {
            return Poll::Ready(self.check_writable().and_then(|()| self.check_write_deadline()));
        }
        match self.poll_flush(cx) {
            Poll::Pending if self.has_room() => Poll::Ready(Ok(())),
            other => other,
        }
    }

    /// Polls until everything that is queued is handed to the transport; see [`flush`](Self::flush).
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // What was queued when the connection was lost is lost: that must not look like success.
        loop {
            self.check_writable()?;
            self.check_write_deadline()?;
            self.take_requests();
            match self.poll_write_out(cx, Waiter::Writer) {
                // What was asked for while the queue was full. It has woken this task, and there may be no other.
                Poll::Ready(Ok(())) if self.0.control.is_pending() => {}
                Poll::Ready(result) => return Poll::Ready(result),
                Poll::Pending => {
                    // Behind a close frame the queue has the close timeout, with or without a reader.
                    let closes = self.0.protocol.closing().sent().is_some() && !self.0.ending.is_over();
                    if closes && self.is_close_overdue() {
                        self.give_up_closing();
                    } else if self.poll_write_parked(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Writes until nothing waits, then flushes the transport.
    #[inline(always)]
    pub(super) fn poll_write_out(&mut self, cx: &mut Context<'_>, by: Waiter) -> Poll<Result<(), Error>> {
        if self.0.broken.is_none() && !self.0.protocol.wants_write() && !self.0.unflushed {
            self.0.waiters.written(by);
            return Poll::Ready(Ok(()));
        }
        self.poll_write_queue(cx, by)
    }

    /// As [`poll_write_out`](Self::poll_write_out), of what there is.
    #[inline(never)]
    fn poll_write_queue(&mut self, cx: &mut Context<'_>, by: Waiter) -> Poll<Result<(), Error>> {
        if let Some(kind) = self.0.broken {
            return Poll::Ready(Err(Error::transport(kind.into())));
        }
        let queued = self.0.protocol.queued();
        self.0.burst = self.0.protocol.sender().outbox().buffered().min(MOST) as u32;
        let mut result = self.poll_write_all(cx);
        if result.is_pending() {
            if let Some(both) = self.0.waiters.both(by, cx.waker()) {
                result = self.poll_write_all(&mut Context::from_waker(&both));
            }
        }
        let left = self.0.protocol.queued();
        if left < queued {
            self.queue_moved(left == 0);
        }
        let Poll::Ready(result) = result else {
            self.0.waiters.flush_waits(by, cx.waker());
            return Poll::Pending;
        };
        self.0.waiters.written(by);
        self.release_write();
        Poll::Ready(result.map_err(|error| self.write_failed(error)))
    }

    /// Nothing can be written any more: what was queued could never arrive in order.
    #[cold]
    pub(super) fn write_failed(&mut self, error: io::Error) -> Error {
        self.0.broken = Some(error.kind());
        self.0.stats.note_broken(error.kind());
        self.0.protocol.sender().stop();
        self.release_write();
        Error::transport(error)
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.role() == Role::Client {
            Keys::ensure()?;
        }
        if let Some(held) = self.0.protocol.sender().outbox_mut().take_held() {
            ready!(self.poll_write_held(cx, &held))?;
        }
        while self.0.protocol.wants_write() {
            let outbox = self.0.protocol.outbox();
            let io = Pin::new(&mut *self.0.io);
            let written = if outbox.is_fragmented() && io.is_write_vectored() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let filled = outbox.chunks_vectored(&mut slices);
                io.poll_write_vectored(cx, &slices[..filled])
            } else {
                io.poll_write(cx, outbox.chunk())
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => {
                    outbox.advance(count);
                    self.0.stats.count_written(count);
                }
            }
            self.0.unflushed = true;
        }
        if self.0.unflushed {
            ready!(Pin::new(&mut *self.0.io).poll_flush(cx))?;
            self.0.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn check_writable(&self) -> Result<(), Error> {
        if let Some(kind) = self.0.broken {
            return Err(Error::transport(kind.into()));
        }
        if self.0.ending.is_lost() {
            return Err(Error::new(ErrorKind::ConnectionLost));
        }
        Ok(())
    }
}

impl<S> Conn<S> {
    /// Whether the queue is below its high-water mark.
    pub(super) fn has_room(&self) -> bool {
        self.0.protocol.queued() < self.0.settings.high_water_mark()
    }

    /// Gives the write buffer back if nothing waits in it.
    pub(super) fn release_write(&mut self) {
        if let Some(buffer) = self.0.protocol.sender().outbox_mut().reclaim() {
            self.0.settings.pool.put(buffer);
        }
    }
}

/// The size of a data message.
fn data_len(message: &Message) -> Option<usize> {
    match message {
        Message::Text(text) => Some(text.len()),
        Message::Binary(data) => Some(data.len()),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    }
}

/// Queued bytes that room is made for at once.
pub(super) const MOST: usize = 64 << 10;
/// Pieces of one vectored write: headers and payloads of a dozen large messages.
const SLICES: usize = 32;
