//! [`HostPolicy`] and [`OriginPolicy`]: whom backends take themselves, and the page, for.

use http::{HeaderMap, HeaderValue, Uri, header::ORIGIN};

/// The `Host` that a backend sees, or `:authority` over HTTP/2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostPolicy {
    /// That of the client's request.
    #[default]
    Preserve,
    /// That of the backend's URL.
    Backend,
    /// This one.
    Set(HeaderValue),
}

/// The `Origin` that a backend sees.
///
/// It is the proxy's [`Upgrader`](ws_tower::Upgrader) that checks the client's; one that is changed here tells the backend nothing
/// of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// That of the client's request, if it has one.
    #[default]
    Preserve,
    /// The origin of the backend's URL where the request has one: with [`HostPolicy::Backend`], pages of any origin that the proxy
    /// allows are of the same origin for the backend.
    Backend,
    /// This one where the request has one.
    Set(HeaderValue),
    /// None.
    Remove,
}

impl HostPolicy {
    /// The value; `None` for that of the backend's URL.
    pub(crate) fn value(&self, authority: Option<&str>) -> Option<HeaderValue> {
        match self {
            Self::Preserve => authority.and_then(|authority| HeaderValue::from_str(authority).ok()),
            Self::Backend => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

impl OriginPolicy {
    pub(crate) fn apply(&self, headers: &mut HeaderMap, backend: &Uri) {
        if !headers.contains_key(ORIGIN) {
            return;
        }
        let value = match self {
            Self::Preserve => return,
            Self::Backend => origin(backend),
            Self::Set(value) => Some(value.clone()),
            Self::Remove => None,
        };
        headers.remove(ORIGIN);
        headers.extend(value.map(|value| (ORIGIN, value)));
    }
}

/// RFC 6454, 6.2: the scheme of pages, the host, and the port unless it is the default one.
fn origin(uri: &Uri) -> Option<HeaderValue> {
    let (scheme, default) = match uri.scheme_str()? {
        "wss" | "https" => ("https", 443),
        _ => ("http", 80),
    };
    let host = uri.host()?;
    match uri.port_u16().filter(|port| *port != default) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_of_a_backend_is_that_of_a_page_on_it() {
        for (uri, expected) in [
            ("ws://a.example/x", "http://a.example"),
            ("wss://a.example:443", "https://a.example"),
            ("wss://a.example:8443/", "https://a.example:8443"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let mut headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://page"))]);
            OriginPolicy::Backend.apply(&mut headers, &uri.parse().unwrap());
            assert_eq!(headers[ORIGIN], expected);
        }
    }

    #[test]
    fn request_without_an_origin_is_given_none() {
        let mut headers = HeaderMap::new();
        OriginPolicy::Set(HeaderValue::from_static("x")).apply(&mut headers, &Uri::from_static("ws://a"));
        assert!(headers.is_empty());
    }
}
