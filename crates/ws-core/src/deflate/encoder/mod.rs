//! A compressor (RFC 1951) for messages of some KiB: little memory, little to clear, little to enter anew.
//!
//! zlib compresses streams. Between the messages of a connection it either lives on, with some hundred kilobytes of it, or it
//! begins anew, and then clearing its tables takes a third as long as a short message, and entering the window longer. Here
//! the table is of 8 KiB, and the window is entered in a microsecond.

use super::CompressionLevel;

mod bits;
mod block;
mod huffman;
mod matches;

use self::{
    bits::Bits,
    block::Block,
    matches::{Finder, Sequence},
};

/// Compresses messages by single steps: the last place where four bytes were seen is the only one that is looked at.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    finder: Finder,
    sequences: Vec<Sequence>,
    block: Block,
    fast: bool,
}

impl Encoder {
    /// Whether this is what compresses at such a level; zlib does at the others.
    pub(super) fn suits(level: CompressionLevel) -> bool {
        matches!(level, CompressionLevel::FASTEST | CompressionLevel::DEFAULT)
    }

    /// Begins anew, behind bytes that may be referred to, as far as they lie within a window of so many bits.
    pub(super) fn begin(&mut self, level: CompressionLevel, bits: u8, history: &[u8]) {
        self.fast = level == CompressionLevel::FASTEST;
        self.finder.begin(bits, history);
    }

    /// Compresses all of the input and flushes it, behind what `out` holds.
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut bits = Bits::new(out);
        for piece in input.chunks(BLOCK) {
            self.sequences.clear();
            let bytes = self.finder.find(piece, &mut self.sequences);
            self.block.write(bytes, &self.sequences, self.fast && bytes.len() < SHORT, &mut bits);
        }
        bits.flush();
    }
}

/// Bytes of the input that share a table of codes: as many as a stored block may hold, at the most.
const BLOCK: usize = 32 << 10;

/// Below this a table of codes takes longer to make than the rest of the block.
const SHORT: usize = 8 << 10;

#[cfg(test)]
mod tests;
