//! A client's offer and what comes of it, over HTTP/1.1 (RFC 6455, 4.1) and HTTP/2 (RFC 8441, 5).

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{ACCEPT, KEY, headers};
use crate::{
    Negotiated,
    handshake::{Offer, OfferError, ResponseError, request_headers},
};

const SUBPROTOCOLS: &[&str] = &["chat", "superchat"];

fn key() -> HeaderValue {
    HeaderValue::from_static(KEY)
}

fn switching() -> HeaderMap {
    headers([(CONNECTION, "Upgrade"), (UPGRADE, "websocket"), (SEC_WEBSOCKET_ACCEPT, ACCEPT)])
}

#[test]
fn request_is_that_of_an_opening_handshake() {
    let offer = Offer::new(SUBPROTOCOLS);
    assert_eq!(offer.headers(&key()), request_headers(&key(), SUBPROTOCOLS));
    let expected = headers([(SEC_WEBSOCKET_VERSION, "13"), (SEC_WEBSOCKET_PROTOCOL, "chat, superchat")]);
    assert_eq!(offer.connect_headers(), Ok(expected));
}

#[test]
fn what_cannot_be_offered_is_refused() {
    let twice = Offer::new(&["chat", "chat"]);
    assert_eq!(twice.headers(&key()), Err(OfferError::SubprotocolRepeated));
    assert_eq!(twice.connect_headers(), Err(OfferError::SubprotocolRepeated));
}

#[test]
fn switch_gives_the_subprotocol_that_was_chosen() {
    let mut response = switching();
    let offer = Offer::new(SUBPROTOCOLS);
    let check = |response: &HeaderMap| offer.check(StatusCode::SWITCHING_PROTOCOLS, response, &key());
    assert_eq!(check(&response), Ok(Negotiated::new()));
    response.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("superchat"));
    assert_eq!(check(&response), Ok(Negotiated::new().with_subprotocol("superchat")));
    response.remove(SEC_WEBSOCKET_ACCEPT);
    assert_eq!(check(&response), Err(ResponseError::AcceptMissing));
}

#[test]
fn connect_is_accepted_by_any_2xx_and_needs_no_header() {
    let offer = Offer::new(SUBPROTOCOLS);
    for status in [200, 201, 204, 299] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(offer.check_connect(status, &HeaderMap::new()), Ok(Negotiated::new()), "{status}");
    }
    for status in [101, 199, 300, 404, 501] {
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = offer.check_connect(status, &HeaderMap::new());
        assert_eq!(outcome, Err(ResponseError::ConnectStatus), "{status}");
    }
}

#[test]
fn connect_does_not_look_at_sec_websocket_accept() {
    let response = headers([(SEC_WEBSOCKET_ACCEPT, "nonsense")]);
    assert_eq!(Offer::new(SUBPROTOCOLS).check_connect(StatusCode::OK, &response), Ok(Negotiated::new()));
}

#[test]
fn connect_is_checked_for_what_belongs_to_http_1_1() {
    for name in [CONNECTION, UPGRADE, TRANSFER_ENCODING] {
        let outcome = Offer::new(SUBPROTOCOLS).check_connect(StatusCode::OK, &headers([(name.clone(), "x")]));
        assert_eq!(outcome, Err(ResponseError::Http1Field), "{name}");
    }
}

#[test]
fn connect_agrees_to_nothing_that_was_not_offered() {
    for (name, value, outcome) in [
        (SEC_WEBSOCKET_PROTOCOL, "chat", Ok(Negotiated::new().with_subprotocol("chat"))),
        (SEC_WEBSOCKET_PROTOCOL, "other", Err(ResponseError::SubprotocolNotOffered)),
        (SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate", Err(ResponseError::ExtensionNotOffered)),
        (SEC_WEBSOCKET_EXTENSIONS, "", Err(ResponseError::ExtensionMalformed)),
    ] {
        let response = headers([(name, value)]);
        assert_eq!(Offer::new(SUBPROTOCOLS).check_connect(StatusCode::OK, &response), outcome, "{value:?}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compression_is_offered_and_agreed_on_over_both() {
    use crate::{DeflateConfig, NegotiatedDeflate};

    let config = DeflateConfig::new();
    let offer = Offer::new(SUBPROTOCOLS).with_deflate(&config);
    for headers in [offer.headers(&key()).unwrap(), offer.connect_headers().unwrap()] {
        assert_eq!(headers[SEC_WEBSOCKET_EXTENSIONS], "permessage-deflate; client_max_window_bits");
    }
    for (answer, outcome) in [
        ("permessage-deflate", Ok(Negotiated::new().with_deflate(NegotiatedDeflate::new()))),
        ("permessage-deflate; unknown", Err(ResponseError::DeflateParameters)),
        ("permessage-deflate, permessage-deflate", Err(ResponseError::DeflateParameters)),
        ("other", Err(ResponseError::ExtensionNotOffered)),
    ] {
        let extensions = [(SEC_WEBSOCKET_EXTENSIONS, answer)];
        assert_eq!(offer.check_connect(StatusCode::OK, &headers(extensions.clone())), outcome, "{answer}");
        let mut response = switching();
        response.extend(headers(extensions));
        assert_eq!(offer.check(StatusCode::SWITCHING_PROTOCOLS, &response, &key()), outcome, "{answer}");
    }
}

#[test]
fn extensions_of_a_client_are_offered_as_they_are_and_no_other_may_be_accepted() {
    let mut given = HeaderMap::new();
    given.append(
        SEC_WEBSOCKET_EXTENSIONS,
        HeaderValue::from_static("permessage-deflate; client_max_window_bits"),
    );
    given.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("x-own; a=1, x-other"));
    let offer = Offer::new(SUBPROTOCOLS).with_extensions(&given);
    let offered = offer.headers(&key()).unwrap();
    assert!(
        offered.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().eq(given.get_all(SEC_WEBSOCKET_EXTENSIONS).iter())
    );
    assert_eq!(offer.connect_headers().unwrap().get_all(SEC_WEBSOCKET_EXTENSIONS).iter().count(), 2);

    let check = |accepted: &'static str| {
        let mut response = switching();
        response.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(accepted));
        offer.check(StatusCode::SWITCHING_PROTOCOLS, &response, &key())
    };
    // The parameters are the business of those who speak it.
    assert_eq!(check("x-other, permessage-deflate; client_max_window_bits=12"), Ok(Negotiated::new()));
    assert_eq!(check("x-foreign"), Err(ResponseError::ExtensionNotOffered));
    assert_eq!(check("x-own;"), Err(ResponseError::ExtensionMalformed));
}

#[test]
fn without_extensions_of_the_client_none_may_be_accepted() {
    let none = HeaderMap::new();
    let offer = Offer::new(SUBPROTOCOLS).with_extensions(&none);
    assert_eq!(offer.headers(&key()).unwrap().get(SEC_WEBSOCKET_EXTENSIONS), None);
    let mut response = switching();
    response.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
    let checked = offer.check(StatusCode::SWITCHING_PROTOCOLS, &response, &key());
    assert_eq!(checked, Err(ResponseError::ExtensionNotOffered));
}
