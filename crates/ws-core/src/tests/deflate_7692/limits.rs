//! Limits hold for what a message is when it is decompressed.

use super::{
    super::{
        trace::{Endpoint, Told},
        wire::{BINARY, CONTINUATION, FIN, Length, PING, ROLES, TEXT, frame, header},
    },
    RSV1,
    bits::Blocks,
    document, negotiated, noise,
    peers::Peer,
};
use crate::{Config, DeflateConfig, ProtocolError, Role, Violation};

fn endpoint(role: Role, config: &Config, bits: u8) -> Endpoint {
    Endpoint::with_deflate(role, config, negotiated(bits, true), &DeflateConfig::new())
}

fn too_big(limit: u64) -> Told {
    Told::failed(Violation::TooBig { limit })
}

// Shows Z-1.
#[test]
fn limit_is_met_exactly_over_any_number_of_fragments() {
    let text = document(3);
    let payload = Peer::new(15).compress(text.as_bytes());
    for role in ROLES {
        for bits in [12, 15] {
            for count in [1, 2, payload.len()] {
                for (limit, is_within) in [(text.len() as u64, true), (text.len() as u64 - 1, false)] {
                    let mut endpoint = endpoint(role, &Config::new().max_message_size(limit), bits);
                    let size = payload.len().div_ceil(count);
                    let pieces: Vec<_> = payload.chunks(size).collect();
                    for (number, piece) in pieces.iter().enumerate() {
                        let opcode = if number == 0 { RSV1 | TEXT } else { CONTINUATION };
                        let fin = if number + 1 == pieces.len() { FIN } else { 0 };
                        endpoint.feed(&frame(role, fin | opcode, piece));
                    }
                    let expected = if is_within { Told::text(&text) } else { too_big(limit) };
                    assert_eq!(endpoint.told, [expected], "{role:?} {bits} {count} {limit}");
                }
            }
        }
    }
}

// Shows Z-1.
#[test]
fn limit_is_of_each_message_and_not_of_all_of_them() {
    for role in ROLES {
        for bits in [12, 15] {
            let mut endpoint = endpoint(role, &Config::new().max_message_size(1000), bits);
            let mut peer = Peer::new(bits);
            for number in 0..5 {
                let data = vec![number; 900];
                endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &peer.compress(&data)));
                assert_eq!(endpoint.told.pop(), Some(Told::binary(data)), "{role:?} {bits} {number}");
            }
        }
    }
}

// Shows Z-1.
#[test]
fn bomb_is_refused_as_soon_as_it_is_over_the_limit() {
    let bomb = Peer::new(15).compress(&vec![0; 8 << 20]);
    for role in ROLES {
        for bits in [8, 12, 15] {
            let limit = 100_000;
            let mut endpoint = endpoint(role, &Config::new().max_message_size(limit), bits);
            // 120 KB of zeros in 120 bytes; the rest never has to arrive.
            endpoint.feed(&frame(role, RSV1 | BINARY, &bomb[..120]));
            assert_eq!(endpoint.told, [too_big(limit)], "{role:?} {bits}");
            let told = endpoint.partial.map_or(0, |(_, data)| data.len() as u64);
            assert!(told <= limit && told > limit - (32 << 10), "{told}");
        }
    }
}

#[test]
fn what_is_over_the_limit_and_broken_behind_it_is_over_the_limit_however_it_is_cut() {
    // Eight bytes that are stored, and the beginning of a block of the reserved kind.
    let payload = b"\x00\x08\x00\xF7\xFF12345678\x06";
    for role in ROLES {
        for bits in [8, 12, 15] {
            for (limit, expected) in [(7, too_big(7)), (8, Told::failed(ProtocolError::InvalidDeflate))] {
                let bytes = frame(role, FIN | RSV1 | BINARY, payload);
                for piece in [1, 2, 5, bytes.len()] {
                    let mut endpoint = endpoint(role, &Config::new().max_message_size(limit), bits);
                    endpoint.feed_pieces(bytes.chunks(piece));
                    assert_eq!(
                        endpoint.told,
                        std::slice::from_ref(&expected),
                        "{role:?} {bits} {limit} {piece}"
                    );
                }
            }
        }
    }
}

