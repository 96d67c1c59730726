//! The client's end.

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE},
};
use tokio::io::duplex;
use ws_core::{
    Config, Message, Role,
    handshake::{OfferError, ResponseError},
    raw::handshake::{DialError, Dialer, OwnedExtension, Rejection, UpgradeError, Upgrader, UriError},
};

use super::support::{accepting, dial};

const URI: &str = "ws://example.org/";

#[tokio::test(start_paused = true)]
async fn both_ends_agree_and_talk() {
    let (near, far) = duplex(4096);
    let upgrader = Upgrader::new().subprotocols(["chat.v1", "chat.v2"]);
    let dialer = Dialer::new().subprotocols(["soap", "chat.v2"]);
    let uri = URI.parse().unwrap();
    let (server, client) =
        tokio::join!(upgrader.accept(near, Config::new()), dialer.connect(far, &uri, Config::new()));
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    assert_eq!((server.role(), client.role()), (Role::Server, Role::Client));
    assert_eq!((server.subprotocol(), client.subprotocol()), (Some("chat.v2"), Some("chat.v2")));
    client.write_message("hello").await.unwrap();
    assert_eq!(server.read_message().await.unwrap(), Some(Message::text("hello")));
    server.write_message("and you").await.unwrap();
    assert_eq!(client.read_message().await.unwrap(), Some(Message::text("and you")));
}

#[tokio::test(start_paused = true)]
async fn both_ends_agree_on_an_extension() {
    let (mut near, mut far) = duplex(4096);
    let upgrader = Upgrader::new().negotiate(|offer| {
        assert_eq!(offer.parameters().next().unwrap().name(), "bits");
        let answer = OwnedExtension::new(offer.name()).and_then(|answer| answer.with_parameter("bits", "9"));
        answer.map(Some).map_err(|_| Rejection::new(http::StatusCode::BAD_REQUEST))
    });
    let offer = OwnedExtension::new("x-test").unwrap().with_parameter("bits", None).unwrap();
    let dialer = Dialer::new().extensions([offer]);
    let uri = URI.parse().unwrap();
    let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
    let (server, client) = (server.unwrap().extensions, client.unwrap().extensions);
    assert_eq!(server, client);
    assert_eq!(client[0].to_string(), "x-test; bits=9");
    assert_eq!(client[0].parameters().collect::<Vec<_>>(), [("bits", Some("9"))]);
}

