//! A subscriber that keeps spans and events as text.

use std::{
    fmt::{Debug, Write as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use ::tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_core::span::Current;

#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Log>);

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    spans: Mutex<Vec<(u64, &'static Metadata<'static>)>>,
    /// The spans that are entered now; tests have one thread.
    entered: Mutex<Vec<u64>>,
    entries: AtomicU64,
    next: AtomicU64,
}

impl Told {
    /// What was told since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lines.lock().unwrap())
    }

    /// How often a span was entered.
    pub(crate) fn entries(&self) -> u64 {
        self.0.entries.load(Ordering::Relaxed)
    }

    fn name(&self, id: u64) -> &'static str {
        self.metadata(id).map_or("?", |metadata| metadata.name())
    }

    fn metadata(&self, id: u64) -> Option<&'static Metadata<'static>> {
        self.0.spans.lock().unwrap().iter().find(|(other, _)| *other == id).map(|(_, metadata)| *metadata)
    }

    fn push(&self, line: String) {
        self.0.lines.lock().unwrap().push(line);
    }

    fn current(&self) -> Option<u64> {
        self.0.entered.lock().unwrap().last().copied()
    }
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        matches!(metadata.target(), "ws_client" | "ws_tower" | "test")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.spans.lock().unwrap().push((id, span.metadata()));
        let mut fields = Fields::default();
        span.record(&mut fields);
        let parent = if span.is_root() { "root" } else { "child" };
        self.push(format!("span {} {parent}{}", span.metadata().name(), fields.0));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.push(format!("{} follows {}", self.name(span.into_u64()), self.name(follows.into_u64())));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let parent =
            event.parent().map(Id::into_u64).or_else(|| self.current().filter(|_| event.is_contextual()));
        let span = parent.map_or("none", |id| self.name(id));
        self.push(format!("{} in {span}:{}", event.metadata().level(), fields.0));
    }

    fn enter(&self, span: &Id) {
        self.0.entries.fetch_add(1, Ordering::Relaxed);
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn current_span(&self) -> Current {
        let current = self.current().and_then(|id| Some((Id::from_u64(id), self.metadata(id)?)));
        current.map_or_else(Current::none, |(id, metadata)| Current::new(id, metadata))
    }

    fn exit(&self, _: &Id) {
        self.0.entered.lock().unwrap().pop();
    }
}
