//! A connection to NATS.

use std::collections::HashMap;
use std::future::{Future, IntoFuture};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::header::{HeaderName, NATS_LAST_SEQUENCE, NATS_SEQUENCE, NATS_STREAM};
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Message, ReconnectToServer, ServerAddr};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::NatsOptions;
use super::listener::{Listener, Signals, Sound};
use super::order::Order;
use super::store::{self, Seen, Store};
use crate::backplane::link::wire::{self, Names};
use crate::backplane::link::{Incoming, Placed, Presence, Published, Server, Session};
use crate::backplane::{
    BackplaneError, Config, ErrorKind, History, NodeId, Placement, Position, Publication, Topic,
};

type Result<T> = std::result::Result<T, BackplaneError>;

/// Commands that wait for the connection's task, and publications whose answers are awaited: more than are ever on their way.
const PIPELINE: usize = 8192;

/// Entries are kept at every so manieth sign of life: their age is three times the time to live, in which nine are given.
const KEEP_AT: u32 = 3;

pub(super) struct NatsServer {
    /// At least one.
    addresses: Vec<ServerAddr>,
    attempts: AtomicUsize,
    seen: Arc<Mutex<Option<Seen>>>,
    options: NatsOptions,
}

pub(super) struct NatsSession {
    node: NodeId,
    names: Names,
    client: Client,
    context: Context,
    store: Store,
    seen: Arc<Mutex<Option<Seen>>>,
    listener: Listener,
    /// The newest position of each room that is listened to, as far as this session has heard or read.
    newest: Mutex<HashMap<Arc<str>, Position>>,
    /// Of the retained messages that are heard.
    order: Mutex<Order>,
    /// Held while a batch is handed over, so that batches do not mix.
    turn: tokio::sync::Mutex<()>,
    keeps: AtomicU32,
}

impl NatsServer {
    pub(super) fn new(addresses: Vec<ServerAddr>, options: NatsOptions) -> Self {
        Self { addresses, attempts: AtomicUsize::new(0), seen: Arc::default(), options }
    }
}

impl Server for NatsServer {
    type Session = NatsSession;

    async fn connect(&self, node: NodeId, config: &Config) -> Result<NatsSession> {
        let signals = Arc::new(Signals::default());
        // The next one each time.
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let address = self.addresses[attempt % self.addresses.len()].clone();
        let nowhere: ServerAddr = NOWHERE.parse().map_err(lost)?;
        let options = once(address.clone(), nowhere.clone(), Arc::clone(&signals), config);
        let client = options.connect(vec![address, nowhere]).await.map_err(lost)?;
        let context = jetstream::context::ContextBuilder::new()
            .timeout(config.timeout)
            .max_ack_inflight(PIPELINE)
            .build(client.clone());
        let names = Names::new(&config.prefix, '.');
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let store = Store::open(&context, &names, config, &self.options, seen).await?;
        let session = NatsSession {
            node,
            names,
            client,
            context,
            store,
            seen: Arc::clone(&self.seen),
            listener: Listener::new(signals),
            newest: Mutex::default(),
            order: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            keeps: AtomicU32::new(0),
        };
        session.subscribe(vec![Topic::Node(node)]).await?;
        session.listener.ask(&session.client, &session.names.beats()).await.map_err(lost)?;
        session.sync().await?;
        Ok(session)
    }
}

/// Where nobody is.
const NOWHERE: &str = "nats://127.0.0.1:0";

/// Options of a client that connects to this address and does not come back when it is lost: what it had not sent by then
/// would arrive after what the next session sends. There is no option for that; so its second attempt goes nowhere, and a
/// third is not made.
fn once(address: ServerAddr, nowhere: ServerAddr, signals: Arc<Signals>, config: &Config) -> ConnectOptions {
    let connected = AtomicBool::new(false);
    ConnectOptions::new()
        .connection_timeout(config.timeout)
        .request_timeout(Some(config.timeout))
        .client_capacity(PIPELINE)
        .subscription_capacity(config.max_events)
        .ping_interval(config.presence_ttl / 3)
        .event_callback(move |event| {
            signals.tell(&event);
            std::future::ready(())
        })
        .ignore_discovered_servers()
        .max_reconnects(1)
        .reconnect_to_server_callback(move |_, _| {
            let again = connected.swap(true, Ordering::AcqRel);
            let addr = if again { nowhere.clone() } else { address.clone() };
            std::future::ready(Some(ReconnectToServer { addr, delay: Some(Duration::ZERO) }))
        })
}

