//! Masking in place where a payload lies, behind its header, beside a loop over bytes.

use divan::{Bencher, counter::BytesCount};
use ws_core::frame::{MaskingKey, apply_mask};

/// Bytes of payload.
const SIZES: [usize; 5] = [32, 125, 1 << 10, 16 << 10, 64 << 10];
/// The header of a masked frame of more than 125 bytes.
const HEADER: usize = 8;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

#[divan::bench(args = SIZES)]
fn ours(bencher: Bencher<'_, '_>, size: usize) {
    let mut frame = vec![0x5a; HEADER + size];
    let payload = &mut frame[HEADER..];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        apply_mask(divan::black_box(&mut *payload), MaskingKey::new(KEY));
    });
}

#[divan::bench(args = SIZES)]
fn bytewise(bencher: Bencher<'_, '_>, size: usize) {
    let mut frame = vec![0x5a; HEADER + size];
    let payload = &mut frame[HEADER..];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        for (index, byte) in divan::black_box(&mut *payload).iter_mut().enumerate() {
            *byte ^= KEY[index % 4];
        }
    });
}
