//! Why a server refuses an opening handshake, and how it says so.

use std::fmt;

use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{ALLOW, CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE},
};

/// Why an opening handshake is refused, in the order in which it is checked.
///
/// [`status`](Self::status) and [`headers`](Self::headers) make the answer. [`reason`](Self::reason) is meant for logs:
/// a client learns enough from the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// 400: no `Connection` header has the token `upgrade`.
    ConnectionToken,
    /// 426: no `Upgrade` header has the token `websocket`.
    UpgradeToken,
    /// 405: the method is not `GET`.
    MethodNotGet,
    /// 405: an HTTP/2 request whose method is not `CONNECT`.
    MethodNotConnect,
    /// 501: an HTTP/2 `CONNECT` for another protocol, or for none.
    ProtocolNotWebSocket,
    /// 400: an HTTP/2 request with `Connection`, `Upgrade` or another field that belongs to HTTP/1.1.
    Http1Field,
    /// 400: there is no `Sec-WebSocket-Version`.
    VersionMissing,
    /// 426: `Sec-WebSocket-Version` is not `13`, or there is more than one. 400 over HTTP/2.
    VersionUnsupported,
    /// 400: the version of HTTP is not 1.1.
    HttpVersion,
    /// 414: the target of the request is longer than 8 KiB.
    TargetTooLong,
    /// 431: the head of the request is over 16 KiB or 100 fields, or one of them over 8 KiB.
    HeadTooLarge,
    /// 400: there is not exactly one `Host` header, or it names no host. Over HTTP/2: there is no valid `:authority`, or a
    /// `Host` that differs from it.
    Host,
    /// 400: the request announces a body, whose bytes could be taken for frames.
    Body,
    /// 400: `Sec-WebSocket-Protocol` is not a list of tokens.
    SubprotocolMalformed,
    /// 400: `Sec-WebSocket-Extensions` does not keep to its syntax.
    ExtensionMalformed,
    /// 403: the origin is not allowed.
    OriginNotAllowed,
    /// 400: there is no `Sec-WebSocket-Key`.
    KeyMissing,
    /// 400: there is more than one `Sec-WebSocket-Key`.
    KeyRepeated,
    /// 400: `Sec-WebSocket-Key` is not 16 bytes in Base64.
    KeyInvalid,
    /// 500: the server below cannot hand over the connection.
    NotUpgradable,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ConnectionToken
            | Self::Http1Field
            | Self::VersionMissing
            | Self::HttpVersion
            | Self::Host
            | Self::Body
            | Self::SubprotocolMalformed
            | Self::ExtensionMalformed
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::KeyInvalid => StatusCode::BAD_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::MethodNotConnect | Self::MethodNotGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::ProtocolNotWebSocket => StatusCode::NOT_IMPLEMENTED,
            Self::UpgradeToken | Self::VersionUnsupported => StatusCode::UPGRADE_REQUIRED,
            Self::NotUpgradable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The headers that the answer must carry, each name once.
    ///
    /// `Connection` is always among them and says `close`: a client that wants another protocol may have sent bytes of
    /// it already, and these must not be read as the next request. With 426 it says `Upgrade` too, beside an `Upgrade`
    /// header (RFC 9110, 15.5.22).
    pub fn headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let upgrade_required = self.status() == StatusCode::UPGRADE_REQUIRED;
        let connection = if upgrade_required { "Upgrade, close" } else { "close" };
        let version = self.asks_for_version();
        let field = |name, value| (name, HeaderValue::from_static(value));
        [
            Some(field(CONNECTION, connection)),
            upgrade_required.then(|| field(UPGRADE, "websocket")),
            version.then(|| field(SEC_WEBSOCKET_VERSION, "13")),
            (self == Self::MethodNotGet).then(|| field(ALLOW, "GET")),
        ]
        .into_iter()
        .flatten()
    }

    /// The status of the answer to a request of HTTP/2.
    ///
    /// It is [`status`](Self::status), but for 426: that must name a protocol in an `Upgrade` header (RFC 9110, 15.5.22),
    /// and HTTP/2 has none. There it is 400.
    #[must_use]
    pub const fn connect_status(self) -> StatusCode {
        match self {
            Self::UpgradeToken | Self::VersionUnsupported => StatusCode::BAD_REQUEST,
            _ => self.status(),
        }
    }

    /// The headers that the answer to a request of HTTP/2 must carry, each name once. `Connection` is never among them.
    pub fn connect_headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let (method, version) = (self == Self::MethodNotConnect, self.asks_for_version());
        let field = |name, value| (name, HeaderValue::from_static(value));
        [version.then(|| field(SEC_WEBSOCKET_VERSION, "13")), method.then(|| field(ALLOW, "CONNECT"))]
            .into_iter()
            .flatten()
    }

    fn asks_for_version(self) -> bool {
        matches!(self, Self::VersionMissing | Self::VersionUnsupported)
    }

    /// What is wrong, for people.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ConnectionToken => "the connection header has no token 'upgrade'",
            Self::UpgradeToken => "the upgrade header has no token 'websocket'",
            Self::MethodNotGet => "the method is not GET",
            Self::MethodNotConnect => "the method is not CONNECT",
            Self::ProtocolNotWebSocket => "the protocol of the CONNECT request is not spoken here",
            Self::Http1Field => "there is a header that belongs to HTTP/1.1",
            Self::VersionMissing => "there is no sec-websocket-version header",
            Self::VersionUnsupported => "the sec-websocket-version is not 13",
            Self::HttpVersion => "the HTTP version is not 1.1",
            Self::TargetTooLong => "the target of the request is too long",
            Self::HeadTooLarge => "the head of the request is too large",
            Self::Host => "there is not exactly one valid host",
            Self::Body => "the request announces a body",
            Self::SubprotocolMalformed => "the sec-websocket-protocol header is malformed",
            Self::ExtensionMalformed => "the sec-websocket-extensions header is malformed",
            Self::OriginNotAllowed => "the origin is not allowed",
            Self::KeyMissing => "there is no sec-websocket-key header",
            Self::KeyRepeated => "there is more than one sec-websocket-key header",
            Self::KeyInvalid => "the sec-websocket-key is not 16 bytes in Base64",
            Self::NotUpgradable => "the connection cannot be upgraded",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Refusal {}
