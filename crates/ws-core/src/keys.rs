//! Masking keys from the system's generator, drawn in batches.

use std::{cell::RefCell, io};

use crate::{frame::MaskingKey, proto::MaskSource};

/// The masking keys of this thread.
///
/// RFC 6455, 10.3 asks for keys that the application behind a client cannot predict, so they come from the operating
/// system. One call draws a batch: a call for each frame would cost more than the frame.
pub(crate) struct Keys;

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

impl Keys {
    /// Makes sure that a few keys are there. Call before anything that may queue frames of a client.
    #[expect(clippy::disallowed_methods, reason = "this is where masking keys come from")]
    pub(crate) fn ensure() -> io::Result<()> {
        BATCHES.with_borrow_mut(|batch| {
            if BATCH - batch.used >= 4 * KEYS_PER_CALL {
                return Ok(());
            }
            getrandom::fill(&mut batch.bytes).map_err(io::Error::other)?;
            batch.used = 0;
            Ok(())
        })
    }

    /// Where to begin to count, so that nobody else has the same numbers. There is room above it.
    pub(crate) fn number() -> u64 {
        if Self::ensure().is_err() {
            return 0;
        }
        let [high, low] = [(); 2].map(|()| u64::from(u32::from_be_bytes(Self.masking_key().as_bytes())));
        (high << 32 | low) >> 1
    }
}

impl MaskSource for Keys {
    fn masking_key(&mut self) -> MaskingKey {
        BATCHES.with_borrow_mut(|batch| {
            debug_assert!(batch.used + 4 <= BATCH, "keys were not ensured");
            let next = &mut batch.bytes[batch.used..batch.used + 4];
            let mut key = [0; 4];
            key.copy_from_slice(next);
            // Wiped, so that it can neither be used again nor be read from memory later.
            next.fill(0);
            batch.used += 4;
            MaskingKey::new(key)
        })
    }
}

thread_local! {
    static BATCHES: RefCell<Batch> = const { RefCell::new(Batch { bytes: [0; BATCH], used: BATCH }) };
}

/// Bytes drawn at once: 256 keys.
const BATCH: usize = 1024;
/// One poll queues at most a message, a pong, a late pong and a close frame.
const KEYS_PER_CALL: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // Shows MSK-2.
    #[test]
    fn key_that_was_used_is_wiped() {
        Keys::ensure().unwrap();
        let at = BATCHES.with_borrow(|batch| batch.used);
        let key = Keys.masking_key();
        assert_ne!(key.as_bytes(), [0; 4], "one chance in 2^32 to fail");
        assert_eq!(BATCHES.with_borrow(|batch| batch.bytes[at..at + 4].to_vec()), [0; 4]);
    }

    #[test]
    fn keys_are_fresh_across_batches() {
        let mut seen = HashSet::new();
        for _ in 0..10 * BATCH / 4 {
            Keys::ensure().unwrap();
            seen.insert(Keys.masking_key());
        }
        // 2,560 draws out of 2^32: three collisions are as good as impossible.
        assert!(seen.len() >= 10 * BATCH / 4 - 2, "{}", seen.len());
    }

    /// This many keys of this thread.
    fn draw(count: usize) -> Vec<u32> {
        let draw = || {
            Keys::ensure().unwrap();
            u32::from_be_bytes(Keys.masking_key().as_bytes())
        };
        (0..count).map(|_| draw()).collect()
    }

    // Each bound is five standard deviations away: one run in a million fails by chance.
    // Shows MSK-1.
    #[test]
    fn a_million_keys_look_random() {
        const COUNT: usize = 1_000_000;
        let keys = draw(COUNT);
        assert!(keys.windows(2).filter(|pair| pair[0] == pair[1]).count() <= 1);
        let collisions = COUNT - keys.iter().collect::<HashSet<_>>().len();
        assert!(collisions.abs_diff(116) <= 54, "{collisions} collisions");
        for bit in 0..u32::BITS {
            let ones = keys.iter().filter(|key| *key >> bit & 1 == 1).count();
            // The standard deviation is 500.
            assert!(ones.abs_diff(COUNT / 2) < 5 * 500, "bit {bit} is set in {ones}");
        }
    }

    // Shows MSK-2.
    #[test]
    fn threads_draw_different_keys() {
        let [first, second] = std::thread::scope(|scope| {
            [(); 2].map(|()| scope.spawn(|| draw(1000))).map(|thread| thread.join().unwrap())
        });
        let first: HashSet<_> = first.into_iter().collect();
        let shared = second.iter().filter(|key| first.contains(key)).count();
        assert!(shared <= 1, "{shared} keys are the same");
    }
}
