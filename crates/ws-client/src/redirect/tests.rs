//! Where redirects lead, and what goes there.

use http::HeaderName;

use super::*;

fn target(url: &str) -> Target {
    Target::new(&url.parse().unwrap()).unwrap()
}

fn opening(url: &str, headers: &[(HeaderName, &'static str)]) -> Opening {
    let headers =
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    Opening { headers, target: target(url), relayed: None }
}

/// Where a redirect of `url` leads.
fn led(url: &str, location: &str) -> Result<String, RedirectError> {
    let mut opening = opening(url, &[]);
    let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap())]);
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

// Shows LOG-1.
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

// Shows RED-1.
#[test]
fn redirects_to_what_must_not_be_dialed_are_refused() {
    for (from, location, error) in [
        ("wss://a/", "ws://a/", RedirectError::Downgrade),
        ("wss://a/", "http://a/", RedirectError::Downgrade),
        ("https://a/", "http://b/", RedirectError::Downgrade),
        ("ws://a/", "ftp://a/", RedirectError::Uri(UriError::Scheme)),
        ("ws://a/", "javascript:alert(1)", RedirectError::Uri(UriError::Scheme)),
        ("ws://a/", "http:b", RedirectError::Uri(UriError::Scheme)),
        ("ws://a/", "file:///b", RedirectError::Uri(UriError::Scheme)),
        ("ws://a/", "ws://", RedirectError::Uri(UriError::Host)),
        ("ws://a/", "///b", RedirectError::Uri(UriError::Host)),
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
// Shows RED-1.
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
