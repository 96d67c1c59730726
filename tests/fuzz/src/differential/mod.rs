//! The same bytes through this stack and through others: tungstenite in this process, Python's `websockets` beside it.
//!
//! Streams come from the grammar of the fuzz targets and a seed, and are cut in several ways. The verdict is what was told
//! and with which close code the connection failed. A difference is one of [`DIFFERENCES`], or a failure.

mod difference;
mod tungstenite;
mod websockets;

use std::{collections::BTreeMap, io};

use arbitrary::Unstructured;
use ws_core::{NegotiatedDeflate, Role, Violation};

pub use self::{
    difference::{DIFFERENCES, Difference},
    websockets::Python,
};
use crate::{
    endpoint::{Seen, Setup, Told, pieces},
    grammar::{self, negotiated},
    mutate::Random,
};

/// What was compared.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// Streams.
    pub scripts: u64,
    /// Streams in one of their cuts, with one of the others.
    pub verdicts: u64,
    /// How often each difference was met, by the name of the other.
    pub differences: BTreeMap<(&'static str, Difference), u64>,
    /// Differences that are none of these.
    pub unexplained: Vec<String>,
}

impl Comparison {
    /// Plays the scripts of these seeds, with Python's `websockets` as well if there is one.
    ///
    /// # Errors
    /// If Python cannot be talked to.
    pub fn run(seeds: std::ops::Range<u64>, mut python: Option<&mut Python>) -> io::Result<Self> {
        let mut comparison = Self::default();
        for seed in seeds {
            let script = Script::new(seed);
            comparison.scripts += 1;
            for cuts in &script.cuts {
                // It knows no extension.
                if script.deflate.is_none() {
                    comparison.compare("tungstenite", &script, cuts, |bytes| {
                        Ok(tungstenite::verdict(script.role, &pieces(bytes, cuts)))
                    })?;
                }
                if let Some(python) = python.as_deref_mut() {
                    comparison.compare("websockets", &script, cuts, |bytes| {
                        python.verdict(script.role, script.deflate.as_ref(), &pieces(bytes, cuts))
                    })?;
                }
            }
        }
        Ok(comparison)
    }

    fn compare(
        &mut self,
        name: &'static str,
        script: &Script,
        cuts: &[usize],
        mut theirs: impl FnMut(&[u8]) -> io::Result<Verdict>,
    ) -> io::Result<()> {
        self.verdicts += 1;
        let whole = theirs(&script.bytes)?;
        if script.ours.agrees(&whole) {
            return Ok(());
        }
        // Where ours has come to its end; what others make of the rest is not compared.
        let there = theirs(&script.bytes[..script.end])?;
        if script.ours.agrees(&there) {
            return Ok(());
        }
        let case = Case {
            ours: &script.ours,
            violation: script.violation,
            open: script.open,
            there: &there,
            whole: &whole,
        };
        match Difference::explain(name, &case) {
            Some(difference) => *self.differences.entry((name, difference)).or_default() += 1,
            None => self.unexplained.push(format!(
                "seed {}, {:?}, {:?}, cuts {cuts:?}: {}\n   ours {:?} {:?}\n {name} {there:?}\n   at the end {whole:?}",
                script.seed,
                script.role,
                script.deflate,
                script.bytes.escape_ascii(),
                script.ours,
                script.violation,
            )),
        }
        Ok(())
    }
}

/// What a stream came to.
#[derive(Clone, Debug)]
struct Verdict {
    told: Vec<Told>,
    /// The close code that the connection fails with.
    failed: Option<u16>,
    /// Which of what was told is a message that was taken though its compressed form is not whole; the first of them.
    odd: Option<usize>,
}

impl Verdict {
    fn agrees(&self, other: &Self) -> bool {
        (&self.told, self.failed) == (&other.told, other.failed)
    }
}

/// What there is to be explained.
struct Case<'a> {
    ours: &'a Verdict,
    violation: Option<Violation>,
    /// A message has begun, and its end has not come.
    open: bool,
    /// The other's verdict over the bytes that led to ours.
    there: &'a Verdict,
    /// The other's verdict over all.
    whole: &'a Verdict,
}

/// A stream, how it is cut, and what ours make of it.
struct Script {
    seed: u64,
    role: Role,
    deflate: Option<NegotiatedDeflate>,
    bytes: Vec<u8>,
    cuts: Vec<Vec<usize>>,
    ours: Verdict,
    violation: Option<Violation>,
    open: bool,
    /// How many bytes led to the verdict.
    end: usize,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let role = if random.below(2) == 0 { Role::Server } else { Role::Client };
        // Every combination of takeovers and windows is met.
        let agreed = random.bytes(2);
        let deflate =
            if random.below(3) == 0 { negotiated(&mut Unstructured::new(&agreed)).ok() } else { None };
        let setup = Setup { max_message: 1 << 24, max_fragments: u32::MAX, deflate, ..Setup::new(role) };
        let count = 8 + random.below(120);
        let input = random.bytes(count);
        let bytes = grammar::stream(&mut Unstructured::new(&input), &setup);
        let seen = setup.feed([&bytes[..]]);
        let end = if has_ended(&seen) { shortest(&setup, &bytes) } else { bytes.len() };
        let open = setup.feed([&bytes[..end.saturating_sub(1)]]).partial.is_some();
        let mut cuts = vec![Vec::new(), vec![1 + random.below(300), 1 + random.below(20)]];
        if bytes.len() <= 40 {
            // A cut at each byte: two pieces, of which the second is taken as a whole.
            cuts.extend((1..bytes.len()).map(|cut| vec![cut, bytes.len()]));
        } else if bytes.len() <= 2000 {
            cuts.extend([vec![1], vec![1 + random.below(bytes.len()), bytes.len()]]);
        }
        for cuts in &cuts {
            // Of several rules that are broken at once, which is named may depend on the cut. The code does not.
            let cut = setup.feed(pieces(&bytes, cuts));
            let verdict = |seen: &Seen| (seen.told.clone(), seen.code(), seen.written.clone());
            assert_eq!(verdict(&cut), verdict(&seen), "I3: seed {seed} in pieces of {cuts:?}");
        }
        let failed = seen.failed.map(|violation| violation.close_code().as_u16());
        let ours = Verdict { failed, told: seen.told, odd: None };
        Self { seed, role, deflate, bytes, cuts, ours, violation: seen.failed, open, end }
    }
}

fn has_ended(seen: &Seen) -> bool {
    seen.failed.is_some() || matches!(seen.told.last(), Some(Told::Close(_)))
}

/// How many bytes it takes to the end: fewer of them never do (I6), so this can be halved.
fn shortest(setup: &Setup, bytes: &[u8]) -> usize {
    let (mut no, mut yes) = (0, bytes.len());
    while no + 1 < yes {
        let middle = no.midpoint(yes);
        if has_ended(&setup.feed([&bytes[..middle]])) { yes = middle } else { no = middle }
    }
    yes
}
