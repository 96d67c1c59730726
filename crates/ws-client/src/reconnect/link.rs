//! The connection that is up, and what goes through it.

use std::task::{Context, Poll};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use ws_core::{CloseFrame, Conn, Error, Message};

use super::{Cause, queue::Queue};

/// A connection with what there is to know beside it.
#[derive(Debug)]
pub(super) struct Link<S> {
    pub(super) conn: Conn<S>,
    pub(super) since: Instant,
    /// Nothing can be sent any more; what the server sent before is still read.
    broken: Option<Error>,
    /// This end has closed.
    closing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(super) fn new(mut conn: Conn<S>) -> Self {
        // They were for setting up: they do not move with what arrives.
        conn.set_read_deadline(None);
        conn.set_write_deadline(None);
        Self { conn, since: Instant::now(), broken: None, closing: false }
    }

    /// Moves messages both ways; gives one that arrived, or why the connection ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, queue: &Queue) -> Poll<Result<Message, Cause>> {
        for _ in 0..ROUNDS {
            let left = self.take(cx, queue);
            // What is queued leaves together with the messages that a caller queues for those that arrived together: the
            // connection flushes before a read waits.
            match self.conn.poll_read_message(cx) {
                Poll::Ready(Ok(Some(message))) => return Poll::Ready(Ok(message)),
                Poll::Ready(Ok(None)) => {
                    let frame = self.conn.closing().received().flatten().cloned();
                    return Poll::Ready(Err(self.cause(Cause::Closed(frame))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.cause(error.into()))),
                Poll::Pending => {}
            }
            let closing = self.conn.closing();
            if closing.sent().is_some() || closing.received().is_some() {
                // Reading sees it through, and knows best how it ends.
                return Poll::Pending;
            }
            if let Some(error) = self.broken.take() {
                return Poll::Ready(Err(self.cause(error.into())));
            }
            match self.conn.poll_flush(cx) {
                // The read has said nothing of it: a transport may fail in one direction alone.
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.cause(error.into()))),
                Poll::Ready(Ok(())) if left => {}
                Poll::Ready(Ok(())) | Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes messages from the queue while the connection has room, and says whether there are more.
    fn take(&mut self, cx: &mut Context<'_>, queue: &Queue) -> bool {
        for _ in 0..BATCH {
            if self.broken.is_some() || queue.len() == 0 {
                return false;
            }
            match self.conn.poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                // The flush says so, too.
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => return true,
            }
            if !self.send_next(queue) {
                return false;
            }
        }
        true
    }

    /// Hands the next message to the connection, unless there is none or it cannot take any.
    fn send_next(&mut self, queue: &Queue) -> bool {
        let Some(waiting) = queue.pop() else { return false };
        match self.conn.start_send(waiting.message.clone()) {
            Ok(()) => {
                queue.release(waiting);
                true
            }
            // Nothing of it was sent.
            Err(error) => {
                queue.put_back(waiting);
                self.broken = Some(error);
                false
            }
        }
    }

    /// Begins the closing handshake behind everything that is queued.
    pub(super) fn close(&mut self, frame: Option<CloseFrame>, queue: &Queue) {
        // Whatever the connection holds already: the queue is bounded, and nothing is added to it any more.
        while self.send_next(queue) {}
        self.closing = true;
        if let Err(error) = self.conn.start_send(Message::Close(frame)) {
            self.broken = Some(error);
        }
    }

    /// Why it ended, if that is the cause otherwise.
    fn cause(&self, otherwise: Cause) -> Cause {
        if self.closing { Cause::CloseRequested } else { otherwise }
    }
}

/// Rounds of sending and reading in one poll before other tasks get a turn.
const ROUNDS: u32 = 32;
/// Messages that are sent before the next read, however fast the transport takes them.
const BATCH: u32 = 256;
