//! Why there is no handshake.

use std::{error, fmt, io};

use http::{HeaderName, StatusCode};

use super::{RefusedResponse, Rejection, head::Fault, io::NoHead};
use crate::handshake::{OfferError, Refusal, ResponseError};

/// Why a server has not accepted a handshake.
///
/// Where [`status`](Self::status) gives one, that is what the client was told, as far as it was still there to be told.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The client closed the stream before its request was complete. Nothing was written.
    Closed,
    /// The stream failed.
    Io(io::Error),
    /// 400: what arrived is not the head of a request in HTTP/1.1 (RFC 9112).
    Malformed,
    /// The request is no opening handshake, or not one to accept (RFC 6455, 4.2).
    Refused(Refusal),
    /// The application refused.
    Rejected(Rejection),
    /// The client was accepted, but did not take the whole response in time. It may have a part of it, or all.
    ResponseTimedOut,
    /// 408: the request was not complete in time.
    TimedOut,
}

impl UpgradeError {
    /// The status of the answer, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Closed | Self::Io(_) | Self::ResponseTimedOut => None,
            Self::Malformed => Some(StatusCode::BAD_REQUEST),
            Self::Refused(refusal) => Some(refusal.status()),
            Self::Rejected(rejection) => Some(rejection.status()),
            Self::TimedOut => Some(StatusCode::REQUEST_TIMEOUT),
        }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the client closed before its request was complete"),
            Self::Io(_) => f.write_str("the transport failed during the opening handshake"),
            Self::Malformed => f.write_str("the request is not HTTP/1.1"),
            Self::Refused(refusal) => write!(f, "refused with {}: {refusal}", refusal.status().as_u16()),
            Self::Rejected(rejection) => write!(f, "the application refused with {rejection}"),
            Self::ResponseTimedOut => f.write_str("the client took too long to read the response"),
            Self::TimedOut => f.write_str("the request took too long"),
        }
    }
}

impl error::Error for UpgradeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Refusal> for UpgradeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Rejection> for UpgradeError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Fault> for UpgradeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::FirstLine => Self::Refused(Refusal::TargetTooLong),
            Fault::TooLarge => Self::Refused(Refusal::HeadTooLarge),
            Fault::Version => Self::Refused(Refusal::HttpVersion),
            Fault::Malformed => Self::Malformed,
        }
    }
}

impl From<NoHead> for UpgradeError {
    fn from(reason: NoHead) -> Self {
        match reason {
            NoHead::Closed => Self::Closed,
            NoHead::Fault(fault) => fault.into(),
            NoHead::Io(error) => Self::Io(error),
        }
    }
}

impl From<UpgradeError> for io::Error {
    fn from(error: UpgradeError) -> Self {
        let kind = match &error {
            UpgradeError::Closed => io::ErrorKind::UnexpectedEof,
            UpgradeError::Io(error) => error.kind(),
            UpgradeError::Malformed | UpgradeError::Refused(_) => io::ErrorKind::InvalidData,
            UpgradeError::Rejected(_) => io::ErrorKind::PermissionDenied,
            UpgradeError::ResponseTimedOut | UpgradeError::TimedOut => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}

/// Why a client has no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// The server closed the stream before its answer was complete.
    Closed,
    /// The server switched protocols, but not to what was asked for (RFC 6455, 4.1).
    Handshake(ResponseError),
    /// This header belongs to the handshake, announces a body, or stands there twice although it must not.
    InvalidHeader(HeaderName),
    /// What is offered cannot be.
    InvalidOffer(OfferError),
    /// The URL cannot be dialed.
    InvalidUri(UriError),
    /// The stream failed, or the system gave no random bytes for the key.
    Io(io::Error),
    /// The answer is not HTTP/1.1 (RFC 9112).
    Malformed,
    /// The server answered with another status than 101.
    Refused(Box<RefusedResponse>),
    /// A callback of the application did not like the response.
    Rejected(Box<dyn error::Error + Send + Sync>),
    /// The handshake did not end in time.
    TimedOut,
    /// The head of the answer is over 64 KiB or 100 fields.
    TooLarge,
    /// More than 32 interim responses (100, 102, 103) came before the answer.
    TooManyInterim,
}

impl DialError {
    /// The status of the answer, if the server refused.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(RefusedResponse::status)
    }

    /// The answer of a server that refused, with the first 1,024 bytes of its body at the most.
    #[must_use]
    pub fn response(&self) -> Option<&RefusedResponse> {
        match self {
            Self::Refused(response) => Some(response),
            _ => None,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed before its answer was complete"),
            Self::Handshake(error) => write!(f, "the server answered 101, but wrongly: {error}"),
            Self::InvalidHeader(name) => write!(f, "header {name} cannot be set like this"),
            Self::InvalidOffer(error) => write!(f, "the offer is invalid: {error}"),
            Self::InvalidUri(error) => write!(f, "the URL cannot be dialed: {error}"),
            Self::Io(_) => f.write_str("the transport failed during the opening handshake"),
            Self::Malformed => f.write_str("the answer is not HTTP/1.1"),
            Self::Refused(response) => {
                write!(f, "the server refused the handshake with {}", response.status())
            }
            Self::Rejected(_) => f.write_str("the application did not accept the response"),
            Self::TimedOut => f.write_str("the opening handshake took too long"),
            Self::TooLarge => f.write_str("the head of the answer is too large"),
            Self::TooManyInterim => f.write_str("there were too many interim responses"),
        }
    }
}

impl error::Error for DialError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Rejected(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<Fault> for DialError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::FirstLine | Fault::TooLarge => Self::TooLarge,
            Fault::Version | Fault::Malformed => Self::Malformed,
        }
    }
}

impl From<NoHead> for DialError {
    fn from(reason: NoHead) -> Self {
        match reason {
            NoHead::Closed => Self::Closed,
            NoHead::Fault(fault) => fault.into(),
            NoHead::Io(error) => Self::Io(error),
        }
    }
}

impl From<ResponseError> for DialError {
    fn from(error: ResponseError) -> Self {
        Self::Handshake(error)
    }
}

impl From<UriError> for DialError {
    fn from(error: UriError) -> Self {
        Self::InvalidUri(error)
    }
}

impl From<DialError> for io::Error {
    fn from(error: DialError) -> Self {
        let kind = match &error {
            DialError::Closed => io::ErrorKind::UnexpectedEof,
            DialError::Handshake(_)
            | DialError::Malformed
            | DialError::Rejected(_)
            | DialError::TooLarge
            | DialError::TooManyInterim => io::ErrorKind::InvalidData,
            DialError::InvalidHeader(_) | DialError::InvalidOffer(_) | DialError::InvalidUri(_) => {
                io::ErrorKind::InvalidInput
            }
            DialError::Io(error) => error.kind(),
            DialError::Refused(_) => io::ErrorKind::ConnectionRefused,
            DialError::TimedOut => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}

/// Why a URL cannot be dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UriError {
    /// There is no host, in the URL or beside it, or it is none.
    Host,
    /// The path does not begin with a slash.
    Path,
    /// The port is not a number up to 65,535.
    Port,
    /// The scheme is not one of `ws`, `wss`, `http` and `https`.
    Scheme,
    /// There is a user name or a password in front of the host.
    UserInfo,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "there is no valid host",
            Self::Path => "the path does not begin with a slash",
            Self::Port => "the port is not a number up to 65535",
            Self::Scheme => "the scheme is not ws or wss",
            Self::UserInfo => "a user name in it would not be sent; use an authorization header",
        })
    }
}

impl error::Error for UriError {}
