//! Redirects, which are followed only when asked for.

mod support;

use std::{
    collections::HashSet,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use http::{HeaderValue, StatusCode, header};
use tokio::time::Instant;
use ws_client::{DialError, DialErrorKind, DialedUri, Dialer, Phase, RedirectError, UriError};

use support::net::Net;

fn to(location: &str) -> String {
    format!("302\r\nLocation: {location}\r\n")
}

async fn refused(net: &Net, dialer: Dialer, url: &str) -> DialError {
    dialer.connector(net.clone()).dial(url).await.unwrap_err()
}

#[tokio::test]
async fn redirects_are_followed_to_the_server_that_accepts() {
    for status in [301, 302, 303, 307, 308] {
        let net = Net::new([format!("{status}\r\nLocation: https://b.example/x?y#z\r\n"), "101".into()]);
        let dialer = Dialer::new().redirects(1).connector(net.clone());
        let (_conn, response) = dialer.dial("ws://a.example/").await.unwrap();
        assert_eq!(response.status(), 101);
        let DialedUri(uri) = response.extensions().get().unwrap();
        assert_eq!(uri, "wss://b.example/x?y");
        let asked = net.asked();
        assert_eq!(asked[0].endpoint, "http://a.example:80/");
        assert_eq!(asked[1].endpoint, "https://b.example:443/");
        assert_eq!(asked[1].path(), "/x?y");
        assert_eq!(asked[1].fields("host"), ["b.example"]);
    }
}

#[tokio::test]
async fn url_is_known_without_a_redirect_too() {
    let dialer = Dialer::new().connector(Net::new(["101"]));
    let (_conn, response) = dialer.dial("http://A.example:80/b").await.unwrap();
    assert_eq!(response.extensions().get(), Some(&DialedUri("ws://a.example/b".parse().unwrap())));
    let error = refused(&Net::new(["404\r\nContent-Length: 0\r\n"]), Dialer::new(), "ws://a.example").await;
    let uri = error.response().unwrap().extensions().get();
    assert_eq!(uri, Some(&DialedUri("ws://a.example/".parse().unwrap())));
}

#[tokio::test]
async fn every_request_is_a_new_opening_handshake_with_the_same_offer() {
    let net = Net::new([to("/b"), to("ws://b.example/"), "101\r\nSec-WebSocket-Protocol: chat\r\n".into()]);
    let dialer = Dialer::new()
        .redirects(5)
        .subprotocols(["chat"])
        .header(header::ACCEPT_LANGUAGE, HeaderValue::from_static("de"))
        .connector(net.clone());
    #[cfg(feature = "deflate")]
    let dialer = dialer.compression(ws_core::DeflateConfig::new());
    let (conn, _) = dialer.dial("ws://a.example/").await.unwrap();
    assert_eq!(conn.subprotocol(), Some("chat"));
    let asked = net.asked();
    assert_eq!(asked.len(), 3);
    let keys: HashSet<_> = asked.iter().map(|asked| asked.fields("sec-websocket-key")).collect();
    assert_eq!(keys.len(), 3);
    for request in &asked {
        assert_eq!(request.fields("sec-websocket-protocol"), ["chat"]);
        assert_eq!(request.fields("accept-language"), ["de"]);
        assert_eq!(request.fields("upgrade"), ["websocket"]);
        assert_eq!(request.fields("sec-websocket-extensions"), asked[0].fields("sec-websocket-extensions"));
    }
}

// RED-1, on the wire; the table of origins stands beside the rule.
// Shows RED-1.
#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let net = Net::new([to("/b"), to("ws://b.example/"), to("ws://a.example/"), "101".into()]);
    let mut token = HeaderValue::from_static("token");
    token.set_sensitive(true);
    let dialer = Dialer::new()
        .redirects(5)
        .header(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"))
        .header(header::PROXY_AUTHORIZATION, HeaderValue::from_static("Basic x"))
        .header(header::COOKIE, HeaderValue::from_static("a=b"))
        .header(header::HOST, HeaderValue::from_static("inner.example"))
        .header("x-token".parse().unwrap(), token)
        .connector(net.clone());
    dialer.dial("ws://a.example/").await.unwrap();
    let asked = net.asked();
    for name in ["authorization", "proxy-authorization", "cookie", "x-token"] {
        let sent: Vec<_> = asked.iter().map(|asked| asked.fields(name).len()).collect();
        assert_eq!(sent, [1, 1, 0, 0], "{name}");
    }
    let hosts: Vec<_> = asked.iter().map(|asked| asked.fields("host")).collect();
    assert_eq!(hosts, [["inner.example"], ["inner.example"], ["b.example"], ["a.example"]]);
}

// Shows RED-1.
#[tokio::test(start_paused = true)]
async fn redirects_are_refused_unless_asked_for() {
    let net = Net::new([to("/b")]);
    let error = refused(&net, Dialer::new(), "ws://a.example/").await;
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FOUND));
    assert!(error.to_string().contains("Dialer::redirects"), "{error}");
    assert_eq!(net.asked().len(), 1);
}

