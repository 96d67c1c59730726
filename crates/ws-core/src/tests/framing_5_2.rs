//! 5.2: the frame header. Reserved bits and opcodes, and the three forms of the length.

use super::{
    model::Model,
    trace::{Endpoint, Told},
    wire::{BINARY, CONTINUATION, FIN, KEY, Length, PING, ROLES, RSV1, TEXT, frame, header, header_masked},
};
use crate::{Config, Message, MessageKind, ProtocolError::*, Role, Violation};

/// What an endpoint says to a header alone: nothing yet, or a violation. An empty frame may tell an event: nothing wrong.
fn say(endpoint: &mut Endpoint, mut bytes: Vec<u8>) -> Result<(), Violation> {
    endpoint.protocol.receive(&mut &mut bytes[..]).map(drop)
}

fn fails_with(to: Role, bytes: &[u8]) -> Option<Violation> {
    let mut endpoint = Endpoint::new(to);
    match endpoint.feed(bytes).told.pop() {
        Some(Told::Failed(violation)) => Some(violation),
        _ => None,
    }
}

/// An endpoint to which a message is open, or none.
fn endpoint(role: Role, open: Option<MessageKind>, close_sent: bool) -> Endpoint {
    let mut endpoint = Endpoint::new(role);
    if let Some(kind) = open {
        let opcode = if kind == MessageKind::Text { TEXT } else { BINARY };
        let mut start = frame(role, opcode, b"");
        say(&mut endpoint, std::mem::take(&mut start)).unwrap();
    }
    if close_sent {
        endpoint.send(Message::Close(None)).unwrap();
    }
    endpoint
}

// Shows LEN-2.
#[test]
fn every_two_byte_header_is_judged_as_the_model_does_in_every_state() {
    let states = [None, Some(MessageKind::Text), Some(MessageKind::Binary)];
    for role in ROLES {
        let model = Model::new(role);
        for (open, close_sent) in states.map(|open| (open, false)).into_iter().chain([(None, true)]) {
            for [first, second] in (0..=u16::MAX).map(u16::to_be_bytes) {
                let said = say(&mut endpoint(role, open, close_sent), vec![first, second]);
                let broken = model.broken_start(first, second, open);
                let agrees = match &said {
                    Ok(()) => broken.is_empty(),
                    Err(violation) => broken.contains(violation),
                };
                assert!(agrees, "{role:?} {open:?} {first:#04x} {second:#04x}: {said:?}, must {broken:?}");
            }
        }
    }
}

/// The edges of every form, and of what computers count with.
const LENGTHS: [u64; 18] = [
    0,
    1,
    125,
    126,
    127,
    0xFFFF,
    0x1_0000,
    0x1_0001,
    (1 << 20) - 1,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 53,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 3,
];

/// Every way to write every length, with the form that is allowed for it.
fn forms() -> impl Iterator<Item = Length> {
    LENGTHS.into_iter().chain([u64::MAX]).flat_map(|length| {
        let seven = u8::try_from(length).ok().filter(|length| *length < 126).map(Length::Seven);
        let sixteen = u16::try_from(length).ok().map(Length::Sixteen);
        seven.into_iter().chain(sixteen).chain([Length::SixtyFour(length)])
    })
}

// Shows LEN-1.
#[test]
fn every_form_of_every_length_is_judged_as_the_model_does() {
    // With nothing before it, and behind a fragment that leaves one byte of the limit.
    for role in ROLES {
        for limit in [Some(1 << 16), Some(1), None] {
            let max = limit.unwrap_or(u64::MAX);
            let model = Model { max_message: max, max_frame: max, ..Model::new(role) };
            let config = Config::new().max_message_size(limit);
            for form in forms() {
                let fresh = header(role, FIN | BINARY, form);
                assert_judged(&model, &config, &fresh, form);
                let used = limit.unwrap_or(1 << 16) - 1;
                let mut behind = frame(role, BINARY, &vec![0; used as usize]);
                behind.extend(header(role, FIN | CONTINUATION, form));
                assert_judged(&model, &config, &behind, form);
            }
        }
    }
}

/// Most frames are short, and there as a whole. The short way that they take knows no rule; so it must not lead past any.
// Shows LEN-1, FRM-1, MEM-1, UTF-1.
#[test]
fn short_frame_that_is_there_as_a_whole_is_judged_as_the_model_does() {
    for role in ROLES {
        let before =
            [vec![], frame(role, TEXT, b"a"), frame(role, BINARY, b""), frame(role, FIN | PING, b"")];
        for (message, single) in
            [(None, None), (Some(126), None), (Some(126), Some(100)), (Some(100), Some(126))]
        {
            let config = Config::new().max_message_size(message).max_frame_size(single);
            let max_message = message.unwrap_or(u64::MAX);
            let model = Model { max_message, max_frame: single.unwrap_or(max_message), ..Model::new(role) };
            for before in &before {
                for whole in whole_frames() {
                    let bytes = [&before[..], &whole].concat();
                    // As one read, and as one that ends within the header.
                    for cut in [0, before.len() + 1] {
                        let mut endpoint = Endpoint::with(role, &config);
                        endpoint.feed_pieces([&bytes[..cut], &bytes[cut..]]);
                        let verdict = model.verdict(&bytes);
                        assert!(
                            verdict.agrees(&endpoint.told),
                            "{model:?} {:?}: {:?}, must {verdict:?}",
                            bytes.escape_ascii().to_string(),
                            endpoint.told
                        );
                    }
                }
            }
        }
    }
}

