//! Codes by frequency (RFC 1951, 3.2.2).

/// The codes of one alphabet.
#[derive(Clone, Debug)]
pub(super) struct Codes<const N: usize> {
    pub(super) frequencies: [u32; N],
    /// In bits; 0 for what has no code.
    pub(super) lengths: [u8; N],
    /// As they are written, the first bit the lowest, above four bits that tell the length.
    codes: [u32; N],
}

impl<const N: usize> Codes<N> {
    pub(super) const fn new() -> Self {
        Self { frequencies: [0; N], lengths: [0; N], codes: [0; N] }
    }

    /// Codes of given lengths.
    pub(super) fn with_lengths(lengths: [u8; N]) -> Self {
        let mut codes = Self { lengths, ..Self::new() };
        codes.assign();
        codes
    }

    /// Gives what occurs the shortest codes, none longer than `longest`, which is below 16.
    ///
    /// There are two codes at least: with less, not all that decompresses is at one about what is meant.
    pub(super) fn build(&mut self, longest: usize) {
        // Sorted by frequency: that above, the symbol below. No branches here and in `assign`: nobody could predict them.
        let mut used = [0; N];
        let mut count = 0;
        for (symbol, &frequency) in self.frequencies.iter().enumerate() {
            used[count] = frequency << SYMBOL | symbol as u32;
            count += usize::from(frequency != 0);
        }
        for symbol in 0..2 {
            if count < 2 && self.frequencies[symbol] == 0 {
                used[count] = 1 << SYMBOL | symbol as u32;
                count += 1;
            }
        }
        let used = &mut used[..count];
        used.sort_unstable();
        let mut depths = [0; N];
        let depths = &mut depths[..count];
        for (depth, used) in depths.iter_mut().zip(&*used) {
            *depth = used >> SYMBOL;
        }
        minimum_redundancy(depths);

        // How many codes there are of each length.
        let mut numbers = [0_u32; 16];
        for &depth in &*depths {
            numbers[longest.min(depth as usize)] += 1;
        }
        limit(&mut numbers, longest);
        self.lengths = [0; N];
        let mut rest = used.iter().rev();
        for (length, &number) in numbers.iter().enumerate() {
            for used in rest.by_ref().take(number as usize) {
                self.lengths[(used & ((1 << SYMBOL) - 1)) as usize] = length as u8;
            }
        }
        self.assign();
    }

    /// Gives out the codes, by their lengths.
    fn assign(&mut self) {
        let mut next = [0_u16; 17];
        for &length in &self.lengths {
            next[usize::from(length) + 1] += 1;
        }
        // Those without a code do not count.
        next[1] = 0;
        for length in 1..next.len() {
            next[length] = (next[length] + next[length - 1]) << 1;
        }
        for (code, &length) in self.codes.iter_mut().zip(&self.lengths) {
            let next = &mut next[usize::from(length)];
            *code = u32::from(next.reverse_bits()) >> (16 - length) << 4 | u32::from(length);
            *next = next.wrapping_add(1);
        }
    }

    /// A code and its length.
    #[inline(always)]
    pub(super) fn get(&self, symbol: usize) -> (u32, u32) {
        let code = self.codes[symbol];
        (code >> 4, code & 15)
    }

    /// Bits that these codes take for what occurs.
    pub(super) fn cost(&self, frequencies: &[u32; N]) -> u32 {
        frequencies.iter().zip(&self.lengths).map(|(&frequency, &length)| frequency * u32::from(length)).sum()
    }

    /// The number of symbols up to the last that has a code.
    pub(super) fn used(&self) -> usize {
        N - self.lengths.iter().rev().take_while(|&&length| length == 0).count()
    }
}

/// Makes the shortest codes of frequencies in ascending order: their lengths take the place of the frequencies. Two at least.
///
/// A. Moffat, J. Katajainen: In-place calculation of minimum-redundancy codes. WADS 1995.
fn minimum_redundancy(values: &mut [u32]) {
    let count = values.len();
    // From the left, the frequencies of inner nodes, then their parents.
    let (mut root, mut leaf) = (0, 0);
    for next in 0..count - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf >= count || (root < next && values[root] < values[leaf]) {
                sum += values[root];
                values[root] = next as u32;
                root += 1;
            } else {
                sum += values[leaf];
                leaf += 1;
            }
        }
        values[next] = sum;
    }
    // From the right, the depths of inner nodes.
    values[count - 2] = 0;
    for next in (0..count - 2).rev() {
        values[next] = values[values[next] as usize] + 1;
    }
    // From the right, the depths of leaves.
    let (mut inner, mut next) = (count - 1, count);
    let (mut available, mut depth) = (1, 0);
    while available > 0 {
        let mut used = 0;
        while inner > 0 && values[inner - 1] == depth {
            used += 1;
            inner -= 1;
        }
        for _ in used..available {
            next -= 1;
            values[next] = depth;
        }
        available = 2 * used;
        depth += 1;
    }
}

