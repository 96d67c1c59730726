//! Every target on a stable toolchain: the committed seeds, and inputs near to them.
//!
//! `FUZZ_SECONDS=60 FUZZ_SEED=7 cargo test --release -p ws-fuzz --test replay receiver` goes on for longer, from elsewhere;
//! `FUZZ_INPUT=FILE cargo test -p ws-fuzz --test replay receiver` runs that one.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ws_fuzz::{Mutator, TARGETS, seeds, target};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/ws-core/fuzz")
}

/// The seeds of a target as they are committed, the inputs of former finds among them.
fn committed(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("seeds").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a folder can be listed").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a file can be read"))
        })
        .collect();
    inputs.sort();
    inputs
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

fn replay(name: &str) {
    let run = target(name).run;
    if let Some(file) = env::var_os("FUZZ_INPUT") {
        return run(&fs::read(file).expect("a file can be read"));
    }
    let inputs: Vec<_> = committed(name);
    for (file, input) in &inputs {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
            eprintln!("{name}: the seed {file}");
            resume_unwind(panic);
        }
    }
    let inputs: Vec<_> = inputs.into_iter().map(|(_, input)| input).collect();
    let seed = number("FUZZ_SEED", 1);
    let mut mutator = Mutator::new(&inputs, seed);
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 2));
    let mut count = 0;
    // At least some, however slow the machine.
    while count < 50 || Instant::now() < until {
        let input = mutator.next_input();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&input))) {
            eprintln!("{name}: input {count} of seed {seed}: b\"{}\"", input.escape_ascii());
            resume_unwind(panic);
        }
        count += 1;
    }
    println!("{name}: {} seeds and {count} inputs near to them", inputs.len());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_has_a_test_and_an_entry_for_cargo_fuzz() {
            let tested = [$(stringify!($name)),*];
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, tested);
            let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("a manifest");
            for name in names {
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
                let entry = fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs")));
                assert!(entry.expect("an entry").contains(&format!("target(\"{name}\")")), "{name}");
            }
        }
    };
}

targets! {
    frame_header mask utf8 receiver receiver_deflate round_trip extensions origin handshake_request handshake_response
    operations raw http2
}

#[test]
fn the_committed_seeds_are_those_that_are_made() {
    for target in TARGETS {
        let committed = committed(target.name);
        for seed in seeds(target.name) {
            assert!(committed.contains(&seed), "{}/{}: run fuzz-seeds", target.name, seed.0);
        }
    }
}
