//! The rules for frame headers, with their state in the open (RFC 6455, 5.1, 5.2, 5.4, 5.5).

use crate::{
    ProtocolError, Role,
    frame::{Expected, FrameHeader, Opcode, ReservedBits},
};

/// Holds a sequence of frame headers to the rules.
///
/// The state is a small value of the caller's: which end reads, which reserved bits extensions have given a meaning, and
/// whether a message is open. [`check`](Self::check) advances it. Without a [role](Self::role) masks are not looked at,
/// so the same checker fits a proxy or a recording.
///
/// ```
/// use ws_core::{
///     ProtocolError, Role,
///     frame::{FrameHeader, Opcode},
///     raw::FrameChecker,
/// };
///
/// let mut checker = FrameChecker::from(Role::Client);
/// checker.check(&FrameHeader { fin: false, ..FrameHeader::new(Opcode::TEXT, 5) })?;
/// assert!(checker.is_fragmented());
///
/// let wrong = checker.check(&FrameHeader::new(Opcode::BINARY, 5));
/// assert_eq!(wrong, Err(ProtocolError::ExpectedContinuation));
/// # Ok::<(), ProtocolError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameChecker {
    pub(super) role: Option<Role>,
    message_bits: ReservedBits,
    frame_bits: ReservedBits,
    fragmented: bool,
}

impl FrameChecker {
    /// A checker of no role, without extensions, between messages.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            role: None,
            message_bits: ReservedBits::NONE,
            frame_bits: ReservedBits::NONE,
            fragmented: false,
        }
    }

    /// Which end **reads**: a server demands masks, a client refuses them (5.1).
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Permits reserved bits in the first frame of a message, where per-message extensions put them (RFC 7692, 6).
    #[must_use]
    pub const fn message_bits(mut self, bits: ReservedBits) -> Self {
        self.message_bits = bits;
        self
    }

    /// Permits reserved bits in every data frame, for extensions that work frame by frame.
    #[must_use]
    pub const fn frame_bits(mut self, bits: ReservedBits) -> Self {
        self.frame_bits = bits;
        self
    }

    /// Says whether a message is open, for frames that are looked at from the middle of a stream.
    #[must_use]
    pub const fn fragmented(mut self, fragmented: bool) -> Self {
        self.fragmented = fragmented;
        self
    }

    /// Whether a message is open: its first frame was seen, its last was not.
    #[must_use]
    pub const fn is_fragmented(&self) -> bool {
        self.fragmented
    }

    /// Checks the header of the next frame.
    ///
    /// # Errors
    /// The first rule that is broken; the state is as before then.
    pub fn check(&mut self, header: &FrameHeader) -> Result<(), ProtocolError> {
        self.check_with(header, ReservedBits::NONE)
    }

    /// Checks a header of which an extension has claimed some bits.
    pub(super) fn check_with(
        &mut self,
        header: &FrameHeader,
        claimed: ReservedBits,
    ) -> Result<(), ProtocolError> {
        let reserved = self.frame_bits.union(claimed);
        let is_first = header.opcode != Opcode::CONTINUATION;
        let expected = Expected {
            masked: self.role.map(|role| role == Role::Server),
            reserved: if is_first { reserved.union(self.message_bits) } else { reserved },
            is_open: self.fragmented,
        };
        expected.check(header.start())?;
        if !header.opcode.is_control() {
            self.fragmented = !header.fin;
        }
        Ok(())
    }
}

impl From<Role> for FrameChecker {
    /// A checker for the end that reads, without extensions, between messages.
    fn from(role: Role) -> Self {
        Self::new().role(role)
    }
}
