//! permessage-deflate in the opening handshake (RFC 7692, 5).

use http::{HeaderMap, HeaderValue, StatusCode};

use super::{
    Extension, ResponseError,
    client::{check_answer, to_header},
    fields::Fields,
    scan::trim,
};
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
    Fields::from(headers)
        .extensions()
        .map_while(Result::ok)
        .filter(|extension| extension.name() == NAME)
        .find_map(|offer| {
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

/// As [`check_response`](super::check_response), for a request with the offer of [`offer_deflate`]. Gives what was agreed on
/// as well, if the server accepted it.
///
/// # Errors
/// As [`check_response`](super::check_response), and [`ResponseError::DeflateParameters`] if the server accepted something
/// else than was offered (RFC 7692, 7.1).
pub fn check_response_with_deflate(
    status: StatusCode,
    headers: &HeaderMap,
    key: &HeaderValue,
    offered: &[impl AsRef<str>],
    config: &DeflateConfig,
) -> Result<(Option<HeaderValue>, Option<NegotiatedDeflate>), ResponseError> {
    let key = trim(key.as_bytes());
    let index = check_answer(status, headers.into(), key, offered, |name| name == NAME)?;
    let subprotocol = index.map(|index| to_header(offered[index].as_ref())).transpose()?;
    Ok((subprotocol, accepted_deflate(headers.into(), config)?))
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
