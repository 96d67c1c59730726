//! Why a dial failed.

use std::{error, fmt, io, sync::Arc};

use bytes::Bytes;
use http::{Response, StatusCode, Version, header};
use ws_core::handshake::ResponseError;

#[cfg(feature = "proxy")]
use crate::connect::proxy::{ProxyError, ProxyFailure, describe};
use crate::{
    Phase, RedirectError, RequestError, TlsError, UriError,
    redirect::{ShownLocation, is_redirect},
    tls_error::TlsFailure,
};

type BoxError = Box<dyn error::Error + Send + Sync>;

/// Shared by dials that waited for the same connection.
pub(crate) type Source = Arc<dyn error::Error + Send + Sync>;

/// Why no connection came about.
///
/// [`kind`](Self::kind) says at which step it failed, [`response`](Self::response) holds the answer of a server that
/// refused, and what the system or the TLS library said is the [`source`](error::Error::source). The wording of
/// `Display` is for people and not stable.
///
/// ```no_run
/// # async fn run() -> Result<(), ws_client::DialError> {
/// use ws_client::DialErrorKind;
///
/// match ws_client::dial("ws://localhost:3000/chat").await {
///     Ok((conn, _response)) => drop(conn),
///     Err(error) => match error.kind() {
///         DialErrorKind::Refused(status) if status.as_u16() == 401 => eprintln!("sign in first"),
///         _ if error.is_timeout() => eprintln!("try again later"),
///         _ => return Err(error),
///     },
/// }
/// # Ok(())
/// # }
/// ```
pub struct DialError(Box<DialErrorImpl>);

struct DialErrorImpl {
    kind: DialErrorKind,
    /// The host and the port, once the URL told them.
    target: Option<Box<str>>,
    /// The proxy that the dial had come to.
    proxy: Option<Box<str>>,
    source: Option<Source>,
    response: Option<Response<Bytes>>,
}

/// The steps at which a dial fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialErrorKind {
    /// The TCP connection could not be opened, or a custom connector failed.
    Connect,
    /// The host name has no address.
    Dns,
    /// The server switched protocols, but not to what was asked for (RFC 6455, 4.1).
    Handshake(ResponseError),
    /// The server did not answer in HTTP/1.1: it closed the connection, said something else, or said too much (a head of
    /// over 64 KiB or 100 fields, more than 32 interim responses).
    Http,
    /// The server speaks no HTTP/2, or went wrong in it before it answered.
    #[cfg(feature = "http2")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
    Http2(crate::Http2Error),
    /// The request that was to be dialed is no opening handshake.
    InvalidRequest(RequestError),
    /// The URL cannot be dialed.
    InvalidUri(UriError),
    /// There is no tunnel through the proxy.
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    Proxy(ProxyError),
    /// The system gave no random bytes for the `Sec-WebSocket-Key`.
    Random,
    /// The server redirected, and that was not followed. Without [`Dialer::redirects`](crate::Dialer::redirects) a redirect
    /// is [`Refused`](Self::Refused). The response is there without its body, which was not waited for.
    Redirect(RedirectError),
    /// The server answered with another status than 101.
    Refused(StatusCode),
    /// The handshake timeout passed in this phase.
    TimedOut(Phase),
    /// TLS failed, for this reason. That can be after its handshake: with TLS 1.3 a server that refuses the client
    /// certificate says so in place of its response.
    Tls(TlsError),
}

impl DialError {
    /// At which step the dial failed.
    #[must_use]
    pub fn kind(&self) -> &DialErrorKind {
        &self.0.kind
    }

    /// The answer of a server that refused the handshake, or of a proxy that refused the tunnel, with the first 1,024
    /// bytes of its body at the most.
    ///
    /// A body that had not arrived within three seconds, or before the handshake timeout, is cut short.
    #[must_use]
    pub fn response(&self) -> Option<&Response<Bytes>> {
        self.0.response.as_ref()
    }

