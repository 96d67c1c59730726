//! What the sources of the published crates may do, what they may depend on, and what the security policy says of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use ws_tests::sources::{root, rust_files, text_of};

const CRATES: &[&str] = &["ws-client", "ws-core", "ws-hub", "ws-obs", "ws-proxy", "ws-tower", "ws-wasm"];

/// The files with `unsafe` in them, and how often.
const UNSAFE: &[(&str, usize)] = &[("ws-core/src/text.rs", 1)];

/// Where random numbers are drawn: masking keys, that of a proxy's close frame among them, nonces of opening handshakes, the
/// wait before a client dials again or a hub looks for its server, and the numbers of nodes.
const RANDOM: &[&str] = &[
    "ws-client/src/opening.rs",
    "ws-client/src/reconnect/drive.rs",
    "ws-core/src/keys.rs",
    "ws-core/src/raw/handshake/dialer.rs",
    "ws-hub/src/backplane/link/driver.rs",
    "ws-hub/src/backplane/node.rs",
    "ws-proxy/src/tunnel/mod.rs",
];

/// Crates that draw numbers, and other ways to come by some.
const OTHER_GENERATORS: &[&str] = &[
    "fastrand",
    "nanorand",
    "oorandom",
    "rand",
    "rand_chacha",
    "rand_core",
    "rand_pcg",
    "rand_xoshiro",
    "tinyrand",
    "turborand",
    "RandomState",
];

/// Where `RandomState` is what tables are hashed with, and nothing is drawn from it.
const HASHED: &[&str] = &["ws-hub/src/backplane/memory/log.rs", "ws-hub/src/groups.rs"];

/// The sources of the published crates, without comments, by path below `crates`.
fn sources() -> BTreeMap<String, String> {
    let crates = root().join("crates");
    let files = CRATES.iter().flat_map(|name| rust_files(&crates.join(name).join("src")));
    let sources: BTreeMap<_, _> = files
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a source can be read");
            let path = file.strip_prefix(&crates).expect("it is below crates");
            (path.to_string_lossy().replace('\\', "/"), text)
        })
        .collect();
    assert!(sources.len() > 100, "{} files", sources.len());
    sources
}

