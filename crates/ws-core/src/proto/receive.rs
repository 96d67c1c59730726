//! The receiving half: frames in, events out (RFC 6455, sections 5 and 6.2).

#[cfg(feature = "deflate")]
mod inflating;
mod short;

use std::mem;

use bytes::Bytes;

use self::short::short_below;
use super::Event;
use crate::{
    CloseFrame, Config, MessageKind, ProtocolError, Role, Violation,
    config::Limits,
    frame::{Expected, FrameHeader, MAX_HEADER_LEN, MaskingKey, Opcode, ReservedBits, apply_mask},
    utf8::Utf8Validator,
};

/// Turns the peer's bytes into events and holds the peer to the rules.
///
/// Everything is consumed as it arrives, a header in its middle too, so a driver never has to keep input for later:
/// between calls the receiver holds at most an unfinished header or control frame. Data is unmasked where it lies, and
/// compressed data is decompressed chunk by chunk, 16 KiB at the most.
#[derive(Debug)]
pub struct Receiver {
    role: Role,
    limits: Limits,
    state: State,
    message: Option<OpenMessage>,
    utf8: Utf8Validator,
    /// The beginning of a header whose end has not arrived.
    header: [u8; MAX_HEADER_LEN],
    header_len: u8,
    /// The beginning of a control frame's payload, if one arrives in pieces.
    #[expect(clippy::box_collection, reason = "every connection has room for it, and few ever need it")]
    control: Option<Box<Vec<u8>>>,
    control_frames: u32,
    /// Masked payloads below this size take the shortest way; none of what a client receives.
    short_below: u8,
    #[cfg(feature = "deflate")]
    inflating: Option<Box<inflating::Inflating>>,
}

/// What was found in the input. Decompressed data is in the receiver, not in the input.
#[derive(Debug)]
pub(crate) enum Found<'i> {
    Event(Event<'i>),
    #[cfg(feature = "deflate")]
    Inflated {
        kind: MessageKind,
        first: bool,
        last: bool,
    },
}

impl<'i> Found<'i> {
    pub(super) fn as_event(&self) -> Option<&Event<'i>> {
        match self {
            Self::Event(event) => Some(event),
            #[cfg(feature = "deflate")]
            Self::Inflated { .. } => None,
        }
    }
}

#[derive(Debug)]
enum State {
    /// At a header.
    Header,
    /// In the payload of a data frame.
    Data { fin: bool, payload: Payload },
    /// In the payload of a control frame.
    Control { opcode: Opcode, payload: Payload },
    /// After the peer's close frame or a violation: whatever comes is ignored.
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Payload {
    mask: Option<MaskingKey>,
    remaining: u64,
}

#[derive(Debug)]
struct OpenMessage {
    kind: MessageKind,
    /// Bytes that the headers so far have announced; never over the limit.
    announced: u64,
    fragments: u32,
    /// No event was given for it yet.
    fresh: bool,
    /// RFC 7692, 6: RSV1 of its first frame. Never set without the extension.
    compressed: bool,
}

impl Receiver {
    /// A receiver for one end of a connection.
    #[must_use]
    pub fn new(role: Role, config: &Config) -> Self {
        let limits = config.limits(role);
        Self {
            role,
            short_below: short_below(role, &limits),
            limits,
            state: State::Header,
            message: None,
            utf8: Utf8Validator::new(),
            header: [0; MAX_HEADER_LEN],
            header_len: 0,
            control: None,
            control_frames: 0,
            #[cfg(feature = "deflate")]
            inflating: None,
        }
    }

    /// Takes bytes from the front of `input` up to the next event.
    ///
    /// `None` means that all of `input` was taken and more is needed. After the peer's close frame and after a violation
    /// everything is taken and ignored. What an event leaves of `input` has to be at its front in the next call, even if that
    /// is nothing: of a compressed message there may be more to tell.
    ///
    /// # Errors
    /// The rule that the peer broke; the connection must be failed with its [close code](Violation::close_code).
    pub fn receive<'e, 'i: 'e>(
        &'e mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'e>>, Violation> {
        loop {
            let found = self.find(input)?;
            if found.is_some() || input.is_empty() {
                return Ok(found.map(|found| self.event(found)));
            }
        }
    }

