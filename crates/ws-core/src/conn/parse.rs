//! Parsing: received bytes to control frames, which are dealt with, and to data.

use std::mem;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Conn,
    buffer::LARGE,
    ending::Stage,
    handler::Reply,
    step::{Incoming, Piece, Place, Step, Want},
    turn,
    waiters::Waiter,
};
use crate::{
    Message, MessageKind, Role, Utf8Bytes, Violation,
    keys::Keys,
    proto::{Event, Found},
};

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Takes the next control frame or data out of the bytes that are there.
    pub(super) fn parse(&mut self, want: &Want<'_, '_>) -> Option<Step> {
        if !self.ensure_keys() {
            return None;
        }
        if self.0.direct > 0 {
            let step = self.parse_direct();
            if let Some(Step::Data(piece)) = &step {
                self.0.read.note(piece.end);
            }
            if step.is_some() {
                return step;
            }
        }
        while (!self.0.read.is_empty() || self.0.protocol.is_pending())
            && self.0.ending.stage() == Stage::Open
            && !self.is_half_closed()
        {
            let step = self.parse_buffered(want);
            if step.is_some() {
                return step;
            }
            if self.0.turn.is_over() {
                break;
            }
        }
        None
    }

    /// Goes on to the next event in the read buffer.
    fn parse_buffered(&mut self, want: &Want<'_, '_>) -> Option<Step> {
        let from = self.0.read.position();
        let mut input = self.0.read.filled_mut();
        let before = input.len();
        let found = self.0.protocol.find(&mut input);
        self.0.turn.count_frame();
        if self.0.protocol.is_tired() {
            self.0.turn.end();
        }
        let mut taken = before - input.len();
        let to = from + taken;
        // What is decompressed had another size on the wire.
        let is_plain = matches!(found, Ok(Some(Found::Event(_))));
        let step = match found {
            Ok(None) => None,
            #[cfg(feature = "deflate")]
            Ok(Some(Found::Inflated { kind, last, .. })) => self.take_inflated(want, kind, last),
            Ok(Some(Found::Event(Event::Data { kind, payload, first, last }))) => {
                self.0.stats.count_received(payload.len(), last);
                if !last && payload.len() < turn::SHORT {
                    self.0.turn.count_overhead();
                }
                if let Some(timers) = self.0.timers.as_deref_mut().filter(|_| last) {
                    timers.message_is_complete();
                }
                if matches!(self.0.incoming, Incoming::Skipped) {
                    if last {
                        self.0.incoming = Incoming::None;
                    }
                    None
                } else if matches!(want, Want::Message) && !(first && last) {
                    let budget = self.0.settings.inbound_budget.as_ref();
                    match self.0.message.make_room(payload.len(), self.0.protocol.receiver(), budget) {
                        Ok(()) => {
                            self.0.message.bytes.extend_from_slice(payload);
                            self.0.incoming = if last { Incoming::None } else { Incoming::Whole(kind) };
                            let end = self.0.message.bytes.len();
                            last.then_some(Step::Data(Piece {
                                kind,
                                place: Place::Message,
                                start: 0,
                                end,
                                last,
                            }))
                        }
                        Err(violation) => {
                            self.0.protocol.fail(violation);
                            self.begin_failed(violation);
                            None
                        }
                    }
                } else {
                    // The payload ends where the receiver stopped.
                    let piece =
                        Piece { kind, place: Place::Buffer, start: to - payload.len(), end: to, last };
                    Some(Step::Data(piece))
                }
            }
            Ok(Some(Found::Event(event))) => {
                let event = event.into_control()?;
                self.0.turn.count_overhead();
                // Before the handler: should it panic, its frame must not be parsed again.
                self.0.read.consume(mem::take(&mut taken));
                if let (Some(timers), None) = (&mut self.0.timers, self.0.protocol.receiver().message_kind())
                {
                    // The time was that of this frame; the next one has its own.
                    timers.message_is_complete();
                }
                if let Event::Pong(payload) = &event {
                    self.pong_arrived(payload);
                }
                let reply = self.0.handlers.as_deref_mut().map_or(Reply::Automatic, |all| all.handle(&event));
                if let (Reply::Automatic, Some(owed)) = (reply, event.owed()) {
                    self.lend();
                    self.0.protocol.answer(owed);
                }
                if matches!(event, Event::Close(_)) {
                    self.note_closing();
                }
                match event {
                    Event::Ping(payload) => Some(Step::Control(Message::Ping(payload))),
                    Event::Pong(payload) => Some(Step::Control(Message::Pong(payload))),
                    _ => None,
                }
            }
            Err(violation) => {
                self.begin_failed(violation);
                None
            }
        };
        self.0.read.consume(taken);
        if let (true, Some(Step::Data(piece)), Want::Message) = (is_plain, &step, want) {
            self.0.read.note(piece.end - piece.start);
        }
        if let Some(Step::Data(Piece { place: Place::Buffer, .. })) = &step {
            // Lent out until the next step.
            return step;
        }
        let closing = self.0.protocol.closing();
        if closing.received().is_some() && closing.sent().is_some() {
            self.begin_closed();
        }
        if self.0.ending.is_begun() {
            self.release_read();
        } else {
            self.release_parsed();
        }
        step
    }

    /// Goes on with bytes that were read to where their message is put together; they end in the frame they are of.
    pub(super) fn parse_direct(&mut self) -> Option<Step> {
        let start = self.0.message.bytes.len() - mem::take(&mut self.0.direct);
        let mut input = &mut self.0.message.bytes[start..];
        let found = self.0.protocol.receive_unanswered(&mut input);
        if let Ok(Some(Event::Data { payload, last, .. })) = &found {
            self.0.stats.count_received(payload.len(), *last);
        }
        match found {
            Ok(Some(Event::Data { kind, last: true, .. })) => {
                self.0.incoming = Incoming::None;
                if let Some(timers) = &mut self.0.timers {
                    timers.message_is_complete();
                }
                let end = self.0.message.bytes.len();
                Some(Step::Data(Piece { kind, place: Place::Message, start: 0, end, last: true }))
            }
            Ok(_) => None,
            Err(violation) => {
                self.fail_reading(violation);
                None
            }
        }
    }

    /// Goes on with the last `count` bytes in the buffer of the caller, which were read straight to it.
    pub(super) fn parse_in_place(&mut self, dst: &mut ReadBuf<'_>, count: usize) -> Option<Step> {
        let start = dst.filled().len() - count;
        let mut input = &mut dst.filled_mut()[start..];
        match self.0.protocol.receive_unanswered(&mut input) {
            Ok(Some(Event::Data { kind, payload, last, .. })) => {
                self.0.stats.count_received(payload.len(), last);
                if let Some(timers) = self.0.timers.as_deref_mut().filter(|_| last) {
                    timers.message_is_complete();
                }
                return Some(Step::Data(Piece { kind, place: Place::Caller, start: 0, end: 0, last }));
            }
            Ok(_) => {}
            Err(violation) => self.fail_reading(violation),
        }
        dst.set_filled(start);
        None
    }
}

