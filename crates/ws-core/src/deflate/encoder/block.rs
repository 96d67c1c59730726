//! Blocks (RFC 1951, 3.2.3 to 3.2.7).

use std::sync::LazyLock;

use super::{bits::Bits, huffman::Codes, matches::Sequence};

/// Writes blocks in the form that takes the fewest bits.
#[derive(Debug)]
pub(super) struct Block {
    literals: Codes<LITERALS>,
    distances: Codes<DISTANCES>,
    lengths: Codes<LENGTHS>,
    /// The lengths of the codes, as they stand before a block: symbols, and the bits behind each.
    header: Vec<(u8, u8)>,
}

impl Default for Block {
    fn default() -> Self {
        Self { literals: Codes::new(), distances: Codes::new(), lengths: Codes::new(), header: Vec::new() }
    }
}

impl Block {
    /// Writes bytes that were taken apart to sequences. With fixed codes alone, if it has to be fast.
    pub(super) fn write(&mut self, bytes: &[u8], sequences: &[Sequence], fast: bool, out: &mut Bits<'_>) {
        let mark = out.mark();
        let stored = 8 * bytes.len() as u32 + STORED;
        if fast {
            // No code is longer than 9 bits, and a match takes no more than the bytes that it stands for.
            out.reserve(9 * bytes.len() as u32 + 10);
            out.put(0b010, 3);
            let (literals, distances) = &*FIXED;
            write(bytes, sequences, literals, distances, out);
            if out.since(mark) > stored {
                out.go_back(mark);
                out.store(bytes);
            }
            return;
        }
        let extra = self.count(bytes, sequences);
        self.literals.build(14);
        self.distances.build(15);
        let dynamic = self.describe() + extra + self.cost(&self.literals, &self.distances);
        let (literals, distances) = &*FIXED;
        let fixed = extra + self.cost(literals, distances);
        if stored < dynamic.min(fixed) {
            out.store(bytes);
        } else if fixed <= dynamic {
            out.reserve(fixed);
            out.put(0b010, 3);
            write(bytes, sequences, literals, distances, out);
        } else {
            out.reserve(dynamic);
            self.write_header(out);
            write(bytes, sequences, &self.literals, &self.distances, out);
        }
    }

    /// What all that occurs takes with some codes.
    fn cost(&self, literals: &Codes<LITERALS>, distances: &Codes<DISTANCES>) -> u32 {
        literals.cost(&self.literals.frequencies) + distances.cost(&self.distances.frequencies)
    }

    /// Counts what occurs. The bits that stand behind the codes.
    fn count(&mut self, bytes: &[u8], sequences: &[Sequence]) -> u32 {
        let (literals, distances) = (&mut self.literals.frequencies, &mut self.distances.frequencies);
        *literals = [0; LITERALS];
        *distances = [0; DISTANCES];
        literals[END] = 1;
        let mut extra = 0;
        let mut rest = bytes;
        for sequence in sequences {
            let (run, behind) = rest.split_at(usize::from(sequence.literals));
            for &byte in run {
                literals[usize::from(byte)] += 1;
            }
            if sequence.len != 0 {
                let length = length(sequence.len);
                let (distance, bits, _) = distance(sequence.distance);
                literals[length.0] += 1;
                distances[distance] += 1;
                extra += length.1 + bits;
            }
            rest = &behind[usize::from(sequence.len)..];
        }
        extra
    }

    /// Makes the header that tells the codes (3.2.7). The bits that it takes.
    fn describe(&mut self) -> u32 {
        let (literals, distances) = (self.literals.used(), self.distances.used());
        let mut all = [0; LITERALS + DISTANCES];
        all[..literals].copy_from_slice(&self.literals.lengths[..literals]);
        all[literals..literals + distances].copy_from_slice(&self.distances.lengths[..distances]);
        self.header.clear();
        self.lengths.frequencies = [0; LENGTHS];
        for run in all[..literals + distances].chunk_by(|one, next| one == next) {
            let (length, mut count) = (run[0], run.len());
            if length != 0 {
                self.header.push((length, 0));
                count -= 1;
            }
            while count >= 3 {
                let (symbol, least, most) = match (length, count) {
                    (0, 11..) => (18, 11, 138),
                    (0, _) => (17, 3, 10),
                    _ => (16, 3, 6),
                };
                let many = count.min(most);
                self.header.push((symbol, (many - least) as u8));
                count -= many;
            }
            self.header.extend(std::iter::repeat_n((length, 0), count));
        }
        let mut behind = 0;
        for &(symbol, _) in &self.header {
            self.lengths.frequencies[usize::from(symbol)] += 1;
            behind += bits_behind(symbol);
        }
        self.lengths.build(7);
        17 + 3 * self.told() as u32 + self.lengths.cost(&self.lengths.frequencies) + behind
    }

