//! What comes of a handshake that passed the checks.

#[cfg(feature = "deflate")]
use http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};
use http::{HeaderValue, Response};
use ws_core::{Config, Negotiated, handshake};
#[cfg(feature = "deflate")]
use ws_core::{DeflateConfig, NegotiatedDeflate};

use super::Upgrader;
use crate::{OnUpgrade, source::UpgradeSource};

/// An accepted opening handshake: the response to send, and the connection that follows it.
#[derive(Debug)]
#[must_use = "the client waits for this response"]
#[non_exhaustive]
pub struct Accepted {
    /// 101 Switching Protocols. Send it as it is, with an empty body of any type.
    ///
    /// When another response is sent instead, drop [`conn`](Self::conn): hyper hands the transport over at the end of
    /// the HTTP connection, whatever was sent on it.
    pub response: Response<()>,
    /// The connection. Await it in a task of its own: it is there only after the response was sent.
    pub conn: OnUpgrade,
}

/// A handshake that passed all checks and waits to be accepted.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(super) upgrader: Upgrader,
    pub(super) source: UpgradeSource,
    pub(super) accept: HeaderValue,
    pub(crate) subprotocol: Option<HeaderValue>,
    pub(crate) config: Config,
    #[cfg(feature = "deflate")]
    pub(crate) compression: Option<Agreed>,
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
    pub(crate) fn on(headers: &HeaderMap, deflate: Option<&DeflateConfig>) -> Option<Self> {
        let deflate = deflate?;
        let (negotiated, response) = handshake::negotiate_deflate(headers, deflate)?;
        Some(Self { deflate: deflate.clone(), negotiated, response })
    }
}

impl Handshake {
    pub(crate) fn accept(self) -> Accepted {
        let settings = &*self.upgrader.0;
        let mut negotiated = Negotiated::new();
        // Chosen by an application, it may be anything that fits in a header.
        if let Some(name) = self.subprotocol.as_ref().and_then(|name| name.to_str().ok()) {
            negotiated = negotiated.with_subprotocol(name);
        }
        let mut response = handshake::response(self.accept, self.subprotocol);
        let config = self.config;
        #[cfg(feature = "deflate")]
        let config = match self.compression {
            Some(Agreed { deflate, negotiated: parameters, response: accepted }) => {
                negotiated = negotiated.with_deflate(parameters);
                response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, accepted);
                config.compression(deflate)
            }
            None => config,
        };
        response
            .headers_mut()
            .extend(settings.response_headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conn = OnUpgrade::new(self.source, settings.handshake_timeout, config, negotiated);
        Accepted { response, conn }
    }
}