impl<S> Conn<S> {
    /// A message that was received, to keep.
    pub(super) fn take_message(&mut self, piece: Piece) -> Message {
        let data = match piece.place {
            Place::Buffer if piece.end - piece.start < LARGE => {
                let message = copy(piece.kind, self.0.read.parsed(piece.start, piece.end));
                // At once, not when the next read waits: an application may take its time with the message.
                self.release_parsed();
                return message;
            }
            Place::Buffer => {
                let data = self.0.read.take(piece.start, piece.end, &self.0.settings.pool);
                self.release_parsed();
                data
            }
            Place::Message | Place::Caller => self.0.message.take(),
        };
        match piece.kind {
            MessageKind::Text => Message::Text(Utf8Bytes::from_validated(data)),
            MessageKind::Binary => Message::Binary(data),
        }
    }

    /// The bytes of a piece, as long as nothing is read.
    pub(super) fn piece(&self, piece: Piece) -> &[u8] {
        match piece.place {
            Place::Buffer => self.0.read.parsed(piece.start, piece.end),
            Place::Message => &self.0.message.bytes[piece.start..piece.end],
            Place::Caller => &[],
        }
    }

    /// Fails the connection for a reason other than its bytes.
    pub(super) fn fail(&mut self, violation: Violation) {
        self.0.protocol.fail(violation);
        self.fail_reading(violation);
    }

