//! What a client sends and checks: RFC 6455, 4.1.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use proptest::prelude::*;

use super::{ACCEPT, KEY, headers};
use crate::handshake::{
    OfferError, ResponseError, check_key, check_request, check_response, encode_key,
    is_reserved_request_header, is_token, request_headers, response, select_subprotocol,
};

const NONE: [&str; 0] = [];

fn key() -> HeaderValue {
    HeaderValue::from_static(KEY)
}

/// The headers of a good response, with these lines for one of them instead of its own.
fn answer(name: &HeaderName, values: &[&str]) -> HeaderMap {
    let mut headers =
        headers([(CONNECTION, "Upgrade"), (UPGRADE, "websocket"), (SEC_WEBSOCKET_ACCEPT, ACCEPT)]);
    headers.remove(name);
    for value in values {
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// The subprotocol that is chosen, or why there is no connection.
type Outcome = Result<Option<&'static str>, ResponseError>;

/// Checks responses that differ in one header, after an offer of `chat` and `superchat`.
#[track_caller]
fn check_each(name: &HeaderName, cases: &[(&[&str], Outcome)]) {
    for (values, expected) in cases {
        let headers = answer(name, values);
        let outcome =
            check_response(StatusCode::SWITCHING_PROTOCOLS, &headers, &key(), &["chat", "superchat"]);
        let outcome = outcome.as_ref().map(|chosen| chosen.as_ref().map(|chosen| chosen.to_str().unwrap()));
        assert_eq!(outcome, expected.as_ref().copied(), "{name}: {values:?}");
    }
}

#[test]
fn request_carries_what_the_rfc_asks_for() {
    let expected = headers([
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, KEY),
    ]);
    assert_eq!(request_headers(&key(), &NONE), Ok(expected));
}

#[test]
fn subprotocols_are_offered_in_order() {
    let headers = request_headers(&key(), &["chat.v2", "chat.v1"]).unwrap();
    assert_eq!(headers[SEC_WEBSOCKET_PROTOCOL], "chat.v2, chat.v1");
}

#[test]
fn subprotocols_must_be_tokens_and_unique() {
    for name in ["", " ", "a b", "a,b", "a\r\nb", "a\0b", "a/b", "\"a\"", "\u{e4}"] {
        assert_eq!(request_headers(&key(), &["x", name]), Err(OfferError::SubprotocolInvalid), "{name:?}");
    }
    assert_eq!(request_headers(&key(), &["a", "b", "a"]), Err(OfferError::SubprotocolRepeated));
    assert!(request_headers(&key(), &["a", "A"]).is_ok());
}

// Shows HS-9.
#[test]
fn no_byte_but_those_of_a_token_gets_into_the_header() {
    for byte in 0..=u8::MAX {
        let name = format!("a{}", char::from(byte));
        let offered =
            request_headers(&key(), &[&name]).ok().map(|headers| headers[SEC_WEBSOCKET_PROTOCOL].clone());
        assert_eq!(offered.is_some(), is_token(&name), "{byte:#04x}");
        assert!(offered.is_none_or(|offered| offered == name), "{byte:#04x}");
    }
}

#[test]
fn callers_may_not_set_headers_of_the_handshake_or_of_a_body() {
    for name in [
        CONNECTION,
        CONTENT_LENGTH,
        EXPECT,
        SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        assert!(is_reserved_request_header(&name), "{name}");
    }
    for name in [AUTHORIZATION, COOKIE, HOST, ORIGIN] {
        assert!(!is_reserved_request_header(&name), "{name}");
    }
    for name in request_headers(&key(), &["a"]).unwrap().keys() {
        assert!(is_reserved_request_header(name), "{name}");
    }
}

#[test]
fn status_must_be_101() {
    for status in [100, 200, 204, 301, 400, 401, 403, 407, 426, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = check_response(status, &answer(&HOST, &[]), &key(), &NONE);
        assert_eq!(outcome, Err(ResponseError::Status), "{status}");
    }
}

#[test]
fn upgrade_must_be_websocket_alone() {
    const FAILED: Outcome = Err(ResponseError::UpgradeToken);
    check_each(
        &UPGRADE,
        &[
            (&["WebSocket"], Ok(None)),
            (&[" websocket\t"], Ok(None)),
            (&[], FAILED),
            (&[""], FAILED),
            (&["h2c"], FAILED),
            (&["websocket2"], FAILED),
            (&["websocket/13"], FAILED),
            (&["h2c, websocket"], FAILED),
            (&["websocket", "websocket"], FAILED),
        ],
    );
}

#[test]
fn connection_must_have_the_token_upgrade() {
    const FAILED: Outcome = Err(ResponseError::ConnectionToken);
    check_each(
        &CONNECTION,
        &[
            (&["UPGRADE"], Ok(None)),
            (&["keep-alive, Upgrade"], Ok(None)),
            (&["keep-alive", "Upgrade"], Ok(None)),
            (&[], FAILED),
            (&["close"], FAILED),
            (&["notupgrade"], FAILED),
            (&["\"upgrade\""], FAILED),
        ],
    );
}

#[test]
fn accept_must_answer_the_key_byte_for_byte() {
    check_each(
        &SEC_WEBSOCKET_ACCEPT,
        &[
            (&[" s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t"], Ok(None)),
            (&[], Err(ResponseError::AcceptMissing)),
            (&[ACCEPT, ACCEPT], Err(ResponseError::AcceptRepeated)),
            (&[ACCEPT, "x"], Err(ResponseError::AcceptRepeated)),
            (&[""], Err(ResponseError::AcceptMismatch)),
            (&[KEY], Err(ResponseError::AcceptMismatch)),
            (&["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="], Err(ResponseError::AcceptMismatch)),
            (&["s3pPLMBiTxaQ9kYGzzhZRbK+xOo"], Err(ResponseError::AcceptMismatch)),
            (&["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=="], Err(ResponseError::AcceptMismatch)),
            (&["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x"], Err(ResponseError::AcceptMismatch)),
        ],
    );
}

#[test]
fn extension_that_was_not_offered_fails() {
    check_each(
        &SEC_WEBSOCKET_EXTENSIONS,
        &[
            (&["permessage-deflate"], Err(ResponseError::ExtensionNotOffered)),
            (&["x", "y"], Err(ResponseError::ExtensionNotOffered)),
            (&["x;"], Err(ResponseError::ExtensionMalformed)),
            (&[""], Err(ResponseError::ExtensionMalformed)),
            (&[","], Err(ResponseError::ExtensionMalformed)),
        ],
    );
}

#[test]
fn subprotocol_must_be_one_of_those_offered() {
    const FAILED: Outcome = Err(ResponseError::SubprotocolNotOffered);
    check_each(
        &SEC_WEBSOCKET_PROTOCOL,
        &[
            (&[], Ok(None)),
            (&["chat"], Ok(Some("chat"))),
            (&[" superchat "], Ok(Some("superchat"))),
            (&["other"], FAILED),
            (&["Chat"], FAILED),
            (&[""], FAILED),
            (&["chat, superchat"], FAILED),
            (&["chat,"], FAILED),
            (&["chat", "superchat"], Err(ResponseError::SubprotocolRepeated)),
            (&["chat", "chat"], Err(ResponseError::SubprotocolRepeated)),
        ],
    );
    let unasked = check_response(
        StatusCode::SWITCHING_PROTOCOLS,
        &answer(&SEC_WEBSOCKET_PROTOCOL, &["chat"]),
        &key(),
        &NONE,
    );
    assert_eq!(unasked, Err(ResponseError::SubprotocolNotOffered));
}

#[test]
fn errors_say_different_things() {
    let all = [
        ResponseError::Status,
        ResponseError::UpgradeToken,
        ResponseError::ConnectionToken,
        ResponseError::AcceptMissing,
        ResponseError::AcceptRepeated,
        ResponseError::AcceptMismatch,
        ResponseError::ExtensionMalformed,
        ResponseError::ExtensionNotOffered,
        ResponseError::SubprotocolRepeated,
        ResponseError::SubprotocolNotOffered,
    ];
    for (index, error) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other.to_string() != error.to_string()), "{error:?}");
    }
}

