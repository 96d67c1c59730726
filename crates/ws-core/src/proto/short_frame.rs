//! A frame that is written as soon as it is there.

use super::MaskSource;
use crate::{MessageKind, Role, frame::MaskingKey};

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
    pub(super) fn new(role: Role, kind: MessageKind, payload: &'m [u8], keys: &mut impl MaskSource) -> Self {
        let len = payload.len();
        let first = u64::from(0x80 | kind.opcode().as_u8());
        // 5.2: the length is in its shortest form.
        let (mut header, mut header_len) = match len {
            0..=125 => (first | (len as u64) << 8, 2),
            _ => (first | 126 << 8 | u64::from((len as u16).swap_bytes()) << 16, 4),
        };
        // 5.1: a client masks all frames, a server none.
        let mask = match role {
            Role::Server => None,
            Role::Client => {
                let key = keys.masking_key();
                header |= 0x80 << 8 | u64::from(u32::from_le_bytes(key.as_bytes())) << (8 * header_len);
                header_len += 4;
                Some(key)
            }
        };
        Self { header: header.to_le_bytes(), header_len, payload, mask }
    }
}
