//! Reading: bytes from the transport, until there is something to give on.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{
    Conn, DIRECT,
    ending::Stage,
    step::{Incoming, Piece, Place, Step, Want},
    waiters::Waiter,
};
use crate::{Error, ErrorKind, Message, MessageKind, Violation};

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads up to the next control frame or data; `None` once the connection has ended, and `self.ending` knows how.
    pub(super) fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        by: Waiter,
        want: &mut Want<'_, '_>,
    ) -> Poll<Option<Step>> {
        loop {
            if self.0.ending.stage() != Stage::Open || self.0.protocol.closing().sent().is_some() {
                if let Some(end) = ready!(self.poll_ending(cx, by, want)) {
                    return Poll::Ready(end);
                }
            }
            // Messages that were given out before count, too: whoever reads in a loop has no other place to pause.
            if self.0.turn.is_over() && self.pause(cx, by) {
                return Poll::Pending;
            }
            if let Some(step) = self.parse(want) {
                return Poll::Ready(Some(step));
            }
            let closes = self.0.protocol.closing().sent().is_some();
            self.take_requests();
            if self.0.ending.stage() != Stage::Open || self.0.protocol.closing().sent().is_some() != closes {
                continue;
            }
            if self.is_half_closed() {
                return Poll::Ready(self.0.ending.tell(self.0.protocol.closing()).map(Step::Control));
            }
            if let Some(step) = self.check_clock(want) {
                return Poll::Ready(Some(step));
            }
            if self.0.ending.stage() != Stage::Open {
                continue;
            }
            if self.0.turn.is_over() {
                continue;
            }
            match self.poll_fill(cx, by, want) {
                Poll::Ready(None) => {}
                Poll::Ready(step) => return Poll::Ready(step),
                Poll::Pending if self.poll_parked(cx, by, want).is_ready() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    #[inline]
    fn rest(&mut self) {
        self.0.turn.begin();
        self.0.protocol.rest();
    }

    /// Lets other tasks run before this one goes on. Not if the peer was just given up.
    fn pause(&mut self, cx: &mut Context<'_>, by: Waiter) -> bool {
        if self.0.protocol.has_inflated() {
            // A few bytes more may take as long again, and nobody may be there any more to whom the answers go.
            let _ = self.poll_write_out(cx, by);
        }
        self.rest();
        if self.check_peer() {
            return false;
        }
        cx.waker().wake_by_ref();
        true
    }

    /// The next whole data message, left where it is until the next step; `None` once the connection has ended well.
    pub(super) fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>, Error>> {
        self.leave_message();
        self.poll_data(cx, &mut Want::Message)
    }

    /// Goes to the next message, to give it out in pieces.
    pub(super) fn poll_next_kind(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<MessageKind>, Error>> {
        self.leave_message();
        if let Incoming::Whole(kind) = self.0.incoming {
            // A read of the whole message was dropped in its middle: what it had is the first piece.
            let step = if self.0.direct > 0 { self.parse_direct() } else { None };
            let last = step.is_some();
            if self.0.ending.stage() == Stage::Open {
                let end = self.0.message.bytes.len();
                self.0.incoming =
                    Incoming::Pieces(Piece { kind, place: Place::Message, start: 0, end, last });
                return Poll::Ready(Ok(Some(kind)));
            }
        }
        let piece = ready!(self.poll_data(cx, &mut Want::Pieces))?;
        if let Some(piece) = piece {
            self.0.incoming = Incoming::Pieces(piece);
        }
        Poll::Ready(Ok(piece.map(|piece| piece.kind)))
    }

    /// Reads bytes of the message that is given out in pieces; none at its end.
    pub(super) fn poll_read_piece(
        &mut self,
        cx: &mut Context<'_>,
        dst: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        if dst.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            // Without one, the connection has ended, and the next step tells how.
            if let Incoming::Pieces(piece) = self.0.incoming {
                if piece.start < piece.end {
                    self.give_out(piece, dst);
                    return Poll::Ready(Ok(()));
                }
                if piece.last {
                    return Poll::Ready(Ok(()));
                }
            }
            let before = dst.filled().len();
            let Some(next) = ready!(self.poll_data(cx, &mut Want::Bytes(dst)))? else {
                // Closed in its middle: that must not look like the end of the message.
                let frame = self.0.protocol.closing().received().flatten().cloned();
                return Poll::Ready(Err(Error::new(ErrorKind::Closed(frame))));
            };
            self.0.incoming = Incoming::Pieces(next);
            if dst.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Goes on to the next data, past control frames.
    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        want: &mut Want<'_, '_>,
    ) -> Poll<Result<Option<Piece>, Error>> {
        loop {
            match ready!(self.poll_step(cx, Waiter::Reader, want)) {
                Some(Step::Data(piece)) => return Poll::Ready(Ok(Some(piece))),
                Some(Step::Control(Message::Close(_))) | None => {
                    return Poll::Ready(self.0.ending.result(self.0.protocol.closing()).map(|_| None));
                }
                Some(Step::Control(_)) => {}
                Some(Step::TimedOut) => return Poll::Ready(Err(Error::new(ErrorKind::TimedOut))),
            }
        }
    }

    /// Reads more bytes, or finds that the transport has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>, by: Waiter, want: &mut Want<'_, '_>) -> Poll<Option<Step>> {
        self.write_before_read(cx, by);
        // A half that closes reads, too, and the transport remembers one of the two.
        let closes = self.0.protocol.closing().sent().is_some();
        let both = if closes { self.0.waiters.both(by, cx.waker()) } else { None };
        let waker = both.as_ref().unwrap_or_else(|| cx.waker());
        match self.poll_read(&mut Context::from_waker(waker), want) {
            Poll::Pending => {
                self.nothing_more(cx, by);
                Poll::Pending
            }
            Poll::Ready(Ok(Filled::End)) => {
                self.transport_ended(cx, by, None);
                Poll::Ready(None)
            }
            Poll::Ready(Ok(Filled::Denied(violation))) => {
                self.fail(violation);
                Poll::Ready(None)
            }
            Poll::Ready(Ok(filled)) => {
                self.peer_is_alive();
                self.0.stale = self.0.protocol.queued() > 0;
                Poll::Ready(match (filled, want) {
                    (Filled::Caller(count), Want::Bytes(dst)) => self.parse_in_place(dst, count),
                    _ => None,
                })
            }
            Poll::Ready(Err(error)) => {
                self.transport_ended(cx, by, Some(error));
                Poll::Ready(None)
            }
        }
    }

    /// Writes what should not wait for the next read.
    #[inline]
    pub(super) fn write_before_read(&mut self, cx: &mut Context<'_>, by: Waiter) {
        // Queued messages wait through one read at the longest, even if the transport is always ready. Many bytes gain nothing
        // by waiting, and would hold their memory while the read takes more.
        if mem::take(&mut self.0.stale) || self.0.protocol.queued() >= BULK {
            let _ = self.poll_write_out(cx, by);
        }
    }

    /// The transport has nothing more for now.
    #[inline(always)]
    pub(super) fn nothing_more(&mut self, cx: &mut Context<'_>, by: Waiter) {
        self.0.protocol.caught_up();
        self.rest();
        if self.0.message.has_room() && matches!(self.0.incoming, Incoming::None | Incoming::Skipped) {
            self.0.message.free();
        }
        // About to wait: what is queued goes out. A failure is told by the next write; reading may still give what the peer
        // sent before.
        let _ = self.poll_write_out(cx, by);
        self.0.waiters.waits(by, cx.waker());
    }

    /// The transport has nothing more for good.
    #[cold]
    pub(super) fn transport_ended(&mut self, cx: &mut Context<'_>, by: Waiter, cause: Option<io::Error>) {
        if cause.is_none() {
            // The peer has ended its direction, and may still read: what is queued goes out if it can.
            let _ = self.poll_write_out(cx, by);
        }
        self.lose(cause);
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, want: &mut Want<'_, '_>) -> Poll<io::Result<Filled>> {
        let closes = self.0.protocol.closing().sent().is_some();
        let io = Pin::new(&mut *self.0.io);
        let receiver = self.0.protocol.receiver();
        // In a large frame: read straight to where the data is wanted, and no further than its end.
        let in_frame = receiver.data_remaining().filter(|remaining| *remaining >= DIRECT && !closes);
        let (count, filled) = match (in_frame, receiver.message_kind(), want) {
            (Some(remaining), Some(kind), Want::Message) if !matches!(self.0.incoming, Incoming::Skipped) => {
                self.0.incoming = Incoming::Whole(kind);
                if let Err(violation) =
                    self.0.message.make_room(0, receiver, self.0.settings.inbound_budget.as_ref())
                {
                    return Poll::Ready(Ok(Filled::Denied(violation)));
                }
                let message = &mut self.0.message.bytes;
                let spare = message.capacity() - message.len();
                let limit = usize::try_from(remaining).map_or(spare, |remaining| remaining.min(spare));
                let mut window = message.limit(limit);
                self.0.direct = ready!(poll_read_buf(io, cx, &mut window))?;
                (self.0.direct, Filled::Message)
            }
            (Some(remaining), _, Want::Bytes(dst)) if dst.remaining() as u64 >= DIRECT => {
                let limit = usize::try_from(remaining).unwrap_or(usize::MAX).min(dst.remaining()).min(WINDOW);
                let mut window = ReadBuf::new(dst.initialize_unfilled_to(limit));
                ready!(io.poll_read(cx, &mut window))?;
                let count = window.filled().len();
                dst.advance(count);
                (count, Filled::Caller(count))
            }
            _ => {
                let size = self.0.settings.read_buffer_size();
                let count = ready!(self.0.read.poll_fill(&mut *self.0.io, cx, &self.0.settings.pool, size))?;
                (count, Filled::Buffer)
            }
        };
        self.count_read(count);
        Poll::Ready(Ok(if count == 0 { Filled::End } else { filled }))
    }

    /// Bytes arrived.
    #[inline]
    pub(super) fn count_read(&mut self, count: usize) {
        self.0.stats.count_read(count);
        self.0.turn.count_read(count);
    }

    /// Reads and forgets, until the transport ends.
    pub(super) fn poll_discard(&mut self, cx: &Context<'_>, by: Waiter) -> Poll<()> {
        let size = self.0.settings.read_buffer_size();
        let both = self.0.waiters.both(by, cx.waker());
        let waker = both.as_ref().unwrap_or_else(|| cx.waker());
        let inner = &mut Context::from_waker(waker);
        while !self.0.turn.is_over() {
            match self.0.read.poll_fill(&mut *self.0.io, inner, &self.0.settings.pool, size) {
                Poll::Pending => {
                    self.rest();
                    self.0.waiters.waits(by, cx.waker());
                    return Poll::Pending;
                }
                Poll::Ready(Ok(count)) if count > 0 => {
                    self.count_read(count);
                    self.release_read();
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        self.rest();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Where bytes were read to.
#[derive(Clone, Copy, Debug)]
enum Filled {
    Buffer,
    Message,
    /// To the buffer of the caller, so many.
    Caller(usize),
    /// There were none: the peer has ended its direction.
    End,
    /// Nowhere: there is no room for more of the message.
    Denied(Violation),
}

/// Bytes that are read straight to a caller at once. Its buffer may have to be zeroed for that, over and over if the peer
/// sends byte by byte.
const WINDOW: usize = 64 << 10;
/// Queued bytes that are worth a write of their own.
const BULK: usize = 32 << 10;
