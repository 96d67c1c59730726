//! The cases that gobwas/ws tests its upgraders with.

use http::StatusCode;
use ws_core::{
    handshake::Refusal,
    raw::handshake::{OwnedExtension, UpgradeError, Upgrader},
};

use super::support::{ACCEPT, Request, Response, refused, serve};

/// Accepted, with this subprotocol and these extensions.
async fn accepts(
    upgrader: &Upgrader,
    request: &Request,
    subprotocol: Option<&str>,
    extensions: Option<&str>,
) {
    let (result, output) = serve(upgrader, &request.bytes()).await;
    let handshake = result.unwrap();
    let response = Response::parse(&output);
    assert_eq!((response.status, response.body.as_str()), (101, ""));
    assert_eq!(response.header("upgrade"), Some("websocket"));
    assert_eq!(response.header("connection"), Some("Upgrade"));
    assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
    assert_eq!(response.header("sec-websocket-protocol"), subprotocol);
    assert_eq!(response.header("sec-websocket-extensions"), extensions);
    assert_eq!(response.headers.len(), 3 + subprotocol.iter().len() + extensions.iter().len());
    assert_eq!(handshake.subprotocol.as_deref(), subprotocol);
    let names: Vec<_> = handshake.extensions.iter().map(ToString::to_string).collect();
    assert_eq!(names.join(", "), extensions.unwrap_or_default());
    assert_eq!((handshake.read_buf.len(), handshake.read_buf.capacity()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn base() {
    accepts(&Upgrader::new(), &Request::new(), None, None).await;
}

#[tokio::test(start_paused = true)]
async fn names_in_any_case() {
    for rename in [str::to_lowercase, str::to_uppercase, |name: &str| name.replace("WebSocket", "Websocket")]
    {
        accepts(&Upgrader::new(), &Request::new().renamed(rename), None, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_in_any_case() {
    let request = Request::new().with("Upgrade", &["WEBSOCKET"]).with("Connection", &["UPGRADE"]);
    accepts(&Upgrader::new(), &request, None, None).await;
}

#[tokio::test(start_paused = true)]
async fn subprotocol_on_four_lines_or_one_with_names_in_any_case() {
    let upgrader = Upgrader::new().subprotocols(["d", "b"]);
    let lines = Request::new().with("Sec-WebSocket-Protocol", &["a", "b", "c", "d"]);
    let comma = Request::new().with("Sec-WebSocket-Protocol", &["a, b, c, d"]);
    for request in [&lines, &lines.clone().renamed(str::to_lowercase), &comma] {
        accepts(&upgrader, request, Some("b"), None).await;
    }
    accepts(&Upgrader::new().subprotocols(["B"]), &comma, None, None).await;
}

#[tokio::test(start_paused = true)]
async fn negotiated_extensions() {
    let upgrader = Upgrader::new().negotiate(|offer| {
        Ok(matches!(offer.name(), "b" | "d").then(|| OwnedExtension::from(offer.clone())))
    });
    let lines = Request::new().with("Sec-WebSocket-Extensions", &["a;foo=1", "b;bar=2", "c", "d;baz=\"3\""]);
    accepts(&upgrader, &lines, None, Some("b; bar=2, d; baz=3")).await;
    accepts(&Upgrader::new(), &lines, None, None).await;
    // Of alternatives the first.
    let twice = Request::new().with("Sec-WebSocket-Extensions", &["b;bar=2, d", "b;bar=1", "d;baz"]);
    accepts(&upgrader, &twice, None, Some("b; bar=2, d")).await;
}

#[tokio::test(start_paused = true)]
async fn bad_requests() {
    const NONE: [&str; 0] = [];
    let base = Request::new;
    let post = base().line("POST / HTTP/1.1");
    let http_10 = base().line("GET / HTTP/1.0");
    let http_2 = base().line("GET / HTTP/2.0");
    for (name, request, expected, status) in [
        ("bad method", post, Refusal::MethodNotGet, 405),
        ("bad protocol", http_10, Refusal::HttpVersion, 400),
        ("unknown protocol", http_2, Refusal::HttpVersion, 400),
        ("no host", base().without("Host"), Refusal::Host, 400),
        ("no upgrade", base().without("Upgrade"), Refusal::UpgradeToken, 426),
        (
            "other header",
            base().without("Upgrade").and("X-Custom-Header", "value"),
            Refusal::UpgradeToken,
            426,
        ),
        ("bad upgrade", base().with("Upgrade", &["not-websocket"]), Refusal::UpgradeToken, 426),
        ("no connection", base().without("Connection"), Refusal::ConnectionToken, 400),
        ("bad connection", base().with("Connection", &["not-upgrade"]), Refusal::ConnectionToken, 400),
        ("no version", base().without("Sec-WebSocket-Version"), Refusal::VersionMissing, 400),
        ("bad version", base().with("Sec-WebSocket-Version", &["15"]), Refusal::VersionUnsupported, 426),
        ("no key", base().with("Sec-WebSocket-Key", &NONE), Refusal::KeyMissing, 400),
        ("bad key", base().with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQ="]), Refusal::KeyInvalid, 400),
        ("bad extension", base().and("Sec-WebSocket-Extensions", "=["), Refusal::ExtensionMalformed, 400),
        ("bad subprotocol", base().and("Sec-WebSocket-Protocol", "=["), Refusal::SubprotocolMalformed, 400),
    ] {
        let upgrader = Upgrader::new().negotiate(|_| Ok(None)).on_header(|_, _| Ok(()));
        let (error, response) = refused(&upgrader, &request.bytes()).await;
        assert!(matches!(&error, UpgradeError::Refused(refusal) if *refusal == expected), "{name}: {error}");
        assert_eq!((response.status, response.body.as_str()), (status, expected.reason()), "{name}");
        response.assert_refusal();
        let version = matches!(expected, Refusal::VersionMissing | Refusal::VersionUnsupported);
        assert_eq!(response.header("sec-websocket-version"), version.then_some("13"), "{name}");
        let allow = (expected == Refusal::MethodNotGet).then_some("GET");
        assert_eq!(response.header("allow"), allow, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_request_line_is_answered() {
    for line in [
        "GET",
        "GET /",
        "GET / HTTP/1.1 ",
        "GET  / HTTP/1.1",
        "GET / http/1.1",
        "GET * HTTP/1.1",
        "G<T / HTTP/1.1",
    ] {
        let (error, response) = refused(&Upgrader::new(), &Request::new().line(line).bytes()).await;
        let version = matches!(error, UpgradeError::Refused(Refusal::HttpVersion));
        assert!(version || matches!(error, UpgradeError::Malformed), "{line}: {error}");
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST), "{line}");
        response.assert_refusal();
    }
}