/// The words in code, without comments.
fn words(code: &str) -> BTreeSet<&str> {
    let lines = code.lines().filter_map(|line| line.split("//").next());
    lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

// Shows UNS-1.
#[test]
fn unsafe_has_one_address_and_says_why_it_is_sound() {
    let sources = sources();
    let mut found = Vec::new();
    for (path, text) in &sources {
        let lines: Vec<_> = text.lines().collect();
        let blocks: Vec<_> = (0..lines.len())
            .filter(|at| lines[*at].contains("unsafe") && words(lines[*at]).contains("unsafe"))
            .collect();
        for at in &blocks {
            let mut comment =
                lines[..*at].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
            assert!(comment.any(|line| line.contains("SAFETY: ")), "{path}, line {}: why?", at + 1);
        }
        if !blocks.is_empty() {
            found.push((path.as_str(), blocks.len()));
        }
    }
    assert_eq!(found, UNSAFE);
    for name in CRATES.iter().filter(|name| **name != "ws-core") {
        assert!(sources[&format!("{name}/src/lib.rs")].contains("#![forbid(unsafe_code)]"), "{name}");
    }
    let workspace = text_of("Cargo.toml");
    for lint in ["unsafe_code = \"deny\"", "undocumented_unsafe_blocks = \"warn\""] {
        assert!(workspace.contains(lint), "{lint}");
    }
}

// Shows MSK-2.
#[test]
fn keys_come_from_the_generator_of_the_system_alone() {
    let sources = sources();
    let mut drawing = Vec::new();
    for (path, text) in &sources {
        let words = words(text);
        if words.contains("getrandom") {
            drawing.push(path.as_str());
        }
        let is_hashed = |word: &str| word == "RandomState" && HASHED.contains(&path.as_str());
        let other = OTHER_GENERATORS.iter().find(|word| words.contains(**word) && !is_hashed(word));
        assert_eq!(other, None, "{path}");
    }
    assert_eq!(drawing, RANDOM);
    for name in CRATES {
        let manifest = text_of(&format!("crates/{name}/Cargo.toml"));
        let dependencies = manifest.split("\n[dev-dependencies]").next().unwrap_or_default();
        let other = OTHER_GENERATORS
            .iter()
            .find(|word| dependencies.lines().any(|line| line.starts_with(&format!("{word} "))));
        assert_eq!(other, None, "{name}");
    }
}

/// Of what the published crates depend on by name; `tests/run deny` looks at the rest of their graph as well.
// Shows DEP-1.
#[test]
fn no_dependency_is_of_a_version_with_a_known_fault() {
    let lock = text_of("Cargo.lock");
    let locked: Vec<_> = lock
        .split("[[package]]")
        .filter_map(|package| Some((field(package, "name")?, version(field(package, "version")?))))
        .collect();
    let workspace = text_of("Cargo.toml");
    let deny = text_of("deny.toml");
    let floors = deny.lines().filter_map(|line| {
        let (name, floor) = line.trim().strip_prefix("{ crate = \"")?.split('"').next()?.split_once(":<")?;
        let is_named = workspace.lines().any(|line| line.starts_with(&format!("{name} = ")));
        is_named.then(|| (name, version(floor)))
    });
    let mut held = Vec::new();
    for (name, floor) in floors {
        let versions: Vec<_> = locked.iter().filter(|(locked, _)| *locked == name).collect();
        assert!(
            !versions.is_empty() && versions.iter().all(|(_, version)| *version >= floor),
            "{versions:?}"
        );
        held.push(name);
    }
    let expected = ["bytes", "h2", "hyper", "idna", "rustls", "rustls-webpki", "tokio", "url", "zlib-rs"];
    assert_eq!(held, expected);
}

/// A row of the table in SECURITY.md, what stands in it, and the code that it repeats.
const POLICY: &[(&str, &str, &str, &str)] = &[
    ("message", "1 MiB (64 MiB", "ws-core/src/config.rs", "Role::Server => Some(1 << 20)"),
    ("message", "(64 MiB", "ws-tower/src/extract/upgrade.rs", "AXUM_MAX_MESSAGE_SIZE: u64 = 64 << 20;"),
    ("message", "| 16 MiB |", "ws-core/src/config.rs", "Role::Client => Some(16 << 20)"),
    ("fragments of a message", "| 16,384 |", "ws-core/src/config.rs", "(1 << 20, Some(16_384))"),
    ("fragments of a message", "| 262,144 |", "ws-core/src/config.rs", "(16 << 20, Some(262_144))"),
    (
        "control frames in one go",
        "| 4,096 | 4,096 |",
        "ws-core/src/config.rs",
        "max_control_frames.unwrap_or(Some(4096))",
    ),
    ("queued outgoing bytes", "64 KiB", "ws-core/src/config.rs", "high_water_mark.unwrap_or(64 << 10)"),
    (
        "closing handshake",
        "| 5 s | 5 s |",
        "ws-core/src/config.rs",
        "close_timeout.unwrap_or(Duration::from_secs(5))",
    ),
    (
        "opening handshake",
        "| 10 s from",
        "ws-tower/src/upgrader/mod.rs",
        "HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);",
    ),
    (
        "opening handshake",
        "| 30 s in all",
        "ws-client/src/dialer.rs",
        "HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);",
    ),
    (
        "head of an opening handshake",
        "| 16 KiB,",
        "ws-core/src/handshake/server.rs",
        "MAX_HEAD: usize = 16 << 10;",
    ),
    (
        "head of an opening handshake",
        "100 fields, 8 KiB",
        "ws-core/src/handshake/server.rs",
        "MAX_FIELDS: usize = 100;",
    ),
    (
        "head of an opening handshake",
        "8 KiB a field",
        "ws-core/src/handshake/server.rs",
        "MAX_LINE: usize = 8 << 10;",
    ),
    (
        "head of an opening handshake",
        "| 64 KiB,",
        "ws-client/src/handshake.rs",
        "MAX_HEAD: usize = 64 << 10;",
    ),
];

#[test]
fn limits_of_the_security_policy_are_those_of_the_code() {
    let policy = text_of("SECURITY.md");
    let sources = sources();
    for (row, cell, file, code) in POLICY {
        let line = policy.lines().find(|line| line.starts_with(&format!("| {row} |")));
        assert!(line.is_some_and(|line| line.contains(cell)), "{row}: {cell} is not in {line:?}");
        assert!(sources[*file].contains(code), "{row}: {code} is not in {file}");
    }
}

/// The value of a field of a package in the lock file.
fn field<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
    line.strip_suffix('"')
}

/// The numbers of a version, as far as there are only numbers.
fn version(text: &str) -> Vec<u64> {
    text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}
