//! [`Forwarded`]: what a proxy says of the request that it passes on.

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED, uri::Scheme};

/// The scheme and the host that the client of a proxy asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) scheme: Option<Scheme>,
    pub(crate) host: Option<&'a str>,
}

/// The headers are there, and say nothing that could be relied on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Forwarded<'a> {
    /// `X-Forwarded-Proto` and `X-Forwarded-Host`; `None` without either.
    pub(super) fn from_x_forwarded(headers: &'a HeaderMap) -> Result<Option<Self>, Malformed> {
        let last = |name: &HeaderName| match last_line(headers, name)? {
            Some(line) => line
                .rsplit(',')
                .next()
                .map(str::trim)
                .filter(|last| !last.is_empty())
                .ok_or(Malformed)
                .map(Some),
            None => Ok(None),
        };
        let scheme = last(&X_FORWARDED_PROTO)?.map(scheme).transpose()?;
        let host = last(&X_FORWARDED_HOST)?;
        Ok((scheme.is_some() || host.is_some()).then_some(Self { scheme, host }))
    }

    /// The last element of `Forwarded` (RFC 7239, 4); `None` without the header.
    pub(super) fn from_rfc_7239(headers: &'a HeaderMap) -> Result<Option<Self>, Malformed> {
        let Some(line) = last_line(headers, &FORWARDED)? else { return Ok(None) };
        let mut forwarded = Self::default();
        let mut rest = line;
        loop {
            let Pair { named, separator, rest: behind } = Pair::read(rest)?;
            match named {
                Some((name, value)) if name.eq_ignore_ascii_case("proto") => {
                    // 4: a parameter is there once in an element.
                    set_once(&mut forwarded.scheme, scheme(value)?)?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("host") => {
                    set_once(&mut forwarded.host, value)?
                }
                _ => {}
            }
            match separator {
                // Behind a comma comes the next proxy, which is nearer.
                Some(',') => forwarded = Self::default(),
                Some(_) => {}
                None => return Ok(Some(forwarded)),
            }
            rest = behind;
        }
    }
}

fn set_once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

/// The last line of a header; more of them are one list, in their order.
fn last_line<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Malformed> {
    headers.get_all(name).iter().next_back().map(HeaderValue::to_str).transpose().map_err(|_| Malformed)
}

fn scheme(name: &str) -> Result<Scheme, Malformed> {
    let is = |one: &str, other: &str| name.eq_ignore_ascii_case(one) || name.eq_ignore_ascii_case(other);
    // Some proxies name the scheme of the WebSocket's URL.
    if is("https", "wss") {
        Ok(Scheme::HTTPS)
    } else if is("http", "ws") {
        Ok(Scheme::HTTP)
    } else {
        Err(Malformed)
    }
}

/// `name=value` or `name="value"`, and what stands behind it.
struct Pair<'a> {
    /// `None` for an empty pair, which is allowed (RFC 7239, 4), as are empty elements of lists.
    named: Option<(&'a str, &'a str)>,
    /// A semicolon before the next pair, a comma before the next element, or nothing.
    separator: Option<char>,
    rest: &'a str,
}

impl<'a> Pair<'a> {
    fn read(text: &'a str) -> Result<Self, Malformed> {
        let text = text.trim_start();
        let end_of_name = text.find(['=', ';', ',']).unwrap_or(text.len());
        let (name, behind) = text.split_at(end_of_name);
        let Some(value) = behind.strip_prefix('=') else {
            return if name.trim().is_empty() { Self::end(None, behind) } else { Err(Malformed) };
        };
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => {
                // Nothing that is read here needs a backslash; elsewhere one may stand before a quote.
                let end = end_of_quoted(quoted).ok_or(Malformed)?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => value.split_at(value.find([';', ',', ' ', '\t', '"']).unwrap_or(value.len())),
        };
        if value.is_empty() { Err(Malformed) } else { Self::end(Some((name, value)), behind.trim_start()) }
    }

