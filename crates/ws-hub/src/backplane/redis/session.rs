//! A pair of connections to Redis.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, Client, Msg, Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::{Mutex, Notify};

use super::script::{APPEND, READ};
use crate::backplane::link::wire::{self, Names};
use crate::backplane::link::{Incoming, Placed, Presence, Published, Server, Session};
use crate::backplane::{
    BackplaneError, Config, Epoch, ErrorKind, History, HistoryLimits, NodeId, Placement, Position,
    Publication, Retained, Topic,
};

type Result<T> = std::result::Result<T, BackplaneError>;

/// Requests that wait for the connection's task: more than are ever on their way.
const PIPELINE: usize = 256;

/// Entries outlive so many times the time to live, if nobody keeps them.
const KEPT_FOR: u32 = 3;

pub(super) struct RedisServer {
    client: Client,
}

pub(super) struct RedisSession {
    node: NodeId,
    names: Names,
    limits: HistoryLimits,
    kept_for: Duration,
    connection: MultiplexedConnection,
    sink: PubSubSink,
    stream: Mutex<PubSubStream>,
    /// The server says that it is none to write to any more.
    unfit: Notify,
}

impl RedisServer {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Server for RedisServer {
    type Session = RedisSession;

    async fn connect(&self, node: NodeId, config: &Config) -> Result<RedisSession> {
        // The driver bounds what anything may take.
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINE);
        let connection =
            self.client.get_multiplexed_async_connection_with_config(&options).await.map_err(lost)?;
        let (sink, stream) = self.client.get_async_pubsub().await.map_err(lost)?.split();
        let names = Names::new(&config.prefix, ':');
        let session = RedisSession {
            node,
            limits: config.history,
            kept_for: config.presence_ttl * KEPT_FOR,
            connection,
            sink,
            stream: Mutex::new(stream),
            unfit: Notify::new(),
            names,
        };
        let channels = vec![session.names.topic(&Topic::Node(node)), session.names.beats()];
        session.ask(channels, true).await?;
        session.probe().await?;
        Ok(session)
    }
}

impl RedisSession {
    /// Each channel in a request of its own, all of them at once: of a request for several only the first confirmation would be waited for.
    async fn ask(&self, channels: Vec<String>, wanted: bool) -> Result<()> {
        try_join_all(channels.into_iter().map(|channel| {
            let mut sink = self.sink.clone();
            async move { if wanted { sink.subscribe(channel).await } else { sink.unsubscribe(channel).await } }
        }))
        .await
        .map_err(lost)?;
        Ok(())
    }

    /// A server that still loads its files takes subscriptions already.
    async fn probe(&self) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("EXISTS").arg(self.names.beats());
        succeed(self.run(pipeline).await?)
    }

    async fn run(&self, pipeline: Pipeline) -> Result<Vec<Value>> {
        let count = pipeline.len();
        let mut connection = self.connection.clone();
        let answers = connection.req_packed_commands(&pipeline, 0, count).await.map_err(lost)?;
        if answers.iter().any(is_unfit) {
            self.unfit.notify_one();
        }
        Ok(answers)
    }

    fn topics(&self, topics: &[Topic]) -> Vec<String> {
        topics.iter().map(|topic| self.names.topic(topic)).collect()
    }

    /// A key of a room. Braces mark what decides on the slot of a cluster.
    fn key(&self, kind: &str, room: &str) -> String {
        self.names.join(&[kind, &format!("{{{}}}", wire::escape(room))])
    }

    fn append(&self, pipeline: &mut Pipeline, room: &str, publication: &Publication) {
        pipeline
            .cmd("EVAL")
            .arg(APPEND)
            .arg(2)
            .arg(self.key("position", room))
            .arg(self.key("history", room))
            .arg(self.names.topic(publication.topic()))
            .arg(&wire::write_retained(self.node, publication)[..])
            .arg(fresh_epoch())
            .arg(self.limits.messages)
            .arg(self.limits.bytes)
            .arg(millis(self.limits.age))
            .arg(millis(self.limits.position_age.max(self.limits.age)));
    }
}

