//! Why a connection or an attempt ended.

use std::{error, fmt, time::Duration};

use http::{StatusCode, header};
use ws_core::{CloseCode, CloseFrame, Error, ErrorKind};

use super::Retry;
#[cfg(feature = "http2")]
use crate::Http2Error;
#[cfg(feature = "proxy")]
use crate::ProxyError;
#[cfg(feature = "socks")]
use crate::SocksError;
use crate::{DialError, DialErrorKind, TlsError};

type BoxError = Box<dyn error::Error + Send + Sync>;

/// Why a connection or an attempt ended.
///
/// An error that [`Reconnecting::setup`](super::Reconnecting::setup) or the function of
/// [`Reconnecting::from_fn`](super::Reconnecting::from_fn) gives is taken for what it is: a [`DialError`] and an [`Error`]
/// of a connection become the variants that say so, everything else is [`Application`](Self::Application).
///
/// The wording of `Display` is for people and not stable.
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
    /// The connection was lost, or the server broke a rule or a limit.
    Failed(Error),
    /// Setting up the connection took too long.
    SetupTimedOut,
}

impl Cause {
    /// The close code of a connection that ended, as [`Error::close_code`] tells it; 1000 and 1001 as well, and 1005 for a
    /// close frame without one.
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

    /// The status of a server that refused the handshake.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Dial(error) => match error.kind() {
                DialErrorKind::Refused(status) => Some(*status),
                _ => None,
            },
            _ => None,
        }
    }

    /// What follows unless [`Reconnecting::retry`](super::Reconnecting::retry) says otherwise.
    ///
    /// | Cause | Then |
    /// |---|---|
    /// | closed with 1000, 1002, 1003, 1007 to 1010, 3000, 3003 | stop |
    /// | closed with any other code, or none | another attempt |
    /// | connection lost (1006), transport failed, own memory spent (1013), message too slow | another attempt |
    /// | server broke a rule or a limit (1002, 1007 to 1009) | stop |
    /// | refused with 408, 421, 425, 429, or 5xx but 501 and 505 | another attempt, not before `Retry-After` says so |
    /// | refused with any other status | stop |
    /// | a 101 that breaks RFC 6455, a redirect that is not followed, a URL or request that cannot be dialed, TLS that is not set up on this side | stop |
    /// | no WebSockets over HTTP/2, where HTTP/1.1 is not allowed | stop |
    /// | DNS, TCP, TLS, HTTP, the handshake timeout | another attempt |
    /// | a proxy refused with a status | as if the server had |
    /// | a SOCKS proxy took no credentials, a proxy that cannot be used as it is set | stop |
    /// | anything else of a proxy | another attempt |
    /// | an error of the application's own, setting up took too long | another attempt |
    /// | a message that setting up had begun and not finished, so that no other can follow | stop |
    ///
    /// TLS is tried again whatever was wrong with the server's side, certificates included: they are renewed, clocks are set, and a server that
    /// stops in the middle of a handshake looks alike. Nothing is ever sent to a server that did not prove who it is.
    ///
    /// `Retry-After` counts up to five minutes, in seconds; its other form, a date, is ignored.
    #[must_use]
    pub fn default_retry(&self) -> Retry {
        match self {
            Self::CloseRequested => Retry::Stop,
            Self::Closed(_) => self.close_code().map_or(Retry::Backoff, Retry::after_close),
            Self::Failed(error) => Retry::after_error(error),
            Self::Dial(error) => after_dial(error),
            Self::Application(_) | Self::SetupTimedOut => Retry::Backoff,
        }
    }
}

