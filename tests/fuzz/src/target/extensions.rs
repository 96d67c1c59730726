//! `Sec-WebSocket-Extensions` and the parameters of permessage-deflate (RFC 6455, 9.1; RFC 7692, 7.1).

use arbitrary::{Arbitrary, Result, Unstructured};
use http::{HeaderMap, HeaderValue, StatusCode, header::SEC_WEBSOCKET_EXTENSIONS};
use ws_core::{
    DeflateConfig,
    handshake::{self, Offer, negotiate_deflate, parse_extensions},
    raw::handshake::OwnedExtension,
};

/// Four bytes of configurations, two of each end, and the lines of the header.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let (Ok(client), Ok(server)) = (config(&mut input), config(&mut input)) else { return };
    let mut headers = HeaderMap::new();
    for line in input.take_rest().split(|byte| *byte == b'\n').take(100) {
        let Ok(line) = HeaderValue::from_bytes(line) else { return };
        headers.append(SEC_WEBSOCKET_EXTENSIONS, line);
    }
    parse(&headers);
    as_offer(&headers, &server);
    as_answer(&headers, &client);
    between(&client, &server);
}

fn config(input: &mut Unstructured<'_>) -> Result<DeflateConfig> {
    let bits = u16::arbitrary(input)?;
    let mut config = DeflateConfig::new()
        .server_no_context_takeover(bits & 1 != 0)
        .client_no_context_takeover(bits & 2 != 0);
    // Unset, or 8 to 15, of which 8 is taken for 9.
    if bits & 4 != 0 {
        config = config.server_max_window_bits(8 + (bits >> 3 & 7) as u8);
    }
    if bits & 64 != 0 {
        config = config.client_max_window_bits(8 + (bits >> 7 & 7) as u8);
    }
    Ok(config)
}

/// What was read is read again from what it is written as.
fn parse(headers: &HeaderMap) {
    let parsed: Vec<_> = parse_extensions(headers).collect();
    let bytes: usize = headers.values().map(HeaderValue::len).sum();
    assert!(parsed.len() <= bytes + headers.len(), "I10: {} elements of {bytes} bytes", parsed.len());
    let mut good = Vec::new();
    for extension in parsed.into_iter().flatten() {
        assert!(handshake::is_token(extension.name()), "I21: {extension:?}");
        for parameter in extension.parameters() {
            assert!(handshake::is_token(parameter.name()), "I21: {extension:?}");
            assert!(parameter.value().is_none_or(handshake::is_token), "I21: {extension:?}");
        }
        good.push(OwnedExtension::from(extension));
    }
    let line = good.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let again = single(&line);
    let again: Vec<_> = parse_extensions(&again)
        .map(|extension| OwnedExtension::from(extension.expect("I11: what is written can be read")))
        .collect();
    assert_eq!(again, good, "I11: {line}");
}

/// A server answers with what the client has offered, and with no window that zlib does not have.
fn as_offer(headers: &HeaderMap, server: &DeflateConfig) {
    let Some((negotiated, answer)) = negotiate_deflate(headers, server) else { return };
    for bits in [negotiated.server_max_window_bits, negotiated.client_max_window_bits] {
        assert!((8..=15).contains(&bits), "I21: a window of {bits} bits");
    }
    assert!(negotiated.server_max_window_bits >= 9, "I21: a window that zlib does not have");
    let answer = answer.to_str().expect("I8: an answer is ASCII").to_owned();
    let answers = single(&answer);
    let mut answers = parse_extensions(&answers);
    let only = answers.next().expect("I8: an answer").expect("I8: an answer that can be read");
    assert!(answers.next().is_none(), "I8: one extension is answered: {answer}");
    let mut names: Vec<_> = only.parameters().map(|parameter| parameter.name().to_owned()).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "I8: a parameter twice: {answer}");
    if names.iter().any(|name| name == "client_max_window_bits") {
        let offered = parse_extensions(headers)
            .flatten()
            .any(|offer| offer.parameters().any(|parameter| parameter.name() == "client_max_window_bits"));
        assert!(offered, "I8: 7.1.2.2: a window that was not offered: {answer}");
    }
}

/// A client that offers compression takes any answer or refuses it.
fn as_answer(headers: &HeaderMap, client: &DeflateConfig) {
    let key = handshake::encode_key([7; 16]);
    let mut response = handshake::response(handshake::accept_key(key.as_bytes()), None);
    for line in headers.values() {
        response.headers_mut().append(SEC_WEBSOCKET_EXTENSIONS, line.clone());
    }
    let offer = Offer::<&str>::new(&[]).with_deflate(client);
    let checked = offer.check(StatusCode::SWITCHING_PROTOCOLS, response.headers(), &key);
    let extensions: Vec<_> = parse_extensions(headers).collect();
    let has_error = extensions.iter().any(|extension| extension.is_err());
    if let Ok(negotiated) = checked {
        assert!(!has_error, "I21: accepted: {headers:?}");
        assert!(extensions.len() <= 1, "I21: accepted twice: {headers:?}");
        assert_eq!(negotiated.deflate.is_some(), extensions.len() == 1, "I21: {headers:?}");
        let without = Offer::<&str>::new(&[]).check(response.status(), response.headers(), &key);
        assert_eq!(without.is_ok(), extensions.is_empty(), "I21: an extension that was not offered");
    }
}

/// Both of ours always agree, and on the same.
fn between(client: &DeflateConfig, server: &DeflateConfig) {
    let key = handshake::encode_key([7; 16]);
    let offer = Offer::<&str>::new(&[]).with_deflate(client);
    let request = offer.headers(&key).expect("no subprotocol can be wrong");
    let (of_server, answer) = negotiate_deflate(&request, server).expect("I11: an offer of ours is accepted");
    let mut response = handshake::response(handshake::accept_key(key.as_bytes()), None);
    response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, answer);
    let of_client = offer.check(response.status(), response.headers(), &key).expect("I11: an answer of ours");
    assert_eq!(of_client.deflate, Some(of_server), "I11: {:?}", response.headers());
}

fn single(line: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).expect("I8: a value of a header"));
    headers
}