impl NatsSession {
    /// Waits until the server has heard all that was sent before: it answers at once that nobody listens there.
    async fn sync(&self) -> Result<()> {
        match self.client.request(self.names.join(&["nobody", &self.node.to_string()]), "".into()).await {
            Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
            Err(error) => Err(lost(error)),
            Ok(_) => Ok(()),
        }
    }

    fn read(&self, message: Message) -> Option<Incoming> {
        let Message { subject, payload, headers, .. } = message;
        let header = |name: HeaderName| Some(headers.as_ref()?.get(name)?.as_str());
        let (Some(stream), Some(offset)) = (header(NATS_STREAM), header(NATS_SEQUENCE)) else {
            return self.names.read(&subject, payload, None);
        };
        let position = Position::new(store::epoch(stream)?, offset.parse().ok()?);
        let mut previous = header(NATS_LAST_SEQUENCE)?.parse().ok()?;
        let Topic::Room(room) = self.names.parse(&subject)? else { return None };
        let known = self.newest().insert(Arc::clone(&room), position);
        // The one before has aged, or there was none; and nothing was missed since: this session would know.
        if let Some(known) = known.filter(|known| previous == 0 && known.epoch == position.epoch) {
            previous = known.offset;
        }
        self.see(position, &room, payload.clone());
        self.names.read(&subject, payload, Some(Placement { position, previous }))
    }

    /// Keeps in mind the newest message that is stored.
    fn see(&self, position: Position, room: &str, stored: Bytes) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = seen.as_ref().is_none_or(|seen| {
            seen.position.epoch != position.epoch || seen.position.offset < position.offset
        });
        if newer {
            *seen = Some(Seen { position, subject: self.history_subject(room), stored });
        }
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<Arc<str>, Position>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history_subject(&self, room: &str) -> String {
        self.names.join(&["history", &wire::escape(room)])
    }

    fn subject(&self, room: &str, entry: &Presence) -> String {
        self.names.join(&["members", &wire::escape(room), &entry.node.to_string(), &wire::escape(&entry.id)])
    }

    /// Hands over what is to be stored of presence, and gives what is to be awaited.
    async fn store(&self, entries: &[Placed]) -> Result<Vec<PublishAckFuture>> {
        let mut answers = Vec::with_capacity(entries.len());
        for (room, entry) in entries {
            let stored = self.context.publish(self.subject(room, entry), wire::write_presence(entry)).await;
            answers.push(stored.map_err(lost)?);
        }
        Ok(answers)
    }
}

impl Session for NatsSession {
    async fn subscribe(&self, topics: Vec<Topic>) -> Result<()> {
        for topic in &topics {
            self.listener.ask(&self.client, &self.names.topic(topic)).await.map_err(lost)?;
        }
        self.sync().await
    }

    async fn unsubscribe(&self, topics: Vec<Topic>) -> Result<()> {
        let mut newest = self.newest();
        for topic in &topics {
            self.listener.leave(&self.names.topic(topic));
            if let Topic::Room(room) = topic {
                newest.remove(room);
                self.order().forget(room);
            }
        }
        Ok(())
    }

