//! What a server checks: RFC 6455, 4.2.1.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{
        ACCEPT as ACCEPT_HEADER, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, LOCATION,
        SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, SERVER, SET_COOKIE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{ACCEPT, KEY, headers};
use crate::handshake::{
    Refusal, check_key, check_request, is_reserved_response_header, is_websocket_upgrade, response,
};

/// A request that is fine unless it is changed.
struct Request {
    method: Method,
    version: Version,
    uri: Uri,
    headers: HeaderMap,
}

impl Request {
    fn new() -> Self {
        let headers = headers([
            (HOST, "server.example.com"),
            (CONNECTION, "Upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, KEY),
        ]);
        Self { method: Method::GET, version: Version::HTTP_11, uri: Uri::from_static("/chat"), headers }
    }

    /// With these lines for a header instead of its own.
    fn with(mut self, name: &HeaderName, values: &[&str]) -> Self {
        self.headers.remove(name);
        for value in values {
            self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        self
    }

    fn check(&self) -> Result<(), Refusal> {
        check_request(&self.method, self.version, &self.uri, &self.headers)
    }
}

/// Checks requests that differ in one header.
#[track_caller]
fn check_each(name: &HeaderName, cases: &[(&[&str], Result<(), Refusal>)]) {
    for (values, expected) in cases {
        assert_eq!(Request::new().with(name, values).check(), *expected, "{name}: {values:?}");
    }
}

#[test]
fn handshake_of_the_rfc_is_accepted() {
    let request = Request::new()
        .with(&SEC_WEBSOCKET_PROTOCOL, &["chat, superchat"])
        .with(&http::header::ORIGIN, &["http://example.com"]);
    assert!(is_websocket_upgrade(&request.headers));
    assert_eq!(request.check(), Ok(()));
    assert_eq!(check_key(&request.headers).unwrap(), ACCEPT);
}

// Shows HS-7.
#[test]
fn connection_must_have_the_token_upgrade() {
    const REFUSED: Result<(), Refusal> = Err(Refusal::ConnectionToken);
    check_each(
        &CONNECTION,
        &[
            (&["UPGRADE"], Ok(())),
            (&["close, upgrade"], Ok(())),
            (&["keep-alive", "Upgrade"], Ok(())),
            (&["upgrade,,"], Ok(())),
            (&[], REFUSED),
            (&["close"], REFUSED),
            (&["notupgrade"], REFUSED),
            (&["upgraded"], REFUSED),
            (&["upgrade2"], REFUSED),
            (&["up grade"], REFUSED),
            (&["\"upgrade\""], REFUSED),
        ],
    );
}

// Shows HS-7.
#[test]
fn upgrade_must_have_the_token_websocket() {
    const REFUSED: Result<(), Refusal> = Err(Refusal::UpgradeToken);
    check_each(
        &UPGRADE,
        &[
            (&["WebSocket"], Ok(())),
            (&["h2c, websocket"], Ok(())),
            (&["h2c", "websocket"], Ok(())),
            (&["websocket, h2c"], Ok(())),
            (&[], REFUSED),
            (&["h2c"], REFUSED),
            (&["websocket2"], REFUSED),
            (&["websocket/13"], REFUSED),
            (&["\"websocket\""], REFUSED),
            (&["web socket"], REFUSED),
        ],
    );
}

#[test]
fn is_websocket_upgrade_asks_for_both_tokens() {
    for (name, expected) in
        [(&CONNECTION, false), (&UPGRADE, false), (&HOST, true), (&SEC_WEBSOCKET_KEY, true)]
    {
        assert_eq!(is_websocket_upgrade(&Request::new().with(name, &[]).headers), expected, "{name}");
    }
}

#[test]
fn method_must_be_get() {
    for method in [Method::POST, Method::HEAD, Method::CONNECT, Method::from_bytes(b"get").unwrap()] {
        let request = Request { method, ..Request::new() };
        assert_eq!(request.check(), Err(Refusal::MethodNotGet), "{}", request.method);
    }
}

#[test]
fn version_must_be_13_once() {
    const REFUSED: Result<(), Refusal> = Err(Refusal::VersionUnsupported);
    check_each(
        &SEC_WEBSOCKET_VERSION,
        &[
            (&[" 13\t"], Ok(())),
            (&[], Err(Refusal::VersionMissing)),
            (&[""], REFUSED),
            (&["8"], REFUSED),
            (&["14"], REFUSED),
            (&["013"], REFUSED),
            (&["+13"], REFUSED),
            (&["13.0"], REFUSED),
            (&["1 3"], REFUSED),
            (&["13, 8"], REFUSED),
            (&["8, 13"], REFUSED),
            (&["13", "8"], REFUSED),
            (&["13", "13"], REFUSED),
            (&["\"13\""], REFUSED),
        ],
    );
}

#[test]
fn http_must_be_1_1() {
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
        assert_eq!(Request { version, ..Request::new() }.check(), Err(Refusal::HttpVersion), "{version:?}");
    }
}

#[test]
fn host_must_be_one_host() {
    const REFUSED: Result<(), Refusal> = Err(Refusal::Host);
    check_each(
        &HOST,
        &[
            (&["example.com"], Ok(())),
            (&["EXAMPLE.com:8080"], Ok(())),
            (&["example.com:"], Ok(())),
            (&["127.0.0.1:80"], Ok(())),
            (&["[::1]"], Ok(())),
            (&["[::1]:80"], Ok(())),
            (&["my_service.1:3000"], Ok(())),
            (&["example.com."], Ok(())),
            (&[], REFUSED),
            (&[""], REFUSED),
            (&["  "], REFUSED),
            (&[":80"], REFUSED),
            (&["a.example", "b.example"], REFUSED),
            (&["a.example", "a.example"], REFUSED),
            (&["a.example, b.example"], REFUSED),
            (&["a.example,b.example"], REFUSED),
            (&["user@example.com"], REFUSED),
            (&["example.com/path"], REFUSED),
            (&["example.com?query"], REFUSED),
            (&["exa mple.com"], REFUSED),
            (&["example.com:http"], REFUSED),
            (&["example.com:+80"], REFUSED),
            (&["example.com:65536"], REFUSED),
            (&["example.com:80:80"], REFUSED),
            (&["::1"], REFUSED),
            (&["[::1"], REFUSED),
            (&["[]"], REFUSED),
            (&["[::1]80"], REFUSED),
            (&["[example.com]"], REFUSED),
            (&["b\u{fc}cher.example"], REFUSED),
            (&["http://example.com"], REFUSED),
        ],
    );
}

#[test]
fn absolute_target_needs_a_host_header_and_no_user_name() {
    let with_target = |target, host: &[&str]| {
        Request { uri: Uri::from_static(target), ..Request::new() }.with(&HOST, host).check()
    };
    assert_eq!(with_target("http://example.com/chat", &["example.com"]), Ok(()));
    assert_eq!(with_target("http://example.com/chat", &[]), Err(Refusal::Host));
    assert_eq!(with_target("http://user@example.com/chat", &["example.com"]), Err(Refusal::Host));
}

// Shows HS-5.
#[test]
fn body_is_refused() {
    const REFUSED: Result<(), Refusal> = Err(Refusal::Body);
    check_each(
        &CONTENT_LENGTH,
        &[
            (&["0"], Ok(())),
            (&["0", "000"], Ok(())),
            (&["1"], REFUSED),
            (&["1000000000"], REFUSED),
            (&["00000000000000000000000000000001"], REFUSED),
            (&["0", "1"], REFUSED),
            (&[""], REFUSED),
            (&["0, 0"], REFUSED),
            (&["-0"], REFUSED),
            (&["zero"], REFUSED),
        ],
    );
    check_each(&TRANSFER_ENCODING, &[(&["chunked"], REFUSED), (&["identity"], REFUSED), (&[""], REFUSED)]);
    check_each(&EXPECT, &[(&["100-continue"], REFUSED), (&["100-Continue"], REFUSED)]);
}

#[test]
fn malformed_offers_are_refused() {
    const PROTOCOL: Result<(), Refusal> = Err(Refusal::SubprotocolMalformed);
    const EXTENSION: Result<(), Refusal> = Err(Refusal::ExtensionMalformed);
    check_each(
        &SEC_WEBSOCKET_PROTOCOL,
        &[
            (&["a, b", "c"], Ok(())),
            (&[""], Ok(())),
            (&["a b"], PROTOCOL),
            (&["a", "\"b\""], PROTOCOL),
            (&["a/b"], PROTOCOL),
            (&["b\u{fc}cher"], PROTOCOL),
        ],
    );
    check_each(
        &SEC_WEBSOCKET_EXTENSIONS,
        &[
            (&["permessage-deflate; client_max_window_bits"], Ok(())),
            (&["foo", "bar; baz=\"1\""], Ok(())),
            (&[""], Ok(())),
            (&["foo;"], EXTENSION),
            (&["foo", "bar; baz=\"1"], EXTENSION),
        ],
    );
}

#[test]
fn faults_are_found_in_a_fixed_order() {
    // Each step puts one fault right, and the next one shows.
    let mut request = Request::new()
        .with(&CONNECTION, &[])
        .with(&UPGRADE, &[])
        .with(&SEC_WEBSOCKET_VERSION, &[])
        .with(&HOST, &[])
        .with(&EXPECT, &["100-continue"])
        .with(&SEC_WEBSOCKET_PROTOCOL, &["a b"])
        .with(&SEC_WEBSOCKET_EXTENSIONS, &[";"])
        .with(&SEC_WEBSOCKET_KEY, &[]);
    request.method = Method::POST;
    request.version = Version::HTTP_10;

    assert_eq!(request.check(), Err(Refusal::ConnectionToken));
    request = request.with(&CONNECTION, &["upgrade"]);
    assert_eq!(request.check(), Err(Refusal::UpgradeToken));
    request = request.with(&UPGRADE, &["websocket"]);
    assert_eq!(request.check(), Err(Refusal::MethodNotGet));
    request.method = Method::GET;
    assert_eq!(request.check(), Err(Refusal::VersionMissing));
    request = request.with(&SEC_WEBSOCKET_VERSION, &["13"]);
    assert_eq!(request.check(), Err(Refusal::HttpVersion));
    request.version = Version::HTTP_11;
    assert_eq!(request.check(), Err(Refusal::Host));
    request = request.with(&HOST, &["a"]);
    assert_eq!(request.check(), Err(Refusal::Body));
    request = request.with(&EXPECT, &[]);
    assert_eq!(request.check(), Err(Refusal::SubprotocolMalformed));
    request = request.with(&SEC_WEBSOCKET_PROTOCOL, &[]);
    assert_eq!(request.check(), Err(Refusal::ExtensionMalformed));
    request = request.with(&SEC_WEBSOCKET_EXTENSIONS, &[]);
    // The origin lies between the two; the key is not looked at before it.
    assert_eq!(request.check(), Ok(()));
    assert_eq!(check_key(&request.headers), Err(Refusal::KeyMissing));
}

#[test]
fn key_must_be_there_once_and_be_16_bytes_in_canonical_base64() {
    for (values, expected) in [
        (&[KEY][..], Ok(HeaderValue::from_static(ACCEPT))),
        (&[" dGhlIHNhbXBsZSBub25jZQ==\t"], Ok(HeaderValue::from_static(ACCEPT))),
        (&[], Err(Refusal::KeyMissing)),
        (&[KEY, KEY], Err(Refusal::KeyRepeated)),
        (&["", KEY], Err(Refusal::KeyRepeated)),
        (&[""], Err(Refusal::KeyInvalid)),
        (&["not base64 at all, really"], Err(Refusal::KeyInvalid)),
        (&["dGhlIHNhbXBsZSBub25j"], Err(Refusal::KeyInvalid)),
        (&["dGhlIHNhbXBsZSBub25jZSE="], Err(Refusal::KeyInvalid)),
        (&["dGhlIHNhbXBsZSBub25jZR=="], Err(Refusal::KeyInvalid)),
        (&["dGhlIHNhbXBsZSBub25jZQ"], Err(Refusal::KeyInvalid)),
        (&["\"dGhlIHNhbXBsZSBub25jZQ==\""], Err(Refusal::KeyInvalid)),
    ] {
        let request = Request::new().with(&SEC_WEBSOCKET_KEY, values);
        assert_eq!(check_key(&request.headers), expected, "{values:?}");
    }
}

#[test]
fn response_switches_protocols() {
    let accepted = response(HeaderValue::from_static(ACCEPT), Some(HeaderValue::from_static("chat")));
    assert_eq!(accepted.status(), 101);
    let expected = headers([
        (UPGRADE, "websocket"),
        (CONNECTION, "Upgrade"),
        (SEC_WEBSOCKET_ACCEPT, ACCEPT),
        (SEC_WEBSOCKET_PROTOCOL, "chat"),
    ]);
    assert_eq!(*accepted.headers(), expected);
    let without = response(HeaderValue::from_static(ACCEPT), None);
    assert!(!without.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
}

#[test]
fn applications_may_not_set_headers_of_the_handshake_or_of_a_body() {
    for name in [
        CONNECTION,
        CONTENT_LENGTH,
        SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION,
        HeaderName::from_static("sec-websocket-anything"),
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        assert!(is_reserved_response_header(&name), "{name}");
    }
    for name in [ACCEPT_HEADER, LOCATION, SERVER, SET_COOKIE, HeaderName::from_static("sec-websocket")] {
        assert!(!is_reserved_response_header(&name), "{name}");
    }
}

#[test]
fn head_of_an_honest_handshake_fits() {
    let mut request = Request::new();
    // A full jar of cookies, and as many fields as are allowed.
    request.headers.insert("cookie", "c".repeat(8100).parse().unwrap());
    for number in request.headers.len()..100 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        request.headers.insert(name, "1".parse().unwrap());
    }
    assert_eq!(request.check(), Ok(()));
}

// Shows HS-2.
#[test]
fn head_that_is_too_large_is_refused() {
    let mut many = Request::new();
    for number in many.headers.len()..101 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        many.headers.insert(name, "1".parse().unwrap());
    }
    assert_eq!(many.check(), Err(Refusal::HeadTooLarge));

