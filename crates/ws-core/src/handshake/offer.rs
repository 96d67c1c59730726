//! What a client offers beside the protocol itself, and what comes of it.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION},
};

use super::{
    OfferError, ResponseError,
    client::{check_agreed, check_answer, offer, request_headers},
    connect::HTTP1_FIELDS,
    extensions::parse_extensions,
    fields::Fields,
    scan::trim,
};
use crate::Negotiated;
#[cfg(feature = "deflate")]
use crate::{DeflateConfig, deflate::NAME};

/// The subprotocols and the compression that a client offers: the headers of its request, and the check of the response.
///
/// ```
/// use http::Response;
/// use ws_core::handshake::{self, Offer};
///
/// let key = handshake::encode_key(*b"sixteen bytes...");
/// let offer = Offer::new(&["chat.v2", "chat.v1"]);
/// let request = offer.headers(&key)?;
/// assert_eq!(request["sec-websocket-protocol"], "chat.v2, chat.v1");
///
/// let response: Response<()> = handshake::response(handshake::accept_key(key.as_bytes()), None);
/// let negotiated = offer.check(response.status(), response.headers(), &key)?;
/// assert_eq!(negotiated.subprotocol, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Offer<'a, P> {
    subprotocols: &'a [P],
    extensions: Option<&'a HeaderMap>,
    #[cfg(feature = "deflate")]
    deflate: Option<&'a DeflateConfig>,
}

impl<'a, P: AsRef<str>> Offer<'a, P> {
    /// An offer of these subprotocols, the preferred one first, and of no compression.
    pub fn new(subprotocols: &'a [P]) -> Self {
        Self {
            subprotocols,
            extensions: None,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// Offers the extensions in the `Sec-WebSocket-Extensions` lines of these headers, and no others: for a gateway, whose
    /// client speaks them with the server.
    ///
    /// The server may accept any extension that is named there. Its parameters are for whoever offered it to check, and
    /// nothing of it is in what [`check`](Self::check) gives.
    pub fn with_extensions(mut self, headers: &'a HeaderMap) -> Self {
        self.extensions = Some(headers);
        self
    }

    /// Offers permessage-deflate (RFC 7692) as well.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn with_deflate(mut self, config: impl Into<Option<&'a DeflateConfig>>) -> Self {
        self.deflate = config.into();
        self
    }

    /// The headers that make an HTTP/1.1 `GET` an opening handshake with this offer, without `Host`.
    ///
    /// # Errors
    ///
    /// If a subprotocol is not a token, or is offered twice.
    pub fn headers(&self, key: &HeaderValue) -> Result<HeaderMap, OfferError> {
        let mut headers = request_headers(key, self.subprotocols)?;
        self.offer_extensions(&mut headers);
        Ok(headers)
    }

    /// The headers that go with an extended `CONNECT` of HTTP/2: the version and this offer, without a key (RFC 8441, 5).
    ///
    /// # Errors
    ///
    /// As [`headers`](Self::headers).
    pub fn connect_headers(&self) -> Result<HeaderMap, OfferError> {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if let Some(subprotocols) = offer(self.subprotocols)? {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocols);
        }
        self.offer_extensions(&mut headers);
        Ok(headers)
    }

    /// Checks the response to a request with these [`headers`](Self::headers), and gives what both agree on.
    ///
    /// # Errors
    ///
    /// If the server did not switch protocols, or agrees to something that was not offered (RFC 6455, 4.1; RFC 7692, 7.1).
    /// The connection must not be used then.
    pub fn check(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        key: &HeaderValue,
    ) -> Result<Negotiated, ResponseError> {
        let fields = Fields::from(headers);
        let chosen = check_answer(status, fields, trim(key.as_bytes()), self.subprotocols, |name| {
            self.has_extension(name)
        })?;
        self.negotiated(fields, chosen)
    }

    /// Checks the response to an extended `CONNECT` with these [`connect_headers`](Self::connect_headers), and gives what
    /// both agree on (RFC 8441, 5).
    ///
    /// Any 2xx accepts. A `Sec-WebSocket-Accept` means nothing over HTTP/2 and is not looked at.
    ///
    /// # Errors
    ///
    /// If the server did not accept, or agrees to something that was not offered. The stream must not be used then.
    pub fn check_connect(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Negotiated, ResponseError> {
        if !status.is_success() {
            return Err(ResponseError::ConnectStatus);
        }
        let fields = Fields::from(headers);
        if HTTP1_FIELDS.iter().any(|name| fields.contains(name)) {
            return Err(ResponseError::Http1Field);
        }
        let chosen = check_agreed(fields, self.subprotocols, |name| self.has_extension(name))?;
        self.negotiated(fields, chosen)
    }

    fn offer_extensions(&self, headers: &mut HeaderMap) {
        match self.extensions {
            Some(given) => {
                for line in given.get_all(SEC_WEBSOCKET_EXTENSIONS) {
                    headers.append(SEC_WEBSOCKET_EXTENSIONS, line.clone());
                }
            }
            #[cfg(feature = "deflate")]
            None => headers
                .extend(self.deflate.map(|config| (SEC_WEBSOCKET_EXTENSIONS, super::offer_deflate(config)))),
            #[cfg(not(feature = "deflate"))]
            None => {}
        }
    }

    fn has_extension(&self, name: &str) -> bool {
        match self.extensions {
            Some(given) => parse_extensions(given).flatten().any(|offered| offered.name() == name),
            #[cfg(feature = "deflate")]
            None => self.deflate.is_some() && name == NAME,
            #[cfg(not(feature = "deflate"))]
            None => false,
        }
    }

    /// What a response says, all of which was offered.
    #[cfg_attr(not(feature = "deflate"), expect(unused_variables, reason = "they are read for extensions"))]
    fn negotiated(&self, fields: Fields<'_>, chosen: Option<usize>) -> Result<Negotiated, ResponseError> {
        let mut negotiated = Negotiated::new();
        negotiated.subprotocol = chosen.map(|index| self.subprotocols[index].as_ref().into());
        #[cfg(feature = "deflate")]
        if let (Some(config), None) = (self.deflate, self.extensions) {
            negotiated.deflate = super::deflate::accepted_deflate(fields, config)?;
        }
        Ok(negotiated)
    }
}
