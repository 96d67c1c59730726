//! Close codes and the payload of a close frame (RFC 6455, 5.5.1 and 7.4).

use std::fmt;

use crate::{ProtocolError, UsageError, Utf8Bytes};

/// A close code (RFC 6455, 7.4).
///
/// ```
/// use ws_core::CloseCode;
///
/// assert_eq!(CloseCode::NORMAL_CLOSURE, 1000);
/// assert!(CloseCode::from(4000).is_sendable());
/// assert!(!CloseCode::ABNORMAL_CLOSURE.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL_CLOSURE: Self = Self(1000);
    /// 1001: the endpoint goes away: a server shuts down, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: the endpoint cannot accept this type of data.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the close frame carried no code. Never on the wire.
    pub const NO_STATUS_RECEIVED: Self = Self(1005);
    /// 1006: the transport ended without a close frame. Never on the wire.
    pub const ABNORMAL_CLOSURE: Self = Self(1006);
    /// 1007: the payload does not fit its type: text that is not UTF-8, data that does not inflate.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: the message violates the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: the message is too big.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the client needs an extension that the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid answer from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// Whether the code may stand in a close frame.
    ///
    /// These are the codes of the IANA registry that are not reserved for local use (1000 to 1003, 1007 to 1014) and the
    /// ranges for libraries, frameworks and applications (3000 to 4999). A received close frame with any other code fails
    /// the connection (RFC 6455, 7.4.2).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// The code as a number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether the code reports that all went as intended: 1000, 1001, or none at all (1005).
    #[must_use]
    pub const fn is_normal(self) -> bool {
        matches!(self.0, 1000 | 1001 | 1005)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl PartialEq<u16> for CloseCode {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

/// What a close frame says: a code and a reason (RFC 6455, 5.5.1).
///
/// A close frame without a code is `None` wherever an `Option<CloseFrame>` is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the wire format has these two fields and no more")]
pub struct CloseFrame {
    /// Why the connection is closed.
    pub code: CloseCode,
    /// For people who read logs; at most 123 bytes. It comes from the peer: escape it before it is shown.
    pub reason: Utf8Bytes,
}

impl CloseFrame {
    /// A close frame with a code and a reason.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<Utf8Bytes>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }

    /// Checks that the frame may be sent: its [code](CloseCode::is_sendable), and that its reason has 123 bytes at the most (RFC 6455,
    /// 5.5).
    ///
    /// # Errors
    /// [`UsageError::UnsendableCloseCode`] and [`UsageError::CloseReasonTooLong`].
    pub fn check_sendable(&self) -> Result<(), UsageError> {
        if !self.code.is_sendable() {
            return Err(UsageError::UnsendableCloseCode);
        }
        // 5.5: a control frame carries at most 125 bytes; the code takes two of them.
        if self.reason.len() > MAX_REASON {
            return Err(UsageError::CloseReasonTooLong);
        }
        Ok(())
    }

    /// Reads the payload of a close frame: nothing, or a code and a reason.
    pub(crate) fn parse(payload: &[u8]) -> Result<Option<Self>, ProtocolError> {
        match payload {
            [] => Ok(None),
            // 5.5.1: if there is a body, it begins with a two-byte code.
            [_] => Err(ProtocolError::ClosePayloadTooShort),
            [high, low, reason @ ..] => {
                let code = CloseCode(u16::from_be_bytes([*high, *low]));
                if !code.is_sendable() {
                    return Err(ProtocolError::InvalidCloseCode);
                }
                let reason = Utf8Bytes::try_from(reason).map_err(|_| ProtocolError::InvalidCloseReason)?;
                Ok(Some(Self { code, reason }))
            }
        }
    }
}

impl From<CloseCode> for CloseFrame {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: Utf8Bytes::default() }
    }
}

impl From<CloseCode> for Option<CloseFrame> {
    fn from(code: CloseCode) -> Self {
        Some(code.into())
    }
}

/// 125 bytes of a control frame's payload less the code.
const MAX_REASON: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_accepted_or_refused_as_the_registry_says() {
        for code in 0..=u16::MAX {
            let valid = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 => true,
                3000..=4999 => true,
                _ => false,
            };
            assert_eq!(CloseCode(code).is_sendable(), valid, "{code}");
            let parsed = CloseFrame::parse(&code.to_be_bytes());
            assert_eq!(parsed.is_ok(), valid, "{code}");
        }
    }

    #[test]
    fn normal_are_1000_1001_and_no_code_at_all() {
        let normal: Vec<_> = (0..=u16::MAX).filter(|code| CloseCode(*code).is_normal()).collect();
        assert_eq!(normal, [1000, 1001, 1005]);
    }

    #[test]
    fn payload_of_one_byte_is_refused() {
        assert_eq!(CloseFrame::parse(&[3]), Err(ProtocolError::ClosePayloadTooShort));
        assert_eq!(CloseFrame::parse(&[]), Ok(None));
    }

    // Shows UTF-1.
    #[test]
    fn reason_must_be_utf8() {
        assert_eq!(CloseFrame::parse(&[0x03, 0xE8, 0xFF]), Err(ProtocolError::InvalidCloseReason));
        assert_eq!(CloseFrame::parse(b"\x03\xE8bye"), Ok(Some(CloseFrame::new(1000, "bye"))));
    }

    #[test]
    fn reason_over_123_bytes_is_not_sendable() {
        assert_eq!(CloseFrame::new(1000, "x".repeat(123)).check_sendable(), Ok(()));
        let long = CloseFrame::new(1000, "x".repeat(124));
        assert_eq!(long.check_sendable(), Err(UsageError::CloseReasonTooLong));
        assert_eq!(CloseFrame::new(1006, "").check_sendable(), Err(UsageError::UnsendableCloseCode));
    }
}
