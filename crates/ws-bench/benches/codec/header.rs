//! Frame headers, read and written: with a length of 7, 16 and 64 bits.

use divan::Bencher;
use ws_core::frame::{FrameHeader, MaskingKey, Opcode};

const LENGTHS: [u64; 3] = [32, 1 << 10, 64 << 10];

#[divan::bench(args = LENGTHS)]
fn decode(bencher: Bencher<'_, '_>, len: u64) {
    let encoded = header(len).encode();
    bencher.bench_local(|| FrameHeader::decode(divan::black_box(&encoded)));
}

#[divan::bench(args = LENGTHS)]
fn encode(bencher: Bencher<'_, '_>, len: u64) {
    let header = header(len);
    bencher.bench_local(|| divan::black_box(&header).encode());
}

fn header(len: u64) -> FrameHeader {
    let mut header = FrameHeader::new(Opcode::TEXT, len);
    header.mask = Some(MaskingKey::new([1, 2, 3, 4]));
    header
}
