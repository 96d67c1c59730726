//! How much may come in a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::Rate;

/// Counts against a [`Rate`]: the time at which all that was taken would be earned again. One instant, no timer.
#[derive(Debug, Default)]
pub(crate) struct Meter(Option<Instant>);

impl Meter {
    /// Takes so much; false if there is not as much.
    pub(crate) fn take(&mut self, count: u64, rate: Rate) -> bool {
        let now = Instant::now();
        let earned = self.0.map_or(now, |earned| earned.max(now));
        let cost = Duration::from_secs_f64(count as f64 / f64::from(rate.per_second));
        let most = Duration::from_secs_f64(f64::from(rate.burst) / f64::from(rate.per_second));
        let after = earned + cost;
        // A hair's breadth for what is lost in rounding.
        if after.duration_since(now) > most + Duration::from_micros(1) {
            return false;
        }
        self.0 = Some(after);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn burst_is_there_at_once_and_comes_back_at_the_rate() {
        let rate = Rate::per_second(10).burst(3);
        let mut meter = Meter::default();
        let taken = (0..5).filter(|_| meter.take(1, rate)).count();
        assert_eq!(taken, 3);
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(meter.take(1, rate));
        assert!(!meter.take(1, rate));
        tokio::time::advance(Duration::from_secs(100)).await;
        let taken = (0..5).filter(|_| meter.take(1, rate)).count();
        assert_eq!(taken, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_burst_is_never_there() {
        let mut meter = Meter::default();
        assert!(!meter.take(101, Rate::per_second(100)));
        assert!(meter.take(100, Rate::per_second(100)));
    }
}