impl Session for RedisSession {
    async fn subscribe(&self, topics: Vec<Topic>) -> Result<()> {
        self.ask(self.topics(&topics), true).await
    }

    async fn unsubscribe(&self, topics: Vec<Topic>) -> Result<()> {
        self.ask(self.topics(&topics), false).await
    }

    fn publish(&self, batch: Vec<Publication>) -> impl Future<Output = Result<Vec<Published>>> + Send {
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for publication in &batch {
            match publication.topic() {
                Topic::Room(room) if publication.is_retained() => {
                    self.append(&mut pipeline, room, publication)
                }
                topic => {
                    pipeline
                        .cmd("PUBLISH")
                        .arg(self.names.topic(topic))
                        .arg(&wire::write_message(self.node, publication)[..]);
                }
            }
        }
        async move { Ok(self.run(pipeline).await?.into_iter().map(published).collect()) }
    }

    async fn receive(&self) -> Result<Incoming> {
        let mut stream = self.stream.lock().await;
        loop {
            let message = tokio::select! {
                message = stream.next() => message.ok_or(ErrorKind::Unavailable)?,
                () = self.unfit.notified() => return Err(ErrorKind::Unavailable.into()),
            };
            if let Some(incoming) = read(&self.names, &message) {
                return Ok(incoming);
            }
        }
    }

    async fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Result<History> {
        let mut pipeline = Pipeline::with_capacity(1);
        let (epoch, offset) =
            since.map_or_else(Default::default, |since| (since.epoch.to_string(), since.offset.to_string()));
        pipeline
            .cmd("EVAL")
            .arg(READ)
            .arg(2)
            .arg(self.key("position", &room))
            .arg(self.key("history", &room))
            .arg(epoch)
            .arg(offset)
            .arg(limit.min(self.limits.messages))
            .arg(millis(self.limits.age))
            .arg(millis(self.limits.position_age.max(self.limits.age)))
            .arg(fresh_epoch());
        let answer = self.run(pipeline).await?.pop().ok_or(ErrorKind::Refused)?;
        let (exact, epoch, offset, messages): (bool, Bytes, u64, Vec<Bytes>) =
            redis::from_redis_value(answer.extract_error().map_err(refused)?)
                .map_err(|error| refused(error.into()))?;
        let position = Position::new(read_epoch(&epoch).ok_or(ErrorKind::Refused)?, offset);
        let messages: Option<_> = messages.iter().map(read_stored).collect();
        Ok(History { exact, messages: messages.ok_or(ErrorKind::Refused)?, position })
    }

    async fn members(&self, room: Arc<str>) -> Result<Vec<Presence>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HVALS").arg(self.key("members", &room));
        let answer = self.run(pipeline).await?.pop().ok_or(ErrorKind::Refused)?;
        let entries: Vec<Bytes> = redis::from_redis_value(answer.extract_error().map_err(refused)?)
            .map_err(|error| refused(error.into()))?;
        Ok(entries.into_iter().filter_map(wire::read_entry).collect())
    }

    async fn say(&self, entries: Vec<Placed>) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3 * entries.len());
        let mut rooms = HashSet::new();
        for (room, entry) in &entries {
            let (key, bytes) = (self.key("members", room), wire::write_presence(entry));
            let field = field(entry);
            if entry.data.is_some() {
                pipeline.cmd("HSET").arg(&key).arg(field).arg(&bytes[..]);
                rooms.insert(key);
            } else {
                pipeline.cmd("HDEL").arg(&key).arg(field);
            }
            pipeline.cmd("PUBLISH").arg(self.names.topic(&Topic::Presence(Arc::clone(room)))).arg(&bytes[..]);
        }
        for key in rooms {
            pipeline.cmd("PEXPIRE").arg(key).arg(millis(self.kept_for));
        }
        succeed(self.run(pipeline).await?)
    }

    async fn keep(&self, entries: Vec<Placed>) -> Result<Vec<Arc<str>>> {
        let rooms: Vec<Arc<str>> =
            entries.into_iter().map(|(room, _)| room).collect::<HashSet<_>>().into_iter().collect();
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in &rooms {
            pipeline.cmd("PEXPIRE").arg(self.key("members", room)).arg(millis(self.kept_for));
        }
        let answers = self.run(pipeline).await?;
        Ok(rooms
            .into_iter()
            .zip(answers)
            .filter(|(_, kept)| *kept != Value::Int(1))
            .map(|(room, _)| room)
            .collect())
    }

    async fn bury(&self, room: Arc<str>, entries: Vec<Presence>) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        let fields: Vec<String> = entries.iter().map(field).collect();
        pipeline.cmd("HDEL").arg(self.key("members", &room)).arg(fields);
        succeed(self.run(pipeline).await?)
    }

    async fn beat(&self, last: bool) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("PUBLISH").arg(self.names.beats()).arg(&wire::write_beat(self.node, last)[..]);
        succeed(self.run(pipeline).await?)
    }
}

