//! The sending half: messages in, frames out (RFC 6455, sections 5 and 6.1).

#[cfg(feature = "deflate")]
mod compressing;

use bytes::Bytes;

#[cfg(feature = "io")]
use super::{Held, ShortFrame, long_way, short_frame::short_payload};
use super::{Outbox, Owed};
#[cfg(feature = "io")]
use crate::text::INLINE;
use crate::{
    CloseFrame, Message, MessageKind, PreparedMessage, Role, UsageError, Violation,
    frame::{FrameHeader, MAX_CONTROL_PAYLOAD, MaskingKey, Opcode},
};

/// Where masking keys come from: a cryptographically secure generator, and a fresh key for every frame
/// (RFC 6455, 5.3 and 10.3). Only clients ask for any.
pub trait MaskSource {
    /// The key of the next frame.
    fn masking_key(&mut self) -> MaskingKey;
}

impl<F: FnMut() -> MaskingKey> MaskSource for F {
    fn masking_key(&mut self) -> MaskingKey {
        self()
    }
}

/// Turns messages into frames in an [`Outbox`].
///
/// Encoding never waits: after an error nothing was queued, otherwise the frame was queued whole.
#[derive(Debug)]
pub struct Sender {
    role: Role,
    outbox: Outbox,
    /// The kind of a fragmented message that is not finished.
    open: Option<MessageKind>,
    close_sent: bool,
    /// The peer broke a rule.
    failed: bool,
    /// The transport takes nothing any more.
    stopped: bool,
    /// No payload is queued by reference, whatever its size.
    coalesce: bool,
    /// The answer to the latest ping, while the peer does not read what is queued. Boxed: that is rare.
    late_pong: Option<Box<Bytes>>,
    #[cfg(feature = "deflate")]
    deflate: Option<Box<compressing::Deflating>>,
}

impl Sender {
    /// A sender for one end of a connection.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            outbox: Outbox::default(),
            open: None,
            close_sent: false,
            failed: false,
            stopped: false,
            coalesce: false,
            late_pong: None,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// Copies every payload behind its header, for transports that cannot write several pieces at once.
    pub fn coalesce(&mut self) {
        self.coalesce = true;
    }

