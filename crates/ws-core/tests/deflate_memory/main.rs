//! What compression takes from the heap, counted by the allocator.

#![cfg(all(feature = "deflate", feature = "io"))]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/heap.rs"]
mod heap;
#[path = "../support/state.rs"]
mod state;
#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../support/wire.rs"]
mod wire;

mod bombs;
mod idle;
mod pools;

use ws_core::{Config, Conn, DeflateConfig, Negotiated, NegotiatedDeflate, Role, frame::Opcode};
use zlib_rs::{Deflate, DeflateFlush};

use self::wire::{Wire, frame};

/// The same parameters for both directions.
fn negotiated(bits: u8, no_takeover: bool) -> NegotiatedDeflate {
    let mut negotiated = NegotiatedDeflate::new();
    negotiated.server_no_context_takeover = no_takeover;
    negotiated.client_no_context_takeover = no_takeover;
    negotiated.server_max_window_bits = bits;
    negotiated.client_max_window_bits = bits;
    negotiated
}

/// Settings with those windows, and a pool of the test's own.
fn settings(bits: u8) -> DeflateConfig {
    DeflateConfig::new()
        .server_max_window_bits(bits)
        .client_max_window_bits(bits)
        .pool(ws_core::DeflatePool::new())
}

fn deflating<'a>(
    role: Role,
    config: Config,
    parameters: NegotiatedDeflate,
    deflate: &DeflateConfig,
    wire: Wire<'a>,
) -> Conn<Wire<'a>> {
    Conn::new(wire, role, config.compression(deflate.clone()), Negotiated::new().with_deflate(parameters))
}

/// A peer's compressor: each message refers to nothing before it.
fn compressed(bits: u8, payload: &[u8]) -> Vec<u8> {
    let mut deflate = Deflate::new(6, false, bits.max(9));
    let mut out = vec![0; payload.len() / 2 + 1024];
    deflate.compress(payload, &mut out, DeflateFlush::SyncFlush).expect("it compresses");
    let len = deflate.total_out() as usize;
    assert!(len < out.len());
    out.truncate(len - 4);
    out
}

/// A compressed message in one frame.
fn message(to: Role, payload: &[u8]) -> Vec<u8> {
    rsv1(frame(to, true, Opcode::BINARY, payload))
}

fn rsv1(mut frame: Vec<u8>) -> Vec<u8> {
    frame[0] |= 0x40;
    frame
}

/// What JSON looks like, some KiB of it.
fn document(number: usize) -> Vec<u8> {
    (0..40)
        .flat_map(|line| format!("{{\"id\":{},\"name\":\"user {}\"}},", line * number, line % 7).into_bytes())
        .collect()
}
