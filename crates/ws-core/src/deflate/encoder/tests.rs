use proptest::prelude::*;
use zlib_rs::{Inflate, InflateFlush};

use super::*;

/// What a decompressor makes of it that was given the history.
fn decompressed(compressed: &[u8], history: &[u8], len: usize) -> Vec<u8> {
    let mut inflate = Inflate::new(false, 15);
    if !history.is_empty() {
        inflate.set_dictionary(history).unwrap();
    }
    let mut out = vec![0; len + 1];
    inflate.decompress(compressed, &mut out, InflateFlush::SyncFlush).unwrap();
    assert_eq!(inflate.total_in() as usize, compressed.len(), "not all of it is DEFLATE");
    out.truncate(inflate.total_out() as usize);
    out
}

fn compressed(level: CompressionLevel, bits: u8, history: &[u8], input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::default();
    encoder.begin(level, bits, history);
    encoder.compress(input, &mut out);
    out
}

/// Text of few words, or noise, or one byte: long and short matches, literals and stored blocks.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(&["a", "the ", "{\"id\":", "number", "\0\0\0\0\0\0\0\0\0\0", "é"]);
    let words = prop::collection::vec(word, 0..2000).prop_map(|words| words.concat().into_bytes());
    let noise = prop::collection::vec(any::<u8>(), 0..3000);
    let skewed = prop::collection::vec((0_u8..8).prop_map(|bits| 1 << bits), 0..3000);
    let run = (any::<u8>(), 0_usize..100_000).prop_map(|(byte, len)| vec![byte; len]);
    let one = prop_oneof![4 => words, 2 => noise, 2 => skewed, 1 => run];
    prop::collection::vec(one, 1..4).prop_map(|parts| parts.concat())
}

const LEVELS: [CompressionLevel; 2] = [CompressionLevel::FASTEST, CompressionLevel::DEFAULT];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn comes_back_and_hardly_grows(input in input(), history in input(), bits in 9_u8..=15) {
        for level in LEVELS {
            let out = compressed(level, bits, &history, &input);
            let window = &history[history.len().saturating_sub(1 << bits)..];
            prop_assert_eq!(&decompressed(&out, window, input.len()), &input);
            prop_assert!(out.len() <= input.len() + 6 * input.len().div_ceil(BLOCK) + 6, "{} of {}", out.len(), input.len());
            prop_assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        }
    }

    #[test]
    fn encoder_is_as_good_as_new_for_each_message(
        messages in prop::collection::vec((input(), 9_u8..=15), 1..6),
    ) {
        let mut encoder = Encoder::default();
        let mut history = Vec::new();
        for (message, bits) in messages {
            let level = LEVELS[message.len() % 2];
            let mut out = Vec::new();
            encoder.begin(level, bits, &history);
            encoder.compress(&message, &mut out);
            prop_assert_eq!(out, compressed(level, bits, &history, &message));
            history = message;
        }
    }

    #[test]
    fn pieces_follow_each_other(pieces in prop::collection::vec(input(), 1..6), bits in 9_u8..=15) {
        for level in LEVELS {
            let (mut out, mut encoder) = (Vec::new(), Encoder::default());
            encoder.begin(level, bits, &[]);
            pieces.iter().for_each(|piece| encoder.compress(piece, &mut out));
            let all = pieces.concat();
            prop_assert_eq!(decompressed(&out, &[], all.len()), all);
        }
    }
}

#[test]
fn every_length_and_distance_comes_back() {
    // A distance of each symbol, and its neighbours, with matches of all lengths.
    let noise: Vec<u8> = (0..32_768_u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
    for level in LEVELS {
        for len in 4..=260 {
            let at = (len * 997) % 32_000;
            let input = [&noise[at..at + len], b"~"].concat();
            let out = compressed(level, 15, &noise, &input);
            assert_eq!(decompressed(&out, &noise, input.len()), input, "{len}");
        }
    }
}

#[test]
fn refers_to_the_whole_window_and_not_beyond() {
    for bits in 9..=15 {
        let window = 1 << bits;
        let secret = b"what is to be found again";
        // It begins where the window does, and a byte before.
        for (filler, found) in [(window - secret.len(), true), (window - secret.len() + 1, false)] {
            let filler: Vec<u8> = (0..filler as u32).map(|n| (n.wrapping_mul(n | 1) >> 3) as u8).collect();
            let input = [&secret[..], &filler].concat();
            let out = compressed(CompressionLevel::FASTEST, bits, &input, secret);
            assert!(
                if found { out.len() < 12 } else { out.len() >= 12 },
                "{bits} bits: {} bytes, found: {found}",
                out.len(),
            );
        }
    }
}