    /// Takes the answer out, as [`response`](Self::response) shows it.
    #[must_use]
    pub fn into_response(self) -> Option<Response<Bytes>> {
        self.0.response
    }

    /// Whether time ran out: the handshake timeout, or the system's own for opening a TCP connection.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), DialErrorKind::TimedOut(_))
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    pub(crate) fn with_response(mut self, response: Response<Bytes>) -> Self {
        self.0.response = Some(response);
        self
    }

    pub(crate) fn with_target(mut self, target: &str) -> Self {
        self.0.target = Some(target.into());
        self
    }

    /// Names the proxy, unless the error does so already.
    pub(crate) fn with_proxy(mut self, proxy: Option<Box<str>>) -> Self {
        self.0.proxy = self.0.proxy.or(proxy);
        self
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn into_source(self) -> Option<Source> {
        self.0.source
    }

    /// The same error for another dial.
    #[cfg(feature = "http2")]
    pub(crate) fn share(&self) -> Self {
        let DialErrorImpl { kind, target, proxy, source, response } = &*self.0;
        Self(Box::new(DialErrorImpl {
            kind: kind.clone(),
            target: target.clone(),
            proxy: proxy.clone(),
            source: source.clone(),
            response: response.clone(),
        }))
    }

    /// What a connector returned while the dial was in this phase.
    pub(crate) fn connector(phase: Phase, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        #[cfg(feature = "proxy")]
        let source = match ProxyFailure::take(source) {
            Ok(failure) => return Self::from(failure),
            Err(source) => source,
        };
        let io = io_kind(&*source);
        let kind = match (TlsError::find(&*source), phase) {
            // In whatever phase: connectors of the caller's tell none.
            (Some(reason), _) => DialErrorKind::Tls(reason),
            (None, Phase::Dns) => DialErrorKind::Dns,
            (None, Phase::Connect | Phase::Tls) if io == Some(io::ErrorKind::TimedOut) => {
                DialErrorKind::TimedOut(phase)
            }
            (None, Phase::Connect | Phase::Http) => DialErrorKind::Connect,
            #[cfg(feature = "proxy")]
            (None, Phase::Proxy) => DialErrorKind::Connect,
            (None, Phase::Tls) => DialErrorKind::Tls(io.map_or(TlsError::Other, TlsError::of_io)),
        };
        if TlsFailure::is_bare(&*source) {
            return kind.into();
        }
        Self::from(kind).with_source(source)
    }

    fn location(&self) -> Option<ShownLocation<'_>> {
        self.response()?.headers().get(header::LOCATION).map(ShownLocation)
    }
}

impl From<DialErrorKind> for DialError {
    fn from(kind: DialErrorKind) -> Self {
        Self(Box::new(DialErrorImpl { kind, target: None, proxy: None, source: None, response: None }))
    }
}

#[cfg(feature = "proxy")]
impl From<ProxyFailure> for DialError {
    fn from(failure: ProxyFailure) -> Self {
        let kind = match failure.kind {
            // As without a proxy.
            ProxyError::Connect
                if failure
                    .source
                    .as_deref()
                    .is_some_and(|source| io_kind(source) == Some(io::ErrorKind::TimedOut)) =>
            {
                DialErrorKind::TimedOut(Phase::Connect)
            }
            kind => DialErrorKind::Proxy(kind),
        };
        let mut error = Self::from(kind);
        error.0.target = Some(failure.target);
        error.0.proxy = failure.proxy;
        error.0.source = failure.source;
        error.0.response = failure.response.map(|response| *response);
        error
    }
}