    /// What waits to be written.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What waits to be written, to take it away.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Forgets what waits, and queues nothing more of what is owed to the peer: the transport takes nothing any more.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.late_pong = None;
        #[cfg(feature = "deflate")]
        {
            self.deflate = None;
        }
        self.outbox.clear();
    }

    /// Whether anything waits to be written: encoded bytes, or a pong that waits for room among them.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        !self.outbox.is_empty() || self.late_pong.is_some()
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether the peer broke a rule.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether the close frame was queued; nothing can be sent after it.
    #[must_use]
    pub fn is_close_sent(&self) -> bool {
        self.close_sent
    }

    /// Queues a message or control frame as one frame.
    ///
    /// # Errors
    /// [`UsageError`] when the state or a rule about the payload forbids it; nothing is queued then.
    #[inline]
    pub fn send(&mut self, message: Message, keys: &mut impl MaskSource) -> Result<(), UsageError> {
        match message {
            Message::Text(text) => self.message(MessageKind::Text, text, keys),
            Message::Binary(data) => self.message(MessageKind::Binary, data, keys),
            Message::Ping(payload) => self.control(Opcode::PING, &payload, keys),
            Message::Pong(payload) => self.control(Opcode::PONG, &payload, keys),
            Message::Close(frame) => self.close(frame.as_ref(), keys),
        }
    }

    /// Queues a message as a [`ShortFrame`]. The size of its payload if it did.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn send_short(&mut self, message: &Message, keys: &mut impl MaskSource) -> Option<usize> {
        if !self.sends_as_it_is() {
            return long_way();
        }
        let (kind, payload) = short_payload(message)?;
        let frame = ShortFrame::new(kind, payload, self.mask(keys));
        if self.outbox.push_short(&frame) { Some(payload.len()) } else { long_way() }
    }

    /// Takes a message of at most `most` bytes as it is, if nothing waits: it is encoded when it is written, or when something is
    /// queued behind it. The size of its payload if it did.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn hold_short(
        &mut self,
        message: &mut Option<Message>,
        most: usize,
        keys: &mut impl MaskSource,
    ) -> Option<usize> {
        if !self.sends_as_it_is() || !self.outbox.is_empty() || !self.outbox.needs_buffer() {
            return long_way();
        }
        let len = short_payload(message.as_ref()?)?.1.len();
        if len > most {
            return None;
        }
        let mask = self.mask(keys);
        self.outbox.hold(Held::new(message.take()?, mask), len);
        Some(len)
    }

    /// As [`send_short`](Self::send_short), of text that lies in its value.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn send_inline(&mut self, text: &crate::Utf8Bytes) -> Option<usize> {
        let (bytes, len) = self.inline_payload(text)?;
        if self.outbox.push_inline(bytes, len) { Some(len) } else { long_way() }
    }

    /// The payload of text that lies in its value, with what lies behind it, and its size, where a frame of these two bytes
    /// before it is all that is made of it: FIN and text, and the size.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn inline_payload<'t>(&self, text: &'t crate::Utf8Bytes) -> Option<(&'t [u8; INLINE], usize)> {
        let Some(payload) = text.inline() else { return long_way() };
        if self.role == Role::Server && self.sends_as_it_is() { Some(payload) } else { long_way() }
    }

    /// Gives a message of at most `most` bytes as one frame, where nothing has to be looked at but that: most of what is sent, in
    /// most programs. `None` for everything else, which is left to [`send`](Self::send); it knows all the rules.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn encode_short<'m>(
        &self,
        message: &'m Message,
        most: usize,
        keys: &mut impl MaskSource,
    ) -> Option<ShortFrame<'m>> {
        if !self.sends_as_it_is() {
            return long_way();
        }
        let (kind, payload) = short_payload(message)?;
        if payload.len() > most { long_way() } else { Some(ShortFrame::new(kind, payload, self.mask(keys))) }
    }

    /// 5.1: a client masks all frames, a server none.
    #[inline(always)]
    fn mask(&self, keys: &mut impl MaskSource) -> Option<MaskingKey> {
        match self.role {
            Role::Client => Some(keys.masking_key()),
            Role::Server => None,
        }
    }

    /// Whether nothing stands before a message, and nothing is made of it.
    #[cfg(feature = "io")]
    #[inline]
    fn sends_as_it_is(&self) -> bool {
        #[cfg(feature = "deflate")]
        if self.deflate.is_some() {
            return false;
        }
        !self.close_sent && self.open.is_none()
    }

    /// Queues a data message that was encoded before. A server's frame is taken as it is; a client masks it anew (5.3).
    ///
    /// # Errors
    /// As [`send`](Self::send). Control frames are left to `send`.
    pub fn send_prepared(
        &mut self,
        message: &PreparedMessage,
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        let Some(kind) = message.kind() else { return self.send(message.message().clone(), keys) };
        self.check_message()?;
        #[cfg(feature = "deflate")]
        if self.compress_prepared(message, keys) {
            return Ok(());
        }
        if self.role == Role::Client {
            self.frame(kind.opcode(), message.message().clone().into_data(), keys);
            return Ok(());
        }
        let frame = message.server_frame();
        if self.is_shared(frame.len()) {
            self.outbox.push_shared(frame.clone());
        } else {
            self.outbox.push(frame);
        }
        Ok(())
    }

    /// Queues one fragment of a message; the first names the kind, `fin` ends the message (5.4).
    ///
    /// The fragments of a text must be UTF-8 together (5.6); a fragment may end inside a character. That is the caller's
    /// to see to: a peer fails the connection otherwise.
    ///
    /// # Errors
    /// [`UsageError::MessageOpen`] when a message of the other kind is not finished, [`UsageError::CloseSent`] after the
    /// close frame. Nothing is queued then.
    pub fn send_fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        self.send_piece(kind, payload, fin, None, keys)
    }

    /// As [`send_fragment`](Self::send_fragment), but what a compressor holds back may be less than `fragment` bytes, and then
    /// nothing is queued. Nothing is held back without such a bound, and at the end of the message.
    pub(crate) fn send_piece(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
        #[cfg_attr(not(feature = "deflate"), expect(unused_variables, reason = "for a compressor"))]
        fragment: Option<usize>,
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        self.check_open()?;
        let opcode = match self.open {
            Some(open) if open == kind => Opcode::CONTINUATION,
            Some(_) => return Err(UsageError::MessageOpen),
            None => kind.opcode(),
        };
        #[cfg(feature = "deflate")]
        if self.open.is_none() {
            if fin && self.compress(kind, payload, keys) {
                return Ok(());
            }
            if !fin {
                self.begin_compressed();
            }
        }
        self.open = (!fin).then_some(kind);
        #[cfg(feature = "deflate")]
        if self.compress_piece(kind, payload, fin, fragment, keys) {
            return Ok(());
        }
        let header = self.header(opcode, fin, payload.len(), keys);
        self.outbox.push_frame(&header.encode(), payload, header.mask);
        Ok(())
    }

    /// Queues what is owed to the peer.
    ///
    /// Pongs are queued while the peer reads. Once it does not, only the answer to the latest ping is kept (5.5.3), so
    /// that a flood of pings takes no memory.
    pub fn settle(&mut self, owed: Owed, keys: &mut impl MaskSource) {
        if self.close_sent || self.stopped {
            return;
        }
        match owed {
            Owed::Pong(payload) if self.outbox.len() < LATE => self.queue(Opcode::PONG, &payload, keys),
            Owed::Pong(payload) => self.late_pong = Some(Box::new(payload)),
            // 5.5.1: an endpoint typically echoes the code. The reason is not sent back.
            Owed::Close(code) => self.queue_close(code.map(CloseFrame::from).as_ref(), keys),
        }
    }

    /// Queues the close frame that fails the connection, unless one was sent (7.1.7).
    pub fn fail(&mut self, violation: Violation, keys: &mut impl MaskSource) {
        self.failed = true;
        if !self.close_sent && !self.stopped {
            self.queue_close(Some(&violation.close_code().into()), keys);
        }
    }

    /// Queues the pong that waits for room, if there is room now. Drivers call it before they write.
    pub fn settle_late(&mut self, keys: &mut impl MaskSource) {
        if self.late_pong.is_some() && self.outbox.len() < LATE {
            if let Some(payload) = self.late_pong.take() {
                self.queue(Opcode::PONG, &payload, keys);
            }
        }
    }

    /// A data message as a single frame.
    #[inline]
    fn message(
        &mut self,
        kind: MessageKind,
        payload: impl AsRef<[u8]> + Into<Bytes>,
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        self.check_message()?;
        #[cfg(feature = "deflate")]
        if self.deflate.is_some() && self.compress(kind, payload.as_ref(), keys) {
            return Ok(());
        }
        self.frame(kind.opcode(), payload, keys);
        Ok(())
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        keys: &mut impl MaskSource,
    ) -> Result<(), UsageError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(UsageError::ControlTooLong);
        }
        self.queue(opcode, payload, keys);
        Ok(())
    }

    fn close(&mut self, frame: Option<&CloseFrame>, keys: &mut impl MaskSource) -> Result<(), UsageError> {
        self.check_open()?;
        if let Some(frame) = frame {
            frame.check_sendable()?;
        }
        self.queue_close(frame, keys);
        Ok(())
    }

    /// Whether a new data message may begin.
    ///
    /// # Errors
    /// [`UsageError::CloseSent`] after the close frame, [`UsageError::MessageOpen`] inside a fragmented message.
    pub fn check_message(&self) -> Result<(), UsageError> {
        self.check_open()?;
        // 5.4: the fragments of one message are not interleaved with another message.
        if self.open.is_some() { Err(UsageError::MessageOpen) } else { Ok(()) }
    }

    fn check_open(&self) -> Result<(), UsageError> {
        if self.close_sent {
            // 5.5.1: no more data frames after a close frame. Control frames after it would help no one either.
            return Err(UsageError::CloseSent);
        }
        Ok(())
    }

    fn queue_close(&mut self, frame: Option<&CloseFrame>, keys: &mut impl MaskSource) {
        // Two bytes of code and the reason: within the limit, or the frame was refused.
        let mut payload = [0; MAX_CONTROL_PAYLOAD];
        let mut len = 0;
        if let Some(frame) = frame {
            let reason = frame.reason.as_bytes();
            len = 2 + reason.len();
            payload[..2].copy_from_slice(&frame.code.as_u16().to_be_bytes());
            payload[2..len].copy_from_slice(reason);
        }
        self.queue(Opcode::CLOSE, &payload[..len], keys);
        self.close_sent = true;
        self.late_pong = None;
    }

    /// Queues a control frame.
    fn queue(&mut self, opcode: Opcode, payload: &[u8], keys: &mut impl MaskSource) {
        let header = self.header(opcode, true, payload.len(), keys);
        self.outbox.push_frame(&header.encode(), payload, header.mask);
    }

    /// Queues a message as one frame. Its payload is shared if it is large and need not be masked.
    fn frame(&mut self, opcode: Opcode, payload: impl AsRef<[u8]> + Into<Bytes>, keys: &mut impl MaskSource) {
        let bytes = payload.as_ref();
        let header = self.header(opcode, true, bytes.len(), keys);
        if header.mask.is_none() && self.is_shared(bytes.len()) {
            self.outbox.push(&header.encode());
            self.outbox.push_shared(payload.into());
        } else {
            self.outbox.push_frame(&header.encode(), bytes, header.mask);
        }
    }

    /// Whether so many bytes are queued by reference.
    fn is_shared(&self, len: usize) -> bool {
        len >= SHARE_FROM && !self.coalesce
    }

    fn header(&self, opcode: Opcode, fin: bool, len: usize, keys: &mut impl MaskSource) -> FrameHeader {
        FrameHeader { fin, mask: self.mask(keys), ..FrameHeader::new(opcode, len as u64) }
    }
}

/// Payloads from here on cost more to copy than a second piece costs in a vectored write.
pub(super) const SHARE_FROM: usize = 4096;

/// Queued bytes above which pongs wait: some thirty of the largest, more than any honest peer leaves unread.
const LATE: usize = 4096;
