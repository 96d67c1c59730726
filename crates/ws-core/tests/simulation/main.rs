//! Connections in a simulated world: clients, a server that passes what is published on to all of them, and a network with delays,
//! short reads and writes, stalls, cuts, half-open peers and ends without a closing handshake. Tasks run in any order, are slow, give
//! up calls or are dropped. Time is virtual, and all of it follows from one number.
//!
//! `WS_SIMULATIONS=10000 cargo test --release -p ws-core --test simulation` runs that many worlds, `WS_SIMULATION=7` one.

#![cfg(all(feature = "io", feature = "deflate"))]
#![allow(clippy::disallowed_methods, reason = "the clock is virtual")]

#[allow(dead_code, reason = "the simulation of the whole stack uses the rest")]
mod executor;
#[allow(dead_code, reason = "the simulation of the whole stack uses the rest")]
mod network;
mod random;
mod world;

use std::{env, ops::Range, panic};

use world::World;

#[test]
fn every_world_keeps_its_promises_and_comes_out_the_same_again() {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds: Range<u64> = match number("WS_SIMULATION") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("WS_SIMULATIONS").unwrap_or(300),
    };
    let mut sum = world::Sum::default();
    for seed in seeds.clone() {
        let run = || panic::catch_unwind(|| World::new(seed).run());
        let (Ok(first), Ok(again)) = (run(), run()) else {
            panic!("replay with: WS_SIMULATION={seed} cargo test -p ws-core --test simulation");
        };
        assert_eq!(first.trace, again.trace, "seed {seed}: the same world came out in two ways");
        sum.add(&first);
    }
    println!("{} worlds: {sum:?}", seeds.count());
}
