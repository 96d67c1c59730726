//! Makes true what the handle has written down, with one session after the other.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::interest::Change;
use super::outbox::Batch;
use super::{Core, Incoming, Presence, Published, Read, Server, Session};
use crate::backplane::{BackplaneError, ErrorKind, Event, Member, Topic};

/// Batches on their way: while the server works on one, the next is there already.
const MAX_BATCHES: usize = 4;

/// Reads on their way.
const MAX_READING: usize = 64;

/// Rooms looked at together after a reconnect.
const MAX_LOADING: usize = 16;

/// What the end of the handle may take.
const GOODBYE: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, BackplaneError>;

/// What becomes of a batch.
type Answers<'a> = Pin<Box<dyn Future<Output = Result<Vec<Published>>> + Send + 'a>>;

/// Runs until the handle is dropped.
pub(super) async fn run<S: Server>(core: Arc<Core>, server: S, mut reads: mpsc::Receiver<Read>) {
    let mut driver = Driver { core: &core, first: true, pause: core.config.backoff.0 };
    tokio::select! {
        () = core.outbox.expire() => {}
        () = driver.sessions(&server, &mut reads) => {}
    }
}

struct Driver<'a> {
    core: &'a Core,
    first: bool,
    pause: Duration,
}

impl Driver<'_> {
    async fn sessions<S: Server>(&mut self, server: &S, reads: &mut mpsc::Receiver<Read>) {
        loop {
            tokio::select! {
                biased;
                () = self.core.closed.notified() => return,
                session = self.begin(server) => if let Ok(session) = session {
                    let ended = self.run(&session, reads).await;
                    self.end(reads);
                    if ended {
                        let _ = timeout(GOODBYE, self.goodbye(&session)).await;
                        return;
                    }
                }
            }
            tokio::select! {
                () = self.core.closed.notified() => return,
                () = tokio::time::sleep(self.next_pause()) => {}
            }
        }
    }

    /// Connects, asks for all topics that are wanted, says who is here.
    async fn begin<S: Server>(&self, server: &S) -> Result<S::Session> {
        let core = self.core;
        let session = within(core, server.connect(core.node, &core.config)).await?;
        let wanted = core.interest.begin();
        {
            let mut roster = core.roster();
            wanted.iter().filter_map(watched).for_each(|room| roster.watch(room));
            roster.begin(Instant::now());
        }
        let asked = async {
            within(core, session.subscribe(wanted)).await?;
            within(core, session.beat(false)).await
        };
        if let Err(error) = asked.await {
            core.interest.end();
            return Err(error);
        }
        Ok(session)
    }

    /// Runs a session until it is lost; gives true when it was ended by the handle.
    async fn run<S: Session>(&mut self, session: &S, reads: &mut mpsc::Receiver<Read>) -> bool {
        let core = self.core;
        core.up.store(true, Ordering::Release);
        core.events.send(Event::Up { missed: !std::mem::replace(&mut self.first, false) });
        let began = Instant::now();
        let ended = tokio::select! {
            biased;
            () = core.closed.notified() => true,
            _ = receive(core, session) => false,
            _ = publish(core, session) => false,
            _ = subscribe(core, session) => false,
            _ = say(core, session) => false,
            _ = load(core, session) => false,
            _ = read(core, session, reads) => false,
            _ = beat(core, session) => false,
        };
        // A server that takes connections and drops them at once is not asked more often for it.
        if began.elapsed() >= core.config.backoff.1.min(core.config.presence_ttl) {
            self.pause = core.config.backoff.0;
        }
        ended
    }

    fn end(&self, reads: &mut mpsc::Receiver<Read>) {
        let core = self.core;
        core.up.store(false, Ordering::Release);
        core.events.send(Event::Down);
        core.interest.end();
        core.roster().end();
        core.outbox.fail_volatile();
        // Dropped, they tell that there is no server.
        while reads.try_recv().is_ok() {}
    }

    async fn goodbye<S: Session>(&self, session: &S) -> Result<()> {
        let own = self.core.roster().own();
        let gone =
            |(room, entry): (Arc<str>, Presence)| (room, Presence { data: None, version: u64::MAX, ..entry });
        session.say(own.into_iter().map(gone).collect()).await?;
        session.beat(true).await
    }

    /// The next pause before connecting again: twice the one before, less a random part of up to a half.
    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(self.core.config.backoff.1);
        let mut bytes = [0; 4];
        // Without random numbers all nodes come back together, which is no reason not to come back.
        let _ = getrandom::fill(&mut bytes);
        pause.mul_f64(1.0 - f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX) / 2.0)
    }
}

