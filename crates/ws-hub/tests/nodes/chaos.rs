//! What happens when the server is killed, frozen or forgets, and when a node dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use ws_hub::backplane::{
    Config, ErrorKind, Event, HistoryLimits, Position, PresenceChange, Publication, Topic,
};

use crate::server::{Keeps, Server};
use crate::suite::{Fixture, Node, patient, short_lived};

/// A fixture whose server can be harmed.
pub(crate) trait Fragile: Fixture + Send + Sync + Sized + 'static {
    fn start(keeps: Keeps) -> Self;
    fn server(&mut self) -> &mut Server;
    /// Whether what the server has confirmed survives its being killed.
    const CONFIRMS_WHAT_IT_KEEPS: bool;
}

fn number(payload: &Bytes) -> u32 {
    u32::from_be_bytes(payload[..].try_into().unwrap())
}

async fn down(node: &mut Node) {
    loop {
        if node.event().await == Event::Down {
            return;
        }
    }
}

async fn up(node: &mut Node) {
    assert_eq!(node.event().await, Event::Up { missed: true });
}

pub(crate) async fn what_is_published_while_the_server_is_away_arrives_in_order<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let (mut here, mut there) =
        (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await);
    here.ask(Topic::room("r")).await;
    there.ask(Topic::room("r")).await;
    fixture.server().kill();
    down(&mut here).await;
    down(&mut there).await;
    // What is asked for in between counts too.
    there.ask(Topic::room("later")).await;
    let publish = |room: &'static str, number: u32| {
        here.plane.publish(Publication::new(Topic::room(room), number.to_be_bytes().to_vec()))
    };
    // The publisher must not be back before the listener: so it publishes when that is.
    fixture.server().restart();
    up(&mut there).await;
    let replies: Vec<_> =
        (0..100).flat_map(|number| [publish("r", number), publish("later", number)]).collect();
    for reply in replies {
        patient(reply).await.unwrap();
    }
    for expected in 0..100 {
        assert_eq!(number(&there.message().await.payload), expected);
        assert_eq!(number(&there.message().await.payload), expected);
    }
    up(&mut here).await;
    there.say(Topic::room("r"), "back").await;
    assert_eq!(here.message().await.payload, "back");
}

pub(crate) async fn what_may_wait_is_bounded_and_fails_visibly<F: Fragile>() {
    let config = short_lived().max_queued(3).max_queued_bytes(1000).timeout(Duration::from_millis(700));
    let (mut fixture, config) = (F::start(Keeps::Nothing), config);
    let mut here = Node::up(fixture.node(config)).await;
    fixture.server().kill();
    down(&mut here).await;
    let publish = |len: usize| here.plane.publish(Publication::new(Topic::All, vec![0; len]));
    let waiting = [publish(900), publish(0)];
    assert_eq!(patient(publish(101)).await.unwrap_err().kind(), ErrorKind::Full);
    let last = publish(100);
    assert_eq!(patient(publish(0)).await.unwrap_err().kind(), ErrorKind::Full);
    let volatile = here.plane.publish(Publication::new(Topic::All, "").volatile());
    assert_eq!(patient(volatile).await.unwrap_err().kind(), ErrorKind::Unavailable);
    for reply in waiting.into_iter().chain([last]) {
        assert_eq!(patient(reply).await.unwrap_err().kind(), ErrorKind::TimedOut);
    }
    for kind in [
        patient(here.plane.history("r".into(), None, 1)).await.unwrap_err().kind(),
        patient(here.plane.presence("r".into())).await.unwrap_err().kind(),
        patient(here.plane.presence_count("r".into())).await.unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Unavailable);
    }
    assert!(!here.plane.is_up());
    fixture.server().restart();
    up(&mut here).await;
    here.say(Topic::All, vec![0; 900]).await;
}

pub(crate) async fn a_server_that_was_never_there_is_found_when_it_comes<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    fixture.server().kill();
    let plane = fixture.node(config);
    let reply = plane.publish(Publication::new(Topic::All, "first"));
    patient(plane.set_presence("r".into(), "a".into(), "1".into())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    fixture.server().restart();
    let node = Node::up(plane).await;
    patient(reply).await.unwrap();
    patient(node.plane.set_presence("r".into(), "b".into(), "2".into())).await.unwrap();
    assert_eq!(node.members("r").await.len(), 2);
}

