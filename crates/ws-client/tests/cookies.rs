//! Cookies between dials.
#![cfg(feature = "cookies")]

mod support;

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Uri, header};
use ws_client::{CookieJar, CookieStore, DialErrorKind, Dialer};

use support::{answer, handshake, net::Net};

fn dialer(jar: &CookieJar, net: &Net) -> Dialer<Net> {
    Dialer::new().redirects(5).cookie_jar(jar.clone()).connector(net.clone())
}

#[tokio::test]
async fn cookies_of_an_accepted_handshake_are_sent_with_the_next() {
    let net = Net::new(["101\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; HttpOnly\r\n", "101", "101", "101"]);
    let jar = CookieJar::new();
    for url in ["ws://a.example/", "wss://a.example/x", "ws://b.example/"] {
        dialer(&jar, &net).dial(url).await.unwrap();
    }
    let sent: Vec<_> = net.asked().iter().map(|asked| asked.fields("cookie").join("|")).collect();
    assert_eq!(sent, ["", "a=1; b=2", ""]);
}

#[tokio::test]
async fn cookies_of_a_refusal_are_kept() {
    let net = Net::new(["401\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n"]);
    let jar = CookieJar::new();
    let error = dialer(&jar, &net).dial("ws://a.example/").await.unwrap_err();
    assert!(matches!(error.kind(), DialErrorKind::Refused(_)));
    assert_eq!(jar.cookies(&Uri::from_static("http://a.example/")).unwrap(), "a=1");
}

#[tokio::test]
async fn cookies_of_an_answer_that_fails_the_check_are_kept() {
    let net = Net::new(["101\r\nSet-Cookie: a=1\r\nSec-WebSocket-Protocol: none\r\n"]);
    let jar = CookieJar::new();
    let error = dialer(&jar, &net).dial("ws://a.example/").await.unwrap_err();
    assert!(matches!(error.kind(), DialErrorKind::Handshake(_)));
    assert_eq!(jar.cookies(&Uri::from_static("http://a.example/")).unwrap(), "a=1");
}

#[tokio::test]
async fn cookies_of_every_redirect_are_kept_and_each_host_gets_its_own() {
    let net = Net::new([
        "302\r\nSet-Cookie: a=1\r\nLocation: /2\r\n",
        "302\r\nSet-Cookie: a=2\r\nSet-Cookie: s=1; Secure\r\nLocation: wss://b.example/\r\n",
        "302\r\nSet-Cookie: b=1; Secure\r\nLocation: wss://a.example/\r\n",
        "302\r\nSet-Cookie: c=1\r\nLocation: ftp://c.example/\r\n",
    ]);
    let jar = CookieJar::new();
    let error = dialer(&jar, &net).dial("ws://a.example/").await.unwrap_err();
    assert!(matches!(error.kind(), DialErrorKind::Redirect(_)));
    let sent: Vec<_> = net.asked().iter().map(|asked| asked.fields("cookie").join("|")).collect();
    assert_eq!(sent, ["", "a=1", "", "a=2"]);
    assert_eq!(jar.cookies(&Uri::from_static("wss://b.example/")).unwrap(), "b=1");
    assert_eq!(jar.cookies(&Uri::from_static("ws://a.example/")).unwrap(), "a=2; c=1");
}

// RED-1: the jar goes by the host, so what the caller set is the only thing to drop.
#[tokio::test]
async fn cookies_of_the_caller_stand_in_one_line_with_those_of_the_jar() {
    let net = Net::new(["302\r\nLocation: /2\r\n", "302\r\nLocation: ws://b.example/\r\n", "101"]);
    let jar = CookieJar::new();
    jar.add(&Uri::from_static("ws://a.example/"), "jar=1");
    jar.add(&Uri::from_static("ws://b.example/"), "jar=2");
    let own = |value| HeaderValue::from_static(value);
    let dialer =
        dialer(&jar, &net).header(header::COOKIE, own("own=1")).header(header::COOKIE, own("own=2; x=y"));
    dialer.dial("ws://a.example/").await.unwrap();
    let asked = net.asked();
    let sent: Vec<_> = asked.iter().map(|asked| asked.fields("cookie")).collect();
    assert_eq!(sent, [["own=1; own=2; x=y; jar=1"], ["own=1; own=2; x=y; jar=1"], ["jar=2"]]);
}

#[tokio::test]
async fn handshakes_over_a_transport_of_the_caller_keep_cookies_too() {
    let jar = CookieJar::new();
    let dialer = Dialer::new().cookie_jar(jar.clone());
    let response = "HTTP/1.1 403 Forbidden\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n";
    handshake(&dialer, async |mut io| answer(&mut io, response).await).await.0.unwrap_err();
    assert_eq!(jar.cookies(&Uri::from_static("http://example.com/")).unwrap(), "a=1");
}

#[tokio::test]
async fn stores_are_asked_in_terms_of_http() {
    #[derive(Default)]
    struct Recorder(Mutex<Vec<String>>);

    impl CookieStore for Recorder {
        fn cookies(&self, uri: &Uri) -> Option<HeaderValue> {
            self.0.lock().unwrap().push(format!("for {uri}"));
            Some(HeaderValue::from_static("a=1"))
        }

        fn set_cookies(&self, uri: &Uri, values: &mut dyn Iterator<Item = &HeaderValue>) {
            let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
            self.0.lock().unwrap().push(format!("from {uri}: {}", values.join(", ")));
        }
    }

    let net = Net::new(["101\r\nSet-Cookie: b=2\r\n", "101"]);
    let recorder = Arc::new(Recorder::default());
    let dialer = Dialer::new().cookie_jar(Arc::clone(&recorder)).connector(net.clone());
    dialer.dial("wss://a.example:8443/x?y").await.unwrap();
    dialer.dial("ws://a.example").await.unwrap();
    assert_eq!(
        *recorder.0.lock().unwrap(),
        ["for https://a.example:8443/x?y", "from https://a.example:8443/x?y: b=2", "for http://a.example/",]
    );
    assert_eq!(net.asked()[0].fields("cookie"), ["a=1"]);
}

#[tokio::test]
async fn cookies_do_not_show_in_debug_output() {
    let jar = CookieJar::new();
    jar.add(&Uri::from_static("ws://a.example/"), "name=secret");
    let dialer = dialer(&jar, &Net::default());
    assert!(!format!("{dialer:?} {jar:?}").contains("secret"));
}
