//! Short ways for what most connections do most of the time: whole messages of one short frame, and nothing else to look at.
//!
//! Each does what the long way would, or leaves everything to it.

use std::{
    io::ErrorKind::WriteZero,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Conn,
    buffer::{LARGE, SCRATCH},
    clock::now,
    ending::Stage,
    parse,
    step::{Incoming, Want},
    waiters::Waiter,
};
use crate::{
    Error, Message, Role,
    frame::apply_mask,
    keys::Keys,
    proto::{ShortFrame, long_way},
};

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// The next message if it is one short frame that comes as a whole. `None` leaves everything to
    /// [`poll_step`](Self::poll_step).
    #[inline]
    pub(super) fn poll_short(&mut self, cx: &mut Context<'_>) -> Option<Poll<Message>> {
        if self.0.read.is_empty() {
            if !self.is_quiet() {
                return None;
            }
            if self.reads_to_scratch() {
                return self.poll_scratch(cx);
            }
            if self.poll_quiet(cx).is_pending() {
                return self.park_short(cx);
            }
        }
        self.parse_short().map(Poll::Ready)
    }

    /// Whether only the transport can have something new, and that would begin with a frame.
    #[inline]
    fn is_quiet(&mut self) -> bool {
        !self.0.control.is_pending()
            && self.is_in_time()
            && self.0.ending.stage() == Stage::Open
            && self.0.protocol.closing().is_empty()
            && matches!(self.0.incoming, Incoming::None)
            && !self.0.protocol.receiver().is_inside()
            && !self.0.message.is_charged()
            && !self.0.protocol.is_pending()
            && !self.0.turn.is_over()
    }

    /// Whether no deadline comes before what the transport may have.
    #[inline]
    fn is_in_time(&self) -> bool {
        self.0.timers.as_ref().and_then(|timers| timers.read).is_none_or(|due| now() < due)
    }

    /// Whether a read to the stack is as good as one to a buffer. With a budget it is not: a message that fits the buffer comes
    /// as a whole, and takes nothing of it.
    #[inline]
    fn reads_to_scratch(&self) -> bool {
        self.0.read.is_sparse()
            && self.0.settings.read_buffer_size() >= SCRATCH
            && self.0.settings.inbound_budget.is_none()
    }

    /// Reads to the stack, and takes a message from there: one that comes alone needs no buffer.
    fn poll_scratch(&mut self, cx: &mut Context<'_>) -> Option<Poll<Message>> {
        if !self.ensure_keys() {
            return None;
        }
        self.write_before_read(cx, Waiter::Reader);
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut window = ReadBuf::uninit(&mut scratch);
        match Pin::new(&mut *self.0.io).poll_read(cx, &mut window) {
            Poll::Ready(Ok(())) if !window.filled().is_empty() => {}
            Poll::Ready(end) => {
                self.transport_ended(cx, Waiter::Reader, end.err());
                return None;
            }
            Poll::Pending => {
                self.nothing_more(cx, Waiter::Reader);
                return self.park_short(cx);
            }
        }
        self.peer_is_alive();
        let mut input = window.filled_mut();
        self.0.stats.count_read(input.len());
        self.0.turn.count_read(input.len());
        self.0.stale = self.0.protocol.queued() > 0;
        let is_full = input.len() == SCRATCH;
        match self.0.protocol.receive_short(&mut input) {
            Ok(found) => {
                let message = found.map(|(kind, payload)| {
                    self.0.stats.count_received(payload.len(), true);
                    parse::copy(kind, payload)
                });
                if !input.is_empty() {
                    let size = self.0.settings.read_buffer_size();
                    self.0.read.fill(&self.0.settings.pool, size, input, is_full);
                }
                message.map(Poll::Ready)
            }
            Err(violation) => {
                self.fail_reading(violation);
                None
            }
        }
    }

    /// Waits, after the transport had nothing more. `None` if there is something to do first.
    #[inline]
    fn park_short(&mut self, cx: &Context<'_>) -> Option<Poll<Message>> {
        self.poll_parked(cx, Waiter::Reader, &Want::Message).is_pending().then_some(Poll::Pending)
    }

    /// As [`poll_fill`](Self::poll_fill), while the connection is quiet.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.write_before_read(cx, Waiter::Reader);
        let size = self.0.settings.read_buffer_size();
        match self.0.read.poll_fill(&mut *self.0.io, cx, &self.0.settings.pool, size) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.count_read(count);
                self.peer_is_alive();
                self.0.stale = self.0.protocol.queued() > 0;
                Poll::Ready(())
            }
            Poll::Ready(end) => {
                self.transport_ended(cx, Waiter::Reader, end.err());
                Poll::Ready(())
            }
            Poll::Pending => {
                self.nothing_more(cx, Waiter::Reader);
                Poll::Pending
            }
        }
    }

    /// A message that is one short frame and was read as a whole.
    #[inline]
    fn parse_short(&mut self) -> Option<Message> {
        if self.0.read.is_empty()
            || self.0.turn.is_over()
            || self.0.ending.stage() != Stage::Open
            || !matches!(self.0.incoming, Incoming::None)
        {
            return None;
        }
        if !self.ensure_keys() {
            return None;
        }
        let mut input = self.0.read.filled_mut();
        let before = input.len();
        match self.0.protocol.receive_short(&mut input) {
            Ok(Some((kind, payload))) if payload.len() >= LARGE => {
                let (len, taken) = (payload.len(), before - input.len());
                self.0.read.consume(taken);
                Some(self.take_large(kind, len))
            }
            Ok(Some((kind, payload))) => {
                let message = parse::copy(kind, payload);
                self.0.stats.count_received(payload.len(), true);
                let taken = before - input.len();
                self.0.read.consume(taken);
                self.0.turn.count_frame();
                if let Some(timers) = &mut self.0.timers {
                    timers.message_is_complete();
                }
                self.release_parsed();
                Some(message)
            }
            Ok(None) => None,
            Err(violation) => {
                self.fail_reading(violation);
                None
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Conn<S> {
    #[inline]
    fn has_write_deadline(&self) -> bool {
        self.0.timers.as_ref().is_some_and(|timers| timers.write.is_some())
    }

    /// Whether there are no masking keys for a frame; the long way tells why.
    #[inline]
    fn lacks_keys(&self) -> bool {
        self.role() == Role::Client && Keys::ensure().is_err()
    }

    /// Queues a message that is one short frame, if there is room for it and no deadline. Whether it did.
    #[inline(always)]
    pub(super) fn queue_short(&mut self, message: &Message) -> bool {
        !self.has_write_deadline() && self.has_room() && self.send_short(message)
    }

    /// Queues a message that is one short frame. Whether it did.
    #[inline(always)]
    pub(super) fn send_short(&mut self, message: &Message) -> bool {
        self.try_send_short(message).is_some()
    }

    #[inline(always)]
    fn try_send_short(&mut self, message: &Message) -> Option<()> {
        if self.0.broken.is_some() || self.0.ending.stage() != Stage::Open || self.lacks_keys() {
            return long_way();
        }
        self.lend();
        let len = self.0.protocol.send_short(message)?;
        self.count_sent(len, true);
        Some(())
    }

    /// Hands a message that is one short frame to the transport without the queue, if nothing waits before it. `None` leaves the
    /// rest to the queue, and the message as well if it is still there.
    #[inline]
    pub(super) fn poll_write_short(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Option<Poll<Result<(), Error>>> {
        let is_first = self.0.broken.is_none()
            && self.0.ending.stage() == Stage::Open
            && !self.has_write_deadline()
            && !self.0.control.is_pending()
            && !self.0.protocol.wants_write()
            && !self.0.unflushed
            && !self.0.read.is_spare();
        if !is_first || self.lacks_keys() {
            return long_way();
        }
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut frame = ReadBuf::uninit(&mut scratch);
        let payload_len = self.0.protocol.encode_short(message.as_ref()?, |short| {
            let ShortFrame { header, header_len, payload, mask } = short;
            if header.len() + payload.len() > SCRATCH {
                return long_way();
            }
            frame.put_slice(&header);
            frame.set_filled(header_len);
            frame.put_slice(payload);
            if let Some(key) = mask {
                apply_mask(&mut frame.filled_mut()[header_len..], key);
            }
            Some(payload.len())
        })?;
        let frame = frame.filled();
        let written = match Pin::new(&mut *self.0.io).poll_write(cx, frame) {
            Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(self.write_failed(WriteZero.into())))),
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(self.write_failed(error)))),
            Poll::Pending => return None,
        };
        *message = None;
        self.0.stats.count_written(written);
        self.count_sent(payload_len, true);
        if written < frame.len() {
            self.lend();
            self.0.protocol.sender().outbox_mut().push(&frame[written..]);
        } else if let Poll::Ready(flushed) = Pin::new(&mut *self.0.io).poll_flush(cx) {
            return Some(Poll::Ready(flushed.map_err(|error| self.write_failed(error))));
        }
        self.0.unflushed = true;
        None
    }
}
