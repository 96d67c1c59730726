//! Why a connection or an attempt ended.

use std::{error, fmt};

use ws_core::{CloseCode, CloseFrame, Error};

use super::Retry;
use crate::browser::{DialError, DialErrorKind};

type BoxError = Box<dyn error::Error + Send + Sync>;

/// Why a connection or an attempt ended.
///
/// An error of [`Reconnecting::setup`](super::Reconnecting::setup) or of a function that dials is taken for what it is: a [`DialError`] and an
/// [`Error`] of a connection become the variants that say so, everything else is [`Application`](Self::Application).
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// An error of the application's own, from setting up the connection or from a function that dials.
    Application(BoxError),
    /// [`Outbox::close`](super::Outbox::close) was called.
    CloseRequested,
    /// The server closed the connection, with this close frame.
    Closed(Option<CloseFrame>),
    /// No connection came about.
    Dial(DialError),
    /// The connection was lost, or failed by this end.
    Failed(Error),
    /// Setting up the connection took too long.
    SetupTimedOut,
}

impl Cause {
    /// The close code of a connection that ended, as [`Error::close_code`] tells it; 1000 and 1001 as well, and 1005 for a close frame without
    /// one.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Closed(frame) => {
                Some(frame.as_ref().map_or(CloseCode::NO_STATUS_RECEIVED, |frame| frame.code))
            }
            Self::Failed(error) => error.close_code(),
            Self::Application(_) | Self::CloseRequested | Self::Dial(_) | Self::SetupTimedOut => None,
        }
    }

    /// What follows unless [`Reconnecting::retry`](super::Reconnecting::retry) says otherwise.
    ///
    /// | Cause | Then |
    /// |---|---|
    /// | closed with 1000, 1002, 1003, 1007 to 1010, 3000, 3003 | stop |
    /// | closed with any other code, or none | another attempt |
    /// | connection lost (1006), more waited than may (1013) | another attempt |
    /// | a message over the limit (1009) | stop |
    /// | a URL or subprotocol that cannot be dialed, a connection that the browser does not allow | stop |
    /// | a dial that failed, which is all that browsers say of a server that refuses; the handshake timeout | another attempt |
    /// | an error of the application's own, setting up took too long | another attempt |
    #[must_use]
    pub fn default_retry(&self) -> Retry {
        match self {
            Self::CloseRequested => Retry::Stop,
            Self::Closed(_) => self.close_code().map_or(Retry::Backoff, Retry::after_close),
            Self::Failed(error) => Retry::after_error(error),
            Self::Dial(error) => match error.kind() {
                DialErrorKind::Failed { .. } | DialErrorKind::TimedOut => Retry::Backoff,
                DialErrorKind::Blocked
                | DialErrorKind::InvalidUri
                | DialErrorKind::InvalidSubprotocol
                | DialErrorKind::Unsupported => Retry::Stop,
            },
            Self::Application(_) | Self::SetupTimedOut => Retry::Backoff,
        }
    }
}

impl From<BoxError> for Cause {
    fn from(error: BoxError) -> Self {
        let error = match error.downcast::<DialError>() {
            Ok(error) => return Self::Dial(*error),
            Err(error) => error,
        };
        match error.downcast::<Error>() {
            Ok(error) => (*error).into(),
            Err(error) => Self::Application(error),
        }
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error.kind() {
            ws_core::ErrorKind::Closed(frame) => Self::Closed(frame.clone()),
            _ => Self::Failed(error),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(error) => fmt::Display::fmt(error, f),
            Self::CloseRequested => f.write_str("the client was closed"),
            Self::Closed(None) => f.write_str("the server closed the connection"),
            // The reason is the server's: escaped, so that it cannot write control characters into a log.
            Self::Closed(Some(frame)) => {
                write!(f, "the server closed the connection with code {}: {:?}", frame.code, frame.reason)
            }
            Self::Dial(error) => fmt::Display::fmt(error, f),
            Self::Failed(error) => fmt::Display::fmt(error, f),
            Self::SetupTimedOut => f.write_str("setting up the connection took too long"),
        }
    }
}

impl error::Error for Cause {}
