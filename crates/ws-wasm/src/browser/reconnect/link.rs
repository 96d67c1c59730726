//! The connection that is up, and what goes through it.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use ws_core::{CloseFrame, Error, Message};

use super::{Cause, queue::Queue};
use crate::browser::{BrowserSocket, Instant, Socket};

/// A connection with what there is to know beside it.
#[derive(Debug)]
pub(super) struct Link<B: BrowserSocket> {
    pub(super) socket: Socket<B>,
    pub(super) since: Instant,
    idle_timeout: Option<Duration>,
    /// This end has closed.
    closing: bool,
    /// Nothing can be sent any more, and reading does not say so.
    broken: Option<Error>,
}

impl<B: BrowserSocket> Link<B> {
    pub(super) fn new(mut socket: Socket<B>, idle_timeout: Option<Duration>) -> Self {
        // It was for setting up.
        socket.set_write_deadline(None);
        let mut link = Self { socket, since: B::now(), idle_timeout, closing: false, broken: None };
        link.heard();
        link
    }

    /// Begins the idle time anew.
    fn heard(&mut self) {
        self.socket.set_read_deadline(self.idle_timeout.and_then(|timeout| B::now().checked_add(timeout)));
    }

    /// Moves messages both ways; gives one that arrived, or why the connection ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, queue: &Queue) -> Poll<Result<Message, Cause>> {
        while !self.closing && self.broken.is_none() && queue.len() > 0 {
            // How it ended, reading knows best.
            let Poll::Ready(Ok(())) = self.socket.poll_ready(cx) else { break };
            self.send_next(queue);
        }
        match self.socket.poll_read_message(cx) {
            Poll::Ready(Ok(Some(message))) => {
                self.heard();
                Poll::Ready(Ok(message))
            }
            Poll::Ready(Ok(None)) => {
                let frame = self.socket.closing().received().flatten().cloned();
                Poll::Ready(Err(self.cause(Cause::Closed(frame))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.cause(error.into()))),
            Poll::Pending => match self.broken.take() {
                Some(error) => Poll::Ready(Err(self.cause(error.into()))),
                None => Poll::Pending,
            },
        }
    }

    /// Hands the next message to the connection; false if there is none, or it cannot take any.
    fn send_next(&mut self, queue: &Queue) -> bool {
        let Some(waiting) = queue.pop() else { return false };
        match self.socket.start_send(waiting.message.clone()) {
            Ok(()) => true,
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
        // Whatever the browser holds already: the queue is bounded, and nothing is added to it any more.
        while self.send_next(queue) {}
        self.closing = true;
        if let Err(error) = self.socket.start_send(Message::Close(frame)) {
            self.broken = Some(error);
        }
    }

    /// Why it ended, if that is the cause otherwise.
    fn cause(&self, otherwise: Cause) -> Cause {
        if self.closing { Cause::CloseRequested } else { otherwise }
    }
}
