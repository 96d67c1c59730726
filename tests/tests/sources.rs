//! What the sources of the published crates may do, and what they may depend on.

use std::{collections::BTreeMap, fs};

use ws_tests::sources::{root, rust_files, text_of};

const CRATES: &[&str] = &["ws-client", "ws-core", "ws-tower"];

/// The files with `unsafe` in them, and how often.
const UNSAFE: &[(&str, usize)] = &[("ws-core/src/text.rs", 1)];

/// Where random numbers are drawn: masking keys, nonces of opening handshakes, and the wait before a client dials again.
const RANDOM: &[&str] = &[
    "ws-client/src/opening.rs",
    "ws-client/src/reconnect/drive.rs",
    "ws-core/src/keys.rs",
    "ws-core/src/raw/handshake/dialer.rs",
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

/// Whether the word stands in the code of a line.
fn has_word(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[test]
fn unsafe_has_one_address_and_says_why_it_is_sound() {
    let sources = sources();
    let mut found = Vec::new();
    for (path, text) in &sources {
        let lines: Vec<_> = text.lines().collect();
        let blocks: Vec<_> = (0..lines.len()).filter(|at| has_word(lines[*at], "unsafe")).collect();
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
    for name in ["ws-client", "ws-tower"] {
        assert!(sources[&format!("{name}/src/lib.rs")].contains("#![forbid(unsafe_code)]"), "{name}");
    }
    let workspace = text_of("Cargo.toml");
    for lint in ["unsafe_code = \"deny\"", "undocumented_unsafe_blocks = \"warn\""] {
        assert!(workspace.contains(lint), "{lint}");
    }
}

#[test]
fn keys_come_from_the_generator_of_the_system_alone() {
    let sources = sources();
    let drawing = sources.iter().filter(|(_, text)| text.lines().any(|line| has_word(line, "getrandom")));
    let files: Vec<_> = drawing.map(|(path, _)| path.as_str()).collect();
    assert_eq!(files, RANDOM);
    for (path, text) in &sources {
        let other = OTHER_GENERATORS.iter().find(|word| text.lines().any(|line| has_word(line, word)));
        assert_eq!(other, None, "{path}");
    }
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

/// The value of a field of a package in the lock file.
fn field<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
    line.strip_suffix('"')
}

/// The numbers of a version, as far as there are only numbers.
fn version(text: &str) -> Vec<u64> {
    text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}
