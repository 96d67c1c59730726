//! Histories and presence in JetStream.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamByNameErrorKind;
use async_nats::jetstream::stream::{
    Config as StreamConfig, LastRawMessageErrorKind, Republish, State, StorageType, Stream,
};
use async_nats::jetstream::{Context, Message};
use bytes::Bytes;
use futures_util::StreamExt;

use super::NatsOptions;
use crate::backplane::link::wire::{self, Names};
use crate::backplane::{BackplaneError, Config, Epoch, ErrorKind, History, NodeId, Position, Retained};

type Result<T> = std::result::Result<T, BackplaneError>;

/// Entries of presence outlive so many times the time to live, if nobody keeps them.
const KEPT_FOR: u32 = 3;

/// How long the server remembers a reader that is gone.
const READER_AGE: Duration = Duration::from_secs(5);

pub(super) struct Store {
    context: Context,
    names: Names,
    history: RwLock<(Stream<()>, Epoch)>,
    presence: Stream<()>,
    /// Messages of a room at the most, one more of which is kept: it proves that none is missing after it.
    messages: usize,
}

/// The newest message that a node knows to be stored, over all its sessions.
///
/// A server that is killed may forget what it has confirmed a moment before, and give the same numbers to other messages. Then
/// this one is not where it was, and the history that is there now must not be taken for the same.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) subject: String,
    pub(super) stored: Bytes,
}

impl Store {
    /// The streams, which are made, or changed to what is asked for.
    pub(super) async fn open(
        context: &Context,
        names: &Names,
        config: &Config,
        options: &NatsOptions,
        seen: Option<Seen>,
    ) -> Result<Self> {
        let limits = &config.history;
        let history = StreamConfig {
            subjects: vec![names.join(&["history", "*"])],
            max_messages_per_subject: i64::try_from(limits.messages).unwrap_or(i64::MAX).saturating_add(1),
            max_messages: -1,
            max_bytes: i64::try_from(options.max_history_bytes).unwrap_or(i64::MAX),
            storage: if options.in_memory { StorageType::Memory } else { StorageType::File },
            republish: Some(Republish {
                source: names.join(&["history", "*"]),
                destination: names.join(&["room", "{{wildcard(1)}}"]),
                headers_only: false,
            }),
            ..stream(limits.age, options)
        };
        let presence = StreamConfig {
            name: format!("{}_presence", names.join(&[])),
            subjects: vec![names.join(&["members", "*", "*", "*"])],
            max_messages_per_subject: 1,
            max_messages: -1,
            max_bytes: -1,
            storage: StorageType::Memory,
            ..stream(config.presence_ttl * KEPT_FOR, options)
        };
        let history = open_history(context, names, history, seen).await?;
        let name = presence.name.clone();
        context.create_or_update_stream(presence).await.map_err(refused)?;
        let presence = context.get_stream_no_info(name).await.map_err(refused)?;
        let (context, names) = (context.clone(), names.clone());
        Ok(Self { context, names, history: RwLock::new(history), presence, messages: limits.messages })
    }

    /// The stream of histories, which another node may have made anew.
    async fn history(&self) -> Result<(Stream<()>, Epoch, State)> {
        let (stream, epoch) = self.history.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Ok(info) = stream.get_info().await {
            return Ok((stream, epoch, info.state));
        }
        let Some((stream, epoch)) = find_history(&self.context, &self.names).await? else {
            return Err(ErrorKind::Unavailable.into());
        };
        let state = stream.get_info().await.map_err(refused)?.state;
        *self.history.write().unwrap_or_else(PoisonError::into_inner) = (stream.clone(), epoch);
        Ok((stream, epoch, state))
    }

    pub(super) async fn read(&self, subject: &str, since: Option<Position>, limit: usize) -> Result<History> {
        let (stream, epoch, state) = self.history().await?;
        let last = match stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Some(message.sequence),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
            Err(error) => return Err(refused(error)),
        };
        // Nothing is in the room up to where the stream is now, which is a position to go on from as well.
        let position = Position::new(epoch, last.unwrap_or(state.last_sequence));
        let nothing = |exact| Ok(History { exact, messages: Vec::new(), position });
        let Some(since) = since else {
            if limit == 0 || last.is_none() {
                return nothing(true);
            }
            let mut messages = messages(&stream, subject, 1).await?;
            messages.drain(..messages.len().saturating_sub(limit.min(self.messages)));
            return Ok(History { exact: true, position: after(&messages, position), messages });
        };
        if since.epoch != epoch || since.offset > state.last_sequence.max(position.offset) {
            return nothing(false);
        }
        // Age and bytes take the oldest of all rooms first.
        let none_aged = state.first_sequence <= since.offset.saturating_add(1);
        match last {
            Some(last) if last <= since.offset => nothing(true)
                .map(|history| History { position: Position { offset: last, ..position }, ..history }),
            None => nothing(none_aged),
            Some(_) => {
                let mut messages = messages(&stream, subject, since.offset.max(1)).await?;
                let known = messages.first().is_some_and(|first| first.offset == since.offset);
                messages.retain(|message| message.offset > since.offset);
                // Where the count took none, there are fewer than are kept.
                let exact = known || (none_aged && messages.len() <= self.messages);
                if !exact || messages.len() > limit || messages.is_empty() {
                    return nothing(false);
                }
                Ok(History { exact: true, position: after(&messages, position), messages })
            }
        }
    }

    /// What is stored under these subjects of presence.
    pub(super) async fn members(&self, subjects: &str) -> Result<Vec<Bytes>> {
        let messages = fetch(&self.presence, subjects, DeliverPolicy::All).await?;
        Ok(messages.into_iter().map(|message| message.payload.clone()).collect())
    }
}

