//! permessage-deflate (RFC 7692).

mod config;
mod pool;

pub use self::{
    config::{Compression, CompressionLevel, DeflateConfig, NegotiatedDeflate},
    pool::DeflatePool,
};
