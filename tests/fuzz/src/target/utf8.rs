//! Validation of text in pieces (RFC 6455, 8.1).

use ws_core::utf8::Utf8Validator;

use crate::endpoint::pieces;

/// A byte that says how long the pieces are, and the text.
pub(crate) fn run(input: &[u8]) {
    let Some((&lengths, text)) = input.split_first() else { return };
    let lengths = [usize::from(lengths % 16), usize::from(lengths / 16)];
    for lengths in [&[][..], &[1], &[2], &[3], &lengths] {
        let mut validator = Utf8Validator::new();
        let mut taken = 0;
        let mut valid = true;
        for piece in pieces(text, lengths) {
            taken += piece.len();
            valid = validator.push(piece).is_ok();
            // It fails with the byte that makes the text invalid, and not before.
            let may_be = match std::str::from_utf8(&text[..taken]) {
                Ok(_) => true,
                Err(error) => error.error_len().is_none(),
            };
            assert_eq!(valid, may_be, "I21: {:x?} in pieces of {lengths:?}", &text[..taken]);
            if !valid {
                break;
            }
        }
        if valid {
            let whole = std::str::from_utf8(text).is_ok();
            assert_eq!(
                validator.finish().is_ok(),
                whole,
                "I21: the end of {text:x?} in pieces of {lengths:?}"
            );
        }
    }
}