#[test]
fn text_that_is_none_and_over_the_limit_fails_for_what_comes_first_however_it_is_cut() {
    // Seven bytes that are stored, and the end of the message or the beginning of a block of the reserved kind.
    for (text, bad) in [(b"ab\xFFdefg", Some(2)), (b"ab\xE2\x82\xACfg", None)] {
        for end in [0, 6] {
            let payload = [&b"\x00\x07\x00\xF8\xFF"[..], text, &[end]].concat();
            for (role, bits) in ROLES.into_iter().flat_map(|role| [8, 12, 15].map(|bits| (role, bits))) {
                for limit in 0..7 {
                    let is_text = bad.is_none_or(|bad| limit <= bad);
                    let must =
                        if is_text { too_big(limit) } else { Told::failed(ProtocolError::InvalidUtf8) };
                    let bytes = frame(role, FIN | RSV1 | TEXT, &payload);
                    for piece in [1, 2, 5, bytes.len()] {
                        let mut endpoint = endpoint(role, &Config::new().max_message_size(limit), bits);
                        endpoint.feed_pieces(bytes.chunks(piece));
                        assert_eq!(
                            endpoint.told,
                            std::slice::from_ref(&must),
                            "{role:?} {bits} {limit} {piece}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn text_that_is_none_and_broken_behind_it_is_none_however_it_is_cut() {
    // Three bytes that are stored, the last of which is no text or begins a character, and a block of the reserved kind.
    for (text, violation) in
        [(b"ab\xFF", ProtocolError::InvalidUtf8), (b"ab\xC3", ProtocolError::InvalidDeflate)]
    {
        let payload = [&b"\x00\x03\x00\xFC\xFF"[..], text, &[6]].concat();
        for (role, bits) in ROLES.into_iter().flat_map(|role| [8, 12, 15].map(|bits| (role, bits))) {
            let bytes = frame(role, FIN | RSV1 | TEXT, &payload);
            for piece in 1..=bytes.len() {
                let mut endpoint = endpoint(role, &Config::new(), bits);
                endpoint.feed_pieces(bytes.chunks(piece));
                assert_eq!(endpoint.told.last(), Some(&Told::failed(violation)), "{role:?} {bits} {piece}");
            }
        }
    }
}

#[test]
fn message_of_the_limit_that_cannot_be_compressed_passes() {
    let data = noise(64 << 10);
    for role in ROLES {
        let mut endpoint = endpoint(role, &Config::new().max_message_size(data.len() as u64), 15);
        // Stored, in blocks of 1,000 bytes.
        let mut payload = Vec::new();
        for block in data.chunks(1000) {
            let len = block.len() as u16;
            payload.push(0);
            payload.extend(len.to_le_bytes());
            payload.extend((!len).to_le_bytes());
            payload.extend(block);
        }
        payload.push(0);
        assert!(payload.len() > data.len());
        endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &payload));
        assert_eq!(endpoint.told, [Told::binary(data.clone())]);
    }
}

#[test]
fn bytes_on_the_wire_that_become_nothing_are_bounded_too() {
    for role in ROLES {
        let limit = 1000;
        let mut endpoint = endpoint(role, &Config::new().max_message_size(limit).max_fragments(None), 15);
        let nothing = [0, 0, 0, 0xFF, 0xFF].repeat(10);
        endpoint.feed(&frame(role, RSV1 | BINARY, &nothing));
        let mut sent = nothing.len();
        while endpoint.told.is_empty() {
            endpoint.feed(&frame(role, CONTINUATION, &nothing));
            sent += nothing.len();
            assert!(sent < 2000);
        }
        assert_eq!(endpoint.told, [too_big(limit)]);
    }
}

#[test]
fn message_may_have_an_eighth_and_64_bytes_more_on_the_wire_than_its_limit() {
    for role in ROLES {
        for (bytes, is_within) in [(1189, true), (1190, false)] {
            let mut whole = endpoint(role, &Config::new().max_message_size(1000), 15);
            whole.feed(&header(role, FIN | RSV1 | BINARY, Length::Sixteen(bytes)));
            // In two frames, of which the first is there.
            let mut pieces = endpoint(role, &Config::new().max_message_size(1000), 15);
            pieces.feed(&frame(role, RSV1 | BINARY, &[0, 0, 0, 0xFF, 0xFF]));
            pieces.feed(&header(role, FIN | CONTINUATION, Length::Sixteen(bytes - 5)));
            let expected = if is_within { vec![] } else { vec![too_big(1000)] };
            assert_eq!((&whole.told, &pieces.told), (&expected, &expected), "{role:?} {bytes}");
        }
    }
}

#[test]
fn blocks_that_hold_nothing_are_all_taken_by_one_call() {
    let payload = [0, 0, 0, 0xFF, 0xFF].repeat(1000);
    for role in ROLES {
        for bits in [12, 15] {
            let mut endpoint = endpoint_of(role, bits);
            endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &[&payload[..], &[0]].concat()));
            assert_eq!(endpoint.told, [Told::binary([])], "{role:?} {bits}");
        }
    }
}

#[test]
fn control_frames_are_counted_anew_by_what_is_decompressed() {
    let nothing = [0, 0, 0, 0xFF, 0xFF];
    for role in ROLES {
        for bits in [12, 15] {
            let config = Config::new().max_control_frames(2);
            let pings = frame(role, FIN | PING, b"").repeat(2);
            let message = frame(role, FIN | RSV1 | BINARY, &Peer::new(bits).compress(b"message"));
            let mut honest = endpoint(role, &config, bits);
            honest.feed(&[pings.clone(), message].concat().repeat(10));
            assert_eq!(honest.told.len(), 30, "{role:?} {bits}");

            let mut empty = endpoint(role, &config, bits);
            let (first, more) = (frame(role, RSV1 | BINARY, &nothing), frame(role, CONTINUATION, &nothing));
            empty.feed(&[&first[..], &pings, &more, &pings].concat());
            let must = Told::failed(ProtocolError::TooManyControlFrames);
            assert_eq!(empty.told.last(), Some(&must), "{role:?} {bits}: fragments that hold nothing do not");
        }
    }
}

#[test]
fn frame_limit_that_was_set_holds_on_the_wire() {
    let payload = Blocks::new().begin(false).literals(&[65; 100]).end().message();
    for role in ROLES {
        for (limit, is_within) in [(payload.len() as u64, true), (payload.len() as u64 - 1, false)] {
            let mut endpoint = endpoint(role, &Config::new().max_frame_size(limit), 15);
            endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &payload));
            let expected = if is_within { Told::text(&"A".repeat(100)) } else { too_big(limit) };
            assert_eq!(endpoint.told, [expected]);
        }
    }
}

