//! Which pages may connect.

use http::uri::Scheme;
use ws_core::{
    handshake::Refusal,
    raw::handshake::{UpgradeError, Upgrader},
};

use super::support::{Request, serve};

async fn allows(upgrader: &Upgrader, host: &str, origin: Option<&str>) -> bool {
    let request = Request::new().with("Host", &[host]).with("Origin", origin.as_slice());
    match serve(upgrader, &request.bytes()).await {
        (Ok(_), _) => true,
        (Err(UpgradeError::Refused(Refusal::OriginNotAllowed)), output) => {
            assert!(output.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
            false
        }
        (Err(error), _) => panic!("{error}"),
    }
}

// Shows ORG-1.
#[tokio::test(start_paused = true)]
async fn same_origin_is_the_default() {
    for upgrader in
        [Upgrader::new(), Upgrader::default(), Upgrader::new().allow_any_origin().check_same_origin()]
    {
        for (host, origin, expected) in [
            ("a.example", None, true),
            ("a.example", Some("https://a.example"), true),
            ("A.Example:443", Some("https://a.example"), true),
            ("a.example", Some("HTTPS://A.EXAMPLE"), true),
            ("a.example:80", Some("https://a.example"), false),
            ("a.example", Some("https://a.example:444"), false),
            ("a.example", Some("https://b.example"), false),
            ("a.example", Some("null"), false),
            ("a.example", Some(""), false),
            ("a.example", Some("https://a.example/"), false),
            ("a.example", Some("https://a.example https://a.example"), false),
            ("a.example", Some("file://a.example"), false),
            ("[::1]", Some("https://[0:0:0:0:0:0:0:1]:443"), true),
            ("127.0.0.1", Some("https://[::ffff:127.0.0.1]"), false),
        ] {
            assert_eq!(allows(&upgrader, host, origin).await, expected, "{origin:?} to {host}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_origin_is_any() {
    for origin in ["https://b.example", "null", "?"] {
        assert!(allows(&Upgrader::new().allow_any_origin(), "a.example", Some(origin)).await, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn closure_decides_with_or_without_an_origin() {
    let upgrader = Upgrader::new().check_origin(|request| {
        assert_eq!(request.host(), "a.example");
        request.header("ORIGIN") == Some(b"https://b.example")
    });
    assert!(allows(&upgrader, "a.example", Some("https://b.example")).await);
    assert!(!allows(&upgrader, "a.example", Some("https://a.example")).await);
    assert!(!allows(&upgrader, "a.example", None).await);
    let secure = Upgrader::new().check_origin(|request| request.is_same_origin(Some(&Scheme::HTTPS)));
    assert!(allows(&secure, "a.example", Some("https://a.example")).await);
    assert!(!allows(&secure, "a.example", Some("http://a.example")).await);
}

#[tokio::test(start_paused = true)]
async fn application_is_not_asked_about_pages_that_are_not_allowed() {
    let upgrader = Upgrader::new().on_request(|_| panic!("the origin comes first"));
    assert!(!allows(&upgrader, "a.example", Some("https://b.example")).await);
}

#[tokio::test(start_paused = true)]
async fn authority_of_an_absolute_target_is_what_counts() {
    let request = Request::new()
        .line("GET http://a.example/ HTTP/1.1")
        .with("Host", &["b.example"])
        .with("Origin", &["http://b.example"]);
    let (result, _) = serve(&Upgrader::new(), &request.bytes()).await;
    assert!(matches!(result, Err(UpgradeError::Refused(Refusal::OriginNotAllowed))));
}
