//! The payload of a close frame (RFC 6455, 5.5.1), and the ranges of close codes (7.4.2).

use std::ops::Deref;

use crate::{CloseCode, CloseFrame, ProtocolError, UsageError, frame::MAX_CONTROL_PAYLOAD};

/// The payload of a close frame as bytes, at most 125, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct ClosePayload {
    bytes: [u8; MAX_CONTROL_PAYLOAD],
    len: usize,
}

impl Deref for ClosePayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Builds the payload of a close frame: the code, then the reason.
///
/// A reason that is too long is refused, never cut behind the caller's back; [`truncate_reason`] cuts it.
///
/// ```
/// use ws_core::{CloseFrame, raw};
///
/// let payload = raw::close_payload(&CloseFrame::new(1000, "bye"))?;
/// assert_eq!(&*payload, b"\x03\xE8bye");
/// assert_eq!(raw::parse_close(&payload)?, Some(CloseFrame::new(1000, "bye")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`check_close`].
pub fn close_payload(frame: &CloseFrame) -> Result<ClosePayload, UsageError> {
    check_close(frame)?;
    let reason = frame.reason.as_bytes();
    let mut bytes = [0; MAX_CONTROL_PAYLOAD];
    let len = 2 + reason.len();
    bytes[..2].copy_from_slice(&frame.code.as_u16().to_be_bytes());
    bytes[2..len].copy_from_slice(reason);
    Ok(ClosePayload { bytes, len })
}

/// Reads the unmasked payload of a close frame: `None` if it is empty, otherwise a code and a reason.
///
/// # Errors
/// [`ProtocolError::ClosePayloadTooShort`] for a single byte, [`ProtocolError::InvalidCloseCode`] for a code that must not
/// be sent, [`ProtocolError::InvalidCloseReason`] for a reason that is not UTF-8, [`ProtocolError::ControlTooLong`] for
/// more than 125 bytes.
pub fn parse_close(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
    if payload.len() > MAX_CONTROL_PAYLOAD {
        return Err(ProtocolError::ControlTooLong);
    }
    CloseFrame::parse(payload)
}

/// Checks that a close frame may be sent.
///
/// # Errors
/// [`UsageError::UnsendableCloseCode`] for a code that [is not sendable](CloseCode::is_sendable),
/// [`UsageError::CloseReasonTooLong`] for a reason over 123 bytes.
pub fn check_close(frame: &CloseFrame) -> Result<(), UsageError> {
    frame.check_sendable()
}

/// The longest beginning of a text that fits into a close frame: at most 123 bytes, cut between characters.
///
/// ```
/// use ws_core::raw::truncate_reason;
///
/// assert_eq!(truncate_reason("bye"), "bye");
/// assert_eq!(truncate_reason(&"é".repeat(100)).len(), 122);
/// ```
#[must_use]
pub fn truncate_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

/// Who may give a meaning to a close code (RFC 6455, 7.4.2).
///
/// A range says nothing on whether a code may be sent: of [`Protocol`](Self::Protocol) only the defined ones may, see
/// [`CloseCode::is_sendable`].
///
/// ```
/// use ws_core::{CloseCode, raw::CloseCodeRange};
///
/// assert_eq!(CloseCodeRange::of(CloseCode::GOING_AWAY), CloseCodeRange::Protocol);
/// assert_eq!(CloseCodeRange::of(4000.into()), CloseCodeRange::Private);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "every number is in one of these")]
pub enum CloseCodeRange {
    /// 0 to 999: not used.
    NotUsed,
    /// 1000 to 2999: the protocol, its revisions and extensions.
    Protocol,
    /// 3000 to 3999: libraries, frameworks and applications, registered with IANA.
    Registered,
    /// 4000 to 4999: private agreements between applications.
    Private,
    /// 5000 and above: not spoken of.
    Undefined,
}

impl CloseCodeRange {
    /// The range that a code lies in.
    #[must_use]
    pub const fn of(code: CloseCode) -> Self {
        match code.as_u16() {
            0..=999 => Self::NotUsed,
            1000..=2999 => Self::Protocol,
            3000..=3999 => Self::Registered,
            4000..=4999 => Self::Private,
            5000.. => Self::Undefined,
        }
    }
}

/// 125 bytes of a control frame's payload less the code (5.5).
const MAX_REASON: usize = MAX_CONTROL_PAYLOAD - 2;