#[test]
fn fragments_of_a_compressed_message_are_counted() {
    for role in ROLES {
        let mut endpoint = endpoint(role, &Config::new().max_fragments(3), 15);
        endpoint.feed(&frame(role, RSV1 | TEXT, b""));
        for _ in 0..3 {
            endpoint.feed(&frame(role, CONTINUATION, b""));
        }
        assert_eq!(endpoint.told, [Told::failed(ProtocolError::TooManyFragments)]);
    }
}

#[test]
fn limit_that_is_lowered_meanwhile_holds_for_what_follows() {
    let payload = Blocks::new().begin(false).literals(&[65; 100]).end().message();
    for role in ROLES {
        let mut endpoint = endpoint(role, &Config::new(), 15);
        endpoint.feed(&frame(role, RSV1 | TEXT, &payload[..50]));
        endpoint.protocol.set_max_message_size(Some(60));
        endpoint.feed(&frame(role, FIN | CONTINUATION, &payload[50..]));
        assert_eq!(endpoint.told, [too_big(60)]);
    }
}

// Shows UTF-1.
#[test]
fn text_is_validated_as_it_is_decompressed() {
    for role in ROLES {
        for bits in [9, 15] {
            // A character of three bytes, cut by blocks, fragments and chunks.
            let text = "€".repeat(3000);
            let payload = Peer::new(bits).compress(text.as_bytes());
            for cut in 1..payload.len() {
                let mut endpoint = endpoint(role, &Config::new(), bits);
                endpoint.feed(&frame(role, RSV1 | TEXT, &payload[..cut]));
                endpoint.feed(&frame(role, FIN | CONTINUATION, &payload[cut..]));
                assert_eq!(endpoint.told, [Told::text(&text)], "{cut}");
            }
            // Invalid, and known to be before the message has ended.
            let mut endpoint = endpoint(role, &Config::new(), bits);
            let payload = Peer::new(bits).compress(&[&b"ok"[..], &[0xE2, 0x28], &[b'a'; 50]].concat());
            endpoint.feed(&frame(role, RSV1 | TEXT, &payload));
            assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)]);
            // The end inside a character.
            let mut endpoint = endpoint_of(role, bits);
            endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &Peer::new(bits).compress(&[b'a', 0xE2, 0x82])));
            assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)]);
        }
    }
}

fn endpoint_of(role: Role, bits: u8) -> Endpoint {
    endpoint(role, &Config::new(), bits)
}
