//! Refused opening handshakes: one type for each reason, and their sum.
//!
//! Each is a response, with axum or without:
//!
//! ```
//! use http::{Request, Response};
//! use ws_tower::{ResponseBody, Upgrader};
//!
//! let rejection = Upgrader::new().upgrade(&mut Request::new(())).unwrap_err();
//! println!("{rejection}");
//! let response = Response::<ResponseBody>::from(rejection);
//! assert_eq!(response.status(), 400);
//! assert_eq!(response.headers()["connection"], "close");
//! ```
//!
//! The body is the name of the status. The reason stays with the server: it is what [`Display`](fmt::Display) writes.
//! Every answer to an HTTP/1 request says `Connection: close`, so that frames of a client that did not wait for the
//! answer are never read as its next request.

use std::{
    error, fmt,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use http::{
    HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use ws_core::handshake::{self, Refusal};

use crate::ResponseBody;

macro_rules! rejections {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// Why an opening handshake was refused.
        ///
        /// Those that axum's type of this name has come under the same names here.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum WebSocketUpgradeRejection {
            $($(#[$meta])* $name($name),)+
        }

        impl WebSocketUpgradeRejection {
            /// The name of the reason.
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }

            fn refused(&self) -> &Refused {
                match self {
                    $(Self::$name($name(refused)) => refused,)+
                }
            }
        }

        $(
            $(#[$meta])*
            #[derive(Clone, Debug)]
            pub struct $name(Refused);

            impl $name {
                /// The status of the answer.
                #[must_use]
                pub fn status(&self) -> StatusCode {
                    self.0.cause.status()
                }

                /// The body of the answer: the name of its status.
                #[must_use]
                pub fn body_text(&self) -> String {
                    self.0.cause.body_text().to_owned()
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(self.0.cause.reason())
                }
            }

            impl error::Error for $name {}

            impl From<$name> for WebSocketUpgradeRejection {
                fn from(rejection: $name) -> Self {
                    Self::$name(rejection)
                }
            }

            impl From<$name> for Response<ResponseBody> {
                fn from(rejection: $name) -> Self {
                    WebSocketUpgradeRejection::from(rejection).into()
                }
            }

            #[cfg(feature = "axum")]
            impl axum_core::response::IntoResponse for $name {
                fn into_response(self) -> axum_core::response::Response {
                    WebSocketUpgradeRejection::from(self).into_response()
                }
            }
        )+
    };
}

rejections! {
    /// 405: an HTTP/1 request whose method is not `GET`.
    MethodNotGet,
    /// 405: an HTTP/2 request whose method is not `CONNECT` (RFC 8441, 4).
    MethodNotConnect,
    /// 400: no `Connection` header has the token `upgrade`. Over HTTP/2: there is such a header, or another that belongs to
    /// HTTP/1.1.
    InvalidConnectionHeader,
    /// 426: no `Upgrade` header has the token `websocket`.
    InvalidUpgradeHeader,
    /// 501: an HTTP/2 `CONNECT` request for a protocol that is not spoken here (RFC 8441, 4).
    InvalidProtocolPseudoheader,
    /// 426, or 400 if there is none or over HTTP/2: `Sec-WebSocket-Version` is not `13`.
    InvalidWebSocketVersionHeader,
    /// 400: the version of HTTP is older than 1.1.
    InvalidHttpVersion,
    /// 414: the target of the request is longer than 8 KiB.
    TargetTooLong,
    /// 431: the head of the request is over 16 KiB or 100 fields, or one of them over 8 KiB.
    HeadTooLarge,
    /// 400: there is not exactly one valid `Host` header. Over HTTP/2: `:authority` is not there or not valid, or `Host` says
    /// something else.
    InvalidHostHeader,
    /// 400: the request announces a body, whose bytes could be taken for frames.
    BodyNotAllowed,
    /// 400: `Sec-WebSocket-Protocol` is not a list of tokens.
    InvalidWebSocketProtocolHeader,
    /// 400: `Sec-WebSocket-Extensions` does not keep to its syntax.
    InvalidWebSocketExtensionsHeader,
    /// 421: [`Upgrader::allowed_hosts`](crate::Upgrader::allowed_hosts) has not the host that the request is for (RFC 9110,
    /// 15.5.20).
    HostNotAllowed,
    /// 403: [`CheckOrigin`](crate::CheckOrigin) does not allow the page that connects.
    OriginNotAllowed,
    /// 400: there is no `Sec-WebSocket-Key`.
    WebSocketKeyHeaderMissing,
    /// 400: `Sec-WebSocket-Key` is not 16 bytes in Base64, or there are two.
    InvalidWebSocketKeyHeader,
    /// 400: the client offers no subprotocol that is spoken here, and
    /// [`Upgrader::require_subprotocol`](crate::Upgrader::require_subprotocol) asks for one.
    SubprotocolRequired,
    /// 500: a function of the application panicked that the [`Upgrader`](crate::Upgrader) called to decide. 400: the handshake
    /// breaks a rule that has no type of its own here.
    InvalidHandshake,
    /// 503 with `Retry-After`: a [`Tracker`](crate::Tracker) is shutting the server down.
    ShuttingDown,
    /// 503 with `Retry-After`: there are as many connections as a [`ConnectionLimit`](crate::ConnectionLimit) allows.
    TooManyConnections,
    /// 500: the request comes from a server that hands over no connections, or its upgrade was taken already.
    ConnectionNotUpgradable,
}

impl WebSocketUpgradeRejection {
    pub(crate) fn new(cause: Cause, on_rejection: Option<OnRejection>) -> Self {
        let refused = Refused { cause, on_rejection };
        match cause.fault {
            Fault::HostNotAllowed => HostNotAllowed(refused).into(),
            Fault::SubprotocolRequired => SubprotocolRequired(refused).into(),
            Fault::CheckPanicked => InvalidHandshake(refused).into(),
            Fault::ShuttingDown { .. } => ShuttingDown(refused).into(),
            Fault::TooManyConnections { .. } => TooManyConnections(refused).into(),
            Fault::Handshake(refusal) => match refusal {
                Refusal::MethodNotConnect => MethodNotConnect(refused).into(),
                Refusal::ProtocolNotWebSocket => InvalidProtocolPseudoheader(refused).into(),
                Refusal::ConnectionToken | Refusal::Http1Field => InvalidConnectionHeader(refused).into(),
                Refusal::UpgradeToken => InvalidUpgradeHeader(refused).into(),
                Refusal::MethodNotGet => MethodNotGet(refused).into(),
                Refusal::VersionMissing | Refusal::VersionUnsupported => {
                    InvalidWebSocketVersionHeader(refused).into()
                }
                Refusal::HttpVersion => InvalidHttpVersion(refused).into(),
                Refusal::TargetTooLong => TargetTooLong(refused).into(),
                Refusal::HeadTooLarge => HeadTooLarge(refused).into(),
                Refusal::Host => InvalidHostHeader(refused).into(),
                Refusal::Body => BodyNotAllowed(refused).into(),
                Refusal::SubprotocolMalformed => InvalidWebSocketProtocolHeader(refused).into(),
                Refusal::ExtensionMalformed => InvalidWebSocketExtensionsHeader(refused).into(),
                Refusal::OriginNotAllowed => OriginNotAllowed(refused).into(),
                Refusal::KeyMissing => WebSocketKeyHeaderMissing(refused).into(),
                Refusal::KeyRepeated | Refusal::KeyInvalid => InvalidWebSocketKeyHeader(refused).into(),
                Refusal::NotUpgradable => ConnectionNotUpgradable(refused).into(),
                _ => InvalidHandshake(refused).into(),
            },
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.refused().cause.status()
    }

    /// The body of the answer: the name of its status.
    #[must_use]
    pub fn body_text(&self) -> String {
        self.refused().cause.body_text().to_owned()
    }
}

impl fmt::Display for WebSocketUpgradeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.refused().cause.reason())
    }
}

