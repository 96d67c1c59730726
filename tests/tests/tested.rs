//! What the pages say is tested: every test that they name exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Pages that name tests in the last column of their tables.
const PAGES: &[&str] = &["docs/reference/limits.md"];

/// Where tests stand.
const SOURCES: &[&str] = &["crates", "tests"];

/// Cases that the page on limits must have a row for.
const CASES: &[(&str, u32)] = &[("MEM", 9), ("LEN", 3), ("CLS", 7), ("Z", 11)];

#[test]
fn every_test_that_a_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests: BTreeSet<_> = SOURCES
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
        .flat_map(|file| tests_in(&file))
        .collect();
    assert!(tests.contains("every_test_that_a_page_names_exists"), "the scan finds this one");
    for page in PAGES {
        let text = fs::read_to_string(root.join(page)).expect("the page is there");
        let named: Vec<_> = text.lines().flat_map(names_in_row).collect();
        assert!(named.len() > 20, "{page}: {} names", named.len());
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{page} names tests that do not exist: {missing:#?}");
    }
}

#[test]
fn every_case_has_a_row_with_a_test() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/limits.md");
    let text = fs::read_to_string(page).expect("the page is there");
    let numbered =
        CASES.iter().flat_map(|(area, last)| (1..=*last).map(move |number| format!("{area}-{number}")));
    for case in numbered.chain(["OUT-1", "OUT-2", "OUT-4"].map(str::to_owned)) {
        let row = text.lines().find(|line| line.starts_with(&format!("| {case} ")));
        assert!(row.is_some_and(|row| !names_in_row(row).is_empty()), "{case} has no test");
    }
}

/// The names in the last column of a row of a table.
fn names_in_row(line: &str) -> Vec<String> {
    let Some(row) = line.strip_prefix('|').and_then(|row| row.trim_end().strip_suffix('|')) else {
        return Vec::new();
    };
    let last = row.rsplit('|').next().unwrap_or_default();
    last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The functions of a file that are marked as tests.
fn tests_in(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let name = line
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.split(['(', '<']).next());
        match name {
            Some(name) if marked => {
                names.push(name.to_owned());
                marked = false;
            }
            Some(_) => marked = false,
            None => marked |= line == "#[test]" || line.starts_with("#[tokio::test"),
        }
    }
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
