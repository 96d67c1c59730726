//! [`CheckOrigin`]: which pages may connect.

use std::{error, fmt, str::FromStr, sync::Arc};

use http::request::Parts;
use ws_core::handshake::{self, Origin};

/// Which pages may open connections (RFC 6455, 10.2).
///
/// Browsers let every page connect to every server, and send the user's cookies along; the server is the one to refuse.
/// They say in the `Origin` header which page it is. What is no browser can say anything there, so this does not replace
/// authentication: it only keeps other pages from borrowing it.
///
/// A refused handshake is answered with 403. A request without `Origin` comes from no page; all but
/// [`with`](Self::with) allow it.
///
/// ```
/// use ws_tower::{CheckOrigin, Upgrader};
///
/// let upgrader = Upgrader::new().check_origin(CheckOrigin::list(["https://example.com", "https://*.example.com"])?);
/// # let _ = upgrader;
/// # Ok::<(), ws_tower::InvalidOriginPattern>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum CheckOrigin {
    /// Pages of the host that the request is for: the default.
    ///
    /// Host and port of `Origin` are compared with the request's authority, after letters are folded, default ports
    /// filled in and IPv6 addresses parsed. Schemes are not: a server behind a proxy does not know its own. `null` and
    /// everything malformed is refused.
    #[default]
    SameOrigin,
    /// Every page, whatever it says.
    Any,
    /// The pages of these origins and no others, not even those of the server itself.
    List(Vec<OriginPattern>),
    /// What a function of the application decides; made by [`with`](Self::with).
    With(OriginPredicate),
}

impl CheckOrigin {
    /// Allows the pages of these origins: `https://example.com`, `http://localhost:3000`, `https://*.example.com`.
    ///
    /// # Errors
    /// When one of them is not an [`OriginPattern`].
    pub fn list<I>(origins: I) -> Result<Self, InvalidOriginPattern>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        origins.into_iter().map(|origin| origin.as_ref().parse()).collect::<Result<_, _>>().map(Self::List)
    }

    /// Lets a function decide. It sees the whole head of the request, whether that has an `Origin` or not.
    ///
    /// ```
    /// use ws_tower::CheckOrigin;
    ///
    /// // Only browsers, and only those that come through the proxy.
    /// let check = CheckOrigin::with(|request| {
    ///     request.headers.contains_key("origin") && request.headers.contains_key("x-forwarded-for")
    /// });
    /// # let _ = check;
    /// ```
    pub fn with<F>(allow: F) -> Self
    where
        F: Fn(&Parts) -> bool + Send + Sync + 'static,
    {
        Self::With(OriginPredicate(Arc::new(allow)))
    }

    pub(crate) fn allows(&self, request: &Parts) -> bool {
        let headers = &request.headers;
        match self {
            Self::SameOrigin => handshake::request_authority(&request.uri, headers)
                .is_some_and(|authority| handshake::is_same_origin(headers, authority, None)),
            Self::Any => true,
            Self::List(patterns) => match Origin::from_headers(headers) {
                Ok(Some(origin)) => patterns.iter().any(|pattern| pattern.matches(&origin)),
                Ok(None) => true,
                Err(_) => false,
            },
            Self::With(OriginPredicate(allow)) => allow(request),
        }
    }
}

/// A function that decides which requests are allowed.
#[derive(Clone)]
pub struct OriginPredicate(Arc<dyn Fn(&Parts) -> bool + Send + Sync>);

impl fmt::Debug for OriginPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginPredicate(..)")
    }
}

/// An origin, or all subdomains of one.
///
/// `https://*.example.com` stands for `https://a.example.com` and `https://b.a.example.com`, but not for
/// `https://example.com`. Scheme and port must be equal, after default ports are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    origin: Origin,
    subdomains: bool,
}

impl OriginPattern {
    /// Whether the pattern stands for this origin.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        if !self.subdomains {
            return self.origin == *origin;
        }
        // The dot before the domain must be there, and a label before the dot.
        let prefix = origin.host().strip_suffix(self.origin.host()).and_then(|host| host.strip_suffix('.'));
        (origin.scheme(), origin.port()) == (self.origin.scheme(), self.origin.port())
            && prefix.is_some_and(|label| !label.is_empty())
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOriginPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidOriginPattern> {
        let (origin, subdomains) = match pattern.split_once("://*.") {
            Some((scheme, domain)) => (format!("{scheme}://{domain}").parse(), true),
            None => (pattern.parse(), false),
        };
        let origin: Origin = origin.map_err(|_| InvalidOriginPattern(()))?;
        // Addresses have no subdomains.
        if subdomains && origin.host().starts_with('[') {
            return Err(InvalidOriginPattern(()));
        }
        Ok(Self { origin, subdomains })
    }
}

impl From<Origin> for OriginPattern {
    fn from(origin: Origin) -> Self {
        Self { origin, subdomains: false }
    }
}

/// Not an origin and not a pattern: `scheme://host` or `scheme://host:port`, with `*.` before the host or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOriginPattern(());

impl fmt::Display for InvalidOriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin of the form scheme://host or scheme://*.host")
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
    }

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
    fn what_is_no_origin_is_no_pattern() {
        for pattern in [
            "",
            "*",
            "null",
            "example.com",
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
