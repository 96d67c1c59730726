//! Redirects: where to, and what must not go there.

use std::fmt;

use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, LOCATION, ORIGIN, PROXY_AUTHORIZATION},
    uri::PathAndQuery,
};

use crate::{DialErrorKind, UriError, opening::Opening, target::Target, url};

/// Why a redirect was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectError {
    /// It goes from TLS to a connection without.
    Downgrade,
    /// There is no `Location`.
    Missing,
    /// There is more than one `Location`.
    Repeated,
    /// As many were followed as [`Dialer::redirects`](crate::Dialer::redirects) allows.
    TooMany,
    /// It goes to what is no URL of a WebSocket.
    Uri(UriError),
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downgrade => f.write_str("it leaves TLS"),
            Self::Missing => f.write_str("it does not say where to"),
            Self::Repeated => f.write_str("it says where to more than once"),
            Self::TooMany => f.write_str("too many came before it"),
            Self::Uri(UriError::Scheme) => f.write_str("only ws, wss, http and https URLs can be dialed"),
            Self::Uri(UriError::UserInfo) => f.write_str("there is a user name in it"),
            Self::Uri(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// The URL that a response came from: the dialed one, or the last one to which redirects led.
///
/// It is among the extensions of every response, and its scheme is `ws` or `wss`.
///
/// ```no_run
/// # async fn run() -> Result<(), ws_client::DialError> {
/// use ws_client::{DialedUri, Dialer};
///
/// let (conn, response) = Dialer::new().redirects(5).dial("wss://example.com/chat").await?;
/// if let Some(DialedUri(uri)) = response.extensions().get() {
///     println!("connected to {uri}");
/// }
/// # drop(conn);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a name for one URL")]
pub struct DialedUri(pub Uri);

/// Whether a response sends the client elsewhere with the same request.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    // 300 offers a choice, and 304 to 306 are none. The request is a GET, so 301 to 303 keep the method as 307 and 308 do.
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

impl Opening {
    /// Turns to where a response leads. Nothing has changed after an error.
    pub(crate) fn redirect(&mut self, response: &HeaderMap) -> Result<(), RedirectError> {
        let target = resolve(&self.target, location(response)?).map_err(RedirectError::Uri)?;
        if self.target.is_secure() && !target.is_secure() {
            return Err(RedirectError::Downgrade);
        }
        if target.endpoint != self.target.endpoint {
            leave_origin(&mut self.headers, &self.target);
        }
        self.target = target;
        Ok(())
    }
}

/// Takes away what was meant for the origin that is left, for good: a way back through others is not trusted either.
fn leave_origin(headers: &mut HeaderMap, left: &Target) {
    for name in [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    let secret: Vec<_> =
        headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone()).collect();
    for name in secret {
        headers.remove(name);
    }
    // As browsers do: the origin on whose behalf the first server was asked has no part in what that one asks of another.
    if headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes() != left.origin().as_bytes()) {
        headers.insert(ORIGIN, HeaderValue::from_static("null"));
    }
}

fn location(headers: &HeaderMap) -> Result<&str, RedirectError> {
    let mut lines = headers.get_all(LOCATION).iter();
    let location = lines.next().ok_or(RedirectError::Missing)?;
    if lines.next().is_some() {
        return Err(RedirectError::Repeated);
    }
    std::str::from_utf8(location.as_bytes()).map_err(|_| RedirectError::Uri(UriError::Malformed))
}

/// A `Location` for people: the server's words, so cut short, escaped, and without what may be a password.
pub(crate) struct ShownLocation<'a>(pub(crate) &'a HeaderValue);

impl fmt::Display for ShownLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.0.as_bytes();
        let start = location.windows(2).position(|pair| pair == b"//").map_or(0, |at| at + 2);
        let authority = location[start..].split(|byte| b"/?#".contains(byte)).next().unwrap_or_default();
        let user = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| start + at + 1);
        let shown = &location[user..];
        let dots = if shown.len() > MAX_SHOWN { "…" } else { "" };
        write!(f, "\"{}{dots}\"", shown[..shown.len().min(MAX_SHOWN)].escape_ascii())
    }
}

/// Resolves a reference against the URL it came from (RFC 3986, 5.2.2).
fn resolve(base: &Target, reference: &str) -> Result<Target, UriError> {
    let reference = reference.trim_ascii().split('#').next().unwrap_or("");
    let path = base.path.path();
    let url = if has_scheme(reference) {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{}:{reference}", base.scheme())
    } else {
        let path = match reference.as_bytes().first() {
            None => base.path.to_string(),
            Some(b'/') => reference.to_owned(),
            Some(b'?') => format!("{path}{reference}"),
            Some(_) => format!("{}{reference}", &path[..=path.rfind('/').unwrap_or(0)]),
        };
        base.url(&path)
    };
    let uri = url::parse(&url).map_err(|error| match error.kind() {
        DialErrorKind::InvalidUri(error) => *error,
        _ => UriError::Malformed,
    })?;
    let mut target = Target::new(&uri)?;
    if let Some(path) = target.path.path_and_query().map(without_dot_segments) {
        target.path = path.parse().map_err(|_| UriError::Malformed)?;
    }
    Ok(target)
}