/// Takes what arrives and turns it into events.
async fn receive(core: &Core, session: &impl Session) -> Result<()> {
    loop {
        match session.receive().await? {
            Incoming::Message { message, echo } => {
                if message.origin != core.node || echo {
                    core.events.send(Event::Message(message));
                }
            }
            Incoming::Presence { room, entry } => {
                let event = core.roster().changed(&room, entry, Instant::now());
                event.into_iter().for_each(|event| core.events.send(event));
                core.load.notify_one();
            }
            Incoming::Beat(node) => {
                core.roster().heard(node, Instant::now());
                core.load.notify_one();
            }
            Incoming::LastBeat(node) => {
                let events = core.roster().ended(node, Instant::now());
                events.into_iter().for_each(|event| core.events.send(event));
            }
            Incoming::Lost(dropped) => core.events.send(Event::Lagged { dropped }),
        }
    }
}

/// Publishes what is queued, in order, with a few batches on their way.
async fn publish(core: &Core, session: &impl Session) -> Result<()> {
    let mut sent: VecDeque<(Answers<'_>, Batch)> = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            (publications, batch) = core.outbox.next(), if sent.len() < MAX_BATCHES => {
                let mut answers = Box::pin(within(core, session.publish(publications)));
                // Polled once at once, so that it leaves before the next one.
                match poll_fn(|cx| Poll::Ready(answers.as_mut().poll(cx))).await {
                    Poll::Ready(answers) => batch.keep(answers?),
                    Poll::Pending => sent.push_back((answers, batch)),
                }
            }
            answers = async { match sent.front_mut() {
                Some((answers, _)) => answers.await,
                None => std::future::pending().await,
            } } => {
                let answers = answers?;
                if let Some((_, batch)) = sent.pop_front() {
                    batch.keep(answers);
                }
            }
        }
    }
}

/// Tells the server what has changed of what is wanted: all at once that has changed since it was told last, so that many who come
/// together do not wait for each other. Of a topic the last word counts.
async fn subscribe(core: &Core, session: &impl Session) -> Result<()> {
    loop {
        let (mut last, mut promises) = (HashMap::new(), Vec::new());
        for Change { wanted, topics, promise } in core.interest.changes().await {
            last.extend(topics.into_iter().map(|topic| (topic, wanted)));
            promises.push(promise);
        }
        let (asked, left): (Vec<_>, Vec<_>) = last.into_iter().partition(|(_, wanted)| *wanted);
        let result = change(core, session, names(asked), names(left)).await;
        // A lost session is not the caller's failure: the next one asks for all that is wanted.
        promises.into_iter().for_each(|promise| promise.keep(Ok(())));
        result?;
    }
}

fn names(topics: Vec<(Topic, bool)>) -> Vec<Topic> {
    topics.into_iter().map(|(topic, _)| topic).collect()
}

async fn change(core: &Core, session: &impl Session, asked: Vec<Topic>, left: Vec<Topic>) -> Result<()> {
    left.iter().filter_map(watched).for_each(|room| core.roster().unwatch(room));
    if !left.is_empty() {
        within(core, session.unsubscribe(left)).await?;
    }
    let rooms: Vec<Arc<str>> = asked.iter().filter_map(watched).cloned().collect();
    rooms.iter().for_each(|room| core.roster().watch(room));
    if !asked.is_empty() {
        within(core, session.subscribe(asked)).await?;
        rooms.iter().for_each(|room| core.roster().load(room));
        core.load.notify_one();
    }
    Ok(())
}

