//! The server's side of the opening handshake over HTTP/2 (RFC 8441, 5).

use http::{
    HeaderName, HeaderValue, Method, Response, Uri,
    header::{CONNECTION, HOST, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE},
    uri::Authority,
};

use super::{
    Refusal,
    fields::{Fields, Overview},
    origin::is_same_authority,
    server::{check_offers, check_size, check_websocket_version},
};

/// Whether a request of HTTP/2 asks for a WebSocket: it is a `CONNECT` with `websocket` as its `:protocol`.
///
/// It may still be malformed; [`check_connect`] tells.
#[must_use]
pub fn is_websocket_connect(method: &Method, protocol: Option<&str>) -> bool {
    *method == Method::CONNECT && protocol.is_some_and(|name| name.eq_ignore_ascii_case("websocket"))
}

/// Checks all of an HTTP/2 request but its origin (RFC 8441, 5).
///
/// `protocol` is the pseudo-header `:protocol`, and the authority of `uri` is `:authority`. The order is fixed, so that a
/// request with several faults is always refused for the same one: method, `:protocol`, fields that belong to HTTP/1.1,
/// `Sec-WebSocket-Version`, size, `:authority` and `Host`, body, `Sec-WebSocket-Protocol`, `Sec-WebSocket-Extensions`. The
/// origin comes next. There is no key: `Sec-WebSocket-Key` is not looked at.
///
/// The limits are those of [`check_request`](super::check_request).
///
/// ```
/// use http::Request;
/// use ws_core::handshake;
///
/// let request = Request::connect("https://server.example.com/chat")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-protocol", "superchat, chat")
///     .body(())?;
/// let (uri, headers) = (request.uri(), request.headers());
/// handshake::check_connect(request.method(), Some("websocket"), uri, headers)?;
/// let response = handshake::connect_response(handshake::select_subprotocol(headers, &["chat"]));
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first check that fails. Answer with [`Refusal::connect_status`] and [`Refusal::connect_headers`].
pub fn check_connect(
    method: &Method,
    protocol: Option<&str>,
    uri: &Uri,
    headers: &http::HeaderMap,
) -> Result<(), Refusal> {
    let fields = Fields::from(headers);
    check_connect_fields(method, protocol, uri, fields, &Overview::of(fields))
}

/// [`check_connect`] with the overview of the fields.
pub(super) fn check_connect_fields(
    method: &Method,
    protocol: Option<&str>,
    uri: &Uri,
    fields: Fields<'_>,
    overview: &Overview<'_>,
) -> Result<(), Refusal> {
    if *method != Method::CONNECT {
        return Err(Refusal::MethodNotConnect);
    }
    if !is_websocket_connect(method, protocol) {
        return Err(Refusal::ProtocolNotWebSocket);
    }
    if HTTP1_FIELDS.iter().any(|name| fields.contains(name)) {
        return Err(Refusal::Http1Field);
    }
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let target = uri.path_and_query().map_or(0, |path| path.as_str().len()) + authority;
    check_websocket_version(overview)?;
    check_size(target, overview)?;
    check_authority(uri, fields)?;
    check_offers(overview)
}

/// RFC 9113, 8.3.1: `:authority` says what the request is for, and a `Host` beside it must say the same.
fn check_authority(uri: &Uri, fields: Fields<'_>) -> Result<(), Refusal> {
    let authority = uri.authority().map(Authority::as_str).ok_or(Refusal::Host)?;
    let host = match fields.only_line(&HOST) {
        Ok(Some(host)) => std::str::from_utf8(host).map_err(|_| Refusal::Host)?,
        Ok(None) => authority,
        Err(_) => return Err(Refusal::Host),
    };
    if is_same_authority(authority, host, uri.scheme_str()) { Ok(()) } else { Err(Refusal::Host) }
}

/// The response that accepts a handshake over HTTP/2: 200, without `Upgrade`, `Connection` and `Sec-WebSocket-Accept`.
///
/// The subprotocol must be one that the client offered, as [`select_subprotocol`](super::select_subprotocol) makes sure.
#[must_use]
pub fn connect_response(subprotocol: Option<HeaderValue>) -> Response<()> {
    let mut response = Response::new(());
    if let Some(subprotocol) = subprotocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response
}

/// RFC 9113, 8.2.2: with one of these a request or a response is malformed.
pub(super) const HTTP1_FIELDS: [HeaderName; 5] = [
    CONNECTION,
    UPGRADE,
    TRANSFER_ENCODING,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