/// Whether a reference begins with a scheme (RFC 3986, 3.1).
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// RFC 3986, 5.2.4.
fn without_dot_segments(path: &PathAndQuery) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.path().split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        // A dot segment at the end leaves its slash.
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    let query = path.query().map(|query| format!("?{query}"));
    format!("/{}{}", kept.join("/"), query.unwrap_or_default())
}

/// How much of a `Location` an error shows.
const MAX_SHOWN: usize = 256;

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn target(url: &str) -> Target {
        Target::new(&url.parse().unwrap()).unwrap()
    }

    fn opening(url: &str, headers: &[(HeaderName, &'static str)]) -> Opening {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Opening { headers, target: target(url) }
    }

    /// Where a redirect of `url` leads.
    fn led(url: &str, location: &str) -> Result<String, RedirectError> {
        let mut opening = opening(url, &[]);
        let headers =
            HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap())]);
        opening.redirect(&headers).map(|()| opening.target.uri().to_string())
    }

    #[test]
    fn only_redirects_that_keep_the_request_are_redirects() {
        let redirects: Vec<_> =
            (100..1000).filter(|&code| is_redirect(StatusCode::from_u16(code).unwrap())).collect();
        assert_eq!(redirects, [301, 302, 303, 307, 308]);
    }

    // The examples of RFC 3986, 5.4, but for what is no URL of a WebSocket.
    #[test]
    fn references_are_resolved_as_the_rfc_does() {
        for (reference, url) in [
            ("g", "ws://a/b/c/g"),
            ("./g", "ws://a/b/c/g"),
            ("g/", "ws://a/b/c/g/"),
            ("/g", "ws://a/g"),
            ("//g", "ws://g/"),
            ("?y", "ws://a/b/c/d;p?y"),
            ("g?y", "ws://a/b/c/g?y"),
            ("#s", "ws://a/b/c/d;p?q"),
            ("g#s", "ws://a/b/c/g"),
            ("g?y#s", "ws://a/b/c/g?y"),
            (";x", "ws://a/b/c/;x"),
            ("g;x", "ws://a/b/c/g;x"),
            ("", "ws://a/b/c/d;p?q"),
            (".", "ws://a/b/c/"),
            ("./", "ws://a/b/c/"),
            ("..", "ws://a/b/"),
            ("../", "ws://a/b/"),
            ("../g", "ws://a/b/g"),
            ("../..", "ws://a/"),
            ("../../", "ws://a/"),
            ("../../g", "ws://a/g"),
            ("../../../g", "ws://a/g"),
            ("../../../../g", "ws://a/g"),
            ("/./g", "ws://a/g"),
            ("/../g", "ws://a/g"),
            ("g.", "ws://a/b/c/g."),
            (".g", "ws://a/b/c/.g"),
            ("g..", "ws://a/b/c/g.."),
            ("..g", "ws://a/b/c/..g"),
            ("./../g", "ws://a/b/g"),
            ("./g/.", "ws://a/b/c/g/"),
            ("g/./h", "ws://a/b/c/g/h"),
            ("g/../h", "ws://a/b/c/h"),
            ("g;x=1/./y", "ws://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "ws://a/b/c/y"),
            ("g?y/./x", "ws://a/b/c/g?y/./x"),
            ("g?y/../x", "ws://a/b/c/g?y/../x"),
            ("g//h", "ws://a/b/c/g//h"),
            ("a:80/g", ""),
        ] {
            let led = led("ws://a/b/c/d;p?q", reference);
            match url {
                "" => assert_eq!(led, Err(RedirectError::Uri(UriError::Scheme)), "{reference}"),
                url => assert_eq!(led, Ok(url.into()), "{reference}"),
            }
        }
    }

    #[test]
    fn redirects_lead_to_other_hosts_and_to_tls() {
        for (from, location, to) in [
            ("ws://a/b", "http://c/d", "ws://c/d"),
            ("ws://a/b", "https://a/b", "wss://a/b"),
            ("ws://a/b", "WSS://C:8443", "wss://c:8443/"),
            ("ws://a/b", "ws://a:80/c", "ws://a/c"),
            ("wss://a:8443/b", "/c", "wss://a:8443/c"),
            ("wss://a:8443/b", "//c/d", "wss://c/d"),
            ("wss://a:8443/b", "wss://[::1]:1/ü d", "wss://[::1]:1/%C3%BC%20d"),
            ("ws://a", "b", "ws://a/b"),
            ("ws://a?b", "?c", "ws://a/?c"),
        ] {
            assert_eq!(led(from, location), Ok(to.into()), "{from} {location}");
        }
    }

    #[test]
    fn locations_are_shown_escaped_short_and_without_a_password() {
        let long = "x".repeat(1000);
        for (location, shown) in [
            ("/a\"b", r#""/a\"b""#.to_owned()),
            ("/\u{9b}", r#""/\xc2\x9b""#.to_owned()),
            ("ws://user:secret@a/b@c", r#""a/b@c""#.to_owned()),
            ("//user@a", r#""a""#.to_owned()),
            ("/@a", r#""/@a""#.to_owned()),
            (&long, format!("\"{}…\"", &long[..256])),
        ] {
            let value = HeaderValue::from_bytes(location.as_bytes()).unwrap();
            assert_eq!(ShownLocation(&value).to_string(), shown);
        }
    }

    #[test]
    fn redirects_to_what_must_not_be_dialed_are_refused() {
        for (from, location, error) in [
            ("wss://a/", "ws://a/", RedirectError::Downgrade),
            ("wss://a/", "http://a/", RedirectError::Downgrade),
            ("https://a/", "http://b/", RedirectError::Downgrade),
            ("ws://a/", "ftp://a/", RedirectError::Uri(UriError::Scheme)),
            ("ws://a/", "javascript:alert(1)", RedirectError::Uri(UriError::Scheme)),
            ("ws://a/", "http:b", RedirectError::Uri(UriError::Scheme)),
            ("ws://a/", "ws://", RedirectError::Uri(UriError::Malformed)),
            ("ws://a/", "///b", RedirectError::Uri(UriError::Malformed)),
            ("ws://a/", "ws://user:secret@b/", RedirectError::Uri(UriError::UserInfo)),
            ("ws://a/", "//user@b/", RedirectError::Uri(UriError::UserInfo)),
            ("ws://a/", "\\\\b\\c", RedirectError::Uri(UriError::Character)),
            ("ws://a/", "/b\tc", RedirectError::Uri(UriError::Character)),
            ("ws://a/", "ws://b:0/", RedirectError::Uri(UriError::Port)),
        ] {
            assert_eq!(led(from, location), Err(error), "{from} {location}");
        }
        let mut opening = opening("ws://a/", &[]);
        assert_eq!(opening.redirect(&HeaderMap::new()), Err(RedirectError::Missing));
        let mut headers = HeaderMap::new();
        headers.append(LOCATION, HeaderValue::from_static("/b"));
        headers.append(LOCATION, HeaderValue::from_static("/b"));
        assert_eq!(opening.redirect(&headers), Err(RedirectError::Repeated));
        let latin = HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(b"/\xfc").unwrap())]);
        assert_eq!(opening.redirect(&latin), Err(RedirectError::Uri(UriError::Malformed)));
        assert_eq!(opening.target.uri(), "ws://a/");
    }

    // RED-1: what is meant for one origin does not reach another.
    #[test]
    fn headers_for_an_origin_stay_with_it() {
        const SENT: [HeaderName; 6] = [
            AUTHORIZATION,
            COOKIE,
            PROXY_AUTHORIZATION,
            HOST,
            HeaderName::from_static("x-secret"),
            HeaderName::from_static("x-open"),
        ];
        for (from, location, kept) in [
            ("ws://a/", "/b", true),
            ("ws://a/", "ws://a:80/b", true),
            ("ws://a/", "http://A/b", true),
            ("wss://a/", "https://a:443/b", true),
            ("ws://a/", "ws://b/", false),
            ("ws://a/", "ws://sub.a/", false),
            ("ws://a/", "ws://a.:80/", false),
            ("ws://a/", "ws://a:81/", false),
            ("ws://a/", "wss://a/", false),
            ("ws://a/", "https://a:80/", false),
            ("wss://a/", "wss://b/", false),
        ] {
            let mut opening = opening(from, &SENT.map(|name| (name, "x")));
            opening.headers.get_mut("x-secret").unwrap().set_sensitive(true);
            let location = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            opening.redirect(&location).unwrap();
            for name in SENT {
                let expected = kept || name == "x-open";
                assert_eq!(opening.headers.contains_key(&name), expected, "{from} {location:?} {name}");
            }
        }
    }

    #[test]
    fn headers_that_were_dropped_do_not_come_back_with_the_origin() {
        let mut opening = opening("ws://a/", &[(AUTHORIZATION, "x")]);
        for location in ["ws://b/", "ws://a/"] {
            let location = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            opening.redirect(&location).unwrap();
        }
        assert_eq!(opening.headers, HeaderMap::new());
    }

    #[test]
    fn origin_of_the_caller_is_null_once_a_third_party_redirects() {
        for (origin, location, sent) in [
            ("http://a", "ws://b/", "http://a"),
            ("http://a", "wss://a/", "http://a"),
            ("http://c", "/b", "http://c"),
            ("http://c", "ws://c/", "null"),
            ("https://a", "ws://c/", "null"),
        ] {
            let mut opening = opening("ws://a/", &[(ORIGIN, origin)]);
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            opening.redirect(&headers).unwrap();
            assert_eq!(opening.headers[ORIGIN], sent, "{origin} {location}");
        }
    }
}