    async fn publish(&self, batch: Vec<Publication>) -> Result<Vec<Published>> {
        let mut answers = Vec::with_capacity(batch.len());
        let turn = self.turn.lock().await;
        for publication in &batch {
            answers.push(match publication.topic() {
                Topic::Room(room) if publication.is_retained() => {
                    let stored = wire::write_retained(self.node, publication);
                    let answer = self
                        .context
                        .publish(self.history_subject(room), stored.clone())
                        .await
                        .map_err(lost)?;
                    Some((room, stored, answer))
                }
                topic => {
                    let payload = wire::write_message(self.node, publication);
                    self.client.publish(self.names.topic(topic), payload).await.map_err(lost)?;
                    None
                }
            });
        }
        drop(turn);
        // Stored ones have answers of their own.
        if answers.iter().any(Option::is_none) {
            self.sync().await?;
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                None => Ok(None),
                Some((room, stored, answer)) => match answer.into_future().await {
                    Ok(ack) => match store::epoch(&ack.stream) {
                        Some(epoch) => {
                            let position = Position::new(epoch, ack.sequence);
                            self.see(position, room, stored);
                            Ok(Some(position))
                        }
                        None => Err(ErrorKind::Unconfirmed.into()),
                    },
                    Err(error) => Err(unstored(error)),
                },
            });
        }
        Ok(results)
    }

    async fn receive(&self) -> Result<Incoming> {
        loop {
            let deadline = {
                let mut order = self.order();
                order.expire(Instant::now());
                if let Some(message) = order.pop() {
                    return Ok(Incoming::Message { message, echo: true });
                }
                order.deadline()
            };
            let sound = match deadline {
                Some(deadline) => timeout_at(deadline, self.listener.next()).await,
                None => Ok(self.listener.next().await),
            };
            match sound {
                // Something has waited for long enough.
                Err(_) => {}
                Ok(Sound::Message(message)) => match self.read(message) {
                    Some(Incoming::Message { message, echo }) => match (&message.topic, message.placement) {
                        (Topic::Room(room), Some(placement)) => {
                            let room = Arc::clone(room);
                            self.order().push(&room, placement, message, Instant::now());
                        }
                        _ => return Ok(Incoming::Message { message, echo }),
                    },
                    Some(incoming) => return Ok(incoming),
                    None => {}
                },
                Ok(Sound::Dropped(dropped)) => {
                    // What was dropped may have stood before what comes.
                    self.newest().clear();
                    return Ok(Incoming::Lost(dropped));
                }
                Ok(Sound::End) => return Err(ErrorKind::Unavailable.into()),
            }
        }
    }

    async fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Result<History> {
        let history = self.store.read(&self.history_subject(&room), since, limit).await?;
        if self.listener.is_wanted(&self.names.topic(&Topic::Room(Arc::clone(&room)))) {
            let mut newest = self.newest();
            let newest = newest.entry(room).or_insert(history.position);
            if newest.epoch != history.position.epoch || newest.offset < history.position.offset {
                *newest = history.position;
            }
        }
        Ok(history)
    }

    async fn members(&self, room: Arc<str>) -> Result<Vec<Presence>> {
        let subjects = self.names.join(&["members", &wire::escape(&room), "*", "*"]);
        let stored = self.store.members(&subjects).await?;
        Ok(stored.into_iter().filter_map(wire::read_entry).filter(|entry| entry.data.is_some()).collect())
    }

    async fn say(&self, entries: Vec<Placed>) -> Result<()> {
        let answers = self.store(&entries).await?;
        for answer in answers {
            answer.into_future().await.map_err(unstored)?;
        }
        // Told when it is stored: who looks then sees it.
        for (room, entry) in &entries {
            let subject = self.names.topic(&Topic::Presence(Arc::clone(room)));
            self.client.publish(subject, wire::write_presence(entry)).await.map_err(lost)?;
        }
        self.sync().await
    }

    /// Stores them once more, since what is stored ages. So nothing can have been forgotten.
    async fn keep(&self, entries: Vec<Placed>) -> Result<Vec<Arc<str>>> {
        if self.keeps.fetch_add(1, Ordering::Relaxed) % KEEP_AT == 0 {
            for answer in self.store(&entries).await? {
                answer.into_future().await.map_err(unstored)?;
            }
        }
        Ok(Vec::new())
    }

    /// They age by themselves.
    fn bury(&self, _: Arc<str>, _: Vec<Presence>) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    async fn beat(&self, last: bool) -> Result<()> {
        self.client.publish(self.names.beats(), wire::write_beat(self.node, last)).await.map_err(lost)?;
        self.sync().await
    }
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> BackplaneError {
    BackplaneError::new(ErrorKind::Unavailable, Some(error.into()))
}

fn unstored(error: jetstream::context::PublishError) -> BackplaneError {
    use jetstream::context::PublishErrorKind as Kind;
    let kind = match error.kind() {
        // No answer says nothing of what became of it.
        Kind::TimedOut | Kind::BrokenPipe => ErrorKind::Unconfirmed,
        _ => ErrorKind::Refused,
    };
    BackplaneError::new(kind, Some(error.into()))
}
