//! [`WebSocketUpgrade`]: the extractor, and what to do when an upgrade fails.

use std::{borrow::Cow, fmt, sync::LazyLock};

use axum_core::{
    Error,
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version, header, request::Parts};
#[cfg(feature = "deflate")]
use ws_core::DeflateConfig;
use ws_core::{Config, handshake};

#[cfg(feature = "deflate")]
use crate::upgrader::Agreed;
use crate::{
    SubprotocolOrder, Upgrader,
    extract::WebSocket,
    life,
    rejection::WebSocketUpgradeRejection,
    upgrader::{Handshake, protocol},
};

/// Extracts an opening handshake that was checked and waits to be accepted.
///
/// [`on_upgrade`](Self::on_upgrade) accepts it. Dropping the extractor and returning another response refuses it.
///
/// The request method must be `GET`, or `CONNECT` over HTTP/2; use `any` for routes, so that both arrive here, and others are
/// refused with the right status.
///
/// See the [module](crate::extract) for an example and for what differs from axum's extractor of this name.
#[must_use = "the connection is upgraded by `on_upgrade`"]
pub struct WebSocketUpgrade<F = DefaultOnFailedUpgrade> {
    handshake: Handshake,
    requested: Vec<HeaderValue>,
    /// The extensions on offer, if there are any.
    #[cfg(feature = "deflate")]
    extensions: Option<Box<HeaderMap>>,
    on_failed_upgrade: F,
}

impl<F> WebSocketUpgrade<F> {
    /// The size of the buffers that reads borrow, in bytes; 32 KiB unless set.
    pub fn read_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.read_buffer_size(size))
    }

    /// The size of the buffers that writes borrow, in bytes; 4 KiB unless set.
    pub fn write_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.write_buffer_size(size))
    }

    /// How many queued bytes make writers wait; 64 KiB unless set. [`Config::high_water_mark`] under axum's name.
    ///
    /// Where axum's socket fails a write beyond this size, this one waits until the peer has taken some.
    pub fn max_write_buffer_size(self, max: usize) -> Self {
        self.configure(|config| config.high_water_mark(max))
    }

    /// The largest message that is accepted, in bytes; 64 MiB unless set here or by a layer.
    pub fn max_message_size(self, max: usize) -> Self {
        self.configure(|config| config.max_message_size(max as u64))
    }

    /// The largest frame that is accepted, in bytes; the message limit unless set.
    pub fn max_frame_size(self, max: usize) -> Self {
        self.configure(|config| config.max_frame_size(max as u64))
    }

    /// Whether frames without a mask are accepted, which RFC 6455, 5.1 forbids. Off by default.
    pub fn accept_unmasked_frames(self, accept: bool) -> Self {
        self.configure(|config| config.accept_unmasked_frames(accept))
    }

    /// Replaces all settings of the connection.
    pub fn config(self, config: Config) -> Self {
        self.configure(|_| config)
    }

    /// Compresses messages if the client offers permessage-deflate (RFC 7692); `None` for no compression. That of the layer,
    /// or none, unless set. See [`Upgrader::compression`].
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compression(mut self, deflate: impl Into<Option<DeflateConfig>>) -> Self {
        let deflate = deflate.into();
        let offers = self.extensions.as_deref();
        self.handshake.compression = offers.and_then(|offers| Agreed::on(offers, deflate.as_ref()));
        self
    }

    /// Chooses the first of the client's subprotocols that is among `protocols`, or none.
    ///
    /// Names are compared case-sensitively (RFC 6455, 4.1). The client lists them by preference, and its order counts, unless
    /// the layer's [`Upgrader::subprotocol_order`] says otherwise: with [`SubprotocolOrder::Server`] it is the first of
    /// `protocols` that the client offers, as with axum's extractor.
    ///
    /// ```
    /// # use axum::response::Response;
    /// # use ws_tower::extract::WebSocketUpgrade;
    /// async fn handler(ws: WebSocketUpgrade) -> Response {
    ///     ws.protocols(["graphql-ws", "graphql-transport-ws"]).on_upgrade(|socket| async move {
    ///         println!("{:?}", socket.protocol());
    ///     })
    /// }
    /// ```
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        let known: Vec<Cow<'static, str>> = protocols.into_iter().map(Into::into).collect();
        let requested = &self.requested;
        let chosen = match self.handshake.subprotocol_order() {
            SubprotocolOrder::Client => requested
                .iter()
                .find(|offered| known.iter().any(|name| name.as_bytes() == offered.as_bytes())),
            SubprotocolOrder::Server => known
                .iter()
                .find_map(|name| requested.iter().find(|offered| name.as_bytes() == offered.as_bytes())),
        };
        self.handshake.subprotocol = chosen.cloned();
        self
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Chooses a subprotocol, offered or not. A browser fails the connection when it was not offered.
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.handshake.subprotocol = Some(protocol);
    }

    /// The subprotocol that is chosen so far, if any.
    #[must_use]
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.handshake.subprotocol.as_ref()
    }

    /// Adds a header to the response, such as `Set-Cookie`, beside others of its name.
    ///
    /// One that belongs to the handshake is dropped, where one that is put into the response that
    /// [`on_upgrade`](Self::on_upgrade) gives would break it; [`Upgrader::response_headers`] says which these are. No value
    /// can end its line: a [`HeaderValue`] holds no CR, LF or NUL.
    pub fn response_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.handshake.add_response_header(name, value);
        self
    }

    /// Calls `callback` when the accepted handshake is not followed by a connection. Ignored unless set.
    pub fn on_failed_upgrade<C>(self, callback: C) -> WebSocketUpgrade<C>
    where
        C: OnFailedUpgrade,
    {
        WebSocketUpgrade {
            handshake: self.handshake,
            requested: self.requested,
            #[cfg(feature = "deflate")]
            extensions: self.extensions,
            on_failed_upgrade: callback,
        }
    }

    /// Accepts the handshake: gives the response, and runs `callback` with the connection that follows it.
    ///
    /// The callback runs in a tokio task of its own. Decide before this call whether the client may connect: hyper hands
    /// the transport over at the end of the HTTP connection, even if another response was sent than the one given here.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use = "the client waits for this response"]
    pub fn on_upgrade<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
        F: OnFailedUpgrade,
    {
        let protocol = self.handshake.subprotocol.clone();
        let accepted = self.handshake.accept();
        let on_failed_upgrade = self.on_failed_upgrade;
        life::serve(accepted.conn, move |upgraded| match upgraded {
            Ok(conn) => {
                Some(conn.get_ref().observer.scope().run(|| callback(WebSocket::new(conn, protocol))))
            }
            Err(error) => {
                on_failed_upgrade.call(Error::new(error));
                None
            }
        });
        accepted.response.map(|()| Body::empty())
    }

    fn configure(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.handshake.configure(change);
        self
    }
}