    let long = "c".repeat((8 << 10) - "cookie: \r\n".len() + 1);
    assert_eq!(Request::new().with(&COOKIE, &[&long]).check(), Err(Refusal::HeadTooLarge));
    assert_eq!(Request::new().with(&COOKIE, &[&long[1..]]).check(), Ok(()));

    let third = "c".repeat(5500);
    assert_eq!(Request::new().with(&COOKIE, &[&third, &third, &third]).check(), Err(Refusal::HeadTooLarge));
    let mut two = Request::new().with(&COOKIE, &[&third, &third]);
    assert_eq!(two.check(), Ok(()));
    // The target counts, too.
    two.uri = format!("/{}", "p".repeat(5500)).parse().unwrap();
    assert_eq!(two.check(), Err(Refusal::HeadTooLarge));
}

#[test]
fn head_of_just_the_limit_is_accepted() {
    for (over, expected) in [(0, Ok(())), (1, Err(Refusal::HeadTooLarge))] {
        let mut request = Request::new().with(&COOKIE, &["c".repeat(8100).as_str()]);
        let lines = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        let rest = (16 << 10) + over - request.uri.path().len() - lines.sum::<usize>();
        let value = "d".repeat(rest - "x-a: \r\n".len());
        request.headers.insert("x-a", value.parse().unwrap());
        assert_eq!(request.check(), expected, "{over}");
    }
}

#[test]
fn target_that_is_too_long_is_refused() {
    let mut request = Request::new();
    request.uri = format!("/{}", "p".repeat((8 << 10) - 1)).parse().unwrap();
    assert_eq!(request.check(), Ok(()));
    request.uri = format!("/{}", "p".repeat(8 << 10)).parse().unwrap();
    assert_eq!(request.check(), Err(Refusal::TargetTooLong));
}
