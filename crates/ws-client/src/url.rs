//! URLs as people write them, made into a [`Uri`], which is ASCII and escaped.
//!
//! What is done to them is what browsers do (<https://url.spec.whatwg.org/>), as far as it changes no meaning: spaces
//! around a URL go, a host beyond ASCII becomes Punycode, and what a request line cannot hold is percent-encoded. What
//! browsers repair by guessing (backslashes, control characters, a missing `//`) is an error here.

use std::borrow::Cow;

use http::Uri;

use crate::{DialError, UriError, target::is_secure_scheme};

/// Reads a URL.
pub(crate) fn parse(text: &str) -> Result<Uri, DialError> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    // The fragment is not sent (RFC 6455, 3).
    let text = text.split('#').next().unwrap_or(text);
    // `localhost:3000/chat` is the commonest mistake.
    let Some((scheme, rest)) = text.split_once("://") else { return Err(UriError::Scheme.into()) };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let before_query = rest.split('?').next().unwrap_or(rest);
    if text.contains(|c: char| c.is_ascii_control()) || before_query.contains('\\') {
        return Err(UriError::Character.into());
    }
    if authority.contains('@') {
        return Err(UriError::UserInfo.into());
    }
    let (host, port) = authority
        .split_at(authority.rfind(':').filter(|_| !authority.ends_with(']')).unwrap_or(authority.len()));
    // `http` knows no URL without an authority, and would not say what is missing.
    if authority.is_empty() {
        return Err(is_secure_scheme(scheme).map_or(UriError::Scheme, |_| UriError::Host).into());
    }
    let url = format!("{scheme}://{}{port}{}", ascii_host(host)?, escape(path));
    url.parse().map_err(|error| DialError::from(UriError::Malformed).with_source(error))
}

/// The host in ASCII (IDNA: UTS 46, non-transitional).
#[cfg(feature = "idn")]
fn ascii_host(host: &str) -> Result<Cow<'_, str>, UriError> {
    if host.is_ascii() {
        return Ok(host.into());
    }
    match idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::URL) {
        Ok(host) if !host.is_empty() => Ok(host),
        _ => Err(UriError::InvalidHost),
    }
}

#[cfg(not(feature = "idn"))]
fn ascii_host(host: &str) -> Result<Cow<'_, str>, UriError> {
    if host.is_ascii() { Ok(host.into()) } else { Err(UriError::NonAsciiHost) }
}

