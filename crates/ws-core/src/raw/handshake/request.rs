//! The head of a request, for the callbacks of a server.

use std::fmt;

use http::{Version, header::SEC_WEBSOCKET_PROTOCOL, uri::Scheme};

use super::head::{Fault, ParsedRequest, Room, parse_request};
use crate::handshake::{Extensions, Field, Fields, RequestParts, Tokens, is_scheme};

/// The head of a request to open a connection, as it lies in the buffer.
///
/// Callbacks see it after it was checked: it is a valid opening handshake, and comes from an origin that is allowed. Only
/// the closure of [`check_origin`](super::Upgrader::check_origin) is asked earlier, before the key is checked.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a str,
    target: &'a str,
    version: Version,
    /// That of an absolute target.
    authority: Option<&'a str>,
    fields: &'a [Field<'a>],
}

impl<'a> RequestHead<'a> {
    pub(super) fn parse(head: &'a [u8], room: &'a mut Room<'a>) -> Result<Self, Fault> {
        let ParsedRequest { method, target, version, fields } = parse_request(head, room)?;
        let authority = match authority(target) {
            Some(authority) => authority,
            // 4.1: a GET for a WebSocket names a path, or all of a URL. With other methods there are other targets, and
            // the method is what is wrong with these.
            None if method == "GET" => return Err(Fault::Malformed),
            None => None,
        };
        Ok(Self { method, target, version, authority, fields })
    }

    pub(super) fn parts(&self) -> RequestParts<'a> {
        let Self { method, target, version, authority, .. } = *self;
        RequestParts { method, version, authority, target: target.len(), fields: self.fields() }
    }

    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::List(self.fields)
    }

    /// The method: `GET`.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The target as the client wrote it: a path with its query, or an absolute URL.
    #[must_use]
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The version of HTTP: 1.1.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the request is for: the authority of an absolute target, or else the `Host` header (RFC 9112, 3.2.2).
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.authority.or_else(|| self.fields().host()).unwrap_or_default()
    }

    /// The first line of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers in the order and the spelling of the client, with those of the handshake.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        self.fields.iter().map(|field| (field.name, field.value))
    }

    /// The subprotocols that the client offers, the one it likes best first.
    #[must_use]
    pub fn subprotocols(&self) -> Tokens<'a> {
        self.fields().tokens(&SEC_WEBSOCKET_PROTOCOL)
    }

    /// The extensions that the client offers, the one it likes best first.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        self.fields().extensions()
    }

    /// Whether the request comes from a page of the server it is sent to, or from no page at all; see
    /// [`is_same_origin`](crate::handshake::is_same_origin).
    #[must_use]
    pub fn is_same_origin(&self, scheme: Option<&Scheme>) -> bool {
        self.fields().is_same_origin(self.host(), scheme)
    }
}

/// Without the values of headers, which may be secrets.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("version", &self.version)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// The authority of an absolute target, if it is one; `None` for what is neither absolute nor a path (RFC 9112, 3.2).
fn authority(target: &str) -> Option<Option<&str>> {
    if target.starts_with('/') {
        return Some(None);
    }
    let (scheme, rest) = target.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if is_scheme(scheme) { Some(Some(&rest[..end])) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_paths_or_absolute() {
        for (target, expected) in [
            ("/", Some(None)),
            ("/a?b://c", Some(None)),
            ("http://example.com", Some(Some("example.com"))),
            ("https://example.com:8443/a", Some(Some("example.com:8443"))),
            ("ws://example.com?a", Some(Some("example.com"))),
            ("http://user@example.com#/", Some(Some("user@example.com"))),
            ("http:///a", Some(Some(""))),
            ("*", None),
            ("example.com:443", None),
            ("example.com/a", None),
            ("://example.com/", None),
            ("a/b://example.com/", None),
        ] {
            assert_eq!(authority(target), expected, "{target}");
        }
    }
}