    /// As [`receive`](Self::receive), without a hold on the receiver. `None` if some input was taken and the rest could take
    /// long, too: there is work for another call.
    pub(crate) fn find<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Found<'i>>, Violation> {
        self.next_found(input).inspect_err(|_| self.stop())
    }

    /// What was found last, with its payload.
    pub(super) fn event<'e, 'i: 'e>(&'e self, found: Found<'i>) -> Event<'e> {
        match found {
            Found::Event(event) => event,
            #[cfg(feature = "deflate")]
            Found::Inflated { kind, first, last } => {
                Event::Data { kind, payload: self.inflated(), first, last }
            }
        }
    }

    /// How many bytes of the current data frame have not arrived; `None` outside of one.
    ///
    /// Of a compressed message, this says nothing. A driver may read that many bytes straight to where the message is put together, and hand them to
    /// [`receive`](Self::receive) there.
    #[must_use]
    pub fn data_remaining(&self) -> Option<u64> {
        match &self.state {
            State::Data { payload, .. } if !self.is_compressed() => Some(payload.remaining),
            State::Data { .. } | State::Header | State::Control { .. } | State::Done => None,
        }
    }

    /// Whether the current data frame ends its message, so that [`data_remaining`](Self::data_remaining) is all that is
    /// to come.
    #[must_use]
    pub fn in_final_frame(&self) -> bool {
        matches!(self.state, State::Data { fin: true, .. }) && !self.is_compressed()
    }

    /// Tells the receiver that the transport had no more bytes. Control frames are counted anew from here.
    pub fn caught_up(&mut self) {
        self.control_frames = 0;
    }

    /// The bytes of a header that has only begun to arrive.
    #[must_use]
    pub fn partial_header(&self) -> &[u8] {
        &self.header[..usize::from(self.header_len)]
    }

    /// The kind of the message that has begun to arrive and is not complete.
    #[must_use]
    pub fn message_kind(&self) -> Option<MessageKind> {
        self.message.as_ref().map(|message| message.kind)
    }

