//! What an endpoint wants of permessage-deflate, and what both agreed on (RFC 7692, 7.1).

use super::DeflatePool;

/// What an endpoint offers or accepts of permessage-deflate (RFC 7692), and how it compresses.
///
/// Nothing is compressed unless both endpoints agree in the opening handshake, and compression is off until a server or a
/// client is given one of these. **Do not compress secrets together with text that an attacker chooses**: the length of
/// what is sent tells whether they match. [`Compression::Off`] leaves single messages out.
///
/// | Setting | Unless set | What it does |
/// |---|---|---|
/// | [`no_context_takeover`](Self::no_context_takeover) | takeover both ways | no window is kept between messages |
/// | [`server_max_window_bits`](Self::server_max_window_bits) | 12 as a server | the window of what the server sends |
/// | [`client_max_window_bits`](Self::client_max_window_bits) | 12; a server takes 15 without takeover | the window of what the client sends |
/// | [`level`](Self::level) | [`DEFAULT`](CompressionLevel::DEFAULT) with takeover, [`FASTEST`](CompressionLevel::FASTEST) without | time against size |
/// | [`memory_level`](Self::memory_level) | goes with the window | memory of a compressor of level 3 or more |
/// | [`threshold`](Self::threshold) | 128 bytes with takeover, 512 without | shorter messages go as they are |
/// | [`pool`](Self::pool) | one for the process | where compressors come from |
///
/// A window of 12 bits is 4 KiB. That is what an idle connection keeps for each direction with takeover; without takeover
/// it keeps nothing.
///
/// ```
/// use ws_core::DeflateConfig;
///
/// let small = DeflateConfig::new().no_context_takeover().threshold(1024);
/// # let _ = small;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeflateConfig {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<u8>,
    level: Option<CompressionLevel>,
    memory_level: Option<u8>,
    threshold: Option<usize>,
    pub(super) pool: DeflatePool,
}

impl DeflateConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trades ratio for memory: no window is kept between messages, in either direction (RFC 7692, 7.1.1).
    pub fn no_context_takeover(self) -> Self {
        self.server_no_context_takeover(true).client_no_context_takeover(true)
    }

    /// Whether the server compresses each message by itself. A server that is set so says it in its response; a client
    /// asks for it (RFC 7692, 7.1.1.1).
    pub fn server_no_context_takeover(mut self, no_takeover: bool) -> Self {
        self.server_no_context_takeover = no_takeover;
        self
    }

    /// Whether the client compresses each message by itself. A server that is set so demands it; a client says that it
    /// will (RFC 7692, 7.1.1.2).
    pub fn client_no_context_takeover(mut self, no_takeover: bool) -> Self {
        self.client_no_context_takeover = no_takeover;
        self
    }

    /// The window of what the server sends, as a power of two: 9 to 15, others are taken for the nearest of these
    /// (RFC 7692, 7.1.2.1).
    ///
    /// A server uses no larger one, and says so in its response; unless set it uses 12 bits, and says so if it is asked. A
    /// client asks for it, and holds the server to it; unless set it does not ask, and takes 15.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = Some(bits.clamp(9, 15));
        self
    }

    /// The window of what the client sends, as a power of two: 9 to 15, others are taken for the nearest of these
    /// (RFC 7692, 7.1.2.2).
    ///
    /// A server demands it of clients that can be told, most can, and holds them to it; unless set it demands 12 with
    /// context takeover, and takes 15 without, where nothing of it is kept. A client uses no larger one, and says so if
    /// this is set; unless set it uses 12.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = Some(bits.clamp(9, 15));
        self
    }

    /// How hard to try. Unless set, [`CompressionLevel::DEFAULT`] with context takeover and [`CompressionLevel::FASTEST`]
    /// without, where a message has too little in common with itself to make up for the time. A connection can change it
    /// for single messages.
    pub fn level(mut self, level: CompressionLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// How much memory a compressor takes for itself, besides its window: 1 to 9, others are taken for the nearest of
    /// these. 5 for windows up to 12 bits and 8 above, unless set. Compressors are shared, see [`DeflatePool`]. Levels 1
    /// and 2 take little, and always the same.
    pub fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = Some(level.clamp(1, 9));
        self
    }

    /// Messages shorter than this, in bytes, are sent as they are: there is little to gain. 128 with context takeover and
    /// 512 without, unless set.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = Some(bytes);
        self
    }

    /// Where compressors and decompressors come from: a pool that the whole process shares, unless set.
    pub fn pool(mut self, pool: DeflatePool) -> Self {
        self.pool = pool;
        self
    }

    /// The memory level for a window.
    pub(super) fn memory_level_for(&self, bits: u8) -> u8 {
        self.memory_level.unwrap_or(if bits <= 12 { 5 } else { 8 })
    }

    /// The level to begin with.
    pub(super) fn level_for(&self, takeover: bool) -> CompressionLevel {
        self.level.unwrap_or(if takeover { CompressionLevel::DEFAULT } else { CompressionLevel::FASTEST })
    }

    /// The length from which messages are compressed.
    pub(super) fn threshold_for(&self, takeover: bool) -> usize {
        self.threshold.unwrap_or(if takeover { 128 } else { 512 })
    }
}

