//! What a server checks of a request of HTTP/2: RFC 8441, 5.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::headers;
use crate::handshake::{Refusal, check_connect, connect_response, is_websocket_connect};

/// A request that is fine unless it is changed.
#[derive(Clone)]
struct Request {
    method: Method,
    protocol: Option<&'static str>,
    uri: Uri,
    headers: HeaderMap,
}

impl Request {
    fn new() -> Self {
        Self {
            method: Method::CONNECT,
            protocol: Some("websocket"),
            uri: Uri::from_static("https://server.example.com/chat"),
            headers: headers([(SEC_WEBSOCKET_VERSION, "13")]),
        }
    }

    /// With these lines for a header instead of its own.
    fn with(mut self, name: &HeaderName, values: &[&str]) -> Self {
        self.headers.remove(name);
        for value in values {
            self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        self
    }

    fn to(mut self, uri: &str) -> Self {
        self.uri = uri.parse().unwrap();
        self
    }

    fn check(&self) -> Result<(), Refusal> {
        check_connect(&self.method, self.protocol, &self.uri, &self.headers)
    }
}

#[test]
fn handshake_of_the_rfc_is_accepted() {
    let request = Request::new()
        .with(&SEC_WEBSOCKET_PROTOCOL, &["chat, superchat"])
        .with(&SEC_WEBSOCKET_EXTENSIONS, &["permessage-deflate"])
        .with(&http::header::ORIGIN, &["http://www.example.com"]);
    assert!(is_websocket_connect(&request.method, request.protocol));
    assert_eq!(request.check(), Ok(()));
    let response = connect_response(Some(HeaderValue::from_static("chat")));
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers(), &headers([(SEC_WEBSOCKET_PROTOCOL, "chat")]));
    assert!(connect_response(None).headers().is_empty());
}

#[test]
fn method_must_be_connect() {
    for method in [Method::GET, Method::POST, Method::from_bytes(b"connect").unwrap()] {
        assert!(!is_websocket_connect(&method, Some("websocket")));
        let request = Request { method, ..Request::new() };
        assert_eq!(request.check(), Err(Refusal::MethodNotConnect));
    }
}

// Shows H2-08.
#[test]
fn protocol_must_be_websocket() {
    for protocol in [None, Some(""), Some("websocket2"), Some("connect-udp"), Some("websocket, x")] {
        assert!(!is_websocket_connect(&Method::CONNECT, protocol));
        let request = Request { protocol, ..Request::new() };
        assert_eq!(request.check(), Err(Refusal::ProtocolNotWebSocket), "{protocol:?}");
    }
    for protocol in [Some("websocket"), Some("WebSocket")] {
        assert!(is_websocket_connect(&Method::CONNECT, protocol), "letters are folded");
    }
}

// Shows H2-08.
#[test]
fn fields_of_http1_are_malformed_whatever_they_say() {
    for name in [
        CONNECTION,
        UPGRADE,
        TRANSFER_ENCODING,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ] {
        for value in ["", "close", "Upgrade", "websocket"] {
            assert_eq!(Request::new().with(&name, &[value]).check(), Err(Refusal::Http1Field), "{name}");
        }
    }
}

#[test]
fn key_is_not_looked_at() {
    assert_eq!(Request::new().with(&SEC_WEBSOCKET_KEY, &["no key", "another"]).check(), Ok(()));
}

#[test]
fn version_must_be_13() {
    for (values, expected) in [
        (&["13"][..], Ok(())),
        (&[" 13 "], Ok(())),
        (&[], Err(Refusal::VersionMissing)),
        (&["8"], Err(Refusal::VersionUnsupported)),
        (&["13, 8"], Err(Refusal::VersionUnsupported)),
        (&["13", "13"], Err(Refusal::VersionUnsupported)),
    ] {
        assert_eq!(Request::new().with(&SEC_WEBSOCKET_VERSION, values).check(), expected, "{values:?}");
    }
}

// Shows H2-08.
#[test]
fn authority_must_be_there() {
    let request = Request::new().to("/chat");
    assert_eq!(request.check(), Err(Refusal::Host));
    assert_eq!(request.with(&HOST, &["server.example.com"]).check(), Err(Refusal::Host));
    assert_eq!(Request::new().to("https://user@server.example.com/").check(), Err(Refusal::Host));
}

