//! The counts that the repository keeps: a small part of TOML, a table a workload, a key a server.

use std::{collections::BTreeMap, fmt, fs, path::Path, str::FromStr};

use crate::Result;

/// Instructions per message, by workload and server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// What they were counted with.
    pub(super) toolchain: String,
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Ledger {
    /// # Errors
    /// When the file cannot be read or is something else.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        text.parse().map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.to_string()).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(super) fn set(&mut self, workload: &str, server: &str, count: u64) {
        self.counts.entry(workload.to_owned()).or_default().insert(server.to_owned(), count);
    }

    pub(super) fn find(&self, workload: &str, server: &str) -> Option<u64> {
        self.counts.get(workload)?.get(server).copied()
    }
}

impl FromStr for Ledger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut ledger = Self::default();
        let mut workload = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = || format!("line {}: {line}", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                workload = Some(name.strip_suffix(']').ok_or_else(wrong)?);
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(wrong)?;
            let (key, value) = (key.trim(), value.trim());
            match workload {
                Some(workload) => ledger.set(workload, key, value.parse().map_err(|_| wrong())?),
                None if key == "toolchain" => ledger.toolchain = value.trim_matches('"').to_owned(),
                None => return Err(wrong()),
            }
        }
        Ok(ledger)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        writeln!(f, "toolchain = \"{}\"", self.toolchain)?;
        for (workload, servers) in &self.counts {
            writeln!(f, "\n[{workload}]")?;
            for (server, count) in servers {
                writeln!(f, "{server} = {count}")?;
            }
        }
        Ok(())
    }
}

const HEAD: &str = "\
# User-space instructions per message, with 8 connections, by workload and server. Written by
#   cargo run --profile bench -p ws-bench -- instructions --record
# and compared by the same with --check.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut ledger = Ledger { toolchain: "rustc 1.95.0".to_owned(), ..Ledger::default() };
        ledger.set("t32-d1", "raw-tokio", 942);
        ledger.set("t32-d1", "ours-axum", 1441);
        ledger.set("b64k", "ours-axum", 20_000);
        let text = ledger.to_string();
        assert!(text.ends_with("[t32-d1]\nours-axum = 1441\nraw-tokio = 942\n"), "{text}");
        let read: Ledger = text.parse().unwrap();
        assert_eq!(read, ledger);
        assert_eq!(read.find("b64k", "ours-axum"), Some(20_000));
        assert_eq!(read.find("b64k", "raw-tokio"), None);
    }

    #[test]
    fn says_which_line_is_wrong() {
        for (text, line) in [("a = 1", 1), ("# a\n[b", 2), ("[b]\nc = d", 2), ("[b]\n\nc", 3)] {
            let error = text.parse::<Ledger>().unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        }
    }
}
