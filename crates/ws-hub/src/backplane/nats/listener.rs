//! What a connection to NATS hears, over many subscriptions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{Client, Event, Message, Subscriber};
use futures_util::StreamExt;
use futures_util::stream::{SelectAll, TakeUntil};
use tokio::sync::{Notify, mpsc, oneshot};

/// What is known of a connection besides its messages.
#[derive(Default)]
pub(super) struct Signals {
    lost: AtomicBool,
    dropped: AtomicU64,
    changed: Notify,
}

impl Signals {
    pub(super) fn tell(&self, event: &Event) {
        match event {
            Event::SlowConsumer(_) => drop(self.dropped.fetch_add(1, Ordering::AcqRel)),
            Event::Closed | Event::Disconnected | Event::LameDuckMode => {
                self.lost.store(true, Ordering::Release)
            }
            _ => return,
        }
        self.changed.notify_one();
    }
}

/// All subscriptions of a connection.
pub(super) struct Listener {
    /// The end of each subscription that is wanted, by its subject.
    wanted: Mutex<HashMap<Arc<str>, oneshot::Sender<()>>>,
    added: mpsc::UnboundedSender<Subscription>,
    heard: tokio::sync::Mutex<Heard>,
    signals: Arc<Signals>,
}

type Subscription = TakeUntil<Subscriber, oneshot::Receiver<()>>;

struct Heard {
    added: mpsc::UnboundedReceiver<Subscription>,
    subscriptions: SelectAll<Subscription>,
}

/// Something heard.
pub(super) enum Sound {
    Message(Message),
    /// So many messages were dropped, since nobody took them.
    Dropped(u64),
    /// The connection is lost.
    End,
}

impl Listener {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        let (added, queued) = mpsc::unbounded_channel();
        let heard = Heard { added: queued, subscriptions: SelectAll::new() };
        Self { wanted: Mutex::default(), added, heard: heard.into(), signals }
    }

    /// Asks for a subject. The server has heard it when it has answered something asked later.
    pub(super) async fn ask(&self, client: &Client, subject: &str) -> Result<(), async_nats::SubscribeError> {
        let (end, ended) = oneshot::channel();
        self.wanted().insert(subject.into(), end);
        let subscriber = client.subscribe(subject.to_owned()).await?;
        // Fails when nobody listens any more, and then nobody misses it.
        let _ = self.added.send(subscriber.take_until(ended));
        Ok(())
    }

    /// Asks no more for a subject, and drops what is still heard there.
    pub(super) fn leave(&self, subject: &str) {
        // The end of the subscription is told by the drop.
        self.wanted().remove(subject);
    }

    pub(super) fn is_wanted(&self, subject: &str) -> bool {
        self.wanted().contains_key(subject)
    }

    pub(super) async fn next(&self) -> Sound {
        let mut heard = self.heard.lock().await;
        let Heard { added, subscriptions } = &mut *heard;
        loop {
            if self.signals.lost.load(Ordering::Acquire) {
                return Sound::End;
            }
            match self.signals.dropped.swap(0, Ordering::AcqRel) {
                0 => {}
                dropped => return Sound::Dropped(dropped),
            }
            tokio::select! {
                Some(message) = subscriptions.next() => {
                    if self.is_wanted(&message.subject) {
                        return Sound::Message(message);
                    }
                }
                Some(subscription) = added.recv() => subscriptions.push(subscription),
                () = self.signals.changed.notified() => {}
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, HashMap<Arc<str>, oneshot::Sender<()>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