proptest! {
    #[test]
    fn client_and_server_agree(nonce: [u8; 16], offered in prop::collection::btree_set("[!-~&&[^()<>@,;:\\\\\"/\\[\\]?={}]]{1,8}", 0..4), supported in 0usize..5) {
        let offered: Vec<String> = offered.into_iter().collect();
        let key = encode_key(nonce);
        let mut request = request_headers(&key, &offered).unwrap();
        request.insert(HOST, HeaderValue::from_static("localhost"));
        prop_assert_eq!(check_request(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &request), Ok(()));

        let supported: Vec<&String> = offered.iter().skip(supported).collect();
        let chosen = select_subprotocol(&request, &supported);
        prop_assert_eq!(chosen.is_some(), !supported.is_empty());
        let response = response(check_key(&request).unwrap(), chosen.clone());
        prop_assert_eq!(check_response(response.status(), response.headers(), &key, &offered), Ok(chosen));
    }

    #[test]
    fn accept_for_another_key_fails(nonce: [u8; 16], bit in 0usize..128) {
        let mut other = nonce;
        other[bit / 8] ^= 1 << (bit % 8);
        let request = request_headers(&encode_key(other), &NONE).unwrap();
        let response = response(check_key(&request).unwrap(), None);
        let outcome = check_response(response.status(), response.headers(), &encode_key(nonce), &NONE);
        prop_assert_eq!(outcome, Err(ResponseError::AcceptMismatch));
    }
}
