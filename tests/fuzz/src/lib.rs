//! Fuzz targets as plain functions, for cargo-fuzz and for a test on a stable toolchain alike.
//!
//! Each target takes any bytes and panics when an invariant does not hold; the message begins with the name of the
//! invariant, as [`invariant`] lists them. `crates/ws-core/fuzz` hands them to libFuzzer, `tests/replay.rs` gives them the
//! committed seeds and what a seeded [`Mutator`] makes of these. `tests/fuzz/README.md` says how to run both.

pub mod differential;
mod endpoint;
mod grammar;
#[path = "../../../crates/ws-core/tests/support/heap.rs"]
#[allow(dead_code, reason = "shared with the tests of ws-core, which use more of it")]
mod heap;
pub mod invariant;
mod link;
mod mutate;
mod seeds;
mod target;
mod wire;

pub use self::{
    mutate::{Mutator, Random},
    seeds::seeds,
};

/// Something that is fuzzed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// What cargo-fuzz and the folders of seeds call it.
    pub name: &'static str,
    /// Takes any bytes, and panics when an invariant does not hold.
    pub run: fn(&[u8]),
}

/// All targets, in the order of the layers.
pub const TARGETS: &[Target] = &[
    Target { name: "frame_header", run: target::frame_header::run },
    Target { name: "mask", run: target::mask::run },
    Target { name: "utf8", run: target::utf8::run },
    Target { name: "receiver", run: target::receiver::run },
    Target { name: "receiver_deflate", run: target::receiver_deflate::run },
    Target { name: "round_trip", run: target::round_trip::run },
    Target { name: "extensions", run: target::extensions::run },
    Target { name: "origin", run: target::origin::run },
    Target { name: "handshake_request", run: target::handshake_request::run },
    Target { name: "handshake_response", run: target::handshake_response::run },
    Target { name: "operations", run: target::operations::run },
    Target { name: "raw", run: target::raw::run },
    Target { name: "http2", run: target::http2::run },
];

/// The target of this name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("one of the targets")
}