    /// Whether a message or frame has arrived in part.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.message.is_some() || self.header_len > 0 || matches!(self.state, State::Control { .. })
    }

    /// The largest message that is accepted.
    #[cfg(feature = "io")]
    pub(crate) fn max_message_size(&self) -> u64 {
        self.limits.max_message_size
    }

    /// Changes the largest message that is accepted; see
    /// [`Protocol::set_max_message_size`](super::Protocol::set_max_message_size).
    pub(super) fn set_max_message_size(&mut self, limit: Option<u64>) {
        let limit = limit.unwrap_or(u64::MAX);
        let limits = &mut self.limits;
        // A frame limit of its own stays; one that follows the message limit goes on following it.
        if limits.max_frame_size == limits.max_message_size {
            limits.max_frame_size = limit;
        }
        limits.max_message_size = limit;
        if limits.fragments_follow {
            limits.max_fragments = Limits::fragments(limit);
        }
        self.short_below = short_below(self.role, limits);
    }

    /// Whether compressed data comes next.
    #[cfg(feature = "deflate")]
    fn is_in_compressed_data(&self) -> bool {
        self.is_compressed() && matches!(self.state, State::Data { .. })
    }

    /// Whether the message that has begun to arrive is compressed.
    fn is_compressed(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.compressed)
    }

    /// Ignores whatever comes from now on.
    #[cold]
    pub(super) fn stop(&mut self) {
        self.state = State::Done;
        #[cfg(feature = "deflate")]
        {
            self.inflating = None;
        }
    }

    fn next_found<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Found<'i>>, Violation> {
        #[cfg(feature = "deflate")]
        if self.inflating.is_some() {
            self.release_inflated();
        }
        loop {
            #[cfg(feature = "deflate")]
            if self.inflating.is_some() && self.is_in_compressed_data() {
                let found = self.inflate(input)?;
                if found.is_some() || matches!(self.state, State::Data { .. }) {
                    return Ok(found);
                }
            }
            match &mut self.state {
                State::Header => {
                    if let Some((kind, payload)) = self.short_message(input)? {
                        let event = Event::Data { kind, payload, first: true, last: true };
                        return Ok(Some(Found::Event(event)));
                    }
                    let Some(header) = self.take_header(input)? else { return Ok(None) };
                    self.begin_frame(&header)?;
                }
                State::Data { fin, payload } => {
                    if input.is_empty() && payload.remaining > 0 {
                        return Ok(None);
                    }
                    let bytes = payload.take(input);
                    let last = *fin && payload.remaining == 0;
                    if payload.remaining == 0 {
                        self.state = State::Header;
                    }
                    if let Some((kind, first)) = self.data(bytes, last)? {
                        let event = Event::Data { kind, payload: bytes, first, last };
                        return Ok(Some(Found::Event(event)));
                    }
                }
                State::Control { opcode, payload } => {
                    let opcode = *opcode;
                    let bytes = payload.take(input);
                    if payload.remaining > 0 {
                        self.control.get_or_insert_default().extend_from_slice(bytes);
                        return Ok(None);
                    }
                    self.state = State::Header;
                    let Some(mut whole) = self.control.take() else {
                        return self.control(opcode, bytes).map(|event| Some(Found::Event(event)));
                    };
                    whole.extend_from_slice(bytes);
                    return self.control(opcode, &whole).map(|event| Some(Found::Event(event)));
                }
                State::Done => {
                    *input = &mut [];
                    return Ok(None);
                }
            }
        }
    }

    /// Takes a header from the front of the input, once it is there.
    fn take_header(&mut self, input: &mut &mut [u8]) -> Result<Option<FrameHeader>, Violation> {
        if self.header_len == 0 {
            if let [first, second, ..] = **input {
                self.check_start([first, second])?;
                if let Some((header, len)) = FrameHeader::decode(input)? {
                    *input = &mut mem::take(input)[len..];
                    return Ok(Some(header));
                }
            }
        }
        // A header in pieces: keep its bytes until it is whole.
        loop {
            let Some((byte, rest)) = mem::take(input).split_first_mut() else { return Ok(None) };
            *input = rest;
            let len = usize::from(self.header_len) + 1;
            self.header[len - 1] = *byte;
            self.header_len += 1;
            if len == 2 {
                self.check_start([self.header[0], self.header[1]])?;
            }
            if len < 2 {
                continue;
            }
            if let Some((header, _)) = FrameHeader::decode(&self.header[..len])? {
                self.header_len = 0;
                return Ok(Some(header));
            }
        }
    }

    /// Checks all that the first two bytes of a frame tell.
    fn check_start(&self, start: [u8; 2]) -> Result<(), ProtocolError> {
        let masked = match self.role {
            // With a mask or without one.
            Role::Server if self.limits.accept_unmasked_frames => None,
            role => Some(role == Role::Server),
        };
        let is_open = self.message.is_some();
        Expected { masked, reserved: self.reserved(is_open), is_open }.check(start)
    }

    /// RFC 7692, 6: RSV1 tells of the first frame of a message that it is compressed, and is set on no other.
    #[cfg(feature = "deflate")]
    fn reserved(&self, is_open: bool) -> ReservedBits {
        if self.inflating.is_some() && !is_open { ReservedBits::RSV1 } else { ReservedBits::NONE }
    }

    #[cfg(not(feature = "deflate"))]
    #[expect(clippy::unused_self, reason = "a build with deflate looks at it")]
    fn reserved(&self, _is_open: bool) -> ReservedBits {
        ReservedBits::NONE
    }

    /// Applies the limits to a header and goes to its payload.
    fn begin_frame(&mut self, header: &FrameHeader) -> Result<(), Violation> {
        let payload = Payload { mask: header.mask, remaining: header.payload_len };
        if header.opcode.is_control() {
            self.control_frames += 1;
            if self.control_frames > self.limits.max_control_frames {
                return Err(ProtocolError::TooManyControlFrames.into());
            }
            self.state = State::Control { opcode: header.opcode, payload };
            return Ok(());
        }
        let message = self.message.get_or_insert_with(|| OpenMessage {
            kind: if header.opcode == Opcode::TEXT { MessageKind::Text } else { MessageKind::Binary },
            announced: 0,
            fragments: 0,
            fresh: true,
            compressed: !header.reserved.is_empty(),
        });
        let Limits { max_frame_size, max_message_size, .. } = self.limits;
        let follows = max_frame_size == max_message_size;
        let is_compressed = message.compressed;
        let on_wire = |limit: u64| if is_compressed { compressed_limit(limit) } else { limit };
        if header.payload_len > if follows { on_wire(max_frame_size) } else { max_frame_size } {
            return Err(Violation::TooBig { limit: max_frame_size });
        }
        // What was announced is within the limit, unless the limit was lowered since.
        if header.payload_len > on_wire(max_message_size).saturating_sub(message.announced) {
            return Err(Violation::TooBig { limit: max_message_size });
        }
        if self.limits.max_fragments.is_some_and(|limit| message.fragments >= limit) {
            return Err(ProtocolError::TooManyFragments.into());
        }
        message.announced = message.announced.saturating_add(header.payload_len);
        message.fragments = message.fragments.saturating_add(1);
        self.state = State::Data { fin: header.fin, payload };
        Ok(())
    }

    /// Takes note of bytes of the open message. Its kind and whether it begins with them, unless there is nothing to tell.
    fn data(&mut self, payload: &[u8], last: bool) -> Result<Option<(MessageKind, bool)>, Violation> {
        // A data frame is only begun with a message open.
        let Some(message) = &mut self.message else { return Ok(None) };
        let told = message.data(payload, last, &mut self.utf8)?;
        if last || !payload.is_empty() {
            // Empty fragments are counted themselves, and must not let control frames through without end.
            self.control_frames = 0;
        }
        if last {
            self.message = None;
        }
        Ok(told)
    }

    /// The event for a whole control frame.
    fn control<'i>(&mut self, opcode: Opcode, payload: &[u8]) -> Result<Event<'i>, Violation> {
        Ok(match opcode {
            Opcode::PING => Event::Ping(Bytes::copy_from_slice(payload)),
            Opcode::PONG => Event::Pong(Bytes::copy_from_slice(payload)),
            // `check_start` lets no other control frame pass.
            _ => {
                let frame = CloseFrame::parse(payload)?;
                // 5.5.1 and 1.4: whatever follows a close frame is ignored.
                self.state = State::Done;
                Event::Close(frame)
            }
        })
    }
}

