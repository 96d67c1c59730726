//! Which topics are wanted, and what the server has not heard of it yet.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::promise::Promise;
use crate::backplane::{ErrorKind, Reply, Topic};

/// The topics that are wanted.
#[derive(Default)]
pub(super) struct Interest {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    wanted: HashSet<Topic>,
    /// What changed since a session asked for all that was wanted, or nothing while there is none.
    changes: Option<Vec<Change>>,
}

/// Topics that are newly wanted, or no more.
pub(super) struct Change {
    pub(super) wanted: bool,
    pub(super) topics: Vec<Topic>,
    pub(super) promise: Promise<()>,
}

impl Interest {
    pub(super) fn add(&self, mut topics: Vec<Topic>) -> Reply<()> {
        let mut state = self.lock();
        topics.retain(|topic| state.wanted.insert(topic.clone()));
        self.change(state, true, topics)
    }

    pub(super) fn remove(&self, mut topics: Vec<Topic>) -> Reply<()> {
        let mut state = self.lock();
        topics.retain(|topic| state.wanted.remove(topic));
        self.change(state, false, topics)
    }

    /// Even without topics: who asks for what was asked for wants to know that the server has heard it.
    fn change(&self, mut state: MutexGuard<'_, State>, wanted: bool, topics: Vec<Topic>) -> Reply<()> {
        let Some(changes) = &mut state.changes else { return Reply::ready(Ok(())) };
        let (promise, reply) = Promise::new(ErrorKind::Closed);
        match changes.last_mut() {
            // Nobody waits for the one before, so this one may be told for both.
            Some(last) if last.wanted == wanted && last.promise.is_forgotten() => {
                last.topics.extend(topics);
                last.promise = promise;
            }
            _ => changes.push(Change { wanted, topics, promise }),
        }
        drop(state);
        self.changed.notify_one();
        reply
    }

    /// Begins a session: gives all that is wanted, and writes down what changes from now on.
    pub(super) fn begin(&self) -> Vec<Topic> {
        let mut state = self.lock();
        state.changes = Some(Vec::new());
        state.wanted.iter().cloned().collect()
    }

    /// Ends it. What was not heard yet will be with the next one, as one is told who asks now.
    pub(super) fn end(&self) {
        for change in self.lock().changes.take().into_iter().flatten() {
            change.promise.keep(Ok(()));
        }
    }

    /// What changed, as soon as anything did.
    ///
    /// Cancel safe.
    pub(super) async fn changes(&self) -> Vec<Change> {
        loop {
            if let Some(changes) = self.lock().changes.as_mut().filter(|changes| !changes.is_empty()) {
                return std::mem::take(changes);
            }
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
