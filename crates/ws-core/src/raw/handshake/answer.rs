//! What the server writes.

use std::fmt::{self, Write as _};

use bytes::{BufMut, BytesMut};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_TYPE},
};

use super::{OwnedExtension, Rejection, UpgradeError};
use crate::handshake::is_reserved_response_header;

/// The headers of the 101, to which an application may add.
///
/// Names and values are checked types, so nothing that is added can end its line.
#[derive(Debug)]
pub struct ResponseHeaders<'a> {
    out: &'a mut BytesMut,
}

impl<'a> ResponseHeaders<'a> {
    pub(super) fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// If the header belongs to the handshake or would announce a body, as [`is_reserved_response_header`] tells.
    pub fn append(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), ReservedHeader> {
        if is_reserved_response_header(name) {
            return Err(ReservedHeader { name: name.clone() });
        }
        put_field(self.out, name, value.as_bytes());
        Ok(())
    }
}

/// A header that an application must not set: it belongs to the handshake, or would announce a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedHeader {
    name: HeaderName,
}

impl ReservedHeader {
    /// The header.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }
}

impl fmt::Display for ReservedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {} belongs to the handshake and cannot be set", self.name)
    }
}

impl std::error::Error for ReservedHeader {}

/// Begins the response that accepts; a blank line ends it.
pub(super) fn put_switching(
    out: &mut BytesMut,
    accept: &[u8],
    subprotocol: Option<&str>,
    extensions: &[OwnedExtension],
) {
    out.put_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    put_line(out, b"Sec-WebSocket-Accept", accept);
    if let Some(subprotocol) = subprotocol {
        put_line(out, b"Sec-WebSocket-Protocol", subprotocol.as_bytes());
    }
    put_extensions(out, extensions);
}

/// All extensions on one line; without any, none.
pub(super) fn put_extensions(out: &mut BytesMut, extensions: &[OwnedExtension]) {
    for (index, extension) in extensions.iter().enumerate() {
        out.put_slice(if index == 0 { b"Sec-WebSocket-Extensions: " } else { b", " });
        // A buffer takes whatever is written to it.
        let _ = write!(out, "{extension}");
    }
    if !extensions.is_empty() {
        out.put_slice(b"\r\n");
    }
}

/// The whole response that refuses; nothing for errors that nobody can be told of.
pub(super) fn put_refusal(
    out: &mut BytesMut,
    error: &UpgradeError,
    headers: &[(HeaderName, HeaderValue)],
) -> bool {
    let Some(status) = error.status() else { return false };
    let body = match error {
        UpgradeError::Refused(refusal) => refusal.reason(),
        UpgradeError::Rejected(rejection) => rejection.body(),
        UpgradeError::TimedOut => "the request took too long",
        _ => "the request is malformed",
    };
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    if let UpgradeError::Refused(refusal) = error {
        refusal.headers().for_each(|(name, value)| put_field(out, &name, value.as_bytes()));
    } else {
        put_field(out, &CONNECTION, b"close");
    }
    let own = match error {
        UpgradeError::Rejected(rejection) => Some(rejection),
        _ => None,
    };
    let own = || own.into_iter().flat_map(Rejection::headers);
    let has_type = own().any(|(name, _)| *name == CONTENT_TYPE);
    // RFC 9110, 8.3: a response has one type, and the rejection knows its body best.
    let general = || headers.iter().filter(|(name, _)| !has_type || *name != CONTENT_TYPE);
    for (name, value) in general().map(|(name, value)| (name, value)).chain(own()) {
        put_field(out, name, value.as_bytes());
    }
    // RFC 9110, 15.4.5: a response that has no body whatever it says.
    if status != StatusCode::NOT_MODIFIED {
        if !has_type && !general().any(|(name, _)| *name == CONTENT_TYPE) {
            put_field(out, &CONTENT_TYPE, b"text/plain; charset=utf-8");
        }
        let _ = write!(out, "Content-Length: {}\r\n", body.len());
        out.put_slice(b"\r\n");
        out.put_slice(body.as_bytes());
    } else {
        out.put_slice(b"\r\n");
    }
    true
}

/// A line with a name that is written as it is to be read.
pub(super) fn put_line(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

/// A line with a name in capitals as RFC 6455 writes them: there are peers that compare names with case.
pub(super) fn put_field(out: &mut BytesMut, name: &HeaderName, value: &[u8]) {
    let rest = match name.as_str().strip_prefix("sec-websocket-") {
        Some(rest) => {
            out.put_slice(b"Sec-WebSocket-");
            rest
        }
        None => name.as_str(),
    };
    let mut first = true;
    for byte in rest.bytes() {
        out.put_u8(if first { byte.to_ascii_uppercase() } else { byte });
        first = byte == b'-';
    }
    put_line(out, b"", value);
}
