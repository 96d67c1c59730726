//! A frame that is written as soon as it is there.

use super::{long_way, send::SHARE_FROM};
use crate::{Message, MessageKind, frame::MaskingKey};

/// A whole message in a frame whose payload is copied behind its header.
#[derive(Debug)]
pub(crate) struct ShortFrame<'m> {
    /// A word, of which the front is the header: copied as a word, whatever its length.
    pub(crate) header: [u8; 8],
    pub(crate) header_len: usize,
    pub(crate) payload: &'m [u8],
    /// What the payload is to be masked with once it is copied.
    pub(crate) mask: Option<MaskingKey>,
}

impl<'m> ShortFrame<'m> {
    /// The frame of a payload of less than 64 KiB.
    #[inline(always)]
    pub(super) fn new(kind: MessageKind, payload: &'m [u8], mask: Option<MaskingKey>) -> Self {
        let len = payload.len();
        let first = u64::from(0x80 | kind.opcode().as_u8());
        // 5.2: the length is in its shortest form.
        let (mut header, mut header_len) = match len {
            0..=125 => (first | (len as u64) << 8, 2),
            _ => (first | 126 << 8 | u64::from((len as u16).swap_bytes()) << 16, 4),
        };
        if let Some(key) = mask {
            header |= 0x80 << 8 | u64::from(u32::from_le_bytes(key.as_bytes())) << (8 * header_len);
            header_len += 4;
        }
        Self { header: header.to_le_bytes(), header_len, payload, mask }
    }
}

/// The payload of a data message, unless it is too long for a [`ShortFrame`].
#[inline(always)]
pub(super) fn short_payload(message: &Message) -> Option<(MessageKind, &[u8])> {
    let (kind, payload) = match message {
        Message::Text(text) => (MessageKind::Text, text.as_bytes()),
        Message::Binary(data) => (MessageKind::Binary, &data[..]),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return long_way(),
    };
    if payload.len() >= SHARE_FROM { long_way() } else { Some((kind, payload)) }
}
