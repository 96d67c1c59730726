//! The same streams through this stack and through tungstenite. `src/bin/differential.rs` asks Python's `websockets` as well.
//!
//! `DIFFERENTIAL_SCRIPTS=1000000 DIFFERENTIAL_SEED=7 cargo test --release -p ws-fuzz --test differential` plays that many.

use std::env;

use ws_fuzz::differential::{Comparison, DIFFERENCES};

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn streams_come_out_as_in_tungstenite_but_for_the_known_differences() {
    let first = number("DIFFERENTIAL_SEED", 1);
    let scripts = number("DIFFERENTIAL_SCRIPTS", 3000);
    let comparison = Comparison::run(first..first + scripts, None).expect("no process that could fail");
    let Comparison { verdicts, differences, unexplained, .. } = &comparison;
    assert!(unexplained.is_empty(), "{} of {verdicts}:\n{}", unexplained.len(), unexplained.join("\n"));
    for (difference, names, _) in DIFFERENCES.iter().filter(|(_, names, _)| names.contains(&"tungstenite")) {
        let met = differences.contains_key(&("tungstenite", *difference));
        assert!(met, "the table holds only differences that there are: {difference:?} {names:?}");
    }
}
