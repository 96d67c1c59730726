//! Agreeing on permessage-deflate in an opening handshake without an HTTP server (RFC 7692, 5 and 7.1).

use super::super::handshake::{Handshake, OwnedExtension};
use crate::{
    DeflateConfig, NegotiatedDeflate, Role,
    deflate::{InvalidParameters, NAME, Parameters},
    handshake::{Extension, ResponseError, parameters},
};

/// Makes the extension with which a client offers permessage-deflate.
///
/// ```
/// use ws_core::{DeflateConfig, raw::{deflate, handshake::Dialer}};
///
/// let config = DeflateConfig::new().server_max_window_bits(10);
/// let offer = deflate::offer(&config);
/// assert_eq!(offer.to_string(), "permessage-deflate; server_max_window_bits=10; client_max_window_bits");
/// let dialer = Dialer::new().extensions([offer]);
/// # let _ = dialer;
/// ```
#[must_use]
pub fn offer(config: &DeflateConfig) -> OwnedExtension {
    config.offer().into()
}

/// Answers an extension that a client offers, for a server; `None` declines it.
///
/// Declined are other extensions, offers with parameters that are unknown, there twice or have a value that they must not
/// have, and those that ask for a window of 8 bits, with which zlib does not compress (RFC 7692, 7.1).
///
/// ```
/// use ws_core::{DeflateConfig, raw::{deflate, handshake::Upgrader}};
///
/// let config = DeflateConfig::new();
/// let upgrader = Upgrader::new().negotiate(move |offer| Ok(deflate::answer(offer, &config)));
/// # let _ = upgrader;
/// ```
#[must_use]
pub fn answer(offer: &Extension<'_>, config: &DeflateConfig) -> Option<OwnedExtension> {
    if offer.name() != NAME {
        return None;
    }
    let (response, _) = config.answer(&parameters(offer).ok()?)?;
    Some(response.into())
}

/// Tells what an opening handshake came to, at either end; `None` without compression.
///
/// The configuration is the one that was [offered](offer), or [answered](answer) with. Frames can be read and written with
/// the result, or a connection be made that compresses:
///
/// ```
/// use tokio::io::{AsyncRead, AsyncWrite};
/// use ws_core::{
///     Config, Conn, DeflateConfig, Negotiated,
///     handshake::ResponseError,
///     raw::{deflate, handshake::Handshake},
/// };
///
/// fn into_conn<S>(
///     io: S,
///     handshake: Handshake,
///     compression: DeflateConfig,
/// ) -> Result<Conn<S>, ResponseError> {
///     let mut negotiated = Negotiated::new().with_deflate(deflate::negotiated(&handshake, &compression)?);
///     let (role, config) = (handshake.role(), Config::new().compression(compression));
///     negotiated.subprotocol = handshake.subprotocol;
///     Ok(Conn::with_read_buf(io, role, config, negotiated, handshake.read_buf))
/// }
/// ```
///
/// # Errors
/// [`ResponseError::DeflateParameters`] if the server accepted permessage-deflate twice, or with parameters that do not
/// answer the offer. A client fails the connection then (RFC 7692, 7.1).
pub fn negotiated(
    handshake: &Handshake,
    config: &DeflateConfig,
) -> Result<Option<NegotiatedDeflate>, ResponseError> {
    let mut accepted = handshake.extensions.iter().filter(|extension| extension.name() == NAME);
    let Some(answer) = accepted.next() else { return Ok(None) };
    if accepted.next().is_some() {
        return Err(ResponseError::DeflateParameters);
    }
    let negotiated = owned_parameters(answer).and_then(|answer| match handshake.role() {
        Role::Client => config.accept(&answer),
        // Its own answer.
        Role::Server => Ok(answer.into()),
    });
    Ok(Some(negotiated.map_err(|InvalidParameters| ResponseError::DeflateParameters)?))
}

fn owned_parameters(extension: &OwnedExtension) -> Result<Parameters, InvalidParameters> {
    let mut parameters = Parameters::default();
    extension.parameters().try_for_each(|(name, value)| parameters.add(name, value))?;
    Ok(parameters)
}
