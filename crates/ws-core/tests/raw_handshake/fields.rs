//! What stands in the fields: tokens, lists, and bytes that have no place there.

use ws_core::{
    handshake::Refusal,
    raw::handshake::{UpgradeError, Upgrader},
};

use super::support::{Request, refused, serve};

async fn outcome(request: &Request) -> Option<Option<Refusal>> {
    match serve(&Upgrader::new().subprotocols(["chat"]).negotiate(|_| Ok(None)), &request.bytes()).await {
        (Ok(_), _) => None,
        (Err(UpgradeError::Refused(refusal)), output) => {
            assert!(output.starts_with(format!("HTTP/1.1 {} ", refusal.status().as_u16()).as_bytes()));
            Some(Some(refusal))
        }
        (Err(UpgradeError::Malformed), output) => {
            assert!(output.starts_with(b"HTTP/1.1 400 "));
            Some(None)
        }
        (Err(error), _) => panic!("{error}"),
    }
}

// Shows HS-7.
#[tokio::test(start_paused = true)]
async fn connection_and_upgrade_are_lists_of_tokens() {
    let refused = Some(Some(Refusal::ConnectionToken));
    for (values, expected) in [
        (&["close, upgrade"][..], None),
        (&["keep-alive", "Upgrade"], None),
        (&["UPGRADE"], None),
        (&["upgrade,,"], None),
        (&["notupgrade"], refused),
        (&["upgraded"], refused),
        (&["upgrade2"], refused),
        (&["up grade"], refused),
        (&["\"upgrade\""], refused),
    ] {
        assert_eq!(outcome(&Request::new().with("Connection", values)).await, expected, "{values:?}");
    }
    let refused = Some(Some(Refusal::UpgradeToken));
    for (values, expected) in [
        (&["h2c, websocket"][..], None),
        (&["h2c", "websocket"], None),
        (&["websocket2"], refused),
        (&["websocket/13"], refused),
        (&["h2c"], refused),
    ] {
        assert_eq!(outcome(&Request::new().with("Upgrade", values)).await, expected, "{values:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_may_stand_there_once_do() {
    for (name, value, expected) in [
        ("Host", "example.org", Refusal::Host),
        ("Sec-WebSocket-Version", "13", Refusal::VersionUnsupported),
        ("Sec-WebSocket-Key", super::support::KEY, Refusal::KeyRepeated),
        ("sec-websocket-key", super::support::KEY, Refusal::KeyRepeated),
        ("Origin", "http://example.org", Refusal::OriginNotAllowed),
    ] {
        let request = Request::new().with("Origin", &["http://example.org"]);
        assert_eq!(outcome(&request).await, None, "{name}");
        assert_eq!(outcome(&request.and(name, value)).await, Some(Some(expected)), "{name}");
    }
}

// Shows HS-6.
#[tokio::test(start_paused = true)]
async fn bytes_that_have_no_place_in_a_head_are_answered_with_400() {
    let head = |line: &[u8]| [b"GET / HTTP/1.1\r\nHost: example.org\r\n", line, b"\r\n\r\n"].concat();
    for bytes in [
        head(b"X: a\0b"),
        head(b"X: a\x7fb"),
        head(b"X: a\rb"),
        head(b"X: a\r b"),
        head(b"X: a\r\n b"),
        head(b" X: a"),
        head(b"X : a"),
        head(b": a"),
        head(b"X"),
        head(b"X\xe4: a"),
        head(b"X: a\nY: b"),
        [b"\r\n".as_slice(), &Request::new().bytes()].concat(),
        [b"\0".as_slice(), &Request::new().bytes()].concat(),
        [b" ".as_slice(), &Request::new().bytes()].concat(),
        b"GET /\xff HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /\0 HTTP/1.1\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ] {
        let (error, response) = refused(&Upgrader::new(), &bytes).await;
        assert!(matches!(error, UpgradeError::Malformed), "{}: {error}", bytes.escape_ascii());
        response.assert_refusal();
        assert_eq!(response.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn obs_text_is_a_value_like_any_other_and_no_token() {
    assert_eq!(outcome(&Request::new().and("X", b"\xe4\xff")).await, None);
    let request = Request::new().with("Connection", &[b"upgrade\xe4"]);
    assert_eq!(outcome(&request).await, Some(Some(Refusal::ConnectionToken)));
    assert_eq!(outcome(&Request::new().with("Host", &[b"\xe4"])).await, Some(Some(Refusal::Host)));
}

// Shows HS-3.
#[tokio::test(start_paused = true)]
async fn lists_of_nothing_but_separators_do_no_harm() {
    for filler in [" ", ",", "\"", ";", "\\", ", ", "a;"] {
        for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection", "Upgrade", "Origin"]
        {
            let request = Request::new().and(name, filler.repeat(8000 / filler.len()));
            // Whatever the answer: there is one.
            let _ = outcome(&request).await;
        }
    }
}

// Shows HS-4.
#[tokio::test(start_paused = true)]
async fn names_of_extensions_are_only_names() {
    for (value, expected) in [
        ("__proto__", None),
        ("constructor; toString=1", None),
        (&*"a".repeat(4096), None),
        ("a=b", Some(Some(Refusal::ExtensionMalformed))),
        ("\u{e4}", Some(Some(Refusal::ExtensionMalformed))),
        ("a; b=\"c d\"", Some(Some(Refusal::ExtensionMalformed))),
    ] {
        let request = Request::new().and("Sec-WebSocket-Extensions", value);
        assert_eq!(outcome(&request).await, expected, "{value}");
    }
}

// Shows HS-5.
#[tokio::test(start_paused = true)]
async fn requests_with_a_body_are_refused() {
    for (name, value, expected) in [
        ("Content-Length", "0", None),
        ("Content-Length", "1", Some(Some(Refusal::Body))),
        ("Content-Length", "", Some(Some(Refusal::Body))),
        ("Transfer-Encoding", "chunked", Some(Some(Refusal::Body))),
        ("Transfer-Encoding", "identity", Some(Some(Refusal::Body))),
        ("Expect", "100-continue", Some(Some(Refusal::Body))),
    ] {
        assert_eq!(outcome(&Request::new().and(name, value)).await, expected, "{name}: {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn absolute_targets_name_the_host() {
    for (line, expected) in [
        ("GET http://example.org/chat HTTP/1.1", None),
        ("GET http://a,b/chat HTTP/1.1", Some(Some(Refusal::Host))),
        ("GET http://user@example.org/ HTTP/1.1", Some(Some(Refusal::Host))),
        ("GET http:///chat HTTP/1.1", Some(Some(Refusal::Host))),
        ("GET example.org:80 HTTP/1.1", Some(None)),
        ("CONNECT example.org:80 HTTP/1.1", Some(Some(Refusal::MethodNotGet))),
        ("OPTIONS * HTTP/1.1", Some(Some(Refusal::MethodNotGet))),
    ] {
        assert_eq!(outcome(&Request::new().line(line)).await, expected, "{line}");
    }
}
