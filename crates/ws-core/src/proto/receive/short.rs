//! The short way: whole messages of one short frame, which most of what arrives is.

use std::mem;

use super::{Receiver, State};
use crate::{
    MessageKind, ProtocolError, Role, Violation,
    config::Limits,
    frame::{MaskingKey, apply_mask, unmask_short},
    proto::long_way,
};

impl Receiver {
    /// Takes a message that is one frame of up to 64 KiB and is there as a whole: most of what arrives, in most programs.
    ///
    /// Nothing is judged here but the text. Whatever is not plainly right is left to [`receive`](Self::receive), which
    /// knows all the rules.
    #[inline(always)]
    pub(in crate::proto) fn short_message<'i>(
        &mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(MessageKind, &'i [u8])>, Violation> {
        let [first, second, ..] = **input else { return Ok(long_way()) };
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return Ok(long_way()),
        };
        if !self.is_at_message() {
            return Ok(long_way());
        }
        // Without the mask bit it is too much.
        let len = usize::from(second ^ 0x80);
        if len >= usize::from(self.short_below) {
            return self.medium_message(kind, second, input);
        }
        if input.len() < 6 + len {
            return Ok(long_way());
        }
        let (frame, rest) = mem::take(input).split_at_mut(6 + len);
        *input = rest;
        let (header, payload) = frame.split_at_mut(6);
        let key = MaskingKey::new([header[2], header[3], header[4], header[5]]);
        if !unmask_short(payload, key) && kind == MessageKind::Text {
            self.whole_text(payload)?;
        }
        self.control_frames = 0;
        Ok(Some((kind, payload)))
    }

    /// Whether what comes next is the first frame of a message, from its first byte on.
    #[inline]
    fn is_at_message(&self) -> bool {
        self.header_len == 0 && self.message.is_none() && matches!(self.state, State::Header)
    }

    /// As [`short_message`](Self::short_message), whatever its size and role.
    #[inline(always)]
    fn medium_message<'i>(
        &mut self,
        kind: MessageKind,
        second: u8,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(MessageKind, &'i [u8])>, Violation> {
        let (len, start) = match (second & 0x7F, &input[2..]) {
            (len @ 0..=125, _) => (usize::from(len), 2),
            // 5.2: the length is in its shortest form.
            (126, &[a, b, ..]) if [a, b] >= [0, 126] => (usize::from(u16::from_be_bytes([a, b])), 4),
            _ => return Ok(long_way()),
        };
        let (mask_bit, header_len) = match self.role {
            Role::Server => (0x80, start + 4),
            Role::Client => (0, start),
        };
        let end = header_len + len;
        let limits = &self.limits;
        let is_plain =
            second & 0x80 == mask_bit && len as u64 <= limits.max_frame_size.min(limits.max_message_size);
        if !is_plain || input.len() < end {
            return Ok(long_way());
        }
        let (frame, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        let (header, payload) = frame.split_at_mut(header_len);
        let key = header.last_chunk().filter(|_| mask_bit > 0).map(|key| MaskingKey::new(*key));
        let is_ascii = match key {
            Some(key) => {
                apply_mask(payload, key);
                false
            }
            None => len <= SHORT && payload.is_ascii(),
        };
        if kind == MessageKind::Text && !is_ascii {
            self.whole_text(payload)?;
        }
        self.control_frames = 0;
        Ok(Some((kind, payload)))
    }

    #[inline(never)]
    fn whole_text(&mut self, text: &[u8]) -> Result<(), ProtocolError> {
        self.utf8.push(text).and_then(|()| self.utf8.finish()).map_err(|_| ProtocolError::InvalidUtf8)
    }
}

/// The longest payload whose length the second byte of a header holds by itself (5.2).
const SHORT: usize = 125;

/// See [`Receiver::short_below`].
pub(super) fn short_below(role: Role, limits: &Limits) -> u8 {
    let most = limits.max_frame_size.min(limits.max_message_size).min(SHORT as u64);
    match role {
        Role::Server => most as u8 + 1,
        Role::Client => 0,
    }
}
