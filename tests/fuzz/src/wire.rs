//! Frames as RFC 6455, 5.2 draws them, written and read without a line of the crate under test.

use ws_core::Role;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// A frame to be encoded, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct WireFrame {
    pub(crate) first: u8,
    pub(crate) key: Option<[u8; 4]>,
    /// The length that the header says, and in how many bytes; `None` for the true one in the fewest.
    pub(crate) length: Option<(u64, LengthForm)>,
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LengthForm {
    Seven,
    Sixteen,
    SixtyFour,
}

impl WireFrame {
    /// A frame for an endpoint of the role `to`, as its peer sends it.
    pub(crate) fn new(to: Role, first: u8, payload: impl Into<Vec<u8>>) -> Self {
        let key = (to == Role::Server).then_some(KEY);
        Self { first, key, length: None, payload: payload.into() }
    }

    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let (length, form) = self.length.unwrap_or_else(|| {
            let length = self.payload.len() as u64;
            let form = match length {
                0..126 => LengthForm::Seven,
                126..0x1_0000 => LengthForm::Sixteen,
                _ => LengthForm::SixtyFour,
            };
            (length, form)
        });
        let bit = if self.key.is_some() { 0x80 } else { 0 };
        bytes.push(self.first);
        match form {
            LengthForm::Seven => bytes.push(bit | (length as u8 & 0x7F)),
            LengthForm::Sixteen => {
                bytes.push(bit | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            LengthForm::SixtyFour => {
                bytes.push(bit | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend(self.key.iter().flatten());
        let key = self.key.unwrap_or_default();
        bytes.extend(self.payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }
}

/// A frame that was written: its first byte and its payload, unmasked.
pub(crate) type Written = (u8, Vec<u8>);

/// Reads what an endpoint of the role `from` wrote, and holds it to the rules for senders (I7, I8).
///
/// With `compressed`, RSV1 may stand on the first frame of a message. A frame without its end is given back as it is.
pub(crate) fn written(from: Role, mut bytes: &[u8], compressed: bool) -> (Vec<Written>, &[u8]) {
    let mut frames: Vec<Written> = Vec::new();
    let mut open = false;
    while let Some((first, payload, rest)) = split_frame(from, bytes) {
        let (fin, opcode) = (first & FIN != 0, first & 0x0F);
        assert!(
            frames.last().is_none_or(|(first, _)| first & 0x0F != CLOSE),
            "I7: {first:#x} after a close frame"
        );
        let may = if compressed && matches!(opcode, TEXT | BINARY) { RSV1 } else { 0 };
        assert_eq!(first & 0x70 & !may, 0, "I8: reserved bits");
        match opcode {
            CONTINUATION => assert!(open, "I8: continuation of nothing"),
            TEXT | BINARY => assert!(!open, "I8: a message within a message"),
            CLOSE | PING | PONG => {
                assert!(fin && payload.len() <= 125, "I8: a large or fragmented control frame")
            }
            _ => panic!("I8: opcode {opcode}"),
        }
        if opcode == CLOSE && payload.len() >= 2 {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            assert!(is_close_code(code), "I8: close code {code}");
            assert!(std::str::from_utf8(&payload[2..]).is_ok(), "I8: a reason that is no text");
        }
        assert!(opcode != CLOSE || payload.len() != 1, "I8: half a close code");
        if opcode < CLOSE {
            open = !fin;
        }
        frames.push((first, payload));
        bytes = rest;
    }
    (frames, bytes)
}

/// All frames of `bytes`, which end with a whole one.
pub(crate) fn whole_frames(from: Role, bytes: &[u8], compressed: bool) -> Vec<Written> {
    let (frames, rest) = written(from, bytes, compressed);
    assert!(rest.is_empty(), "I8: half a frame: {rest:x?}");
    frames
}

fn split_frame(from: Role, bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let [first, second, ..] = *bytes else { return None };
    assert_eq!(second & 0x80 != 0, from == Role::Client, "I8: clients mask, servers do not");
    let (extended, least) = match second & 0x7F {
        126 => (2, 126),
        127 => (8, 0x1_0000),
        _ => (0, 0),
    };
    let number = bytes.get(2..2 + extended)?;
    let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let length = if extended == 0 { u64::from(second & 0x7F) } else { number };
    assert!(length >= least && length < 1 << 63, "I8: length not in the fewest bytes");
    let masked = if from == Role::Client { 4 } else { 0 };
    let key = bytes.get(2 + extended..2 + extended + masked)?;
    let start = 2 + extended + masked;
    let payload = bytes.get(start..start + usize::try_from(length).ok()?)?;
    let rest = &bytes[start + payload.len()..];
    let payload = match key {
        [] => payload.to_vec(),
        key => payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect(),
    };
    Some((first, payload, rest))
}

/// The codes that may stand in a close frame: those of the registry but the ones for local use, and 3000 to 4999.
pub(crate) fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

pub(crate) fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// The key that our side of the wire masks with.
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
