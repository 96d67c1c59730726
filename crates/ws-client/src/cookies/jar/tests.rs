//! The jar, rule by rule.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// What is sent to the second URL after the first one has set this.
fn sent(from: &str, set_cookie: &str, to: &str) -> Option<String> {
    let jar = CookieJar::new();
    jar.add(&uri(from), set_cookie);
    header(&jar, to)
}

fn header(jar: &CookieJar, to: &str) -> Option<String> {
    jar.cookies(&uri(to)).map(|header| header.to_str().unwrap().to_owned())
}

#[test]
fn cookies_are_sent_where_they_are_for() {
    for (from, set_cookie, to, is_sent) in [
        ("ws://a.b.c/", "n=v", "ws://a.b.c/x?y", true),
        ("ws://a.b.c/", "n=v", "http://A.b.c:81/", true),
        ("ws://a.b.c/", "n=v", "wss://a.b.c/", true),
        ("ws://a.b.c/", "n=v", "ws://b.c/", false),
        ("ws://a.b.c/", "n=v", "ws://x.a.b.c/", false),
        // Domain
        ("ws://a.b.c/", "n=v; Domain=b.c", "ws://x.b.c/", true),
        ("ws://a.b.c/", "n=v; domain=.B.C", "ws://b.c/", true),
        ("ws://a.b.c/", "n=v; Domain=b.c", "ws://xb.c/", false),
        ("ws://a.b.c/", "n=v; Domain=x.b.c", "ws://x.b.c/", false),
        ("ws://a.b.c/", "n=v; Domain=c", "ws://a.b.c/", false),
        ("ws://a.b.c/", "n=v; Domain=c.", "ws://a.b.c/", false),
        ("ws://localhost/", "n=v; Domain=localhost", "ws://localhost/", true),
        ("ws://127.0.0.1/", "n=v", "ws://127.0.0.1:1/", true),
        ("ws://127.0.0.1/", "n=v; Domain=0.0.1", "ws://127.0.0.1/", false),
        ("ws://[::1]/", "n=v", "ws://[::1]:1/", true),
        // Path
        ("ws://a/b/c", "n=v", "ws://a/b/d", true),
        ("ws://a/b/c", "n=v", "ws://a/bc", false),
        ("ws://a/b/c", "n=v; Path=/", "ws://a/d", true),
        ("ws://a/b/c", "n=v; Path=/d", "ws://a/d/e", true),
        ("ws://a/b/c", "n=v; Path=/d", "ws://a/de", false),
        // Secure and the prefixes
        ("wss://a/", "n=v; Secure", "wss://a/", true),
        ("wss://a/", "n=v; Secure", "ws://a/", false),
        ("ws://a/", "n=v; Secure", "wss://a/", false),
        ("wss://127.0.0.1/", "n=v; Secure", "ws://127.0.0.1/", false),
        ("wss://a/", "__Secure-n=v; Secure", "wss://a/", true),
        ("wss://a/", "__secure-n=v", "wss://a/", false),
        ("wss://a/", "__Host-n=v; Secure; Path=/", "wss://a/", true),
        ("wss://a/", "__Host-n=v; Secure", "wss://a/", false),
        ("wss://a.b/", "__Host-n=v; Secure; Path=/; Domain=a.b", "wss://a.b/", false),
        // What is about pages
        ("ws://a/", "n=v; HttpOnly; SameSite=Strict", "ws://a/", true),
        // Age
        ("ws://a/", "n=v; Max-Age=60", "ws://a/", true),
        ("ws://a/", "n=v; Max-Age=99999999999999999999", "ws://a/", true),
        ("ws://a/", "n=v; Max-Age=0", "ws://a/", false),
        ("ws://a/", "n=v; Max-Age=-1", "ws://a/", false),
        ("ws://a/", "n=v; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "ws://a/", false),
        ("ws://a/", "n=v; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "ws://a/", true),
        ("ws://a/", "n=v; Max-Age=60; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "ws://a/", true),
        // What is no cookie
        ("ws://a/", "", "ws://a/", false),
        ("ws://a/", "n", "ws://a/", false),
        ("ws://a/", "=v", "ws://a/", false),
        ("ws://a/", "n=v\r\nX: y", "ws://a/", false),
        ("ws://a/", "n=v\tw", "ws://a/", false),
        ("ws://a/", "n=v\0", "ws://a/", false),
        ("ws://a/", "n=v\u{85}", "ws://a/", false),
        ("ftp://a/", "n=v", "ws://a/", false),
    ] {
        let name = set_cookie.split('=').next().unwrap();
        let expected = is_sent.then(|| format!("{name}=v"));
        assert_eq!(sent(from, set_cookie, to), expected, "{from} {set_cookie:?} {to}");
    }
}

#[test]
fn values_are_sent_as_they_came() {
    for value in ["", "a=b", "\"quoted\"", "%0d%0a", "ü"] {
        let jar = CookieJar::new();
        assert!(jar.add(&uri("ws://a/"), &format!("n={value}")));
        let header = jar.cookies(&uri("ws://a/")).unwrap();
        assert_eq!(header.as_bytes(), format!("n={value}").as_bytes());
        assert!(header.is_sensitive());
    }
}

#[test]
fn longer_paths_come_first_and_then_older_cookies() {
    let jar = CookieJar::new();
    for cookie in ["a=1", "b=2; Path=/x", "c=3", "d=4; Path=/x"] {
        assert!(jar.add(&uri("ws://a/"), cookie));
    }
    assert_eq!(header(&jar, "ws://a/x").unwrap(), "b=2; d=4; a=1; c=3");
    // A new value keeps the place.
    assert!(jar.add(&uri("ws://a/"), "a=5"));
    assert_eq!(header(&jar, "ws://a/").unwrap(), "a=5; c=3");
}

#[test]
fn servers_remove_their_cookies_by_their_age() {
    let jar = CookieJar::new();
    jar.add(&uri("ws://a/"), "n=v");
    jar.add(&uri("ws://b/"), "n=; Max-Age=0");
    assert_eq!(header(&jar, "ws://a/").unwrap(), "n=v");
    jar.add(&uri("ws://a/"), "n=; Max-Age=0");
    assert_eq!(header(&jar, "ws://a/"), None);
    assert!(jar.lock().is_empty());
}

#[test]
fn secure_cookies_are_not_replaced_without_tls() {
    let jar = CookieJar::new();
    assert!(jar.add(&uri("wss://a.b/"), "n=v; Secure; Domain=a.b"));
    for cookie in ["n=x", "n=x; Domain=a.b", "n=; Max-Age=0; Domain=a.b", "n=x; Path=/y"] {
        assert!(!jar.add(&uri("ws://a.b/"), cookie), "{cookie}");
    }
    assert_eq!(header(&jar, "wss://a.b/").unwrap(), "n=v");
    assert!(jar.add(&uri("ws://a.b/"), "m=x"));
}

#[test]
fn a_domain_has_room_for_fifty_cookies_and_the_oldest_give_way() {
    let jar = CookieJar::new();
    jar.add(&uri("ws://other/"), "n=v");
    for at in 0..1000 {
        assert!(jar.add(&uri("ws://a/"), &format!("n{at}=v")));
    }
    let header = header(&jar, "ws://a/").unwrap();
    assert!(header.starts_with("n950=v") && header.ends_with("n999=v"), "{header}");
    assert_eq!(jar.lock().len(), 51);
}

#[test]
fn a_jar_has_room_for_a_thousand_cookies() {
    let jar = CookieJar::new();
    for at in 0..1010 {
        assert!(jar.add(&uri(&format!("ws://host{at}/")), "n=v"));
    }
    assert_eq!(jar.lock().len(), 1000);
    assert_eq!(header(&jar, "ws://host9/"), None);
    assert!(header(&jar, "ws://host10/").is_some());
}

#[test]
fn cookies_that_are_too_long_are_ignored_and_headers_are_cut() {
    let jar = CookieJar::new();
    let value = "v".repeat(MAX_COOKIE - 2);
    assert!(!jar.add(&uri("ws://a/"), &format!("n0={value}v")));
    assert!(!jar.add(&uri("ws://a/"), &format!("n=v; Path=/{}", "x".repeat(MAX_LINE))));
    for at in 0..3 {
        assert!(jar.add(&uri("ws://a/"), &format!("n{at}={value}")));
    }
    assert!(jar.add(&uri("ws://a/"), "small=1"));
    let header = header(&jar, "ws://a/").unwrap();
    assert!(header.len() <= MAX_HEADER);
    // Those that fit are sent although one before them did not.
    assert!(header.starts_with("n0=") && header.ends_with("; small=1"));
}

#[test]
fn clones_share_their_cookies() {
    let jar = CookieJar::new();
    let clone = jar.clone();
    assert!(clone.add(&uri("ws://a/"), "n=v"));
    assert_eq!(header(&jar, "ws://a/").unwrap(), "n=v");
}

#[test]
fn debug_output_has_no_cookies() {
    let jar = CookieJar::new();
    jar.add(&uri("ws://host/"), "name=secret");
    assert_eq!(format!("{jar:?}"), "CookieJar { cookies: 1, .. }");
    jar.clear();
    assert_eq!(format!("{jar:?}"), "CookieJar { cookies: 0, .. }");
}
