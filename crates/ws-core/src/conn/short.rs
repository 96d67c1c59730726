//! Short ways for what most connections do most of the time: whole messages of one short frame, and nothing else to look at.
//!
//! Each does what the long way would, or leaves everything to it.

use std::{
    io::{self, ErrorKind::WriteZero},
    mem::{self, MaybeUninit},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Conn,
    buffer::{LARGE, SCRATCH},
    clock::now,
    ending::Stage,
    step::{Incoming, Piece, Place, Want},
    waiters::Waiter,
};
use crate::{
    Error, Message, MessageKind, Role, Utf8Bytes,
    frame::apply_mask,
    keys::Keys,
    proto::{Held, ShortFrame, long_way},
    text::INLINE,
};

/// What reading a message comes to. The short ways give it as it is given on: each step that only wraps it would move it.
type Received = Result<Option<Message>, Error>;

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Polls for the next message. One that is a short frame and comes as a whole is taken here; everything else is left to `long`.
    #[inline]
    pub(super) fn poll_short(
        &mut self,
        cx: &mut Context<'_>,
        long: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Received>,
    ) -> Poll<Received> {
        if self.0.read.is_empty() { self.poll_first(cx, long) } else { self.poll_next(cx, long) }
    }

    /// As [`poll_short`](Self::poll_short), with something read before.
    #[inline(never)]
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        long: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Received>,
    ) -> Poll<Received> {
        let Some((kind, len)) = self.parse_short() else { return long(self, cx) };
        if len >= LARGE || self.0.read.is_empty() {
            return Poll::Ready(Ok(Some(self.take_short(kind, len))));
        }
        // The last thing that is done with what is read, and said for each kind: so a message is put where the caller wants it.
        let bytes = self.0.read.parsed_last(len);
        match kind {
            MessageKind::Text => Poll::Ready(Ok(Some(Message::Text(Utf8Bytes::copy_front(bytes, len))))),
            MessageKind::Binary => {
                Poll::Ready(Ok(Some(Message::Binary(Bytes::copy_from_slice(&bytes[..len])))))
            }
        }
    }

    /// As [`poll_short`](Self::poll_short), with nothing read before.
    #[inline(never)]
    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        long: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Received>,
    ) -> Poll<Received> {
        self.0.waiters.reads();
        if !self.is_quiet() {
            let _: Option<()> = long_way();
            return long(self, cx);
        }
        if !self.reads_to_scratch() {
            return self.poll_quiet(cx).unwrap_or_else(|| long(self, cx));
        }
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut window = ReadBuf::uninit(&mut scratch);
        match self.poll_scratch(cx, &mut window) {
            Some(Poll::Ready((MessageKind::Text, payload))) => {
                Poll::Ready(Ok(Some(Message::Text(Utf8Bytes::copy_validated(payload)))))
            }
            Some(Poll::Ready((MessageKind::Binary, payload))) => {
                Poll::Ready(Ok(Some(Message::Binary(Bytes::copy_from_slice(payload)))))
            }
            Some(Poll::Pending) => Poll::Pending,
            None => long(self, cx),
        }
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
    #[inline(always)]
    fn poll_scratch<'s>(
        &mut self,
        cx: &mut Context<'_>,
        window: &'s mut ReadBuf<'_>,
    ) -> Option<Poll<(MessageKind, &'s [u8])>> {
        if !self.ensure_keys() {
            return long_way();
        }
        self.write_before_read(cx, Waiter::Reader);
        match Pin::new(&mut *self.0.io).poll_read(cx, window) {
            Poll::Ready(Ok(())) if !window.filled().is_empty() => {}
            Poll::Ready(end) => {
                self.transport_ended(cx, Waiter::Reader, end.err());
                return None;
            }
            Poll::Pending => {
                self.nothing_more(cx, Waiter::Reader);
                return self.park_short(cx).then_some(Poll::Pending);
            }
        }
        self.peer_is_alive();
        let mut input = window.filled_mut();
        self.0.stats.count_read(input.len());
        self.0.turn.count_call();
        self.0.stale = self.0.protocol.queued() > 0;
        let is_full = input.len() == SCRATCH;
        match self.0.protocol.receive_short(&mut input) {
            Ok(Some((kind, payload))) => {
                self.0.stats.count_received(payload.len(), true);
                if !input.is_empty() {
                    self.keep(input, is_full);
                }
                Some(Poll::Ready((kind, payload)))
            }
            Ok(None) => {
                self.keep(input, is_full);
                None
            }
            Err(violation) => {
                self.fail_reading(violation);
                None
            }
        }
    }

    /// Keeps bytes that were read to the stack, and whether they filled it.
    #[inline(never)]
    fn keep(&mut self, bytes: &[u8], is_full: bool) {
        let size = self.0.settings.read_buffer_size();
        self.0.read.fill(&self.0.settings.pool, size, bytes, is_full);
    }

    /// Waits, after the transport had nothing more. False if there is something to do first.
    #[inline(always)]
    fn park_short(&mut self, cx: &Context<'_>) -> bool {
        self.poll_parked(cx, Waiter::Reader, &Want::Message).is_pending()
    }

    /// Reads to a buffer, and takes a message from there.
    #[inline(never)]
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Option<Poll<Received>> {
        self.write_before_read(cx, Waiter::Reader);
        let size = self.0.settings.read_buffer_size();
        match self.0.read.poll_fill(&mut *self.0.io, cx, &self.0.settings.pool, size) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.count_read(count);
                self.peer_is_alive();
                self.0.stale = self.0.protocol.queued() > 0;
                let (kind, len) = self.parse_short()?;
                Some(Poll::Ready(Ok(Some(self.take_short(kind, len)))))
            }
            Poll::Ready(end) => {
                self.transport_ended(cx, Waiter::Reader, end.err());
                None
            }
            Poll::Pending => {
                self.nothing_more(cx, Waiter::Reader);
                self.park_short(cx).then_some(Poll::Pending)
            }
        }
    }

    /// Parses a message that is one short frame and was read as a whole: its kind and size. It is left where it is.
    #[inline(always)]
    fn parse_short(&mut self) -> Option<(MessageKind, usize)> {
        if self.0.turn.is_over()
            || self.0.ending.stage() != Stage::Open
            || !matches!(self.0.incoming, Incoming::None)
            || !self.ensure_keys()
        {
            return long_way();
        }
        let mut input = self.0.read.filled_mut();
        let before = input.len();
        let (kind, len) = match self.0.protocol.receive_short(&mut input) {
            Ok(Some((kind, payload))) => (kind, payload.len()),
            Ok(None) => return long_way(),
            Err(violation) => {
                self.fail_reading(violation);
                return long_way();
            }
        };
        let taken = before - input.len();
        self.0.read.consume(taken);
        self.0.stats.count_received(len, true);
        self.0.turn.count_frame();
        if let Some(timers) = &mut self.0.timers {
            timers.message_is_complete();
        }
        Some((kind, len))
    }

    /// The message that was parsed last.
    #[inline(never)]
    fn take_short(&mut self, kind: MessageKind, len: usize) -> Message {
        if len >= LARGE {
            self.0.read.note(len);
        }
        let end = self.0.read.position();
        self.take_message(Piece { kind, place: Place::Buffer, start: end - len, end, last: true })
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

    /// Queues a message as it is, if it would be alone in the queue and nothing was read behind the last one: most likely it is
    /// the next thing that is written, and needs no buffer. Whether it did.
    #[inline(always)]
    pub(super) fn queue_alone(&mut self, message: &mut Option<Message>) -> bool {
        self.try_queue_alone(message).is_some()
    }

    #[inline(always)]
    fn try_queue_alone(&mut self, message: &mut Option<Message>) -> Option<()> {
        if !self.0.read.is_unbuffered() {
            return None;
        }
        if self.has_write_deadline()
            || self.0.broken.is_some()
            || self.0.ending.stage() != Stage::Open
            || self.lacks_keys()
        {
            return long_way();
        }
        let len = self.0.protocol.hold_short(message, SCRATCH - 8)?;
        self.count_sent(len, true);
        Some(())
    }

    /// Writes a message that was queued as it is; what the transport does not take becomes the queue.
    #[inline(always)]
    pub(super) fn poll_write_held(&mut self, cx: &mut Context<'_>, held: &Held) -> Poll<io::Result<()>> {
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut frame = ReadBuf::uninit(&mut scratch);
        if let Some((bytes, len)) = held.inline() {
            put_inline(&mut frame, bytes, len);
        } else if let Some(short) = held.frame() {
            put(&mut frame, &short);
        }
        let frame = frame.filled();
        let written = match Pin::new(&mut *self.0.io).poll_write(cx, frame) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(WriteZero.into())),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(written)) => {
                self.0.unflushed = true;
                self.0.stats.count_written(written);
                written
            }
            Poll::Pending => 0,
        };
        if written < frame.len() {
            self.lend();
            self.0.protocol.sender().outbox_mut().push(&frame[written..]);
            if written == 0 {
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// As [`queue_short`](Self::queue_short), of text that lies in its value.
    #[inline(never)]
    pub(super) fn queue_inline(&mut self, text: &Utf8Bytes) -> bool {
        self.try_queue_inline(text).is_some()
    }

    #[inline(always)]
    fn try_queue_inline(&mut self, text: &Utf8Bytes) -> Option<()> {
        if self.has_write_deadline()
            || !self.has_room()
            || self.0.broken.is_some()
            || self.0.ending.stage() != Stage::Open
        {
            return long_way();
        }
        let len = self.0.protocol.send_inline(text)?;
        self.count_sent(len, true);
        Some(())
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

    /// Puts a message that is one short frame into an empty buffer. The size of its payload if it did.
    #[inline(always)]
    fn encode(&mut self, message: &Message, frame: &mut ReadBuf<'_>) -> Option<usize> {
        let short = self.0.protocol.encode_short(message, SCRATCH - 8)?;
        put(frame, &short);
        Some(short.payload.len())
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
        let payload_len = match message.as_ref()? {
            Message::Text(text) if text.is_inline() => {
                let (bytes, len) = self.0.protocol.inline_payload(text)?;
                put_inline(&mut frame, bytes, len);
                len
            }
            message => self.encode(message, &mut frame)?,
        };
        let frame = frame.filled();
        let written = match Pin::new(&mut *self.0.io).poll_write(cx, frame) {
            Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(self.write_failed(WriteZero.into())))),
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(self.write_failed(error)))),
            Poll::Pending => return None,
        };
        match message {
            #[expect(
                clippy::mem_forget,
                reason = "there is nothing to free, and finding that out takes a while"
            )]
            Some(Message::Text(text)) if text.is_inline() => mem::forget(message.take()),
            _ => *message = None,
        }
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

/// Puts the frame that a server sends of text that lies in its value into an empty buffer.
#[inline(always)]
fn put_inline(buffer: &mut ReadBuf<'_>, bytes: &[u8; INLINE], len: usize) {
    buffer.put_slice(&[0x81, len as u8]);
    buffer.put_slice(bytes);
    buffer.set_filled(2 + len);
}

/// Puts a frame into an empty buffer that has room for it.
#[inline(always)]
fn put(buffer: &mut ReadBuf<'_>, frame: &ShortFrame<'_>) {
    buffer.put_slice(&frame.header);
    buffer.set_filled(frame.header_len);
    buffer.put_slice(frame.payload);
    if let Some(key) = frame.mask {
        apply_mask(&mut buffer.filled_mut()[frame.header_len..], key);
    }
}