// Shows H2-08.
#[test]
fn host_must_say_the_same_as_the_authority() {
    let same = |uri: &str, hosts: &[&str]| Request::new().to(uri).with(&HOST, hosts).check();
    for (uri, host) in [
        ("https://server.example.com/", "server.example.com"),
        ("https://server.example.com/", "SERVER.Example.com"),
        ("https://server.example.com/", "server.example.com:443"),
        ("https://server.example.com:443/", "server.example.com"),
        ("http://server.example.com/", "server.example.com:80"),
        ("https://[::1]:3000/", "[0:0:0:0:0:0:0:1]:3000"),
    ] {
        assert_eq!(same(uri, &[host]), Ok(()), "{uri}, {host}");
    }
    for (uri, hosts) in [
        ("https://server.example.com/", &["other.example.com"][..]),
        ("https://server.example.com/", &["server.example.com:444"]),
        ("https://server.example.com/", &["server.example.com:80"]),
        ("http://server.example.com/", &["server.example.com:443"]),
        ("https://server.example.com/", &["server.example.com."]),
        ("https://server.example.com/", &["server.example.com", "server.example.com"]),
        ("https://server.example.com/", &[""]),
        ("https://server.example.com/", &["user@server.example.com"]),
        ("https://server.example.com/", &["b\u{fc}cher.example"]),
        ("https://[::1]/", &["[::2]"]),
        ("https://[::1]/", &["::1"]),
    ] {
        assert_eq!(same(uri, hosts), Err(Refusal::Host), "{uri}, {hosts:?}");
    }
}

// Shows HS-5.
#[test]
fn body_must_not_be_announced() {
    for (name, values, expected) in [
        (&CONTENT_LENGTH, &["0"][..], Ok(())),
        (&CONTENT_LENGTH, &["1"], Err(Refusal::Body)),
        (&CONTENT_LENGTH, &["0", "1"], Err(Refusal::Body)),
        (&CONTENT_LENGTH, &[""], Err(Refusal::Body)),
        (&EXPECT, &["100-continue"], Err(Refusal::Body)),
    ] {
        assert_eq!(Request::new().with(name, values).check(), expected, "{name}: {values:?}");
    }
}

#[test]
fn offers_must_keep_to_their_syntax() {
    let protocol = Request::new().with(&SEC_WEBSOCKET_PROTOCOL, &["chat room"]);
    assert_eq!(protocol.check(), Err(Refusal::SubprotocolMalformed));
    let extension = Request::new().with(&SEC_WEBSOCKET_EXTENSIONS, &["a;;b"]);
    assert_eq!(extension.check(), Err(Refusal::ExtensionMalformed));
}

#[test]
fn size_is_limited_as_over_http1() {
    let path = |len: usize| format!("https://a.example/{}", "x".repeat(len));
    // The authority counts as well.
    assert_eq!(Request::new().to(&path((8 << 10) - 10)).check(), Ok(()));
    assert_eq!(Request::new().to(&path((8 << 10) - 9)).check(), Err(Refusal::TargetTooLong));
    let name = HeaderName::from_static("x-a");
    let fields = |count: usize| Request::new().with(&name, &vec!["a"; count]);
    assert_eq!(fields(99).check(), Ok(()));
    assert_eq!(fields(100).check(), Err(Refusal::HeadTooLarge));
    assert_eq!(
        Request::new().with(&name, &["a".repeat(8 << 10).as_str()]).check(),
        Err(Refusal::HeadTooLarge)
    );
}

#[test]
fn request_with_several_faults_is_refused_for_the_first() {
    // Each step adds the fault that is checked just before those that are there already.
    let mut request = Request::new().with(&SEC_WEBSOCKET_EXTENSIONS, &["a;;b"]);
    assert_eq!(request.check(), Err(Refusal::ExtensionMalformed));
    request = request.with(&SEC_WEBSOCKET_PROTOCOL, &["a b"]);
    assert_eq!(request.check(), Err(Refusal::SubprotocolMalformed));
    request = request.with(&CONTENT_LENGTH, &["1"]);
    assert_eq!(request.check(), Err(Refusal::Body));
    request = request.with(&HOST, &["other.example"]);
    assert_eq!(request.check(), Err(Refusal::Host));
    request = request.to(&format!("https://server.example.com/{}", "x".repeat(8 << 10)));
    assert_eq!(request.check(), Err(Refusal::TargetTooLong));
    request = request.with(&SEC_WEBSOCKET_VERSION, &["8"]);
    assert_eq!(request.check(), Err(Refusal::VersionUnsupported));
    request = request.with(&CONNECTION, &["upgrade"]);
    assert_eq!(request.check(), Err(Refusal::Http1Field));
    request.protocol = None;
    assert_eq!(request.check(), Err(Refusal::ProtocolNotWebSocket));
    request.method = Method::GET;
    assert_eq!(request.check(), Err(Refusal::MethodNotConnect));
}
