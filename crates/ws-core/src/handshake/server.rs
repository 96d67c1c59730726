//! The server's side of the opening handshake (RFC 6455, 4.2).

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
    uri::Authority,
};

use super::{
    Refusal, accept_key,
    fields::{Fields, Overview, Repeated},
    has_token,
    key::is_valid_key,
    origin::is_valid_authority,
    scan::trim,
};

/// Whether a request asks for a WebSocket: `Connection` says `upgrade` and `Upgrade` says `websocket`.
///
/// It may still be malformed; [`check_request`] tells.
#[must_use]
pub fn is_websocket_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket")
}

/// Checks all of a request but its origin and its key (RFC 6455, 4.2.1).
///
/// The order is fixed, so that a request with several faults is always refused for the same one: `Connection`, `Upgrade`,
/// method, `Sec-WebSocket-Version`, HTTP version, size, `Host`, body, `Sec-WebSocket-Protocol`,
/// `Sec-WebSocket-Extensions`. The origin comes next, and then [`check_key`].
///
/// The head of a handshake may have 16 KiB, 100 fields, and 8 KiB in its target and in each field. What an HTTP server
/// buffers before it gets here is up to that server.
///
/// # Errors
///
/// The first check that fails, as the answer to give.
pub fn check_request(
    method: &Method,
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    RequestParts::new(method, version, uri, headers).check()
}

/// What is checked of a request, wherever it was parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestParts<'a> {
    pub(crate) method: &'a str,
    pub(crate) version: Version,
    /// That of an absolute target.
    pub(crate) authority: Option<&'a str>,
    /// Bytes of the target.
    pub(crate) target: usize,
    pub(crate) fields: Fields<'a>,
}

impl<'a> RequestParts<'a> {
    pub(super) fn new(method: &'a Method, version: Version, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self {
            method: method.as_str(),
            version,
            authority: uri.authority().map(Authority::as_str),
            // `Uri` does not tell its length; the path and the query are what a client can make long.
            target: uri.path_and_query().map_or(0, |path| path.as_str().len()),
            fields: headers.into(),
        }
    }

    /// [`check_request`] says what is checked, and in which order.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.check_fields(&Overview::of(self.fields))
    }

    /// [`check`](Self::check) with the overview of its fields.
    pub(super) fn check_fields(&self, fields: &Overview<'_>) -> Result<(), Refusal> {
        // As most clients spell it.
        if !fields.lines(&CONNECTION).has_token("Upgrade") {
            return Err(Refusal::ConnectionToken);
        }
        if !fields.lines(&UPGRADE).has_token("websocket") {
            return Err(Refusal::UpgradeToken);
        }
        if self.method != Method::GET.as_str() {
            return Err(Refusal::MethodNotGet);
        }
        check_websocket_version(fields)?;
        if self.version != Version::HTTP_11 {
            return Err(Refusal::HttpVersion);
        }
        check_size(self.target, fields)?;
        self.check_host(fields)?;
        check_offers(fields)
    }

    /// RFC 9112, 3.2: exactly one `Host`, with a valid value.
    fn check_host(&self, fields: &Overview<'_>) -> Result<(), Refusal> {
        let target_is_valid = self.authority.is_none_or(is_valid_authority);
        match fields.host() {
            Some(host) if target_is_valid && is_valid_authority(host) => Ok(()),
            _ => Err(Refusal::Host),
        }
    }
}

pub(super) fn check_websocket_version(fields: &Overview<'_>) -> Result<(), Refusal> {
    match fields.only_line(&SEC_WEBSOCKET_VERSION) {
        Ok(Some(b"13")) => Ok(()),
        Ok(None) => Err(Refusal::VersionMissing),
        // 4.4 lets a client name one version, and the server answer with a list; never the other way round.
        Ok(Some(_)) | Err(_) => Err(Refusal::VersionUnsupported),
    }
}

/// That frames are all that follows the head, and that what it offers can be read.
pub(super) fn check_offers(fields: &Overview<'_>) -> Result<(), Refusal> {
    if announces_body(fields) {
        return Err(Refusal::Body);
    }
    if fields.contains(&SEC_WEBSOCKET_PROTOCOL) && !fields.lines(&SEC_WEBSOCKET_PROTOCOL).are_tokens() {
        return Err(Refusal::SubprotocolMalformed);
    }
    if fields.contains(&SEC_WEBSOCKET_EXTENSIONS)
        && fields.lines(&SEC_WEBSOCKET_EXTENSIONS).extensions().any(|extension| extension.is_err())
    {
        return Err(Refusal::ExtensionMalformed);
    }
    Ok(())
}

/// RFC 6455, 10.4: limits of the implementation. An honest handshake has a tenth of them. `target` is the bytes of it.
pub(super) fn check_size(target: usize, fields: &Overview<'_>) -> Result<(), Refusal> {
    if target > MAX_LINE {
        return Err(Refusal::TargetTooLong);
    }
    if fields.count > MAX_FIELDS || fields.longest > MAX_LINE || target + fields.size > MAX_HEAD {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(())
}

/// Checks the key of a request, and gives the `Sec-WebSocket-Accept` that answers it.
///
/// # Errors
///
/// If there is not exactly one `Sec-WebSocket-Key`, or if it is not 16 bytes in canonical Base64.
pub fn check_key(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    valid_key(headers.into()).map(accept_key)
}

/// [`check_key`] before the answer to the key.
pub(crate) fn valid_key(fields: Fields<'_>) -> Result<&[u8], Refusal> {
    valid_key_of(fields.only_line(&SEC_WEBSOCKET_KEY))
}

/// [`valid_key`] of what there is of its header.
pub(super) fn valid_key_of(key: Result<Option<&[u8]>, Repeated>) -> Result<&[u8], Refusal> {
    match key {
        Ok(Some(key)) if is_valid_key(key) => Ok(key),
        Ok(Some(_)) => Err(Refusal::KeyInvalid),
        Ok(None) => Err(Refusal::KeyMissing),
        Err(Repeated) => Err(Refusal::KeyRepeated),
    }
}

/// The response that accepts a handshake: 101 with `Upgrade`, `Connection` and `Sec-WebSocket-Accept`.
///
/// `accept` is what [`check_key`] gave. The subprotocol must be one that the client offered, as
/// [`select_subprotocol`](super::select_subprotocol) makes sure.
#[must_use]
pub fn response(accept: HeaderValue, subprotocol: Option<HeaderValue>) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response
}

/// Whether a header of the 101 belongs to the handshake, or would announce a body; an application must not set it.
#[must_use]
pub fn is_reserved_response_header(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | CONTENT_LENGTH | TRAILER | TRANSFER_ENCODING | UPGRADE)
        || name.as_str().starts_with("sec-websocket-")
}

/// Whether anything but frames could follow the head.
fn announces_body(fields: &Overview<'_>) -> bool {
    let is_zero = |line: &[u8]| {
        let digits = trim(line);
        !digits.is_empty() && digits.iter().all(|&digit| digit == b'0')
    };
    fields.contains(&TRANSFER_ENCODING)
        || fields.contains(&EXPECT)
        || !fields.lines(&CONTENT_LENGTH).all(is_zero)
}

/// Bytes of a request head.
pub(crate) const MAX_HEAD: usize = 16 << 10;
/// Bytes of a line of it.
pub(crate) const MAX_LINE: usize = 8 << 10;
/// Lines of it.
pub(crate) const MAX_FIELDS: usize = 100;