fn after_dial(error: &DialError) -> Retry {
    match error.kind() {
        DialErrorKind::Handshake(_)
        | DialErrorKind::InvalidRequest(_)
        | DialErrorKind::InvalidUri(_)
        | DialErrorKind::Redirect(_) => Retry::Stop,
        #[cfg(feature = "http2")]
        DialErrorKind::Http2(Http2Error::NoExtendedConnect | Http2Error::NotNegotiated) => Retry::Stop,
        DialErrorKind::Tls(error) => after_tls(*error),
        #[cfg(feature = "proxy")]
        DialErrorKind::Proxy(ProxyError::Refused(status)) => after_refusal(*status, error),
        #[cfg(feature = "proxy")]
        DialErrorKind::Proxy(ProxyError::Header(_) | ProxyError::Uri(_)) => Retry::Stop,
        #[cfg(feature = "proxy")]
        DialErrorKind::Proxy(ProxyError::Tls(error)) => after_tls(*error),
        #[cfg(feature = "socks")]
        DialErrorKind::Proxy(ProxyError::Socks(
            SocksError::Credentials | SocksError::Method | SocksError::TooLong,
        )) => Retry::Stop,
        DialErrorKind::Refused(status) => after_refusal(*status, error),
        _ => Retry::Backoff,
    }
}

fn after_refusal(status: StatusCode, error: &DialError) -> Retry {
    // Whether it may be over when the same request is sent again.
    let passes = match status.as_u16() {
        408 | 421 | 425 | 429 => true,
        501 | 505 => false,
        code => code >= 500,
    };
    if passes { retry_after(error).map_or(Retry::Backoff, Retry::NotBefore) } else { Retry::Stop }
}

fn after_tls(error: TlsError) -> Retry {
    match error {
        // This side's, and it stays.
        TlsError::Configuration | TlsError::InvalidName | TlsError::NoLibrary | TlsError::NoRoots => {
            Retry::Stop
        }
        _ => Retry::Backoff,
    }
}

fn retry_after(error: &DialError) -> Option<Duration> {
    let value = error.response()?.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    // RFC 9110, 10.2.3: delay-seconds are digits. A number that is too large for us is a long time.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs).min(MAX_RETRY_AFTER))
}

impl From<DialError> for Cause {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Closed(frame) => Self::Closed(frame.clone()),
            _ => Self::Failed(error),
        }
    }
}

impl From<BoxError> for Cause {
    fn from(error: BoxError) -> Self {
        match error.downcast::<DialError>() {
            Ok(error) => (*error).into(),
            Err(error) => match error.downcast::<Error>() {
                Ok(error) => (*error).into(),
                Err(error) => Self::Application(error),
            },
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(error) => fmt::Display::fmt(error, f),
            Self::CloseRequested => f.write_str("the connection was closed by this end"),
            Self::Closed(None) => f.write_str("the server closed the connection without a code"),
            Self::Closed(Some(frame)) if frame.reason.is_empty() => {
                write!(f, "the server closed the connection with code {}", frame.code)
            }
            // The server's words: escaped, so that they cannot write control characters into a log.
            Self::Closed(Some(frame)) => {
                write!(f, "the server closed the connection with code {}: {:?}", frame.code, frame.reason)
            }
            Self::Dial(error) => fmt::Display::fmt(error, f),
            Self::Failed(error) => fmt::Display::fmt(error, f),
            Self::SetupTimedOut => f.write_str("setting up the connection took too long"),
        }
    }
}

impl error::Error for Cause {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Application(error) => error.source(),
            Self::Dial(error) => error.source(),
            Self::Failed(error) => error.source(),
            Self::CloseRequested | Self::Closed(_) | Self::SetupTimedOut => None,
        }
    }
}