/// Frames with their payload and what may be wrong with them: lengths in every form, masks, reserved bits, text that is none.
fn whole_frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for length in [0_u8, 1, 7, 8, 99, 100, 101, 125, 126, 127] {
        let seven = (length < 126).then_some(Length::Seven(length));
        let forms =
            seven.into_iter().chain([Length::Sixteen(length.into()), Length::SixtyFour(length.into())]);
        for form in forms {
            for first in
                [FIN | TEXT, FIN | BINARY, TEXT, FIN | CONTINUATION, FIN | RSV1 | TEXT, FIN | 0x20 | BINARY]
            {
                for key in [None, Some(KEY)] {
                    for last in *b"x\x80\xC3" {
                        let mut payload = vec![b'a'; length.into()];
                        payload.last_mut().into_iter().for_each(|byte| *byte = last);
                        let mut bytes = header_masked(key, first, form);
                        let key = key.unwrap_or_default();
                        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
                        frames.push(bytes);
                    }
                }
            }
        }
    }
    frames
}

fn assert_judged(model: &Model, config: &Config, bytes: &[u8], form: Length) {
    let mut endpoint = Endpoint::with(model.role, config);
    endpoint.feed(bytes);
    let verdict = model.verdict(bytes);
    assert!(
        verdict.agrees(&endpoint.told),
        "{model:?} {form:?}: {:?}, must {:?}",
        endpoint.told,
        verdict.broken
    );
}

// Shows LEN-1.
#[test]
fn length_is_judged_before_the_masking_key_arrives() {
    for (form, error) in [
        (Length::Sixteen(125), NonMinimalLength),
        (Length::SixtyFour(0xFFFF), NonMinimalLength),
        (Length::SixtyFour(1 << 63), LengthOverflow),
    ] {
        let mut bytes = header(Role::Server, FIN | BINARY, form);
        bytes.truncate(bytes.len() - 4);
        assert_eq!(fails_with(Role::Server, &bytes), Some(error.into()));
        bytes.pop();
        assert_eq!(fails_with(Role::Server, &bytes), None, "the length is not whole");
    }
}

#[test]
fn message_over_the_limit_is_refused_at_its_header() {
    for role in ROLES {
        let limit = 1000;
        let config = Config::new().max_message_size(limit);
        let bytes = header(role, FIN | BINARY, Length::minimal(limit + 1));
        assert!(bytes.len() <= 14);
        let mut endpoint = Endpoint::with(role, &config);
        endpoint.feed(&bytes);
        assert_eq!(endpoint.told, [Told::Failed(Violation::TooBig { limit })]);
        assert_eq!(endpoint.partial, None);
    }
}

// Shows FRM-1.
#[test]
fn reserved_bits_fail_on_every_opcode() {
    for role in ROLES {
        for opcode in [CONTINUATION, TEXT, BINARY, 0x8, 0x9, 0xA] {
            for bits in 1..8_u8 {
                let bytes = frame(role, FIN | bits << 4 | opcode, b"");
                assert_eq!(
                    fails_with(role, &bytes),
                    Some(ReservedBits.into()),
                    "{role:?} {opcode:#x} {bits:#b}"
                );
            }
        }
    }
}

#[test]
fn reserved_opcodes_fail() {
    for role in ROLES {
        for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            for fin in [0, FIN] {
                let bytes = frame(role, fin | opcode, b"");
                assert_eq!(fails_with(role, &bytes), Some(ReservedOpcode.into()), "{role:?} {opcode:#x}");
            }
        }
    }
}

#[test]
fn what_the_first_two_bytes_tell_is_told_with_the_second() {
    for role in ROLES {
        let bytes = frame(role, FIN | 0x70 | TEXT, b"payload");
        assert_eq!(fails_with(role, &bytes[..1]), None);
        assert_eq!(fails_with(role, &bytes[..2]), Some(ReservedBits.into()));
    }
}

#[test]
fn other_protocols_fail_within_two_bytes() {
    let http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let client_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03";
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for role in ROLES {
        for bytes in [&http[..], client_hello, http2, b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
            let violation = fails_with(role, &bytes[..2]).map(Violation::close_code);
            assert_eq!(violation, Some(crate::CloseCode::PROTOCOL_ERROR), "{role:?} {bytes:?}");
        }
    }
}

#[test]
fn payloads_around_the_edges_of_the_forms_arrive_whole() {
    for role in ROLES {
        for size in [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537] {
            let payload: Vec<u8> = (0..=250).cycle().take(size).collect();
            let mut endpoint = Endpoint::new(role);
            endpoint.feed(&frame(role, FIN | BINARY, &payload));
            assert_eq!(endpoint.told, [Told::binary(payload)], "{role:?} {size}");
        }
    }
}

#[test]
fn header_in_pieces_is_judged_like_a_whole_one() {
    for role in ROLES {
        for form in forms() {
            for first in [FIN | BINARY, BINARY, FIN | CONTINUATION, 0x89, 0xC1, 0x83] {
                let masked = role == Role::Server;
                let bytes = header_masked(masked.then_some([9, 8, 7, 6]), first, form);
                let whole = fails_with(role, &bytes);
                let mut pieces = Endpoint::new(role);
                pieces.feed_pieces(bytes.chunks(1));
                let told = match pieces.told.last() {
                    Some(Told::Failed(violation)) => Some(*violation),
                    _ => None,
                };
                assert_eq!(told, whole, "{role:?} {first:#x} {form:?}");
            }
        }
    }
}

#[test]
fn after_a_violation_everything_is_ignored() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.feed(&frame(role, FIN | 0x3, b"")).take_bytes();
        endpoint.feed(&frame(role, FIN | TEXT, b"late")).feed(&frame(role, FIN | 0x8, b""));
        assert_eq!(endpoint.told, [Told::failed(ReservedOpcode)]);
        assert_eq!(endpoint.take_frames(), [], "nothing is owed for what is ignored");
        assert!(endpoint.send(Message::text("late")).is_err());
    }
}
