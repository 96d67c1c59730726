use std::io;

use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;
use ws_core::{Error, ErrorKind, ProtocolError, raw::Utf8Reader};

use crate::stream::{Pieces, run};

/// What comes out, how the reading ends, and how many bytes were whole characters.
fn read(bytes: &[u8], width: usize) -> (Vec<u8>, io::Result<usize>, u64) {
    let mut reader = Utf8Reader::new(Pieces::new(bytes, width));
    let mut text = Vec::new();
    let result = run(reader.read_to_end(&mut text));
    assert_eq!(reader.is_valid(), result.is_ok());
    (text, result, reader.accepted())
}

#[test]
fn characters_may_be_cut_anywhere() {
    let text = "aé€𝄞 — ñ";
    for width in 1..=text.len() {
        let (read, result, accepted) = read(text.as_bytes(), width);
        assert_eq!(read, text.as_bytes());
        assert!(result.is_ok());
        assert_eq!(accepted, text.len() as u64);
    }
}

#[test]
fn text_that_ends_within_a_character_is_an_error() {
    for text in ["aé", "a€", "a𝄞"] {
        for cut in 2..text.len() {
            for width in 1..=cut {
                let (_, result, accepted) = read(&text.as_bytes()[..cut], width);
                assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData);
                assert_eq!(accepted, 1, "{text} cut at {cut}");
            }
        }
    }
}

#[test]
fn error_says_which_rule_and_stays() {
    let mut reader = Utf8Reader::new(Pieces::new(b"ab\xFFcd", 5));
    let mut two = [0; 2];
    run(reader.read_exact(&mut two)).unwrap();
    assert_eq!(&two, b"ab");
    for _ in 0..2 {
        let error = run(reader.read_u8()).unwrap_err();
        let error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).unwrap();
        assert_eq!(*error.kind(), ErrorKind::Protocol(ProtocolError::InvalidUtf8));
    }
    reader.reset();
    assert!(reader.is_valid());
    assert_eq!(run(reader.read_u8()).unwrap(), b'c', "what follows is another text");
}

#[test]
fn first_bytes_of_a_character_are_counted_when_it_is_whole() {
    let mut reader = Utf8Reader::new(Pieces::new("€".as_bytes(), 1));
    for accepted in [0, 0, 3] {
        run(reader.read_u8()).unwrap();
        assert_eq!(reader.accepted(), accepted);
    }
}

proptest! {
    #[test]
    fn agrees_with_the_standard_library(
        text in "[a-z\u{80}-\u{10FFFF}]{0,40}",
        bad in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        width in 1usize..100,
    ) {
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = bad {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let (text, result, accepted) = read(&bytes, width);
        match std::str::from_utf8(&bytes) {
            Ok(_) => {
                prop_assert!(result.is_ok());
                prop_assert_eq!(text, bytes);
            }
            Err(error) => {
                prop_assert!(result.is_err());
                prop_assert_eq!(accepted, error.valid_up_to() as u64);
                // Up to three bytes of the character that was not completed may have been passed on.
                prop_assert!(text.len() >= error.valid_up_to() && text.len() <= error.valid_up_to() + 3);
                prop_assert!(bytes.starts_with(&text));
            }
        }
    }
}
