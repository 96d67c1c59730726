//! A message that is written in pieces: fragments in, whatever the size of the pieces.

use std::{
    mem,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conn, waiters::Waiter, write::MOST};
use crate::{Error, MessageKind, UsageError, frame::MAX_HEADER_LEN, utf8::Utf8Validator};

/// The message that a `MessageWriter` writes.
#[derive(Debug)]
pub(super) struct Outgoing {
    kind: MessageKind,
    /// What is written and not sent, never more than a fragment holds. It is kept back even when it is full, so that the
    /// last bytes of a message leave in its final frame.
    buffer: BytesMut,
    utf8: Utf8Validator,
    /// Whether it is compressed, if that was chosen for it alone.
    #[cfg(feature = "deflate")]
    compression: Option<crate::Compression>,
    /// Text that was not UTF-8: the message cannot be finished.
    invalid: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Begins a message that is written in pieces.
    pub(super) fn poll_begin(&mut self, cx: &mut Context<'_>, kind: MessageKind) -> Poll<Result<(), Error>> {
        ready!(self.poll_ready(cx))?;
        self.0.protocol.sender().check_message()?;
        self.0.outgoing = Some(Box::new(Outgoing {
            kind,
            buffer: BytesMut::new(),
            utf8: Utf8Validator::new(),
            #[cfg(feature = "deflate")]
            compression: None,
            invalid: false,
        }));
        Poll::Ready(Ok(()))
    }

    /// Takes bytes of the message. Fragments that become full are handed to the transport as far as it takes them.
    pub(super) fn poll_write_piece(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.poll_take_piece(cx, &bytes[taken..]) {
                Poll::Ready(Ok(count)) => taken += count,
                // What was taken must not be written again. The next call tells the rest.
                Poll::Ready(Err(_)) | Poll::Pending if taken > 0 => break,
                other => return other,
            }
        }
        if self.0.protocol.queued() > 0 {
            // A failure is told by the next call; what the transport does not take now, goes with it.
            let _ = self.poll_write_out(cx, Waiter::Writer);
        }
        Poll::Ready(Ok(taken))
    }

    /// Takes what still fits into the fragment at hand. It is queued if there is more.
    fn poll_take_piece(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let size = self.0.settings.write_buffer_size();
        let held = self.outgoing()?.buffer.len();
        let count = bytes.len().min(size - held);
        let (piece, more) = (&bytes[..count], count < bytes.len());
        if more {
            ready!(self.poll_ready(cx))?;
        }
        let pool = self.0.settings.pool.clone();
        let message = self.outgoing()?;
        message.check(piece)?;
        if held == 0 && more {
            self.send_piece(piece, false, false)?;
        } else {
            if message.buffer.capacity() == 0 {
                message.buffer = pool.take(size);
            }
            message.buffer.extend_from_slice(piece);
            if more {
                self.send_held(false, false)?;
            }
        }
        Poll::Ready(Ok(count))
    }

    /// Sends what is held back as a fragment, and flushes.
    pub(super) fn poll_flush_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let buffered = self.0.outgoing.as_ref().is_some_and(|message| !message.buffer.is_empty());
        if buffered || self.0.protocol.holds_back() {
            self.outgoing()?;
            ready!(self.poll_ready(cx))?;
            self.send_held(false, true)?;
        }
        self.poll_flush(cx)
    }

    /// Sends the final frame, and flushes.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.0.outgoing.is_some() {
            let message = self.outgoing()?;
            if message.utf8.clone().finish().is_err() {
                message.invalid = true;
                return Poll::Ready(Err(UsageError::NotText.into()));
            }
            ready!(self.poll_ready(cx))?;
            self.send_held(true, true)?;
            self.abandon_message();
        }
        self.poll_flush(cx)
    }

    /// The message, if it can still be finished.
    fn outgoing(&mut self) -> Result<&mut Outgoing, Error> {
        match self.0.outgoing.as_deref_mut() {
            Some(message) if message.invalid => Err(UsageError::NotText.into()),
            Some(message) => Ok(message),
            None => Err(UsageError::MessageFinished.into()),
        }
    }

    fn send_held(&mut self, fin: bool, flush: bool) -> Result<(), Error> {
        let held = mem::take(&mut self.outgoing()?.buffer);
        let sent = self.send_piece(&held, fin, flush);
        if let Some(message) = self.0.outgoing.as_deref_mut() {
            message.buffer = held;
            if sent.is_ok() {
                message.buffer.clear();
            }
        }
        sent
    }

    fn send_piece(&mut self, piece: &[u8], fin: bool, flush: bool) -> Result<(), Error> {
        let message = self.outgoing()?;
        let kind = message.kind;
        #[cfg(feature = "deflate")]
        let chosen = message.compression;
        let size = self.0.settings.write_buffer_size();
        if !fin && piece.len() == size {
            self.make_room_up_to_the_mark();
        }
        // What a compressor makes of a full fragment is none yet.
        let fragment = (!flush).then_some(size);
        let send = |conn: &mut Self| conn.0.protocol.send_piece(kind, piece, fin, fragment);
        #[cfg(feature = "deflate")]
        let send = |conn: &mut Self| match chosen {
            Some(compression) => conn.with_compression(compression, send),
            None => send(conn),
        };
        self.queue(send)?;
        self.count_sent(piece.len(), fin);
        if self.0.protocol.queued() == 0 {
            // A compressor holds it back.
            self.release_write();
        }
        Ok(())
    }
}

impl<S> Conn<S> {
    /// Full fragments are queued up to the mark before they are written. The usual buffer would grow and be copied over
    /// and over on the way, and leave the pool with a buffer as large for each time.
    fn make_room_up_to_the_mark(&mut self) {
        let settings = &self.0.settings;
        let outbox = self.0.protocol.sender().outbox_mut();
        if outbox.needs_buffer() {
            let size = settings
                .high_water_mark()
                .min(MOST)
                .saturating_add(settings.write_buffer_size() + MAX_HEADER_LEN);
            outbox.lend(settings.pool.take(size));
        }
    }

    /// Chooses whether the message that was begun is compressed.
    #[cfg(feature = "deflate")]
    pub(super) fn choose_for_message(&mut self, compression: crate::Compression) {
        if let Some(message) = &mut self.0.outgoing {
            message.compression = Some(compression);
        }
    }

    /// Forgets the message that is written in pieces. If the peer has seen a part of it, no other message can follow.
    pub(super) fn abandon_message(&mut self) {
        if let Some(message) = self.0.outgoing.take() {
            self.0.settings.pool.put(message.buffer);
            #[cfg(feature = "deflate")]
            self.0.protocol.sender().abandon();
        }
    }
}

impl Outgoing {
    /// 5.6: text is UTF-8. A character may be cut by a fragment.
    fn check(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.kind == MessageKind::Text && self.utf8.push(piece).is_err() {
            self.invalid = true;
            return Err(UsageError::NotText.into());
        }
        Ok(())
    }
}
