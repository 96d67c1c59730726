//! What one end compresses the other decompresses, for both roles and every window, however it is cut.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    CompressionLevel, DeflatePool, MessageKind, ProtocolError, Role, Violation,
    raw::{
        Frame, FrameReader, FrameWriter,
        deflate::{CompressedBit, Deflater, Inflater},
    },
};

use super::{ROLES, agreed, config, document, messages, noise, other, roles};
use crate::stream::{Pieces, Recorder, run};

/// A payload in pieces of this size.
fn deflate(deflater: &mut Deflater, payload: &[u8], step: usize) -> Vec<u8> {
    let mut message = deflater.begin().expect("there is a compressor");
    let mut compressed: Vec<u8> = payload.chunks(step).flat_map(|piece| message.push(piece)).collect();
    compressed.extend(message.finish());
    compressed
}

/// A payload that arrives in pieces of this size, the end with the last of them or by itself.
fn inflate(inflater: &mut Inflater, payload: &[u8], width: usize, ends_apart: bool) -> Vec<u8> {
    let mut pieces: Vec<_> = payload.chunks(width).map(|piece| (piece, false)).collect();
    match pieces.last_mut() {
        Some((_, is_last)) if !ends_apart => *is_last = true,
        _ => pieces.push((&[], true)),
    }
    let mut output = Vec::new();
    for (mut input, is_last) in pieces {
        while let Some(chunk) = inflater.next_chunk(&mut input, is_last, u64::MAX).expect("it is DEFLATE") {
            assert!((1..=32 << 10).contains(&chunk.len()), "{}", chunk.len());
            output.extend_from_slice(chunk);
        }
        assert!(input.is_empty());
    }
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_and_frames_come_out_as_they_went_in(
        role in roles(), bits in 8u8..=15, no_takeover in any::<bool>(), messages in messages(),
    ) {
        let agreed = agreed(bits, no_takeover);
        let mut deflater = Deflater::new(role, &agreed, &config());
        let mut inflater = Inflater::new(other(role), &agreed, &config());
        for message in messages {
            if let Some(compressed) = deflater.compress(&message) {
                prop_assert_eq!(&inflater.decompress(&compressed, message.len() as u64), &Ok(message.clone().into()));
            }
            // Frames are given as this end sends them, masked or not.
            let frame = Frame::binary(message.clone()).sent_by(role).unwrap();
            let sent = deflater.compress_frame(frame).sent_by(role).unwrap();
            let received = inflater.decompress_frame(sent, message.len() as u64).unwrap().into_unmasked();
            prop_assert_eq!(received, Frame::binary(message));
        }
    }

    #[test]
    fn pieces_cut_anywhere_are_the_message(
        role in roles(), bits in 8u8..=15, no_takeover in any::<bool>(), messages in messages(),
        step in 1usize..5000, width in 1usize..3000, ends_apart in any::<bool>(),
    ) {
        let agreed = agreed(bits, no_takeover);
        let mut deflater = Deflater::new(role, &agreed, &config());
        let mut inflater = Inflater::new(other(role), &agreed, &config());
        for (number, message) in messages.into_iter().enumerate() {
            // By turns, so that a message refers to one that was made in the other way.
            let compressed = match number % 2 {
                0 => Some(deflate(&mut deflater, &message, step)),
                _ => deflater.compress(&message).map(Vec::from),
            };
            let Some(compressed) = compressed else { continue };
            prop_assert_eq!(inflate(&mut inflater, &compressed, width, ends_apart), message);
        }
    }

    #[test]
    fn reader_and_writer_pass_compressed_messages_on(
        role in roles(), bits in 8u8..=15, no_takeover in any::<bool>(), messages in messages(),
        step in 100usize..5000, buffer_size in 20usize..3000, width in 1usize..2000, room in 1usize..3000,
    ) {
        let agreed = agreed(bits, no_takeover);
        let mut deflater = Deflater::new(role, &agreed, &config());
        let bit = CompressedBit::new();
        let mut writer = FrameWriter::new(Recorder::default(), role, MessageKind::Binary)
            .buffer_size(buffer_size)
            .extension(bit.clone());
        for (number, message) in messages.iter().enumerate() {
            // Every third goes as it is.
            bit.set(number % 3 != 2);
            if !bit.is_set() {
                run(writer.write_all(message)).unwrap();
                run(writer.finish()).unwrap();
                continue;
            }
            let mut compressed = deflater.begin().unwrap();
            for piece in message.chunks(step) {
                run(writer.write_all(&compressed.push(piece))).unwrap();
                run(writer.write_control(Frame::ping("between").unwrap())).unwrap();
            }
            run(writer.write_all(&compressed.finish())).unwrap();
            run(writer.finish()).unwrap();
        }

        let bit = CompressedBit::new();
        let mut inflater = Inflater::new(other(role), &agreed, &config());
        let mut reader = FrameReader::new(Pieces::new(&writer.get_ref().bytes(), width), other(role))
            .max_fragments(None)
            .extension(bit.clone());
        let (mut received, mut buffer) = (Vec::new(), vec![0; room]);
        while let Some(header) = run(reader.next_frame()).unwrap() {
            if header.opcode.is_control() {
                continue;
            }
            let mut message = Vec::new();
            loop {
                let count = run(reader.read(&mut buffer)).unwrap();
                let mut input = &buffer[..count];
                if bit.is_set() {
                    while let Some(chunk) = inflater.next_chunk(&mut input, count == 0, u64::MAX).unwrap() {
                        message.extend_from_slice(chunk);
                    }
                } else {
                    message.extend_from_slice(input);
                }
                if count == 0 {
                    break;
                }
            }
            received.push(message);
        }
        prop_assert_eq!(received, messages);
    }
}

