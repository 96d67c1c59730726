//! Frames as a peer puts them on the wire, written out by hand: an independent twin of the encoder.

use crate::{CloseCode, CloseFrame, Role};

pub(super) const ROLES: [Role; 2] = [Role::Client, Role::Server];

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// The key that the peer masks with.
pub(super) const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A payload length in one of the three forms of 5.2, minimal or not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Seven(u8),
    Sixteen(u16),
    SixtyFour(u64),
}

impl Length {
    /// The form that 5.2 demands.
    pub(super) fn minimal(length: u64) -> Self {
        match length {
            0..126 => Self::Seven(length as u8),
            126..0x1_0000 => Self::Sixteen(length as u16),
            _ => Self::SixtyFour(length),
        }
    }
}

/// The peer of an endpoint.
pub(super) fn peer(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// A header for an endpoint of the role `to`: masked if that is the server.
pub(super) fn header(to: Role, first: u8, length: Length) -> Vec<u8> {
    let masked = to == Role::Server;
    header_masked(masked.then_some(KEY), first, length)
}

/// A header with the given masking key, whoever it goes to.
pub(super) fn header_masked(key: Option<[u8; 4]>, first: u8, length: Length) -> Vec<u8> {
    let bit = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        Length::Seven(length) => bytes.push(bit | length),
        Length::Sixteen(length) => {
            bytes.push(bit | 126);
            bytes.extend(length.to_be_bytes());
        }
        Length::SixtyFour(length) => {
            bytes.push(bit | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(key.unwrap_or_default().iter().take(if key.is_some() { 4 } else { 0 }));
    bytes
}

/// A frame for an endpoint of the role `to`, as its peer sends it.
pub(super) fn frame(to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = to == Role::Server;
    frame_masked(masked.then_some(KEY), first, payload)
}

/// A frame with the given masking key, whoever it goes to.
pub(super) fn frame_masked(key: Option<[u8; 4]>, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header_masked(key, first, Length::minimal(payload.len() as u64));
    let key = key.unwrap_or_default();
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    bytes
}

/// A close frame with a code and a reason.
pub(super) fn close(to: Role, code: u16, reason: &[u8]) -> Vec<u8> {
    frame(to, FIN | CLOSE, &close_payload(code, reason))
}

pub(super) fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A close frame without a reason, as it is echoed.
pub(super) fn code_only(code: impl Into<CloseCode>) -> Option<CloseFrame> {
    Some(CloseFrame::from(code.into()))
}

/// A frame that an endpoint wrote: its first byte and its payload, unmasked.
pub(super) type Written = (u8, Vec<u8>);

/// Takes apart what an endpoint of the role `from` wrote, and holds it to the rules for senders: whole frames, lengths in
/// the fewest bytes, masked by clients only (5.1, 5.2), control frames short and in one piece (5.5).
pub(super) fn frames_of(from: Role, mut bytes: &[u8]) -> Vec<Written> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (first, second) = (bytes[0], bytes[1]);
        assert_eq!(first & 0x70, 0, "reserved bits are clear");
        assert_eq!(second & 0x80 != 0, from == Role::Client, "clients mask, servers do not");
        let (length, mut at) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(bytes[2..4].try_into().unwrap())), 4),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
            length => (length.into(), 2),
        };
        let shortest = match length {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => 10,
        };
        assert_eq!(at, shortest, "length in the fewest bytes");
        if first & 0x8 != 0 {
            assert!(first & FIN != 0 && length <= 125, "control frame is short and whole");
        }
        let mut key = [0; 4];
        if from == Role::Client {
            key.copy_from_slice(&bytes[at..at + 4]);
            at += 4;
        }
        let end = at + length as usize;
        let payload = bytes[at..end].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
        frames.push((first, payload));
        bytes = &bytes[end..];
    }
    frames
}
