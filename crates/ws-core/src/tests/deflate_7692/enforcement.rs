//! What a peer is held to: its window, RSV1, blocks that are DEFLATE and end where a message ends.

use proptest::prelude::*;

use super::{
    super::{
        trace::{Endpoint, Told},
        wire::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, ROLES, TEXT, frame},
    },
    RSV1,
    bits::Blocks,
    endpoint, negotiated,
};
use crate::{ProtocolError, Role};

/// What an endpoint makes of these payloads, each a compressed binary message in one frame, in pieces of so many bytes.
fn verdict(role: Role, bits: u8, no_takeover: bool, payloads: &[Vec<u8>], piece: usize) -> Vec<Told> {
    let mut endpoint = endpoint(role, negotiated(bits, no_takeover));
    for payload in payloads {
        let bytes = frame(role, FIN | RSV1 | BINARY, payload);
        endpoint.feed_pieces(bytes.chunks(piece));
    }
    endpoint.told
}

fn plain(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n % 97) as u8).collect()
}

/// The bytes, and three of them from so far back.
fn with_reference(text: &[u8], distance: usize) -> Vec<u8> {
    let mut all = text.to_vec();
    for _ in 0..3 {
        all.push(all[all.len() - distance]);
    }
    all
}

fn invalid() -> Told {
    Told::failed(ProtocolError::InvalidDeflate)
}

// Shows Z-5.
#[test]
fn windows_are_enforced_to_the_byte_however_the_stream_is_cut() {
    for role in ROLES {
        for bits in 8..=14 {
            let window = 1usize << bits;
            // Far beyond the window, so that a lenient decoder would have what is referred to.
            let text = plain(3 * window);
            for (distance, is_within) in
                [(window - 1, true), (window, true), (window + 1, false), (2 * window, false)]
            {
                let payload =
                    Blocks::new().begin(false).literals(&text).three_from(distance as u32).end().message();
                for piece in [1, 7, 100, usize::MAX] {
                    let told = verdict(role, bits, true, std::slice::from_ref(&payload), piece);
                    if is_within {
                        assert_eq!(
                            told,
                            [Told::binary(with_reference(&text, distance))],
                            "{bits} {distance} {piece}"
                        );
                    } else {
                        assert_eq!(told, [invalid()], "{role:?} {bits} {distance} {piece}");
                    }
                }
            }
        }
    }
}

// Shows Z-10.
#[test]
fn windows_reach_over_messages_with_takeover_and_not_without() {
    for role in ROLES {
        for bits in 8..=15 {
            let window = 1usize << bits;
            let text = plain(window + 10);
            let first = Blocks::new().begin(false).literals(&text).end().message();
            for (distance, is_within) in [(1, true), (window, true), (window + 1, false)] {
                if distance > 32_768 {
                    continue;
                }
                let second = Blocks::new().begin(false).three_from(distance as u32).end().message();
                let payloads = [first.clone(), second];
                let expected = Told::binary(&with_reference(&text, distance)[text.len()..]);
                for piece in [1, usize::MAX] {
                    let told = verdict(role, bits, false, &payloads, piece);
                    let last = if is_within { expected.clone() } else { invalid() };
                    assert_eq!(told, [Told::binary(&*text), last], "{role:?} {bits} {distance} {piece}");
                    let told = verdict(role, bits, true, &payloads, piece);
                    assert_eq!(told, [Told::binary(&*text), invalid()], "{role:?} {bits} {distance} {piece}");
                }
            }
        }
    }
}

// Shows Z-10.
#[test]
fn nothing_before_the_first_byte_can_be_referred_to() {
    for role in ROLES {
        for bits in 8..=15 {
            // What another connection has left in the shared decompressors.
            let secret = Blocks::new().begin(false).literals(&[99; 200]).end().message();
            assert_eq!(verdict(role, bits, true, &[secret], usize::MAX).len(), 1);
            for (count, distance) in [(0, 1), (1, 2), (100, 101), (100, 150), (200, 256)] {
                let payload =
                    Blocks::new().begin(false).literals(&plain(count)).three_from(distance).end().message();
                for no_takeover in [false, true] {
                    let told = verdict(role, bits, no_takeover, std::slice::from_ref(&payload), usize::MAX);
                    assert_eq!(told, [invalid()], "{role:?} {bits} {count} {distance}");
                }
            }
        }
    }
}

// Shows Z-10.
#[test]
fn nothing_before_the_first_message_can_be_referred_to() {
    for role in ROLES {
        for bits in [8, 12, 15] {
            for (distance, is_there) in [(6, true), (7, false), (9, false), (12, false)] {
                let mut endpoint = endpoint(role, negotiated(bits, false));
                for literals in [b"abc", b"def"] {
                    let payload = Blocks::new().begin(false).literals(literals).end().message();
                    endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &payload));
                }
                let back = Blocks::new().begin(false).three_from(distance).end().message();
                endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &back));
                let must = if is_there { Told::binary(b"abc") } else { invalid() };
                assert_eq!(endpoint.told.last(), Some(&must), "{role:?} {bits} {distance}");
            }
        }
    }
}

