//! Bytes of frames, and frames of bytes.

use bytes::BytesMut;
use ws_core::{
    Role,
    frame::{MaskingKey, Opcode},
    raw::Frame,
};

pub(crate) const KEY: MaskingKey = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);

/// A frame as the peer of `role` sends it.
pub(crate) fn to(role: Role, frame: Frame) -> Vec<u8> {
    match role {
        Role::Client => frame.encode().to_vec(),
        Role::Server => frame.into_masked(KEY).encode().to_vec(),
    }
}

/// The fragment of a message in the middle or at the beginning.
pub(crate) fn part(opcode: Opcode, payload: &[u8]) -> Frame {
    Frame::new(opcode, payload.to_vec()).with_fin(false)
}

/// All frames in the bytes: FIN, opcode, payload unmasked.
pub(crate) fn frames(bytes: &[u8]) -> Vec<(bool, Opcode, Vec<u8>)> {
    let mut input = BytesMut::from(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = Frame::decode(&mut input, u64::MAX).expect("frames are well formed") {
        let frame = frame.into_unmasked();
        frames.push((frame.header().fin, frame.header().opcode, frame.payload().to_vec()));
    }
    assert!(input.is_empty(), "half a frame: {input:?}");
    frames
}
