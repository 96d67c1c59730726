//! How an application refuses a handshake.

use std::{borrow::Cow, fmt};

use http::{HeaderName, HeaderValue, StatusCode};

use super::answer::ReservedHeader;
use crate::handshake::is_reserved_response_header;

/// An application's refusal of a handshake: a status, a reason, and headers.
///
/// The reason is the body of the answer, as plain text unless a `Content-Type` is added. A status alone will do: `Err(StatusCode::FORBIDDEN)?`.
///
/// ```
/// use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
/// use ws_core::raw::handshake::Rejection;
///
/// let rejection = Rejection::new(StatusCode::UNAUTHORIZED)
///     .reason("sign in first")
///     .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
/// assert_eq!(rejection.status(), 401);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a rejection has to be returned"]
pub struct Rejection {
    status: StatusCode,
    reason: Option<Cow<'static, str>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rejection {
    /// A refusal with this status.
    ///
    /// A status below 300 refuses nothing, and becomes 500: with 101 the client would go on to send frames.
    pub fn new(status: StatusCode) -> Self {
        let refuses = !status.is_informational() && !status.is_success();
        let status = if refuses { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self { status, reason: None, headers: Vec::new() }
    }

    /// The body of the answer: what the client may know. The name of the status unless set.
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds a header to the answer.
    ///
    /// Those that belong to the handshake or to the framing of the answer are left out, as
    /// [`is_reserved_response_header`] tells them.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if !is_reserved_response_header(&name) {
            self.headers.push((name, value));
        }
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> &str {
        match &self.reason {
            Some(reason) => reason,
            None => self.status.canonical_reason().unwrap_or_default(),
        }
    }

    /// The headers that were added.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }
}

impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

/// A mistake of the application: 500, and no details for the client.
impl From<ReservedHeader> for Rejection {
    fn from(_: ReservedHeader) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.status.as_u16(), self.body())
    }
}

impl std::error::Error for Rejection {}
