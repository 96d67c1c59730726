//! What the tests of the pages read: the sources of this repository, and the tests in them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Where tests stand.
const FOLDERS: &[&str] = &["crates", "tests"];

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files in a folder.
///
/// # Panics
///
/// If a folder cannot be listed.
#[must_use]
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// A function that is marked as a test, or a target of the fuzzer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Test {
    /// The name of the function; that of the file for a target of the fuzzer.
    pub name: String,
    /// The ids of the proofs that it says it shows, by a comment such as `// Shows MEM-1, OUT-2.` above it.
    pub shows: Vec<String>,
}

/// All tests, by file: `ws-core/src/close.rs` for those of a crate, `tests/tests/stack.rs` for those of the whole stack.
#[must_use]
pub fn tests() -> BTreeMap<String, Vec<Test>> {
    let root = root();
    let mut found = BTreeMap::new();
    for file in FOLDERS.iter().flat_map(|folder| rust_files(&root.join(folder))) {
        let tests = tests_in(&fs::read_to_string(&file).unwrap_or_default(), &file);
        if !tests.is_empty() {
            let path = file.strip_prefix(&root).unwrap_or(&file);
            let path = path.strip_prefix("crates").unwrap_or(path).to_string_lossy().replace('\\', "/");
            found.insert(path, tests);
        }
    }
    found
}

/// The tests in the text of a file.
#[must_use]
pub fn tests_in(text: &str, file: &Path) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut marked = false;
    let mut shows = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(ids) = line.trim_start_matches('/').strip_prefix(" Shows ").and_then(ids) {
            shows.extend(ids);
            continue;
        }
        let name = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        if line.starts_with("fuzz_target!") {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            tests.push(Test { name, shows: std::mem::take(&mut shows) });
        } else if let Some(name) = name.and_then(|rest| rest.split(['(', '<']).next()) {
            let shows = std::mem::take(&mut shows);
            if std::mem::take(&mut marked) {
                tests.push(Test { name: name.to_owned(), shows });
            }
        } else {
            marked |= line == "#[test]" || line.starts_with("#[tokio::test");
        }
    }
    tests
}

/// `MEM-1, OUT-2.` as ids; nothing if it is anything else.
fn ids(list: &str) -> Option<Vec<String>> {
    let list = list.strip_suffix('.')?;
    list.split(", ").map(|id| is_id(id).then(|| id.to_owned())).collect()
}

/// Whether this looks like the id of a proof: capitals and digits, a dash, a number.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(area, number)| {
        area.starts_with(|first: char| first.is_ascii_uppercase())
            && area.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    })
}

/// What stands in backticks.
#[must_use]
pub fn ticked(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of a row of a table of Markdown; none for another line.
#[must_use]
pub fn cells(line: &str) -> Vec<&str> {
    let row = line.trim_end().strip_prefix('|').and_then(|row| row.strip_suffix('|'));
    row.map_or_else(Vec::new, |row| row.split('|').map(str::trim).collect())
}