impl From<DialError> for io::Error {
    fn from(error: DialError) -> Self {
        let kind = match error.kind() {
            DialErrorKind::Connect | DialErrorKind::Dns => {
                error.0.source.as_deref().and_then(|source| io_kind(source)).unwrap_or(io::ErrorKind::Other)
            }
            DialErrorKind::Handshake(_) | DialErrorKind::Http | DialErrorKind::Tls(_) => {
                io::ErrorKind::InvalidData
            }
            #[cfg(feature = "http2")]
            DialErrorKind::Http2(_) => io::ErrorKind::InvalidData,
            DialErrorKind::InvalidRequest(_) | DialErrorKind::InvalidUri(_) => io::ErrorKind::InvalidInput,
            #[cfg(feature = "proxy")]
            DialErrorKind::Proxy(kind) => kind.io_kind(error::Error::source(&error)),
            DialErrorKind::Random => io::ErrorKind::Other,
            DialErrorKind::Redirect(_) | DialErrorKind::Refused(_) => io::ErrorKind::ConnectionRefused,
            DialErrorKind::TimedOut(_) => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.0.target.as_deref().unwrap_or("the server");
        #[cfg(feature = "proxy")]
        if let DialErrorKind::Proxy(error) = self.kind() {
            return describe(f, error, self.0.proxy.as_deref(), target, error::Error::source(self));
        }
        let target = match &self.0.proxy {
            Some(proxy) => &format!("{target} through proxy {proxy}"),
            None => target,
        };
        match self.kind() {
            DialErrorKind::Connect => {
                write!(f, "could not connect to {target}; check host and port, and whether the server is up")
            }
            DialErrorKind::Dns => write!(
                f,
                "could not find an address for {target}; check the name, and the network of this machine"
            ),
            DialErrorKind::Handshake(error) => {
                let status = self.response().map_or(StatusCode::SWITCHING_PROTOCOLS, Response::status);
                write!(f, "{target} answered {}, but wrongly: {error}", status.as_u16())
            }
            DialErrorKind::Http => {
                write!(f, "{target} {}", http_hint(error::Error::source(self), "wss:// against ws://"))
            }
            #[cfg(feature = "http2")]
            DialErrorKind::Http2(error) => write!(f, "{target} {error}"),
            DialErrorKind::InvalidRequest(error) => write!(f, "request cannot be dialed: {error}"),
            DialErrorKind::InvalidUri(error) => write!(f, "URL cannot be dialed: {error}"),
            #[cfg(feature = "proxy")]
            DialErrorKind::Proxy(_) => Ok(()),
            DialErrorKind::Random => f.write_str("the system gave no random bytes"),
            DialErrorKind::Redirect(error) => {
                write!(f, "{target} redirected")?;
                if let Some(location) = self.location() {
                    write!(f, " to {location}")?;
                }
                write!(f, ", which was not followed: {error}")
            }
            DialErrorKind::Refused(status) => {
                write!(f, "{target} refused the handshake with {status}")?;
                match refusal_hint(*status, self.response().map(Response::version)) {
                    "" => {}
                    hint => write!(f, " ({hint})")?,
                }
                match self.location() {
                    Some(location) if status.is_redirection() => write!(f, ", to {location}"),
                    _ => Ok(()),
                }
            }
            DialErrorKind::TimedOut(phase) => {
                write!(f, "timed out while {phase} ({target}); {}", phase.hint())
            }
            DialErrorKind::Tls(reason) => {
                write!(f, "TLS with {target} failed: {reason}")?;
                match &self.0.source {
                    #[cfg(feature = "rustls")]
                    Some(source) => TlsError::write_detail(f, &**source),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("DialError");
        debug.field("kind", &self.0.kind);
        if let Some(target) = &self.0.target {
            debug.field("target", target);
        }
        if let Some(proxy) = &self.0.proxy {
            debug.field("proxy", proxy);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl error::Error for DialError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Whether the server sent something before it was asked, as servers of other protocols do. hyper has no predicate for
/// that: it cancels the request, for an error of its own that is no end of the connection and has no cause.
fn spoke_first(error: &hyper::Error) -> bool {
    let cause = error::Error::source(error).and_then(|cause| cause.downcast_ref::<hyper::Error>());
    let is_message =
        |cause: &hyper::Error| error::Error::source(cause).is_none() && !cause.is_incomplete_message();
    error.is_canceled() && cause.is_some_and(is_message)
}

/// What a status means to somebody who wanted a WebSocket.
fn refusal_hint(status: StatusCode, version: Option<Version>) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if version == Some(Version::HTTP_2) => {
            "over HTTP/2 the path has to take the method CONNECT; allow HTTP/1.1 alone if it does not"
        }
        StatusCode::UNAUTHORIZED => "credentials are missing or wrong",
        StatusCode::FORBIDDEN => "the server does not allow this client or its Origin",
        StatusCode::NOT_FOUND => "check the path",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "try again later",
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            "a proxy before the server did not reach it; try again later"
        }
        StatusCode::UPGRADE_REQUIRED => "the server or a proxy before it did not see the upgrade",
        status if is_redirect(status) => {
            "redirects are followed by Dialer::dial alone, and only with Dialer::redirects"
        }
        status if status.is_success() => "check the path: this one is plain HTTP",
        _ => "",
    }
}

/// What stands behind an error of HTTP, as far as it helps a person, who may have mixed up two schemes.
pub(crate) fn http_hint(source: Option<&(dyn error::Error + 'static)>, schemes: &str) -> String {
    let Some(error) = source.and_then(|source| source.downcast_ref::<hyper::Error>()) else {
        return "did not answer as HTTP/1.1 asks for".into();
    };
    if error.is_parse() || spoke_first(error) {
        format!("gave an answer that is no HTTP/1.1; check the port, and {schemes}")
    } else if error.is_incomplete_message() {
        format!("closed the connection without an answer; check the port, and {schemes}")
    } else {
        // Servers of TLS that hear plain text do this too.
        format!("lost the connection before it answered; check the port, and {schemes}")
    }
}

/// The kind of the innermost I/O error in a chain.
pub(crate) fn io_kind(error: &(dyn error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error.downcast_ref::<io::Error>().map(io::Error::kind).or(found);
        next = error.source();
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn error_is_one_word_and_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<DialError>();
        assert_eq!(size_of::<DialError>(), size_of::<usize>());
    }

    #[test]
    fn connector_errors_are_named_after_the_phase() {
        let kind =
            |phase, error: io::ErrorKind| DialError::connector(phase, io::Error::from(error)).kind().clone();
        assert_eq!(kind(Phase::Dns, io::ErrorKind::Other), DialErrorKind::Dns);
        assert_eq!(kind(Phase::Connect, io::ErrorKind::ConnectionRefused), DialErrorKind::Connect);
        assert_eq!(kind(Phase::Connect, io::ErrorKind::TimedOut), DialErrorKind::TimedOut(Phase::Connect));
        assert_eq!(kind(Phase::Tls, io::ErrorKind::InvalidData), DialErrorKind::Tls(TlsError::Other));
        assert_eq!(kind(Phase::Tls, io::ErrorKind::ConnectionReset), DialErrorKind::Tls(TlsError::Closed));
        assert_eq!(kind(Phase::Tls, io::ErrorKind::TimedOut), DialErrorKind::TimedOut(Phase::Tls));
    }

    #[test]
    fn reason_of_tls_is_not_told_twice() {
        let bare = io::Error::from(TlsFailure::from(TlsError::NoRoots));
        let error = DialError::connector(Phase::Tls, bare);
        assert_eq!(error.kind(), &DialErrorKind::Tls(TlsError::NoRoots));
        assert!(error::Error::source(&error).is_none());
    }

    // Shows LOG-1.
    #[test]
    fn redirects_say_where_to_and_cannot_write_into_a_terminal() {
        let mut response = Response::new(Bytes::new());
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_bytes(b"/a\x9bb").unwrap());
        let error = DialError::from(DialErrorKind::Refused(StatusCode::FOUND)).with_response(response);
        assert_eq!(
            error.to_string(),
            r#"the server refused the handshake with 302 Found (redirects are followed by Dialer::dial alone, and only with Dialer::redirects), to "/a\x9bb""#
        );
    }

    #[test]
    fn io_error_keeps_the_kind_of_the_system() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = io::Error::from(DialError::connector(Phase::Connect, refused));
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = io::Error::from(DialError::from(UriError::Scheme));
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
