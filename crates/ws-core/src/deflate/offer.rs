//! Agreeing on permessage-deflate in the opening handshake (RFC 7692, 5 and 7.1).

use std::fmt;

use super::{DeflateConfig, NegotiatedDeflate, OWN_BITS};

/// The name of the extension (RFC 7692, 7).
pub(crate) const NAME: &str = "permessage-deflate";

/// The parameters of one offer or of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Bits>,
}

/// The value of `client_max_window_bits`: an offer may leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bits {
    Any,
    Value(u8),
}

/// The parameters are not those of an offer, or not an answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidParameters;

impl Parameters {
    /// Adds a parameter as it stands in the header.
    ///
    /// 7.1: an offer is declined, and a connection failed, for a parameter that is not known, has a value that it must not
    /// have, or is there twice.
    pub(crate) fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), InvalidParameters> {
        match (name, value) {
            ("server_no_context_takeover", None) if !self.server_no_context_takeover => {
                self.server_no_context_takeover = true;
            }
            ("client_no_context_takeover", None) if !self.client_no_context_takeover => {
                self.client_no_context_takeover = true;
            }
            ("server_max_window_bits", Some(value)) if self.server_max_window_bits.is_none() => {
                self.server_max_window_bits = Some(window_bits(value)?);
            }
            ("client_max_window_bits", value) if self.client_max_window_bits.is_none() => {
                let bits = match value {
                    Some(value) => Bits::Value(window_bits(value)?),
                    None => Bits::Any,
                };
                self.client_max_window_bits = Some(bits);
            }
            _ => return Err(InvalidParameters),
        }
        Ok(())
    }

    /// The parameters as they stand in a header: names, and values where there are some.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, Option<u8>)> {
        let client_bits = self.client_max_window_bits.map(|bits| match bits {
            Bits::Any => None,
            Bits::Value(bits) => Some(bits),
        });
        [
            self.server_no_context_takeover.then_some(("server_no_context_takeover", None)),
            self.client_no_context_takeover.then_some(("client_no_context_takeover", None)),
            self.server_max_window_bits.map(|bits| ("server_max_window_bits", Some(bits))),
            client_bits.map(|bits| ("client_max_window_bits", bits)),
        ]
        .into_iter()
        .flatten()
    }
}

impl DeflateConfig {
    /// What a client offers.
    pub(crate) fn offer(&self) -> Parameters {
        Parameters {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            // 7.1.2.2: without it a server could not choose a smaller window.
            client_max_window_bits: Some(self.client_max_window_bits.map_or(Bits::Any, Bits::Value)),
        }
    }

    /// What a server answers to an offer, if it accepts it, and what that means.
    pub(crate) fn answer(&self, offer: &Parameters) -> Option<(Parameters, NegotiatedDeflate)> {
        let server_max_window_bits = match offer.server_max_window_bits {
            // 7.1.2.1: an offer that cannot be kept to is declined, and zlib has no such window.
            Some(bits) if bits < SMALLEST => return None,
            Some(bits) => Some(bits.min(self.server_max_window_bits.unwrap_or(OWN_BITS))),
            None => self.server_max_window_bits.filter(|bits| *bits < LARGEST),
        };
        // 7.1.1.2: a hint, that some clients want to see confirmed.
        let client_no_context_takeover = self.client_no_context_takeover || offer.client_no_context_takeover;
        // Where no window is kept a small one saves nothing, and takes longer: only zlib decompresses the largest.
        let client_limit = self.client_max_window_bits.unwrap_or(if client_no_context_takeover {
            LARGEST
        } else {
            OWN_BITS
        });
        let client_max_window_bits = match offer.client_max_window_bits {
            Some(Bits::Value(bits)) => Some(bits.min(client_limit)),
            Some(Bits::Any) => Some(client_limit),
            // 7.1.2.2: it must not be in the response then.
            None => None,
        };
        let response = Parameters {
            // 7.1.1.1: what a client asks for is confirmed.
            server_no_context_takeover: self.server_no_context_takeover || offer.server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits: client_max_window_bits.filter(|bits| *bits < LARGEST).map(Bits::Value),
        };
        Some((response, response.into()))
    }

    /// What a response means to the client that made the [offer](Self::offer).
    pub(crate) fn accept(&self, response: &Parameters) -> Result<NegotiatedDeflate, InvalidParameters> {
        // 7.1.1.1: asked for, so it has to be confirmed.
        if self.server_no_context_takeover && !response.server_no_context_takeover {
            return Err(InvalidParameters);
        }
        // 7.1.2.1: the same or a smaller window. Without being asked, a server may say which it uses.
        if self
            .server_max_window_bits
            .is_some_and(|bits| response.server_max_window_bits.is_none_or(|answer| answer > bits))
        {
            return Err(InvalidParameters);
        }
        // 7.1.2.2: in a response there is always a value.
        let client_limit = self.client_max_window_bits.unwrap_or(LARGEST);
        match response.client_max_window_bits {
            Some(Bits::Value(bits)) if bits <= client_limit => {}
            None => {}
            Some(_) => return Err(InvalidParameters),
        }
        let mut negotiated = NegotiatedDeflate::from(*response);
        // It was promised.
        negotiated.client_no_context_takeover |= self.client_no_context_takeover;
        Ok(negotiated)
    }
}

impl From<Parameters> for NegotiatedDeflate {
    fn from(response: Parameters) -> Self {
        Self {
            server_no_context_takeover: response.server_no_context_takeover,
            client_no_context_takeover: response.client_no_context_takeover,
            server_max_window_bits: response.server_max_window_bits.unwrap_or(LARGEST),
            client_max_window_bits: match response.client_max_window_bits {
                Some(Bits::Value(bits)) => bits,
                Some(Bits::Any) | None => LARGEST,
            },
        }
    }
}

/// The extension with its parameters, as it stands in a header.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        self.each().try_for_each(|(name, value)| match value {
            Some(bits) => write!(f, "; {name}={bits}"),
            None => write!(f, "; {name}"),
        })
    }
}

/// 7.1.2: a decimal number from 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Result<u8, InvalidParameters> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Ok(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Ok(10 + digit - b'0'),
        _ => Err(InvalidParameters),
    }
}

/// The smallest window that zlib compresses with.
const SMALLEST: u8 = 9;
/// The largest window, which is what a response without a value means.
const LARGEST: u8 = 15;
