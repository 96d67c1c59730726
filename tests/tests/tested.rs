//! What the pages say is tested: every test that they name exists.

use std::collections::BTreeSet;

use ws_tests::sources::{cells, tests, text_of, ticked};

/// Pages that name tests in the last column of their tables.
const PAGES: &[&str] = &["docs/reference/limits.md"];

/// Cases that the page on limits must have a row for.
const CASES: &[(&str, u32)] = &[("MEM", 9), ("LEN", 3), ("CLS", 7), ("Z", 11), ("OUT", 4)];

#[test]
fn every_test_that_a_page_names_exists() {
    let tests: BTreeSet<_> = tests().into_values().flatten().map(|test| test.name).collect();
    assert!(tests.contains("every_test_that_a_page_names_exists"), "the scan finds this one");
    for page in PAGES {
        let text = text_of(page);
        let named: Vec<_> = text.lines().flat_map(names_in_row).collect();
        assert!(named.len() > 20, "{page}: {} names", named.len());
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{page} names tests that do not exist: {missing:#?}");
    }
}

#[test]
fn every_case_has_a_row_with_a_test() {
    let text = text_of("docs/reference/limits.md");
    let numbered =
        CASES.iter().flat_map(|(area, last)| (1..=*last).map(move |number| format!("{area}-{number}")));
    for case in numbered {
        let row = text.lines().find(|line| line.starts_with(&format!("| {case} ")));
        assert!(row.is_some_and(|row| !names_in_row(row).is_empty()), "{case} has no test");
    }
}

/// The names in the last column of a row of a table.
fn names_in_row(line: &str) -> Vec<String> {
    cells(line).last().map_or_else(Vec::new, |last| ticked(last))
}
