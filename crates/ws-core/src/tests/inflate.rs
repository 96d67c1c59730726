//! DEFLATE as RFC 1951 describes it: bit by bit, with the codes looked up in lists. Slow, and without a window.

/// What a stream decompresses to, and where it ends.
#[derive(Debug)]
pub(super) struct Inflated {
    pub(super) output: Vec<u8>,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Where a block ends, or before the first.
    Block,
    /// Where a final block ends.
    Final,
    /// Inside of a block.
    Inside,
    Invalid,
}

/// Decompresses one block after the other. A final block ends nothing: the next begins at the next byte, as RFC 7692, 7.2.3.4
/// has it.
pub(super) fn inflate(bytes: &[u8]) -> Inflated {
    let mut bits = Bits { bytes, at: 0 };
    let mut output = Vec::new();
    let mut end = End::Block;
    while bits.at < 8 * bytes.len() {
        match block(&mut bits, &mut output) {
            Ok(true) => {
                bits.align();
                end = End::Final;
            }
            Ok(false) => end = End::Block,
            Err(stop) => return Inflated { output, end: stop },
        }
    }
    Inflated { output, end }
}

/// One block (3.2.3). Gives whether it is final.
fn block(bits: &mut Bits<'_>, output: &mut Vec<u8>) -> Result<bool, End> {
    let is_final = bits.number(1)? == 1;
    match bits.number(2)? {
        0 => stored(bits, output)?,
        1 => {
            let literals = (0..288).map(|symbol| match symbol {
                0..144 => 8,
                144..256 => 9,
                256..280 => 7,
                _ => 8,
            });
            compressed(bits, output, &Code::new(literals), &Code::new([5; 32]))?;
        }
        2 => {
            let (literals, distances) = codes(bits)?;
            compressed(bits, output, &literals, &distances)?;
        }
        _ => return Err(End::Invalid),
    }
    Ok(is_final)
}

/// 3.2.4.
fn stored(bits: &mut Bits<'_>, output: &mut Vec<u8>) -> Result<(), End> {
    bits.align();
    let (len, complement) = (bits.number(16)?, bits.number(16)?);
    if len ^ complement != 0xFFFF {
        return Err(End::Invalid);
    }
    for _ in 0..len {
        output.push(bits.number(8)? as u8);
    }
    Ok(())
}

/// 3.2.5.
fn compressed(
    bits: &mut Bits<'_>,
    output: &mut Vec<u8>,
    literals: &Code,
    distances: &Code,
) -> Result<(), End> {
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol < 256 {
            output.push(symbol as u8);
            continue;
        }
        if symbol == 256 {
            return Ok(());
        }
        let (base, extra) = *LENGTHS.get(symbol - 257).ok_or(End::Invalid)?;
        let length = base + bits.number(extra)?;
        let (base, extra) = *DISTANCES.get(distances.symbol(bits)?).ok_or(End::Invalid)?;
        let distance = base + bits.number(extra)?;
        for _ in 0..length {
            let from = output.len().checked_sub(distance).ok_or(End::Invalid)?;
            output.push(output[from]);
        }
    }
}

/// 3.2.7.
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), End> {
    let (literals, distances, lengths) = (257 + bits.number(5)?, 1 + bits.number(5)?, 4 + bits.number(4)?);
    let mut order = [0; 19];
    for place in &ORDER[..lengths] {
        order[*place] = bits.number(3)?;
    }
    let code = Code::checked(order, false)?;
    let mut all: Vec<usize> = Vec::new();
    while all.len() < literals + distances {
        let (length, times) = match code.symbol(bits)? {
            16 => (*all.last().ok_or(End::Invalid)?, 3 + bits.number(2)?),
            17 => (0, 3 + bits.number(3)?),
            18 => (0, 11 + bits.number(7)?),
            length => (length, 1),
        };
        all.extend(std::iter::repeat_n(length, times));
    }
    if literals > 286 || all.len() > literals + distances || all[256] == 0 {
        return Err(End::Invalid);
    }
    let distances = all.split_off(literals);
    Ok((Code::checked(all, true)?, Code::checked(distances, true)?))
}

/// A Huffman code (3.2.2): of each symbol that has one, its length and its bits.
struct Code(Vec<(usize, usize, usize)>);

impl Code {
    fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let lengths: Vec<usize> = lengths.into_iter().collect();
        let (mut code, mut all) = (0, Vec::new());
        for length in 1..16 {
            code <<= 1;
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, other)| **other == length) {
                all.push((length, code, symbol));
                code += 1;
            }
        }
        Self(all)
    }

    /// A code that says what every sequence of bits means, and says it once. One symbol of one bit may stand alone.
    fn checked(lengths: impl IntoIterator<Item = usize>, may_be_one: bool) -> Result<Self, End> {
        let code = Self::new(lengths);
        let used: usize = code.0.iter().map(|(length, ..)| 1 << (15 - length)).sum();
        let is_one = code.0.is_empty() || matches!(code.0[..], [(1, ..)]);
        if used == 1 << 15 || (may_be_one && is_one) { Ok(code) } else { Err(End::Invalid) }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, End> {
        let mut code = 0;
        for length in 1..16 {
            code = code << 1 | bits.number(1)?;
            let found = self.0.iter().find(|(other, bits, _)| (*other, *bits) == (length, code));
            if let Some((.., symbol)) = found {
                return Ok(*symbol);
            }
        }
        Err(End::Invalid)
    }
}

/// The bits of each byte, the least significant first (3.1.1).
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn number(&mut self, count: usize) -> Result<usize, End> {
        let mut number = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or(End::Inside)?;
            number |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(number)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// The shortest length of each symbol from 257 on, and how many bits add to it (3.2.5).
const LENGTHS: [(usize, usize); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The same of each distance.
const DISTANCES: [(usize, usize); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12_289, 12),
    (16_385, 13),
    (24_577, 13),
];

/// The order in which the lengths of the code for the lengths are given (3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