#[tokio::test(start_paused = true)]
async fn refusal_of_our_server_is_the_error_of_our_client() {
    let (mut near, mut far) = duplex(4096);
    let upgrader = Upgrader::new().on_request(|_| {
        let rejection = Rejection::new(http::StatusCode::UNAUTHORIZED).reason("who is there?");
        Err(rejection.header(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
    });
    let uri = URI.parse().unwrap();
    let dialer = Dialer::new();
    let (server, client) = tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
    assert!(matches!(server, Err(UpgradeError::Rejected(_))));
    let error = client.unwrap_err();
    let response = error.response().unwrap();
    assert_eq!((response.status().as_u16(), response.reason()), (401, "Unauthorized"));
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(response.body(), "who is there?");
}

/// The request that a dialer writes, without the line of its key.
async fn request(dialer: &Dialer, uri: &str) -> String {
    let mut seen = String::new();
    let (result, rest) = dial(dialer, uri, |request| {
        seen =
            request.split_inclusive("\r\n").filter(|line| !line.starts_with("Sec-WebSocket-Key: ")).collect();
        accepting(request).into_bytes()
    })
    .await;
    assert!(result.is_ok() && rest.is_empty());
    seen
}

#[tokio::test(start_paused = true)]
async fn request_is_written_as_in_the_rfc() {
    assert_eq!(
        request(&Dialer::new(), "ws://example.org:8080/chat?a=b").await,
        "GET /chat?a=b HTTP/1.1\r\nHost: example.org:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    );
    let dialer = Dialer::new()
        .host(HeaderValue::from_static("other.example"))
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer x"))
        .header(COOKIE, HeaderValue::from_static("a=b"))
        .header(COOKIE, HeaderValue::from_static("c=d"))
        .subprotocols(["b", "a"])
        .extensions([OwnedExtension::new("x").unwrap(), OwnedExtension::new("y").unwrap()]);
    assert_eq!(
        request(&dialer, "wss://example.org").await,
        "GET / HTTP/1.1\r\nHost: other.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: b, a\r\nSec-WebSocket-Extensions: x, y\r\n\
         Authorization: Bearer x\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n"
    );
    let dialer = Dialer::new().header(HOST, HeaderValue::from_static("unix"));
    assert!(request(&dialer, "/path").await.starts_with("GET /path HTTP/1.1\r\nHost: unix\r\n"));
}

#[tokio::test(start_paused = true)]
async fn every_handshake_has_a_key_of_its_own() {
    let mut keys = std::collections::HashSet::new();
    for _ in 0..10 {
        dial(&Dialer::new(), URI, |request| {
            let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
            assert!(ws_core::handshake::is_valid_key(key.as_bytes()));
            keys.insert(key.to_owned());
            Vec::new()
        })
        .await
        .0
        .unwrap_err();
    }
    assert_eq!(keys.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_not_written() {
    let value = HeaderValue::from_static("x");
    let dial = async |dialer: Dialer, uri: &str| {
        let (mut near, far) = duplex(4096);
        let error = dialer.handshake(&mut near, &uri.parse().unwrap()).await.unwrap_err();
        drop(near);
        assert_eq!(super::support::read_to_end(far).await, b"");
        error
    };
    let sec = HeaderName::from_static("sec-websocket-anything");
    for name in [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE, sec] {
        let error = dial(Dialer::new().header(name.clone(), value.clone()), URI).await;
        assert!(matches!(&error, DialError::InvalidHeader(found) if *found == name), "{error}");
        assert!(error.to_string().contains(name.as_str()));
    }
    let twice = Dialer::new().header(HOST, value.clone()).header(HOST, value.clone());
    assert!(matches!(dial(twice, URI).await, DialError::InvalidHeader(name) if name == HOST));
    let error = dial(Dialer::new().subprotocols(["a b"]), URI).await;
    assert!(matches!(error, DialError::InvalidOffer(OfferError::SubprotocolInvalid)));
    let error = dial(Dialer::new().subprotocols(["a", "b", "a"]), URI).await;
    assert!(matches!(error, DialError::InvalidOffer(OfferError::SubprotocolRepeated)));
    let invalid = Dialer::new().host(HeaderValue::from_static("a b"));
    assert!(matches!(dial(invalid, URI).await, DialError::InvalidUri(UriError::Host)));
    assert!(matches!(
        dial(Dialer::new(), "ftp://example.org").await,
        DialError::InvalidUri(UriError::Scheme)
    ));
    assert!(matches!(dial(Dialer::new(), "/path").await, DialError::InvalidUri(UriError::Host)));
}

/// Dials a server whose answer differs in one place.
async fn answered(from: &str, to: &str) -> DialError {
    let dialer = Dialer::new().subprotocols(["chat"]).extensions([OwnedExtension::new("x").unwrap()]);
    let (result, rest) = dial(&dialer, URI, |request| {
        let answer = accepting(request);
        assert!(answer.contains(from), "{from}");
        let answer = answer.replacen(from, to, 1);
        // A frame behind it, which must not be taken for an answer to anything.
        [answer.as_bytes(), b"\x81\x05hello"].concat()
    })
    .await;
    assert_eq!(rest, b"", "nothing is written behind the request");
    match result {
        Ok(_) => panic!("accepted with {to:?}"),
        Err(error) => error,
    }
}

// Shows CLI-1.
#[tokio::test(start_paused = true)]
async fn wrong_answers_are_refused() {
    use ResponseError as E;
    let end = "\r\n\r\n";
    for (from, to, expected) in [
        ("Upgrade: websocket\r\n", "", E::UpgradeToken),
        ("Upgrade: websocket", "Upgrade: h2c", E::UpgradeToken),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", E::UpgradeToken),
        ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket", E::UpgradeToken),
        ("Connection: Upgrade\r\n", "", E::ConnectionToken),
        ("Connection: Upgrade", "Connection: close", E::ConnectionToken),
        ("Sec-WebSocket-Accept: ", "X-Accept: ", E::AcceptMissing),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x", E::AcceptMismatch),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: \r\nSec-WebSocket-Accept: ", E::AcceptRepeated),
        (end, "\r\nSec-WebSocket-Protocol: other\r\n\r\n", E::SubprotocolNotOffered),
        (end, "\r\nSec-WebSocket-Protocol: Chat\r\n\r\n", E::SubprotocolNotOffered),
        (end, "\r\nSec-WebSocket-Protocol: chat, chat\r\n\r\n", E::SubprotocolNotOffered),
        (
            end,
            "\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
            E::SubprotocolRepeated,
        ),
        (end, "\r\nSec-WebSocket-Extensions: y\r\n\r\n", E::ExtensionNotOffered),
        (end, "\r\nSec-WebSocket-Extensions: x, y\r\n\r\n", E::ExtensionNotOffered),
        (end, "\r\nSec-WebSocket-Extensions: x; =\r\n\r\n", E::ExtensionMalformed),
        (end, "\r\nSec-WebSocket-Extensions:\r\n\r\n", E::ExtensionMalformed),
    ] {
        let error = answered(from, to).await;
        assert!(matches!(error, DialError::Handshake(found) if found == expected), "{to:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_1_1_is_refused() {
    for (from, to) in [
        ("HTTP/1.1", "HTTP/1.0"),
        ("HTTP/1.1", "HTTP/2.0"),
        ("HTTP/1.1", "ICY"),
        ("HTTP/1.1 101 Switching Protocols", ""),
        (" 101 ", " 1O1 "),
        (" 101 ", " 99 "),
        ("\r\n", "\n"),
        ("Upgrade: ", "Upgrade : "),
        ("\r\nUpgrade", "\r\n Upgrade"),
    ] {
        let error = answered(from, to).await;
        assert!(matches!(error, DialError::Malformed), "{to:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn right_answers_may_look_different() {
    for (from, to) in [
        ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ("Connection: Upgrade", "connection: keep-alive, upgrade"),
        ("Switching Protocols", ""),
        (" Switching Protocols", ""),
        ("Switching Protocols", "\u{dc}bergang"),
        ("\r\n\r\n", "\r\nX: y\r\n\r\n"),
    ] {
        let (result, _) =
            dial(&Dialer::new(), URI, |request| accepting(request).replacen(from, to, 1).into_bytes()).await;
        assert!(result.is_ok(), "{to:?}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_come_with_reason_headers_and_the_beginning_of_their_body() {
    let long = "a".repeat(5000);
    let kept = "a".repeat(1024);
    for (head, body, expected) in [
        ("Content-Length: 4\r\n", "nope, and more", "nope"),
        ("Content-Length: 5000\r\n", long.as_str(), kept.as_str()),
        ("", "to the end", "to the end"),
        ("", long.as_str(), kept.as_str()),
        ("Transfer-Encoding: chunked\r\n", "3\r\nno,\r\n4\r\n sir\r\n0\r\n\r\n", "no, sir"),
        ("Transfer-Encoding: chunked\r\n", "nonsense", ""),
        ("Content-Length: -1\r\n", "any", "any"),
        ("Content-Length: 0\r\n", "", ""),
    ] {
        let (result, _) = dial(&Dialer::new(), URI, |_| {
            format!("HTTP/1.1 429 Slow Down\r\nRetry-After: 5\r\nX: a\r\nX: b\r\n{head}\r\n{body}")
                .into_bytes()
        })
        .await;
        let error = result.unwrap_err();
        let response = error.response().unwrap();
        assert_eq!((response.status().as_u16(), response.reason()), (429, "Slow Down"));
        assert_eq!(response.headers()["retry-after"], "5");
        assert_eq!(response.headers().get_all("x").iter().count(), 2);
        assert_eq!(response.body(), expected, "{head}");
    }
}

// Shows HS-5.
#[tokio::test(start_paused = true)]
async fn endless_body_is_not_read_to_its_end() {
    // Chunks of a byte each, with 3 KB in front of it that say nothing.
    let chunk = format!("1;{}\r\na\r\n", "x".repeat(3000));
    for (fields, body) in [("", "a".repeat(3 << 20)), ("Transfer-Encoding: chunked\r\n", chunk.repeat(1000))]
    {
        let (mut near, mut far) = duplex(super::support::CAPACITY);
        let server = async {
            super::support::read_head(&mut far).await;
            let answer = format!("HTTP/1.1 500 Oops\r\n{fields}\r\n{body}");
            tokio::io::AsyncWriteExt::write_all(&mut far, answer.as_bytes()).await.unwrap();
        };
        let (dialer, uri) = (Dialer::new(), URI.parse().unwrap());
        let (result, ()) = tokio::join!(dialer.handshake(&mut near, &uri), server);
        let kept = result.unwrap_err().response().unwrap().body().len();
        assert!((10..=1024).contains(&kept), "{kept}");
        drop(far);
        let left = super::support::read_to_end(near).await.len();
        assert!(body.len() - left <= 80 << 10, "{} bytes were read", body.len() - left);
    }
}

#[tokio::test(start_paused = true)]
async fn interim_responses_are_skipped_up_to_a_number() {
    for (count, expected) in [(1, true), (32, true), (33, false), (1000, false)] {
        let (result, _) = dial(&Dialer::new(), URI, |request| {
            let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n".repeat(count);
            [hints.as_bytes(), accepting(request).as_bytes()].concat()
        })
        .await;
        match result {
            Ok(_) => assert!(expected, "{count}"),
            Err(error) => {
                assert!(!expected && matches!(error, DialError::TooManyInterim), "{count}: {error}")
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn head_of_an_answer_is_bounded() {
    for (fields, length, expected) in
        [(0, 60_000, true), (97, 10, true), (98, 10, false), (0, 65_536, false), (0, 1 << 20, false)]
    {
        let (result, _) = dial(&Dialer::new(), URI, |request| {
            let fields = "A: b\r\n".repeat(fields);
            let long = if length > 10 { format!("X: {}\r\n", "x".repeat(length)) } else { String::new() };
            accepting(request).replacen("\r\n\r\n", &format!("\r\n{fields}{long}\r\n"), 1).into_bytes()
        })
        .await;
        match result {
            Ok(_) => assert!(expected, "{fields} {length}"),
            Err(error) => {
                assert!(!expected && matches!(error, DialError::TooLarge), "{fields} {length}: {error}")
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn server_that_closes_is_no_answer() {
    let (mut near, far) = duplex(4096);
    let uri = URI.parse().unwrap();
    let dialer = Dialer::new();
    let close = async {
        let mut far = far;
        super::support::read_head(&mut far).await;
        drop(far);
    };
    let (result, ()) = tokio::join!(dialer.handshake(&mut near, &uri), close);
    assert!(matches!(result, Err(DialError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn callbacks_see_the_response_and_may_reject_it() {
    let answer =
        |request: &str| accepting(request).replacen("\r\n\r\n", "\r\nX-Server: 7\r\n\r\n", 1).into_bytes();
    let dialer = Dialer::new().on_header(|name, value| match (name, value) {
        ("X-Server", b"7") => Err("seven is not served".into()),
        _ => Ok(()),
    });
    let error = dial(&dialer, URI, answer).await.0.unwrap_err();
    assert!(
        matches!(&error, DialError::Rejected(cause) if cause.to_string() == "seven is not served"),
        "{error}"
    );
    assert!(std::error::Error::source(&error).is_some());

    let (mut near, mut far) = duplex(4096);
    let server = async {
        let request = super::support::read_head(&mut far).await;
        tokio::io::AsyncWriteExt::write_all(&mut far, &answer(&request)).await.unwrap();
    };
    let (dialer, uri) = (Dialer::new(), URI.parse().unwrap());
    let handshake = dialer.handshake_with(&mut near, &uri, |response| {
        assert_eq!((response.status().as_u16(), response.reason()), (101, "Switching Protocols"));
        Ok(response.header("x-server").map(<[u8]>::to_vec))
    });
    let (result, ()) = tokio::join!(handshake, server);
    assert_eq!(result.unwrap().1.unwrap(), b"7");
}

#[test]
fn ends_may_be_shared_between_threads() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send>(_: T) {}
    check::<Upgrader>();
    check::<Dialer>();
    let uri = URI.parse().unwrap();
    let (mut near, mut far) = duplex(1);
    let (upgrader, dialer) = (Upgrader::new(), Dialer::new());
    send(upgrader.upgrade(&mut near));
    send(dialer.handshake(&mut far, &uri));
}
