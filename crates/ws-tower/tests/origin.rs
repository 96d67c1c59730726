//! Which pages may connect: each row is a request, and whether it is accepted.

mod support;

use http::{HeaderMap, HeaderValue, Request, header};
use support::{Handshake, Raw};
use ws_tower::{CheckOrigin, Upgrader, rejection::WebSocketUpgradeRejection};

/// Whether a policy accepts a request to `host` from a page of `origins`, one header line each.
fn accepts(policy: impl Into<CheckOrigin>, host: &str, origins: &[&[u8]]) -> bool {
    let mut request = Request::get("/")
        .header("host", host)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", support::KEY)
        .extension(hyper::upgrade::on(Request::new(())))
        .body(())
        .expect("a request");
    for origin in origins {
        let origin = HeaderValue::from_bytes(origin).expect("a header value");
        request.headers_mut().append(header::ORIGIN, origin);
    }
    match Upgrader::new().check_origin(policy).upgrade(&mut request) {
        Ok(_) => true,
        Err(WebSocketUpgradeRejection::OriginNotAllowed(_)) => false,
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

fn same(host: &str, origin: &str) -> bool {
    accepts(CheckOrigin::SameOrigin, host, &[origin.as_bytes()])
}

#[test]
fn request_of_no_page_is_allowed() {
    assert!(accepts(CheckOrigin::SameOrigin, "a.example", &[]));
    assert!(accepts(CheckOrigin::list(["https://b.example"]).expect("origins"), "a.example", &[]));
}

#[test]
fn page_of_the_same_host_is_allowed_in_every_spelling() {
    for host in ["a.example", "a.example:443", "A.EXAMPLE"] {
        assert!(same(host, "https://a.example"), "{host}");
        assert!(same(host, "https://A.Example:443"), "{host}");
    }
    assert!(same("a.example:8080", "http://a.example:8080"));
    assert!(same("[0:0:0:0:0:0:0:1]:443", "https://[::1]"));
    assert!(same("127.0.0.1:3000", "http://127.0.0.1:3000"));
}

// Shows ORG-1.
#[test]
fn page_of_another_host_or_port_is_refused() {
    for (host, origin) in [
        ("a.example", "https://b.example"),
        ("a.example", "https://a.example:444"),
        ("a.example:8080", "https://a.example"),
        ("a.example:443", "http://a.example"),
        ("a.example", "https://a.example.evil.io"),
        ("a.example", "https://evil-a.example"),
        ("a.example", "https://x.a.example"),
        ("x.a.example", "https://a.example"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]"),
        ("a.example", "https://a.example."),
    ] {
        assert!(!same(host, origin), "{origin} to {host}");
    }
}

// Shows ORG-4.
#[test]
fn what_is_no_origin_is_refused() {
    for origin in [
        "null",
        "",
        "a.example",
        "//a.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?query",
        "https://a.example#fragment",
        "https://user@a.example",
        "https://a.example https://a.example",
        "https://a.example, https://a.example",
        "file://",
        "file://a.example",
        "chrome-extension://a.example",
        "https://[fe80::1%25eth0]",
        "https://a.example:",
        "https://a.example:0443",
        "https://a.example:65979",
    ] {
        assert!(!same("a.example", origin), "{origin}");
    }
    assert!(!accepts(CheckOrigin::SameOrigin, "a.example", &["https://ä.example".as_bytes()]));
    assert!(!accepts(CheckOrigin::SameOrigin, "a.example", &[b"https://a.example", b"https://a.example"]));
    assert!(!accepts(CheckOrigin::SameOrigin, "a.example", &[b"https://a.example", b"https://b.example"]));
}

/// No change of a single character of the host makes another host pass for it.
#[test]
fn no_edit_of_one_character_keeps_the_origin_allowed() {
    let good = "https://a.example";
    for place in 0..good.len() {
        for byte in 0x21..=0x7E_u8 {
            let mut origin = good.as_bytes().to_vec();
            let same_letter = origin[place].eq_ignore_ascii_case(&byte);
            origin[place] = byte;
            let allowed = accepts(CheckOrigin::SameOrigin, "a.example", &[&origin]);
            assert_eq!(allowed, same_letter, "{}", origin.escape_ascii());
        }
    }
}

// Shows ORG-3.
#[test]
fn list_allows_its_origins_and_no_others() {
    let list = || CheckOrigin::list(["https://app.example", "https://*.example.com"]).expect("origins");
    let listed = |origin: &str| accepts(list(), "server.example", &[origin.as_bytes()]);
    assert!(listed("https://APP.example:443"));
    assert!(listed("https://x.example.com"));
    assert!(listed("https://x.y.example.com"));
    for origin in [
        "http://app.example",
        "https://app.example:444",
        "https://example.com",
        "https://evilexample.com",
        "https://x.example.com.evil.io",
        "https://server.example",
        "null",
        "",
    ] {
        assert!(!listed(origin), "{origin}");
    }
    assert!(!accepts(list(), "server.example", &[b"https://app.example", b"https://app.example"]));
}

#[test]
fn any_allows_whatever_is_said() {
    for origin in ["https://evil.example", "null", "", "no origin at all"] {
        assert!(accepts(CheckOrigin::Any, "a.example", &[origin.as_bytes()]), "{origin}");
    }
}

#[test]
fn function_decides_alone_and_sees_the_whole_head() {
    let required = || {
        CheckOrigin::with(|request| request.headers.contains_key(header::ORIGIN) && request.uri.path() == "/")
    };
    assert!(accepts(required(), "a.example", &[b"null"]));
    assert!(!accepts(required(), "a.example", &[]));
    assert!(!accepts(CheckOrigin::with(|_| false), "a.example", &[b"https://a.example"]));
}

#[test]
fn authority_of_an_absolute_target_counts_instead_of_host() {
    let accepted = |origin: &'static str| {
        let headers: HeaderMap = [
            ("host", "other.example"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", support::KEY),
            ("origin", origin),
        ]
        .into_iter()
        .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let mut request = Request::get("http://a.example/")
            .extension(hyper::upgrade::on(Request::new(())))
            .body(())
            .expect("a request");
        *request.headers_mut() = headers;
        Upgrader::new().upgrade(&mut request).is_ok()
    };
    assert!(accepted("http://a.example"));
    assert!(!accepted("http://other.example"));
}

#[tokio::test]
async fn function_that_panics_is_a_500_and_the_server_goes_on() {
    let policy = CheckOrigin::with(|parts| {
        assert!(parts.uri.path() != "/panics", "as asked for");
        true
    });
    let addr = support::serve_hyper(Upgrader::new().check_origin(policy).service(async |_| ())).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/panics")).await;
    assert_eq!((head.status, head.get("connection").as_deref()), (500, Some("close")));
    assert_eq!(raw.rest().await, b"Internal Server Error");
    let (_raw, head) = Raw::open(addr, &Handshake::new("/")).await;
    assert_eq!(head.status, 101);
}

// Shows ORG-1.
#[tokio::test]
async fn page_of_another_host_gets_a_403_that_ends_the_connection() {
    let addr = support::serve_hyper(Upgrader::new().service(async |_| ())).await;
    let (mut raw, head) = Raw::open(addr, &Handshake::new("/").add("Origin", "https://evil.example")).await;
    assert_eq!((head.status, head.get("connection").as_deref()), (403, Some("close")));
    assert_eq!(raw.rest().await, b"Forbidden");
    let (_raw, head) = Raw::open(addr, &Handshake::new("/").add("Origin", "http://server.example")).await;
    assert_eq!(head.status, 101);
}
