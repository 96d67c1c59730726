//! Reading: bytes from the transport, messages out.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use super::{Conn, ending::Stage, keys::Keys, waiters::Waiter};
use crate::{
    BufferPool, Message, MessageKind, Role, Utf8Bytes,
    proto::{Event, Receiver},
};

/// The buffer that reads go through: borrowed while it holds bytes, given back when the transport has no more.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    buffer: BytesMut,
    /// Bytes at the front that are parsed. A position, since a buffer that is advanced loses its front for good.
    parsed: usize,
}

impl ReadBuffer {
    pub(super) fn new(buffer: BytesMut) -> Self {
        Self { buffer, parsed: 0 }
    }

    /// What is read and not parsed.
    pub(super) fn filled(&self) -> &[u8] {
        &self.buffer[self.parsed..]
    }

    fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.parsed..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parsed == self.buffer.len()
    }

    fn consume(&mut self, count: usize) {
        self.parsed += count;
    }

    /// Reads into a buffer from the pool, and gives it back when the transport is not ready. Everything read before must
    /// be parsed and released.
    fn poll_fill(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        pool: &BufferPool,
        size: usize,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            self.buffer = pool.take(size);
        }
        let result = poll_read_buf(Pin::new(io), cx, &mut self.buffer);
        if result.is_pending() {
            self.release(pool);
        }
        result
    }

    /// Gives the buffer back; what it holds is forgotten.
    pub(super) fn release(&mut self, pool: &BufferPool) {
        if self.buffer.capacity() > 0 {
            pool.put(mem::take(&mut self.buffer));
            self.parsed = 0;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// The next message or control frame; `None` once the connection has ended, and `self.ending` knows how.
    pub(super) fn poll_next_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut budget = BUDGET;
        loop {
            if self.ending.stage() != Stage::Open || self.protocol.closing().sent().is_some() {
                match self.poll_ending(cx) {
                    Poll::Ready(Some(told)) => return Poll::Ready(told),
                    Poll::Ready(None) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            if let Some(message) = self.parse() {
                return Poll::Ready(Some(message));
            }
            if self.ending.stage() != Stage::Open {
                continue;
            }
            // A transport that is always ready must not keep the other tasks of its thread from running.
            budget -= 1;
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.poll_fill(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Takes the next message out of the bytes that are there.
    fn parse(&mut self) -> Option<Message> {
        if self.role() == Role::Client {
            if let Err(error) = Keys::ensure() {
                self.lose(Some(error));
                return None;
            }
        }
        if self.direct > 0 {
            let message = self.parse_direct();
            if message.is_some() {
                return message;
            }
        }
        while !self.read.is_empty() && self.ending.stage() == Stage::Open {
            let message = self.parse_buffered();
            if message.is_some() {
                return message;
            }
        }
        None
    }

    /// Goes on to the next event in the read buffer.
    fn parse_buffered(&mut self) -> Option<Message> {
        let mut input = self.read.filled_mut();
        let before = input.len();
        let event = self.protocol.receive(&mut input);
        let taken = before - input.len();
        let message = match event {
            Ok(None) => None,
            // Copied, whatever its size: a message must not pin the buffer that others are read with.
            Ok(Some(Event::Data { kind, payload, first: true, last: true })) => {
                Some(message(kind, Bytes::copy_from_slice(payload)))
            }
            Ok(Some(Event::Data { kind, payload, last, .. })) => {
                make_room(&mut self.message, payload.len(), self.protocol.receiver());
                self.message.extend_from_slice(payload);
                last.then(|| message(kind, whole(&mut self.message)))
            }
            Ok(Some(Event::Ping(payload))) => Some(Message::Ping(payload)),
            Ok(Some(Event::Pong(payload))) => Some(Message::Pong(payload)),
            Ok(Some(Event::Close(_))) => {
                self.ending.begin_closed();
                None
            }
            Err(violation) => {
                self.ending.begin_failed(violation);
                None
            }
        };
        self.read.consume(taken);
        if self.ending.is_begun() {
            self.release_read();
        } else if self.read.is_empty() {
            // At once, not when the next read waits: an application may take its time with the message.
            self.read.release(&self.settings.pool);
        }
        message
    }

    /// Goes on with bytes that were read to where their message is put together; they end in the frame they are of.
    fn parse_direct(&mut self) -> Option<Message> {
        let start = self.message.len() - mem::take(&mut self.direct);
        let mut input = &mut self.message[start..];
        match self.protocol.receive(&mut input) {
            Ok(Some(Event::Data { kind, last: true, .. })) => Some(message(kind, whole(&mut self.message))),
            Ok(_) => None,
            Err(violation) => {
                self.ending.begin_failed(violation);
                self.release_read();
                None
            }
        }
    }

    /// Reads more bytes, or finds that the transport has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Queued messages wait through one read at the longest, even if the transport is always ready.
        if mem::take(&mut self.stale) {
            let _ = self.poll_write_out(cx, Waiter::Reader);
        }
        match self.poll_read(cx) {
            Poll::Pending => {
                self.protocol.caught_up();
                // About to wait: what is queued goes out. A failure is told by the next write; reading may still give
                // what the peer sent before.
                let _ = self.poll_write_out(cx, Waiter::Reader);
                self.waiters.reader_waits(cx.waker());
                Poll::Pending
            }
            Poll::Ready(Ok(count)) if count > 0 => {
                self.stale = self.protocol.queued() > 0;
                Poll::Ready(())
            }
            Poll::Ready(Ok(_)) => {
                // The peer has ended its direction, and may still read: what is queued goes out if it can.
                let _ = self.poll_write_out(cx, Waiter::Reader);
                self.lose(None);
                Poll::Ready(())
            }
            Poll::Ready(Err(error)) => {
                self.lose(Some(error));
                Poll::Ready(())
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.protocol.receiver().data_remaining() {
            // In a large frame: read straight to where the message is put together, and no further than its end.
            Some(remaining) if remaining >= DIRECT && self.protocol.closing().sent().is_none() => {
                make_room(&mut self.message, 0, self.protocol.receiver());
                let spare = self.message.capacity() - self.message.len();
                let limit = usize::try_from(remaining).map_or(spare, |remaining| remaining.min(spare));
                let mut window = (&mut self.message).limit(limit);
                let result = poll_read_buf(Pin::new(&mut self.io), cx, &mut window);
                if let Poll::Ready(Ok(count)) = &result {
                    self.direct = *count;
                }
                result
            }
            _ => {
                let size = self.settings.read_buffer_size;
                self.read.poll_fill(&mut self.io, cx, &self.settings.pool, size)
            }
        }
    }

    /// Reads and forgets, until the transport ends.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let size = self.settings.read_buffer_size;
        for _ in 0..BUDGET {
            match self.read.poll_fill(&mut self.io, cx, &self.settings.pool, size) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) if count > 0 => self.release_read(),
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S> Conn<S> {
    /// Forgets what was read.
    pub(super) fn release_read(&mut self) {
        self.read.release(&self.settings.pool);
        self.message = Vec::new();
        self.direct = 0;
    }
}

fn message(kind: MessageKind, data: Bytes) -> Message {
    match kind {
        MessageKind::Text => Message::Text(Utf8Bytes::from_validated(data)),
        MessageKind::Binary => Message::Binary(data),
    }
}

/// The message that was put together, without room that it does not need: it may be kept for long.
fn whole(message: &mut Vec<u8>) -> Bytes {
    let mut message = mem::take(message);
    if message.capacity() - message.len() > message.len() / 8 {
        message.shrink_to_fit();
    }
    message.into()
}

/// Makes room for `next` bytes that are here, and for some of those that the current frame announces.
///
/// Room follows what has arrived, four times that at the start and twice later, never the announced length: fourteen bytes
/// on the wire must not take megabytes.
fn make_room(message: &mut Vec<u8>, next: usize, receiver: &Receiver) {
    let remaining = receiver.data_remaining().unwrap_or(0);
    let spare = message.capacity() - message.len();
    // More room only when little is left: each time may cost a copy.
    if spare >= next && (spare - next) as u64 >= remaining.min(DIRECT) {
        return;
    }
    let arrived = message.len() + next;
    let ceiling = if arrived <= EAGER { (4 * arrived).max(FIRST) } else { arrived.saturating_mul(2) };
    let announced = usize::try_from(remaining).unwrap_or(usize::MAX);
    let wanted = arrived.saturating_add(announced).min(ceiling) - message.len();
    if receiver.in_final_frame() {
        // All that is to come is known, so there is nothing to keep in reserve.
        message.reserve_exact(wanted);
    } else {
        message.reserve(wanted);
    }
}

/// Bytes left in a frame from which on they are read in place; below, the read buffer takes what follows along.
const DIRECT: u64 = 2048;
/// Up to here, room for four times what has arrived is made.
const EAGER: usize = 64 << 10;
/// Room for the first bytes of a message.
const FIRST: usize = 4096;
/// Reads in one poll before other tasks get a turn.
const BUDGET: u32 = 64;
