//! The end of what was sent or received: the window that the next message may refer to.

/// The last bytes of a stream, as many as a window holds.
///
/// This is all that context takeover keeps between messages (RFC 7692, 7.1.1): compressors and decompressors start anew for
/// each message, and are given it. It takes memory as it fills, and none before.
#[derive(Debug, Default)]
pub(super) struct History(Vec<u8>);

impl History {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds what follows. What does not fit into `size` bytes any more is forgotten from the front.
    pub(super) fn push(&mut self, bytes: &[u8], size: usize) {
        let bytes = &bytes[bytes.len().saturating_sub(size)..];
        let keep = self.0.len().min(size - bytes.len());
        self.0.drain(..self.0.len() - keep);
        let len = keep + bytes.len();
        if len > self.0.capacity() {
            // Twice what there was, but not more than a window.
            let room = len.max(2 * self.0.capacity()).min(size);
            self.0.reserve_exact(room - keep);
        }
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_the_last_bytes_and_no_more_memory(pieces in proptest::collection::vec(0usize..700, 0..40)) {
            let mut history = History::default();
            let mut all = Vec::new();
            for (n, len) in pieces.into_iter().enumerate() {
                let piece = vec![n as u8; len];
                all.extend_from_slice(&piece);
                history.push(&piece, 512);
                prop_assert_eq!(history.as_slice(), &all[all.len().saturating_sub(512)..]);
                prop_assert!(history.0.capacity() <= 512);
            }
        }
    }
}
