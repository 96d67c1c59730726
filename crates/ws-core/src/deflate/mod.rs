//! permessage-deflate (RFC 7692).

mod codec;
mod compress;
mod config;
mod decoder;
mod encoder;
mod history;
mod inflate;
#[cfg(feature = "handshake")]
mod offer;
mod pool;

#[cfg(feature = "handshake")]
pub(crate) use self::offer::{InvalidParameters, NAME, Parameters};
pub(crate) use self::{
    compress::{Compressor, Streamed},
    inflate::Inflater,
};
pub use self::{
    config::{Compression, CompressionLevel, DeflateConfig, NegotiatedDeflate},
    pool::DeflatePool,
};
use crate::Role;

impl NegotiatedDeflate {
    /// What one endpoint compresses with.
    pub(crate) fn compressor(&self, role: Role, config: &DeflateConfig) -> Compressor {
        let (own, bits, no_takeover) = match role {
            Role::Server => {
                (config.server_max_window_bits, self.server_max_window_bits, self.server_no_context_takeover)
            }
            Role::Client => {
                (config.client_max_window_bits, self.client_max_window_bits, self.client_no_context_takeover)
            }
        };
        Compressor::new(bits.min(own.unwrap_or(OWN_BITS)), !no_takeover, config)
    }

    /// What one endpoint decompresses with.
    pub(crate) fn inflater(&self, role: Role, config: &DeflateConfig) -> Inflater {
        let (bits, no_takeover) = match role {
            Role::Server => (self.client_max_window_bits, self.client_no_context_takeover),
            Role::Client => (self.server_max_window_bits, self.server_no_context_takeover),
        };
        Inflater::new(bits, !no_takeover, config.pool.clone())
    }
}

/// The window of a compressor, unless it is set: 4 KiB. Larger ones gain little on messages of some KiB, and cost more to
/// fill for each of them than to compress it.
const OWN_BITS: u8 = 12;
