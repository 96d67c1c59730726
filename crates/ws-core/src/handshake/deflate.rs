//! permessage-deflate in the opening handshake (RFC 7692, 5).

use http::{HeaderMap, HeaderValue};

use super::{Extension, Extensions, ResponseError, fields::Fields};
use crate::{
    DeflateConfig, NegotiatedDeflate,
    deflate::{InvalidParameters, NAME, Parameters},
};

/// Chooses the first offer of permessage-deflate that can be kept to. Gives what was agreed on, and the
/// `Sec-WebSocket-Extensions` of the response.
///
/// `None` if there is no such offer: the handshake goes on without compression. An offer is declined if it has a parameter
/// that is unknown, is there twice or has a value it must not have (RFC 7692, 7.1), or if it asks for a window of 8 bits, with
/// which zlib does not compress.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
/// use ws_core::{DeflateConfig, handshake::negotiate_deflate};
///
/// let mut headers = HeaderMap::new();
/// let offer = "permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate";
/// headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offer));
///
/// let (negotiated, response) = negotiate_deflate(&headers, &DeflateConfig::new()).ok_or("no common ground")?;
/// assert_eq!(response, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12");
/// assert_eq!(negotiated.server_max_window_bits, 10);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn negotiate_deflate(
    headers: &HeaderMap,
    config: &DeflateConfig,
) -> Option<(NegotiatedDeflate, HeaderValue)> {
    negotiate_offers(Fields::from(headers).extensions(), config)
}

/// [`negotiate_deflate`] for these offers.
pub(super) fn negotiate_offers(
    offers: Extensions<'_>,
    config: &DeflateConfig,
) -> Option<(NegotiatedDeflate, HeaderValue)> {
    offers.map_while(Result::ok).filter(|extension| extension.name() == NAME).find_map(|offer| {
        let (response, negotiated) = config.answer(&parameters(&offer).ok()?)?;
        Some((negotiated, HeaderValue::try_from(response.to_string()).ok()?))
    })
}

/// The `Sec-WebSocket-Extensions` with which a client offers permessage-deflate.
///
/// ```
/// use ws_core::{DeflateConfig, handshake::offer_deflate};
///
/// assert_eq!(offer_deflate(&DeflateConfig::new()), "permessage-deflate; client_max_window_bits");
/// ```
#[must_use]
pub fn offer_deflate(config: &DeflateConfig) -> HeaderValue {
    // Names and numbers, always a value.
    HeaderValue::try_from(config.offer().to_string()).unwrap_or(HeaderValue::from_static(NAME))
}

/// What the server accepted of the offer, in a response that names no other extension.
pub(super) fn accepted_deflate(
    fields: Fields<'_>,
    config: &DeflateConfig,
) -> Result<Option<NegotiatedDeflate>, ResponseError> {
    let mut accepted = fields.extensions().map_while(Result::ok);
    let Some(answer) = accepted.next() else { return Ok(None) };
    if accepted.next().is_some() {
        return Err(ResponseError::DeflateParameters);
    }
    let negotiated = parameters(&answer).and_then(|answer| config.accept(&answer));
    negotiated.map(Some).map_err(|InvalidParameters| ResponseError::DeflateParameters)
}

/// The parameters of an extension whose name is [`NAME`].
pub(crate) fn parameters(extension: &Extension<'_>) -> Result<Parameters, InvalidParameters> {
    let mut parameters = Parameters::default();
    for parameter in extension.parameters() {
        parameters.add(parameter.name(), parameter.value())?;
    }
    Ok(parameters)
}
