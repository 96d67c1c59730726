//! The error of a connection: whose fault it was, and what stands behind it.

use std::{error, fmt, io};

use crate::{CloseCode, CloseFrame, ProtocolError, Violation};

/// What went wrong on a connection.
///
/// [`kind`](Self::kind) says whose fault it was: the peer's, the caller's or the transport's. An [`io::Error`] behind it
/// is its [`source`](error::Error::source). The wording of `Display` is for people and not stable.
pub struct Error(Box<ErrorImpl>);

struct ErrorImpl {
    kind: ErrorKind,
    source: Option<io::Error>,
}

/// The sources of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer ended the connection with a code other than 1000, 1001 or none.
    Closed(Option<CloseFrame>),
    /// The transport ended before the closing handshake was done (close code 1006).
    ConnectionLost,
    /// The peer broke the protocol; the connection was failed with [`ProtocolError::close_code`].
    Protocol(ProtocolError),
    /// A message or frame is over a configured limit; the connection was failed with 1009.
    TooBig {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The connections of this process hold too much of unfinished messages, and this one the most; it was failed with
    /// 1013. See [`Config::inbound_budget`](crate::Config::inbound_budget).
    OutOfBudget,
    /// A read or write deadline passed. The connection stays usable; nothing is lost.
    TimedOut,
    /// A message is not the JSON that was asked for, or a value cannot be written as JSON. The connection stays usable.
    Json,
    /// The caller used the connection in a way its state does not allow. Nothing was sent.
    Usage(UsageError),
    /// Reading or writing the transport failed.
    Io(io::ErrorKind),
}

/// A call that the state of the connection, or a rule about what may be sent, does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageError {
    /// 64 control frames of a [`Control`](crate::Control) wait already, because nobody drives the connection.
    ControlQueueFull,
    /// A message after the close frame was sent (RFC 6455, 5.5.1).
    CloseSent,
    /// The reason of a close frame is over 123 bytes.
    CloseReasonTooLong,
    /// The payload of a control frame is over 125 bytes.
    ControlTooLong,
    /// A ping or a pong where the transport has none to send: a browser's.
    ControlUnsupported,
    /// A read of a payload before the header of its frame: `raw::FrameReader::next_frame` comes first.
    FrameNotBegun,
    /// A data frame, or a fragment, where one whole control frame is sent (RFC 6455, 5.5).
    NotControl,
    /// The payload of a message is not UTF-8 although text was asked for, or is written.
    NotText,
    /// A close code that must not stand in a close frame: 1005, 1006, 1015, or one that is reserved.
    UnsendableCloseCode,
    /// More of a message whose [`MessageWriter`](crate::MessageWriter) was shut down.
    MessageFinished,
    /// A data message while a fragmented one is not finished (RFC 6455, 5.4), because its
    /// [`MessageWriter`](crate::MessageWriter) was dropped: the connection can only be read and closed.
    MessageOpen,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(ErrorImpl { kind, source: None }))
    }

    /// A message or value that does not fit JSON.
    #[cfg(feature = "json")]
    pub(crate) fn json(error: io::Error) -> Self {
        Self::new(ErrorKind::Json).with_source(error)
    }

    /// The same error, with what stands behind it as its [`source`](error::Error::source).
    #[must_use]
    pub fn with_source(mut self, source: io::Error) -> Self {
        self.0.source = Some(source);
        self
    }

    /// An error of the transport.
    #[cfg(feature = "io")]
    pub(crate) fn transport(error: io::Error) -> Self {
        let kind = ErrorKind::of_transport(error.kind());
        Self(Box::new(ErrorImpl { kind, source: Some(error) }))
    }

    /// An error of a callback: one of ours as it is, any other as an error of I/O, which says nothing of the transport.
    #[cfg(feature = "raw")]
    pub(crate) fn of_callback(error: io::Error) -> Self {
        Self::from_io(error).unwrap_or_else(|error| {
            let kind = ErrorKind::Io(error.kind());
            Self(Box::new(ErrorImpl { kind, source: Some(error) }))
        })
    }

    /// Takes the error of a connection out of the [`io::Error`] that a [`MessageReader`](crate::MessageReader), a
    /// [`MessageWriter`](crate::MessageWriter) or another adapter gave for it.
    ///
    /// # Errors
    /// Gives the error back when it is of other origin.
    pub fn from_io(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The close frame that the peer sent, if one ended the connection.
    #[must_use]
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        match self.kind() {
            ErrorKind::Closed(frame) => frame.as_ref(),
            _ => None,
        }
    }

    /// The close code of a connection that ended: the peer's, ours when it broke a rule, or 1006 when it was lost.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self.kind() {
            ErrorKind::Closed(frame) => {
                Some(frame.as_ref().map_or(CloseCode::NO_STATUS_RECEIVED, |frame| frame.code))
            }
            ErrorKind::ConnectionLost => Some(CloseCode::ABNORMAL_CLOSURE),
            ErrorKind::Protocol(error) => Some(error.close_code()),
            ErrorKind::TooBig { .. } => Some(CloseCode::MESSAGE_TOO_BIG),
            ErrorKind::OutOfBudget => Some(CloseCode::TRY_AGAIN_LATER),
            _ => None,
        }
    }

    /// Whether a deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::TimedOut)
    }

    /// Whether the connection is over because the peer closed it or the transport was lost.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Closed(_) | ErrorKind::ConnectionLost)
    }

    /// Whether the peer broke the protocol.
    #[must_use]
    pub fn is_protocol(&self) -> bool {
        matches!(self.kind(), ErrorKind::Protocol(_))
    }

    /// Whether the caller did something that the state does not allow.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self.kind(), ErrorKind::Usage(_))
    }

    /// What the caller did that the state does not allow.
    #[must_use]
    pub fn usage(&self) -> Option<UsageError> {
        match self.kind() {
            ErrorKind::Usage(usage) => Some(*usage),
            _ => None,
        }
    }
}

