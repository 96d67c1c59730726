//! What goes wrong between a client and a server of HTTP/2.

use std::{fmt, io};

use h2::Reason;

use crate::{DialError, DialErrorKind};

/// Why no WebSocket came about over HTTP/2, without an answer of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Http2Error {
    /// The server accepted the WebSocket and ended its stream in the same breath.
    Ended,
    /// The server is shutting the connection down, and did not process the request (RFC 9113, 6.8).
    GoAway,
    /// The connection ended before the server answered.
    Lost,
    /// The settings of the server do not allow extended `CONNECT` (RFC 8441, 3).
    NoExtendedConnect,
    /// The server did not choose HTTP/2 by ALPN; or the URL is `ws://`, where nothing is negotiated.
    NotNegotiated,
    /// What the server said is not HTTP/2, or breaks its rules.
    Protocol,
    /// The server reset the stream before it answered, with this error code (RFC 9113, 7).
    Reset(u32),
    /// Every connection that may be open has as many streams as the server allows.
    TooManyStreams,
}

impl Http2Error {
    /// Whether the server has not processed the request, so that it may be sent once more (RFC 9113, 8.7).
    pub(super) fn is_unprocessed(self) -> bool {
        matches!(self, Self::GoAway) || self == Self::Reset(Reason::REFUSED_STREAM.into())
    }

    /// Whether HTTP/1.1 is the way to this server.
    pub(super) fn wants_http1(self) -> bool {
        matches!(self, Self::NoExtendedConnect) || self == Self::Reset(Reason::HTTP_1_1_REQUIRED.into())
    }
}

impl fmt::Display for Http2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Ended => "accepted the WebSocket and ended it at once",
            Self::GoAway => "is shutting down its connections; try again",
            Self::Lost => "closed the HTTP/2 connection before it answered",
            Self::NoExtendedConnect => {
                "takes no WebSockets over HTTP/2: its settings lack ENABLE_CONNECT_PROTOCOL; allow HTTP/1.1"
            }
            Self::NotNegotiated => {
                "was not found to speak HTTP/2; allow HTTP/1.1, or prior knowledge for ws://"
            }
            Self::Protocol => "gave an answer that is no HTTP/2; check the port, and wss:// against ws://",
            Self::Reset(code) => {
                return write!(
                    f,
                    "reset the stream before it answered, with code {code}: {}",
                    Reason::from(code).description()
                );
            }
            Self::TooManyStreams => "allows no more streams; close WebSockets, or allow more connections",
        })
    }
}

impl std::error::Error for Http2Error {}

/// Names what h2 reports for a connection, or for a stream before its answer.
pub(super) fn from_h2(error: h2::Error) -> DialError {
    let kind = match error.reason() {
        Some(reason) if error.is_remote() && error.is_reset() => Http2Error::Reset(reason.into()),
        Some(_) if error.is_remote() && error.is_go_away() => Http2Error::GoAway,
        _ if error.is_io() => Http2Error::Lost,
        _ => Http2Error::Protocol,
    };
    DialError::from(kind).with_source(error)
}

/// The end of a stream that was open, as an end of a transport.
pub(super) fn into_io(error: h2::Error) -> io::Error {
    if error.is_io() {
        // Always there when `is_io` says so.
        let error = error.into_io().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
        // The codec has no kind for a connection that ends in the middle of a frame.
        return match error.kind() {
            io::ErrorKind::Other => io::Error::new(io::ErrorKind::UnexpectedEof, error),
            _ => error,
        };
    }
    // RFC 8441, 5: RST_STREAM is what a reset is for TCP.
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}

impl From<Http2Error> for DialError {
    fn from(error: Http2Error) -> Self {
        DialErrorKind::Http2(error).into()
    }
}
