//! The pages for those who come from elsewhere: they have a row for every name that the packages export, and what the rows
//! name of ours exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A page, the heading of a section of it, and the list of names that the tables there cover.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("from-gorilla", "gorilla/websocket", "go-names/gorilla"),
    ("from-gorilla", "coder/websocket", "go-names/coder"),
    ("from-gorilla", "gobwas/ws", "go-names/gobwas"),
    ("from-melody", "melody", "go-names/melody"),
    ("from-tungstenite", "tungstenite", "rust-names/tungstenite"),
];

const CRATES: &[&str] = &["ws-core", "ws-tower", "ws-client", "ws-hub"];

/// What the column of ours says where there is no counterpart; then the remark says why.
const NOTHING: &[&str] = &["none", "not there"];

#[test]
fn every_name_of_the_packages_has_a_row() {
    let mut wrong = Vec::new();
    for (page, heading, list) in SECTIONS {
        let exported = names_of(list);
        let mapped: Vec<_> =
            rows(&text_of(page), heading).into_iter().flat_map(|row| ticked(&row.theirs)).collect();
        let unique: BTreeSet<_> = mapped.iter().cloned().collect();
        wrong.extend(exported.difference(&unique).map(|name| format!("{list}: {name} has no row")));
        wrong.extend(unique.difference(&exported).map(|name| format!("{list}: {name} is not exported")));
        for name in &unique {
            if mapped.iter().filter(|mapped| *mapped == name).count() > 1 {
                wrong.push(format!("{list}: {name} has two rows"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} names:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_the_rows_name_of_ours_exists() {
    let index = Index::of_sources();
    let mut wrong = Vec::new();
    for (page, heading, _) in SECTIONS {
        for row in rows(&text_of(page), heading) {
            let ours = ticked(&row.ours);
            wrong.extend(
                ours.iter().filter(|path| !index.has(path)).map(|path| format!("{}: {path}", row.theirs)),
            );
            if ours.is_empty() && (!NOTHING.contains(&row.ours.as_str()) || row.remarks.is_empty()) {
                wrong.push(format!("{}: {:?} is neither a name nor a reason", row.theirs, row.ours));
            }
            // Remarks are prose: what is written there as a path into our crates has to exist, too.
            let paths = ticked(&row.remarks).into_iter().filter(|path| index.begins(path));
            wrong.extend(paths.filter(|path| !index.has(path)).map(|path| format!("{}: {path}", row.theirs)));
        }
    }
    assert!(wrong.is_empty(), "there is no such thing:\n{}", wrong.join("\n"));
}

#[test]
fn the_index_knows_what_is_public_and_nothing_else() {
    let index = Index::of_text(
        Path::new("ws-core/src/frame.rs"),
        "pub struct Frame<S> {\n    pub header: Header,\n    length: u64,\n}\n\
         impl<S> Frame<S>\nwhere\n    S: Copy,\n{\n    pub async fn send(&self) {\n        let inner = 1;\n    }\n    fn hidden(&self) {}\n    pub(crate) fn ours(&self) {}\n}\n\
         pub enum Kind {\n    /// Words.\n    Text,\n    Other { code: u16 },\n}\n\
         impl Default for Kind {\n    fn default() -> Self {\n        Self::Text\n    }\n}\n\
         pub fn read_frame() {}\nfn helper() {}\n",
    );
    for path in [
        "frame::Frame",
        "Frame",
        "Frame::header",
        "Frame::send",
        "Kind::Text",
        "Kind::Other",
        "Kind::default",
    ] {
        assert!(index.has(path), "{path}");
    }
    for path in
        ["frame::read_frame", "ws_core::frame::read_frame", "frame::Frame::send", "ws_core::frame", "frame"]
    {
        assert!(index.has(path), "{path}");
    }
    for path in ["Frame::length", "Frame::hidden", "Frame::ours", "Frame::inner", "Kind::code", "Kind::send"]
    {
        assert!(!index.has(path), "{path}");
    }
    for path in [
        "read_frame",
        "frame::helper",
        "other::read_frame",
        "frame.send()",
        "Frames",
        "Other",
        "tokio::Frame",
    ] {
        assert!(!index.has(path), "{path}");
    }
    let raw = Index::of_text(
        Path::new("ws-core/src/raw/frame.rs"),
        "pub struct Frame {\n    pub header: Header,\n}\n",
    );
    assert!(
        raw.has("raw::Frame::header")
            && raw.has("raw::Frame")
            && !raw.has("Frame")
            && !raw.has("Frame::header")
    );
}

struct Row {
    theirs: String,
    ours: String,
    remarks: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text_of(page: &str) -> String {
    fs::read_to_string(root().join(format!("docs/migrating/{page}.md"))).expect("the page can be read")
}

/// One name a line; lines that begin with `#` are comments.
fn names_of(list: &str) -> BTreeSet<String> {
    let path = root().join(format!("tests/data/{list}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let names: BTreeSet<_> = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert!(names.len() > 50, "{}: only {} names", path.display(), names.len());
    names
}

/// The rows of the three-column tables below a heading of the second level.
fn rows(page: &str, heading: &str) -> Vec<Row> {
    let section = page.split("\n## ").find(|section| section.lines().next() == Some(heading));
    let section = section.unwrap_or_else(|| panic!("there is no section {heading}"));
    let table = section.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let mut rows = Vec::new();
    for line in table {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        let [theirs, ours, rest @ ..] = &cells[..] else { panic!("{line}: a row has three cells") };
        assert!(rest.len() <= 1, "{line}: a row has three cells");
        // The heading of a table has no names in it.
        if theirs.contains('`') {
            let remarks =
                rest.first().map(|cell| cell.trim_matches('|').trim()).unwrap_or_default().to_owned();
            let ours = ours.trim_matches('|').trim().to_owned();
            rows.push(Row { theirs: theirs.clone(), ours, remarks });
        }
    }
    assert!(rows.len() > 20, "{heading}: only {} rows", rows.len());
    rows
}

/// What stands between backticks.
fn ticked(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The public names of the sources.
#[derive(Default)]
struct Index {
    items: Vec<Item>,
    modules: BTreeSet<String>,
}

/// Something public: a type, a function or a constant, or what belongs to a type.
struct Item {
    name: String,
    is_type: bool,
    owner: Option<String>,
    /// The crate and the modules that it lies in.
    modules: Vec<String>,
}

impl Index {
    fn of_sources() -> Self {
        let mut index = Self::default();
        for name in CRATES {
            let source = root().join("crates").join(name).join("src");
            for file in rust_files(&source) {
                let inside = file.strip_prefix(root().join("crates")).unwrap_or(&file);
                let text = fs::read_to_string(&file).expect("a source file can be read");
                index.add(inside, &text);
            }
        }
        assert!(index.has("Conn::read_message") && index.has("handshake::response"), "the scan is broken");
        index
    }

    fn of_text(file: &Path, text: &str) -> Self {
        let mut index = Self::default();
        index.add(file, text);
        index
    }

    fn add(&mut self, file: &Path, text: &str) {
        let modules: Vec<_> = file
            .components()
            .map(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs").replace('-', "_"))
            .filter(|part| !matches!(part.as_str(), "src" | "lib" | "mod"))
            .collect();
        self.modules.extend(modules.iter().cloned());
        let mut add = |name, is_type, owner| {
            self.items.push(Item { name, is_type, owner, modules: modules.clone() });
        };
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
        // The type whose body we are in, the indentation of its braces, and whether all its functions are public.
        let mut body: Option<(String, usize, bool)> = None;
        for line in text.lines() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            match &body {
                Some((_, outer, _)) if indent == *outer && code.starts_with('}') => body = None,
                Some((owner, outer, all)) if indent == outer + 4 => {
                    if let Some(member) = member(code, *all) {
                        add(member, false, Some(owner.clone()));
                    }
                }
                Some(_) => {}
                None => {
                    if let Some((name, is_type)) = item(code) {
                        add(name, is_type, None);
                    }
                    body = owner(code)
                        .filter(|_| !code.ends_with(';') && !code.ends_with('}'))
                        .map(|(owner, all)| (owner, indent, all));
                }
            }
        }
    }

    /// Whether a path names something public: `Type`, `Type::member`, `module::function`, or a module. What is in `raw`
    /// has names that are there a second time, so that the module is a part of them.
    fn has(&self, path: &str) -> bool {
        let segments: Vec<_> = path.split("::").collect();
        let named = |item: &Item| {
            let Some((name, above)) = segments.split_last() else { return false };
            let modules = match (&item.owner, above) {
                (Some(owner), [modules @ .., last]) if owner == last => modules,
                (Some(_), _) => return false,
                (None, modules) => modules,
            };
            let is_free = item.owner.is_none() && !item.is_type;
            let is_raw = item.modules.iter().any(|module| module == "raw");
            item.name == *name
                && modules.iter().all(|module| item.modules.iter().any(|within| within == module))
                && !(is_free && modules.is_empty())
                && (!is_raw || modules.contains(&"raw"))
        };
        self.items.iter().any(named) || segments.iter().all(|module| self.modules.contains(*module))
    }

    /// Whether a word is a path into our crates, right or wrong.
    fn begins(&self, path: &str) -> bool {
        let is_path = path.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
        let first = path.split("::").next().unwrap_or_default();
        let known = |item: &Item| item.is_type && item.name == first;
        is_path && path.contains("::") && (self.items.iter().any(known) || self.modules.contains(first))
    }
}

/// The public item that a line begins, and whether it is a type.
fn item(code: &str) -> Option<(String, bool)> {
    let rest = without_qualifiers(code.strip_prefix("pub ")?);
    let (keyword, rest) = rest.split_once(' ')?;
    let is_type = matches!(keyword, "struct" | "enum" | "trait" | "type");
    let is_value = matches!(keyword, "fn" | "const" | "static");
    let name = identifier(rest);
    ((is_type || is_value) && !name.is_empty()).then_some((name, is_type))
}

/// The type whose body a line begins, and whether its functions need no `pub` to be public.
fn owner(code: &str) -> Option<(String, bool)> {
    if let Some(rest) = code.strip_prefix("impl") {
        let rest = rest.strip_prefix('<').map_or(rest, after_generics).trim_start();
        let (of_trait, of_type) =
            rest.split_once(" for ").map_or((false, rest), |(_, of_type)| (true, of_type));
        let path = of_type.split(['<', ' ', '{']).next()?;
        return Some((path.rsplit("::").next()?.to_owned(), of_trait));
    }
    let (name, is_type) = item(code)?;
    is_type.then_some((name, true))
}

/// The rest of a line behind the generics that an `impl` begins with.
fn after_generics(rest: &str) -> &str {
    let mut depth = 1;
    for (at, character) in rest.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if !rest[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &rest[at + 1..];
        }
    }
    ""
}

/// The public member that a line begins: a function, a constant, a field or a variant.
fn member(code: &str, functions_are_public: bool) -> Option<String> {
    let (public, rest) = code.strip_prefix("pub ").map_or((false, code), |rest| (true, rest));
    let rest = without_qualifiers(rest);
    for keyword in ["fn ", "const ", "type "] {
        if let Some(name) = rest.strip_prefix(keyword) {
            return (public || functions_are_public).then(|| identifier(name));
        }
    }
    let name = identifier(rest);
    let behind = &rest[name.len()..];
    let is_field = public && behind.starts_with(": ");
    let is_variant = rest.starts_with(|first: char| first.is_uppercase())
        && matches!(behind, "," | "") | behind.starts_with([' ', '(']);
    (is_field || is_variant).then_some(name)
}

fn without_qualifiers(mut code: &str) -> &str {
    for qualifier in ["const ", "async ", "unsafe "] {
        if let Some(rest) = code.strip_prefix(qualifier) {
            if rest.starts_with("fn ") || rest.starts_with("async ") || rest.starts_with("unsafe ") {
                code = rest;
            }
        }
    }
    code
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// The source files, those of tests left out.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    paths
        .filter(|path| path.file_stem().is_none_or(|stem| stem != "tests"))
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
