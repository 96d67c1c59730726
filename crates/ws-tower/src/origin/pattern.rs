//! [`OriginPattern`]: one origin, or many that are written as one.

use std::{error, fmt, str::FromStr};

use ws_core::handshake::Origin;

use crate::host::HostPattern;

/// An origin, or all subdomains of one, with a scheme or without.
///
/// | Pattern | Stands for | And not for |
/// |---|---|---|
/// | `https://example.com` | `https://example.com`, `https://example.com:443` | `http://example.com`, `https://example.com:444` |
/// | `https://*.example.com` | `https://a.example.com`, `https://b.a.example.com` | `https://example.com`, `https://evilexample.com` |
/// | `example.com` | `https://example.com`, `http://example.com` | `https://example.com:444`, `app://example.com` |
/// | `*.example.com:8080` | `http://a.example.com:8080`, `https://a.example.com:8080` | `https://a.example.com` |
///
/// Without a scheme a pattern stands for `http` and `https`; name the scheme where you can, since a page of `http://` may
/// have been changed on its way. Without a port it stands for the default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    scheme: Option<Box<str>>,
    /// Its port is the default one of the scheme if there is a scheme, and none was given.
    host: HostPattern,
}

impl OriginPattern {
    /// Whether the pattern stands for this origin.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        let default_port = match origin.scheme() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let (scheme_matches, port) = match &self.scheme {
            Some(scheme) => (**scheme == *origin.scheme(), self.host.port()),
            None => (default_port.is_some(), self.host.port().or(default_port)),
        };
        scheme_matches && port == origin.port() && self.host.matches(origin.host())
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOriginPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidOriginPattern> {
        // `null` is what a page says that has no origin: not a host of that name.
        let parsed = match pattern.split_once("://") {
            Some((scheme, host)) => {
                HostPattern::parse(scheme, host).map(|host| (Some(scheme.to_ascii_lowercase().into()), host))
            }
            None if pattern.eq_ignore_ascii_case("null") => None,
            None => HostPattern::parse(HostPattern::NO_SCHEME, pattern).map(|host| (None, host)),
        };
        let (scheme, host) = parsed.ok_or(InvalidOriginPattern(()))?;
        Ok(Self { scheme, host })
    }
}

impl From<Origin> for OriginPattern {
    fn from(origin: Origin) -> Self {
        Self { scheme: Some(origin.scheme().into()), host: HostPattern::exactly(&origin) }
    }
}

/// Not an origin and not a pattern: `scheme://host` or `host`, with `*.` before the host or without, with `:port` behind it
/// or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOriginPattern(());

impl fmt::Display for InvalidOriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin of the form scheme://host or host, or the same with *. before the host")
    }
}

impl error::Error for InvalidOriginPattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        let pattern: OriginPattern = pattern.parse().unwrap();
        pattern.matches(&origin.parse().unwrap())
    }

    #[test]
    fn origin_matches_itself_in_every_spelling() {
        assert!(matches("https://Example.com", "https://example.com:443"));
        assert!(!matches("https://example.com", "http://example.com"));
        assert!(!matches("https://example.com", "https://example.com:444"));
        assert!(!matches("https://example.com", "https://a.example.com"));
        let origin: Origin = "https://Example.com".parse().unwrap();
        assert_eq!(OriginPattern::from(origin), "HTTPS://example.com:443".parse().unwrap());
    }

    // Shows ORG-3.
    #[test]
    fn subdomains_match_and_nothing_that_only_looks_like_one() {
        let pattern = "https://*.example.com";
        assert!(matches(pattern, "https://x.example.com"));
        assert!(matches(pattern, "https://x.y.EXAMPLE.com:443"));
        assert!(!matches(pattern, "https://example.com"));
        assert!(!matches(pattern, "https://evilexample.com"));
        assert!(!matches(pattern, "https://x.example.com.evil.io"));
        assert!(!matches(pattern, "http://x.example.com"));
        assert!(!matches(pattern, "https://x.example.com:444"));
        assert!(matches("http://*.localhost:3000", "http://a.localhost:3000"));
    }

    #[test]
    fn without_a_scheme_both_that_serve_pages_match() {
        for scheme in ["http", "https"] {
            assert!(matches("Example.com", &format!("{scheme}://example.com")));
            assert!(matches("*.example.com", &format!("{scheme}://a.example.com")));
            assert!(matches("*.example.com:8080", &format!("{scheme}://a.example.com:8080")));
            assert!(matches("[::1]:3000", &format!("{scheme}://[0:0::1]:3000")));
            assert!(!matches("example.com", &format!("{scheme}://example.com:8080")));
            assert!(!matches("*.example.com", &format!("{scheme}://example.com")));
            assert!(!matches("*.example.com", &format!("{scheme}://evilexample.com")));
            assert!(!matches("*.example.com:8080", &format!("{scheme}://a.example.com")));
        }
        assert!(matches("example.com:443", "https://example.com"));
        assert!(!matches("example.com:443", "http://example.com"));
        assert!(!matches("example.com", "chrome-extension://example.com"));
        assert!(!matches("example.com", "ws://example.com"));
        assert!(matches("chrome-extension://abcdef", "chrome-extension://abcdef"));
    }

    #[test]
    fn what_is_no_origin_is_no_pattern() {
        for pattern in [
            "",
            "*",
            "null",
            "NULL",
            "://example.com",
            "//example.com",
            "example.com/",
            "example.com:",
            "example.com:x",
            "example.com:99999",
            "user@example.com",
            "exa mple.com",
            "*example.com",
            "a.*.com",
            "*.",
            "*.127.0.0.1",
            "https://",
            "https://*",
            "https://*.",
            "https://a.*.com",
            "https://**.com",
            "https://*example.com",
            "https://example.com/",
            "https://*.[::1]",
            "https://*.*.com",
            "*://example.com",
        ] {
            assert!(pattern.parse::<OriginPattern>().is_err(), "{pattern}");
        }
    }
}