    /// Fails the connection because of what was read.
    pub(super) fn fail_reading(&mut self, violation: Violation) {
        self.begin_failed(violation);
        self.release_read();
    }

    /// Copies what fits of the piece at hand.
    pub(super) fn give_out(&mut self, mut piece: Piece, dst: &mut ReadBuf<'_>) {
        let bytes = self.piece(piece);
        let count = dst.remaining().min(bytes.len());
        dst.put_slice(&bytes[..count]);
        piece.start += count;
        self.0.incoming = Incoming::Pieces(piece);
        if piece.start == piece.end {
            self.return_piece(piece);
        }
    }

    /// Gives the memory of a piece back that is not needed any more.
    pub(super) fn return_piece(&mut self, piece: Piece) {
        match piece.place {
            Place::Buffer => self.release_parsed(),
            Place::Message => self.0.message.free(),
            Place::Caller => {}
        }
    }

    /// Skips what is left of a message that is given out in pieces, and forgets one that was lent out.
    pub(super) fn leave_message(&mut self) {
        match self.0.incoming {
            Incoming::Whole(_) => return,
            Incoming::Pieces(Piece { last: false, .. }) => self.0.incoming = Incoming::Skipped,
            Incoming::Pieces(_) => self.0.incoming = Incoming::None,
            Incoming::None | Incoming::Skipped => {}
        }
        self.0.message.clear();
    }

    /// Skips whatever message has begun to arrive, for one who waits for the end. What the other half has in hand and is
    /// complete stays with it.
    pub(super) fn drop_message(&mut self, by: Waiter) {
        if by == Waiter::Writer && self.set_aside() {
            return;
        }
        self.leave_message();
        if matches!(self.0.incoming, Incoming::Whole(_)) {
            self.0.incoming = Incoming::Skipped;
        }
    }

    /// Puts the last piece of a message where nothing that is read overwrites it. Whether there is one.
    fn set_aside(&mut self) -> bool {
        let Incoming::Pieces(piece @ Piece { kind, last: true, .. }) = self.0.incoming else { return false };
        if piece.place == Place::Buffer && piece.start < piece.end {
            self.0.message.bytes = self.0.read.parsed(piece.start, piece.end).to_vec();
            let end = self.0.message.bytes.len();
            self.0.incoming =
                Incoming::Pieces(Piece { kind, place: Place::Message, start: 0, end, last: true });
        }
        true
    }

    /// Whether bytes of the read buffer are still to be given out.
    pub(super) fn is_lent(&self) -> bool {
        matches!(&self.0.incoming, Incoming::Pieces(piece) if piece.place == Place::Buffer && piece.start < piece.end)
    }

    /// Gives the read buffer back if all of it is parsed.
    #[inline]
    pub(super) fn release_parsed(&mut self) {
        if self.0.read.is_empty() {
            self.0.read.release(&self.0.settings.pool);
        }
    }

    /// Forgets what was read.
    pub(super) fn release_read(&mut self) {
        let keeps = self.set_aside();
        self.0.read.release(&self.0.settings.pool);
        self.0.direct = 0;
        if keeps {
            return;
        }
        self.0.message.free();
        if !matches!(self.0.incoming, Incoming::None) {
            self.0.incoming = Incoming::Skipped;
        }
    }

    /// Makes sure that there are masking keys for what reading may have to answer.
    pub(super) fn ensure_keys(&mut self) -> bool {
        if self.role() == Role::Client {
            if let Err(error) = Keys::ensure() {
                self.lose(Some(error));
                return false;
            }
        }
        true
    }
}

/// A copy of a message that was received, and validated if it is text.
#[inline]
fn copy(kind: MessageKind, data: &[u8]) -> Message {
    match kind {
        MessageKind::Text => Message::Text(Utf8Bytes::copy_validated(data)),
        MessageKind::Binary => Message::Binary(Bytes::copy_from_slice(data)),
    }
}
