//! Writing: messages into the queue, the queue to the transport.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use super::{Conn, keys::Keys, waiters::Waiter};
use crate::{Error, ErrorKind, Message, Role};

impl<S: AsyncWrite + Unpin> Conn<S> {
    /// Queues a message or control frame without waiting, whatever the queue holds; poll [`poll_ready`](Self::poll_ready)
    /// first.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.check_writable()?;
        if self.role() == Role::Client {
            Keys::ensure().map_err(Error::transport)?;
        }
        if self.read.is_empty() {
            // The buffer that came with the connection serves the first read; one who writes first does not need it.
            self.read.release(&self.settings.pool);
        }
        if !self.io.is_write_vectored() {
            // The pieces of a frame would be records or frames of their own in TLS and HTTP/2.
            self.protocol.sender().coalesce();
        }
        let outbox = self.protocol.sender().outbox_mut();
        if outbox.needs_buffer() {
            outbox.lend(self.settings.pool.take(self.settings.write_buffer_size));
        }
        let message = message.into();
        let closes = matches!(message, Message::Close(_));
        let result = self.protocol.send(message);
        if result.is_err() {
            self.release_write();
        } else if closes {
            // From here on the reader bounds the wait for the peer's close frame.
            self.waiters.wake_reader();
        }
        Ok(result?)
    }

    /// Polls until the queue is below its high-water mark.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let room = |conn: &Self| conn.protocol.queued() < conn.settings.high_water_mark;
        if room(self) {
            return Poll::Ready(self.check_writable());
        }
        match self.poll_flush(cx) {
            Poll::Pending if room(self) => Poll::Ready(Ok(())),
            other => other,
        }
    }

    /// Polls until everything that is queued is handed to the transport; see [`flush`](Self::flush).
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // What was queued when the connection was lost is lost: that must not look like success.
        self.check_writable()?;
        self.poll_write_out(cx, Waiter::Writer)
    }

    /// Writes until nothing waits, then flushes the transport.
    pub(super) fn poll_write_out(&mut self, cx: &mut Context<'_>, by: Waiter) -> Poll<Result<(), Error>> {
        if let Some(kind) = self.broken {
            return Poll::Ready(Err(Error::transport(kind.into())));
        }
        let mut result = self.poll_write_all(cx);
        if result.is_pending() {
            if let Some(both) = self.waiters.both(by, cx.waker()) {
                result = self.poll_write_all(&mut Context::from_waker(&both));
            }
        }
        let Poll::Ready(result) = result else {
            self.waiters.flush_waits(by, cx.waker());
            return Poll::Pending;
        };
        self.waiters.written(by);
        self.release_write();
        Poll::Ready(result.map_err(|error| {
            // What was queued can never arrive in order any more.
            self.broken = Some(error.kind());
            self.protocol.sender().stop();
            self.release_write();
            Error::transport(error)
        }))
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.role() == Role::Client {
            Keys::ensure()?;
        }
        while self.protocol.wants_write() {
            let outbox = self.protocol.outbox();
            let io = Pin::new(&mut self.io);
            let written = if outbox.is_fragmented() && io.is_write_vectored() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let filled = outbox.chunks_vectored(&mut slices);
                io.poll_write_vectored(cx, &slices[..filled])
            } else {
                io.poll_write(cx, outbox.chunk())
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => outbox.advance(count),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn check_writable(&self) -> Result<(), Error> {
        if let Some(kind) = self.broken {
            return Err(Error::transport(kind.into()));
        }
        if self.ending.is_lost() {
            return Err(Error::new(ErrorKind::ConnectionLost));
        }
        Ok(())
    }
}

impl<S> Conn<S> {
    /// Gives the write buffer back if nothing waits in it.
    pub(super) fn release_write(&mut self) {
        if let Some(buffer) = self.protocol.sender().outbox_mut().reclaim() {
            self.settings.pool.put(buffer);
        }
    }
}

/// Pieces of one vectored write: headers and payloads of a dozen large messages.
const SLICES: usize = 32;
