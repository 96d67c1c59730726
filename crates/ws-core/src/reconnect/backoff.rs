//! How long to wait before the next attempt. No clock, no randomness and no runtime in here: all of it comes from the caller.

use std::time::Duration;

/// Exponential backoff with full jitter.
///
/// The wait before an attempt is drawn evenly from zero up to a ceiling: [`initial`](Self::initial) after a connection was
/// lost, doubled by each attempt that failed since, up to [`max`](Self::max). Drawing from the whole range spreads the
/// clients of a server that comes back; waits that only vary a little around a common value keep them in step.
///
/// | Setting | Default |
/// |---|---|
/// | [`initial`](Self::initial) | 500 ms |
/// | [`max`](Self::max) | 30 s |
/// | [`max_attempts`](Self::max_attempts) | any number |
/// | [`reset_after`](Self::reset_after) | 10 s |
///
/// It is usable on its own, too, for a loop of yours around a dial:
///
/// ```
/// use ws_core::reconnect::Backoff;
///
/// let backoff = Backoff::new();
/// // After the connection was lost, and after three attempts that failed since; half of the ceiling is drawn.
/// assert_eq!(backoff.delay(0, u64::MAX / 2 + 1).unwrap().as_millis(), 250);
/// assert_eq!(backoff.delay(3, u64::MAX / 2 + 1).unwrap().as_millis(), 2000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    max_attempts: Option<u32>,
    reset_after: Duration,
}

impl Backoff {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            max_attempts: None,
            reset_after: Duration::from_secs(10),
        }
    }

    /// The ceiling of the first wait, 10 ms at least.
    ///
    /// Ten thousand clients that lose their server in one instant come back at ten thousand per `initial`.
    pub fn initial(mut self, ceiling: Duration) -> Self {
        self.initial = ceiling.max(MIN_INITIAL);
        self
    }

    /// The highest ceiling. One below [`initial`](Self::initial) holds for the first wait, too.
    pub fn max(mut self, ceiling: Duration) -> Self {
        self.max = ceiling.max(MIN_INITIAL);
        self
    }

    /// How many attempts may fail in a row before there is no other; `None` for any number.
    ///
    /// With 0, the first attempt is the only one.
    pub fn max_attempts(mut self, attempts: impl Into<Option<u32>>) -> Self {
        self.max_attempts = attempts.into();
        self
    }

    /// How long a connection has to be up to be a success that takes the next wait back to the initial ceiling.
    ///
    /// One that ends earlier counts as an attempt that failed, so that a server which accepts and drops at once is not
    /// dialed without a pause.
    pub fn reset_after(mut self, up: Duration) -> Self {
        self.reset_after = up;
        self
    }

    /// The longest wait after so many attempts that failed in a row.
    #[must_use]
    pub fn ceiling(&self, failed: u32) -> Duration {
        1_u32.checked_shl(failed).map_or(self.max, |factor| self.initial.saturating_mul(factor).min(self.max))
    }

    /// The wait after so many attempts that failed in a row; `None` if there is to be no other.
    ///
    /// `random` is any of the numbers that a `u64` can hold, each as likely as the others.
    #[must_use]
    pub fn delay(&self, failed: u32, random: u64) -> Option<Duration> {
        if self.max_attempts.is_some_and(|most| failed >= most) {
            return None;
        }
        let ceiling = u64::try_from(self.ceiling(failed).as_nanos()).unwrap_or(u64::MAX);
        // The high half of the product: below the ceiling, and even.
        let drawn = (u128::from(ceiling) * u128::from(random)) >> 64;
        Some(Duration::from_nanos(drawn as u64))
    }

    /// How many attempts have failed in a row when a connection ends that was up for so long.
    #[must_use]
    pub fn failed_after(&self, failed: u32, up: Duration) -> u32 {
        if up >= self.reset_after { 0 } else { failed.saturating_add(1) }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// Attempts without a pause would be all that a client does.
const MIN_INITIAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceiling_doubles_up_to_the_highest() {
        let backoff = Backoff::new();
        let ceilings: Vec<_> = (0..8).map(|failed| backoff.ceiling(failed).as_millis()).collect();
        assert_eq!(ceilings, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.ceiling(31), Duration::from_secs(30));
        assert_eq!(backoff.ceiling(u32::MAX), Duration::from_secs(30));
        assert_eq!(backoff.max(Duration::MAX).initial(Duration::MAX).ceiling(5), Duration::MAX);
    }

    #[test]
    fn waits_are_drawn_from_the_whole_range_below_the_ceiling() {
        let backoff = Backoff::new();
        assert_eq!(backoff.delay(0, 0), Some(Duration::ZERO));
        assert_eq!(backoff.delay(0, u64::MAX), Some(Duration::from_nanos(499_999_999)));
        assert_eq!(backoff.delay(1, 1 << 62), Some(Duration::from_millis(250)));
        assert!(backoff.max(Duration::MAX).initial(Duration::MAX).delay(0, u64::MAX).is_some());
    }

    #[test]
    fn there_is_no_wait_after_the_last_attempt() {
        let backoff = Backoff::new().max_attempts(2);
        assert_eq!([0, 1, 2, 3].map(|failed| backoff.delay(failed, 0).is_some()), [true, true, false, false]);
        assert_eq!(Backoff::new().max_attempts(0).delay(0, 0), None);
        assert!(backoff.max_attempts(None).delay(u32::MAX, 0).is_some());
    }

    #[test]
    fn only_a_connection_that_lasted_resets_the_count() {
        let backoff = Backoff::new().reset_after(Duration::from_secs(10));
        assert_eq!(backoff.failed_after(7, Duration::from_secs(10)), 0);
        assert_eq!(backoff.failed_after(7, Duration::from_millis(9999)), 8);
        assert_eq!(backoff.failed_after(u32::MAX, Duration::ZERO), u32::MAX);
    }

    #[test]
    fn ceilings_of_nothing_are_raised() {
        let backoff = Backoff::new().initial(Duration::ZERO).max(Duration::ZERO);
        assert_eq!(backoff.ceiling(9), MIN_INITIAL);
    }
}
