//! The whole stack in a simulated world: clients that dial, a server of hyper's that upgrades, and the network between them that
//! `crates/ws-core/tests/simulation` has, with delays, short reads and writes, stalls, cuts, half-open peers and ends without a close
//! frame, from the first byte of the opening handshake on. The server stops meanwhile, or when all are done. Time is virtual, and all of
//! it follows from one number; keys and masks are the system's, but no event depends on them.
//!
//! `WS_SIMULATIONS=10000 cargo test --release -p ws-tests --test simulation` runs that many worlds, `WS_SIMULATION=7` one.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../crates/ws-core/tests/simulation/executor.rs"]
mod executor;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../crates/ws-core/tests/support/heap.rs"]
mod heap;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../crates/ws-core/tests/simulation/network.rs"]
mod network;
#[path = "../../../crates/ws-core/tests/simulation/random.rs"]
mod random;
mod world;

use std::{env, ops::Range, panic};

use world::{Sum, World};

// Shows LIF-1, WAKE-1.
#[test]
fn every_world_of_clients_and_servers_keeps_its_promises_and_comes_out_the_same_again() {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds: Range<u64> = match number("WS_SIMULATION") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("WS_SIMULATIONS").unwrap_or(100),
    };
    let mut sum = Sum::default();
    for seed in seeds.clone() {
        let run = || panic::catch_unwind(|| World::new(seed).run());
        let (Ok(first), Ok(again)) = (run(), run()) else {
            panic!("replay with: WS_SIMULATION={seed} cargo test -p ws-tests --test simulation");
        };
        assert_eq!(first.trace, again.trace, "seed {seed}: the same world came out in two ways");
        sum.add(&first.sum);
    }
    println!("{} worlds: {sum:?}", seeds.count());
}
