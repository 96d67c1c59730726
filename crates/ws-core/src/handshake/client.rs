//! The client's side of the opening handshake (RFC 6455, 4.1).

use std::{collections::HashSet, fmt};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

use super::{fields::Fields, key::answer_key, scan::trim, tokens::is_token};

/// The headers that make an HTTP/1.1 `GET` an opening handshake.
///
/// These are `Connection`, `Upgrade`, `Sec-WebSocket-Version`, the key of [`encode_key`](super::encode_key), and the
/// subprotocols on offer, the preferred one first. `Host` is left to the caller.
///
/// # Errors
///
/// If a subprotocol is not a token, or is offered twice.
pub fn request_headers(key: &HeaderValue, subprotocols: &[impl AsRef<str>]) -> Result<HeaderMap, OfferError> {
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, key.clone());
    if let Some(offer) = offer(subprotocols)? {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, offer);
    }
    Ok(headers)
}

/// Whether a header of the request belongs to the handshake, or would announce a body; an application must not set it.
#[must_use]
pub fn is_reserved_request_header(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | CONTENT_LENGTH | EXPECT | TRAILER | TRANSFER_ENCODING | UPGRADE)
        || name.as_str().starts_with("sec-websocket-")
}

/// Checks the response to an opening handshake, and gives the subprotocol that the server chose.
///
/// `key` and `offered` are what the request said. No extension was offered, so none may be accepted;
/// [`Offer`](super::Offer) is for a request that offered compression.
///
/// # Errors
///
/// If the server did not switch protocols, or answered something else than was asked (RFC 6455, 4.1). The connection
/// must not be used then.
pub fn check_response(
    status: StatusCode,
    headers: &HeaderMap,
    key: &HeaderValue,
    offered: &[impl AsRef<str>],
) -> Result<Option<HeaderValue>, ResponseError> {
    let key = trim(key.as_bytes());
    let Some(index) = check_answer(status, headers.into(), key, offered, |_| false)? else { return Ok(None) };
    let chosen = HeaderValue::from_bytes(offered[index].as_ref().as_bytes());
    chosen.map(Some).map_err(|_| ResponseError::SubprotocolNotOffered)
}

/// [`check_response`] for any head, with the place of the subprotocol in the offer as the result.
///
/// `is_offered` tells the names of extensions that the request offered.
pub(crate) fn check_answer(
    status: StatusCode,
    fields: Fields<'_>,
    key: &[u8],
    offered: &[impl AsRef<str>],
    is_offered: impl Fn(&str) -> bool,
) -> Result<Option<usize>, ResponseError> {
    check_switch(status, fields, key)?;
    check_agreed(fields, offered, is_offered)
}

/// 4.1: the server switches to WebSocket, and proves that it read the key.
fn check_switch(status: StatusCode, fields: Fields<'_>, key: &[u8]) -> Result<(), ResponseError> {
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(ResponseError::Status);
    }
    // 4.1: the value is the one word, not a list; a server that switched to more than that speaks something else.
    match fields.only_line(&UPGRADE) {
        Ok(Some(upgrade)) if upgrade.eq_ignore_ascii_case(b"websocket") => {}
        _ => return Err(ResponseError::UpgradeToken),
    }
    if !fields.lines(&CONNECTION).has_token("upgrade") {
        return Err(ResponseError::ConnectionToken);
    }
    match fields.only_line(&SEC_WEBSOCKET_ACCEPT) {
        Ok(Some(accept)) if accept == answer_key(key) => Ok(()),
        Ok(Some(_)) => Err(ResponseError::AcceptMismatch),
        Ok(None) => Err(ResponseError::AcceptMissing),
        Err(_) => Err(ResponseError::AcceptRepeated),
    }
}

/// What HTTP/1.1 and HTTP/2 have in common: the server agrees to nothing that was not offered.
pub(super) fn check_agreed(
    fields: Fields<'_>,
    offered: &[impl AsRef<str>],
    is_offered: impl Fn(&str) -> bool,
) -> Result<Option<usize>, ResponseError> {
    check_extensions(fields, is_offered)?;
    match fields.only_line(&SEC_WEBSOCKET_PROTOCOL) {
        Ok(None) => Ok(None),
        Ok(Some(chosen)) => match offered.iter().position(|name| name.as_ref().as_bytes() == chosen) {
            Some(index) => Ok(Some(index)),
            None => Err(ResponseError::SubprotocolNotOffered),
        },
        Err(_) => Err(ResponseError::SubprotocolRepeated),
    }
}