/// Percent-encodes what must not stand in a path with a query; what is encoded already stays as it is.
pub(crate) fn escape(path_and_query: &str) -> Cow<'_, str> {
    let query = path_and_query.find('?').unwrap_or(path_and_query.len());
    let must_escape = |(at, byte): (usize, u8)| match byte {
        // The sets of the URL standard, 1.3, for paths and for the queries of its special schemes.
        b' ' | b'"' | b'<' | b'>' => true,
        b'^' | b'`' | b'{' | b'}' => at < query,
        b'\'' => at > query,
        byte => !byte.is_ascii_graphic(),
    };
    if !path_and_query.bytes().enumerate().any(must_escape) {
        return path_and_query.into();
    }
    let mut escaped = String::with_capacity(path_and_query.len() + 16);
    for (at, byte) in path_and_query.bytes().enumerate() {
        if must_escape((at, byte)) {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            escaped.extend([
                '%',
                DIGITS[usize::from(byte >> 4)].into(),
                DIGITS[usize::from(byte & 15)].into(),
            ]);
        } else {
            escaped.push(byte.into());
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DialErrorKind;

    fn parsed(text: &str) -> Result<String, UriError> {
        match parse(text) {
            Ok(uri) => Ok(uri.to_string()),
            Err(error) => match error.kind() {
                DialErrorKind::InvalidUri(error) => Err(*error),
                kind => panic!("{kind:?}"),
            },
        }
    }

    #[test]
    fn paths_and_queries_are_escaped_as_browsers_do() {
        for (text, escaped) in [
            ("/a b", "/a%20b"),
            ("/köln?straße=ß", "/k%C3%B6ln?stra%C3%9Fe=%C3%9F"),
            ("/%F0%9F%A6%80/🦀", "/%F0%9F%A6%80/%F0%9F%A6%80"),
            ("/100%", "/100%"),
            ("/{id}?filter={\"a\":'b'}", "/%7Bid%7D?filter={%22a%22:%27b%27}"),
            ("/<a>|`^?<a>|`^", "/%3Ca%3E|%60%5E?%3Ca%3E|`^"),
            ("/it's?a=\\b", "/it's?a=\\b"),
            ("/a?b?c", "/a?b?c"),
            ("", ""),
        ] {
            assert_eq!(escape(text), escaped, "{text}");
            assert_eq!(escape(escaped), escaped, "{text}");
            assert_eq!(
                parsed(&format!("ws://example.com{text}")),
                Ok(format!("ws://example.com{}", if escaped.is_empty() { "/" } else { escaped }))
            );
        }
    }

    #[test]
    fn spaces_around_a_url_and_the_fragment_go() {
        assert_eq!(parsed(" ws://example.com/a\r\n"), Ok("ws://example.com/a".into()));
        assert_eq!(parsed("ws://example.com/a?b#c d\u{e9}"), Ok("ws://example.com/a?b".into()));
    }

    #[test]
    fn what_browsers_repair_by_guessing_is_refused() {
        for text in [
            "ws:\\\\example.com/",
            "ws://example.com\\@evil.example/",
            "ws://example.com/a\\b",
            "ws://example.com/a\nb",
            "ws://exa\tmple.com/",
            "ws://example.com/\0",
            "ws://example.com/\u{7f}",
        ] {
            let error = if text.contains("://") { UriError::Character } else { UriError::Scheme };
            assert_eq!(parsed(text), Err(error), "{text:?}");
        }
        for text in ["ws:example.com", "ws:/example.com", "example.com"] {
            assert_eq!(parsed(text), Err(UriError::Scheme), "{text:?}");
        }
    }

    #[cfg(feature = "idn")]
    #[test]
    fn hosts_beyond_ascii_become_punycode() {
        for (text, uri) in [
            ("ws://bücher.example/", "ws://xn--bcher-kva.example/"),
            ("wss://BÜCHER.example:8443/ü", "wss://xn--bcher-kva.example:8443/%C3%BC"),
            // Non-transitional: ß stays itself.
            ("ws://faß.example", "ws://xn--fa-hia.example/"),
            ("ws://例え。テスト/", "ws://xn--r8jz45g.xn--zckzah/"),
            ("ws://１２７．０．０．１/", "ws://127.0.0.1/"),
            ("ws://münchen.example./", "ws://xn--mnchen-3ya.example./"),
            ("ws://xn--bcher-kva.example/", "ws://xn--bcher-kva.example/"),
        ] {
            assert_eq!(parsed(text), Ok(uri.into()), "{text}");
        }
        for text in [
            "ws://\u{ad}/",
            "ws://ü\u{200b}\u{2028}/",
            // Full-width characters that would become `/`, `@` and `:`.
            "ws://example.com／evil.example/",
            "ws://example.com＠evil.example/",
            "ws://example.com：80/",
            "ws://xn--a.ü/",
            "ws://[ü]/",
        ] {
            assert_eq!(parsed(text), Err(UriError::InvalidHost), "{text}");
        }
    }

    #[cfg(not(feature = "idn"))]
    #[test]
    fn hosts_beyond_ascii_are_refused_with_the_feature_that_is_missing() {
        let error = parse("ws://bücher.example/").unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::InvalidUri(UriError::NonAsciiHost));
        assert!(error.to_string().contains("feature `idn`"), "{error}");
    }
}