/// The parameters of permessage-deflate that both endpoints agreed on (RFC 7692, 7.1).
///
/// Only the compressed bytes depend on them; how an endpoint compresses beyond that is up to its [`DeflateConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NegotiatedDeflate {
    /// The server compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// The client compresses each message by itself.
    pub client_no_context_takeover: bool,
    /// The largest window of what the server sends, as a power of two, 8 to 15.
    pub server_max_window_bits: u8,
    /// The largest window of what the client sends, as a power of two, 8 to 15.
    pub client_max_window_bits: u8,
}

impl NegotiatedDeflate {
    /// What a response without parameters means: context takeover and windows of 32 KiB, both ways.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

impl Default for NegotiatedDeflate {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a message is compressed, where permessage-deflate was negotiated.
///
/// Compression is by message, so messages that are not worth it, or that hold a secret, can be left out at any time
/// (RFC 7692, 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// The message goes as it is.
    Off,
    /// The message is compressed if it is not below the [threshold](DeflateConfig::threshold), and if that makes it smaller.
    #[default]
    On,
}

/// How hard a compressor tries: time against size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompressionLevel(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Level {
    HuffmanOnly,
    Number(u8),
}

impl CompressionLevel {
    /// No compression: messages go as they are.
    pub const NONE: Self = Self(Level::Number(0));
    /// Short codes for frequent bytes, and nothing else: no window is looked at. Fast, and nothing of an earlier message
    /// has an influence.
    pub const HUFFMAN_ONLY: Self = Self(Level::HuffmanOnly);
    /// The least time: level 1. Messages below 8 KiB do without a table of codes of their own, which takes longer to make
    /// than the rest of them.
    pub const FASTEST: Self = Self(Level::Number(1));
    /// What messages of some KiB gain most by for their time: level 2.
    pub const DEFAULT: Self = Self(Level::Number(2));
    /// The smallest size.
    pub const BEST: Self = Self(Level::Number(9));

    /// A level as zlib has them: 0 for none, 1 for the least time, up to 9 for the smallest size. Larger ones are taken for 9.
    #[must_use]
    pub const fn new(level: u8) -> Self {
        Self(Level::Number(if level > 9 { 9 } else { level }))
    }

    /// The number that zlib knows it by; 6 stands beside the strategy of Huffman-only.
    pub(super) const fn number(self) -> u8 {
        match self.0 {
            Level::HuffmanOnly => 6,
            Level::Number(level) => level,
        }
    }
}

impl Default for CompressionLevel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_out_of_range_are_taken_for_the_nearest() {
        for (given, bits) in [(0, 9), (8, 9), (9, 9), (15, 15), (16, 15), (255, 15)] {
            let config = DeflateConfig::new().server_max_window_bits(given).client_max_window_bits(given);
            assert_eq!(config.server_max_window_bits, Some(bits), "{given}");
            assert_eq!(config.client_max_window_bits, Some(bits), "{given}");
        }
        for (given, level) in [(0, 1), (1, 1), (9, 9), (10, 9), (255, 9)] {
            assert_eq!(DeflateConfig::new().memory_level(given).memory_level_for(12), level, "{given}");
        }
        assert_eq!(CompressionLevel::new(10), CompressionLevel::BEST);
    }
}
