//! The opening handshake, rule by rule.

mod client;
mod connect;
#[cfg(feature = "deflate")]
mod deflate;
mod extensions;
mod head;
mod linear;
mod offer;
mod origin;
mod refusal;
mod server;
mod subprotocol;
mod tokens;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

/// The key of RFC 6455, 1.3, and what answers it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Headers with these lines, in this order.
fn headers<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = (HeaderName, V)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }
    headers
}

/// One header with these lines.
fn lines<V: AsRef<[u8]>>(name: &HeaderName, values: impl IntoIterator<Item = V>) -> HeaderMap {
    headers(values.into_iter().map(|value| (name.clone(), value)))
}

/// A byte that may stand in a header value.
fn is_value_byte(byte: u8) -> bool {
    HeaderValue::from_bytes(&[byte]).is_ok()
}

/// Any header value of less than this many bytes.
fn any_value(size: usize) -> impl Strategy<Value = Vec<u8>> {
    let allowed: Vec<u8> = (0..=u8::MAX).filter(|&byte| is_value_byte(byte)).collect();
    prop::collection::vec(prop::sample::select(allowed), 0..size)
}