    fn end(named: Option<(&'a str, &'a str)>, behind: &'a str) -> Result<Self, Malformed> {
        let mut rest = behind.chars();
        match rest.next() {
            separator @ (None | Some(';' | ',')) => Ok(Self { named, separator, rest: rest.as_str() }),
            Some(_) => Err(Malformed),
        }
    }
}

/// Where the closing quote is.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn x_forwarded_is_read_from_the_end() {
        let read = |lines: &[(&'static str, &str)]| {
            let headers = headers(lines);
            Forwarded::from_x_forwarded(&headers)
                .map(|found| found.map(|found| (found.scheme, found.host.map(str::to_owned))))
        };
        let (proto, host) = ("x-forwarded-proto", "x-forwarded-host");
        let https = || Some(Scheme::HTTPS);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(proto, "https")]), Ok(Some((https(), None))));
        assert_eq!(read(&[(proto, "WSS")]), Ok(Some((https(), None))));
        assert_eq!(read(&[(proto, "ws")]), Ok(Some((Some(Scheme::HTTP), None))));
        assert_eq!(read(&[(host, "a.example")]), Ok(Some((None, Some("a.example".into())))));
        assert_eq!(read(&[(proto, "http, https ")]), Ok(Some((https(), None))));
        assert_eq!(read(&[(proto, "http"), (proto, "https")]), Ok(Some((https(), None))));
        assert_eq!(read(&[(host, "evil.example, a.example")]), Ok(Some((None, Some("a.example".into())))));
        for malformed in ["", "ftp", "https,", "https http", "\"https\""] {
            assert_eq!(read(&[(proto, malformed)]), Err(Malformed), "{malformed}");
        }
        assert_eq!(read(&[(host, "")]), Err(Malformed));
    }

    #[test]
    fn forwarded_is_read_from_the_end() {
        let read = |line: &str| {
            let headers = headers(&[("forwarded", line)]);
            Forwarded::from_rfc_7239(&headers)
                .map(|found| found.map(|found| (found.scheme, found.host.map(str::to_owned))))
        };
        let found = |scheme, host: Option<&str>| Ok(Some((scheme, host.map(str::to_owned))));
        let https = || Some(Scheme::HTTPS);
        assert_eq!(read("for=192.0.2.60;proto=https;by=203.0.113.43"), found(https(), None));
        assert_eq!(
            read("For=\"[2001:db8::1]:4711\"; Proto=HTTPS ;HOST=a.example"),
            found(https(), Some("a.example"))
        );
        assert_eq!(read("host=\"a.example:8080\""), found(None, Some("a.example:8080")));
        assert_eq!(read("proto=https;host=evil.example, for=\"_b;,\\\"c\""), found(None, None));
        assert_eq!(read("proto=http, proto=https"), found(https(), None));
        assert_eq!(read("for=a;;proto=https;"), found(https(), None));
        assert_eq!(read(""), found(None, None));
        for malformed in [
            "proto",
            "proto=",
            "proto=\"\"",
            "proto=ftp",
            "proto=https;proto=http",
            "host=a;host=b",
            "host=\"a",
            "host=\"a\"b",
            "host=a b",
            "host=a\"b\"",
            "a b, proto",
        ] {
            assert_eq!(read(malformed), Err(Malformed), "{malformed}");
        }
    }

    #[test]
    fn quoted_string_ends_at_the_first_quote_that_no_backslash_is_for() {
        for (text, end) in [
            (r#"""#, Some(0)),
            (r#"a"b""#, Some(1)),
            (r#"a\\"b""#, Some(3)),
            (r#"a\\\"b""#, Some(6)),
            (r#"a\""#, None),
            (r#"a\"#, None),
            ("a", None),
        ] {
            assert_eq!(end_of_quoted(text), end, "{text}");
        }
    }
}