#[test]
fn each_direction_has_the_window_and_the_takeover_that_were_agreed_on_for_it() {
    // Noise, and the same once more: a reference over 4000 bytes, for which 9 bits do not suffice.
    let message = noise(4000, 1).repeat(2);
    for role in ROLES {
        let mut wide = agreed(15, false);
        match role {
            Role::Client => wide.server_max_window_bits = 9,
            Role::Server => wide.client_max_window_bits = 9,
        }
        let compressed = Deflater::new(role, &wide, &config()).compress(&message).unwrap();
        assert!(compressed.len() < 5000, "{}", compressed.len());
        assert_eq!(
            Inflater::new(other(role), &wide, &config()).decompress(&compressed, 8000),
            Ok(message.clone().into())
        );
        let narrow = Inflater::new(role, &wide, &config()).decompress(&compressed, 8000);
        assert_eq!(narrow, Err(Violation::Protocol(ProtocolError::InvalidDeflate)));
        // With nothing to refer to it does not shrink.
        assert_eq!(Deflater::new(other(role), &agreed(9, true), &config()).compress(&message), None);

        let mut half = agreed(15, true);
        match role {
            Role::Client => half.client_no_context_takeover = false,
            Role::Server => half.server_no_context_takeover = false,
        }
        let text = document(2000);
        let mut deflater = Deflater::new(role, &half, &config());
        let (first, second) = (deflater.compress(&text).unwrap(), deflater.compress(&text).unwrap());
        assert!(second.len() < first.len() / 3, "{} after {}", second.len(), first.len());
        let mut inflater = Inflater::new(other(role), &half, &config());
        for message in [&first, &second] {
            assert_eq!(inflater.decompress(message, 2000), Ok(text.clone().into()));
        }
        let mut forgets = Inflater::new(role, &half, &config());
        assert_eq!(forgets.decompress(&first, 2000), Ok(text.clone().into()));
        assert!(forgets.decompress(&second, 2000).is_err());
        let mut forgets = Deflater::new(other(role), &half, &config());
        assert_eq!(forgets.compress(&text), forgets.compress(&text));
    }
}

#[test]
fn message_that_was_not_finished_leaves_no_trace() {
    let (agreed, text) = (agreed(15, false), document(3000));
    let mut deflater = Deflater::new(Role::Server, &agreed, &config());
    let mut inflater = Inflater::new(Role::Client, &agreed, &config());
    let mut dropped = deflater.begin().unwrap();
    assert!(!dropped.push(&text).is_empty());
    drop(dropped);
    // Had it entered the window, this would refer to what was never sent.
    let compressed = deflater.compress(&text).unwrap();
    assert_eq!(inflater.decompress(&compressed, 3000).unwrap(), text);
}

#[test]
fn message_can_follow_one_whose_end_was_not_asked_for() {
    let agreed = agreed(15, false);
    let mut deflater = Deflater::new(Role::Server, &agreed, &config());
    let mut inflater = Inflater::new(Role::Client, &agreed, &config());
    for number in 0..3 {
        let message = document(300 + number);
        let compressed = deflater.compress(&message).unwrap();
        let mut input = &compressed[..];
        // All of it fits into one chunk, so that some would not look for another.
        let chunk = inflater.next_chunk(&mut input, true, 302).unwrap();
        assert_eq!((chunk, input), (Some(&message[..]), &[][..]));
    }
    assert_eq!(inflater.next_chunk(&mut &[][..], true, 302), Ok(None));
}

