//! Origins, and whether a page may talk to its own server (RFC 6454; RFC 6455, 10.2).

use std::{
    fmt::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
    uri::{Authority, Scheme},
};

use super::{
    fields::{Fields, Repeated},
    scan::{ByteSet, trim},
};

/// Whether a request comes from a page of the server it is sent to, or from no page at all.
///
/// `authority` is what the request is for; see [`request_authority`]. `scheme` is that of the transport, or of the
/// proxy in front of it: `https` under TLS, `http` without. With `None` the schemes are not compared, and an authority
/// without a port is taken to have the default port of the origin.
///
/// A request without `Origin` is allowed: browsers always send one, and other clients can send what they like. `null`,
/// two `Origin` lines and whatever is not an [`Origin`] are refused.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::ORIGIN, uri::Scheme};
/// use ws_core::handshake::is_same_origin;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(ORIGIN, HeaderValue::from_static("https://chat.example.com"));
/// assert!(is_same_origin(&headers, "chat.example.com", None));
/// assert!(is_same_origin(&headers, "Chat.Example.com:443", Some(&Scheme::HTTPS)));
/// assert!(!is_same_origin(&headers, "chat.example.com", Some(&Scheme::HTTP)));
/// assert!(!is_same_origin(&headers, "example.com", None));
/// ```
#[must_use]
pub fn is_same_origin(headers: &HeaderMap, authority: &str, scheme: Option<&Scheme>) -> bool {
    Fields::from(headers).is_same_origin(authority, scheme)
}

/// What a request is for: the authority of an absolute request target, or else the one `Host` header.
///
/// Beside an absolute target the `Host` header does not count (RFC 9112, 3.2.2).
#[must_use]
pub fn request_authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority().map(Authority::as_str).or_else(|| Fields::from(headers).host())
}

impl<'a> Fields<'a> {
    /// [`is_same_origin`] for any head.
    pub(crate) fn is_same_origin(self, authority: &str, scheme: Option<&Scheme>) -> bool {
        is_origin_of(self.only_line(&ORIGIN), authority, scheme)
    }

    /// The one `Host` header.
    pub(crate) fn host(self) -> Option<&'a str> {
        self.only_line(&HOST).ok().flatten().and_then(host)
    }
}

/// The line of a `Host` header as text; it may still name no host.
pub(super) fn host(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok().filter(|host| !host.is_empty())
}

/// [`is_same_origin`] for what there is of the `Origin` header.
pub(super) fn is_origin_of(
    origin: Result<Option<&[u8]>, Repeated>,
    authority: &str,
    scheme: Option<&Scheme>,
) -> bool {
    match origin {
        Ok(Some(origin)) => Parts::parse(origin).is_some_and(|origin| origin.matches(authority, scheme)),
        Ok(None) => true,
        Err(Repeated) => false,
    }
}

/// Where a page comes from: scheme, host and port.
///
/// Two origins are equal if they mean the same: letters are folded, a default port is filled in, IPv6 addresses are
/// parsed. Nothing else is mapped: hosts with characters beyond ASCII, with percent signs, or with addresses in
/// spellings that no browser sends are no origins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// In lower case.
    scheme: Box<str>,
    /// In lower case; an IPv6 address stands in brackets and in the form of RFC 5952.
    host: Box<str>,
    /// The default port of the scheme if none was given; `None` if the scheme has none either.
    port: Option<u16>,
}

impl Origin {
    /// Reads the `Origin` header; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If there is more than one, or if it is no origin; `null` is none.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, InvalidOrigin> {
        Fields::from(headers).only_line(&ORIGIN).map_err(|_| InvalidOrigin(()))?.map(Self::parse).transpose()
    }

    /// Reads an origin as a browser writes it: `scheme://host` or `scheme://host:port`.
    ///
    /// A default port may be written out. A path, even a single slash, a user name, a query, a fragment, or a second
    /// origin make it none.
    ///
    /// # Errors
    ///
    /// If it is no origin.
    pub fn parse(value: &[u8]) -> Result<Self, InvalidOrigin> {
        let Parts { scheme, host, port } = Parts::parse(value).ok_or(InvalidOrigin(()))?;
        Ok(Self { scheme: scheme.to_ascii_lowercase().into(), host: host.to_string().into(), port })
    }

    /// The scheme, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, in lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, or the default one of the scheme (`http` and `ws` 80, `https` and `wss` 443).
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether pages of this origin were served by this authority; [`is_same_origin`] says how it is compared.
    #[must_use]
    pub fn matches(&self, authority: &str, scheme: Option<&Scheme>) -> bool {
        let parts = |host| Parts { scheme: self.scheme(), host, port: self.port };
        Host::parse(&self.host).is_some_and(|host| parts(host).matches(authority, scheme))
    }
}

/// An origin where it stands in a header: to compare one takes no memory.
struct Parts<'a> {
    scheme: &'a str,
    host: Host<'a>,
    port: Option<u16>,
}

impl<'a> Parts<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let (scheme, authority) = std::str::from_utf8(value).ok()?.split_once("://")?;
        if !is_scheme(scheme) {
            return None;
        }
        let (host, port) = split_authority(authority)?;
        let host = Host::parse(host)?;
        let port = match port {
            Some(port) => Some(parse_port(port).filter(|_| is_canonical_number(port))?),
            None => default_port(scheme),
        };
        Some(Self { scheme, host, port })
    }

    /// [`Origin::matches`].
    fn matches(&self, authority: &str, scheme: Option<&Scheme>) -> bool {
        // Only these serve pages over HTTP; `chrome-extension://example.com` is not of example.com.
        if !["http", "https"].iter().any(|scheme| scheme.eq_ignore_ascii_case(self.scheme)) {
            return false;
        }
        if scheme.is_some_and(|scheme| !scheme.as_str().eq_ignore_ascii_case(self.scheme)) {
            return false;
        }
        let Some((host, port)) = split_authority(authority) else { return false };
        let port = match port {
            None | Some("") => default_port(self.scheme),
            Some(port) => parse_port(port),
        };
        port == self.port && Host::parse(host).is_some_and(|host| host.is_same(&self.host))
    }
}