/// A server that says "tomorrow" may be back in an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;
    use ws_core::handshake::ResponseError;

    use super::*;
    use crate::{Phase, RedirectError, RequestError, UriError};

    fn refused(status: u16, retry_after: Option<&str>) -> Retry {
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header(header::RETRY_AFTER, value);
        }
        let response = response.body(Bytes::new()).unwrap();
        let error = DialError::from(DialErrorKind::Refused(response.status())).with_response(response);
        Cause::from(error).default_retry()
    }

    #[test]
    fn statuses_stop_or_go_on_as_the_page_says() {
        let goes_on: Vec<u16> =
            (100..600).filter(|status| refused(*status, None) == Retry::Backoff).collect();
        let mut expected = vec![408, 421, 425, 429];
        expected.extend((500..600).filter(|status| ![501, 505].contains(status)));
        assert_eq!(goes_on, expected);
    }

    #[test]
    fn retry_after_is_heeded_up_to_five_minutes() {
        let seconds = |seconds| Retry::NotBefore(Duration::from_secs(seconds));
        assert_eq!(refused(503, Some("7")), seconds(7));
        assert_eq!(refused(429, Some("0")), seconds(0));
        assert_eq!(refused(503, Some("301")), seconds(300));
        assert_eq!(refused(503, Some("99999999999999999999999")), seconds(300));
        for date in ["Wed, 21 Oct 2026 07:28:00 GMT", "", "-1", "+1", "1.5"] {
            assert_eq!(refused(503, Some(date)), Retry::Backoff, "{date:?}");
        }
        assert_eq!(refused(403, Some("7")), Retry::Stop);
    }

    #[test]
    fn errors_of_a_dial_stop_or_go_on_as_the_page_says() {
        let retry = |kind: DialErrorKind| Cause::from(DialError::from(kind)).default_retry();
        for kind in [
            DialErrorKind::Connect,
            DialErrorKind::Dns,
            DialErrorKind::Http,
            DialErrorKind::Random,
            DialErrorKind::TimedOut(Phase::Tls),
            DialErrorKind::Tls(TlsError::Expired),
            DialErrorKind::Tls(TlsError::Closed),
        ] {
            assert_eq!(retry(kind), Retry::Backoff);
        }
        for kind in [
            DialErrorKind::Handshake(ResponseError::AcceptMissing),
            DialErrorKind::InvalidRequest(RequestError::Method),
            DialErrorKind::InvalidUri(UriError::Scheme),
            DialErrorKind::Redirect(RedirectError::TooMany),
            DialErrorKind::Tls(TlsError::NoRoots),
        ] {
            assert_eq!(retry(kind), Retry::Stop);
        }
    }

    #[cfg(feature = "proxy")]
    #[test]
    fn errors_of_a_proxy_stop_or_go_on_as_the_page_says() {
        let retry = |error| Cause::from(DialError::from(DialErrorKind::Proxy(error))).default_retry();
        for error in [
            ProxyError::Connect,
            ProxyError::Dns,
            ProxyError::Refused(StatusCode::BAD_GATEWAY),
            ProxyError::Tls(TlsError::Expired),
            #[cfg(feature = "socks")]
            ProxyError::Socks(SocksError::Reply(4)),
        ] {
            assert_eq!(retry(error), Retry::Backoff);
        }
        for error in [
            ProxyError::Header(header::HOST),
            ProxyError::Refused(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
            ProxyError::Tls(TlsError::NoRoots),
            #[cfg(feature = "socks")]
            ProxyError::Socks(SocksError::Credentials),
        ] {
            assert_eq!(retry(error), Retry::Stop);
        }
    }

    #[test]
    fn boxed_errors_are_taken_for_what_they_are() {
        let dial: BoxError = DialError::from(DialErrorKind::Dns).into();
        assert!(matches!(Cause::from(dial), Cause::Dial(_)));
        let conn: BoxError = Error::from(ws_core::UsageError::CloseSent).into();
        assert!(matches!(Cause::from(conn), Cause::Failed(_)));
        assert!(matches!(Cause::from(BoxError::from("no token")), Cause::Application(_)));
    }

    // Shows LOG-1.
    #[test]
    fn reason_of_the_server_is_escaped() {
        let cause = Cause::Closed(Some(CloseFrame::new(4000, "\x1b[31m")));
        assert_eq!(cause.to_string(), "the server closed the connection with code 4000: \"\\u{1b}[31m\"");
    }
}
