//! 8.1: text is UTF-8, checked while it arrives.

use super::{
    trace::{Endpoint, Told},
    wire::{BINARY, CLOSE, CONTINUATION, FIN, Length, PING, ROLES, TEXT, close_payload, frame, header},
};
use crate::{ProtocolError, Role};

/// Sequences that no continuation can save, and how many of their bytes it takes to know.
const HOPELESS: [(&[u8], usize); 14] = [
    (b"\x80", 1),
    (b"\xBF", 1),
    (b"\xC0\xAF", 1),
    (b"\xC1\xBF", 1),
    (b"\xE0\x80\xAF", 2),
    (b"\xE0\x9F\xBF", 2),
    (b"\xED\xA0\x80", 2),
    (b"\xED\xBF\xBF", 2),
    (b"\xF0\x80\x80\xAF", 2),
    (b"\xF0\x8F\xBF\xBF", 2),
    (b"\xF4\x90\x80\x80", 2),
    (b"\xF5\x80\x80\x80", 1),
    (b"\xFF", 1),
    (b"\xE2\x28\xA1", 2),
];

/// Everything odd that is text all the same.
const TEXTS: [&str; 8] = [
    "",
    "\0",
    "\u{FEFF}byte order mark",
    "\u{FFFE}\u{FFFF}\u{1FFFE}\u{10FFFF}",
    "\u{D7FF}\u{E000}",
    "κόσμε",
    "𝄞 and 😀",
    "e\u{301}",
];

// Shows UTF-1.
#[test]
fn bad_text_fails_at_the_byte_that_makes_it_bad_inside_of_a_frame() {
    for role in ROLES {
        for (bad, known) in HOPELESS {
            // A frame that announces much more than ever arrives.
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&header(role, FIN | TEXT, Length::Sixteen(1000)));
            let text: Vec<u8> = [b"fine", bad].concat();
            let masked = masked(role, &text);
            let enough = b"fine".len() + known;
            endpoint.feed_pieces(masked[..enough - 1].chunks(1));
            assert_eq!(endpoint.told, [], "{role:?} {bad:x?} is not known to be bad yet");
            endpoint.feed(&masked[enough - 1..enough]);
            assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)], "{role:?} {bad:x?}");
            assert_eq!(endpoint.take_frames(), [(FIN | CLOSE, close_payload(1007, b""))]);
        }
    }
}

/// A payload as the peer masks it, without its header.
fn masked(to: Role, payload: &[u8]) -> Vec<u8> {
    let whole = frame(to, FIN | BINARY, payload);
    whole[whole.len() - payload.len()..].to_vec()
}

#[test]
fn text_is_text_wherever_it_is_cut_into_fragments_with_pings_between() {
    for role in ROLES {
        for text in TEXTS {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let bytes = text.as_bytes();
                    let mut endpoint = Endpoint::new(role);
                    endpoint
                        .feed(&frame(role, TEXT, &bytes[..first]))
                        .feed(&frame(role, FIN | PING, b"\xFF\xFE"))
                        .feed(&frame(role, CONTINUATION, &bytes[first..second]))
                        .feed(&frame(role, FIN | CONTINUATION, &bytes[second..]));
                    assert_eq!(endpoint.told[1..], [Told::text(text)], "{role:?} {first} {second}");
                }
            }
        }
    }
}

// Shows UTF-1.
#[test]
fn bad_text_fails_wherever_it_is_cut_into_fragments() {
    for role in ROLES {
        for (bad, known) in HOPELESS {
            let bytes = [b"ok ", bad].concat();
            for cut in 0..bytes.len() {
                let mut endpoint = Endpoint::new(role);
                endpoint.feed(&frame(role, TEXT, &bytes[..cut]));
                let by_then = cut >= 3 + known;
                assert_eq!(!endpoint.told.is_empty(), by_then, "{role:?} {bad:x?} cut at {cut}");
                endpoint.feed(&frame(role, FIN | CONTINUATION, &bytes[cut..]));
                assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)]);
            }
        }
    }
}

#[test]
fn message_must_not_end_inside_a_character() {
    for role in ROLES {
        for character in ["é", "€", "𝄞"] {
            for cut in 1..character.len() {
                let head = &character.as_bytes()[..cut];
                let mut endpoint = Endpoint::new(role);
                endpoint.feed(&frame(role, FIN | TEXT, head));
                assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)], "{role:?} {head:x?}");
                let mut endpoint = Endpoint::new(role);
                endpoint.feed(&frame(role, TEXT, head)).feed(&frame(role, FIN | CONTINUATION, b""));
                assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)], "{role:?} {head:x?}");
            }
        }
    }
}

#[test]
fn character_cut_by_a_message_does_not_go_on_in_the_next() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint
            .feed(&frame(role, FIN | BINARY, b"\xC3"))
            .feed(&frame(role, FIN | TEXT, "é".as_bytes()))
            .feed(&frame(role, FIN | TEXT, b"\xA9"));
        assert_eq!(
            endpoint.told,
            [Told::binary(*b"\xC3"), Told::text("é"), Told::failed(ProtocolError::InvalidUtf8)]
        );
    }
}

#[test]
fn long_text_is_checked_behind_its_beginning_too() {
    for role in ROLES {
        for position in [0, 63, 64, 65, 4095, 9999] {
            let mut text = vec![b'a'; 10_000];
            text[position] = 0xC0;
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | TEXT, &text));
            assert_eq!(endpoint.told, [Told::failed(ProtocolError::InvalidUtf8)], "{role:?} {position}");
        }
    }
}
