//! Compressors and decompressors that connections borrow while a message is in flight.

/// Where compressors and decompressors come from.
#[derive(Clone, Debug, Default)]
pub struct DeflatePool(());
