//! A message that is queued as it is.

use super::{ShortFrame, short_frame::short_payload};
#[cfg(feature = "io")]
use crate::text::INLINE;
use crate::{Message, frame::MaskingKey};

/// A short message that waits as it is: alone in the queue, it is encoded when it is written, without a buffer.
#[derive(Debug)]
pub(crate) struct Held {
    message: Message,
    mask: Option<MaskingKey>,
}

impl Held {
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn new(message: Message, mask: Option<MaskingKey>) -> Self {
        Self { message, mask }
    }

    /// The size of the header before so many bytes.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(super) fn header_len(&self, len: usize) -> usize {
        2 + 2 * usize::from(len > 125) + 4 * usize::from(self.mask.is_some())
    }

    /// Text that lies in its value, with what lies behind it, and its size, unless it is to be masked.
    #[cfg(feature = "io")]
    #[inline(always)]
    pub(crate) fn inline(&self) -> Option<(&[u8; INLINE], usize)> {
        match (&self.message, self.mask) {
            (Message::Text(text), None) => text.inline(),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn frame(&self) -> Option<ShortFrame<'_>> {
        let (kind, payload) = short_payload(&self.message)?;
        Some(ShortFrame::new(kind, payload, self.mask))
    }
}