/// 4.1: the server accepts no extension that was not offered.
fn check_extensions(fields: Fields<'_>, is_offered: impl Fn(&str) -> bool) -> Result<(), ResponseError> {
    let mut accepted = fields.extensions().peekable();
    // 4.2.2: an empty value is not the same as no header, and never legal.
    if accepted.peek().is_none() && fields.contains(&SEC_WEBSOCKET_EXTENSIONS) {
        return Err(ResponseError::ExtensionMalformed);
    }
    for extension in accepted {
        match extension {
            Ok(extension) if is_offered(extension.name()) => {}
            Ok(_) => return Err(ResponseError::ExtensionNotOffered),
            Err(_) => return Err(ResponseError::ExtensionMalformed),
        }
    }
    Ok(())
}

/// The value of `Sec-WebSocket-Protocol`; without subprotocols there is none.
pub(super) fn offer(subprotocols: &[impl AsRef<str>]) -> Result<Option<HeaderValue>, OfferError> {
    check_offer(subprotocols)?;
    let mut offer = String::new();
    for name in subprotocols {
        if !offer.is_empty() {
            offer.push_str(", ");
        }
        offer.push_str(name.as_ref());
    }
    if offer.is_empty() {
        return Ok(None);
    }
    HeaderValue::try_from(offer).map(Some).map_err(|_| OfferError::SubprotocolInvalid)
}

/// 4.1: subprotocols are tokens, and all of them unique.
pub(crate) fn check_offer(subprotocols: &[impl AsRef<str>]) -> Result<(), OfferError> {
    let mut seen = HashSet::new();
    for name in subprotocols {
        let name = name.as_ref();
        if !is_token(name) {
            return Err(OfferError::SubprotocolInvalid);
        }
        if !seen.insert(name) {
            return Err(OfferError::SubprotocolRepeated);
        }
    }
    Ok(())
}

/// Why an opening handshake cannot be sent as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OfferError {
    /// A subprotocol is not a token (RFC 6455, 4.1).
    SubprotocolInvalid,
    /// A subprotocol is offered twice (RFC 6455, 4.1).
    SubprotocolRepeated,
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubprotocolInvalid => "a subprotocol is not a token",
            Self::SubprotocolRepeated => "a subprotocol is offered twice",
        })
    }
}

impl std::error::Error for OfferError {}

/// What is wrong with the response to an opening handshake (RFC 6455, 4.1; over HTTP/2 RFC 8441, 5), in the order in which
/// it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status is not 101.
    Status,
    /// The status is not 2xx, over HTTP/2 (RFC 8441, 5).
    ConnectStatus,
    /// There is a field that belongs to HTTP/1.1, over HTTP/2 (RFC 9113, 8.2.2).
    Http1Field,
    /// `Upgrade` is not the one word `websocket`.
    UpgradeToken,
    /// No `Connection` header has the token `upgrade`.
    ConnectionToken,
    /// There is no `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// There is more than one `Sec-WebSocket-Accept`.
    AcceptRepeated,
    /// `Sec-WebSocket-Accept` does not answer the key of the request.
    AcceptMismatch,
    /// `Sec-WebSocket-Extensions` does not keep to its syntax.
    ExtensionMalformed,
    /// The server accepts an extension that was not offered.
    ExtensionNotOffered,
    /// The server accepts permessage-deflate twice, or with parameters that do not answer the offer (RFC 7692, 7.1).
    DeflateParameters,
    /// There is more than one `Sec-WebSocket-Protocol`.
    SubprotocolRepeated,
    /// The server chose a subprotocol that was not offered.
    SubprotocolNotOffered,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "the status is not 101",
            Self::ConnectStatus => "the status is not 2xx",
            Self::Http1Field => "a header belongs to HTTP/1.1",
            Self::UpgradeToken => "the upgrade header is not 'websocket'",
            Self::ConnectionToken => "the connection header has no token 'upgrade'",
            Self::AcceptMissing => "there is no sec-websocket-accept header",
            Self::AcceptRepeated => "there is more than one sec-websocket-accept header",
            Self::AcceptMismatch => "the sec-websocket-accept header does not answer the key",
            Self::ExtensionMalformed => "the sec-websocket-extensions header is malformed",
            Self::ExtensionNotOffered => "an extension was accepted that was not offered",
            Self::DeflateParameters => {
                "permessage-deflate was accepted with parameters that do not answer the offer"
            }
            Self::SubprotocolRepeated => "there is more than one sec-websocket-protocol header",
            Self::SubprotocolNotOffered => "a subprotocol was chosen that was not offered",
        })
    }
}

impl std::error::Error for ResponseError {}
