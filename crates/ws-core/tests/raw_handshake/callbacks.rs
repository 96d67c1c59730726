//! What an application is asked, and what it may answer.

use std::sync::{Arc, Mutex};

use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, SERVER, SET_COOKIE, UPGRADE, WWW_AUTHENTICATE},
};
use proptest::prelude::*;
use ws_core::{
    Utf8Bytes,
    handshake::is_reserved_response_header,
    raw::handshake::{OwnedExtension, Rejection, RequestHead, ResponseHeaders, UpgradeError, Upgrader},
};

use super::support::{Request, Response, refused, serve};

fn rejection() -> Rejection {
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE)
        .reason("come back later")
        .header(RETRY_AFTER, HeaderValue::from_static("60"))
}

#[tokio::test(start_paused = true)]
async fn every_stage_may_reject_with_status_reason_and_headers() {
    let request =
        Request::new().with("Sec-WebSocket-Extensions", &["x"]).with("Sec-WebSocket-Protocol", &["chat"]);
    let base = || Upgrader::new().header(SERVER, HeaderValue::from_static("test"));
    for (stage, upgrader) in [
        ("request", base().on_request(|_| Err(rejection()))),
        ("host", base().on_host(|_| Err(rejection()))),
        ("header", base().on_header(|name, _| if name == "Upgrade" { Err(rejection()) } else { Ok(()) })),
        ("extension", base().negotiate(|_| Err(rejection()))),
        ("last", base().before_upgrade(|_, _| Err(rejection()))),
        (
            "last, with headers",
            base().before_upgrade(|_, headers| {
                headers.append(&SET_COOKIE, &HeaderValue::from_static("a=b"))?;
                Err(rejection())
            }),
        ),
    ] {
        let (error, response) = refused(&upgrader, &request.bytes()).await;
        assert!(matches!(error, UpgradeError::Rejected(_)), "{stage}: {error}");
        response.assert_refusal();
        assert_eq!((response.status, response.body.as_str()), (503, "come back later"), "{stage}");
        assert_eq!(response.header("retry-after"), Some("60"), "{stage}");
        assert_eq!(response.header("server"), Some("test"), "{stage}");
        assert_eq!(response.header("set-cookie"), None, "{stage}");
    }
}

