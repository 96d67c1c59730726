//! Reads what callgrind writes: instructions per function, without those of its callees.

use std::collections::HashMap;

/// Self cost by place in the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    costs: HashMap<Place, u64>,
}

/// A function, and the source file that the instructions came from: of an inlined callee, its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    function: String,
    file: String,
    object: String,
}

impl Profile {
    /// Reads the callgrind format (name compression, subposition compression, one event).
    pub(crate) fn parse(text: &str) -> Self {
        let mut names = Names::default();
        let mut place = Place { function: String::new(), file: String::new(), object: String::new() };
        let mut profile = Self::default();
        let mut is_callee_cost = false;
        for line in text.lines() {
            if let Some((key, value)) = line.split_once('=') {
                match key {
                    "ob" => place.object = names.resolve('o', value),
                    "fl" | "fi" | "fe" => place.file = names.resolve('f', value),
                    "fn" => place.function = names.resolve('n', value),
                    // The callee's names are defined here, if they are new.
                    "cob" => drop(names.resolve('o', value)),
                    "cfi" | "cfl" => drop(names.resolve('f', value)),
                    "cfn" => drop(names.resolve('n', value)),
                    // The next line has the inclusive cost of the call, which the callee has already.
                    "calls" => is_callee_cost = true,
                    _ => {}
                }
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
                if !std::mem::take(&mut is_callee_cost) {
                    *profile.costs.entry(place.clone()).or_default() += cost;
                }
            }
        }
        profile
    }

    pub(crate) fn total(&self) -> u64 {
        self.costs.values().sum()
    }

    /// What this profile has more than another one, summed up.
    pub(crate) fn minus(&self, other: &Self, by: By) -> Vec<(String, i64)> {
        let mut difference: HashMap<String, i64> = HashMap::new();
        for (profile, sign) in [(self, 1), (other, -1)] {
            for (place, &cost) in &profile.costs {
                let key = match by {
                    By::Function => place.function.clone(),
                    By::Crate => place.crate_name(),
                    By::File => format!("{}: {}", place.crate_name(), place.file_name()),
                };
                *difference.entry(key).or_default() += sign * cost as i64;
            }
        }
        let mut sorted: Vec<_> = difference.into_iter().filter(|&(_, cost)| cost != 0).collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sorted
    }
}

/// What costs are summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Crate,
    File,
    Function,
}

impl Place {
    /// The last two parts of the path: there are many `mod.rs`.
    fn file_name(&self) -> &str {
        let parts = self.file.rmatch_indices('/').nth(1);
        parts.map_or(self.file.as_str(), |(at, _)| &self.file[at + 1..])
    }

    /// From the source path if the program has line tables, else from the path of the function.
    fn crate_name(&self) -> String {
        if let Some((_, path)) = self.file.split_once("/registry/src/") {
            // INDEX/NAME-1.2.3/src/…
            let package = path.split('/').nth(1).unwrap_or(path);
            return package.rsplit_once('-').map_or(package, |(name, _)| name).to_owned();
        }
        if let Some((_, path)) = self.file.split_once("/library/") {
            return path.split('/').next().unwrap_or(path).to_owned();
        }
        if let Some((_, path)) = self.file.rsplit_once("crates/") {
            return path.split('/').next().unwrap_or(path).to_owned();
        }
        let object = self.object.rsplit('/').next().unwrap_or(&self.object);
        if object.contains(".so") {
            return object.to_owned();
        }
        let path = self.function.trim_start_matches(['<', '&', '*']);
        match path.split_once("::") {
            Some((name, _)) => name.to_owned(),
            None => "other".to_owned(),
        }
    }
}

/// `(7) name` defines a name, `(7)` alone means it again; files, functions and objects count apart.
#[derive(Default)]
struct Names {
    known: HashMap<(char, String), String>,
}

impl Names {
    fn resolve(&mut self, kind: char, value: &str) -> String {
        let Some((id, name)) = value.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            return value.to_owned();
        };
        let key = (kind, id.to_owned());
        let name = name.trim();
        if name.is_empty() {
            return self.known.get(&key).cloned().unwrap_or_default();
        }
        self.known.insert(key, name.to_owned());
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "\
positions: line
events: Ir
ob=(1) /tmp/program
fl=(1) /home/u/.cargo/registry/src/index.crates.io-1/tokio-1.54.1/src/a.rs
fn=(1) tokio::a
16 400
fi=(2) /rustc/abc/library/core/src/b.rs
+3 50
fe=(1)
cfi=(3) /w/crates/ws-core/src/c.rs
cfn=(2) ws_core::c
calls=1 50
16 700
* 4

fl=(3)
fn=(2)
51 100
cob=(2) /lib/libc.so.6
cfn=(3) memcpy
calls=2 0
51 600
ob=(2)
fl=(4) ???
fn=(3)
0 600
";

    #[test]
    fn self_costs_leave_out_calls() {
        let profile = Profile::parse(OUT);
        assert_eq!(profile.total(), 1154);
        let expected = [("memcpy", 600), ("tokio::a", 454), ("ws_core::c", 100)];
        let found = profile.minus(&Profile::default(), By::Function);
        assert_eq!(found, expected.map(|(name, cost)| (name.to_owned(), cost)));
    }

    #[test]
    fn crates_are_those_of_inlined_code() {
        let found = Profile::parse(OUT).minus(&Profile::default(), By::Crate);
        let expected = [("libc.so.6", 600), ("tokio", 404), ("ws-core", 100), ("core", 50)];
        assert_eq!(found, expected.map(|(name, cost)| (name.to_owned(), cost)));
    }

    #[test]
    fn files_are_named_with_their_crate() {
        let found = Profile::parse(OUT).minus(&Profile::default(), By::File);
        assert_eq!(found[1], ("tokio: src/a.rs".to_owned(), 404));
    }

    #[test]
    fn what_both_have_cancels_out() {
        let profile = Profile::parse(OUT);
        assert_eq!(profile.minus(&profile, By::Function), []);
    }
}