pub(crate) async fn a_frozen_server_hangs_nothing<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived().timeout(Duration::from_secs(1)));
    let (mut here, mut there) =
        (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await);
    there.ask(Topic::room("r")).await;
    fixture.server().freeze();
    let sent = here.plane.publish(Publication::new(Topic::room("r"), "sent"));
    let history = here.plane.history("r".into(), None, 1);
    assert!(matches!(patient(sent).await.unwrap_err().kind(), ErrorKind::Unconfirmed | ErrorKind::TimedOut));
    assert_eq!(patient(history).await.unwrap_err().kind(), ErrorKind::Unavailable);
    down(&mut here).await;
    down(&mut there).await;
    fixture.server().thaw();
    up(&mut here).await;
    // What was on its way when the server froze may have been done: then it arrives first.
    loop {
        match there.event().await {
            Event::Up { missed: true } => break,
            Event::Message(message) => assert_eq!(message.payload, "sent"),
            event => panic!("{event:?}"),
        }
    }
    here.say(Topic::room("r"), "after").await;
    while there.message().await.payload != "after" {}
}

/// Two nodes, one of which publishes all the time; the server is killed and started again meanwhile. What the other
/// hears is in order, and what it does not hear was told to somebody.
pub(crate) async fn each_message_arrives_in_order_or_its_loss_is_told<F: Fragile>() {
    const COUNT: u32 = 4000;
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let (here, mut there) =
        (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await);
    there.ask(Topic::room("r")).await;
    let publisher = tokio::spawn(async move {
        let mut replies = Vec::new();
        for number in 0..COUNT {
            let publication = Publication::new(Topic::room("r"), number.to_be_bytes().to_vec());
            replies.push(here.plane.publish(publication));
            if number % 4 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let mut failed = Vec::new();
        for (number, reply) in (0..COUNT).zip(replies) {
            if let Err(error) = patient(reply).await {
                failed.push((number, error.kind()));
            }
        }
        (here, failed)
    });
    let (mut heard, mut gaps) = (Vec::new(), Vec::new());
    let mut kills = 0;
    let mut harm = tokio::time::interval(Duration::from_millis(300));
    harm.tick().await;
    let listener = async {
        loop {
            tokio::select! {
                event = there.event() => match event {
                    Event::Message(message) if message.payload == "end" => break,
                    Event::Message(message) => heard.push(number(&message.payload)),
                    Event::Up { missed } => { assert!(missed); gaps.push(heard.last().copied()); }
                    Event::Down => {}
                    event => panic!("{event:?}"),
                },
                _ = harm.tick(), if kills < 3 => {
                    kills += 1;
                    fixture.server().kill();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    fixture.server().restart();
                }
            }
        }
    };
    let ending = async {
        let (here, failed) = publisher.await.unwrap();
        // Until the listener is there to hear it.
        tokio::time::sleep(Duration::from_millis(700)).await;
        here.say(Topic::room("r"), "end").await;
        failed
    };
    let ((), failed) = tokio::join!(listener, ending);
    assert!(heard.is_sorted_by(|a, b| a < b), "in order, and once");
    let failed: BTreeMap<u32, ErrorKind> = failed.into_iter().collect();
    let mut last = None;
    let mut lost = 0;
    for number in heard.iter().copied().chain([COUNT]) {
        let first = last.map_or(0, |last| last + 1);
        for missing in first..number {
            lost += 1;
            let told = failed.contains_key(&missing) || gaps.contains(&last);
            assert!(told, "{missing} was lost between {last:?} and {number}, and nobody was told: {gaps:?}");
        }
        last = Some(number);
    }
    println!(
        "{} of {COUNT} heard, {lost} lost, {} failed at the publisher, gaps told after {gaps:?}",
        heard.len(),
        failed.len()
    );
    assert_eq!(kills, 3);
    assert!(heard.len() > COUNT as usize / 4);
}

/// The same with history, on a server with files: what was confirmed is there after the gaps are filled. Where the server
/// confirms what it may forget when it is killed, that is told as history that cannot be filled, and all that came later is there.
pub(crate) async fn what_was_retained_is_filled_in_or_its_loss_is_told<F: Fragile>() {
    const COUNT: u32 = 1500;
    let limits = HistoryLimits::new().messages(2 * COUNT as usize).bytes(1 << 24);
    let (mut fixture, config) = (F::start(Keeps::Everything), short_lived().history(limits));
    let (here, mut there) =
        (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await);
    there.ask(Topic::room("r")).await;
    let start = there.history("r", None, 0).await.2;
    let publisher = tokio::spawn(async move {
        let mut replies = Vec::new();
        for number in 0..COUNT {
            let publication = Publication::new(Topic::room("r"), number.to_be_bytes().to_vec()).retained();
            replies.push(here.plane.publish(publication));
            if number % 4 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let mut confirmed = Vec::new();
        for (number, reply) in (0..COUNT).zip(replies) {
            match patient(reply).await {
                Ok(position) => confirmed.push((number, position.unwrap())),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unconfirmed),
            }
        }
        // The last one makes the last gap visible.
        let last = loop {
            if let Ok(last) = patient(
                here.plane
                    .publish(Publication::new(Topic::room("r"), COUNT.to_be_bytes().to_vec()).retained()),
            )
            .await
            {
                break last.unwrap();
            }
        };
        (confirmed, last, here)
    });
    let (mut last, mut heard, mut filled, mut kills) = (start, Vec::<(u32, Position)>::new(), 0, 0);
    // How often it was told that something cannot be filled in, and up to where.
    let (mut told, mut forgotten) = (0, start);
    let mut harm = tokio::time::interval(Duration::from_millis(250));
    harm.tick().await;
    let mut publisher = Some(publisher);
    let mut end: Option<(Vec<(u32, Position)>, Position, Node)> = None;
    while end.as_ref().is_none_or(|(_, end, _)| last.epoch != end.epoch || last.offset < end.offset) {
        tokio::select! {
            event = there.events.next() => match event.unwrap() {
                Event::Message(message) => {
                    let placement = message.placement.unwrap();
                    if placement.position.epoch == last.epoch && placement.position.offset <= last.offset {
                        continue;
                    }
                    if placement.follows(last) {
                        heard.push((number(&message.payload), placement.position));
                        last = placement.position;
                    } else {
                        let history = patient(there.plane.history("r".into(), Some(last), usize::MAX)).await;
                        let Ok(history) = history else { continue };
                        if !history.exact {
                            told += 1;
                            forgotten = history.position;
                        }
                        for message in &history.messages {
                            filled += 1;
                            let position = Position::new(history.position.epoch, message.offset);
                            heard.push((number(&message.payload), position));
                        }
                        last = history.position;
                    }
                }
                Event::Up { .. } | Event::Down => {}
                event => panic!("{event:?}"),
            },
            _ = harm.tick(), if kills < 3 => {
                kills += 1;
                fixture.server().kill();
                tokio::time::sleep(Duration::from_millis(50)).await;
                fixture.server().restart();
            }
            result = async { publisher.as_mut().unwrap().await }, if publisher.is_some() => {
                publisher = None;
                end = Some(result.unwrap());
            }
        }
    }
    let (confirmed, ..) = end.unwrap();
    assert!(heard.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order, and once");
    let by_number: BTreeMap<u32, Position> = heard.iter().copied().collect();
    let mut checked = 0;
    for (number, position) in &confirmed {
        if position.epoch == forgotten.epoch && position.offset > forgotten.offset {
            checked += 1;
            assert_eq!(by_number.get(number), Some(position), "{number} was confirmed");
        }
    }
    println!(
        "{} of {COUNT} confirmed, {} heard, {filled} of them from the history; told {told} times that some are forgotten",
        confirmed.len(),
        heard.len()
    );
    assert!(!F::CONFIRMS_WHAT_IT_KEEPS || (told == 0 && checked == confirmed.len()));
    assert!(checked > 0);
    assert_eq!(kills, 3);
}

pub(crate) async fn a_server_that_forgot_says_so<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let mut here = Node::up(fixture.node(config)).await;
    let before = here.retain("r", "before").await;
    fixture.server().kill();
    down(&mut here).await;
    fixture.server().restart();
    up(&mut here).await;
    let (exact, messages, position) = here.history("r", Some(before), 10).await;
    assert!(!exact && messages.is_empty());
    assert_ne!(position.epoch, before.epoch);
    let after = here.retain("r", "after").await;
    assert_eq!(after.epoch, position.epoch);
    assert_eq!(here.history("r", Some(position), 10).await, (true, vec!["after".into()], after));
}

pub(crate) async fn presence_is_said_again_to_a_server_that_forgot_it<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let (mut here, mut there) =
        (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await);
    there.ask(Topic::presence("r")).await;
    for id in ["stays", "goes"] {
        patient(here.plane.set_presence("r".into(), id.into(), "1".into())).await.unwrap();
        assert!(matches!(there.presence().await.1, PresenceChange::Joined(_)));
    }
    fixture.server().kill();
    down(&mut here).await;
    patient(here.plane.remove_presence("r".into(), "goes".into())).await.unwrap();
    patient(here.plane.set_presence("r".into(), "comes".into(), "1".into())).await.unwrap();
    fixture.server().restart();
    // In whatever order the two nodes come back: the sum of what is told is who is there.
    let mut members = vec!["goes".to_owned(), "stays".to_owned()];
    while members != ["comes", "stays"] {
        match there.event().await {
            Event::Presence { change: PresenceChange::Joined(member), .. } => {
                members.push(member.id.to_string())
            }
            Event::Presence { change: PresenceChange::Left(member), .. } => {
                members.retain(|id| **id != *member.id)
            }
            Event::Up { .. } | Event::Down => {}
            event => panic!("{event:?}"),
        }
        members.sort();
    }
    let listed: Vec<String> = there.members("r").await.iter().map(|member| member.id.to_string()).collect();
    assert_eq!(listed, ["comes", "stays"]);
}