fn note(log: &Mutex<Vec<String>>, what: impl Into<String>) -> Result<(), Rejection> {
    log.lock().unwrap().push(what.into());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn callbacks_come_in_order_and_see_the_request() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let logs = || Arc::clone(&log);
    let (one, two, three, four, five, six) = (logs(), logs(), logs(), logs(), logs(), logs());
    let upgrader = Upgrader::new()
        .before_upgrade(move |_, _| note(&six, "before"))
        .negotiate(move |offer| note(&five, format!("extension {}", offer.name())).map(|()| None))
        .select_subprotocol(move |mut offer| {
            four.lock().unwrap().push("subprotocol".to_owned());
            offer.find(|name| name.starts_with("chat")).map(Utf8Bytes::from)
        })
        .on_header(move |name, value| note(&three, format!("{name}={}", value.escape_ascii())))
        .on_host(move |host| note(&two, format!("host {host}")))
        .on_request(move |request| {
            let line = format!("{} {} {:?}", request.method(), request.target(), request.version());
            note(&one, line)
        });
    let request = Request::new()
        .line("GET /room?a=b HTTP/1.1")
        .with("Host", &["example.org:8080"])
        .and("x-Custom", " value ")
        .and("Sec-WebSocket-Protocol", "soap, chat.v2")
        .and("Sec-WebSocket-Extensions", "x, y");
    let (result, output) = serve(&upgrader, &request.bytes()).await;
    assert_eq!(result.unwrap().subprotocol.as_deref(), Some("chat.v2"));
    assert_eq!(Response::parse(&output).header("sec-websocket-protocol"), Some("chat.v2"));
    let expected = [
        "GET /room?a=b HTTP/1.1",
        "host example.org:8080",
        "Upgrade=websocket",
        "Connection=Upgrade",
        "Sec-WebSocket-Version=13",
        &format!("Sec-WebSocket-Key={}", super::support::KEY),
        "Host=example.org:8080",
        "x-Custom=value",
        "Sec-WebSocket-Protocol=soap, chat.v2",
        "Sec-WebSocket-Extensions=x, y",
        "subprotocol",
        "extension x",
        "extension y",
        "before",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn closure_of_a_call_takes_what_it_needs_and_adds_headers() {
    let (mut near, mut far) = tokio::io::duplex(4096);
    tokio::io::AsyncWriteExt::write_all(&mut far, &Request::new().and("Cookie", "user=7").bytes())
        .await
        .unwrap();
    let check = |request: &RequestHead<'_>, headers: &mut ResponseHeaders<'_>| {
        headers.append(&SET_COOKIE, &HeaderValue::from_static("seen=1"))?;
        request.header("cookie").map(<[u8]>::to_vec).ok_or_else(|| StatusCode::UNAUTHORIZED.into())
    };
    let (_, cookie) = Upgrader::new().upgrade_with(&mut near, check).await.unwrap();
    assert_eq!(cookie, b"user=7");
    drop(near);
    let response = Response::parse(&super::support::read_to_end(far).await);
    assert_eq!((response.status, response.header("set-cookie")), (101, Some("seen=1")));
}

#[tokio::test(start_paused = true)]
async fn status_alone_rejects_with_its_name() {
    let upgrader = Upgrader::new().on_request(|_| Err(StatusCode::NOT_FOUND.into()));
    let (_, response) = refused(&upgrader, &Request::new().bytes()).await;
    assert_eq!((response.status, response.body.as_str()), (404, "Not Found"));
}

#[tokio::test(start_paused = true)]
async fn redirection_and_a_body_of_another_type_are_rejections_too() {
    let upgrader = Upgrader::new().on_request(|_| {
        Err(Rejection::new(StatusCode::PERMANENT_REDIRECT)
            .header(LOCATION, HeaderValue::from_static("/elsewhere"))
            .header(CONTENT_TYPE, HeaderValue::from_static("text/html"))
            .reason("<a href=/elsewhere>"))
    });
    let (_, response) = refused(&upgrader, &Request::new().bytes()).await;
    assert_eq!((response.status, response.body.as_str()), (308, "<a href=/elsewhere>"));
    assert_eq!(
        (response.header("location"), response.header("content-type")),
        (Some("/elsewhere"), Some("text/html"))
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_have_one_type_whoever_sets_it() {
    let html = HeaderValue::from_static("text/html");
    let json = HeaderValue::from_static("application/json");
    let base = || Upgrader::new().header(CONTENT_TYPE, html.clone());
    let own = rejection().header(CONTENT_TYPE, json.clone());
    for (upgrader, request, expected) in [
        (base(), Request::new().without("Host"), &html),
        (base().on_request(|_| Err(rejection())), Request::new(), &html),
        (base().on_request(move |_| Err(own.clone())), Request::new(), &json),
    ] {
        let (_, response) = refused(&upgrader, &request.bytes()).await;
        assert_eq!(response.header("content-type"), Some(expected.to_str().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn rejection_that_has_no_body_is_written_without_one() {
    let upgrader = Upgrader::new().on_request(|_| Err(StatusCode::NOT_MODIFIED.into()));
    let (_, response) = refused(&upgrader, &Request::new().bytes()).await;
    assert_eq!((response.status, response.body.as_str()), (304, ""));
    assert_eq!((response.header("content-length"), response.header("connection")), (None, Some("close")));
}

#[test]
fn status_that_refuses_nothing_becomes_500() {
    for status in [100, 101, 103, 200, 204, 299] {
        assert_eq!(Rejection::new(StatusCode::from_u16(status).unwrap()).status(), 500, "{status}");
    }
    for status in [301, 401, 599, 999] {
        assert_eq!(Rejection::new(StatusCode::from_u16(status).unwrap()).status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn headers_of_the_handshake_are_not_the_applications() {
    for name in [
        "connection",
        "upgrade",
        "content-length",
        "transfer-encoding",
        "sec-websocket-accept",
        "sec-websocket-x",
    ] {
        let name = HeaderName::from_static(name);
        assert!(is_reserved_response_header(&name));
        let value = HeaderValue::from_static("x");
        let plain = serve(&Upgrader::new(), &Request::new().bytes()).await.1;
        let upgrader = Upgrader::new().header(name.clone(), value.clone());
        assert_eq!(serve(&upgrader, &Request::new().bytes()).await.1, plain, "{name}");
        assert_eq!(rejection().header(name.clone(), value.clone()).headers().count(), 1, "{name}");
        let upgrader = Upgrader::new().before_upgrade(move |_, headers| {
            let error = headers.append(&name, &value).unwrap_err();
            assert_eq!(error.name(), name);
            Err(error.into())
        });
        assert_eq!(refused(&upgrader, &Request::new().bytes()).await.1.status, 500);
    }
}

#[tokio::test(start_paused = true)]
async fn application_cannot_accept_what_was_not_offered() {
    let request = Request::new().and("Sec-WebSocket-Protocol", "chat").and("Sec-WebSocket-Extensions", "x");
    for upgrader in [
        Upgrader::new().select_subprotocol(|_| Some("other".into())),
        Upgrader::new().negotiate(|_| Ok(Some(OwnedExtension::new("other").unwrap()))),
    ] {
        assert_eq!(refused(&upgrader, &request.bytes()).await.1.status, 500);
        assert!(serve(&upgrader, &Request::new().bytes()).await.0.is_ok(), "nobody asks without an offer");
    }
}

// Shows HS-9.
#[test]
fn extensions_are_made_of_tokens() {
    for text in ["", " ", "a b", "a,b", "a;b", "a=b", "\"a\"", "a\r\n", "\u{e4}"] {
        assert!(OwnedExtension::new(text).is_err(), "{text:?}");
        let extension = || OwnedExtension::new("x").unwrap();
        assert!(extension().with_parameter(text, None).is_err(), "{text:?}");
        assert!(extension().with_parameter("a", text).is_err(), "{text:?}");
    }
}

proptest! {
    /// Whatever bytes become a header value, a reason, or a parameter: the head has the lines it had before.
    // Shows HS-9.
    #[test]
    fn no_text_of_the_application_ends_its_line(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let Ok(value) = HeaderValue::from_bytes(&bytes) else {
            prop_assert!(bytes.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f));
            return Ok(());
        };
        let name = HeaderName::from_static("x-test");
        let lines = |output: &[u8]| output.windows(2).filter(|end| end == b"\r\n").count();
        let upgrader = Upgrader::new().header(name.clone(), value.clone());
        let (_, output) = runtime.block_on(serve(&upgrader, &Request::new().bytes()));
        prop_assert_eq!(lines(&output), 6);
        prop_assert!(!output.iter().enumerate().any(|(at, &byte)| byte == b'\n' && output[at - 1] != b'\r'));
        let upgrader = Upgrader::new().on_request(move |_| Err(rejection().header(name.clone(), value.clone())));
        let (_, output) = runtime.block_on(serve(&upgrader, &Request::new().bytes()));
        let head = output.len() - "come back later".len();
        prop_assert_eq!(lines(&output[..head]), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn added_headers_are_spelled_in_capitals() {
    let upgrader = Upgrader::new()
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))
        .header(HeaderName::from_static("x-a-b"), HeaderValue::from_static("c"))
        .header(UPGRADE, HeaderValue::from_static("h2c"));
    let (_, output) = serve(&upgrader, &Request::new().bytes()).await;
    let text = String::from_utf8(output).unwrap();
    assert!(text.contains("\r\nWww-Authenticate: Basic\r\nX-A-B: c\r\n") && !text.contains("h2c"), "{text}");
}
