//! Input that is not what it should be, and input that becomes too much.

use proptest::prelude::*;
use ws_core::{
    CloseCode, DeflateConfig, DeflatePool, NegotiatedDeflate, ProtocolError, Role, Violation,
    frame::ReservedBits,
    raw::{
        Frame,
        deflate::{Deflater, Inflater},
    },
};

use super::{ROLES, agreed, config, document, noise, other};
use crate::heap;

const INVALID: Violation = Violation::Protocol(ProtocolError::InvalidDeflate);
const MIB: usize = 1 << 20;

/// Zeros in a thousandth of their length.
fn bomb(role: Role, agreed: &NegotiatedDeflate, len: usize) -> Vec<u8> {
    let mut deflater = Deflater::new(role, agreed, &config());
    let mut message = deflater.begin().unwrap();
    let zeros = vec![0; MIB];
    let mut bomb: Vec<u8> = (0..len / MIB).flat_map(|_| message.push(&zeros)).collect();
    bomb.extend(message.finish());
    bomb
}

/// Decompressors that nobody has used yet.
fn fresh() -> DeflateConfig {
    config().pool(DeflatePool::new())
}

#[test]
fn bomb_is_refused_within_the_limit_and_a_decompressor() {
    for role in ROLES {
        for bits in [9, 12, 15] {
            let agreed = agreed(bits, false);
            let bomb = bomb(role, &agreed, 16 * MIB);
            assert!(bomb.len() < 100 << 10, "{}", bomb.len());
            for limit in [0, 1, 1000, 64 << 10, MIB + 1] {
                let (result, usage) = heap::measured_in_place(|| {
                    Inflater::new(other(role), &agreed, &fresh()).decompress(&bomb, limit as u64)
                });
                let refused = result.unwrap_err();
                assert_eq!(refused, Violation::TooBig { limit: limit as u64 });
                assert_eq!(refused.close_code(), CloseCode::MESSAGE_TOO_BIG);
                assert!(usage.peak as usize <= limit + (120 << 10), "{} bytes for {limit}", usage.peak);
            }
        }
    }
}

#[test]
fn what_is_over_the_limit_and_broken_behind_it_is_over_the_limit_however_it_is_cut() {
    // Eight bytes that are stored, and the beginning of a block of the reserved kind.
    let payload = b"\x00\x08\x00\xF7\xFF12345678\x06";
    for bits in [9, 12, 15] {
        for (limit, expected) in [(7, Violation::TooBig { limit: 7 }), (8, INVALID)] {
            for size in [1, 2, 5, payload.len()] {
                let mut inflater = Inflater::new(Role::Server, &agreed(bits, false), &fresh());
                let mut failed = None;
                for mut piece in payload.chunks(size) {
                    while failed.is_none() {
                        match inflater.next_chunk(&mut piece, false, limit) {
                            Ok(Some(_)) => {}
                            Ok(None) => break,
                            Err(violation) => failed = Some(violation),
                        }
                    }
                }
                assert_eq!(failed, Some(expected), "{bits} {limit} {size}");
            }
        }
    }
}

#[test]
fn bomb_gives_no_chunk_beyond_the_limit_and_is_over_then() {
    let agreed = agreed(15, false);
    let bomb = bomb(Role::Client, &agreed, 16 * MIB);
    let mut inflater = Inflater::new(Role::Server, &agreed, &fresh());
    let (mut total, limit) = (0, 100_000);
    let mut input = &bomb[..];
    let (refused, usage) = heap::measured(|| {
        loop {
            match inflater.next_chunk(&mut input, true, limit) {
                Ok(chunk) => total += chunk.expect("it has no end").len() as u64,
                Err(refused) => return refused,
            }
        }
    });
    assert_eq!(refused, Violation::TooBig { limit });
    assert!(total <= limit && total > limit - (32 << 10), "{total}");
    assert!(usage.peak <= 120 << 10, "{}", usage.peak);
    assert_eq!(inflater.next_chunk(&mut input, true, u64::MAX), Err(refused));
}

#[test]
fn limit_is_what_the_message_may_become() {
    for bits in [9, 15] {
        let agreed = agreed(bits, false);
        for len in [1, 100, 40_000] {
            let message = document(len);
            let mut deflater = Deflater::new(Role::Client, &agreed, &config());
            let compressed: Vec<_> = (0..3).map(|_| deflater.compress(&message).unwrap()).collect();
            let mut inflater = Inflater::new(Role::Server, &agreed, &config());
            // For each message anew.
            assert_eq!(inflater.decompress(&compressed[0], len as u64).unwrap(), message);
            let frame = Frame::binary(compressed[1].clone()).with_reserved(ReservedBits::RSV1);
            assert_eq!(inflater.decompress_frame(frame, len as u64).unwrap().payload(), &message);
            let limit = len as u64 - 1;
            assert_eq!(inflater.decompress(&compressed[2], limit), Err(Violation::TooBig { limit }));
            // What follows would refer to what was not decompressed.
            assert_eq!(inflater.decompress(&compressed[0], 1 << 20), Err(Violation::TooBig { limit }));
        }
    }
}