    /// How many lengths of the codes for lengths are told.
    fn told(&self) -> usize {
        let last = ORDER.iter().rposition(|&symbol| self.lengths.lengths[usize::from(symbol)] != 0);
        last.map_or(0, |last| last + 1).max(4)
    }

    fn write_header(&self, out: &mut Bits<'_>) {
        let told = self.told();
        out.put(0b100, 3);
        out.put((self.literals.used() - 257) as u32, 5);
        out.put((self.distances.used() - 1) as u32, 5);
        out.put((told - 4) as u32, 4);
        out.carry();
        for &symbol in &ORDER[..told] {
            out.put(u32::from(self.lengths.lengths[usize::from(symbol)]), 3);
            out.carry();
        }
        for &(symbol, value) in &self.header {
            let (code, length) = self.lengths.get(usize::from(symbol));
            out.put(code, length);
            out.put(u32::from(value), bits_behind(symbol));
            out.carry();
        }
    }
}

/// Writes all of a block but its header. Codes of bytes and lengths have 14 bits at the most.
fn write(
    bytes: &[u8],
    sequences: &[Sequence],
    literals: &Codes<LITERALS>,
    distances: &Codes<DISTANCES>,
    out: &mut Bits<'_>,
) {
    out.carry();
    let put = |out: &mut Bits<'_>, (code, length)| out.put(code, length);
    let mut rest = bytes;
    for sequence in sequences {
        let (run, behind) = rest.split_at(usize::from(sequence.literals));
        // Four codes fit beside the 7 bits that are left.
        let mut fours = run.chunks_exact(4);
        for four in &mut fours {
            for &byte in four {
                put(out, literals.get(usize::from(byte)));
            }
            out.carry();
        }
        for &byte in fours.remainder() {
            put(out, literals.get(usize::from(byte)));
        }
        out.carry();
        if sequence.len != 0 {
            // 14 and 5, 15 and 13 bits at the most.
            let (symbol, bits, value) = length(sequence.len);
            put(out, literals.get(symbol));
            out.put(value, bits);
            let (symbol, bits, value) = distance(sequence.distance);
            put(out, distances.get(symbol));
            out.put(value, bits);
            out.carry();
        }
        rest = &behind[usize::from(sequence.len)..];
    }
    put(out, literals.get(END));
    out.carry();
}

/// The symbol of the length of a match, the bits behind it, and their value (3.2.5).
#[inline(always)]
fn length(len: u16) -> (usize, u32, u32) {
    if len == 258 {
        return (285, 0, 0);
    }
    let value = u32::from(len) - 3;
    if value < 8 {
        return (257 + value as usize, 0, 0);
    }
    let bits = value.ilog2() - 2;
    (257 + (4 * bits + (value >> bits)) as usize, bits, value & ((1 << bits) - 1))
}

/// The symbol of a distance, the bits behind it, and their value (3.2.5).
#[inline(always)]
fn distance(distance: u16) -> (usize, u32, u32) {
    let value = u32::from(distance) - 1;
    if value < 4 {
        return (value as usize, 0, 0);
    }
    let bits = value.ilog2() - 1;
    ((2 * bits + (value >> bits)) as usize, bits, value & ((1 << bits) - 1))
}

/// The bits behind a symbol of the header.
fn bits_behind(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// 3.2.6.
static FIXED: LazyLock<(Codes<LITERALS>, Codes<DISTANCES>)> = LazyLock::new(|| {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    (Codes::with_lengths(lengths), Codes::with_lengths([5; DISTANCES]))
});

/// Bytes, the end of the block, and lengths; and two that are never used, but that the fixed codes count.
const LITERALS: usize = 288;
const DISTANCES: usize = 30;
const LENGTHS: usize = 19;
/// The end of a block.
const END: usize = 256;
/// What a stored block takes beyond its bytes, in bits, at the most.
const STORED: u32 = 3 + 7 + 32;
/// The order of the lengths in a header.
const ORDER: [u8; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
