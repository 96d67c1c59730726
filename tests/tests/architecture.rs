//! Who may import whom inside of ws-core: read from the sources, so that a shortcut between layers fails here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use ws_tests::sources::rust_files;

/// A layer: the modules it is made of, what it may use of the crate besides itself, and what it may use of others.
struct Layer {
    modules: &'static [&'static str],
    of_crate: &'static [&'static str],
    of_others: &'static [&'static str],
}

/// The values and errors that every layer speaks in.
const VALUES: &[&str] =
    &["budget", "close", "config", "error", "message", "pool", "sync", "text", "utf8", "violation"];

const LAYERS: &[Layer] = &[
    Layer { modules: &["frame"], of_crate: &["violation"], of_others: &[] },
    // The configuration holds what deflate is configured by.
    Layer { modules: VALUES, of_crate: &["deflate", "values"], of_others: &["bytes", "loom", "simdutf8"] },
    Layer {
        modules: &["deflate"],
        of_crate: &["prepared", "values"],
        of_others: &["bytes", "miniz_oxide", "zlib_rs"],
    },
    Layer { modules: &["prepared"], of_crate: &["deflate", "frame", "values"], of_others: &["bytes"] },
    Layer {
        modules: &["handshake"],
        of_crate: &["config", "deflate"],
        of_others: &["base64", "bytes", "http", "sha1"],
    },
    Layer {
        modules: &["proto"],
        of_crate: &["deflate", "frame", "prepared", "values"],
        of_others: &["bytes"],
    },
    Layer { modules: &["reconnect"], of_crate: &["values"], of_others: &[] },
    Layer { modules: &["keys"], of_crate: &["frame", "proto"], of_others: &["getrandom"] },
    Layer {
        modules: &["conn"],
        of_crate: &["deflate", "frame", "keys", "prepared", "proto", "values"],
        of_others: &[
            "bytes",
            "futures_core",
            "futures_io",
            "futures_sink",
            "serde",
            "serde_json",
            "tokio",
            "tokio_util",
        ],
    },
    // The frames need no connection; the opening handshake hands one over when it is done.
    Layer {
        modules: &["raw"],
        of_crate: &["conn", "deflate", "frame", "handshake", "keys", "proto", "values"],
        of_others: &["bytes", "getrandom", "http", "httparse", "tokio", "tokio_util"],
    },
];

#[test]
fn no_layer_of_ws_core_uses_what_lies_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ws-core/src");
    let external =
        dependencies(&fs::read_to_string(source.join("../Cargo.toml")).expect("ws-core has a manifest"));
    assert!(external.contains("bytes") && external.contains("tokio_util"), "{external:?}");
    let exported = reexports(&fs::read_to_string(source.join("lib.rs")).expect("ws-core has a lib.rs"));
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for layer in LAYERS {
        for module in layer.modules {
            for file in files_of(&source, module) {
                seen.insert(file.clone());
                let text = without_tests(&fs::read_to_string(&file).expect("a source file can be read"));
                for name in paths_after(&text, "crate::") {
                    let target = exported.get(&name).cloned().unwrap_or(name);
                    let allowed = layer.modules.contains(&target.as_str())
                        || layer.of_crate.contains(&target.as_str())
                        || (layer.of_crate.contains(&"values") && VALUES.contains(&target.as_str()));
                    if !allowed {
                        wrong.push(format!("{}: uses crate::{target}", file.display()));
                    }
                }
                for name in external.iter().filter(|name| !layer.of_others.contains(&name.as_str())) {
                    if uses_crate(&text, name) {
                        wrong.push(format!("{}: uses {name}", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the layers:\n{}", wrong.join("\n"));

    let unknown: Vec<_> = rust_files(&source)
        .into_iter()
        .filter(|file| !seen.contains(file) && !file.ends_with("lib.rs") && !in_tests(&source, file))
        .collect();
    assert!(unknown.is_empty(), "files of no layer: {unknown:?}");
}

#[test]
fn the_scan_sees_imports_of_every_shape() {
    let text = "use crate::{Config, proto::{Event, Sender}, frame::Opcode};\nfn f() { crate::conn::x(); }\n// crate::no";
    let names: Vec<_> = paths_after(text, "crate::").into_iter().collect();
    assert_eq!(names, ["Config", "conn", "frame", "proto"]);
    let exported = reexports("pub use crate::{\n    config::{Config, Role},\n    text::Utf8Bytes,\n};");
    assert_eq!(exported.get("Role").map(String::as_str), Some("config"));
    assert_eq!(exported.get("Utf8Bytes").map(String::as_str), Some("text"));
    assert!(uses_crate("use tokio::io;", "tokio") && !uses_crate("use tokio_util::io;", "tokio"));
}

fn files_of(source: &Path, module: &str) -> Vec<PathBuf> {
    let file = source.join(format!("{module}.rs"));
    let folder = source.join(module);
    let files: Vec<_> = rust_files(&folder)
        .into_iter()
        .chain(file.exists().then_some(file))
        .filter(|f| !in_tests(source, f))
        .collect();
    assert!(!files.is_empty(), "module {module} has no file");
    files
}

fn in_tests(source: &Path, file: &Path) -> bool {
    let inside = file.strip_prefix(source).unwrap_or(file);
    inside.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// The source without comments and without the tests at its foot.
fn without_tests(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The first segments of all paths that begin with `prefix`, those in braces too.
fn paths_after(text: &str, prefix: &str) -> BTreeSet<String> {
    let text = without_tests(text);
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        if text[..at].ends_with('$') {
            continue;
        }
        names.extend(first_segments(&text[at + prefix.len()..]));
    }
    names
}

/// `a::b` gives `a`; `{a, b::{c, d}}` gives `a` and `b`.
fn first_segments(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else { return vec![identifier(path)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(identifier(list[start..at].trim()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(identifier(list[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// Which module each name at the root of the crate comes from.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut origin = BTreeMap::new();
    for (at, _) in lib.match_indices("pub use crate::") {
        let statement = lib[at + "pub use crate::".len()..].split(';').next().unwrap_or("");
        let mut module = String::new();
        for word in statement.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
            if word.starts_with(|first: char| first.is_lowercase()) {
                word.clone_into(&mut module);
            } else if !word.is_empty() {
                origin.insert(word.to_owned(), module.clone());
            }
        }
    }
    origin
}

/// The names of the crates that a manifest names as dependencies, as code writes them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or("");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect()
}

fn uses_crate(text: &str, name: &str) -> bool {
    text.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':')
    })
}
