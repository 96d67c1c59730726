//! 5.2: every first two bytes, with lengths at every edge and payloads of every kind, in every state of an endpoint.

use super::{
    super::{
        model::Model,
        wire::{BINARY, CLOSE, FIN, KEY, ROLES, RSV1, TEXT, frame},
    },
    Cases, assert_agrees, endpoint, negotiated,
};
use crate::Role;

/// What came before the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    InText,
    /// In text, and inside of a character.
    InCharacter,
    InBinary,
    /// In text that is compressed, in a stored block of 125 bytes.
    InCompressed,
    CloseSent,
    CloseReceived,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Idle,
        Self::InText,
        Self::InCharacter,
        Self::InBinary,
        Self::InCompressed,
        Self::CloseSent,
        Self::CloseReceived,
    ];

    fn bytes(self, to: Role) -> Vec<u8> {
        match self {
            Self::Idle | Self::CloseSent => Vec::new(),
            Self::InText => frame(to, TEXT, b"a"),
            Self::InCharacter => frame(to, TEXT, b"\xE2\x82"),
            Self::InBinary => frame(to, BINARY, b"\xFF"),
            Self::InCompressed => frame(to, RSV1 | TEXT, &[0, 125, 0, !125, !0]),
            Self::CloseReceived => frame(to, FIN | CLOSE, b""),
        }
    }
}

const LIMIT: u64 = 1 << 20;
/// What a compressed message may have on the wire then.
const COMPRESSED: u64 = LIMIT + LIMIT / 8 + 64;

/// The edges of the forms of a length, of the limit, and of what computers count with.
const LENGTHS: [u64; 24] = [
    0,
    1,
    125,
    126,
    127,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x1_0001,
    LIMIT - 1,
    LIMIT,
    LIMIT + 1,
    COMPRESSED,
    COMPRESSED + 1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 53,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 3,
    u64::MAX,
];

/// What comes behind a header, and behind its key if it has one.
#[derive(Clone, Copy, Debug)]
enum Payload {
    Nothing,
    /// One byte, if there is one.
    Byte,
    Ascii,
    /// A close code, and ASCII.
    Code,
    /// Ends with a byte that is never in a text.
    BadText,
    /// Ends inside of a character.
    CutText,
    /// Ends a character that was cut.
    RestOfText,
    /// Begins with a block that DEFLATE does not have.
    BadBlock,
}

impl Payload {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Byte,
        Self::Ascii,
        Self::Code,
        Self::BadText,
        Self::CutText,
        Self::RestOfText,
        Self::BadBlock,
    ];

    fn bytes(self, len: usize) -> Vec<u8> {
        let mut bytes = vec![b'a'; len];
        let (first, last): (&[u8], &[u8]) = match self {
            Self::Nothing => return Vec::new(),
            Self::Byte => return vec![b'a'; len.min(1)],
            Self::Ascii => (b"", b""),
            Self::Code => (b"\x03\xE8", b""),
            Self::BadText => (b"", b"\xFF"),
            Self::CutText => (b"", b"\xF0\x9F\x98"),
            Self::RestOfText => (b"\xAC", b""),
            Self::BadBlock => (b"\x07", b""),
        };
        bytes.iter_mut().zip(first).for_each(|(byte, other)| *byte = *other);
        bytes.iter_mut().rev().zip(last.iter().rev()).for_each(|(byte, other)| *byte = *other);
        bytes
    }
}

/// Everything that may follow the first byte: the second, the rest of the header, and a payload.
fn rests() -> Vec<(Vec<u8>, Payload)> {
    let mut rests = Vec::new();
    for second in 0..=u8::MAX {
        let key: &[u8] = if second & 0x80 != 0 { &KEY } else { &[] };
        let mut add = |extended: &[u8], len: usize, payload: Payload| {
            let mut bytes = [&[second], extended, key].concat();
            let payload_bytes = payload.bytes(len).into_iter().enumerate();
            bytes.extend(payload_bytes.map(|(i, byte)| byte ^ key.get(i % 4).unwrap_or(&0)));
            rests.push((bytes, payload));
        };
        match second & 0x7F {
            len @ 0..126 => Payload::ALL.into_iter().for_each(|payload| add(&[], len.into(), payload)),
            126 => {
                for len in LENGTHS.into_iter().filter_map(|len| u16::try_from(len).ok()) {
                    add(&len.to_be_bytes(), len.into(), Payload::Nothing);
                    add(&len.to_be_bytes(), len.into(), Payload::Byte);
                }
            }
            _ => {
                for len in LENGTHS {
                    add(&len.to_be_bytes(), 1, Payload::Nothing);
                    add(&len.to_be_bytes(), 1.min(len) as usize, Payload::Byte);
                }
            }
        }
    }
    rests
}

#[test]
fn every_header_in_every_state_is_judged_as_the_model_does() {
    let mut cases = Cases::new("headers", 1009);
    let rests = rests();
    for role in ROLES {
        for &deflate in negotiated() {
            for state in State::ALL.into_iter().filter(|state| deflate || *state != State::InCompressed) {
                let close_sent = state == State::CloseSent;
                let model = Model { close_sent, deflate, ..Model::new(role) };
                let before = state.bytes(role);
                for first in 0..=u8::MAX {
                    for (rest, payload) in &rests {
                        if !cases.next() {
                            continue;
                        }
                        let bytes = [&before[..], &[first], rest].concat();
                        let context = || format!("{state:?} {payload:?}: {bytes:x?}");
                        let verdict = model.verdict(&bytes);
                        let mut whole = endpoint(&model);
                        assert_agrees(&model, &verdict, whole.feed(&bytes), &context);
                        cases.count();
                        // The header in pieces takes another way.
                        let mut pieces = endpoint(&model);
                        pieces
                            .feed_pieces(bytes[..before.len() + 2].chunks(1))
                            .feed(&bytes[before.len() + 2..]);
                        assert_agrees(&model, &verdict, &mut pieces, &context);
                        cases.count();
                        if !deflate {
                            assert_eq!(whole.partial.is_some(), pieces.partial.is_some(), "{}", context());
                        }
                    }
                }
            }
        }
    }
}
