//! The pages on the RFCs: every rule has a row, and what the rows name exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ws_tests::sources::{Test, cells, root, tests, text_of, ticked};

/// A page, and how many rows it has at the least.
const PAGES: &[(&str, usize)] = &[("rfc6455", 200), ("rfc7692", 50), ("rfc8441", 18)];

/// The RFCs of which every sentence with a word of RFC 2119 is numbered, by `tests/lib/normative.py`.
const NUMBERED: &[&str] = &["rfc6455", "rfc8441"];

/// What begins the cell of a rule that is not enforced, before the reason.
const WAIVED: &str = "waived: ";

const CRATES: &[&str] = &["ws_client", "ws_core", "ws_proxy", "ws_tower"];

struct Row {
    /// The number of the rule and the words of RFC 2119 in it.
    rule: String,
    place: String,
    tests: String,
}

#[test]
fn every_sentence_of_the_rfcs_that_demands_something_has_a_row() {
    for page in NUMBERED {
        let rows: Vec<_> = rows(page).into_iter().map(|row| row.rule).collect();
        let data = text_of(&format!("tests/data/rfc/{page}.txt"));
        let demanded: BTreeSet<_> = data.lines().filter(|line| !line.starts_with('#')).map(rule).collect();
        for rule in &demanded {
            assert_eq!(rows.iter().filter(|row| *row == rule).count(), 1, "{page}: rows for {rule}");
        }
        let others = rows.iter().filter(|row| !demanded.contains(*row));
        // Rules that the RFC states without such a word are named for what they are.
        let unknown: Vec<_> =
            others.filter(|row| !row.contains(" item ") && !row.contains(" text ")).collect();
        assert!(unknown.is_empty(), "{page}: there are no such sentences: {unknown:?}");
    }
}

#[test]
fn every_rule_is_enforced_and_shown_or_waived() {
    let tests = tests();
    let mut wrong = Vec::new();
    for (page, least) in PAGES {
        let rows = rows(page);
        assert!(rows.len() >= *least, "{page}: {} rows", rows.len());
        for Row { rule, place, tests: shown } in rows {
            let named = ticked(&shown);
            let missing = named.iter().filter(|name| !has_test(&tests, name));
            wrong.extend(missing.map(|name| format!("{page} {rule}: there is no test {name}")));
            if let Some(reason) = place.strip_prefix(WAIVED) {
                if reason.len() < 10 {
                    wrong.push(format!("{page} {rule}: waived for no reason"));
                }
                continue;
            }
            if named.is_empty() {
                wrong.push(format!("{page} {rule}: no test shows it"));
            }
            let places = ticked(&place);
            if places.is_empty() {
                wrong.push(format!("{page} {rule}: it is enforced nowhere"));
            }
            let missing = places.iter().filter(|place| !is_there(place));
            wrong.extend(missing.map(|place| format!("{page} {rule}: there is no {place}")));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn only_what_exists_is_found() {
    let tests = tests();
    assert!(has_test(&tests, "tests/tests/rules.rs::only_what_exists_is_found"));
    for name in ["tests/tests/rules.rs::rows", "tests/tests/stack.rs::only_what_exists_is_found", "tests"] {
        assert!(!has_test(&tests, name), "{name}");
    }
    for place in [
        "ws_core::close",
        "ws_core::close::CloseCode::is_sendable",
        "ws_core::proto::send::compressing",
        "ws_core::violation::ProtocolError::UnacceptableKind",
        "ws_tower::http2::configure",
        "ws_core::deflate::offer::NAME",
    ] {
        assert!(is_there(place), "{place}");
    }
    for place in
        ["ws_core::close::nothing", "ws_core::nothing", "ws_hub::close", "ws_core::close::CloseCode::code"]
    {
        assert!(!is_there(place), "{place}");
    }
}

fn rows(page: &str) -> Vec<Row> {
    let text = text_of(&format!("docs/reference/{page}.md"));
    let rows = text
        .lines()
        .map(cells)
        .filter(|row| row.first().is_some_and(|rule| rule.starts_with(|first: char| first.is_ascii_digit())));
    rows.map(|row| {
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "{page}: {row:?}");
        Row { rule: row[0].to_owned(), place: row[2].to_owned(), tests: row[3].to_owned() }
    })
    .collect()
}

/// `5.2-3 MUST` of a line of the data, each word once; the number alone where the words themselves are defined.
fn rule(line: &str) -> String {
    let (number, words) = line.split_once(' ').expect("a number and words");
    let mut distinct: Vec<String> = Vec::new();
    for word in words.replace(" NOT", "_NOT").split(' ') {
        let word = word.replace('_', " ");
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    if distinct.len() > 3 { number.to_owned() } else { format!("{number} {}", distinct.join(", ")) }
}

fn has_test(tests: &BTreeMap<String, Vec<Test>>, path: &str) -> bool {
    path.split_once("::").is_some_and(|(file, name)| {
        tests.get(file).is_some_and(|tests| tests.iter().any(|test| test.name == name))
    })
}

/// Whether there is such a module, or such an item in a module.
fn is_there(path: &str) -> bool {
    let mut segments = path.split("::");
    let Some(name) = segments.next().filter(|name| CRATES.contains(name)) else { return false };
    let source = root().join("crates").join(name.replace('_', "-")).join("src");
    let segments: Vec<_> = segments.collect();
    // The longest part of the path that is a file; what follows are items in it.
    let file = (1..=segments.len()).rev().find_map(|count| {
        let base = source.join(segments[..count].join("/"));
        let files = [base.with_extension("rs"), base.join("mod.rs")];
        files.into_iter().find(|file| file.exists()).map(|file| (file, count))
    });
    let Some((file, count)) = file else { return false };
    segments[count..].iter().all(|item| has_item(&file, item))
}

fn has_item(file: &Path, item: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.starts_with("//")).any(|line| {
        let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let kinds = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type"];
        let is_declared = words.windows(2).any(|pair| kinds.contains(&pair[0]) && pair[1] == item);
        // A variant, or a type that methods are added to.
        is_declared
            || (words.first() == Some(&item) && item.starts_with(char::is_uppercase))
            || (words.first() == Some(&"impl") && words.contains(&item))
    })
}
