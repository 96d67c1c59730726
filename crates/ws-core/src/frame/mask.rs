//! Masking (RFC 6455, 5.3).

use std::fmt;

/// The four bytes that a client's frame is masked with (RFC 6455, 5.3).
///
/// A client draws a fresh, unpredictable key for every frame (10.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaskingKey([u8; 4]);

impl MaskingKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes as they stand in the frame header.
    #[must_use]
    pub const fn as_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The key twice over, to mask eight bytes at a time.
    const fn word(self) -> u64 {
        let half = u32::from_ne_bytes(self.0) as u64;
        half << 32 | half
    }

    /// The key for the rest of a payload of which `offset` bytes are done.
    #[must_use]
    pub const fn rotated(self, offset: usize) -> Self {
        // Byte i of the payload meets byte i modulo 4 of the key. Little endian: a rotation to the right moves the
        // first byte to the end.
        let bits = 8 * (offset % 4) as u32;
        Self(u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes())
    }
}

impl fmt::Debug for MaskingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "MaskingKey({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}

/// Masks or unmasks a payload in place; the two are the same operation.
///
/// For a payload that arrives in pieces, continue with [`MaskingKey::rotated`].
pub fn apply_mask(payload: &mut [u8], key: MaskingKey) {
    // Blocks of 64 bytes, which the compiler turns into vector instructions of whatever width it may use. Payloads lie behind a
    // header, so hardly ever where a cache line begins, and a store across two lines takes twice as long as one within. Hence
    // the blocks begin at the first line, and the ends are masked apart:
    //
    // payload     |.......................................|
    // lines           ^               ^               ^
    // blocks          [     block     ][    block     ]
    // ends        [     first     ]        [    last      ]
    let len = payload.len();
    let (Some(first), Some(last)) = (payload.first_chunk(), payload.last_chunk()) else {
        mask_words(payload, key);
        return;
    };
    // The ends overlap the blocks, so they are read before those are masked.
    let first = masked(first, key);
    let last = masked(last, key.rotated(len - BLOCK));
    // No offset at all may be told; then the blocks begin with the payload.
    let start = payload.as_ptr().align_offset(BLOCK);
    let start = if start < BLOCK { start } else { 0 };
    let word = key.rotated(start).word();
    for block in payload[start..].chunks_exact_mut(BLOCK) {
        for bytes in block.chunks_exact_mut(8) {
            mask_word(bytes, word);
        }
    }
    if let Some(bytes) = payload.first_chunk_mut() {
        *bytes = first;
    }
    if let Some(bytes) = payload.last_chunk_mut() {
        *bytes = last;
    }
}

/// Masks what is shorter than a block.
fn mask_words(payload: &mut [u8], key: MaskingKey) {
    let mut words = payload.chunks_exact_mut(8);
    for bytes in &mut words {
        mask_word(bytes, key.word());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.0.into_iter().cycle()) {
        *byte ^= key;
    }
}

fn masked(block: &[u8; BLOCK], key: MaskingKey) -> [u8; BLOCK] {
    let mut block = *block;
    for bytes in block.chunks_exact_mut(8) {
        mask_word(bytes, key.word());
    }
    block
}

/// Unmasks a short payload in place; whether it is ASCII, and so text without a further look.
#[inline]
pub(crate) fn unmask_short(payload: &mut [u8], key: MaskingKey) -> bool {
    let len = payload.len();
    if !(PAIR..=2 * PAIR).contains(&len) {
        return unmask_words(payload, key);
    }
    // Two pairs of words, which may overlap, so both are read before one is written.
    let first = masked_pair(&payload[..PAIR], key);
    let last = masked_pair(&payload[len - PAIR..], key.rotated(len));
    put_pair(&mut payload[..PAIR], first);
    put_pair(&mut payload[len - PAIR..], last);
    is_ascii(first[0] | first[1] | last[0] | last[1])
}