/// The name of an entry within its room.
fn field(entry: &Presence) -> String {
    format!("{}{}", entry.node, entry.id)
}

fn fresh_epoch() -> String {
    // Half of a random number is one.
    Epoch::from_u64(NodeId::random().as_u128() as u64).to_string()
}

fn millis(duration: Duration) -> u64 {
    // A key that lives for no time is deleted at once, and one for ages is an error.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 48)
}

fn published(answer: Value) -> Published {
    match answer.extract_error().map_err(refused)? {
        Value::Int(_) => Ok(None),
        answer => {
            let (epoch, offset): (Bytes, u64) =
                redis::from_redis_value(answer).map_err(|error| refused(error.into()))?;
            Ok(Some(Position::new(read_epoch(&epoch).ok_or(ErrorKind::Unconfirmed)?, offset)))
        }
    }
}

/// Whether the server refuses since it is a replica now, or loads its files: another connection may find another.
fn is_unfit(answer: &Value) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    let Value::ServerError(error) = answer else { return false };
    matches!(error.kind(), Some(BusyLoading | ClusterDown | MasterDown | ReadOnly))
}

fn succeed(answers: Vec<Value>) -> Result<()> {
    answers.into_iter().try_for_each(|answer| answer.extract_error().map(drop)).map_err(refused)
}

fn read(names: &Names, message: &Msg) -> Option<Incoming> {
    let payload = Bytes::copy_from_slice(message.get_payload_bytes());
    let Some(retained) = payload.strip_prefix(b"R") else {
        return names.read(message.get_channel_name(), payload, None);
    };
    let (epoch, rest) = retained.split_at_checked(EPOCH)?;
    let end = rest.iter().position(|byte| *byte == b' ')?;
    let offset: u64 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    let placement =
        Placement { position: Position::new(read_epoch(epoch)?, offset), previous: offset.checked_sub(1)? };
    names.read(message.get_channel_name(), payload.slice(1 + EPOCH + end + 1..), Some(placement))
}

/// Digits of an epoch.
const EPOCH: usize = 16;

fn read_epoch(digits: &[u8]) -> Option<Epoch> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().map(Epoch::from_u64)
}

/// A message of the list: `time offset stored`.
fn read_stored(entry: &Bytes) -> Option<Retained> {
    let mut parts = entry.splitn(3, |byte| *byte == b' ');
    let (_time, offset, stored) = (parts.next()?, parts.next()?, parts.next()?);
    let offset = std::str::from_utf8(offset).ok()?.parse().ok()?;
    let (origin, payload) = wire::read_retained(entry.slice_ref(stored))?;
    Some(Retained { origin, offset, payload })
}

fn lost(error: RedisError) -> BackplaneError {
    BackplaneError::new(ErrorKind::Unavailable, Some(error.into()))
}

fn refused(error: RedisError) -> BackplaneError {
    BackplaneError::new(ErrorKind::Refused, Some(error.into()))
}