/// A host in a spelling that can be compared.
enum Host<'a> {
    Ipv6(Ipv6Addr),
    /// Letters of any case, and of ASCII.
    Name(&'a str),
}

impl<'a> Host<'a> {
    /// `None` for what no browser would send.
    fn parse(host: &'a str) -> Option<Self> {
        if let Some(address) = ipv6_literal(host) {
            // A zone is not part of it, and does not parse.
            return address.parse().ok().map(Self::Ipv6);
        }
        // A trailing dot makes another host, for browsers too.
        let labels = host.strip_suffix('.').unwrap_or(host);
        if !labels.split('.').all(is_label) {
            return None;
        }
        // Browsers take every host that ends in a number for an address, and write it in one form.
        let last = labels.rsplit('.').next().unwrap_or(labels);
        if is_number(last) && host.parse::<Ipv4Addr>().is_err() {
            return None;
        }
        Some(Self::Name(host))
    }

    fn is_same(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Ipv6(one), Host::Ipv6(other)) => one == other,
            (Self::Name(one), Host::Name(other)) => one.eq_ignore_ascii_case(other),
            (Self::Ipv6(_), Host::Name(_)) | (Self::Name(_), Host::Ipv6(_)) => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6(address) => write!(f, "[{address}]"),
            Self::Name(name) => name.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase())),
        }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(value: &str) -> Result<Self, InvalidOrigin> {
        Self::parse(value.as_bytes())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            port if port == default_port(&self.scheme) => Ok(()),
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Not an origin that could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidOrigin(());

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin")
    }
}

impl std::error::Error for InvalidOrigin {}

/// Whether a `Host` header names a host: `host` or `host:port`, without a user name (RFC 9110, 7.2).
///
/// Laxer than what counts as the host of an origin, since clients that are no browsers name hosts such as `web.1`.
pub(crate) fn is_valid_host(authority: &[u8]) -> bool {
    std::str::from_utf8(trim(authority)).is_ok_and(is_valid_authority)
}

/// [`is_valid_host`] of a text without whitespace around it.
pub(super) fn is_valid_authority(authority: &str) -> bool {
    let Some((host, port)) = split_authority(authority) else { return false };
    let host_is_valid = match ipv6_literal(host) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| HOST_NAME.has(byte)),
    };
    host_is_valid && port.is_none_or(|port| port.is_empty() || parse_port(port).is_some())
}

/// Whether two authorities are valid and name the same: letters are folded, the default port of the scheme is filled in.
pub(super) fn is_same_authority(one: &str, other: &str, scheme: Option<&str>) -> bool {
    let port_of = |port: Option<&str>| match port {
        None | Some("") => scheme.and_then(default_port),
        Some(port) => parse_port(port),
    };
    let (Some((one_host, one_port)), Some((other_host, other_port))) =
        (split_authority(one), split_authority(other))
    else {
        return false;
    };
    let address = |host| ipv6_literal(host)?.parse::<Ipv6Addr>().ok();
    let same_host = match (address(one_host), address(other_host)) {
        (None, None) => one_host.eq_ignore_ascii_case(other_host),
        (one, other) => one == other,
    };
    [one, other].iter().all(|authority| is_valid_host(authority.as_bytes()))
        && same_host
        && port_of(one_port) == port_of(other_port)
}

/// Cuts `host:port` in two; the brackets stay with the host. Neither part is checked.
fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    let end_of_host = match authority.strip_prefix('[') {
        Some(address) => address.find(']')? + 2,
        // Byte by byte: what `find` makes ready for is longer than most hosts.
        None => authority.bytes().position(|byte| byte == b':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end_of_host);
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}

/// What stands between the brackets.
fn ipv6_literal(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

/// Letters, digits and hyphens, and the underscore that many have in spite of the rules.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // `xn--example-` says `example` in a roundabout way; nothing may stand for it.
    let punycode = label.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("xn--")).map(|_| &label[4..]);
    let canonical = punycode.is_none_or(|encoded| !encoded.is_empty() && !encoded.ends_with('-'));
    !label.is_empty() && label.bytes().all(allowed) && canonical
}

/// Whether a browser would read the label as a part of an IPv4 address, decimal or hexadecimal.
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x").or_else(|| label.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// RFC 3986, 3.1.
pub(crate) fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Digits only: `u16` alone would take a plus sign.
fn parse_port(port: &str) -> Option<u16> {
    if port.bytes().all(|byte| byte.is_ascii_digit()) { port.parse().ok() } else { None }
}

/// Whether a number is written without leading zeros.
fn is_canonical_number(digits: &str) -> bool {
    digits == "0" || !digits.starts_with('0')
}

/// RFC 3986, 3.2.2, less the comma, which stands between two hosts that a proxy has joined.
static HOST_NAME: ByteSet = ByteSet::alphanumeric_and(b"-._~!$&'()*+;=%");

fn default_port(scheme: &str) -> Option<u16> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("http") || is("ws") {
        Some(80)
    } else if is("https") || is("wss") {
        Some(443)
    } else {
        None
    }
}
