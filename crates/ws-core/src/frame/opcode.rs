//! Opcodes (RFC 6455, 5.2).

use std::fmt;

/// What a frame is: the low four bits of its first byte (RFC 6455, 5.2 and 11.8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// 0: the next fragment of a message.
    pub const CONTINUATION: Self = Self(0x0);
    /// 1: a text message, or its first fragment.
    pub const TEXT: Self = Self(0x1);
    /// 2: a binary message, or its first fragment.
    pub const BINARY: Self = Self(0x2);
    /// 8: a close frame.
    pub const CLOSE: Self = Self(0x8);
    /// 9: a ping.
    pub const PING: Self = Self(0x9);
    /// 10: a pong.
    pub const PONG: Self = Self(0xA);

    /// The opcode in the low four bits of a frame's first byte; the other bits are ignored.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Self {
        Self(byte & 0x0F)
    }

    /// The opcode as a number from 0 to 15.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self.0
    }

    /// Whether frames with this opcode are control frames, defined or not (5.5: the highest bit is set).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether RFC 6455 gives this opcode no meaning: 3 to 7 and 11 to 15.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        !matches!(self.0, 0x0..=0x2 | 0x8..=0xA)
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::CONTINUATION => "CONTINUATION",
            Self::TEXT => "TEXT",
            Self::BINARY => "BINARY",
            Self::CLOSE => "CLOSE",
            Self::PING => "PING",
            Self::PONG => "PONG",
            Self(other) => return write!(f, "Opcode({other:#x})"),
        })
    }
}
