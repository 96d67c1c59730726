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

    /// The key for the rest of a payload of which `offset` bytes are done.
    #[must_use]
    pub const fn rotated(self, offset: usize) -> Self {
        // Byte i of the payload meets byte i modulo 4 of the key. Big endian: a rotation to the left moves the
        // first byte to the end.
        let bits = 8 * (offset % 4) as u32;
        Self(u32::from_be_bytes(self.0).rotate_left(bits).to_be_bytes())
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
    let [a, b, c, d] = key.0;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Blocks of four words: the compiler turns each into vector instructions of whatever width it may use, and
    // wider blocks measured no faster.
    let mut blocks = payload.chunks_exact_mut(32);
    for block in &mut blocks {
        for bytes in block.chunks_exact_mut(8) {
            mask_word(bytes, word);
        }
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(8);
    for bytes in &mut words {
        mask_word(bytes, word);
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.0.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// XORs eight bytes. The slice is a whole chunk, so the copy into the array is one load.
fn mask_word(bytes: &mut [u8], word: u64) {
    let mut plain = [0; 8];
    plain.copy_from_slice(bytes);
    bytes.copy_from_slice(&(u64::from_ne_bytes(plain) ^ word).to_ne_bytes());
}

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

    #[test]
    fn agrees_with_the_naive_twin_at_every_length_and_alignment() {
        let key = MaskingKey::new([0x01, 0x80, 0xFE, 0x5A]);
        let original: Vec<u8> = (0..=255).cycle().take(320).collect();
        for start in 0..16 {
            for end in start..original.len() {
                let (mut fast, mut slow) = (original.clone(), original.clone());
                apply_mask(&mut fast[start..end], key);
                naive(&mut slow[start..end], key);
                assert_eq!(fast, slow, "{start}..{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_with_rotated_keys_equal_the_whole(
            payload in proptest::collection::vec(any::<u8>(), 0..400),
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