impl ErrorKind {
    /// What ends the stream is a lost connection, whatever the system calls it.
    #[cfg(feature = "io")]
    pub(crate) fn of_transport(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::TimedOut
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero => Self::ConnectionLost,
            other => Self::Io(other),
        }
    }
}

/// For connections of other makes that report as [`Conn`](crate::Conn) does.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<UsageError> for Error {
    fn from(usage: UsageError) -> Self {
        Self::new(ErrorKind::Usage(usage))
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::new(violation.into())
    }
}

impl From<Violation> for ErrorKind {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::Protocol(error) => Self::Protocol(error),
            Violation::TooBig { limit } => Self::TooBig { limit },
            Violation::OutOfBudget => Self::OutOfBudget,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Closed(_) => io::ErrorKind::ConnectionAborted,
            ErrorKind::ConnectionLost => io::ErrorKind::UnexpectedEof,
            ErrorKind::Protocol(_) | ErrorKind::TooBig { .. } => io::ErrorKind::InvalidData,
            ErrorKind::Json => io::ErrorKind::InvalidData,
            ErrorKind::OutOfBudget => io::ErrorKind::QuotaExceeded,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            // What a byte stream says of a write after its end.
            ErrorKind::Usage(UsageError::CloseSent) => io::ErrorKind::BrokenPipe,
            ErrorKind::Usage(_) => io::ErrorKind::InvalidInput,
            ErrorKind::Io(kind) => *kind,
        };
        Self::new(kind, error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Closed(None) => f.write_str("peer closed the connection"),
            ErrorKind::Closed(Some(frame)) if frame.reason.is_empty() => {
                write!(f, "peer closed the connection with code {}", frame.code)
            }
            // The reason is the peer's: escaped, so that it cannot write control characters into a log.
            ErrorKind::Closed(Some(frame)) => {
                write!(f, "peer closed the connection with code {}: {:?}", frame.code, frame.reason)
            }
            ErrorKind::ConnectionLost => f.write_str("connection lost without a closing handshake"),
            ErrorKind::Protocol(error) => write!(f, "peer broke the protocol: {error} ({})", error.section()),
            ErrorKind::TooBig { limit } => write!(f, "message is over the limit of {limit} bytes"),
            ErrorKind::OutOfBudget => f.write_str("no memory is left for incoming messages"),
            ErrorKind::TimedOut => f.write_str("deadline passed"),
            ErrorKind::Json => f.write_str("message or value does not fit JSON"),
            ErrorKind::Usage(usage) => fmt::Display::fmt(usage, f),
            ErrorKind::Io(kind) => write!(f, "transport failed: {kind}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlQueueFull => "too many control frames wait to be sent",
            Self::CloseSent => "the close frame was sent already",
            Self::CloseReasonTooLong => "close reason is over 123 bytes",
            Self::ControlTooLong => "control payload is over 125 bytes",
            Self::ControlUnsupported => "browsers send no pings and pongs",
            Self::FrameNotBegun => "no frame is begun",
            Self::NotControl => "not a whole control frame",
            Self::NotText => "payload is not UTF-8",
            Self::UnsendableCloseCode => "close code must not be sent",
            Self::MessageFinished => "the message is finished",
            Self::MessageOpen => "a fragmented message is not finished",
        })
    }
}

impl error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_word_and_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    // Shows LOG-1.
    #[test]
    fn reason_of_the_peer_is_escaped() {
        let error = Error::new(ErrorKind::Closed(Some(CloseFrame::new(1011, "\x1b[31m"))));
        assert_eq!(error.to_string(), "peer closed the connection with code 1011: \"\\u{1b}[31m\"");
    }

    #[test]
    fn error_comes_back_out_of_an_io_error() {
        let error = io::Error::from(Error::from(UsageError::CloseSent));
        assert_eq!(Error::from_io(error).unwrap().usage(), Some(UsageError::CloseSent));
        let other = io::Error::from(io::ErrorKind::AddrInUse);
        assert_eq!(Error::from_io(other).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[cfg(feature = "io")]
    #[test]
    fn what_ends_the_stream_is_a_lost_connection() {
        let reset = Error::transport(io::ErrorKind::ConnectionReset.into());
        assert_eq!(reset.kind(), &ErrorKind::ConnectionLost);
        assert_eq!(reset.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
        assert!(error::Error::source(&reset).is_some());
        let other = Error::transport(io::ErrorKind::Other.into());
        assert_eq!(other.kind(), &ErrorKind::Io(io::ErrorKind::Other));
    }
}
