//! permessage-deflate by hand (RFC 7692).

mod bits;
mod conn;
mod limits;
mod negotiation;
mod round_trip;

use proptest::prelude::*;
use ws_core::{DeflateConfig, NegotiatedDeflate, Role};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// Both directions alike.
fn agreed(bits: u8, no_takeover: bool) -> NegotiatedDeflate {
    let mut agreed = NegotiatedDeflate::new();
    (agreed.server_max_window_bits, agreed.client_max_window_bits) = (bits, bits);
    (agreed.server_no_context_takeover, agreed.client_no_context_takeover) = (no_takeover, no_takeover);
    agreed
}

/// A compressor that uses all of the window, for messages of any length.
fn config() -> DeflateConfig {
    DeflateConfig::new().server_max_window_bits(15).client_max_window_bits(15).threshold(0)
}

/// Text that repeats itself at many distances.
fn document(len: usize) -> Vec<u8> {
    let lines = (0..)
        .flat_map(|line: usize| format!("{{\"id\":{line},\"name\":\"user {}\"}},", line % 37).into_bytes());
    lines.take(len).collect()
}

/// Bytes that do not shrink.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Messages that shrink, some that do not, and some of nothing.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let message = prop_oneof![
        4 => (0usize..6000).prop_map(document),
        2 => (0usize..3000, any::<u64>()).prop_map(|(len, seed)| noise(len, seed)),
        1 => Just(Vec::new()),
        1 => (30_000usize..50_000).prop_map(document),
    ];
    prop::collection::vec(message, 1..5)
}
