//! What a URL says about where to connect to and what to ask there.

use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

use crate::UriError;

/// A URL taken apart into what each step of a dial needs.
#[derive(Debug)]
pub(crate) struct Target {
    /// For the connector: `http` or `https`, the host with its port, no path.
    pub(crate) endpoint: Uri,
    /// For the request line: the path with the query.
    pub(crate) path: Uri,
    /// For the `Host` header: the host, and the port unless it is the default one.
    pub(crate) host: HeaderValue,
}

impl Target {
    pub(crate) fn new(uri: &Uri) -> Result<Self, UriError> {
        let (scheme, default_port) = match is_secure(uri) {
            Some(false) => (Scheme::HTTP, 80),
            Some(true) => (Scheme::HTTPS, 443),
            None => return Err(UriError::Scheme),
        };
        let authority = uri.authority().ok_or(UriError::Host)?;
        if authority.as_str().contains('@') {
            return Err(UriError::UserInfo);
        }
        let name = authority.host();
        if name.is_empty() || name == "[]" {
            return Err(UriError::Host);
        }
        let port = port(authority)?;
        let host = match port {
            Some(port) if port != default_port => format!("{name}:{port}"),
            _ => name.to_owned(),
        };

        let mut endpoint = http::uri::Parts::default();
        endpoint.scheme = Some(scheme);
        endpoint.authority = Some(
            format!("{name}:{}", port.unwrap_or(default_port)).parse().map_err(|_| UriError::Malformed)?,
        );
        endpoint.path_and_query = Some(PathAndQuery::from_static("/"));
        Ok(Self {
            endpoint: Uri::from_parts(endpoint).map_err(|_| UriError::Malformed)?,
            path: path(uri)?,
            host: HeaderValue::try_from(host).map_err(|_| UriError::Malformed)?,
        })
    }

    /// The host and the port, for people.
    pub(crate) fn name(&self) -> &str {
        self.endpoint.authority().map_or("", Authority::as_str)
    }
}

/// Whether the scheme asks for TLS; `None` when it is none of ours.
pub(crate) fn is_secure(uri: &Uri) -> Option<bool> {
    let scheme = uri.scheme_str()?;
    // Schemes have no case (RFC 3986, 3.1).
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("ws") || is("http") {
        Some(false)
    } else if is("wss") || is("https") {
        Some(true)
    } else {
        None
    }
}

/// The port that the URL names. `http` takes any digits for a port, and none at all.
pub(crate) fn port(authority: &Authority) -> Result<Option<u16>, UriError> {
    let rest = authority.as_str().strip_prefix(authority.host()).ok_or(UriError::Malformed)?;
    match rest.strip_prefix(':') {
        None | Some("") => Ok(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| UriError::Port)
        }
        Some(_) => Err(UriError::Port),
    }
}

/// The request target: never empty, and without the fragment, which `http` drops.
fn path(uri: &Uri) -> Result<Uri, UriError> {
    let path = match uri.path_and_query() {
        None => PathAndQuery::from_static("/"),
        Some(path) if path.as_str().starts_with('/') => path.clone(),
        // `ws://host?query`
        Some(path) => format!("/{}", path.as_str()).parse().map_err(|_| UriError::Malformed)?,
    };
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DialErrorKind, IntoDialRequest as _};

    fn target(url: &str) -> Result<Target, DialErrorKind> {
        let request = url.into_dial_request().map_err(|error| error.kind().clone())?;
        Target::new(request.uri()).map_err(DialErrorKind::InvalidUri)
    }

    fn parts(url: &str) -> (String, String, String) {
        let target = target(url).unwrap();
        let host = target.host.to_str().unwrap().to_owned();
        (target.endpoint.to_string(), target.path.to_string(), host)
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, endpoint, path, host) in [
            ("ws://example.com/chat", "http://example.com:80/", "/chat", "example.com"),
            ("wss://example.com/chat?a=b", "https://example.com:443/", "/chat?a=b", "example.com"),
            ("http://example.com:80", "http://example.com:80/", "/", "example.com"),
            ("https://example.com:8443", "https://example.com:8443/", "/", "example.com:8443"),
            ("ws://example.com:443/", "http://example.com:443/", "/", "example.com:443"),
            ("ws://example.com:/", "http://example.com:80/", "/", "example.com"),
            ("ws://example.com?a=b", "http://example.com:80/", "/?a=b", "example.com"),
            ("ws://example.com/a#part", "http://example.com:80/", "/a", "example.com"),
            ("ws://[::1]:3000/", "http://[::1]:3000/", "/", "[::1]:3000"),
            ("wss://[::1]", "https://[::1]:443/", "/", "[::1]"),
            ("WSS://Example.com", "https://Example.com:443/", "/", "Example.com"),
        ] {
            assert_eq!(parts(url), (endpoint.into(), path.into(), host.into()), "{url}");
        }
    }

    #[test]
    fn urls_that_cannot_be_dialed_are_refused() {
        for (url, error) in [
            ("", UriError::Scheme),
            ("localhost:3000", UriError::Scheme),
            ("localhost:3000/chat", UriError::Scheme),
            ("/chat", UriError::Scheme),
            ("ftp://example.com", UriError::Scheme),
            ("ws://", UriError::Malformed),
            ("ws:///chat", UriError::Malformed),
            ("ws://:80/", UriError::Host),
            ("ws://exa mple.com/", UriError::Malformed),
            ("ws://example.com:65536/", UriError::Port),
            ("ws://example.com:+80/", UriError::Port),
            ("ws://user:secret@example.com/", UriError::UserInfo),
            ("ws://user@example.com/", UriError::UserInfo),
        ] {
            assert_eq!(target(url).err(), Some(DialErrorKind::InvalidUri(error)), "{url}");
        }
    }
}