impl error::Error for WebSocketUpgradeRejection {}

impl From<WebSocketUpgradeRejection> for Response<ResponseBody> {
    fn from(rejection: WebSocketUpgradeRejection) -> Self {
        let Refused { cause, on_rejection } = rejection.refused();
        let mut response = cause.response();
        if let Some(OnRejection(shape)) = on_rejection {
            // Over HTTP/2 the server may call this in the task of the connection, and a panic would end all its streams.
            let shaped = panic::catch_unwind(AssertUnwindSafe(|| shape(&rejection, response)));
            response = shaped.unwrap_or_else(|_| cause.response());
        }
        cause.end_connection(&mut response);
        response
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for WebSocketUpgradeRejection {
    fn into_response(self) -> axum_core::response::Response {
        Response::<ResponseBody>::from(self).map(axum_core::body::Body::new)
    }
}

/// What all rejections hold: the reason, and what the application makes of it.
#[derive(Clone, Debug)]
struct Refused {
    cause: Cause,
    on_rejection: Option<OnRejection>,
}

/// The reason in terms of the protocol, which is said in terms of the version of HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) fault: Fault,
    pub(crate) version: Version,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Handshake(Refusal),
    HostNotAllowed,
    SubprotocolRequired,
    CheckPanicked,
    ShuttingDown { retry_after: Duration },
    TooManyConnections { retry_after: Duration },
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Handshake(refusal)
    }
}

