//! Why a test client got no connection.

use std::{error, fmt};

use bytes::Bytes;
use http::{Response, StatusCode};
use ws_core::handshake::{OfferError, ResponseError};

pub(super) type BoxError = Box<dyn error::Error + Send + Sync>;

/// Why there is no connection: the application refused it, most likely, and [`response`](Self::response) is its answer.
///
/// The wording of `Display` is for people and not stable.
pub struct ConnectError(Box<Cause>);

enum Cause {
    /// What was asked for cannot be sent.
    Request(BoxError),
    /// The service failed.
    Service(BoxError),
    Refused(Response<Bytes>),
    /// 101, but not as RFC 6455 asks for.
    Handshake(ResponseError, Response<Bytes>),
}

impl ConnectError {
    /// The answer: of an application that refused the handshake, or that accepted it in a way no client would.
    ///
    /// It has the first 64 KiB of the body at the most.
    #[must_use]
    pub fn response(&self) -> Option<&Response<Bytes>> {
        match &*self.0 {
            Cause::Refused(response) | Cause::Handshake(_, response) => Some(response),
            Cause::Request(_) | Cause::Service(_) => None,
        }
    }

    /// Takes the answer out, as [`response`](Self::response) shows it.
    #[must_use]
    pub fn into_response(self) -> Option<Response<Bytes>> {
        match *self.0 {
            Cause::Refused(response) | Cause::Handshake(_, response) => Some(response),
            Cause::Request(_) | Cause::Service(_) => None,
        }
    }

    /// The status of the [`response`](Self::response).
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(Response::status)
    }

    pub(super) fn service(error: impl Into<BoxError>) -> Self {
        Self(Box::new(Cause::Service(error.into())))
    }

    pub(super) fn refused(response: Response<Bytes>) -> Self {
        Self(Box::new(Cause::Refused(response)))
    }

    pub(super) fn handshake(error: ResponseError, response: Response<()>) -> Self {
        Self(Box::new(Cause::Handshake(error, response.map(|()| Bytes::new()))))
    }
}

impl From<http::Error> for ConnectError {
    fn from(error: http::Error) -> Self {
        Self(Box::new(Cause::Request(error.into())))
    }
}

impl From<OfferError> for ConnectError {
    fn from(error: OfferError) -> Self {
        Self(Box::new(Cause::Request(error.into())))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Request(_) => f.write_str("the request cannot be made"),
            Cause::Service(_) => f.write_str("the service failed"),
            Cause::Refused(response) => {
                write!(f, "the application answered with {}", response.status())?;
                // What a failed test shows: the text is usually the reason.
                match std::str::from_utf8(response.body()) {
                    Ok(text) if !text.is_empty() && text.len() <= 200 => write!(f, ": {text:?}"),
                    _ => Ok(()),
                }
            }
            Cause::Handshake(..) => {
                f.write_str("the application accepted the handshake in a way no client would")
            }
        }
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Request(error) => f.debug_tuple("Request").field(error).finish(),
            Cause::Service(error) => f.debug_tuple("Service").field(error).finish(),
            Cause::Refused(response) => f.debug_tuple("Refused").field(response).finish(),
            Cause::Handshake(error, response) => {
                f.debug_tuple("Handshake").field(error).field(response).finish()
            }
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &*self.0 {
            Cause::Request(error) | Cause::Service(error) => Some(&**error),
            Cause::Refused(_) => None,
            Cause::Handshake(error, _) => Some(error),
        }
    }
}
