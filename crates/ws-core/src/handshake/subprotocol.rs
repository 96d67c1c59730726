//! The choice of a subprotocol (RFC 6455, 4.2.2 and 11.3.4).

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};

use super::tokens::{Tokens, tokens};

/// The subprotocols that the client offers, from all lines, the one it likes best first.
///
/// To choose by a rule of your own, pick one of these; anything else fails the client's connection (RFC 6455, 4.1).
#[must_use]
pub fn requested_subprotocols(headers: &HeaderMap) -> Tokens<'_> {
    tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
}

/// The subprotocol to answer with: the first of the client's that the server supports.
///
/// Names are compared with their case. With `None` the handshake goes on without a subprotocol.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
/// use ws_core::handshake::select_subprotocol;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("chat.v3, chat.v2, chat.v1"));
/// assert_eq!(select_subprotocol(&headers, &["chat.v1", "chat.v2"]).unwrap(), "chat.v2");
/// assert_eq!(select_subprotocol(&headers, &["Chat.v1"]), None);
/// ```
#[must_use]
pub fn select_subprotocol(headers: &HeaderMap, supported: &[impl AsRef<str>]) -> Option<HeaderValue> {
    let chosen = requested_subprotocols(headers)
        .find(|requested| supported.iter().any(|supported| supported.as_ref() == *requested))?;
    // Always valid: it is a token.
    HeaderValue::from_str(chosen).ok()
}
