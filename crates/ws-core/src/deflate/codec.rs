//! A compressor (RFC 1951), as a pool keeps it.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Strategy};

use super::{CompressionLevel, encoder::Encoder};

/// What cannot be changed about a compressor once it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Ours, for low levels and every window.
    Fast,
    /// zlib.
    Slow {
        /// The window, 9 bits at least.
        bits: u8,
        memory_level: u8,
        huffman_only: bool,
    },
}

/// Compresses one message at a time.
pub(super) struct Codec {
    engine: Engine,
    shape: Shape,
    /// What one message is compressed to.
    pub(super) output: Vec<u8>,
}

enum Engine {
    Fast(Box<Encoder>),
    Slow(Zlib),
}

impl Codec {
    pub(super) fn new(shape: Shape) -> Self {
        let engine = match shape {
            Shape::Fast => Engine::Fast(Box::default()),
            Shape::Slow { bits, memory_level, huffman_only } => {
                Engine::Slow(Zlib::new(bits, memory_level, huffman_only))
            }
        };
        Self { engine, shape, output: Vec::new() }
    }

    /// Gives memory back that only a large message needs.
    pub(super) fn trim(&mut self) {
        if self.output.capacity() > KEPT {
            self.output = Vec::new();
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Begins a message that may refer to what was sent before, in a window of so many bits.
    pub(super) fn begin(&mut self, level: CompressionLevel, bits: u8, history: &[u8]) {
        match &mut self.engine {
            Engine::Fast(encoder) => encoder.begin(level, bits, history),
            Engine::Slow(zlib) => zlib.begin(level, history),
        }
    }

    /// Compresses all of the input and flushes it, behind what `out` holds. Whether that is what a flush looks like.
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        match &mut self.engine {
            Engine::Fast(encoder) => {
                encoder.compress(input, out);
                true
            }
            Engine::Slow(zlib) => zlib.compress(input, out),
        }
    }
}

struct Zlib {
    deflate: Deflate,
    huffman_only: bool,
    level: u8,
}

impl Zlib {
    fn new(bits: u8, memory_level: u8, huffman_only: bool) -> Self {
        let level = CompressionLevel::DEFAULT.number();
        let deflate = Deflate::new_with_config(DeflateConfig {
            level: i32::from(level),
            window_bits: -i32::from(bits),
            mem_level: i32::from(memory_level),
            strategy: if huffman_only { Strategy::HuffmanOnly } else { Strategy::Default },
            ..DeflateConfig::default()
        });
        Self { deflate, huffman_only, level }
    }

    fn begin(&mut self, level: CompressionLevel, history: &[u8]) {
        self.deflate.reset();
        let level = level.number();
        // It would set the strategy, too.
        if level != self.level && !self.huffman_only {
            let set = self.deflate.set_level(i32::from(level));
            debug_assert!(set.is_ok(), "a stream that has just begun takes a level");
            self.level = level;
        }
        if !history.is_empty() {
            let set = self.deflate.set_dictionary(history);
            debug_assert!(set.is_ok(), "a stream that has just begun takes a dictionary");
        }
    }

    /// It goes on to the end whatever the size of the output: zlib-rs panics if a stream that was left in its middle is
    /// followed by another one of level 1.
    fn compress(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut room = (input.len() / 2).max(FIRST);
        loop {
            let len = out.len();
            out.resize(len + room, 0);
            let before = (self.deflate.total_in(), self.deflate.total_out());
            let status = self.deflate.compress(input, &mut out[len..], DeflateFlush::SyncFlush);
            input = &input[(self.deflate.total_in() - before.0) as usize..];
            let given = (self.deflate.total_out() - before.1) as usize;
            out.truncate(len + given);
            if status.is_err() {
                return false;
            }
            if given < room {
                return input.is_empty() && out.ends_with(&TAIL);
            }
            room *= 2;
        }
    }
}

/// What every flush ends with: the rest of an empty block (7.2.1).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// Room that is made for the output at first.
const FIRST: usize = 256;
/// The output that a compressor keeps room for.
const KEPT: usize = 64 << 10;
