//! Every function that reads headers takes time linear in their size.
//!
//! Nothing is timed. The headers are so large that reading a part of them once for each byte would take hours.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{
        CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};

use super::{KEY, lines};
use crate::handshake::{
    Refusal, check_key, check_request, check_response, is_same_origin, is_websocket_upgrade,
    parse_extensions, requested_subprotocols, select_subprotocol,
};

const SIZE: usize = 1 << 19;

/// What parsers stumble over, repeated.
const PATTERNS: [&str; 20] = [
    " ",
    ",",
    ", ",
    ";",
    "=",
    "\"",
    "\\",
    "\\\"",
    "\"\"",
    "a",
    "a,",
    "a ,\t",
    "a;",
    "a;b",
    "a;b,",
    "a;b=c",
    "a;b=\"c\"",
    "a;b=\"\\c\",",
    ".",
    ":",
];

/// Reads headers that are no part of a handshake with every function there is.
fn read(headers: &HeaderMap) {
    assert!(!is_websocket_upgrade(headers));
    assert!(check_request(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), headers).is_err());
    assert!(check_key(headers).is_err());
    assert!(
        check_response(StatusCode::SWITCHING_PROTOCOLS, headers, &KEY.parse().unwrap(), &["chat"]).is_err()
    );
    assert_eq!(is_same_origin(headers, "example.com", None), !headers.contains_key(ORIGIN));
    assert_eq!(select_subprotocol(headers, &["chat"]), None);
    requested_subprotocols(headers).count();
    for extension in parse_extensions(headers).flatten() {
        extension.parameters().count();
    }
}

/// Reads a whole request, of which one header is like this.
fn read_request(name: &HeaderName, value: &str) {
    let mut request = super::headers([
        (HOST, "example.com"),
        (CONNECTION, "upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, KEY),
    ]);
    request.insert(name, HeaderValue::from_str(value).unwrap());
    let _ = check_request(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &request);
    let mut response = super::headers([
        (CONNECTION, "upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_ACCEPT, super::ACCEPT),
    ]);
    response.insert(name, HeaderValue::from_str(value).unwrap());
    let _ = check_response(StatusCode::SWITCHING_PROTOCOLS, &response, &KEY.parse().unwrap(), &["chat"]);
}

// Shows HS-1, HS-3.
#[test]
fn one_huge_line() {
    for pattern in PATTERNS {
        let value = pattern.repeat(SIZE / pattern.len());
        for name in [&CONNECTION, &UPGRADE, &HOST, &SEC_WEBSOCKET_VERSION, &SEC_WEBSOCKET_ACCEPT] {
            read_request(name, &value);
        }
        for name in [&SEC_WEBSOCKET_EXTENSIONS, &SEC_WEBSOCKET_PROTOCOL, &SEC_WEBSOCKET_KEY] {
            read_request(name, &value);
            read(&lines(name, [&value]));
        }
    }
}

// Shows HS-3.
#[test]
fn one_huge_origin() {
    for pattern in PATTERNS {
        for start in ["", "https://", "https://[", "https://a:"] {
            let value = format!("{start}{}", pattern.repeat(SIZE / pattern.len()));
            assert!(!is_same_origin(&lines(&ORIGIN, [&value]), "example.com", None), "{start}{pattern}");
        }
    }
}

// Shows HS-3.
#[test]
fn huge_quoted_string_in_front_of_an_error() {
    let inside = "\\a".repeat(SIZE / 2);
    for (end, valid) in [("", false), ("\\", false), ("\"", true), ("\"b", false)] {
        let headers = lines(&SEC_WEBSOCKET_EXTENSIONS, [format!("a;b=\"{inside}{end}")]);
        assert_eq!(parse_extensions(&headers).all(|extension| extension.is_ok()), valid, "{end:?}");
    }
}

// Shows HS-1.
#[test]
fn many_lines() {
    for pattern in PATTERNS {
        for name in [&CONNECTION, &SEC_WEBSOCKET_EXTENSIONS, &SEC_WEBSOCKET_PROTOCOL, &ORIGIN] {
            read(&lines(name, std::iter::repeat_n(pattern, 10_000)));
        }
    }
}

// Shows HS-3.
#[test]
fn token_behind_half_a_megabyte_of_empty_elements_is_found() {
    let headers = super::headers([
        (CONNECTION, format!("{}upgrade", ", ".repeat(SIZE / 2))),
        (UPGRADE, format!("{}websocket", ",".repeat(SIZE))),
    ]);
    assert!(is_websocket_upgrade(&headers));
    let outcome = check_request(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &headers);
    assert_eq!(outcome, Err(Refusal::VersionMissing));
}