/// Says who is here.
async fn say(core: &Core, session: &impl Session) -> Result<()> {
    loop {
        let said = core.said.notified();
        let (entries, promises) = core.roster().unsaid();
        if entries.is_empty() {
            promises.into_iter().for_each(|promise| promise.keep(Ok(())));
            said.await;
            continue;
        }
        let keys: Vec<_> = entries
            .iter()
            .map(|(room, entry)| (Arc::clone(room), entry.version, Arc::clone(&entry.id)))
            .collect();
        let result = within(core, session.say(entries)).await;
        if result.is_ok() {
            core.roster().said(&keys);
        }
        promises.into_iter().for_each(|promise| promise.keep(Ok(())));
        result?;
    }
}

/// Looks at rooms that are watched, once each after it is asked for.
async fn load(core: &Core, session: &impl Session) -> Result<()> {
    let mut loading = FuturesUnordered::new();
    loop {
        while loading.len() < MAX_LOADING {
            let Some(room) = core.roster().next_to_load() else { break };
            loading.push(async move {
                let entries = within(core, session.members(Arc::clone(&room))).await;
                (room, entries)
            });
        }
        tokio::select! {
            Some((room, entries)) = loading.next() => {
                let mut roster = core.roster();
                let (living, _) = roster.living(entries?, Instant::now());
                let events = roster.loaded(&room, living);
                drop(roster);
                events.into_iter().for_each(|event| core.events.send(event));
            }
            () = core.load.notified() => {}
        }
    }
}

/// Reads what is asked for.
async fn read(core: &Core, session: &impl Session, reads: &mut mpsc::Receiver<Read>) -> Result<()> {
    let mut reading = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = reading.next() => {}
            Some(read) = reads.recv(), if reading.len() < MAX_READING => reading.push(answer(core, session, read)),
        }
    }
}

async fn answer(core: &Core, session: &impl Session, read: Read) {
    // A session that fails here is found out by what else it does.
    match read {
        Read::History { room, since, limit, promise } => {
            promise.keep(within(core, session.history(room, since, limit)).await);
        }
        Read::Members { room, promise } => {
            let members = members(core, session, room).await;
            let member = |entry: Presence| Some(Member { node: entry.node, id: entry.id, data: entry.data? });
            promise.keep(members.map(|members| members.into_iter().filter_map(member).collect()));
        }
        Read::Count { room, promise } => {
            promise.keep(members(core, session, room).await.map(|members| members.len()))
        }
    }
}

async fn members(core: &Core, session: &impl Session, room: Arc<str>) -> Result<Vec<Presence>> {
    let entries = within(core, session.members(Arc::clone(&room))).await?;
    let (living, buried) = core.roster().living(entries, Instant::now());
    if !buried.is_empty() {
        within(core, session.bury(room, buried)).await?;
    }
    Ok(living)
}

/// Gives signs of life, keeps this node's entries, and sees who gives none.
async fn beat(core: &Core, session: &impl Session) -> Result<()> {
    loop {
        tokio::time::sleep(core.config.presence_ttl / 3).await;
        within(core, session.beat(false)).await?;
        let own = core.roster().own();
        if !own.is_empty() {
            let forgotten = within(core, session.keep(own)).await?;
            core.roster().say_again(&forgotten);
            core.said.notify_one();
        }
        let now = Instant::now();
        let events = core.roster().expire(now);
        events.into_iter().for_each(|event| core.events.send(event));
        // What this node says does not come back to it: the connection looks alive and is not.
        if now.duration_since(core.roster().heard_itself()) >= core.config.presence_ttl {
            return Err(ErrorKind::Unavailable.into());
        }
    }
}

/// Bounds what a server may take.
async fn within<T>(core: &Core, work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(core.config.timeout, work).await.unwrap_or_else(|_| Err(ErrorKind::Unavailable.into()))
}

fn watched(topic: &Topic) -> Option<&Arc<str>> {
    match topic {
        Topic::Presence(room) => Some(room),
        _ => None,
    }
}
