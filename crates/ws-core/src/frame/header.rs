//! Frame headers (RFC 6455, 5.2).

use std::{fmt, ops::Deref};

use super::{MAX_HEADER_LEN, MaskingKey, Opcode};
use crate::ProtocolError;

/// The header of a frame (RFC 6455, 5.2).
///
/// ```
/// use ws_core::frame::{FrameHeader, Opcode};
///
/// let header = FrameHeader::new(Opcode::TEXT, 5);
/// let encoded = header.encode();
/// assert_eq!(*encoded, [0x81, 5]);
/// assert_eq!(FrameHeader::decode(&encoded)?, Some((header, 2)));
/// # Ok::<(), ws_core::ProtocolError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "these are the fields of the wire format")]
pub struct FrameHeader {
    /// FIN: this is the last frame of its message.
    pub fin: bool,
    /// RSV1 to RSV3: all clear unless an extension gives them a meaning.
    pub reserved: ReservedBits,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, in frames from clients.
    pub mask: Option<MaskingKey>,
    /// Bytes of payload, less than 2^63.
    pub payload_len: u64,
}

/// The bits RSV1 to RSV3 of a frame header (RFC 6455, 5.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReservedBits(u8);

impl ReservedBits {
    /// No bit set.
    pub const NONE: Self = Self(0);
    /// RSV1: the message is compressed, where permessage-deflate was negotiated (RFC 7692, 6).
    pub const RSV1: Self = Self(0x40);
    /// RSV2.
    pub const RSV2: Self = Self(0x20);
    /// RSV3.
    pub const RSV3: Self = Self(0x10);

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits of this that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The reserved bits of a frame's first byte.
    pub(crate) const fn from_first_byte(byte: u8) -> Self {
        Self(byte & 0x70)
    }
}

impl fmt::Debug for ReservedBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(Self::RSV1, "RSV1"), (Self::RSV2, "RSV2"), (Self::RSV3, "RSV3")];
        let mut set = f.debug_set();
        for (_, name) in names.iter().filter(|(bit, _)| self.contains(*bit)) {
            set.entry(&format_args!("{name}"));
        }
        set.finish()
    }
}

impl FrameHeader {
    /// The header of an unmasked frame that is a whole message or a control frame.
    #[must_use]
    pub const fn new(opcode: Opcode, payload_len: u64) -> Self {
        Self { fin: true, reserved: ReservedBits::NONE, opcode, mask: None, payload_len }
    }

    /// Reads a header from the front of `bytes`: the header and its length, or `None` while bytes are missing.
    ///
    /// # Errors
    /// [`ProtocolError::NonMinimalLength`] and [`ProtocolError::LengthOverflow`], as soon as the bytes of the length
    /// are there. What a role or the state of a connection forbids is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (payload_len, rest) = match second & LENGTH {
            LENGTH_16 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from(u16::from_be_bytes(*length));
                // 5.2: the minimal number of bytes must be used to encode the length.
                if length < u64::from(LENGTH_16) {
                    return Err(ProtocolError::NonMinimalLength);
                }
                (length, rest)
            }
            LENGTH_64 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                // 5.2: the most significant bit must be 0. Checked before anyone computes with the number.
                if length >> 63 != 0 {
                    return Err(ProtocolError::LengthOverflow);
                }
                if length <= u64::from(u16::MAX) {
                    return Err(ProtocolError::NonMinimalLength);
                }
                (length, rest)
            }
            length => (u64::from(length), rest),
        };
        let (mask, rest) = if second & MASK == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (Some(MaskingKey::new(*key)), rest)
        };
        let header = Self {
            fin: first & FIN != 0,
            reserved: ReservedBits::from_first_byte(*first),
            opcode: Opcode::from_bits(*first),
            mask,
            payload_len,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// The header as bytes, its length in the fewest bytes.
    #[must_use]
    pub fn encode(&self) -> EncodedHeader {
        let mut bytes = [0; MAX_HEADER_LEN];
        let start = self.start();
        let len = Self::len_by(start[1]);
        bytes[..2].copy_from_slice(&start);
        match start[1] & LENGTH {
            LENGTH_16 => bytes[2..4].copy_from_slice(&(self.payload_len as u16).to_be_bytes()),
            LENGTH_64 => bytes[2..10].copy_from_slice(&self.payload_len.to_be_bytes()),
            _ => {}
        }
        if let Some(key) = self.mask {
            bytes[len - 4..len].copy_from_slice(&key.as_bytes());
        }
        EncodedHeader { bytes, len: len as u8 }
    }

    /// The first two bytes.
    pub(crate) const fn start(&self) -> [u8; 2] {
        let length = match self.payload_len {
            length @ 0..=125 => length as u8,
            126..=0xFFFF => LENGTH_16,
            _ => LENGTH_64,
        };
        let fin = if self.fin { FIN } else { 0 };
        let mask = if self.mask.is_some() { MASK } else { 0 };
        [fin | self.reserved.0 | self.opcode.as_u8(), mask | length]
    }

    /// How long a header with this second byte is.
    pub(crate) const fn len_by(second: u8) -> usize {
        let length = match second & LENGTH {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        };
        2 + length + if second & MASK == 0 { 0 } else { 4 }
    }
}

