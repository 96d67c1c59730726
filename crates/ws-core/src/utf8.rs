//! UTF-8 validation of text that arrives in pieces (RFC 6455, 8.1; RFC 3629).

use std::str;

/// Validates text piece by piece and fails at the first byte that cannot be part of it.
///
/// The pieces may be cut anywhere, inside a character too: by frames, by reads, by a decompressor.
///
/// ```
/// use ws_core::utf8::Utf8Validator;
///
/// let mut text = Utf8Validator::new();
/// text.push(&[b'a', 0xC3])?;
/// text.push(&[0xA9])?;
/// text.finish()?;
/// assert!(text.push(&[0xFF]).is_err());
/// # Ok::<(), ws_core::utf8::InvalidUtf8>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Utf8Validator {
    /// The beginning of a character whose end has not arrived.
    carry: [u8; 4],
    carried: u8,
}

/// The text is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidUtf8;

impl std::fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text is not UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

impl Utf8Validator {
    /// A validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { carry: [0; 4], carried: 0 }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when no continuation could make the text valid. The validator must not be used further then.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        // A character that was cut: complete it byte by byte, at most three times.
        while self.carried > 0 {
            let Some((byte, rest)) = piece.split_first() else { return Ok(()) };
            self.carry[usize::from(self.carried)] = *byte;
            self.carried += 1;
            piece = rest;
            match str::from_utf8(&self.carry[..usize::from(self.carried)]) {
                Ok(_) => self.carried = 0,
                // `error_len` is `None` for a beginning that may still become a character.
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(InvalidUtf8),
            }
        }
        if is_short_ascii(piece) {
            return Ok(());
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_character(piece));
        simdutf8::basic::from_utf8(whole).map_err(|_| InvalidUtf8)?;
        // Fail fast: the cut character must be able to become one.
        if let Err(error) = str::from_utf8(cut) {
            if error.error_len().is_some() {
                return Err(InvalidUtf8);
            }
        }
        self.carry[..cut.len()].copy_from_slice(cut);
        self.carried = cut.len() as u8;
        Ok(())
    }

    /// Ends the text. The validator is at the beginning of the next one then.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the text ends inside a character.
    pub fn finish(&mut self) -> Result<(), InvalidUtf8> {
        if self.carried > 0 {
            return Err(InvalidUtf8);
        }
        Ok(())
    }
}

/// Whether the piece is short and ASCII, the most common text by far; the vector code pays off above that.
fn is_short_ascii(piece: &[u8]) -> bool {
    piece.len() <= SHORT && piece.is_ascii()
}

/// How many bytes at the end are the beginning of a character that is not complete: 0 to 3.
fn cut_character(piece: &[u8]) -> usize {
    for (back, byte) in piece.iter().rev().take(3).enumerate() {
        let width = match byte {
            // A continuation byte: its character begins further to the left.
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => return 0,
        };
        let present = back + 1;
        return if present < width { present } else { 0 };
    }
    0
}

/// From here on vector code is faster than the standard library's word at a time.
const SHORT: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The naive twin: the whole text so far through the standard library, after every byte.
    fn naive(pieces: &[&[u8]]) -> Result<usize, usize> {
        let mut text = Vec::new();
        for byte in pieces.iter().flat_map(|piece| piece.iter()) {
            text.push(*byte);
            match str::from_utf8(&text) {
                Err(error) if error.error_len().is_some() => return Err(text.len()),
                _ => {}
            }
        }
        if str::from_utf8(&text).is_err() { Err(text.len() + 1) } else { Ok(text.len()) }
    }

    fn validate(pieces: &[&[u8]]) -> Result<(), InvalidUtf8> {
        let mut validator = Utf8Validator::new();
        pieces.iter().try_for_each(|piece| validator.push(piece))?;
        validator.finish()
    }

    #[test]
    fn fails_at_the_byte_that_cannot_continue() {
        // Beginnings that no continuation can save: overlong forms, surrogates, beyond U+10FFFF.
        let hopeless: [&[u8]; 12] = [
            &[0x80],
            &[0xC0],
            &[0xC1],
            &[0xF5],
            &[0xFF],
            &[0xE0, 0x80],
            &[0xE0, 0x9F],
            &[0xED, 0xA0],
            &[0xF0, 0x8F],
            &[0xF4, 0x90],
            &[0xC3, 0x28],
            &[0xF1, 0x80, 0x28],
        ];
        for bytes in hopeless {
            let mut whole = Utf8Validator::new();
            assert_eq!(whole.push(bytes), Err(InvalidUtf8), "{bytes:x?} at once");
            let mut pieces = Utf8Validator::new();
            let (last, head) = bytes.split_last().unwrap();
            head.iter().for_each(|byte| assert_eq!(pieces.push(&[*byte]), Ok(()), "{bytes:x?}"));
            assert_eq!(pieces.push(&[*last]), Err(InvalidUtf8), "{bytes:x?} byte by byte");
        }
    }

    #[test]
    fn noncharacters_the_byte_order_mark_and_nul_are_text() {
        for text in ["\u{FFFE}", "\u{FFFF}", "\u{1FFFE}", "\u{10FFFF}", "\u{FEFF}a", "\0"] {
            assert_eq!(validate(&[text.as_bytes()]), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn text_must_not_end_inside_a_character() {
        for text in ["é", "€", "𝄞"] {
            for cut in 1..text.len() {
                assert_eq!(validate(&[&text.as_bytes()[..cut]]), Err(InvalidUtf8));
            }
        }
    }

    // Shows LEN-2, UTF-1.
    #[test]
    fn every_two_and_three_byte_sequence_agrees_with_the_standard_library_at_every_cut() {
        for number in 0..=0xFF_FFFF_u32 {
            let [_, bytes @ ..] = number.to_be_bytes();
            // ASCII in the lead only repeats the two-byte sequences.
            if bytes[0] < 0x80 && bytes[0] != b'a' {
                continue;
            }
            let expected = str::from_utf8(&bytes).is_ok();
            for cut in 0..3 {
                let (head, tail) = bytes.split_at(cut);
                assert_eq!(validate(&[head, tail]).is_ok(), expected, "{bytes:x?} cut at {cut}");
            }
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![4 => any::<u8>(), 4 => 0x80..=0xBFu8, 8 => Just(b'a')];
        let text = "[a-z\u{80}-\u{10FFFF}]{0,40}".prop_map(String::into_bytes);
        let piece = prop_oneof![3 => text, 1 => proptest::collection::vec(byte, 0..4)];
        proptest::collection::vec(piece, 0..6)
    }

    proptest! {
        // Shows UNS-1.
        #[test]
        fn agrees_with_the_naive_twin_however_the_text_is_cut(pieces in pieces(), width in 1usize..100) {
            let text = pieces.concat();
            let cut: Vec<_> = text.chunks(width).collect();
            let expected = naive(&[&text]);
            let mut validator = Utf8Validator::new();
            let mut seen = 0;
            let result = cut.iter().try_for_each(|piece| {
                seen += piece.len();
                validator.push(piece)
            });
            match expected {
                Ok(_) => prop_assert!(result.is_ok() && validator.finish().is_ok()),
                // The text ends inside a character.
                Err(at) if at > text.len() => prop_assert!(result.is_ok() && validator.finish().is_err()),
                Err(at) => {
                    prop_assert!(result.is_err());
                    prop_assert!(seen >= at && seen < at + width, "failed in the piece that holds the byte");
                }
            }
        }
    }
}
