//! What goes wrong between a dial and a tunnel.

use std::{error, fmt, io, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode};

use super::{BoxError, ProxyUriError};
use crate::{TlsError, error::Source};

/// Why no tunnel through a proxy came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// The function of [`Proxy::with`](crate::Proxy::with) failed.
    Choice,
    /// The TCP connection to the proxy could not be opened.
    Connect,
    /// The host name of the proxy has no address.
    Dns,
    /// The proxy sent more than its answer to `CONNECT`. Nobody speaks before the client in TLS and HTTP, so these bytes
    /// are not the server's.
    EarlyData,
    /// This header cannot be sent with `CONNECT`.
    Header(HeaderName),
    /// The proxy did not answer `CONNECT` in HTTP/1.1: it closed the connection, said something else, or said too much.
    Http,
    /// The proxy answered `CONNECT` with another status than 2xx.
    Refused(StatusCode),
    /// A SOCKS proxy opened no tunnel.
    #[cfg(feature = "socks")]
    #[cfg_attr(docsrs, doc(cfg(feature = "socks")))]
    Socks(SocksError),
    /// The TLS handshake with the proxy failed, often because its certificate was not accepted.
    Tls(TlsError),
    /// The environment names a proxy that cannot be used.
    Uri(ProxyUriError),
}

/// Why a SOCKS5 proxy opened no tunnel.
#[cfg(feature = "socks")]
#[cfg_attr(docsrs, doc(cfg(feature = "socks")))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocksError {
    /// The proxy closed the connection in the middle of the handshake.
    Closed,
    /// The user name or the password is wrong (RFC 1929).
    Credentials,
    /// The proxy takes neither of what was offered: user name and password where the URL has them, no authentication
    /// where it does not (RFC 1928, 3).
    Method,
    /// What the proxy said is no SOCKS5.
    Protocol,
    /// The proxy refused with this code (RFC 1928, 6).
    Reply(u8),
    /// User name, password and host name are together longer than what is sent, about 250 bytes.
    TooLong,
}

/// A tunnel that did not come about, inside the `io::Error` of a connector.
pub(crate) struct Failure {
    pub(crate) kind: ProxyError,
    /// The host and the port, once a proxy was chosen.
    pub(crate) proxy: Option<Box<str>>,
    pub(crate) target: Box<str>,
    pub(crate) source: Option<Source>,
    pub(crate) response: Option<Box<Response<Bytes>>>,
}

