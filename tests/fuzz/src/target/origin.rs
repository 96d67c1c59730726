//! `Origin` and what it is compared with (RFC 6454, 7).

use http::{HeaderMap, HeaderValue, header::ORIGIN, uri::Scheme};
use ws_core::handshake::{Origin, is_same_origin};

/// An origin, a line feed, and an authority; whatever follows a second line feed is a second origin.
pub(crate) fn run(input: &[u8]) {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let (Some(origin), authority, second) = (lines.next(), lines.next().unwrap_or(b""), lines.next()) else {
        return;
    };
    let Ok(value) = HeaderValue::from_bytes(origin) else { return };
    let mut headers = HeaderMap::new();
    headers.append(ORIGIN, value);
    if let Some(second) = second.and_then(|second| HeaderValue::from_bytes(second).ok()) {
        headers.append(ORIGIN, second);
        assert!(Origin::from_headers(&headers).is_err(), "I21: two origins are none");
        let authority = String::from_utf8_lossy(authority);
        assert!(!is_same_origin(&headers, &authority, None), "I21: two origins match nothing");
        return;
    }
    let Ok(authority) = std::str::from_utf8(authority) else { return };
    let same = is_same_origin(&headers, authority, None);
    match Origin::parse(origin) {
        Ok(parsed) => {
            assert_eq!(parsed.matches(authority, None), same, "I21: {parsed} and {authority}");
            check(&parsed, authority, same);
            let shouted = origin.to_ascii_uppercase();
            assert_eq!(Origin::parse(&shouted).as_ref(), Ok(&parsed), "I21: letters make no difference");
        }
        // Spaces around a value are not part of it, and are gone before the comparison.
        Err(_) => assert!(!same || origin.trim_ascii() != origin, "I21: matched, and is no origin"),
    }
    if origin.trim_ascii().eq_ignore_ascii_case(b"null") {
        assert!(!same, "I21: `null` is no origin");
    }
}

fn check(parsed: &Origin, authority: &str, same: bool) {
    let text = parsed.to_string();
    assert_eq!(text.parse::<Origin>().as_ref(), Ok(parsed), "I11: {text}");
    assert!(text.is_ascii() && !text.contains(char::is_uppercase), "I11: {text}");
    // What is served under the origin's own name is of the same origin, by one scheme only.
    let own = match parsed.port() {
        Some(port) => format!("{}:{port}", parsed.host()),
        None => parsed.host().to_owned(),
    };
    if matches!(parsed.scheme(), "http" | "https") {
        assert!(parsed.matches(&own, None), "I21: {text} and {own}");
        assert!(parsed.matches(&own.to_ascii_uppercase(), None), "I21: {text} and {own}");
        let (mine, other) = match parsed.scheme() {
            "http" => (Scheme::HTTP, Scheme::HTTPS),
            _ => (Scheme::HTTPS, Scheme::HTTP),
        };
        assert!(parsed.matches(&own, Some(&mine)), "I21: {text} by {mine}");
        assert!(!parsed.matches(&own, Some(&other)), "I21: {text} by {other}");
    } else {
        assert!(!parsed.matches(&own, None) && !same, "I21: {text} serves no pages");
    }
    for wrong in
        [format!("{own}.example"), format!("x{own}"), format!("{own}/"), format!("u@{own}"), String::new()]
    {
        assert!(!parsed.matches(&wrong, None), "I21: {text} and {wrong}");
    }
    if same && !authority.contains('[') {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        assert!(host.eq_ignore_ascii_case(parsed.host()), "I21: {text} and {authority}");
    }
}
