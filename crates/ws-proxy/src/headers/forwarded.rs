//! [`ForwardedHeaders`]: what backends are told of the client.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};
use ws_tower::{AddressRange, InvalidAddressRange};

use crate::Peer;

/// The headers by which backends learn of the client: `X-Forwarded-For`, `-Proto` and `-Host`, and `Forwarded` (RFC 7239).
///
/// Anybody can send such headers, so those of a request are dropped, unless it comes from a proxy that is
/// [trusted](Self::trust): then they are kept, and this proxy adds itself to the lists. What this proxy does not write is dropped
/// likewise: a backend that believes one of them must not be told lies in another. These are `Forwarded`, `X-Real-IP` and all
/// that begin with `X-Forwarded-`, with underscores in place of hyphens, too: to many programs both are the same.
///
/// | Header | From a trusted proxy | From anybody else |
/// |---|---|---|
/// | `X-Forwarded-For` | the address of the proxy is added | the address of the client |
/// | `X-Forwarded-Proto` | kept; the scheme here if it has none | `https` if TLS ends here, else `http` |
/// | `X-Forwarded-Host` | kept; the host of the request if it has none | the host of the request |
/// | `Forwarded` | an element with `for`, `host` and `proto` is added | that element alone |
///
/// ```
/// use ws_proxy::{ForwardedHeaders, Proxy};
///
/// let forwarded = ForwardedHeaders::new().trust(["10.0.0.0/8", "fd00::/8"])?.rfc_7239(true);
/// let proxy = Proxy::to("ws://127.0.0.1:9000")?.forwarded(forwarded);
/// # let _ = proxy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ForwardedHeaders {
    x_forwarded: bool,
    rfc_7239: bool,
    trusted: Vec<AddressRange>,
}

impl ForwardedHeaders {
    /// The `X-Forwarded` headers, and no proxy in front that is trusted.
    pub fn new() -> Self {
        Self { x_forwarded: true, rfc_7239: false, trusted: Vec::new() }
    }

    /// Whether `X-Forwarded-For`, `-Proto` and `-Host` are written; they are unless set.
    pub fn x_forwarded(mut self, written: bool) -> Self {
        self.x_forwarded = written;
        self
    }

    /// Whether `Forwarded` is written; it is not unless set.
    pub fn rfc_7239(mut self, written: bool) -> Self {
        self.rfc_7239 = written;
        self
    }

    /// The proxies in front whose word counts: addresses, and ranges such as `10.0.0.0/8`. None unless set.
    ///
    /// # Errors
    /// When one of them is neither.
    pub fn trust<I>(mut self, ranges: I) -> Result<Self, InvalidAddressRange>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.trusted = ranges.into_iter().map(|range| range.as_ref().parse()).collect::<Result<_, _>>()?;
        Ok(self)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }

    /// Writes them into the headers of a request that were its client's.
    pub(crate) fn write(&self, headers: &mut HeaderMap, peer: Option<Peer>, host: Option<&str>) {
        if !peer.is_some_and(|peer| self.trusts(peer.addr.ip())) {
            let told: Vec<_> = headers.keys().filter(|name| tells_of_a_client(name)).cloned().collect();
            for name in told {
                headers.remove(name);
            }
        }
        let proto = if peer.is_some_and(|peer| peer.secure) { "https" } else { "http" };
        if self.x_forwarded {
            if let Some(peer) = peer {
                add(headers, X_FORWARDED_FOR, &peer.addr.ip().to_canonical().to_string());
            }
            set_unless_there(headers, X_FORWARDED_PROTO, proto);
            if let Some(host) = host {
                set_unless_there(headers, X_FORWARDED_HOST, host);
            }
        }
        if self.rfc_7239 {
            let mut element =
                format!("for={}", peer.map_or_else(|| "unknown".into(), |peer| node(peer.addr)));
            if let Some(host) = host {
                element.push_str(&format!(";host=\"{}\"", host.replace(['"', '\\'], "")));
            }
            element.push_str(&format!(";proto={proto}"));
            add(headers, FORWARDED, &element);
        }
    }
}

impl Default for ForwardedHeaders {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether backends may take their client from it. CGI and its heirs make the same of hyphens and underscores (RFC 3875, 4.1.18).
fn tells_of_a_client(name: &HeaderName) -> bool {
    let name = name.as_str();
    if !name.starts_with(['x', 'f']) {
        return false;
    }
    let name = name.replace('_', "-");
    name.starts_with("x-forwarded-") || matches!(&*name, "forwarded" | "x-real-ip")
}

/// RFC 7239, 6: an IPv6 address stands in brackets, and so in quotes.
fn node(address: SocketAddr) -> String {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    }
}

/// Adds an element to a list, all of whose lines become one.
fn add(headers: &mut HeaderMap, name: HeaderName, element: &str) {
    let mut list: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    list.retain(|line| !line.trim_ascii().is_empty());
    list.push(element.as_bytes());
    // It is made of values, so it is one.
    if let Ok(value) = HeaderValue::from_bytes(&list.join(&b", "[..])) {
        headers.insert(name, value);
    }
}

fn set_unless_there(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use super::*;

    fn written(forwarded: &ForwardedHeaders, peer: &str, came: &[(&'static str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in came {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Peer::new(peer.parse().unwrap()).secure(true);
        forwarded.write(&mut headers, Some(peer), Some("a.example"));
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    const FORGED: &[(&str, &str)] = &[
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for", "7.7.7.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-port", "1"),
        ("x_forwarded_for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
    ];

    #[test]
    fn what_anybody_says_is_replaced() {
        assert_eq!(
            written(&ForwardedHeaders::new(), "192.0.2.1:99", FORGED),
            ["x-forwarded-for: 192.0.2.1", "x-forwarded-host: a.example", "x-forwarded-proto: https"]
        );
        let rfc_7239 = ForwardedHeaders::new().x_forwarded(false).rfc_7239(true);
        assert_eq!(
            written(&rfc_7239, "[2001:db8::1]:99", FORGED),
            ["forwarded: for=\"[2001:db8::1]\";host=\"a.example\";proto=https"]
        );
    }

    #[test]
    fn what_a_trusted_proxy_says_is_kept_and_added_to() {
        let trusting = ForwardedHeaders::new().rfc_7239(true).trust(["192.0.2.0/24"]).unwrap();
        assert_eq!(
            written(&trusting, "[::ffff:192.0.2.1]:99", FORGED),
            [
                "forwarded: for=6.6.6.6, for=192.0.2.1;host=\"a.example\";proto=https",
                "x-forwarded-for: 6.6.6.6, 7.7.7.7, 192.0.2.1",
                "x-forwarded-host: evil.example",
                "x-forwarded-port: 1",
                "x-forwarded-proto: http",
                "x-real-ip: 6.6.6.6",
                "x_forwarded_for: 6.6.6.6",
            ]
        );
    }

    #[test]
    fn nobody_is_trusted_whose_address_is_not_known() {
        let mut headers = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("6.6.6.6"))]);
        let trusting = ForwardedHeaders::new().trust(["0.0.0.0/0"]).unwrap();
        trusting.write(&mut headers, None, None);
        assert!(!headers.contains_key(X_FORWARDED_FOR));
    }
}