#[test]
fn final_block_may_end_with_the_tail_that_was_left_out_and_nowhere_inside_of_it() {
    // A stored block whose length is in the tail; and a block of fixed codes whose end would be.
    let ends_with_it = vec![1];
    let ends_inside = Blocks::new().begin(true).literals(b"abc").bytes();
    for role in ROLES {
        for bits in [8, 12, 15] {
            for (payload, must) in [(&ends_with_it, Told::binary([])), (&ends_inside, invalid())] {
                let told = verdict(role, bits, true, std::slice::from_ref(payload), usize::MAX);
                assert_eq!(told, [must], "{role:?} {bits}");
            }
        }
    }
}

#[test]
fn uncompressed_messages_do_not_enter_the_window() {
    for role in ROLES {
        for bits in [9, 15] {
            let mut endpoint = endpoint(role, negotiated(bits, false));
            let first = Blocks::new().begin(false).literals(b"abc").end().message();
            let back = Blocks::new().begin(false).three_from(3).end().message();
            endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &first));
            endpoint.feed(&frame(role, FIN | BINARY, b"xyz"));
            endpoint.feed(&frame(role, FIN | RSV1 | BINARY, &back));
            assert_eq!(endpoint.told, [Told::binary(b"abc"), Told::binary(b"xyz"), Told::binary(b"abc")]);
        }
    }
}

// Shows Z-3.
#[test]
fn rsv1_is_for_the_first_frame_of_a_message_and_for_those_who_agreed_on_it() {
    let reserved = [Told::failed(ProtocolError::ReservedBits)];
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for role in ROLES {
        for opcode in [PING, PONG, CLOSE] {
            for fin in [0, FIN] {
                let mut endpoint = endpoint(role, negotiated(15, false));
                endpoint.feed(&frame(role, fin | RSV1 | opcode, b""));
                assert_eq!(endpoint.told, reserved, "{role:?} {opcode} {fin}");
            }
        }
        for continuation in [RSV1 | CONTINUATION, FIN | RSV1 | CONTINUATION] {
            for first in [BINARY, RSV1 | TEXT] {
                let mut endpoint = endpoint(role, negotiated(15, false));
                endpoint.feed(&frame(role, first, &hello[..3])).feed(&frame(role, continuation, &hello[3..]));
                assert_eq!(endpoint.told.last(), reserved.last());
            }
        }
        for bits in [0x20, 0x10, 0x30, 0x60, 0x70] {
            let mut endpoint = endpoint(role, negotiated(15, false));
            endpoint.feed(&frame(role, FIN | bits | TEXT, &hello));
            assert_eq!(endpoint.told, reserved, "{bits:x}");
        }
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | RSV1 | TEXT, &hello));
        assert_eq!(endpoint.told, reserved);
    }
}

// Shows Z-5.
#[test]
fn final_blocks_may_stand_anywhere() {
    let one = || Blocks::new().begin(true).literals(b"abc").end().bytes();
    // What follows may refer to what lies before.
    let two = || [one(), Blocks::new().begin(true).three_from(3).end().bytes()].concat();
    let three = [two(), Blocks::new().begin(false).three_from(6).end().message()].concat();
    let cases: [(Vec<u8>, &[u8]); 7] = [
        (one(), b"abc"),
        ([one(), vec![0]].concat(), b"abc"),
        (two(), b"abcabc"),
        ([two(), vec![0]].concat(), b"abcabc"),
        (three, b"abcabcabc"),
        // Empty final blocks.
        (vec![3, 0], b""),
        ([3, 0].repeat(3), b""),
    ];
    for role in ROLES {
        for bits in [8, 12, 15] {
            for (payload, expected) in &cases {
                for piece in [1, 3, usize::MAX] {
                    let back = Blocks::new().begin(false).literals(b"z").three_from(1).end().message();
                    let told = verdict(role, bits, false, &[payload.clone(), back], piece);
                    assert_eq!(
                        told,
                        [Told::binary(*expected), Told::binary(b"zzzz")],
                        "{bits} {payload:x?} {piece}"
                    );
                }
            }
            // The window goes on in the next message.
            let back = Blocks::new().begin(false).three_from(6).end().message();
            let told = verdict(role, bits, false, &[two(), back], usize::MAX);
            assert_eq!(told, [Told::binary(b"abcabc"), Told::binary(b"abc")]);
        }
    }
}