/// Makes numbers of codes by length a whole tree again, after those that were too long became shorter.
fn limit(numbers: &mut [u32; 16], longest: usize) {
    let mut taken: u32 = (1..=longest).map(|length| numbers[length] << (longest - length)).sum();
    while taken > 1 << longest {
        // One of the longest becomes the sibling of a shorter one, which gets longer by a bit.
        numbers[longest] -= 1;
        if let Some(length) = (1..longest).rev().find(|&length| numbers[length] != 0) {
            numbers[length] -= 1;
            numbers[length + 1] += 2;
        }
        taken -= 1;
    }
}

/// Bits of a symbol beside its frequency: 288 symbols at the most, and frequencies of a block.
const SYMBOL: u32 = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least that codes without a limit can come to: by merging the two rarest, over and over.
    fn least(frequencies: &[u32]) -> u64 {
        let mut heap: Vec<u64> = frequencies.iter().filter(|&&f| f != 0).map(|&f| f.into()).collect();
        let mut cost = 0;
        while heap.len() > 1 {
            heap.sort_unstable_by(|a, b| b.cmp(a));
            let sum = heap.pop().unwrap() + heap.pop().unwrap();
            cost += sum;
            heap.push(sum);
        }
        cost
    }

    /// The part of all codes that is taken, in units of the longest.
    fn taken<const N: usize>(codes: &Codes<N>) -> u32 {
        codes.lengths.iter().filter(|&&length| length != 0).map(|&length| 1 << (15 - length)).sum()
    }

    proptest! {
        #[test]
        fn codes_are_whole_and_no_shorter_ones_exist(frequencies in prop::array::uniform30(0_u32..40)) {
            let mut codes = Codes { frequencies, ..Codes::<30>::new() };
            codes.build(15);
            prop_assert_eq!(taken(&codes), 1 << 15);
            if frequencies.iter().filter(|&&frequency| frequency != 0).count() >= 2 {
                prop_assert_eq!(u64::from(codes.cost(&codes.frequencies)), least(&frequencies));
            }
        }

        #[test]
        fn no_code_is_longer_than_its_limit(exponents in prop::array::uniform19(0_u32..20), longest in 5_usize..15) {
            // The more different the frequencies, the longer the codes.
            let mut codes = Codes { frequencies: exponents.map(|exponent| 1 << exponent), ..Codes::<19>::new() };
            codes.build(longest);
            prop_assert_eq!(taken(&codes), 1 << 15);
            prop_assert!(codes.lengths.iter().all(|&length| usize::from(length) <= longest));
        }
    }

    #[test]
    fn what_hardly_occurs_has_two_codes() {
        for frequencies in [[0, 0, 0], [7, 0, 0], [0, 7, 0], [0, 0, 7]] {
            let mut codes = Codes { frequencies, ..Codes::<3>::new() };
            codes.build(15);
            assert_eq!(taken(&codes), 1 << 15, "{frequencies:?}");
        }
    }

    #[test]
    fn fibonacci_numbers_do_not_make_codes_too_long() {
        let mut codes = Codes::<23>::new();
        let mut pair = (1, 1);
        for frequency in &mut codes.frequencies {
            *frequency = pair.0;
            pair = (pair.1, pair.0 + pair.1);
        }
        codes.build(15);
        assert_eq!(taken(&codes), 1 << 15);
        assert_eq!(codes.lengths.iter().max(), Some(&15));
    }

    #[test]
    fn codes_of_the_rfc() {
        // RFC 1951, 3.2.2: the lengths (3, 3, 3, 3, 3, 2, 4, 4) of ABCDEFGH.
        let codes = Codes::with_lengths([3, 3, 3, 3, 3, 2, 4, 4]);
        let expected = [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111_u16];
        for (symbol, expected) in expected.into_iter().enumerate() {
            let (code, length) = codes.get(symbol);
            assert_eq!(code, u32::from(expected.reverse_bits() >> (16 - length)), "{symbol}");
        }
    }
}
