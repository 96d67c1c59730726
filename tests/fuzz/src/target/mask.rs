//! Masking, by words and byte by byte (RFC 6455, 5.3).

use ws_core::{
    frame::{MaskingKey, apply_mask},
    raw::apply_mask_at,
};

/// Four bytes of key, one that says where to cut and one how far from aligned the payload lies; then the payload.
pub(crate) fn run(input: &[u8]) {
    let Some((&[a, b, c, d, cut, shift], payload)) = input.split_first_chunk() else { return };
    let bytes = [a, b, c, d];
    let key = MaskingKey::new(bytes);
    let shift = usize::from(shift % 16).min(payload.len());
    let payload = &payload[shift..];
    let naive: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ bytes[at % 4]).collect();

    let mut whole = [&vec![0; shift], payload].concat();
    apply_mask(&mut whole[shift..], key);
    assert_eq!(whole[shift..], naive, "I21: in one piece");

    let cut = usize::from(cut).min(payload.len());
    let mut pieces = payload.to_vec();
    let (head, tail) = pieces.split_at_mut(cut);
    apply_mask(head, key);
    apply_mask(tail, key.rotated(cut));
    assert_eq!(pieces, naive, "I3: cut at {cut}");

    let mut placed = payload.to_vec();
    let (head, tail) = placed.split_at_mut(cut);
    apply_mask_at(tail, key, cut as u64);
    apply_mask_at(head, key, 0);
    assert_eq!(placed, naive, "I21: by offset {cut}");

    apply_mask(&mut whole[shift..], key);
    assert_eq!(whole[shift..], *payload, "I11: masked and unmasked");
}
