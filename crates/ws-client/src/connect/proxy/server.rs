//! One proxy, as its URL describes it.

use std::{error, fmt};

use http::{
    HeaderValue, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use hyper_util::client::proxy::matcher::Matcher;

use crate::target;

pub(super) struct Server {
    pub(super) protocol: Protocol,
    /// `https` where TLS is spoken with the proxy, `http` otherwise; the host and the port.
    pub(super) uri: Uri,
}

/// How a proxy is asked for a tunnel, and with which credentials.
pub(super) enum Protocol {
    Connect {
        authorization: Option<HeaderValue>,
    },
    #[cfg(feature = "socks")]
    Socks {
        credentials: Option<(String, String)>,
        local_dns: bool,
    },
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, ProxyUriError> {
        // Schemes have no case (RFC 3986, 3.1), but those of SOCKS do for `http` and hyper-util.
        let url = &match url.split_once("://") {
            Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
            None => url.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| ProxyUriError::Malformed)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(ProxyUriError::Path);
        }
        let (scheme, default_port) = match uri.scheme_str() {
            None | Some("http") => (Scheme::HTTP, 80),
            Some("https") if cfg!(not(any(feature = "native-tls", feature = "rustls"))) => {
                return Err(ProxyUriError::Feature("rustls"));
            }
            Some("https") => (Scheme::HTTPS, 443),
            Some("socks5" | "socks5h") if cfg!(not(feature = "socks")) => {
                return Err(ProxyUriError::Feature("socks"));
            }
            Some("socks5" | "socks5h") => (Scheme::HTTP, 1080),
            Some(_) => return Err(ProxyUriError::Scheme),
        };
        // A password with an `@` that is not encoded: what is behind the first one would be taken for the host.
        if uri.authority().is_some_and(|authority| authority.as_str().matches('@').count() > 1) {
            return Err(ProxyUriError::Malformed);
        }
        // It takes the credentials out and decodes them.
        let matched = Matcher::builder().all(url).build().intercept(&Uri::from_static("http://any.invalid"));
        let matched = matched.ok_or(ProxyUriError::Malformed)?;
        let authority = matched.uri().authority().ok_or(ProxyUriError::Host)?;
        let host = authority.host();
        if matches!(host, "" | "[]") {
            return Err(ProxyUriError::Host);
        }
        let port = target::port(authority).map_err(|_| ProxyUriError::Port)?.unwrap_or(default_port);
        let protocol = match uri.scheme_str() {
            #[cfg(feature = "socks")]
            Some(scheme @ ("socks5" | "socks5h")) => {
                let credentials =
                    matched.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
                if credentials.iter().any(|(user, password)| user.len().max(password.len()) > 255) {
                    return Err(ProxyUriError::Credentials);
                }
                Protocol::Socks { credentials, local_dns: scheme == "socks5" }
            }
            _ => Protocol::Connect { authorization: matched.basic_auth().cloned() },
        };
        let mut parts = Parts::default();
        parts.scheme = Some(scheme);
        parts.authority = Some(format!("{host}:{port}").parse().map_err(|_| ProxyUriError::Malformed)?);
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts).map_err(|_| ProxyUriError::Malformed)?;
        Ok(Self { protocol, uri })
    }

    /// The host and the port, for people.
    pub(super) fn name(&self) -> &str {
        self.uri.authority().map_or("", Authority::as_str)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }
}

impl fmt::Debug for Server {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.protocol {
            Protocol::Connect { .. } => self.uri.scheme_str().unwrap_or_default(),
            #[cfg(feature = "socks")]
            Protocol::Socks { local_dns: true, .. } => "socks5",
            #[cfg(feature = "socks")]
            Protocol::Socks { local_dns: false, .. } => "socks5h",
        };
        write!(f, "{scheme}://{}", self.name())
    }
}

/// Why a URL does not name a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyUriError {
    /// The user name or the password is longer than the 255 bytes that SOCKS5 has room for (RFC 1929, 2).
    Credentials,
    /// This feature of the crate is needed for the scheme.
    Feature(&'static str),
    /// The host is missing.
    Host,
    /// It cannot be parsed.
    Malformed,
    /// There is a path or a query in it.
    Path,
    /// The port is not a number up to 65535.
    Port,
    /// The scheme is none of `http`, `https`, `socks5` and `socks5h`.
    Scheme,
}

impl fmt::Display for ProxyUriError {
    /// Never shows the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "SOCKS5 takes user names and passwords of up to 255 bytes",
            Self::Feature(name) => {
                return write!(f, "proxies of this scheme need the feature `{name}` of ws-client");
            }
            Self::Host => "the host of the proxy is missing",
            Self::Malformed => {
                "the URL of the proxy cannot be parsed; special characters in a user name or password are percent-encoded"
            }
            Self::Path => "the URL of a proxy has no path and no query",
            Self::Port => "the port of the proxy is not a number up to 65535",
            Self::Scheme => "the scheme of the proxy is none of http, https, socks5 and socks5h",
        })
    }
}

impl error::Error for ProxyUriError {}
