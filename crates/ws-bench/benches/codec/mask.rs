//! Masking in place, beside a loop over bytes.

use divan::{Bencher, counter::BytesCount};
use ws_core::frame::{MaskingKey, apply_mask};

use super::SIZES;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

#[divan::bench(args = SIZES)]
fn ours(bencher: Bencher<'_, '_>, size: usize) {
    let mut payload = vec![0x5a; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        apply_mask(divan::black_box(&mut payload), MaskingKey::new(KEY));
    });
}

#[divan::bench(args = SIZES)]
fn bytewise(bencher: Bencher<'_, '_>, size: usize) {
    let mut payload = vec![0x5a; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        for (index, byte) in divan::black_box(&mut payload).iter_mut().enumerate() {
            *byte ^= KEY[index % 4];
        }
    });
}