/// A frame header as bytes.
#[derive(Clone, Copy, Debug)]
pub struct EncodedHeader {
    bytes: [u8; MAX_HEADER_LEN],
    len: u8,
}

impl Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

pub(super) const FIN: u8 = 0x80;
pub(super) const MASK: u8 = 0x80;
pub(super) const LENGTH: u8 = 0x7F;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_is_encoded_in_the_fewest_bytes() {
        let lengths: [(u64, &[u8]); 7] = [
            (0, &[0x82, 0]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xFFFF, &[0x82, 126, 0xFF, 0xFF]),
            (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (u64::from(u32::MAX) + 1, &[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]),
            (u64::MAX >> 1, &[0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        ];
        for (length, bytes) in lengths {
            let header = FrameHeader::new(Opcode::BINARY, length);
            assert_eq!(*header.encode(), *bytes, "{length}");
            assert_eq!(FrameHeader::decode(bytes), Ok(Some((header, bytes.len()))), "{length}");
        }
    }

    #[test]
    fn longer_encodings_than_needed_are_refused() {
        for length in 0..126u16 {
            let [high, low] = length.to_be_bytes();
            assert_eq!(FrameHeader::decode(&[0x82, 126, high, low]), Err(ProtocolError::NonMinimalLength));
        }
        for length in [0, 125, 126, 0xFFFF_u64] {
            let mut bytes = vec![0x82, 127];
            bytes.extend(length.to_be_bytes());
            assert_eq!(FrameHeader::decode(&bytes), Err(ProtocolError::NonMinimalLength), "{length}");
        }
    }

    #[test]
    fn highest_bit_of_the_length_is_refused_before_the_mask_arrives() {
        for length in [1 << 63, u64::MAX - 3, u64::MAX] {
            let mut bytes = vec![0x82, 0xFF];
            bytes.extend(u64::to_be_bytes(length));
            assert_eq!(FrameHeader::decode(&bytes), Err(ProtocolError::LengthOverflow), "{length:#x}");
        }
    }

    #[test]
    fn debug_names_the_reserved_bits() {
        assert_eq!(format!("{:?}", ReservedBits::RSV1.union(ReservedBits::RSV3)), "{RSV1, RSV3}");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_and_every_prefix_is_partial(
            fin in any::<bool>(),
            opcode in 0u8..16,
            reserved in 0u8..8,
            mask in proptest::option::of(any::<[u8; 4]>()),
            payload_len in prop_oneof![0u64..300, 65_000u64..66_000, 0..=u64::MAX >> 1],
        ) {
            let header = FrameHeader {
                fin,
                reserved: ReservedBits(reserved << 4),
                opcode: Opcode::from_bits(opcode),
                mask: mask.map(MaskingKey::new),
                payload_len,
            };
            let encoded = header.encode();
            prop_assert_eq!(FrameHeader::decode(&encoded), Ok(Some((header, encoded.len()))));
            for cut in 0..encoded.len() {
                prop_assert_eq!(FrameHeader::decode(&encoded[..cut]), Ok(None));
            }
        }
    }
}
