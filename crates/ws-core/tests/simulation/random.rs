//! A sequence of numbers that is the same in every run.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Clones go on with the same sequence.
#[derive(Clone, Debug)]
pub(crate) struct Random(Arc<AtomicU64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)))
    }

    pub(crate) fn below(&self, end: usize) -> usize {
        let mut number = self.0.load(Ordering::Relaxed);
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        self.0.store(number, Ordering::Relaxed);
        ((number >> 16) % end as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn once_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
