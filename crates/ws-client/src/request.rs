//! What can be dialed.

use std::fmt;

use http::{HeaderMap, HeaderName, Method, Request, Uri, Version, header};
use ws_core::handshake::{OfferError, is_reserved_request_header};

use crate::{DialError, DialErrorKind, url};

mod sealed {
    use http::{Request, Uri};

    #[expect(unnameable_types, reason = "that is what seals")]
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for &String {}
    impl Sealed for String {}
    impl Sealed for Uri {}
    impl Sealed for &Uri {}
    impl Sealed for Request<()> {}
}

/// What can be dialed: a URL as text, a [`Uri`], or a request with headers of its own.
///
/// The scheme is `ws` or `wss`; `http` and `https` mean the same. The port is 80 or 443 unless the URL has one. A
/// fragment is dropped (RFC 6455, 3). A user name or password in the URL is refused: it would not be sent, so an
/// `Authorization` header has to say it.
///
/// Text may be as people write it: spaces around it go, a host beyond ASCII becomes Punycode (IDNA, the feature `idn`, on
/// by default), and what a request line cannot hold is percent-encoded as UTF-8, as browsers do. Control characters and
/// backslashes, which browsers repair by guessing, are refused.
///
/// A request is a `GET` in HTTP/1.1. Its headers are sent as they are, a `Host` among them replaces the one made from
/// the URL, and headers that belong to the opening handshake are refused. Its extensions are ignored.
///
/// This trait is sealed.
pub trait IntoDialRequest: sealed::Sealed {
    #[doc(hidden)]
    fn into_dial_request(self) -> Result<Request<()>, DialError>;
}

impl IntoDialRequest for &str {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        url::parse(self)?.into_dial_request()
    }
}

impl IntoDialRequest for &String {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        self.as_str().into_dial_request()
    }
}

impl IntoDialRequest for String {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        self.as_str().into_dial_request()
    }
}

impl IntoDialRequest for Uri {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        let mut request = Request::new(());
        *request.uri_mut() = self;
        Ok(request)
    }
}

impl IntoDialRequest for &Uri {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        self.clone().into_dial_request()
    }
}

impl IntoDialRequest for Request<()> {
    fn into_dial_request(self) -> Result<Request<()>, DialError> {
        if self.method() != Method::GET {
            return Err(RequestError::Method.into());
        }
        if self.version() != Version::HTTP_11 {
            return Err(RequestError::Version.into());
        }
        Ok(self)
    }
}

/// Why a URL cannot be dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UriError {
    /// There is a control character in it, or a backslash in front of the query.
    Character,
    /// There is no host.
    Host,
    /// The host is neither a name nor an address: it has characters that no host may have, or is no IPv6 address although
    /// it stands in brackets.
    InvalidHost,
    /// It is not a URL; the source of the error says what its parser met.
    Malformed,
    /// The host has characters beyond ASCII, and the feature `idn` is not there to translate them.
    NonAsciiHost,
    /// The port is not a number from 1 to 65,535.
    Port,
    /// The scheme is missing, or not one of `ws`, `wss`, `http` and `https`.
    Scheme,
    /// There is a user name or a password in front of the host.
    UserInfo,
    /// The IPv6 address has a zone, such as `%eth0`, which a URL cannot carry to a server.
    Zone,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "there is a control character or a backslash in it",
            Self::Host => "the host is missing",
            Self::InvalidHost => "the host is neither a name nor an address",
            Self::Malformed => "it cannot be parsed",
            Self::NonAsciiHost => {
                "the host has characters beyond ASCII; enable the feature `idn` of ws-client, or write it as xn--…"
            }
            Self::Port => "the port is not a number from 1 to 65535",
            Self::Scheme => "it must begin with ws:// or wss://",
            Self::UserInfo => "a user name in it would not be sent; use an Authorization header",
            Self::Zone => {
                "an IPv6 address with a zone cannot be dialed; connect a socket and use Dialer::handshake"
            }
        })
    }
}

/// Why a request cannot be an opening handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// This header belongs to the handshake, announces a body, or stands there twice although it must not.
    Header(HeaderName),
    /// The method is not `GET`.
    Method,
    /// A subprotocol is not a token, or is offered twice (RFC 6455, 4.1).
    Subprotocols(OfferError),
    /// The version is not HTTP/1.1.
    Version,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) if name == header::HOST => f.write_str("there is more than one host header"),
            Self::Header(name) if name == header::SEC_WEBSOCKET_PROTOCOL => {
                f.write_str("header sec-websocket-protocol is written from Dialer::subprotocols")
            }
            Self::Header(name) => write!(f, "header {name} belongs to the handshake and cannot be set"),
            Self::Method => f.write_str("the method is not GET"),
            Self::Subprotocols(error) => fmt::Display::fmt(error, f),
            Self::Version => f.write_str("the version is not HTTP/1.1"),
        }
    }
}

impl From<UriError> for DialError {
    fn from(error: UriError) -> Self {
        DialErrorKind::InvalidUri(error).into()
    }
}

impl From<RequestError> for DialError {
    fn from(error: RequestError) -> Self {
        DialErrorKind::InvalidRequest(error).into()
    }
}

/// Refuses headers of the caller that would contradict the handshake.
pub(crate) fn check_headers(headers: &HeaderMap) -> Result<(), RequestError> {
    for name in headers.keys() {
        // What announces a body is among them: it would make the server take frames for one.
        if is_reserved_request_header(name) {
            return Err(RequestError::Header(name.clone()));
        }
    }
    match headers.get_all(header::HOST).iter().count() {
        0 | 1 => Ok(()),
        _ => Err(RequestError::Header(header::HOST)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_of_the_handshake_are_refused_by_name() {
        for name in [
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::EXPECT,
            header::SEC_WEBSOCKET_ACCEPT,
            header::SEC_WEBSOCKET_EXTENSIONS,
            header::SEC_WEBSOCKET_KEY,
            header::SEC_WEBSOCKET_PROTOCOL,
            header::SEC_WEBSOCKET_VERSION,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ] {
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
            assert_eq!(check_headers(&headers), Err(RequestError::Header(name)));
        }
    }

    #[test]
    fn one_host_header_of_the_caller_is_taken_and_two_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("a"));
        assert_eq!(check_headers(&headers), Ok(()));
        headers.append(header::HOST, HeaderValue::from_static("b"));
        assert_eq!(check_headers(&headers), Err(RequestError::Header(header::HOST)));
    }

    #[test]
    fn requests_other_than_get_in_http_1_1_are_refused() {
        let post = Request::post("ws://example.com/").body(()).unwrap();
        let error = post.into_dial_request().unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::InvalidRequest(RequestError::Method));
        let http2 = Request::get("ws://example.com/").version(Version::HTTP_2).body(()).unwrap();
        let error = http2.into_dial_request().unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::InvalidRequest(RequestError::Version));
    }
}
