//! What compression came to.

/// Messages of one direction that were compressed, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    /// Bytes before compression.
    pub(crate) plain: u64,
    /// Bytes on the wire, without headers.
    pub(crate) compressed: u64,
}

impl Tally {
    /// More of a message: its bytes before and after compression, and whether it is complete.
    pub(super) fn add(&mut self, plain: usize, compressed: usize, last: bool) {
        self.plain += plain as u64;
        self.compressed += compressed as u64;
        self.messages += u64::from(last);
    }

    /// What has been added since.
    #[cfg(feature = "io")]
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            messages: self.messages - before.messages,
            plain: self.plain - before.plain,
            compressed: self.compressed - before.compressed,
        }
    }
}
