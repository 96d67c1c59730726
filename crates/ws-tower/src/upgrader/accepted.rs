//! What comes of a handshake that passed the checks.

#[cfg(feature = "axum")]
use std::mem;

#[cfg(feature = "deflate")]
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header::SEC_WEBSOCKET_PROTOCOL};
#[cfg(any(feature = "axum", feature = "deflate"))]
use ws_core::handshake::RequestHead;
use ws_core::{Config, Negotiated, handshake};
#[cfg(feature = "deflate")]
use ws_core::{DeflateConfig, NegotiatedDeflate};

#[cfg(feature = "axum")]
use super::SubprotocolOrder;
use super::Upgrader;
use crate::{OnUpgrade, life::Life, observe::Handshaking, source::UpgradeSource};

/// An accepted opening handshake: the response to send, and the connection that follows it.
#[derive(Debug)]
#[must_use = "the client waits for this response"]
#[non_exhaustive]
pub struct Accepted {
    /// 101 Switching Protocols, or 200 over HTTP/2. Send it as it is, with an empty body of any type.
    ///
    /// When another response is sent instead, drop [`conn`](Self::conn): hyper hands the transport over at the end of
    /// the HTTP connection, whatever was sent on it.
    pub response: Response<()>,
    /// The connection. Await it in a task of its own: it is there only after the response was sent.
    pub conn: OnUpgrade,
}

impl Accepted {
    /// Adds a header to the response, such as `Set-Cookie`, beside others of its name.
    ///
    /// One that belongs to the handshake is dropped; [`Upgrader::response_headers`] says which these are. No value can end
    /// its line: a [`HeaderValue`] holds no CR, LF or NUL.
    ///
    /// ```
    /// use http::{HeaderValue, Request, header::SET_COOKIE};
    /// use ws_tower::{Accepted, Upgrader, rejection::WebSocketUpgradeRejection};
    ///
    /// fn accept(upgrader: &Upgrader, mut request: Request<()>) -> Result<Accepted, WebSocketUpgradeRejection> {
    ///     let accepted = upgrader.upgrade(&mut request)?;
    ///     Ok(accepted.response_header(SET_COOKIE, HeaderValue::from_static("seen=1; Secure; HttpOnly")))
    /// }
    /// # let _ = accept;
    /// ```
    pub fn response_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        append(self.response.headers_mut(), name, value);
        self
    }

    /// Answers with this subprotocol, or with none, whatever the policy chose: for gateways, whose backend chooses.
    ///
    /// It must be one that the client offered, or the client fails the connection (RFC 6455, 4.1).
    pub fn subprotocol(mut self, name: Option<HeaderValue>) -> Self {
        self.conn.negotiated().subprotocol =
            name.as_ref().and_then(|name| name.to_str().ok()).map(Into::into);
        let headers = self.response.headers_mut();
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        headers.extend(name.map(|name| (SEC_WEBSOCKET_PROTOCOL, name)));
        self
    }

    /// Does without compression, whatever the policy agreed on.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn without_compression(mut self) -> Self {
        self.conn.negotiated().deflate = None;
        self.response.headers_mut().remove(SEC_WEBSOCKET_EXTENSIONS);
        self
    }

    /// Whether the policy agreed on compression with the client.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS)
    }
}

/// Adds a header of an application to those of a response that accepts a handshake.
pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !handshake::is_reserved_response_header(&name) {
        headers.append(name, value);
    }
}

/// A handshake that passed all checks and waits to be accepted.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(super) upgrader: Upgrader,
    pub(super) source: UpgradeSource,
    pub(super) observed: Handshaking,
    pub(super) life: Option<Box<Life>>,
    /// The `Sec-WebSocket-Accept`. HTTP/2 has none.
    pub(super) accept: Option<HeaderValue>,
    pub(crate) subprotocol: Option<HeaderValue>,
    #[cfg(feature = "axum")]
    pub(crate) offers: Offers,
    /// Boxed, as what follows, and absent in most handshakes: an extractor is moved many times.
    pub(super) config: Option<Box<Config>>,
    /// What the application adds to the response, beside what the policy does.
    pub(super) response_headers: Option<Box<HeaderMap>>,
    #[cfg(feature = "deflate")]
    pub(crate) compression: Option<Box<Agreed>>,
}

