//! The parts of the codec by themselves, without I/O: `cargo bench -p ws-bench`.

mod deflate;
mod header;
mod mask;
mod text;
mod utf8;

fn main() {
    divan::main();
}

/// Bytes of payload.
const SIZES: [usize; 3] = [32, 1 << 10, 64 << 10];