impl<S> FromRequestParts<S> for WebSocketUpgrade
where
    S: Send + Sync,
{
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let upgrader = Upgrader::from_extensions(&parts.extensions).unwrap_or_else(|| DEFAULT.clone());
        let handshake = upgrader.check(parts)?;
        Ok(Self {
            requested: if handshake.offers.subprotocols { requested(&parts.headers) } else { Vec::new() },
            #[cfg(feature = "deflate")]
            extensions: handshake.offers.extensions.then(|| extensions(&parts.headers)),
            handshake,
            on_failed_upgrade: DefaultOnFailedUpgrade,
        })
    }
}

impl<S> OptionalFromRequestParts<S> for WebSocketUpgrade
where
    S: Send + Sync,
{
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Self::Rejection> {
        let asks = if parts.version > Version::HTTP_11 {
            handshake::is_websocket_connect(&parts.method, protocol(parts))
        } else {
            handshake::has_token(&parts.headers, &header::UPGRADE, "websocket")
        };
        if !asks {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// The subprotocols on offer.
fn requested(headers: &HeaderMap) -> Vec<HeaderValue> {
    let requested = handshake::requested_subprotocols(headers).map(HeaderValue::from_str);
    // Each is valid: it is a piece of a header.
    requested.filter_map(Result::ok).collect()
}

/// The lines that offer extensions, and no others.
#[cfg(feature = "deflate")]
fn extensions(headers: &HeaderMap) -> Box<HeaderMap> {
    let mut extensions = Box::<HeaderMap>::default();
    for line in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
        extensions.append(header::SEC_WEBSOCKET_EXTENSIONS, line.clone());
    }
    extensions
}

/// The policy where no layer gives one: ours, with axum's limit. Made once: each handshake has a clone.
static DEFAULT: LazyLock<Upgrader> =
    LazyLock::new(|| Upgrader::new().config(Config::new().max_message_size(AXUM_MAX_MESSAGE_SIZE)));

impl<F> fmt::Debug for WebSocketUpgrade<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("handshake", &self.handshake)
            .field("requested", &self.requested)
            .finish_non_exhaustive()
    }
}

/// What to do when an accepted handshake is not followed by a connection.
///
/// Implemented for closures; see [`WebSocketUpgrade::on_failed_upgrade`].
pub trait OnFailedUpgrade: Send + 'static {
    /// Takes the error. What stands behind it is an [`UpgradeError`](crate::UpgradeError).
    fn call(self, error: Error);
}

impl<F> OnFailedUpgrade for F
where
    F: FnOnce(Error) + Send + 'static,
{
    fn call(self, error: Error) {
        self(error);
    }
}

/// Ignores the error.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DefaultOnFailedUpgrade;

impl OnFailedUpgrade for DefaultOnFailedUpgrade {
    fn call(self, _error: Error) {}
}

/// What handlers written for axum rely on.
const AXUM_MAX_MESSAGE_SIZE: u64 = 64 << 20;
