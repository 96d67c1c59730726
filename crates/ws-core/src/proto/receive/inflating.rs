//! The receiving half with permessage-deflate (RFC 7692, 7.2.2).

use std::mem;

use super::{Found, OpenMessage, Payload, Receiver, State};
use crate::{
    DeflateConfig, NegotiatedDeflate, ProtocolError, Violation, deflate::Inflater, frame::apply_mask,
    proto::tally::Tally, utf8::Utf8Validator,
};

/// What decompressing takes.
#[derive(Debug)]
pub(super) struct Inflating {
    inflater: Inflater,
    /// Bytes of the message at hand that were decompressed; never over the limit.
    total: u64,
    /// Bytes at the front of the input that are unmasked and not taken: there may be more than the output has room for, or more
    /// than is decompressed at once.
    unmasked: usize,
    /// What was done since the last rest, in bytes put out.
    effort: usize,
    tally: Tally,
}

impl Receiver {
    /// Accepts compressed messages, as the opening handshake agreed on.
    #[must_use]
    pub fn with_deflate(mut self, negotiated: NegotiatedDeflate, config: &DeflateConfig) -> Self {
        let inflater = negotiated.inflater(self.role, config);
        let (effort, tally) = (0, Tally::default());
        self.inflating = Some(Box::new(Inflating { inflater, total: 0, unmasked: 0, effort, tally }));
        self
    }

    /// Whether there may be more to tell without more input.
    #[cfg(feature = "io")]
    pub(crate) fn is_pending(&self) -> bool {
        self.inflating.as_ref().is_some_and(|inflating| inflating.inflater.is_full())
    }

    /// Whether so much was decompressed that other connections should have a turn, whichever messages it was for.
    #[cfg(feature = "io")]
    pub(crate) fn is_tired(&self) -> bool {
        self.inflating.as_ref().is_some_and(|inflating| inflating.effort >= EFFORT)
    }

    /// Whether so much was decompressed that a write costs little beside it.
    #[cfg(feature = "io")]
    pub(crate) fn has_inflated(&self) -> bool {
        self.inflating.as_ref().is_some_and(|inflating| inflating.effort >= EFFORT / 16)
    }

    /// Others have had a turn.
    #[cfg(feature = "io")]
    pub(crate) fn rest(&mut self) {
        if let Some(inflating) = &mut self.inflating {
            inflating.effort = 0;
        }
    }

    /// What compression came to so far.
    #[cfg(feature = "io")]
    pub(crate) fn tally(&self) -> Tally {
        self.inflating.as_ref().map_or_else(Tally::default, |inflating| inflating.tally)
    }

    /// The output of what was found last.
    pub(crate) fn inflated(&self) -> &[u8] {
        self.inflating.as_ref().map_or(&[], |inflating| inflating.inflater.output())
    }

    /// The output of what was found last is used: gives the memory back that it was in, if its message is complete.
    pub(crate) fn release_inflated(&mut self) {
        if let (None, Some(inflating)) = (&self.message, &mut self.inflating) {
            inflating.inflater.end();
            inflating.total = 0;
        }
    }

    /// Decompresses what there is of a frame, up to one chunk of output. In the state of the data there is nothing more to
    /// tell for now.
    #[inline(never)]
    pub(super) fn inflate<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Found<'i>>, Violation> {
        let State::Data { fin, payload } = &mut self.state else { return Ok(None) };
        let (Some(message), Some(inflating)) = (&mut self.message, &mut self.inflating) else {
            return Ok(None);
        };
        let Inflating { inflater, total, unmasked, effort, tally } = &mut **inflating;
        let bytes = payload.peek(input, unmasked);
        if bytes.is_empty() && payload.remaining > 0 && !inflater.is_full() {
            return Ok(None);
        }
        let ends = *fin && bytes.len() as u64 == payload.remaining;
        let max_message_size = self.limits.max_message_size;
        let Ok(progress) = inflater.inflate(bytes, ends) else {
            // What comes before the fault may be one in itself, and in other cuts it would be seen first.
            let output = inflater.output();
            check_size(message, output, *total, max_message_size, &mut self.utf8)?;
            message.data(output, false, &mut self.utf8)?;
            return Err(ProtocolError::InvalidDeflate.into());
        };
        payload.skip(input, progress.taken);
        *unmasked -= progress.taken;
        let is_over = payload.remaining == 0 && !inflater.is_full();
        if is_over {
            self.state = State::Header;
        }
        let output = inflater.output();
        // What is put out costs least; what is taken may be blocks that put nothing out, and cost a thousand times as much.
        *effort = effort.saturating_add(output.len()).saturating_add(progress.taken.saturating_mul(16));
        tally.add(output.len(), progress.taken, progress.done);
        // Checked chunk by chunk: what is over the limit never takes more memory than a chunk.
        check_size(message, output, *total, max_message_size, &mut self.utf8)?;
        *total = total.saturating_add(output.len() as u64);
        let last = progress.done;
        let told = message.data(output, last, &mut self.utf8)?;
        if last || !output.is_empty() {
            self.control_frames = 0;
        }
        if last {
            self.message = None;
        }
        Ok(told.map(|(kind, first)| Found::Inflated { kind, first, last }))
    }
}

/// Checks that a chunk behind `total` bytes is within the limit. Of one that is not, the text up to the limit is validated first:
/// which of the two it fails for must not depend on how the input was cut.
fn check_size(
    message: &mut OpenMessage,
    chunk: &[u8],
    total: u64,
    limit: u64,
    utf8: &mut Utf8Validator,
) -> Result<(), Violation> {
    let room = usize::try_from(limit.saturating_sub(total)).unwrap_or(usize::MAX);
    if chunk.len() <= room {
        return Ok(());
    }
    message.data(&chunk[..room], false, utf8)?;
    Err(Violation::TooBig { limit })
}

impl Payload {
    /// Unmasks what there is of the payload at the front of the input, but for what an earlier call has, and leaves it there.
    fn peek<'a>(&mut self, input: &'a mut &mut [u8], unmasked: &mut usize) -> &'a [u8] {
        let count =
            usize::try_from(self.remaining).map_or(input.len(), |remaining| remaining.min(input.len()));
        let bytes = &mut input[..count];
        let fresh = &mut bytes[(*unmasked).min(count)..];
        if let Some(key) = self.mask {
            apply_mask(fresh, key);
            self.mask = Some(key.rotated(fresh.len()));
        }
        *unmasked = count;
        bytes
    }

    /// Takes bytes from the front of the input that were unmasked there.
    fn skip(&mut self, input: &mut &mut [u8], count: usize) {
        *input = &mut mem::take(input)[count..];
        self.remaining -= count as u64;
    }
}

/// What is decompressed before other tasks get a turn: about a millisecond of work, and a sixth of a second at the worst.
#[cfg(feature = "io")]
const EFFORT: usize = 1 << 20;
