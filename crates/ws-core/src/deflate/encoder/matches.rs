//! Finding what was there before (LZ77).

use std::fmt;

/// A run of bytes, and what follows it: the same bytes as some way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) literals: u16,
    /// 4 to 258; 0 at the end, where nothing follows.
    pub(super) len: u16,
    pub(super) distance: u16,
}

/// Finds matches in what it is given, piece by piece.
pub(super) struct Finder {
    /// Where four bytes were seen last, by their hash. Positions begin anew after 65,535; what is read here is tried on the
    /// bytes themselves.
    heads: Box<[u16; HEADS]>,
    /// The window, and the piece behind it.
    bytes: Vec<u8>,
    /// The position of the first of the bytes.
    first: u16,
    window: usize,
}

impl Default for Finder {
    fn default() -> Self {
        Self { heads: Box::new([0; HEADS]), bytes: Vec::new(), first: 0, window: 0 }
    }
}

impl Finder {
    /// Begins anew, with a window that holds the end of the history.
    pub(super) fn begin(&mut self, bits: u8, history: &[u8]) {
        self.window = 1 << bits;
        self.first = 0;
        self.bytes.clear();
        self.bytes.extend_from_slice(&history[history.len().saturating_sub(self.window)..]);
        self.heads.fill(0);
        for (at, four) in self.bytes.windows(4).enumerate() {
            self.heads[hash(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))] = at as u16;
        }
    }

    /// Finds what matches in the next piece: sequences that make it up, and the piece. 64 KiB at the most with the window.
    pub(super) fn find(&mut self, piece: &[u8], sequences: &mut Vec<Sequence>) -> &[u8] {
        let start = self.bytes.len().min(self.window);
        let gone = self.bytes.len() - start;
        self.bytes.drain(..gone);
        self.first = self.first.wrapping_add(gone as u16);
        self.bytes.reserve_exact(piece.len());
        self.bytes.extend_from_slice(piece);

        let mut search =
            Search { heads: &mut self.heads, bytes: &self.bytes, first: self.first, window: self.window };
        let len = search.bytes.len();
        let (mut at, mut literals) = (start, start);
        while at + 4 <= len {
            let Some(mut earlier) = search.look(at) else {
                // Faster and faster through what does not match.
                at += 1 + ((at - literals) >> PATIENCE);
                continue;
            };
            let mut matching = search.matching(earlier, at);
            if matching < GOOD && at + 5 <= len {
                if let Some(other) = search.look(at + 1) {
                    let more = search.matching(other, at + 1);
                    if more > matching {
                        (earlier, matching) = (other, more);
                        at += 1;
                    }
                }
            }
            sequences.push(Sequence {
                literals: (at - literals) as u16,
                len: matching as u16,
                distance: (at - earlier) as u16,
            });
            at += matching;
            literals = at;
            // The last of the bytes that match is where the next match often begins.
            if at + 3 <= len {
                search.look(at - 1);
            }
        }
        sequences.push(Sequence { literals: (len - literals) as u16, len: 0, distance: 0 });
        &self.bytes[start..]
    }
}

struct Search<'a> {
    heads: &'a mut [u16; HEADS],
    bytes: &'a [u8],
    first: u16,
    window: usize,
}

impl Search<'_> {
    /// Where the four bytes were before, within the window. They are entered.
    #[inline(always)]
    fn look(&mut self, at: usize) -> Option<usize> {
        let four = self.four(at);
        let position = self.first.wrapping_add(at as u16);
        let head = &mut self.heads[hash(four)];
        let distance = usize::from(position.wrapping_sub(*head));
        *head = position;
        let earlier = at.wrapping_sub(distance);
        // Neither here, nor before the first of the bytes.
        (earlier < at && distance <= self.window && self.four(earlier) == four).then_some(earlier)
    }

    #[inline(always)]
    fn four(&self, at: usize) -> u32 {
        let four = &self.bytes[at..at + 4];
        u32::from_le_bytes([four[0], four[1], four[2], four[3]])
    }

    #[inline(always)]
    fn eight(&self, at: usize) -> u64 {
        u64::from(self.four(at)) | u64::from(self.four(at + 4)) << 32
    }

    /// How many bytes match, of which four do.
    #[inline(always)]
    fn matching(&self, earlier: usize, at: usize) -> usize {
        let most = LONGEST.min(self.bytes.len() - at);
        let mut len = 4;
        while len + 8 <= most {
            let differ = self.eight(earlier + len) ^ self.eight(at + len);
            if differ != 0 {
                return len + (differ.trailing_zeros() / 8) as usize;
            }
            len += 8;
        }
        while len < most && self.bytes[earlier + len] == self.bytes[at + len] {
            len += 1;
        }
        len
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("window", &self.window).finish_non_exhaustive()
    }
}

#[inline(always)]
fn hash(four: u32) -> usize {
    (four.wrapping_mul(0x9E37_79B1) >> (32 - HEADS.ilog2())) as usize
}

/// As many as a message of some KiB has positions. They are cleared before each.
const HEADS: usize = 1 << 12;
/// The longest match that can be told (RFC 1951, 3.2.5).
const LONGEST: usize = 258;
/// From this length on no better match is looked for.
const GOOD: usize = 16;
/// After so many literals, as a power of two, every second position is left out.
const PATIENCE: u32 = 6;