fn stream(age: Duration, options: &NatsOptions) -> StreamConfig {
    StreamConfig {
        // The server takes no shorter one.
        max_age: age.max(Duration::from_millis(100)),
        duplicate_window: age.clamp(Duration::from_millis(100), Duration::from_secs(120)),
        num_replicas: options.replicas,
        allow_direct: true,
        ..StreamConfig::default()
    }
}

/// The epoch of a stream of histories is the end of its name, which stands beside each message.
pub(super) fn epoch(stream: &str) -> Option<Epoch> {
    let (_, digits) = stream.rsplit_once('_')?;
    u64::from_str_radix(digits, 16).ok().map(Epoch::from_u64)
}

async fn find_history(context: &Context, names: &Names) -> Result<Option<(Stream<()>, Epoch)>> {
    let name = match context.stream_by_subject(names.join(&["history", "any"])).await {
        Ok(name) => name,
        Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let epoch = epoch(&name).ok_or(ErrorKind::Refused)?;
    let stream = context.get_stream_no_info(name).await.map_err(refused)?;
    Ok(Some((stream, epoch)))
}

async fn open_history(
    context: &Context,
    names: &Names,
    config: StreamConfig,
    seen: Option<Seen>,
) -> Result<(Stream<()>, Epoch)> {
    if let Some((stream, epoch)) = find_history(context, names).await? {
        let name = format!("{}_history_{epoch}", names.join(&[]));
        let info = context
            .update_stream(StreamConfig { name: name.clone(), ..config.clone() })
            .await
            .map_err(refused)?;
        if !has_forgotten(&stream, &info.state, epoch, seen).await? {
            return Ok((stream, epoch));
        }
        // Another node may have found out too, and been faster.
        let _ = context.delete_stream(name).await;
    }
    let epoch = Epoch::from_u64(NodeId::random().as_u128() as u64);
    let made = context
        .create_stream(StreamConfig { name: format!("{}_history_{epoch}", names.join(&[])), ..config })
        .await;
    match made {
        Ok(stream) => {
            let stream =
                context.get_stream_no_info(&stream.cached_info().config.name).await.map_err(refused)?;
            Ok((stream, epoch))
        }
        // Two streams cannot have the same subjects: another node was faster.
        Err(error) => find_history(context, names).await?.ok_or_else(|| refused(error)),
    }
}

/// Whether the newest message that is known to have been stored is certainly not there any more.
async fn has_forgotten(stream: &Stream<()>, state: &State, epoch: Epoch, seen: Option<Seen>) -> Result<bool> {
    let Some(seen) = seen.filter(|seen| seen.position.epoch == epoch) else { return Ok(false) };
    if seen.position.offset > state.last_sequence {
        return Ok(true);
    }
    match stream.get_raw_message(seen.position.offset).await {
        Ok(message) => Ok(message.subject.as_str() != seen.subject || message.payload != seen.stored),
        // It has aged, or made room for others.
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(false),
        Err(error) => Err(refused(error)),
    }
}

async fn messages(stream: &Stream<()>, subject: &str, start: u64) -> Result<Vec<Retained>> {
    let from = DeliverPolicy::ByStartSequence { start_sequence: start };
    let messages = fetch(stream, subject, from).await?;
    messages.iter().map(|message| retained(message).ok_or_else(|| ErrorKind::Refused.into())).collect()
}

/// All that a stream has under these subjects from there on.
async fn fetch(stream: &Stream<()>, subjects: &str, from: DeliverPolicy) -> Result<Vec<Message>> {
    let config = pull::Config {
        filter_subject: subjects.to_owned(),
        deliver_policy: from,
        ack_policy: AckPolicy::None,
        memory_storage: true,
        inactive_threshold: READER_AGE,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(refused)?;
    let pending = usize::try_from(consumer.cached_info().num_pending).unwrap_or(usize::MAX);
    let mut messages = Vec::new();
    if pending > 0 {
        let mut batch = consumer.fetch().max_messages(pending).messages().await.map_err(refused)?;
        while let Some(message) = batch.next().await {
            messages.push(message.map_err(|error| BackplaneError::new(ErrorKind::Refused, Some(error)))?);
        }
    }
    // The server forgets it by itself too, only later.
    let _ = stream.delete_consumer(&consumer.cached_info().name).await;
    Ok(messages)
}

/// Behind the newest that was read, where more came while it was.
fn after(messages: &[Retained], position: Position) -> Position {
    let last = messages.last().map_or(0, |message| message.offset);
    Position { offset: last.max(position.offset), ..position }
}

fn retained(message: &Message) -> Option<Retained> {
    let offset = message.info().ok()?.stream_sequence;
    let (origin, payload) = wire::read_retained(message.payload.clone())?;
    Some(Retained { origin, offset, payload })
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> BackplaneError {
    BackplaneError::new(ErrorKind::Refused, Some(error.into()))
}
