//! DEFLATE written by hand (RFC 1951), so that a test can refer to wherever it likes.

/// Writes blocks with the fixed codes.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    bytes: Vec<u8>,
    /// Bits of the last byte that are in use.
    used: u32,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Begins a block (3.2.3).
    pub(super) fn begin(mut self, is_final: bool) -> Self {
        self.bits(u32::from(is_final), 1);
        self.bits(0b01, 2);
        self
    }

    /// Literals below 144: eight bits, the most significant first (3.2.6).
    pub(super) fn literals(mut self, literals: &[u8]) -> Self {
        for &literal in literals {
            assert!(literal < 144);
            self.code(0x30 + u32::from(literal), 8);
        }
        self
    }

    /// Three bytes from so far back (3.2.5).
    pub(super) fn three_from(mut self, distance: u32) -> Self {
        self.code(1, 7);
        let (mut code, mut base, mut extra) = (0, 1, 0);
        // Two codes for each number of extra bits, from the third pair on.
        while distance >= base + (1 << extra) {
            base += 1 << extra;
            code += 1;
            extra = if code < 4 { 0 } else { code / 2 - 1 };
        }
        self.code(code, 5);
        self.bits(distance - base, extra);
        self
    }

    pub(super) fn end(mut self) -> Self {
        self.code(0, 7);
        self
    }

    /// The bytes, with whatever the last one has room for left zero.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A message: an empty stored block, whose tail is left out, makes it end on a byte (RFC 7692, 7.2.1).
    pub(super) fn message(mut self) -> Vec<u8> {
        self.bits(0b000, 3);
        self.bytes
    }

    /// A number, the least significant bit first.
    fn bits(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used % 8 == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= (((value >> bit) & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }

    /// A code, the most significant bit first.
    fn code(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.bits(value >> bit & 1, 1);
        }
    }
}

#[test]
fn blocks_are_those_that_zlib_reads() {
    for distance in
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 24, 25, 192, 193, 256, 257, 512, 1000, 4096, 8192, 24_577, 32_768]
    {
        let text: Vec<u8> = (0..distance.max(3)).map(|n| (n % 101) as u8).collect();
        let payload = Blocks::new().begin(true).literals(&text).three_from(distance).end().bytes();
        let mut out = vec![0; text.len() + 3];
        let mut inflate = zlib_rs::Inflate::new(false, 15);
        let status = inflate.decompress(&payload, &mut out, zlib_rs::InflateFlush::Finish);
        assert_eq!(status, Ok(zlib_rs::Status::StreamEnd), "{distance}");
        let mut expected = text.clone();
        for _ in 0..3 {
            expected.push(expected[expected.len() - distance as usize]);
        }
        assert_eq!(out, expected, "{distance}");
    }
}
