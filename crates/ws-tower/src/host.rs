//! [`AllowedHosts`]: which names the server answers to.

use std::{error, fmt, net::Ipv4Addr};

use ws_core::handshake::Origin;

use crate::target::Target;

/// The hosts that requests may be for: a defence against DNS rebinding.
///
/// Whoever owns a name can make it point at any address, yours too. A page of `evil.example` that does so is of the same
/// origin as requests to `evil.example`, although they reach your server. A server that knows its names refuses the others,
/// with 421 (RFC 9110, 15.5.20), before it looks at the origin.
///
/// `example.com` is one host, on any port; `example.com:8080` on this port only; `*.example.com` stands for all subdomains and
/// not for `example.com`. Letters are folded and IPv6 addresses parsed.
///
/// ```
/// use ws_tower::{AllowedHosts, Upgrader};
///
/// let upgrader = Upgrader::new().allowed_hosts(AllowedHosts::list(["example.com", "localhost:3000", "[::1]:3000"])?);
/// # let _ = upgrader;
/// # Ok::<(), ws_tower::InvalidHostPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts(Vec<HostPattern>);

impl AllowedHosts {
    /// These hosts and no others.
    ///
    /// # Errors
    /// When one of them is not of the form `host` or `host:port`, with `*.` before it or without.
    pub fn list<I>(hosts: I) -> Result<Self, InvalidHostPattern>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let parse = |host: I::Item| HostPattern::parse(HostPattern::NO_SCHEME, host.as_ref());
        hosts.into_iter().map(parse).collect::<Option<_>>().map(Self).ok_or(InvalidHostPattern(()))
    }

    pub(crate) fn allow(&self, target: &Target<'_>) -> bool {
        let Some(authority) = target.authority else { return false };
        // With the scheme a default port is filled in; without, 80 and 443 both stand for none.
        let scheme = target.scheme.as_ref().map_or(HostPattern::NO_SCHEME, |scheme| scheme.as_str());
        let Ok(host) = Origin::parse(format!("{scheme}://{authority}").as_bytes()) else { return false };
        let port_matches = |pattern: &HostPattern| match (pattern.port(), host.port()) {
            (None, _) => true,
            (Some(port), None) => matches!(port, 80 | 443),
            (Some(one), Some(other)) => one == other,
        };
        self.0.iter().any(|pattern| pattern.matches(host.host()) && port_matches(pattern))
    }
}

/// Not of the form `host` or `host:port`, with `*.` before it or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHostPattern(());

impl fmt::Display for InvalidHostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a host of the form host or host:port, or the same with *. before it")
    }
}

impl error::Error for InvalidHostPattern {}

/// A host, or all subdomains of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HostPattern {
    /// As [`Origin::host`] has it.
    host: Box<str>,
    port: Option<u16>,
    subdomains: bool,
}

impl HostPattern {
    /// A scheme without a default port.
    pub(crate) const NO_SCHEME: &str = "host";

    /// Reads `host` or `host:port`, with `*.` before it or without; `scheme` gives the default port.
    pub(crate) fn parse(scheme: &str, pattern: &str) -> Option<Self> {
        let (host, subdomains) = match pattern.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (pattern, false),
        };
        let origin: Origin = format!("{scheme}://{host}").parse().ok()?;
        // Addresses have no subdomains.
        let is_address = origin.host().starts_with('[') || origin.host().parse::<Ipv4Addr>().is_ok();
        (!(subdomains && is_address)).then(|| Self { subdomains, ..Self::exactly(&origin) })
    }

    /// The host and the port of this origin.
    pub(crate) fn exactly(origin: &Origin) -> Self {
        Self { host: origin.host().into(), port: origin.port(), subdomains: false }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether it stands for this host, which is written as [`Origin::host`] has it.
    pub(crate) fn matches(&self, host: &str) -> bool {
        if !self.subdomains {
            return *self.host == *host;
        }
        // The dot before the domain must be there, and a label before the dot.
        let label = host.strip_suffix(&*self.host).and_then(|host| host.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use http::uri::Scheme;

    use super::*;

    fn allow(patterns: &[&str], authority: &str, scheme: Option<Scheme>) -> bool {
        AllowedHosts::list(patterns).unwrap().allow(&Target { scheme, authority: Some(authority) })
    }

    #[test]
    fn host_without_a_port_stands_for_every_port() {
        for authority in ["example.com", "EXAMPLE.com", "example.com:80", "example.com:8080"] {
            assert!(allow(&["Example.com"], authority, None), "{authority}");
        }
        for authority in
            ["evil.example", "a.example.com", "example.com.evil.io", "evilexample.com", "example.com."]
        {
            assert!(!allow(&["example.com"], authority, None), "{authority}");
        }
    }

    #[test]
    fn port_must_be_equal_and_may_be_left_out_where_it_is_the_default() {
        assert!(allow(&["example.com:8080"], "example.com:8080", None));
        assert!(!allow(&["example.com:8080"], "example.com", None));
        assert!(!allow(&["example.com:8080"], "example.com:8081", None));
        assert!(allow(&["example.com:443"], "example.com", None));
        assert!(allow(&["example.com:443"], "example.com", Some(Scheme::HTTPS)));
        assert!(!allow(&["example.com:443"], "example.com", Some(Scheme::HTTP)));
    }

    // Shows ORG-3.
    #[test]
    fn subdomains_need_their_dot() {
        assert!(allow(&["*.example.com"], "a.example.com", None));
        assert!(allow(&["*.example.com"], "b.a.example.com:3000", None));
        for authority in ["example.com", "evilexample.com", ".example.com", "a.example.com.evil.io"] {
            assert!(!allow(&["*.example.com"], authority, None), "{authority}");
        }
    }

    #[test]
    fn addresses_are_compared_in_every_spelling() {
        assert!(allow(&["[::1]"], "[0:0:0:0:0:0:0:1]:3000", None));
        assert!(!allow(&["[::1]"], "[::2]", None));
        assert!(allow(&["127.0.0.1:3000"], "127.0.0.1:3000", None));
        assert!(!allow(&["127.0.0.1"], "[::ffff:127.0.0.1]", None));
    }

    #[test]
    fn what_names_no_host_is_allowed_by_none() {
        for authority in ["", "user@example.com", "example.com/", "example.com:x", "a, example.com"] {
            assert!(!allow(&["example.com"], authority, None), "{authority}");
        }
        let unknown = Target { scheme: None, authority: None };
        assert!(!AllowedHosts::list(["example.com"]).unwrap().allow(&unknown));
        assert!(!allow(&[], "example.com", None));
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for pattern in ["", "*", "*.", "https://example.com", "example.com/", "a b", "*.*.com", "*.[::1]"] {
            assert!(AllowedHosts::list([pattern]).is_err(), "{pattern}");
        }
    }
}
