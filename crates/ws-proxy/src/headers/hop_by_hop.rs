//! What belongs to one connection and must not pass a proxy (RFC 9110, 7.6.1).

use http::{HeaderMap, HeaderName, header};

/// The fields of a head that are for one connection: those that its `Connection` names, and those that are whether it names them
/// or not.
pub(crate) struct HopByHop(Vec<HeaderName>);

impl HopByHop {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let named = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            // The pages that a browser shows are told apart by it: nobody may talk a proxy into leaving it out.
            .filter(|name| *name != header::ORIGIN && !HOP_BY_HOP.contains(name));
        Self(named.collect())
    }

    pub(crate) fn contains(&self, name: &HeaderName) -> bool {
        HOP_BY_HOP.contains(name) || self.0.contains(name)
    }
}

/// Removes them.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HopByHop::of(headers).0.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_and_known_fields_go_and_others_stay() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "Upgrade, X-Named , ,origin, \"bad name\""),
            ("connection", "x-second"),
            ("upgrade", "websocket"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("x-named", "1"),
            ("x-second", "2"),
            ("origin", "https://a.example"),
            ("cookie", "a=b"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "origin"]);
    }
}
