//! A recorder that keeps every metric under its name and labels, and counts how often it was called.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use ::metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

#[derive(Default)]
pub(crate) struct Kept {
    numbers: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    samples: Arc<Samples>,
    described: Mutex<Vec<String>>,
    calls: AtomicUsize,
}

#[derive(Default)]
struct Samples(Mutex<Vec<f64>>);

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

/// Counts to 64 bits, as a counter does, and not as a gauge.
struct Total(Arc<AtomicU64>);

impl CounterFn for Total {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    /// Several connections add to one total: to set it would forget the others.
    fn absolute(&self, value: u64) {
        panic!("a total was set to {value}")
    }
}

impl Kept {
    /// `name{label=value,…}`.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.numbers.lock().unwrap().get(name).map_or(0, |number| number.load(Ordering::Relaxed))
    }

    pub(crate) fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.counter(name))
    }

    pub(crate) fn samples(&self) -> Vec<f64> {
        self.samples.0.lock().unwrap().clone()
    }

    /// The names of all that is there, without the gauge.
    pub(crate) fn names(&self) -> Vec<String> {
        self.numbers.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn described(&self) -> Vec<String> {
        self.described.lock().unwrap().clone()
    }

    /// How often a metric was looked up.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn number(&self, key: &Key) -> Arc<AtomicU64> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        self.numbers.lock().unwrap().entry(name).or_default().clone()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().push(key.as_str().to_owned());
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe_counter(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe_counter(key, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Total(self.number(key))))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!(key.name(), "websocket_connection_duration_seconds");
        Histogram::from_arc(self.samples.clone())
    }
}
