//! Both halves of a connection joined: what one receives, the other answers.

#[cfg(all(feature = "deflate", feature = "io"))]
use super::Tally;
use super::{Closing, Event, MaskSource, Outbox, Owed, Receiver, Sender, receive::Found};
#[cfg(feature = "io")]
use super::{ShortFrame, long_way};
#[cfg(feature = "io")]
use crate::text::INLINE;
#[cfg(feature = "deflate")]
use crate::{Compression, CompressionLevel, DeflateConfig, NegotiatedDeflate};
use crate::{Config, Message, MessageKind, PreparedMessage, Role, UsageError, Violation};

/// One connection for a driver that holds both directions; see the [module page](super) for how to drive it.
#[derive(Debug)]
pub struct Protocol<K> {
    receiver: Receiver,
    sender: Sender,
    closing: Closing,
    keys: K,
}

impl<K: MaskSource> Protocol<K> {
    /// The state of a connection whose opening handshake is done.
    pub fn new(role: Role, config: &Config, keys: K) -> Self {
        let receiver = Receiver::new(role, config);
        Self { receiver, sender: Sender::new(role), closing: Closing::default(), keys }
    }

    /// Compresses and decompresses messages, as the opening handshake agreed on (RFC 7692).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn with_deflate(mut self, negotiated: NegotiatedDeflate, config: &DeflateConfig) -> Self {
        self.receiver = self.receiver.with_deflate(negotiated, config);
        self.sender = self.sender.with_deflate(negotiated, config);
        self
    }

    /// Takes bytes from the front of `input` up to the next event, and queues what the event obliges to.
    ///
    /// `None` means that all of `input` was taken and more is needed. Data that arrives after this endpoint's close frame
    /// is taken and not told: only the peer's close frame is awaited then.
    ///
    /// # Errors
    /// The rule that the peer broke. The close frame that fails the connection is queued already; everything that
    /// arrives later is ignored.
    pub fn receive<'e, 'i: 'e>(
        &'e mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'e>>, Violation> {
        let Some(found) = self.find_next(input)? else { return Ok(None) };
        if let Some(owed) = found.as_event().and_then(Event::owed) {
            self.answer(owed);
        }
        Ok(Some(self.receiver.event(found)))
    }

    /// As [`receive`](Self::receive), but leaves it to the caller to [`answer`](Self::answer) what the event
    /// [obliges to](Event::owed).
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_unanswered<'e, 'i: 'e>(
        &'e mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'e>>, Violation> {
        let found = self.find_next(input)?;
        Ok(found.map(|found| self.receiver.event(found)))
    }

    /// As [`find`](Self::find), until something is found or all of the input is taken.
    fn find_next<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Found<'i>>, Violation> {
        loop {
            let found = self.find(input)?;
            if found.is_some() || input.is_empty() {
                return Ok(found);
            }
        }
    }

    /// As [`receive_unanswered`](Self::receive_unanswered), without a hold on the receiver. `None` if some input was taken and
    /// the rest could take long, too: there is work for another call.
    pub(crate) fn find<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Found<'i>>, Violation> {
        loop {
            let found = match self.receiver.find(input) {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(None),
                Err(violation) => {
                    self.fail(violation);
                    return Err(violation);
                }
            };
            if let Some(Event::Close(frame)) = found.as_event() {
                self.closing.set_received(frame.clone());
            } else if self.sender.is_close_sent() {
                continue;
            }
            return Ok(Some(found));
        }
    }

    /// Takes a message that is one short frame and is there as a whole, from the front of `input`: a short way to what
    /// [`receive`](Self::receive) gives for it. `None` for anything else, which is left where it is.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn receive_short<'i>(
        &mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(MessageKind, &'i [u8])>, Violation> {
        if self.sender.is_close_sent() {
            return Ok(long_way());
        }
        self.receiver.short_message(input).inspect_err(|violation| self.fail(*violation))
    }

    /// Queues what an event [obliges to](Event::owed): a pong for a ping, a close frame for a close frame.
    ///
    /// An endpoint that leaves a close frame unanswered may still send data. It has to send its close frame itself then.
    pub fn answer(&mut self, owed: Owed) {
        if let Owed::Close(code) = &owed {
            if !self.sender.is_close_sent() {
                self.closing.set_sent(code.map(Into::into));
            }
        }
        self.sender.settle(owed, &mut self.keys);
    }

    /// Fails the connection (7.1.7): queues the close frame that says why, and ignores everything that still arrives.
    pub fn fail(&mut self, violation: Violation) {
        self.receiver.stop();
        let closes = !self.sender.is_close_sent();
        self.sender.fail(violation, &mut self.keys);
        if closes {
            self.closing.set_sent(Some(violation.close_code().into()));
        }
    }

    /// Queues a message or control frame.
    ///
    /// # Errors
    /// [`UsageError`] when the state or a rule about the payload forbids it; nothing is queued then.
    pub fn send(&mut self, message: Message) -> Result<(), UsageError> {
        let close = match &message {
            Message::Close(frame) => Some(frame.clone()),
            _ => None,
        };
        self.sender.send(message, &mut self.keys)?;
        if let Some(frame) = close {
            self.closing.set_sent(frame);
        }
        Ok(())
    }

    /// Queues a message that is one short frame: a short way to what [`send`](Self::send) does with it. The size of its payload
    /// if it did.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn send_short(&mut self, message: &Message) -> Option<usize> {
        self.sender.send_short(message, &mut self.keys)
    }

    /// Takes a message of at most `most` bytes as it is, if nothing waits. The size of its payload if it did.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn hold_short(&mut self, message: &mut Option<Message>, most: usize) -> Option<usize> {
        self.sender.hold_short(message, most, &mut self.keys)
    }

    /// As [`send_short`](Self::send_short), of text that lies in its value.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn send_inline(&mut self, text: &crate::Utf8Bytes) -> Option<usize> {
        self.sender.send_inline(text)
    }

    /// As [`send_inline`](Self::send_inline), but gives the payload.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn inline_payload<'t>(&self, text: &'t crate::Utf8Bytes) -> Option<(&'t [u8; INLINE], usize)> {
        self.sender.inline_payload(text)
    }

    /// As [`send_short`](Self::send_short), but gives the frame instead of queueing it.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn encode_short<'m>(&mut self, message: &'m Message, most: usize) -> Option<ShortFrame<'m>> {
        self.sender.encode_short(message, most, &mut self.keys)
    }

    /// As [`send`](Self::send), with a choice for this message alone. Control frames are never compressed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn send_with(&mut self, message: Message, compression: Compression) -> Result<(), UsageError> {
        let before = self.sender.compression();
        self.sender.set_compression(compression);
        let sent = self.send(message);
        self.sender.set_compression(before);
        sent
    }

    /// Whether the messages from now on are compressed; see [`Sender::set_compression`].
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn set_compression(&mut self, compression: Compression) {
        self.sender.set_compression(compression);
    }

    /// How hard to compress the messages from now on.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn set_compression_level(&mut self, level: CompressionLevel) {
        self.sender.set_compression_level(level);
    }

    /// Queues a message that was encoded before.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), UsageError> {
        if message.kind().is_none() {
            return self.send(message.message().clone());
        }
        self.sender.send_prepared(message, &mut self.keys)
    }

    /// Queues one fragment of a message; see [`Sender::send_fragment`].
    ///
    /// # Errors
    /// As [`Sender::send_fragment`].
    pub fn send_fragment(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), UsageError> {
        self.sender.send_fragment(kind, payload, fin, &mut self.keys)
    }

    /// As [`send_fragment`](Self::send_fragment), for pieces that a compressor may hold back.
    #[cfg(feature = "io")]
    pub(crate) fn send_piece(
        &mut self,
        kind: MessageKind,
        piece: &[u8],
        fin: bool,
        fragment: Option<usize>,
    ) -> Result<(), UsageError> {
        self.sender.send_piece(kind, piece, fin, fragment, &mut self.keys)
    }

    /// What compression came to, received and sent.
    #[cfg(all(feature = "deflate", feature = "io"))]
    pub(crate) fn tallies(&self) -> (Tally, Tally) {
        (self.receiver.tally(), self.sender.tally())
    }

    /// Changes the largest message that is accepted, in bytes; `None` for any size. Frames that are announced from now on
    /// are held to it, those of a message that has begun, too.
    pub fn set_max_message_size(&mut self, limit: Option<u64>) {
        self.receiver.set_max_message_size(limit);
    }

    /// Ends the connection because the transport did: whatever comes or waits is forgotten.
    pub fn stop(&mut self) {
        self.receiver.stop();
        self.sender.stop();
    }

    /// What waits to be written.
    pub fn outbox(&mut self) -> &mut Outbox {
        self.sender.settle_late(&mut self.keys);
        self.sender.outbox_mut()
    }

    /// Whether anything waits to be written.
    pub fn wants_write(&self) -> bool {
        self.sender.wants_write()
    }

    /// Whether there may be more to tell without more input.
    #[cfg(feature = "io")]
    pub(crate) fn is_pending(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.receiver.is_pending();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// Whether so much was decompressed that others should have a turn.
    #[cfg(feature = "io")]
    pub(crate) fn is_tired(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.receiver.is_tired();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// Whether so much was decompressed that a write costs little beside it.
    #[cfg(feature = "io")]
    pub(crate) fn has_inflated(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.receiver.has_inflated();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// Others have had a turn.
    #[cfg(feature = "io")]
    #[cfg_attr(
        not(feature = "deflate"),
        expect(clippy::needless_pass_by_ref_mut, reason = "a build with deflate counts")
    )]
    pub(crate) fn rest(&mut self) {
        #[cfg(feature = "deflate")]
        self.receiver.rest();
    }

    /// Whether a piece of a message was taken and not queued.
    #[cfg(feature = "io")]
    pub(crate) fn holds_back(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.sender.holds_back();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// How many encoded bytes wait to be written.
    pub fn queued(&self) -> usize {
        self.sender.outbox().len()
    }

    /// The close frames so far.
    pub fn closing(&self) -> &Closing {
        &self.closing
    }

    /// Whether the transport's write direction is to be shut down now: all is written, and this endpoint failed the
    /// connection or is the server of a finished closing handshake (7.1.1: the server closes first).
    pub fn wants_shutdown(&self) -> bool {
        let over = self.sender.has_failed() || (self.closing.is_complete() && self.role() == Role::Server);
        over && self.sender.outbox().is_empty()
    }

    /// Tells that the transport had no more bytes: control frames are counted anew from here
    /// ([`Config::max_control_frames`]).
    pub fn caught_up(&mut self) {
        self.receiver.caught_up();
    }

    /// The receiving half.
    #[cfg(any(test, feature = "io"))]
    pub(crate) fn receiver(&mut self) -> &mut Receiver {
        &mut self.receiver
    }

    /// The sending half. What goes through it is not seen by [`closing`](Self::closing).
    #[cfg(feature = "io")]
    pub(crate) fn sender(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// Which end of the connection this is.
    pub fn role(&self) -> Role {
        self.sender.role()
    }
}