// Shows RED-1.
#[tokio::test]
async fn ten_redirects_are_followed_at_the_most_whatever_is_asked_for() {
    for (max, followed) in [(1, 1), (9, 9), (10, 10), (11, 10), (usize::MAX, 10)] {
        let net = Net::new((0..20).map(|hop| to(&format!("/{hop}"))));
        let error = refused(&net, Dialer::new().redirects(max), "ws://a.example/").await;
        assert_eq!(error.kind(), &DialErrorKind::Redirect(RedirectError::TooMany));
        assert_eq!(net.asked().len(), followed + 1);
        assert_eq!(
            error.to_string(),
            format!(
                "a.example:80 redirected to \"/{followed}\", which was not followed: too many came before it"
            )
        );
        let uri = error.response().unwrap().extensions().get();
        assert_eq!(uri, Some(&DialedUri(format!("ws://a.example/{}", followed - 1).parse().unwrap())));
    }
}

#[tokio::test]
async fn refused_redirect_says_why_and_where_to() {
    for (url, answer, error, text) in [
        (
            "wss://a.example/",
            to("ws://b.example/"),
            RedirectError::Downgrade,
            r#"a.example:443 redirected to "ws://b.example/", which was not followed: it leaves TLS"#,
        ),
        (
            "ws://a.example/",
            to("ftp://b.example/"),
            RedirectError::Uri(UriError::Scheme),
            r#"a.example:80 redirected to "ftp://b.example/", which was not followed: only ws, wss, http and https URLs can be dialed"#,
        ),
        (
            "ws://a.example/",
            to("ws://user:secret@b.example/"),
            RedirectError::Uri(UriError::UserInfo),
            r#"a.example:80 redirected to "b.example/", which was not followed: there is a user name in it"#,
        ),
        (
            "ws://a.example/",
            "302".into(),
            RedirectError::Missing,
            "a.example:80 redirected, which was not followed: it does not say where to",
        ),
    ] {
        let net = Net::new([answer]);
        let refused = refused(&net, Dialer::new().redirects(10), url).await;
        assert_eq!(refused.kind(), &DialErrorKind::Redirect(error));
        assert_eq!(refused.to_string(), text);
        assert_eq!(refused.response().unwrap().status(), 302);
        assert!(!format!("{refused:?}").contains("secret"));
        assert_eq!(net.asked().len(), 1);
    }
}

#[tokio::test]
async fn refusal_after_a_redirect_has_the_answer_of_the_last_server() {
    let net = Net::new([to("ws://b.example/"), "403\r\nContent-Length: 0\r\nX: y\r\n".into()]);
    let error = refused(&net, Dialer::new().redirects(1), "ws://a.example/").await;
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FORBIDDEN));
    assert_eq!(error.response().unwrap().headers()["x"], "y");
    assert!(error.to_string().starts_with("b.example:80 refused"), "{error}");
}

#[tokio::test]
async fn other_statuses_of_the_class_are_no_redirects() {
    for status in [300, 304, 305, 306, 399] {
        let net = Net::new([format!("{status}\r\nLocation: /b\r\nContent-Length: 0\r\n")]);
        let error = refused(&net, Dialer::new().redirects(1), "ws://a.example/").await;
        assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::from_u16(status).unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn body_of_a_redirect_is_not_waited_for() {
    let net = Net::new([format!("{}Content-Length: 100\r\n", to("/b")), "101".into()]);
    let started = Instant::now();
    Dialer::new().redirects(1).connector(net).dial("ws://a.example/").await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

// Shows RED-1.
#[tokio::test(start_paused = true)]
async fn timeout_is_one_for_all_redirects() {
    // The script ends, and the fourth server says nothing.
    let net = Net::new([to("/1"), to("/2"), to("ws://b.example/")]);
    let dialer = Dialer::new().redirects(10).handshake_timeout(Duration::from_secs(7));
    let started = Instant::now();
    let error = refused(&net, dialer, "ws://a.example/").await;
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
    assert!(error.to_string().contains("b.example:80"), "{error}");
    assert_eq!(started.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn handshakes_over_a_transport_of_the_caller_are_not_redirected() {
    let answered = async |mut io| {
        support::answer(&mut io, "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n").await;
    };
    let (dialed, ()) = support::handshake(&Dialer::new().redirects(5), answered).await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::Refused(StatusCode::FOUND));
}

#[tokio::test]
async fn dial_that_is_dropped_between_redirects_closes_its_transports() {
    // Polled ever further and dropped; a transport that stays open keeps its server from ending.
    for polls in 0..20 {
        let net = Net::new([to("/1"), to("/2"), "101".into()]);
        {
            let dialer = Dialer::new().redirects(5).connector(net.clone());
            let mut dial = pin!(dialer.dial("ws://a.example/"));
            for _ in 0..polls {
                let polled = poll_fn(|cx| Poll::Ready(dial.as_mut().poll(cx))).await;
                if polled.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        tokio::time::timeout(support::PATIENCE, net.ended()).await.expect("a transport stayed open");
    }
}
