//! A head that is read once says what the functions say that read it for each check.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, ORIGIN, SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    },
    uri::Scheme,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::handshake::{
    RequestHead, check_connect, check_key, check_request, is_same_origin, parse_extensions,
    request_authority, requested_subprotocols,
};

/// Lines of an acceptable request, and of others.
const LINES: &[(HeaderName, &str)] = &[
    (CONNECTION, "Upgrade"),
    (CONNECTION, "keep-alive, upgrade"),
    (UPGRADE, "websocket"),
    (SEC_WEBSOCKET_VERSION, "13"),
    (SEC_WEBSOCKET_VERSION, "8"),
    (HOST, " example.com "),
    (HOST, "example.com:8080"),
    (HOST, ""),
    (HOST, "caf\u{e9}"),
    (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ"),
    (ORIGIN, "http://example.com"),
    (ORIGIN, "null"),
    (CONTENT_LENGTH, "1"),
    (TRANSFER_ENCODING, "chunked"),
    (EXPECT, "100-continue"),
    (SEC_WEBSOCKET_PROTOCOL, "chat, superchat"),
    (SEC_WEBSOCKET_PROTOCOL, ""),
    (SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate; client_max_window_bits"),
    (SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate; ="),
    (COOKIE, "a=b"),
];

/// What makes a request acceptable.
const GOOD: &[usize] = &[0, 2, 3, 5, 9];

proptest! {
    #[test]
    fn head_that_is_read_once_says_what_each_function_says(
        good in any::<bool>(),
        lines in vec(0..LINES.len(), 0..4),
        method in select(vec![Method::GET, Method::POST, Method::CONNECT]),
        version in select(vec![Version::HTTP_10, Version::HTTP_11, Version::HTTP_2]),
        uri in select(vec!["/ws", "http://other.example/ws", "http://user@other.example/"]),
    ) {
        let uri: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in GOOD.iter().filter(|_| good).chain(&lines) {
            let (name, value) = &LINES[*line];
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let head = RequestHead::new(&method, version, &uri, &headers);
        prop_assert_eq!(head.check(), check_request(&method, version, &uri, &headers));
        for protocol in [None, Some("websocket")] {
            prop_assert_eq!(head.check_connect(protocol), check_connect(&method, protocol, &uri, &headers));
        }
        prop_assert_eq!(head.authority(), request_authority(&uri, &headers));
        for scheme in [None, Some(&Scheme::HTTP), Some(&Scheme::HTTPS)] {
            let expected = is_same_origin(&headers, "example.com", scheme);
            prop_assert_eq!(head.is_same_origin("example.com", scheme), expected);
        }
        prop_assert_eq!(head.check_key(), check_key(&headers));
        prop_assert!(head.offers_subprotocols() || requested_subprotocols(&headers).next().is_none());
        prop_assert!(head.offers_extensions() || parse_extensions(&headers).next().is_none());
        #[cfg(feature = "deflate")]
        {
            let config = crate::DeflateConfig::new();
            let expected = crate::handshake::negotiate_deflate(&headers, &config);
            prop_assert_eq!(head.negotiate_deflate(&config), expected);
        }
    }
}
