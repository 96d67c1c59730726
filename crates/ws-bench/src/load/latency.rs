//! How long batches took, in buckets.

use std::time::Duration;

/// Buckets a power of two is divided into: the error of a percentile is at most 1/16.
const STEPS: u64 = 16;

/// A histogram of durations: counts per bucket, no allocation while recording.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    buckets: Vec<u64>,
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; bucket(u64::MAX) + 1] }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
    }

    /// The duration that this share of the records did not exceed; zero without records.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let total: u64 = self.buckets.iter().sum();
        let rank = (total as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank && seen > 0
        });
        Duration::from_nanos(found.map_or(0, upper_bound))
    }
}

/// Values below 16 have a bucket each, later powers of two 16 buckets each.
fn bucket(nanos: u64) -> usize {
    if nanos < STEPS {
        return nanos as usize;
    }
    let power = nanos.ilog2() - STEPS.ilog2();
    (u64::from(power) * STEPS + (nanos >> power)) as usize
}

fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let power = bucket / STEPS - 1;
    let lower = (STEPS + bucket % STEPS) << power;
    lower + ((1 << power) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for index in 0..bucket(u64::MAX) {
            let end = upper_bound(index);
            assert_eq!(bucket(end), index);
            assert_eq!(bucket(end + 1), index + 1);
        }
    }

    #[test]
    fn percentiles_are_within_a_sixteenth() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentile(50.0), Duration::ZERO);
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        for (percent, exact) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1000.0)] {
            let found = latency.percentile(percent).as_secs_f64() * 1e6;
            assert!(found >= exact && found <= exact * (1.0 + 1.0 / 16.0), "{percent}: {found}");
        }
    }
}
