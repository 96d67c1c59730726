//! What connections hold between messages.

use ws_core::{Config, Role};

use super::{compressed, deflating, document, message, negotiated, settings};
use crate::{
    heap::{held, measured},
    state::state,
    wire::{KIB, ROLES, Wire, conn, echo},
};

/// Some compressed messages, each by itself, so that they suit a connection with takeover and one without.
fn stream(role: Role, bits: u8, count: usize) -> Vec<u8> {
    (1..=count).flat_map(|number| message(role, &compressed(bits, &document(number)))).collect()
}

/// What one connection holds more than a plain one: before the first message, and idle after some.
fn cost(role: Role, bits: u8, no_takeover: bool, count: usize) -> (isize, isize) {
    let stream = stream(role, bits, count);
    let settings = settings(bits);
    // What the pools keep is theirs.
    let config = Config::new().buffer_pool(ws_core::BufferPool::off());
    let mut warm =
        deflating(role, config.clone(), negotiated(bits, no_takeover), &settings, Wire::new(&stream));
    assert_eq!(echo(&mut warm), count);
    drop(warm);
    let before = held();
    let mut conns: Vec<_> = (0..CONNS)
        .map(|_| {
            deflating(role, config.clone(), negotiated(bits, no_takeover), &settings, Wire::new(&stream))
        })
        .collect();
    let plain = (conns.capacity() * size_of_val(&conns[0])) as isize + CONNS as isize * state();
    let new = held() - before - plain;
    for conn in &mut conns {
        assert_eq!(echo(conn), count);
    }
    let idle = held() - before - plain;
    (new / CONNS as isize, idle / CONNS as isize)
}

// Shows Z-8.
#[test]
fn nothing_is_allocated_for_compression_before_the_first_compressed_message() {
    for role in ROLES {
        let (new, _) = cost(role, 15, false, 1);
        // The state of either direction: no window, no compressor.
        assert!(new <= STATE, "{role:?}: {new} bytes");
        let plain = b"";
        let settings = settings(15);
        let (conn, usage) = measured(|| conn(role, Config::new(), Wire::new(plain)));
        assert_eq!(usage.live, state());
        drop((conn, settings));
    }
}

// Shows Z-8.
#[test]
fn without_takeover_an_idle_connection_holds_no_deflate_state() {
    for role in ROLES {
        for bits in [9, 12, 15] {
            let (new, idle) = cost(role, bits, true, 5);
            assert_eq!(idle, new, "{role:?}, {bits} bits");
        }
    }
}

// Shows Z-8.
#[test]
fn with_takeover_an_idle_connection_holds_its_two_windows() {
    for role in ROLES {
        for bits in [9, 10, 11, 12, 13, 14, 15] {
            let (new, idle) = cost(role, bits, false, 60);
            assert_eq!(idle - new, 2 << bits, "{role:?}, {bits} bits");
        }
    }
}

// Shows Z-8.
#[test]
fn a_window_takes_memory_as_it_fills() {
    for role in ROLES {
        let (new, idle) = cost(role, 15, false, 1);
        let flowed = document(1).len() as isize;
        assert!(flowed < 4 * KIB);
        assert_eq!(idle - new, 2 * flowed, "{role:?}");
    }
}

/// Connections whose cost is averaged.
const CONNS: usize = 4;
/// Two small boxes: the state of either direction.
const STATE: isize = 192;