#[test]
fn limit_counts_all_pieces_of_a_message() {
    let message = document(1000);
    let mut deflater = Deflater::new(Role::Client, &agreed(15, true), &config());
    let mut inflater = Inflater::new(Role::Server, &agreed(15, true), &config());
    let compressed = deflater.compress(&message).unwrap();
    for limit in [1000, 999] {
        let mut total = 0;
        let result = compressed.chunks(1).try_for_each(|mut byte| -> Result<(), Violation> {
            while let Some(chunk) = inflater.next_chunk(&mut byte, false, limit)? {
                total += chunk.len();
            }
            Ok(())
        });
        let result =
            result.and_then(|()| inflater.next_chunk(&mut &[][..], true, limit).map(|chunk| chunk.is_none()));
        match limit {
            1000 => assert_eq!((result, total), (Ok(true), 1000)),
            _ => assert_eq!(result, Err(Violation::TooBig { limit })),
        }
    }
}

#[test]
fn garbage_is_invalid_and_final() {
    let whole = Deflater::new(Role::Client, &agreed(15, false), &config()).compress(&document(300)).unwrap();
    let mut inputs: Vec<Vec<u8>> = vec![
        b"not compressed".to_vec(),
        // Block type 3.
        vec![0b110],
        // A stored block whose length does not agree with its complement.
        vec![0x00, 0x05, 0x00, 0x00, 0x00, b'a', b'b', b'c', b'd', b'e', 0x00],
        // A reference to what is before the first byte.
        vec![0x02, 0x07, 0x00],
        // The header of zlib (RFC 1950), as if it were not DEFLATE alone.
        [&[0x78, 0x9c], &whole[..]].concat(),
        // The tail that should have been left out, and nothing before it.
        vec![0xff; 100],
    ];
    inputs.extend((1..whole.len()).map(|end| whole[..end].to_vec()));
    for input in inputs {
        for bits in [9, 15] {
            for role in ROLES {
                let mut inflater = Inflater::new(role, &agreed(bits, false), &config());
                assert_eq!(inflater.decompress(&input, 1 << 20), Err(INVALID), "{input:x?}");
                assert_eq!(INVALID.close_code(), CloseCode::INVALID_PAYLOAD);
                assert_eq!(inflater.decompress(&whole, 1 << 20), Err(INVALID));
                assert_eq!(inflater.next_chunk(&mut &whole[..], true, 1 << 20), Err(INVALID));
                let frame = Frame::binary(whole.clone()).with_reserved(ReservedBits::RSV1);
                assert_eq!(inflater.decompress_frame(frame, 1 << 20), Err(INVALID));
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_arrives_ends_within_the_limit(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flipped in prop::option::of((0usize..200, 0u8..8)),
        bits in 8u8..=15,
        width in 1usize..100,
        limit in 0u64..5000,
    ) {
        // Bytes of no meaning, or a message with a wrong bit, which gets further.
        let bytes = match flipped {
            None => bytes,
            Some((at, bit)) => {
                let message = [document(2000), noise(50, 3)].concat();
                let mut deflater = Deflater::new(Role::Client, &agreed(bits, false), &config());
                let mut compressed = deflater.compress(&message).unwrap().to_vec();
                let at = at.min(compressed.len() - 1);
                compressed[at] ^= 1 << bit;
                compressed
            }
        };
        let whole = Inflater::new(Role::Server, &agreed(bits, false), &config()).decompress(&bytes, limit);
        if let Ok(output) = &whole {
            prop_assert!(output.len() as u64 <= limit);
        }

        let mut inflater = Inflater::new(Role::Server, &agreed(bits, false), &config());
        let mut output = Vec::new();
        let mut pieces = || -> Result<(), Violation> {
            for mut piece in bytes.chunks(width) {
                while let Some(chunk) = inflater.next_chunk(&mut piece, false, limit)? {
                    output.extend_from_slice(chunk);
                }
            }
            while let Some(chunk) = inflater.next_chunk(&mut &[][..], true, limit)? {
                output.extend_from_slice(chunk);
            }
            Ok(())
        };
        let result = pieces();
        prop_assert!(output.len() as u64 <= limit);
        // The same, however it is cut.
        match (whole, result) {
            (Ok(whole), Ok(())) => prop_assert_eq!(whole, output),
            (Err(_), Err(_)) => {}
            (whole, cut) => prop_assert!(false, "{:?} and {:?}", whole, cut),
        }
    }
}