/// A node that dies without a word: its runtime is gone.
pub(crate) async fn members_of_a_node_that_dies_leave<F: Fragile>() {
    let (fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let fixture = Arc::new(fixture);
    let mut there = Node::up(fixture.node(config.clone())).await;
    there.ask(Topic::presence("r")).await;
    let runtime = runtime();
    let other = Arc::clone(&fixture);
    let here = on(&runtime, async move {
        let here = Node::up(other.node(config)).await;
        for id in ["a", "b"] {
            patient(here.plane.set_presence("r".into(), id.into(), "1".into())).await.unwrap();
        }
        here
    })
    .await;
    for _ in 0..2 {
        assert!(matches!(there.presence().await.1, PresenceChange::Joined(_)));
    }
    runtime.shutdown_background();
    for _ in 0..2 {
        assert!(matches!(there.presence().await.1, PresenceChange::Left(member) if member.data == "1"));
    }
    assert_eq!(there.members("r").await, []);
    // Who was born after the death hears nothing of the dead for long either.
    let newborn = Node::up(fixture.node(short_lived())).await;
    patient(async {
        while !newborn.members("r").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    drop(here);
}

pub(crate) async fn dropping_the_handle_ends_all_tasks<F: Fragile>() {
    let (mut fixture, config) = (F::start(Keeps::Nothing), short_lived());
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let plane = {
        let _in = runtime.enter();
        fixture.node(config.clone())
    };
    let mut node = on(&runtime, Node::up(plane)).await;
    node.ask(Topic::room("r")).await;
    node.retain("r", "x").await;
    drop(node);
    ended(&handle).await;
    // And while there is no server.
    fixture.server().kill();
    let plane = {
        let _in = runtime.enter();
        fixture.node(config)
    };
    let reply = plane.publish(Publication::new(Topic::All, ""));
    let events = plane.take_events().unwrap();
    drop(plane);
    assert_eq!(patient(reply).await.unwrap_err().kind(), ErrorKind::Closed);
    ended(&handle).await;
    node = Node { plane: Arc::new(ws_hub::backplane::MemoryBus::new().join(Config::new())), events };
    assert_eq!(patient(node.events.next()).await, None);
    runtime.shutdown_background();
}

async fn ended(handle: &tokio::runtime::Handle) {
    patient(async {
        while handle.metrics().num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn on<T: Send + 'static>(runtime: &Runtime, work: impl Future<Output = T> + Send + 'static) -> T {
    runtime.spawn(work).await.unwrap()
}

macro_rules! chaos {
    ($fixture:ty) => {
        mod chaos {
            use super::*;

            crate::chaos::chaos! { $fixture;
                what_is_published_while_the_server_is_away_arrives_in_order
                what_may_wait_is_bounded_and_fails_visibly
                a_server_that_was_never_there_is_found_when_it_comes
                a_frozen_server_hangs_nothing
                each_message_arrives_in_order_or_its_loss_is_told
                what_was_retained_is_filled_in_or_its_loss_is_told
                a_server_that_forgot_says_so
                presence_is_said_again_to_a_server_that_forgot_it
                members_of_a_node_that_dies_leave
                dropping_the_handle_ends_all_tasks
            }
        }
    };
    ($fixture:ty; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                crate::chaos::$name::<$fixture>().await;
            }
        )*
    };
}

pub(crate) use chaos;