/// To begin behind one takes a receiver microseconds, however little there is.
// Shows Z-1.
#[test]
fn final_blocks_are_two_and_one_more_for_each_32_bytes() {
    let long = || Blocks::new().begin(true).literals(&[b'x'; 30]).end().bytes();
    assert_eq!(long().len(), 32);
    let cases: [(Vec<u8>, Option<usize>); 5] = [
        // With the last one ends the message.
        ([3, 0].repeat(3), Some(0)),
        ([3, 0].repeat(4), None),
        ([3, 0].repeat(5000), None),
        (long().repeat(500), Some(500 * 30)),
        ([long().repeat(10), [3, 0].repeat(4)].concat(), None),
    ];
    for role in ROLES {
        for bits in [8, 12, 15] {
            for piece in [1, 7, usize::MAX] {
                for (payload, len) in &cases {
                    let told = verdict(role, bits, true, std::slice::from_ref(payload), piece);
                    let must = len.map_or_else(invalid, |len| Told::binary(vec![b'x'; len]));
                    assert_eq!(told, [must], "{bits} {piece} {} bytes", payload.len());
                }
            }
        }
    }
}

// Shows Z-5.
#[test]
fn blocks_that_hold_nothing_are_fine_in_any_number() {
    for role in ROLES {
        for bits in [8, 15] {
            for count in [0, 1, 2, 1000] {
                // Empty stored blocks, then "Hello".
                let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
                let payload = [[0, 0, 0, 0xFF, 0xFF].repeat(count), hello.to_vec()].concat();
                assert_eq!(verdict(role, bits, true, &[payload], 3), [Told::binary(b"Hello")], "{count}");
            }
            // An empty message, as 7.2.3.6 has it, and as nothing at all.
            assert_eq!(
                verdict(role, bits, true, &[vec![0], vec![]], 1),
                [Told::binary(b""), Told::binary(b"")]
            );
        }
    }
}

// Shows Z-5.
#[test]
fn message_that_does_not_end_where_a_block_ends_is_refused() {
    let whole = Blocks::new().begin(false).literals(b"Hello, hello").three_from(5).end().message();
    for role in ROLES {
        for bits in [8, 12, 15] {
            for len in 1..whole.len() {
                for piece in [1, usize::MAX] {
                    assert_eq!(
                        verdict(role, bits, true, &[whole[..len].to_vec()], piece),
                        [invalid()],
                        "{bits} {len}"
                    );
                }
            }
            // The tail that should have been left out, and bytes that mean nothing.
            for more in [&[0, 0, 0xFF, 0xFF][..], &[0xFF], &[6], &[0, 1, 2, 3, 4]] {
                let told = verdict(role, bits, true, &[[&whole[..], more].concat()], usize::MAX);
                assert!(told.ends_with(&[invalid()]), "{bits} {more:x?} {told:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The same messages and the same end, whatever arrives and however it is cut.
    // Shows PAN-1.
    #[test]
    fn garbage_has_one_outcome(
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        bits in 8u8..=15,
        no_takeover: bool,
        piece in 1usize..20,
    ) {
        for role in ROLES {
            let payloads = [payload.clone(), payload.clone()];
            let whole = verdict(role, bits, no_takeover, &payloads, usize::MAX);
            prop_assert_eq!(&verdict(role, bits, no_takeover, &payloads, piece), &whole);
        }
    }

    /// One wrong bit in a good stream.
    #[test]
    fn flipped_bit_has_one_outcome(bit in 0usize..300, bits in 8u8..=15, piece in 1usize..20) {
        let mut payload =
            Blocks::new().begin(false).literals(b"Hello, hello, hello").three_from(7).end().message();
        let bit = bit % (8 * payload.len());
        payload[bit / 8] ^= 1 << (bit % 8);
        for role in ROLES {
            let whole = verdict(role, bits, false, std::slice::from_ref(&payload), usize::MAX);
            prop_assert_eq!(&verdict(role, bits, false, std::slice::from_ref(&payload), piece), &whole);
        }
    }
}

// Shows Z-9.
#[test]
fn decompressing_needs_little_stack() {
    // Z-9: a decoder that calls itself would overflow this.
    let thread = std::thread::Builder::new().stack_size(96 << 10).spawn(|| {
        let payload = Blocks::new().begin(false).literals(&plain(50_000)).three_from(9).end().message();
        for bits in [9, 15] {
            assert_eq!(
                verdict(Role::Server, bits, true, std::slice::from_ref(&payload), usize::MAX).len(),
                1
            );
            let towers = [[3, 0].repeat(3000), [0, 0, 0, 0xFF, 0xFF].repeat(3000)].concat();
            verdict(Role::Server, bits, true, &[towers], usize::MAX);
        }
    });
    thread.unwrap().join().unwrap();
}
