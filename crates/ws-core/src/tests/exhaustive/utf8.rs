//! 8.1: every sequence of up to four bytes, at every cut, against the grammar of RFC 3629 and the standard library.

use super::{Cases, effort};
use crate::utf8::Utf8Validator;

/// What a sequence of bytes is, by the grammar of RFC 3629, section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    Whole,
    /// The beginning of a text, and not the whole of one.
    Cut,
    /// No text begins like this: with so many bytes it is known.
    Bad(usize),
}

/// `UTF8-octets = *( UTF8-char )`, as ranges that each byte of a character has to be in.
const CHARACTERS: [&[(u8, u8)]; 9] = [
    &[(0x00, 0x7F)],
    &[(0xC2, 0xDF), TAIL],
    &[(0xE0, 0xE0), (0xA0, 0xBF), TAIL],
    &[(0xE1, 0xEC), TAIL, TAIL],
    &[(0xED, 0xED), (0x80, 0x9F), TAIL],
    &[(0xEE, 0xEF), TAIL, TAIL],
    &[(0xF0, 0xF0), (0x90, 0xBF), TAIL, TAIL],
    &[(0xF1, 0xF3), TAIL, TAIL, TAIL],
    &[(0xF4, 0xF4), (0x80, 0x8F), TAIL, TAIL],
];
const TAIL: (u8, u8) = (0x80, 0xBF);

fn grammar(bytes: &[u8]) -> Text {
    let mut at = 0;
    while at < bytes.len() {
        let fits = |character: &&&[(u8, u8)]| (character[0].0..=character[0].1).contains(&bytes[at]);
        let Some(character) = CHARACTERS.iter().find(fits) else { return Text::Bad(at + 1) };
        for (place, (low, high)) in character.iter().enumerate() {
            match bytes.get(at + place) {
                None => return Text::Cut,
                Some(byte) if byte < low || byte > high => return Text::Bad(at + place + 1),
                Some(_) => {}
            }
        }
        at += character.len();
    }
    Text::Whole
}

/// The same by the standard library, but for which byte it is.
fn assert_standard(bytes: &[u8], text: Text) {
    let standard = std::str::from_utf8(bytes).map_err(|error| error.error_len().is_none());
    let same = match text {
        Text::Whole => standard.is_ok(),
        Text::Cut => standard == Err(true),
        Text::Bad(_) => standard == Err(false),
    };
    assert!(same, "{bytes:x?}: {text:?}");
}

/// Hands over the pieces: each must fail if it holds the byte that makes the text bad, and no other may.
fn assert_validated(pieces: &[&[u8]], text: Text, behind: usize) {
    let mut validator = Utf8Validator::new();
    let mut taken = 0;
    for piece in pieces {
        taken += piece.len();
        let bad = matches!(text, Text::Bad(at) if at + behind <= taken);
        assert_eq!(validator.push(piece).is_err(), bad, "{pieces:x?}: {text:?}");
        if bad {
            return;
        }
    }
    assert_eq!(validator.finish().is_ok(), text == Text::Whole, "{pieces:x?}: {text:?}");
}

fn assert_at_every_cut(bytes: &[u8], cases: &mut Cases) {
    let text = grammar(bytes);
    assert_standard(bytes, text);
    assert_validated(&[bytes], text, 0);
    cases.count();
    for cut in 1..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_validated(&[head, tail], text, 0);
        cases.count();
    }
    if bytes.len() > 2 {
        let mut single = bytes.chunks(1);
        let pieces: [&[u8]; 4] = std::array::from_fn(|_| single.next().unwrap_or_default());
        assert_validated(&pieces, text, 0);
        cases.count();
    }
}

#[test]
fn every_sequence_of_up_to_three_bytes_is_judged_by_the_grammar_at_every_cut() {
    let mut cases = Cases::new("UTF-8 up to three bytes", 211);
    for len in 1..=3 {
        for number in 0..1_u32 << (8 * len) {
            if cases.next() {
                assert_at_every_cut(&number.to_be_bytes()[4 - len..], &mut cases);
            }
        }
    }
}

/// In a long text vector code looks at it: in the middle of a block, across two, and at the end.
#[test]
fn every_sequence_of_three_bytes_in_a_long_text_is_judged_by_the_grammar() {
    let mut cases = Cases::new("UTF-8 in long texts", 499);
    for number in 0..1_u32 << 24 {
        if !cases.next() {
            continue;
        }
        let [_, bytes @ ..] = number.to_be_bytes();
        let at = [0, 30, 61, 62, 63, 64, 125][number as usize % 7];
        let mut long = [b'a'; 128];
        long[at..at + 3].copy_from_slice(&bytes);
        // Something follows but at the end, and so nothing is only cut.
        let text = match grammar(&bytes) {
            Text::Cut if at < 125 => grammar(&[&bytes[..], b"a"].concat()),
            text => text,
        };
        assert_validated(&[&long], text, at);
        cases.count();
    }
}

#[test]
fn every_sequence_of_four_bytes_is_judged_by_the_grammar_at_every_cut() {
    let mut cases = Cases::new("UTF-8 of four bytes", 40_009);
    // The first bytes of characters of four bytes, and their neighbours; or all.
    let first = if effort() > 1 { 0..=0xFF } else { 0xEF..=0xF5 };
    for first in first {
        for number in 0..1_u32 << 24 {
            if cases.next() {
                let [_, rest @ ..] = number.to_be_bytes();
                assert_at_every_cut(&[first, rest[0], rest[1], rest[2]], &mut cases);
            }
        }
    }
}
