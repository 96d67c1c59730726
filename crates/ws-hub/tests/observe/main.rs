//! What `metrics` and `tracing` are told.

#![cfg(all(feature = "metrics", feature = "tracing"))]

#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tracing::{Event, Subscriber, field::Visit, span};
use ws_core::CloseFrame;
use ws_hub::{Admission, Config, Envelope, Hub, Overflow};

use crate::support::{connect, connect_as};

/// Keeps events as lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "ws_hub"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Keeps counters and gauges by name and labels.
#[derive(Default)]
struct Numbers {
    kept: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    described: AtomicU64,
}

impl Numbers {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        self.kept.lock().unwrap().entry(name).or_default().clone()
    }

    fn counter(&self, name: &str) -> u64 {
        self.kept.lock().unwrap().get(name).map_or(0, |number| number.load(Ordering::Relaxed))
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.counter(name))
    }
}

impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.fetch_add(1, Ordering::Relaxed);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe_counter(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe_counter(key, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future);
}

#[test]
fn sessions_and_messages_are_counted() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        run(async {
            let config = Config::new().max_sessions(2).max_queued_messages(1).keep_alive(None);
            let hub = Hub::with_config((), config);
            let (mut client, session, served) = connect(&hub).await;
            let (_deaf, deaf, _) = connect_as(&hub, Admission::new(), 16).await;
            assert!(hub.reserve(Admission::new()).is_err());
            hub.room("r").join(&session).unwrap();
            assert_eq!(numbers.gauge("websocket_hub_sessions{}"), 2.0);
            assert_eq!(numbers.gauge("websocket_hub_rooms{}"), 1.0);
            client.write_message("12345").await.unwrap();
            deaf.send("x".repeat(100));
            tokio::time::sleep(Duration::from_millis(1)).await;
            hub.all().send(Envelope::new("x").overflow(Overflow::DropNewest));
            tokio::time::sleep(Duration::from_millis(1)).await;
            hub.all().send("x");
            client.close(CloseFrame::new(4000, "")).await.unwrap();
            served.await.unwrap();
            hub.close(None);
        });
    });
    for (name, count) in [
        ("websocket_hub_refusals_total{reason=sessions}", 1),
        ("websocket_hub_received_messages_total{}", 1),
        ("websocket_hub_received_bytes_total{}", 5),
        ("websocket_hub_deliveries_total{outcome=dropped}", 1),
        ("websocket_hub_deliveries_total{outcome=disconnected}", 1),
        ("websocket_hub_session_ends_total{cause=peer,code=4xxx}", 1),
    ] {
        assert_eq!(numbers.counter(name), count, "{name}");
    }
    assert_eq!(numbers.gauge("websocket_hub_rooms{}"), 0.0);
}

#[test]
fn what_waits_is_measured_and_late_outcomes_are_counted() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        run(async {
            let config = Config::new().max_queued_messages(2).keep_alive(None).write_timeout(None);
            let hub = Hub::with_config((), config);
            let (client, _, served) = connect_as(&hub, Admission::new(), 16).await;
            for _ in 0..2 {
                hub.all().send("x".repeat(50_000));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(numbers.gauge("websocket_hub_queued_bytes{}"), 100_000.0);
            let wait = || hub.all().send(Envelope::new("x").overflow(Overflow::Wait(Duration::from_secs(1))));
            assert_eq!(wait().delivery().waiting, 1);
            assert_eq!(wait().await.dropped, 1);
            drop(client);
            served.await.unwrap();
        });
    });
    assert_eq!(numbers.gauge("websocket_hub_queued_bytes{}"), 0.0);
    assert_eq!(numbers.counter("websocket_hub_deliveries_total{outcome=dropped}"), 2);
}

#[test]
fn text_of_the_peer_is_escaped_in_events() {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        run(async {
            let hub = Hub::new(());
            let admission = Admission::new().user("a\x1b[31m\nFORGED");
            let (mut client, _, served) = connect_as(&hub, admission, 4096).await;
            client.close(CloseFrame::new(4000, "\x1b[31m\r\nFORGED\u{202e}")).await.unwrap();
            served.await.unwrap();
        });
    });
    let lines = lines.0.lock().unwrap();
    let ended = lines.iter().find(|line| line.contains("session ended")).expect("it is told");
    assert!(ended.contains("code=4000") && ended.contains("cause=\"peer\"") && ended.contains("FORGED"));
    let wild = ended.chars().find(|char| char.is_control() || *char == '\u{202e}');
    assert_eq!(wild, None, "{ended:?}");
}