impl Cause {
    fn is_http1(self) -> bool {
        self.version <= Version::HTTP_11
    }

    fn status(self) -> StatusCode {
        match self.fault {
            Fault::Handshake(refusal) if self.is_http1() => refusal.status(),
            Fault::Handshake(refusal) => refusal.connect_status(),
            Fault::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
            Fault::SubprotocolRequired => StatusCode::BAD_REQUEST,
            Fault::CheckPanicked => StatusCode::INTERNAL_SERVER_ERROR,
            Fault::ShuttingDown { .. } | Fault::TooManyConnections { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn reason(self) -> &'static str {
        match self.fault {
            Fault::Handshake(refusal) => refusal.reason(),
            Fault::HostNotAllowed => "the host is not one of this server",
            Fault::SubprotocolRequired => "no subprotocol that is offered is spoken here",
            Fault::CheckPanicked => "a function of the application panicked",
            Fault::ShuttingDown { .. } => "the server shuts down",
            Fault::TooManyConnections { .. } => "there are too many connections",
        }
    }

    fn body_text(self) -> &'static str {
        self.status().canonical_reason().unwrap_or_default()
    }

    fn response(self) -> Response<ResponseBody> {
        let mut response = Response::new(self.body_text().into());
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        self.add_headers(&mut response);
        response
    }

    fn add_headers(self, response: &mut Response<ResponseBody>) {
        match self.fault {
            Fault::Handshake(refusal) if self.is_http1() => response.headers_mut().extend(refusal.headers()),
            Fault::Handshake(refusal) => response.headers_mut().extend(refusal.connect_headers()),
            Fault::ShuttingDown { retry_after } | Fault::TooManyConnections { retry_after } => {
                let begun = u64::from(retry_after.subsec_nanos() > 0);
                let seconds = retry_after.as_secs().saturating_add(begun);
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            Fault::HostNotAllowed | Fault::SubprotocolRequired | Fault::CheckPanicked => {}
        }
    }

    /// Whatever the application made of the response: what follows an HTTP/1 request is not read as another. HTTP/2 has
    /// its streams for that, and no `Connection` header.
    fn end_connection(self, response: &mut Response<ResponseBody>) {
        if self.is_http1() && !handshake::has_token(response.headers(), &CONNECTION, "close") {
            response.headers_mut().append(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// A function of the application that shapes refusing responses.
#[derive(Clone)]
pub(crate) struct OnRejection(Arc<Shape>);

type Shape =
    dyn Fn(&WebSocketUpgradeRejection, Response<ResponseBody>) -> Response<ResponseBody> + Send + Sync;

impl OnRejection {
    pub(crate) fn new<F>(shape: F) -> Self
    where
        F: Fn(&WebSocketUpgradeRejection, Response<ResponseBody>) -> Response<ResponseBody>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(shape))
    }
}

impl fmt::Debug for OnRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRejection(..)")
    }
}