impl Failure {
    /// Takes a failure out of what a connector returned.
    pub(crate) fn take(error: BoxError) -> Result<Self, BoxError> {
        error.downcast::<io::Error>()?.downcast().map_err(Into::into)
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    pub(super) fn with_response(mut self, response: Response<Bytes>) -> Self {
        self.response = Some(Box::new(response));
        self
    }

    pub(super) fn into_io(mut self, proxy: Option<&str>, target: &str) -> io::Error {
        self.proxy = proxy.map(Into::into);
        self.target = target.into();
        io::Error::new(self.kind.io_kind(error::Error::source(&self)), self)
    }
}

impl From<ProxyError> for Failure {
    fn from(kind: ProxyError) -> Self {
        Self { kind, proxy: None, target: Box::default(), source: None, response: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.kind, self.proxy.as_deref(), &self.target, error::Error::source(self))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("proxy", &self.proxy)
            .field("target", &self.target)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl error::Error for Failure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl ProxyError {
    pub(crate) fn io_kind(&self, source: Option<&(dyn error::Error + 'static)>) -> io::ErrorKind {
        match self {
            Self::Choice | Self::Connect | Self::Dns => {
                source.and_then(crate::error::io_kind).unwrap_or(io::ErrorKind::Other)
            }
            Self::EarlyData | Self::Http | Self::Tls(_) => io::ErrorKind::InvalidData,
            Self::Header(_) | Self::Uri(_) => io::ErrorKind::InvalidInput,
            Self::Refused(
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            ) => io::ErrorKind::PermissionDenied,
            Self::Refused(StatusCode::GATEWAY_TIMEOUT) => io::ErrorKind::TimedOut,
            Self::Refused(_) => io::ErrorKind::ConnectionRefused,
            #[cfg(feature = "socks")]
            Self::Socks(error) => error.io_kind(),
        }
    }
}

#[cfg(feature = "socks")]
impl SocksError {
    fn io_kind(self) -> io::ErrorKind {
        match self {
            Self::Closed => io::ErrorKind::UnexpectedEof,
            Self::Credentials | Self::Method | Self::Reply(2) => io::ErrorKind::PermissionDenied,
            Self::Protocol => io::ErrorKind::InvalidData,
            Self::Reply(3) => io::ErrorKind::NetworkUnreachable,
            Self::Reply(4) => io::ErrorKind::HostUnreachable,
            Self::Reply(5) => io::ErrorKind::ConnectionRefused,
            Self::Reply(6) => io::ErrorKind::TimedOut,
            Self::Reply(_) => io::ErrorKind::Other,
            Self::TooLong => io::ErrorKind::InvalidInput,
        }
    }
}

/// Writes what went wrong for a person, with the names of the proxy and the server.
pub(crate) fn describe(
    f: &mut fmt::Formatter<'_>,
    kind: &ProxyError,
    proxy: Option<&str>,
    target: &str,
    source: Option<&(dyn error::Error + 'static)>,
) -> fmt::Result {
    let proxy = proxy.unwrap_or_default();
    match kind {
        ProxyError::Choice => write!(f, "no proxy could be chosen for {target}"),
        ProxyError::Connect => write!(
            f,
            "could not connect to proxy {proxy} on the way to {target}; check its host and port, and whether it is up"
        ),
        ProxyError::Dns => write!(
            f,
            "could not find an address for proxy {proxy} on the way to {target}; check the name, and the network of this \
             machine"
        ),
        ProxyError::EarlyData => {
            write!(
                f,
                "proxy {proxy} sent more than its answer to CONNECT {target}, before anything was asked of the server"
            )
        }
        ProxyError::Header(name) => {
            write!(
                f,
                "the proxy on the way to {target} cannot be asked: header {name} has no place in CONNECT"
            )
        }
        ProxyError::Http => {
            let hint =
                crate::error::http_hint(source, "http:// against https:// and socks5:// for the proxy");
            write!(f, "proxy {proxy}, asked for a tunnel to {target}, {hint}")
        }
        ProxyError::Refused(status) => {
            write!(f, "proxy {proxy} answered CONNECT {target} with {status}")?;
            match refusal_hint(*status) {
                "" => Ok(()),
                hint => write!(f, " ({hint})"),
            }
        }
        #[cfg(feature = "socks")]
        ProxyError::Socks(error) => write!(f, "SOCKS proxy {proxy} opened no tunnel to {target}: {error}"),
        // Its own text is about the scheme of the server.
        ProxyError::Tls(TlsError::NotTls) => write!(
            f,
            "TLS with proxy {proxy} failed on the way to {target}: it does not speak TLS; check its port, or try http:// \
             instead of https:// for it"
        ),
        ProxyError::Tls(reason) => {
            write!(f, "TLS with proxy {proxy} failed on the way to {target}: {reason}")?;
            if *reason == TlsError::UnknownIssuer {
                // The roots of the dialer are for the server.
                write!(f, " by {ROOTS_OF_PROXIES}")?;
            }
            match source {
                #[cfg(feature = "rustls")]
                Some(source) => TlsError::write_detail(f, source),
                _ => Ok(()),
            }
        }
        ProxyError::Uri(error) => {
            write!(f, "the proxy for {target} in the environment cannot be used: {error}")
        }
    }
}

/// Where the roots go that proxies are checked against.
const ROOTS_OF_PROXIES: &str =
    if cfg!(feature = "rustls") { "Dialer::proxy_tls_config" } else { "Dialer::proxy_native_tls" };

/// What a status means to somebody who wanted a tunnel.
fn refusal_hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "credentials are missing or wrong; they belong into the proxy's URL or its Proxy-Authorization header"
        }
        StatusCode::FORBIDDEN => "the proxy does not allow this client, host or port",
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => "the proxy could not reach the server",
        StatusCode::GATEWAY_TIMEOUT => "the server did not answer the proxy in time",
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_IMPLEMENTED => "is it a proxy? check its host and port",
        status if status.is_redirection() => "a proxy does not redirect; check its host and port",
        _ => "",
    }
}

#[cfg(feature = "socks")]
impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "it closed the connection",
            Self::Credentials => "the user name or the password is wrong",
            Self::Method => {
                "it does not take the authentication that was offered; check the credentials in its URL"
            }
            Self::Protocol => "what it said is no SOCKS5; check its port",
            Self::Reply(1) => "general failure",
            Self::Reply(2) => "its rules do not allow this host or port",
            Self::Reply(3) => "the network cannot be reached",
            Self::Reply(4) => "the host cannot be reached; is the name known to the proxy?",
            Self::Reply(5) => "the server refused the connection",
            Self::Reply(6) => "the server could not be reached in time",
            Self::Reply(7) => "it does not know the command",
            Self::Reply(8) => "it does not know this type of address",
            Self::Reply(code) => return write!(f, "it answered with the unknown code {code}"),
            Self::TooLong => "user name, password and host name are too long together",
        })
    }
}

#[cfg(feature = "socks")]
impl error::Error for SocksError {}