impl OpenMessage {
    /// Takes note of its next bytes, and validates them if it is text.
    fn data(
        &mut self,
        payload: &[u8],
        last: bool,
        utf8: &mut Utf8Validator,
    ) -> Result<Option<(MessageKind, bool)>, ProtocolError> {
        let first = mem::take(&mut self.fresh);
        if self.kind == MessageKind::Text {
            // 8.1: checked as the bytes arrive, so that a bad byte fails the connection in the middle of a frame.
            utf8.push(payload).map_err(|_| ProtocolError::InvalidUtf8)?;
            if last {
                utf8.finish().map_err(|_| ProtocolError::InvalidUtf8)?;
            }
        }
        Ok((first || last || !payload.is_empty()).then_some((self.kind, first)))
    }
}

impl Payload {
    /// Takes what there is of the payload from the front of the input, and unmasks it in place.
    fn take<'i>(&mut self, input: &mut &'i mut [u8]) -> &'i [u8] {
        let count =
            usize::try_from(self.remaining).map_or(input.len(), |remaining| remaining.min(input.len()));
        let (bytes, rest) = mem::take(input).split_at_mut(count);
        *input = rest;
        self.remaining -= count as u64;
        if let Some(key) = self.mask {
            apply_mask(bytes, key);
            self.mask = Some(key.rotated(count));
        }
        bytes
    }
}

/// What a compressed message may have on the wire if it may have so many bytes when it is decompressed. A message that cannot
/// be compressed grows by a few bytes for each of its blocks, by less than an eighth even if a sender does it badly; one that
/// grows by more is made to keep us busy.
const fn compressed_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 8).saturating_add(64)
}