#[test]
fn nothing_is_a_message_too() {
    for no_takeover in [false, true] {
        let mut deflater = Deflater::new(Role::Client, &agreed(15, no_takeover), &config());
        assert_eq!(deflater.compress(&[]), None);
        let mut message = deflater.begin().unwrap();
        assert!(message.push(&[]).is_empty());
        // RFC 7692, 7.2.3.6.
        assert_eq!(message.finish(), [0].as_slice());
        let mut inflater = Inflater::new(Role::Server, &agreed(15, no_takeover), &config());
        for payload in [&[0][..], &[], &[0]] {
            assert_eq!(inflater.decompress(payload, 0).unwrap(), "");
        }
    }
}

#[test]
fn examples_of_the_rfc_are_decompressed() {
    // RFC 7692, 7.2.3.1 and 7.2.3.3 to 7.2.3.5.
    for payload in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        for bits in [9, 15] {
            let mut inflater = Inflater::new(Role::Server, &agreed(bits, false), &config());
            assert_eq!(inflater.decompress(payload, 5).unwrap(), "Hello");
            for width in 1..payload.len() {
                assert_eq!(inflate(&mut inflater, payload, width, width % 2 == 0), b"Hello");
            }
        }
    }
}

// Shows Z-7.
#[test]
fn what_does_not_shrink_hardly_grows() {
    let bound = |len: usize| len + len / 1000 + 64;
    for role in ROLES {
        for (bits, no_takeover) in [(9, false), (9, true), (15, false), (15, true)] {
            let agreed = agreed(bits, no_takeover);
            let mut deflater = Deflater::new(role, &agreed, &config());
            let mut inflater = Inflater::new(other(role), &agreed, &config());
            for len in [1, 2, 100, 1000, 65_535, 65_536, 300_000] {
                let message = noise(len, len as u64);
                match deflater.compress(&message) {
                    Some(compressed) => {
                        assert!(!no_takeover, "without a window to keep it goes as it is");
                        assert!(compressed.len() <= bound(len), "{} for {len}", compressed.len());
                        assert_eq!(inflater.decompress(&compressed, len as u64).unwrap(), message);
                    }
                    // What fits into the window is worth to be there.
                    None => assert!(no_takeover || len >= 1 << bits, "{len} with {bits} bits"),
                }
                let compressed = deflate(&mut deflater, &message, 16 << 10);
                assert!(compressed.len() <= bound(len), "{} for {len}", compressed.len());
                assert_eq!(inflater.decompress(&compressed, len as u64).unwrap(), message);
            }
            let mut message = deflater.begin().unwrap();
            for len in [1, 10, 100, 65_535, 65_536, 200_000] {
                let piece = message.push(&noise(len, 7));
                assert!(piece.len() <= len + 5 * len.div_ceil(65_535), "{} for {len}", piece.len());
            }
            assert_eq!(message.finish().len(), 1);
        }
    }
}

#[test]
fn messages_go_as_they_are_below_the_threshold_at_level_none_and_when_no_compressor_is_free() {
    let (agreed, text) = (agreed(15, false), document(200));
    let mut deflater = Deflater::new(Role::Server, &agreed, &config().threshold(200));
    assert_eq!(deflater.compress(&text[..199]), None);
    assert!(deflater.compress(&text).is_some());

    deflater.set_level(CompressionLevel::NONE);
    assert_eq!(deflater.compress(&text), None);
    assert!(deflater.begin().is_none());
    let frame = Frame::binary(text.clone());
    assert_eq!(deflater.compress_frame(frame.clone()), frame);
    deflater.set_level(CompressionLevel::BEST);
    assert!(deflater.compress(&text).is_some());

    let mut none =
        Deflater::new(Role::Server, &agreed, &config().pool(DeflatePool::new().max_compressors(0)));
    assert_eq!(none.compress(&text), None);
    assert!(none.begin().is_none());
    assert_eq!(none.compress_frame(frame.clone()), frame);
}

#[test]
fn compressed_bytes_are_held_by_themselves() {
    let mut deflater = Deflater::new(Role::Server, &agreed(15, true), &config());
    let compressed = deflater.compress(&vec![7; 1 << 20]).unwrap();
    // The room of the compressor was hundreds of kilobytes.
    let capacity =
        Vec::from(compressed.clone()).capacity().max(compressed.try_into_mut().unwrap().capacity());
    assert!(capacity < 4096, "{capacity}");
}

#[test]
fn both_ends_can_be_moved_to_other_threads_and_shared() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Deflater>();
    check::<Inflater>();
    check::<CompressedBit>();
}
