//! The page on proofs. Tests say which they show, by a comment such as `// Shows MEM-1, OUT-2.` above their attribute; the
//! last column of the page is made of them. `UPDATE_PROOFS=1 cargo test -p ws-tests --test proofs` writes it.

use std::{collections::BTreeMap, env, fs};

use ws_tests::sources::{cells, is_id, root, tests, text_of, ticked};

const PAGE: &str = "docs/reference/proofs.md";

/// The tests that show each id, as `file::function`.
fn shown() -> BTreeMap<String, Vec<String>> {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, tests) in tests() {
        for test in tests {
            for id in test.shows {
                shown.entry(id).or_default().push(format!("{file}::{}", test.name));
            }
        }
    }
    shown
}

/// The id of a row of the tables of proofs; they have three columns.
fn id(line: &str) -> Option<&str> {
    let cells = cells(line);
    cells.first().copied().filter(|id| cells.len() == 3 && is_id(id))
}

/// The page with its last column made anew.
fn made_anew(page: &str, shown: &BTreeMap<String, Vec<String>>) -> String {
    let lines = page.lines().map(|line| match id(line) {
        Some(id) => {
            let tests = shown.get(id).into_iter().flatten().map(|test| format!("`{test}`"));
            format!("| {id} | {} | {} |\n", cells(line)[1], tests.collect::<Vec<_>>().join(", "))
        }
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn page_names_the_tests_that_say_what_they_show() {
    let page = text_of(PAGE);
    let made = made_anew(&page, &shown());
    if env::var_os("UPDATE_PROOFS").is_some() {
        fs::write(root().join(PAGE), made).expect("the page can be written");
        return;
    }
    let stale = page.lines().zip(made.lines()).find(|(is, should)| is != should);
    assert_eq!(stale, None, "{PAGE} is not up to date: UPDATE_PROOFS=1 cargo test -p ws-tests --test proofs");
}

#[test]
fn every_id_has_one_row_and_a_test() {
    let page = text_of(PAGE);
    let rows: Vec<_> = page.lines().filter_map(id).collect();
    let shown = shown();
    assert!(rows.len() > 60, "{} rows", rows.len());
    let without: Vec<_> = rows.iter().filter(|id| !shown.contains_key(**id)).collect();
    assert!(without.is_empty(), "no test shows {without:?}");
    for id in shown.keys() {
        assert_eq!(rows.iter().filter(|row| *row == id).count(), 1, "rows for {id}");
    }
}

#[test]
fn every_advisory_is_answered_by_proofs_that_exist() {
    let page = text_of(PAGE);
    let known: Vec<_> = page.lines().filter_map(id).collect();
    let advisories =
        page.lines().map(cells).filter(|row| row.len() == 4 && row[0].contains(char::is_numeric));
    let advisories: Vec<_> = advisories.collect();
    assert!(advisories.len() > 60, "{} advisories", advisories.len());
    for row in advisories {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        let unknown: Vec<_> = row[3].split(", ").filter(|id| !known.contains(id)).collect();
        assert!(unknown.is_empty(), "{}: there is no {unknown:?}", row[0]);
    }
}

/// The page on limits names the tests of a case, too, with the numbers that they assert.
#[test]
fn page_on_limits_names_only_tests_that_show_the_case() {
    let shown = shown();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in text_of("docs/reference/limits.md").lines() {
        let cells = cells(line);
        let Some(case) = cells.first().filter(|_| cells.len() == 3) else { continue };
        // `MSK-1, MSK-2 masking keys`
        let ids: Vec<_> = case.split([' ', ',']).take_while(|word| word.is_empty() || is_id(word)).collect();
        let ids: Vec<_> = ids.into_iter().filter(|word| !word.is_empty()).collect();
        cases += ids.len();
        let ours = |name: &str| {
            ids.iter().any(|id| {
                shown.get(*id).into_iter().flatten().any(|test| test.ends_with(&format!("::{name}")))
            })
        };
        let others = ticked(cells[2]).into_iter().filter(|name| !ids.is_empty() && !ours(name));
        wrong.extend(others.map(|name| format!("{case}: {name}")));
    }
    assert!(cases > 40, "{cases} cases");
    assert!(wrong.is_empty(), "tests that do not say that they show the case:\n{}", wrong.join("\n"));
}

#[test]
fn ids_are_read_where_they_stand_and_nowhere_else() {
    let text = "// Shows MEM-1, H2-04.\n#[test]\nfn first() {}\n\n// Shows nothing in particular.\n#[tokio::test]\nasync fn second() {}\n\
                // Shows Z-1.\nfn helper() {}\n#[test]\nfn third() {}\n    /// Shows OUT-2.\n    #[test]\n    fn fourth(bits in 8u8..=15) {}\n\
                // Shows PAN-1.\nfuzz_target!(|data: &[u8]| {});\n";
    let tests = ws_tests::sources::tests_in(text, std::path::Path::new("fuzz/receiver.rs"));
    let told: Vec<_> = tests.iter().map(|test| (test.name.as_str(), test.shows.join(" "))).collect();
    let expected =
        [("first", "MEM-1 H2-04"), ("second", ""), ("third", ""), ("fourth", "OUT-2"), ("receiver", "PAN-1")];
    assert_eq!(told, expected.map(|(name, shows)| (name, shows.to_owned())));
}
