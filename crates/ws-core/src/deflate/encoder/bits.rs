//! Writing bits (RFC 1951, 3.1.1).

/// Writes bits behind the bytes of a buffer.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    /// Bytes of `out` that are written. It is longer while there is [room](Self::reserve).
    len: usize,
    bits: u64,
    /// Bits that are not written yet: below 8 after [`carry`](Self::carry).
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let len = out.len();
        Self { out, len, bits: 0, count: 0 }
    }

    /// Makes room for so many bits.
    pub(super) fn reserve(&mut self, bits: u32) {
        self.out.resize(self.len + (bits / 8) as usize + ROOM, 0);
    }

    /// Adds bits, the lowest first. There must be no others in `value`; 56 fit between two calls of [`carry`](Self::carry).
    #[inline(always)]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits |= u64::from(value) << self.count;
        self.count += count;
    }

    /// Writes all whole bytes, where there is room.
    #[inline(always)]
    pub(super) fn carry(&mut self) {
        self.out[self.len..self.len + 8].copy_from_slice(&self.bits.to_le_bytes());
        self.len += (self.count / 8) as usize;
        self.bits >>= self.count & !7;
        self.count &= 7;
    }

    /// Bits that are there, to go back to.
    pub(super) fn mark(&self) -> (usize, u64, u32) {
        (self.len, self.bits, self.count)
    }

    /// How many bits were added since.
    pub(super) fn since(&self, mark: (usize, u64, u32)) -> u32 {
        8 * (self.len - mark.0) as u32 + self.count - mark.2
    }

    pub(super) fn go_back(&mut self, mark: (usize, u64, u32)) {
        (self.len, self.bits, self.count) = mark;
    }

    /// A stored block (3.2.4), not the last one. At most 65,535 bytes.
    pub(super) fn store(&mut self, bytes: &[u8]) {
        self.reserve(0);
        self.put(0, 3);
        self.put(0, (8 - self.count % 8) % 8);
        self.carry();
        let len = bytes.len() as u16;
        self.put(u32::from(len), 16);
        self.put(u32::from(!len), 16);
        self.carry();
        self.out.truncate(self.len);
        self.out.extend_from_slice(bytes);
        self.len = self.out.len();
    }

    /// Ends at the beginning of a byte, with an empty block.
    pub(super) fn flush(mut self) {
        self.store(&[]);
    }
}

/// What `carry` may write beyond the bits that were announced, and a block that is opened before.
const ROOM: usize = 24;
