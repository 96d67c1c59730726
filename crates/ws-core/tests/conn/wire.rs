//! Frames as the peer of a role sends them, and as an endpoint wrote them.

use ws_core::{
    Role,
    frame::{FrameHeader, MaskingKey, Opcode, apply_mask},
};

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A whole frame for an endpoint of the role `to`.
pub(crate) fn frame(to: Role, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    fragment(to, opcode, payload, true)
}

/// A frame for an endpoint of the role `to`, the last of its message or not.
pub(crate) fn fragment(to: Role, opcode: Opcode, payload: &[u8], fin: bool) -> Vec<u8> {
    let mask = (to == Role::Server).then(|| MaskingKey::new([0x11, 0x22, 0x33, 0x44]));
    let header = FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload.len() as u64) };
    let mut payload = payload.to_vec();
    if let Some(key) = mask {
        apply_mask(&mut payload, key);
    }
    [&header.encode()[..], &payload].concat()
}

pub(crate) fn text(to: Role, text: &str) -> Vec<u8> {
    frame(to, Opcode::TEXT, text.as_bytes())
}

pub(crate) fn binary(to: Role, data: &[u8]) -> Vec<u8> {
    frame(to, Opcode::BINARY, data)
}

/// A close frame with a code.
pub(crate) fn close(to: Role, code: u16) -> Vec<u8> {
    frame(to, Opcode::CLOSE, &code.to_be_bytes())
}

/// A frame that breaks a rule: its opcode is reserved. Answered with 1002.
pub(crate) fn broken(to: Role) -> Vec<u8> {
    frame(to, Opcode::from_bits(0x3), b"")
}

/// The frames in what an endpoint wrote, unmasked. Panics unless they are whole.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<(Opcode, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (header, len) = FrameHeader::decode(bytes).expect("a header").expect("a whole header");
        let end = len + header.payload_len as usize;
        let mut payload = bytes[len..end].to_vec();
        if let Some(key) = header.mask {
            apply_mask(&mut payload, key);
        }
        frames.push((header.opcode, payload));
        bytes = &bytes[end..];
    }
    frames
}

/// The payload of a close frame with a code.
pub(crate) fn code(code: u16) -> (Opcode, Vec<u8>) {
    (Opcode::CLOSE, code.to_be_bytes().to_vec())
}

/// Bytes that are no two alike nearby.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}