/// What a client offers that an extractor has a look at: most offer nothing, and to look for it takes time.
#[cfg(feature = "axum")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offers {
    pub(crate) subprotocols: bool,
    #[cfg(feature = "deflate")]
    pub(crate) extensions: bool,
}

#[cfg(feature = "axum")]
impl Offers {
    pub(super) fn of(head: &RequestHead<'_>) -> Self {
        Self {
            subprotocols: head.offers_subprotocols(),
            #[cfg(feature = "deflate")]
            extensions: head.offers_extensions(),
        }
    }
}

/// What a client and a policy have in common of permessage-deflate.
#[cfg(feature = "deflate")]
#[derive(Debug)]
pub(crate) struct Agreed {
    deflate: DeflateConfig,
    negotiated: NegotiatedDeflate,
    response: HeaderValue,
}

#[cfg(feature = "deflate")]
impl Agreed {
    pub(super) fn of(head: &RequestHead<'_>, deflate: Option<&DeflateConfig>) -> Option<Box<Self>> {
        Self::new(deflate?, |deflate| head.negotiate_deflate(deflate))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn on(headers: &HeaderMap, deflate: Option<&DeflateConfig>) -> Option<Box<Self>> {
        Self::new(deflate?, |deflate| handshake::negotiate_deflate(headers, deflate))
    }

    fn new(
        deflate: &DeflateConfig,
        negotiate: impl FnOnce(&DeflateConfig) -> Option<(NegotiatedDeflate, HeaderValue)>,
    ) -> Option<Box<Self>> {
        let (negotiated, response) = negotiate(deflate)?;
        Some(Box::new(Self { deflate: deflate.clone(), negotiated, response }))
    }
}

impl Handshake {
    /// Whose order of preference counts where a handler chooses.
    #[cfg(feature = "axum")]
    pub(crate) fn subprotocol_order(&self) -> SubprotocolOrder {
        self.upgrader.0.subprotocols.order
    }

    #[cfg(feature = "axum")]
    pub(crate) fn add_response_header(&mut self, name: HeaderName, value: HeaderValue) {
        append(self.response_headers.get_or_insert_default(), name, value);
    }

    /// Changes the settings of this connection.
    #[cfg(feature = "axum")]
    pub(crate) fn configure(&mut self, change: impl FnOnce(Config) -> Config) {
        let config = self.config.get_or_insert_with(|| Box::new(self.upgrader.0.config.clone()));
        **config = change(mem::take(config));
    }

    pub(crate) fn accept(self) -> Accepted {
        let settings = &*self.upgrader.0;
        let mut negotiated = Negotiated::new();
        // Chosen by an application, it may be anything that fits in a header.
        if let Some(name) = self.subprotocol.as_ref().and_then(|name| name.to_str().ok()) {
            negotiated = negotiated.with_subprotocol(name);
        }
        let mut response = match self.accept {
            Some(accept) => handshake::response(accept, self.subprotocol),
            None => handshake::connect_response(self.subprotocol),
        };
        let config = self.config;
        #[cfg(feature = "deflate")]
        let config = match self.compression {
            Some(agreed) => {
                let Agreed { deflate, negotiated: parameters, response: accepted } = *agreed;
                negotiated = negotiated.with_deflate(parameters);
                response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, accepted);
                let config = config.map_or_else(|| settings.config.clone(), |config| *config);
                Some(Box::new(config.compression(deflate)))
            }
            None => config,
        };
        for added in
            [Some(&settings.response_headers), self.response_headers.as_deref()].into_iter().flatten()
        {
            // To extend a map takes a hundred instructions even by nothing.
            if !added.is_empty() {
                let added = added.iter().map(|(name, value)| (name.clone(), value.clone()));
                response.headers_mut().extend(added);
            }
        }
        let conn = OnUpgrade::new(self.source, self.upgrader, config, negotiated, self.observed, self.life);
        Accepted { response, conn }
    }
}
