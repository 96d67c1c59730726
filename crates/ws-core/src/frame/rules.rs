//! The rules that the first two bytes of a frame tell of (RFC 6455, 5.1, 5.2, 5.4, 5.5).

use super::{
    MAX_CONTROL_PAYLOAD, Opcode, ReservedBits,
    header::{FIN, LENGTH, MASK},
};
use crate::ProtocolError;

/// What the next frame of a stream is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Whether it has a mask; nothing where that is not looked at.
    pub(crate) masked: Option<bool>,
    /// The reserved bits that extensions have given a meaning, if it is a data frame.
    pub(crate) reserved: ReservedBits,
    /// A message is open: its first frame was there, its last was not.
    pub(crate) is_open: bool,
}

impl Expected {
    /// Checks all that the first two bytes of a frame tell.
    #[inline]
    pub(crate) fn check(self, [first, second]: [u8; 2]) -> Result<(), ProtocolError> {
        let opcode = Opcode::from_bits(first);
        let is_control = opcode.is_control();
        // 5.2: a bit or opcode that no extension defines fails the connection. No extension defines bits of control
        // frames.
        let permitted = if is_control { ReservedBits::NONE } else { self.reserved };
        if !permitted.contains(ReservedBits::from_first_byte(first)) {
            return Err(ProtocolError::ReservedBits);
        }
        if opcode.is_reserved() {
            return Err(ProtocolError::ReservedOpcode);
        }
        // 5.1: clients mask every frame, empty ones too; servers none.
        match (self.masked, second & MASK != 0) {
            (Some(true), false) => return Err(ProtocolError::UnmaskedFrame),
            (Some(false), true) => return Err(ProtocolError::MaskedFrame),
            _ => {}
        }
        if is_control {
            // 5.5: control frames are never fragmented and have at most 125 bytes. They may stand between fragments.
            if first & FIN == 0 {
                return Err(ProtocolError::FragmentedControl);
            }
            if usize::from(second & LENGTH) > MAX_CONTROL_PAYLOAD {
                return Err(ProtocolError::ControlTooLong);
            }
            return Ok(());
        }
        // 5.4: the fragments of one message are not interleaved with those of another.
        match (opcode == Opcode::CONTINUATION, self.is_open) {
            (true, false) => Err(ProtocolError::UnexpectedContinuation),
            (false, true) => Err(ProtocolError::ExpectedContinuation),
            (true, true) | (false, false) => Ok(()),
        }
    }
}
