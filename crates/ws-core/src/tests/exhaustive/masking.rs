//! 5.3: masking of every length at every offset in every phase of the key.

use super::Cases;
use crate::frame::{MaskingKey, apply_mask};

#[test]
fn every_length_at_every_offset_in_every_phase_is_masked_octet_by_octet() {
    let mut cases = Cases::new("masking", 1);
    let key = [0x01, 0x80, 0xFE, 0x5A];
    let plain: Vec<u8> = (0..=250).cycle().take(640).collect();
    for offset in 0..16 {
        for len in 0..=600 {
            for phase in 0..4 {
                if !cases.next() {
                    continue;
                }
                let mut masked = plain.clone();
                apply_mask(&mut masked[offset..offset + len], MaskingKey::new(key).rotated(phase));
                for (at, (masked, plain)) in masked.iter().zip(&plain).enumerate() {
                    let inside = (offset..offset + len).contains(&at);
                    let octet = if inside { key[(at - offset + phase) % 4] } else { 0 };
                    assert_eq!(*masked, plain ^ octet, "{len} bytes at {offset} in phase {phase}: {at}");
                }
                cases.count();
            }
        }
    }
}
