//! What a URL says about where to connect to and what to ask there.

use std::net::Ipv6Addr;

use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

use crate::{UriError, url::escape};

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
        let name = host(authority)?;
        let port = port(authority)?;
        let host = match port {
            Some(port) if port != default_port => format!("{name}:{port}"),
            _ => name.clone(),
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

    pub(crate) fn is_secure(&self) -> bool {
        self.endpoint.scheme() == Some(&Scheme::HTTPS)
    }

    /// `ws` or `wss`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure() { "wss" } else { "ws" }
    }

    /// The URL that was dialed.
    pub(crate) fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = self.scheme().parse().ok();
        parts.authority = self.host_str().parse().ok();
        parts.path_and_query = self.path.path_and_query().cloned();
        // They come from such a URL.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// A URL of this origin.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme(), self.host_str())
    }

    /// The origin as HTTP writes it (RFC 6454, 6.2).
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", if self.is_secure() { "https" } else { "http" }, self.host_str())
    }

    /// The URL in terms of HTTP.
    #[cfg(feature = "cookies")]
    pub(crate) fn http_uri(&self) -> Uri {
        format!("{}{}", self.origin(), self.path).parse().unwrap_or_default()
    }

    fn host_str(&self) -> &str {
        // It was a `str` before.
        self.host.to_str().unwrap_or_default()
    }

    /// The host and the port, for people.
    pub(crate) fn name(&self) -> &str {
        self.endpoint.authority().map_or("", Authority::as_str)
    }
}

/// Whether the scheme asks for TLS; `None` when it is none of ours.
pub(crate) fn is_secure(uri: &Uri) -> Option<bool> {
    is_secure_scheme(uri.scheme_str()?)
}

/// The same of a scheme.
pub(crate) fn is_secure_scheme(scheme: &str) -> Option<bool> {
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

/// The host in lower case, as browsers send it (RFC 3986, 3.2.2: it has no case).
///
/// What is not in brackets is left to the resolver to judge, or to a connector that knows better.
fn host(authority: &Authority) -> Result<String, UriError> {
    let host = authority.host();
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        if address.contains('%') {
            return Err(UriError::Zone);
        }
        if !address.is_empty() && address.parse::<Ipv6Addr>().is_err() {
            return Err(UriError::InvalidHost);
        }
    }
    if host.is_empty() || host == "[]" { Err(UriError::Host) } else { Ok(host.to_ascii_lowercase()) }
}

/// The port that the URL names. `http` takes any digits for a port, none at all, and more behind an address in brackets
/// than a port.
pub(crate) fn port(authority: &Authority) -> Result<Option<u16>, UriError> {
    let rest = authority.as_str().strip_prefix(authority.host()).ok_or(UriError::Malformed)?;
    match rest.strip_prefix(':') {
        None if !rest.is_empty() => Err(UriError::InvalidHost),
        None | Some("") => Ok(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Nobody can be connected to at port 0.
            digits.parse().ok().filter(|port| *port != 0).map(Some).ok_or(UriError::Port)
        }
        Some(_) => Err(UriError::Port),
    }
}

/// The request target: never empty, escaped, and without the fragment, which `http` drops.
fn path(uri: &Uri) -> Result<Uri, UriError> {
    let Some(path) = uri.path_and_query() else { return Ok(PathAndQuery::from_static("/").into()) };
    // `ws://host?query`
    let slash = if path.as_str().starts_with('/') { "" } else { "/" };
    let escaped = escape(path.as_str());
    if slash.is_empty() && escaped == path.as_str() {
        return Ok(path.clone().into());
    }
    format!("{slash}{escaped}").parse().map_err(|_| UriError::Malformed)
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
            ("WSS://Example.COM", "https://example.com:443/", "/", "example.com"),
            ("ws://[2001:DB8::A]:80/", "http://[2001:db8::a]:80/", "/", "[2001:db8::a]"),
            ("ws://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]:80/", "/", "[::ffff:127.0.0.1]"),
            // Left to the resolver: the root at the end, empty labels, other spellings of an address.
            ("ws://example.com./", "http://example.com.:80/", "/", "example.com."),
            ("ws://a..b/", "http://a..b:80/", "/", "a..b"),
            ("ws://127.1/", "http://127.1:80/", "/", "127.1"),
            ("ws://under_score/", "http://under_score:80/", "/", "under_score"),
            ("ws://example.com:0080/", "http://example.com:80/", "/", "example.com"),
            ("ws://example.com:65535/", "http://example.com:65535/", "/", "example.com:65535"),
            // Dot segments are sent as they are.
            ("ws://example.com/a/../b//c", "http://example.com:80/", "/a/../b//c", "example.com"),
            ("ws://example.com/a b?c d", "http://example.com:80/", "/a%20b?c%20d", "example.com"),
        ] {
            assert_eq!(parts(url), (endpoint.into(), path.into(), host.into()), "{url}");
        }
    }

    #[test]
    fn paths_of_parsed_uris_are_escaped_too() {
        let uri = Uri::try_from("ws://example.com/ü?ü").unwrap();
        assert_eq!(Target::new(&uri).unwrap().path, "/%C3%BC?%C3%BC");
    }

    #[test]
    fn overlong_names_are_left_to_the_resolver_and_overlong_urls_are_refused() {
        let label = "a".repeat(64);
        assert_eq!(parts(&format!("ws://{label}.example/")).2, format!("{label}.example"));
        let long = format!("ws://{}/", "a".repeat(1 << 16));
        assert_eq!(target(&long).err(), Some(DialErrorKind::InvalidUri(UriError::Malformed)));
    }

    #[test]
    fn urls_that_cannot_be_dialed_are_refused() {
        for (url, error) in [
            ("", UriError::Scheme),
            ("localhost:3000", UriError::Scheme),
            ("localhost:3000/chat", UriError::Scheme),
            ("/chat", UriError::Scheme),
            ("ftp://example.com", UriError::Scheme),
            ("unix:///run/chat.sock", UriError::Scheme),
            ("ws://", UriError::Host),
            ("ws:///chat", UriError::Host),
            ("ws://?chat", UriError::Host),
            ("ws://:80/", UriError::Host),
            ("ws://exa mple.com/", UriError::Malformed),
            ("ws://[]/", UriError::Host),
            ("ws://[::1/", UriError::Malformed),
            ("ws://::1/", UriError::Malformed),
            ("ws://[::g]/", UriError::InvalidHost),
            ("ws://[1.2.3.4]/", UriError::InvalidHost),
            ("ws://[v1.x]/", UriError::InvalidHost),
            ("ws://[::1]80/", UriError::InvalidHost),
            ("ws://[::1].example.com/", UriError::InvalidHost),
            ("ws://[::1],:80/", UriError::InvalidHost),
            ("ws://[fe80::1%25eth0]/", UriError::Zone),
            ("ws://[fe80::1%eth0]/", UriError::Zone),
            ("ws://ex%61mple.com/", UriError::Malformed),
            ("ws://example.com:0/", UriError::Port),
            ("ws://example.com:65536/", UriError::Port),
            ("ws://example.com:80:80/", UriError::Malformed),
            ("ws://example.com:８０/", UriError::Malformed),
            ("ws://example.com:+80/", UriError::Port),
            ("ws://user:secret@example.com/", UriError::UserInfo),
            ("ws://user@example.com/", UriError::UserInfo),
        ] {
            assert_eq!(target(url).err(), Some(DialErrorKind::InvalidUri(error)), "{url}");
        }
    }
}
