//! What a peer can do wrong, and the close code that answers it.

use std::fmt;

use crate::CloseCode;

/// A rule that the peer broke, named by the section that states it: of RFC 6455, where it does not say otherwise.
///
/// [`close_code`](Self::close_code) is the one place that maps a rule to the code of the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// 5.1: a client sent a frame without a mask.
    UnmaskedFrame,
    /// 5.1: a server sent a frame with a mask.
    MaskedFrame,
    /// 5.2: a reserved bit is set that no negotiated extension defines.
    ReservedBits,
    /// 5.2: the opcode is reserved.
    ReservedOpcode,
    /// 5.2: the payload length is not encoded in the fewest bytes.
    NonMinimalLength,
    /// 5.2: the most significant bit of a 64-bit payload length is set.
    LengthOverflow,
    /// 5.4: a continuation frame although no message is open.
    UnexpectedContinuation,
    /// 5.4: a new data message although the previous one is not finished.
    ExpectedContinuation,
    /// 5.5: a control frame is fragmented.
    FragmentedControl,
    /// 5.5: a control frame carries more than 125 bytes.
    ControlTooLong,
    /// 5.5.1: the payload of a close frame is one byte, too short for a code.
    ClosePayloadTooShort,
    /// 5.5.1 and 8.1: the reason of a close frame is not UTF-8.
    InvalidCloseReason,
    /// 7.4: a close frame carries a code that must not be sent.
    InvalidCloseCode,
    /// 8.1: a text message is not UTF-8.
    InvalidUtf8,
    /// RFC 7692, 7.2.2: a compressed message is not DEFLATE, does not end where a block ends, or refers to what is beyond the
    /// window that was negotiated.
    InvalidDeflate,
    /// 10.4: a message came in more fragments than the limit allows.
    TooManyFragments,
    /// 10.4: more control frames arrived in one go than the limit allows.
    TooManyControlFrames,
    /// 10.4: a message did not become complete in the time that [`Config::message_timeout`](crate::Config::message_timeout)
    /// allows.
    MessageTooSlow,
    /// 7.4.1: a data message although this endpoint only writes.
    UnexpectedMessage,
    /// 7.4.1: a text message where binary is accepted, or the other way round.
    UnacceptableKind,
}

impl ProtocolError {
    /// The code of the close frame that fails the connection (RFC 6455, 7.1.7 and 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 | Self::InvalidCloseReason | Self::InvalidDeflate => CloseCode::INVALID_PAYLOAD,
            Self::UnacceptableKind => CloseCode::UNSUPPORTED_DATA,
            Self::TooManyFragments
            | Self::TooManyControlFrames
            | Self::MessageTooSlow
            | Self::UnexpectedMessage => CloseCode::POLICY_VIOLATION,
            Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::ReservedBits
            | Self::ReservedOpcode
            | Self::NonMinimalLength
            | Self::LengthOverflow
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::ClosePayloadTooShort
            | Self::InvalidCloseCode => CloseCode::PROTOCOL_ERROR,
        }
    }

    /// The section that states the rule, of RFC 6455 unless it says otherwise.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::UnmaskedFrame | Self::MaskedFrame => "5.1",
            Self::ReservedBits | Self::ReservedOpcode | Self::NonMinimalLength | Self::LengthOverflow => {
                "5.2"
            }
            Self::UnexpectedContinuation | Self::ExpectedContinuation => "5.4",
            Self::FragmentedControl | Self::ControlTooLong => "5.5",
            Self::ClosePayloadTooShort | Self::InvalidCloseReason => "5.5.1",
            Self::InvalidCloseCode => "7.4",
            Self::InvalidUtf8 => "8.1",
            Self::InvalidDeflate => "RFC 7692, 7.2.2",
            Self::UnexpectedMessage | Self::UnacceptableKind => "7.4.1",
            Self::TooManyFragments | Self::TooManyControlFrames | Self::MessageTooSlow => "10.4",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnmaskedFrame => "frame from the client is not masked",
            Self::MaskedFrame => "frame from the server is masked",
            Self::ReservedBits => "reserved bit is set",
            Self::ReservedOpcode => "opcode is reserved",
            Self::NonMinimalLength => "payload length is not minimal",
            Self::LengthOverflow => "payload length has its highest bit set",
            Self::UnexpectedContinuation => "continuation without a message",
            Self::ExpectedContinuation => "new message inside a fragmented message",
            Self::FragmentedControl => "control frame is fragmented",
            Self::ControlTooLong => "control frame is over 125 bytes",
            Self::ClosePayloadTooShort => "close payload is too short",
            Self::InvalidCloseReason => "close reason is not UTF-8",
            Self::InvalidCloseCode => "close code is not allowed",
            Self::InvalidDeflate => "compressed message cannot be decompressed",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::TooManyFragments => "too many fragments",
            Self::TooManyControlFrames => "too many control frames",
            Self::MessageTooSlow => "message did not become complete in time",
            Self::UnexpectedMessage => "data message where none is accepted",
            Self::UnacceptableKind => "data message of a kind that is not accepted",
        })
    }
}

impl std::error::Error for ProtocolError {}

/// Why incoming bytes fail the connection: a broken rule, a message over the limit, or no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// The peer broke a rule.
    Protocol(ProtocolError),
    /// A frame or message is over the limit, in bytes.
    TooBig {
        /// The limit it is over.
        limit: u64,
    },
    /// The memory that all connections share for unfinished messages is spent; not the peer's fault alone.
    OutOfBudget,
}

impl Violation {
    /// The code of the close frame that fails the connection.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Protocol(error) => error.close_code(),
            Self::TooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::OutOfBudget => CloseCode::TRY_AGAIN_LATER,
        }
    }
}

impl From<ProtocolError> for Violation {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => fmt::Display::fmt(error, f),
            Self::TooBig { limit } => write!(f, "message is over {limit} bytes"),
            Self::OutOfBudget => f.write_str("no memory is left for incoming messages"),
        }
    }
}

impl std::error::Error for Violation {}