/// As [`unmask_short`], whatever the length.
#[inline(never)]
fn unmask_words(payload: &mut [u8], key: MaskingKey) -> bool {
    let len = payload.len();
    let Some(last) = payload.last_chunk::<8>() else {
        apply_mask(payload, key);
        return payload.is_ascii();
    };
    // The last word may overlap the one before it, so it is read before that is unmasked.
    let last = u64::from_ne_bytes(*last) ^ key.rotated(len).word();
    let mut seen = last;
    for bytes in payload.chunks_exact_mut(8) {
        seen |= mask_word(bytes, key.word());
    }
    if let Some(bytes) = payload.last_chunk_mut::<8>() {
        *bytes = last.to_ne_bytes();
    }
    is_ascii(seen)
}

/// Whether eight bytes, or all those that were put together in them, are ASCII.
#[inline]
fn is_ascii(bytes: u64) -> bool {
    bytes & u64::from_ne_bytes([0x80; 8]) == 0
}

/// Sixteen bytes, XORed.
#[inline]
fn masked_pair(bytes: &[u8], key: MaskingKey) -> [u64; 2] {
    [masked_word(&bytes[..8], key.word()), masked_word(&bytes[8..PAIR], key.word())]
}

#[inline]
fn put_pair(bytes: &mut [u8], pair: [u64; 2]) {
    bytes[..8].copy_from_slice(&pair[0].to_ne_bytes());
    bytes[8..PAIR].copy_from_slice(&pair[1].to_ne_bytes());
}

/// XORs eight bytes, and gives them.
#[inline]
fn mask_word(bytes: &mut [u8], word: u64) -> u64 {
    let masked = masked_word(bytes, word);
    bytes.copy_from_slice(&masked.to_ne_bytes());
    masked
}

/// Eight bytes, XORed. The slice is a whole chunk, so the copy into the array is one load.
#[inline]
fn masked_word(bytes: &[u8], word: u64) -> u64 {
    let mut array = [0; 8];
    array.copy_from_slice(bytes);
    u64::from_ne_bytes(array) ^ word
}

/// Bytes of two words.
const PAIR: usize = 16;
/// A cache line.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The RFC's own words: octet i of the output is octet i of the input XOR octet i modulo 4 of the key.
    fn naive(payload: &mut [u8], key: MaskingKey) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key.0[i % 4];
        }
    }

    #[test]
    fn masks_the_example_of_section_5_7() {
        let mut payload = *b"Hello";
        apply_mask(&mut payload, MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    // Shows UNS-1.
    #[test]
    fn agrees_with_the_naive_twin_at_every_length_and_alignment() {
        let key = MaskingKey::new([0x01, 0x80, 0xFE, 0x5A]);
        let original: Vec<u8> = (0..=255).cycle().take(BLOCK + 600).collect();
        for start in 0..BLOCK {
            for len in 0..600 {
                let (mut fast, mut slow) = (original.clone(), original.clone());
                apply_mask(&mut fast[start..start + len], key);
                naive(&mut slow[start..start + len], key);
                assert!(fast == slow, "{len} bytes from {start}");
            }
        }
    }

    #[test]
    fn short_payloads_are_unmasked_as_all_others_and_told_from_those_beyond_ascii() {
        let key = MaskingKey::new([0x01, 0x80, 0xFE, 0x5A]);
        for len in 0..=125_usize {
            for odd in (0..len).map(Some).chain([None]) {
                let mut plain: Vec<u8> = (b'a'..=b'z').cycle().take(len).collect();
                let odd = odd.and_then(|at| plain.get_mut(at)).map(|byte| *byte = 0x80).is_some();
                let mut payload = plain.clone();
                naive(&mut payload, key);
                assert_eq!(unmask_short(&mut payload, key), !odd, "{len}");
                assert_eq!(payload, plain, "{len}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_with_rotated_keys_equal_the_whole(
            payload in proptest::collection::vec(any::<u8>(), 0..800),
            key in any::<[u8; 4]>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let key = MaskingKey::new(key);
            let cut = cut.index(payload.len() + 1);
            let (mut whole, mut pieces) = (payload.clone(), payload);
            naive(&mut whole, key);
            let (head, tail) = pieces.split_at_mut(cut);
            apply_mask(head, key);
            apply_mask(tail, key.rotated(cut));
            prop_assert_eq!(whole, pieces);
        }
    }
}
