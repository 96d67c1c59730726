//! Inputs near to others, from a seed: what a plain test has in place of a fuzzer.

/// A sequence of numbers that is the same in every run.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// Makes inputs of those it is given.
#[derive(Debug)]
pub struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    random: Random,
}

impl<'a> Mutator<'a> {
    /// The inputs of this seed near to these.
    #[must_use]
    pub fn new(seeds: &'a [Vec<u8>], seed: u64) -> Self {
        Self { seeds, random: Random::new(seed) }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        let mut input = match random.below(8) {
            0 => {
                let count = random.below(80);
                random.bytes(count)
            }
            _ => self.seeds.get(random.below(self.seeds.len())).cloned().unwrap_or_default(),
        };
        for _ in 0..1 + random.below(6) {
            let at = random.below(input.len() + 1);
            let end = at + random.below(16).min(input.len() - at);
            match random.below(8) {
                0 => input.truncate(at),
                1 => {
                    input.drain(at..end);
                }
                2 => {
                    let more = input[at..end].to_vec();
                    let to = random.below(input.len() + 1);
                    input.splice(to..to, more);
                }
                3 => {
                    let count = random.below(8);
                    let more = random.bytes(count);
                    input.splice(at..at, more);
                }
                4 => {
                    // The end of another one.
                    if let Some(other) = self.seeds.get(random.below(self.seeds.len())) {
                        let from = random.below(other.len() + 1);
                        input.truncate(at);
                        input.extend_from_slice(&other[from..]);
                    }
                }
                5 => {
                    let word = INTERESTING[random.below(INTERESTING.len())];
                    let end = (at + word.len()).min(input.len());
                    input.splice(at..end, word.iter().copied());
                }
                _ => {
                    if let Some(byte) = input.get_mut(at) {
                        *byte ^= 1 << random.below(8);
                    }
                }
            }
        }
        input.truncate(LONGEST);
        input
    }
}

const INTERESTING: [&[u8]; 14] = [
    b"\0",
    b"\xFF",
    b"\x7E",
    b"\x7F",
    b"\x80",
    b"\xFE\xFF",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\r\n",
    b"\r\n\r\n",
    b",",
    b"\"",
    b";",
    b"=",
    b"\xF0\x9F\x98\x80",
];
const LONGEST: usize = 4096;
