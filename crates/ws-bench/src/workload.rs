//! What a connection sends, how much of it is in flight, and over how many connections.

use crate::Result;

/// One row of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) content: Content,
    /// Bytes of payload in a message.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Requests sent at once; the next batch follows when all have been answered.
    pub(crate) depth: usize,
}

/// What the payload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A text message of printable ASCII.
    Ascii,
    /// A binary message of random bytes.
    Binary,
    /// A text message of three-byte characters.
    Multibyte,
}

impl Workload {
    /// # Errors
    /// When no workload has this name.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let found = ALL.iter().find(|workload| workload.name == name);
        found.copied().ok_or_else(|| format!("no workload {name}; `--workload list` shows them").into())
    }
}

/// Every workload there is.
pub(crate) const ALL: &[Workload] = &[
    row("t32-d1", Content::Ascii, 32, 100, 1),
    row("t32-d16", Content::Ascii, 32, 100, 16),
    row("b1k-d1", Content::Binary, 1 << 10, 100, 1),
    row("b1k-d16", Content::Binary, 1 << 10, 100, 16),
    row("b16k", Content::Binary, 16 << 10, 100, 1),
    row("b64k", Content::Binary, 64 << 10, 32, 1),
    row("b1m", Content::Binary, 1 << 20, 8, 1),
    row("ta64k", Content::Ascii, 64 << 10, 32, 1),
    row("tm64k", Content::Multibyte, 64 << 10, 32, 1),
];

/// The message every idle connection echoes once.
pub(crate) const IDLE: Workload = row("idle", Content::Binary, 1 << 10, 0, 1);

const fn row(
    name: &'static str,
    content: Content,
    size: usize,
    connections: usize,
    depth: usize,
) -> Workload {
    Workload { name, content, size, connections, depth }
}
