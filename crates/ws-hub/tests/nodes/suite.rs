//! What every backplane does, on one that a fixture makes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use ws_hub::backplane::{
    Backplane, Config, ErrorKind, Event, Events, HistoryLimits, Member, Message, Position, PresenceChange,
    Publication, Topic,
};

/// Makes nodes that share one server.
pub(crate) trait Fixture {
    fn node(&self, config: Config) -> Arc<dyn Backplane>;
    /// Whether the history of each room is bounded by bytes, and not that of all rooms together.
    const BYTES_PER_ROOM: bool = true;
    /// Whether several applications may share it.
    const HAS_PREFIXES: bool = true;
}

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Node {
    pub(crate) plane: Arc<dyn Backplane>,
    pub(crate) events: Events,
}

impl Node {
    /// A node that has just become up.
    pub(crate) async fn up(plane: Arc<dyn Backplane>) -> Self {
        let events = plane.take_events().expect("taken once");
        let mut node = Self { plane, events };
        assert_eq!(node.event().await, Event::Up { missed: false });
        node
    }

    pub(crate) async fn event(&mut self) -> Event {
        patient(self.events.next()).await.expect("the backplane lives")
    }

    pub(crate) async fn message(&mut self) -> Message {
        match self.event().await {
            Event::Message(message) => message,
            event => panic!("{event:?}"),
        }
    }

    pub(crate) async fn presence(&mut self) -> (Arc<str>, PresenceChange) {
        match self.event().await {
            Event::Presence { room, change } => (room, change),
            event => panic!("{event:?}"),
        }
    }

    pub(crate) async fn ask(&self, topic: Topic) {
        patient(self.plane.subscribe(vec![topic])).await.unwrap();
    }

    pub(crate) async fn say(&self, topic: Topic, payload: impl Into<Bytes>) {
        patient(self.plane.publish(Publication::new(topic, payload))).await.unwrap();
    }

    pub(crate) async fn retain(&self, room: &str, payload: impl Into<Bytes>) -> Position {
        let publication = Publication::new(Topic::room(room), payload).retained();
        patient(self.plane.publish(publication)).await.unwrap().expect("a retained one has a position")
    }

    /// Nothing has arrived but what is said now.
    pub(crate) async fn hears_next(&mut self, from: &Self, topic: Topic) {
        from.say(topic, "the next").await;
        assert_eq!(self.message().await.payload, "the next");
    }

    /// Who is there, once a server can be asked: on a busy machine a short-lived node may lose it for a moment.
    pub(crate) async fn members(&self, room: &str) -> Vec<Member> {
        let members = async {
            loop {
                match self.plane.presence(room.into()).await {
                    Ok(members) => break members,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut members = patient(members).await;
        members.sort_by(|a, b| (a.node, &a.id).cmp(&(b.node, &b.id)));
        members
    }

    pub(crate) async fn history(
        &self,
        room: &str,
        since: Option<Position>,
        limit: usize,
    ) -> (bool, Vec<Bytes>, Position) {
        let history = patient(self.plane.history(room.into(), since, limit)).await.unwrap();
        (
            history.exact,
            history.messages.into_iter().map(|message| message.payload).collect(),
            history.position,
        )
    }
}

pub(crate) async fn patient<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it takes less time")
}

async fn two(fixture: &impl Fixture, config: Config) -> (Node, Node) {
    (Node::up(fixture.node(config.clone())).await, Node::up(fixture.node(config)).await)
}

/// A short life, for what is about dying.
pub(crate) fn short_lived() -> Config {
    Config::new()
        .presence_ttl(Duration::from_millis(1500))
        .backoff(Duration::from_millis(20), Duration::from_millis(200))
}

pub(crate) async fn a_publication_reaches_who_asked(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new()).await;
    let node = Topic::Node(there.plane.node());
    for topic in [Topic::All, Topic::room("r"), Topic::user("r")] {
        there.ask(topic.clone()).await;
        here.say(topic.clone(), "hello").await;
        let message = there.message().await;
        assert_eq!((message.topic, message.origin), (topic, here.plane.node()));
        assert_eq!((&message.payload[..], message.placement), (&b"hello"[..], None));
    }
    here.say(node.clone(), "to one node").await;
    assert_eq!(there.message().await.topic, node);
}

pub(crate) async fn who_did_not_ask_hears_nothing(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new()).await;
    there.ask(Topic::room("asked")).await;
    here.say(Topic::room("other"), "no").await;
    here.say(Topic::user("asked"), "no").await;
    here.say(Topic::All, "no").await;
    here.say(Topic::Node(here.plane.node()), "no").await;
    there.hears_next(&here, Topic::room("asked")).await;
    patient(there.plane.unsubscribe(vec![Topic::room("asked")])).await.unwrap();
    here.say(Topic::room("asked"), "no").await;
    there.hears_next(&here, Topic::Node(there.plane.node())).await;
}

pub(crate) async fn a_publication_does_not_come_back_unless_asked(fixture: &impl Fixture) {
    let (mut here, _there) = two(fixture, Config::new()).await;
    here.ask(Topic::room("r")).await;
    here.say(Topic::room("r"), "no").await;
    patient(here.plane.publish(Publication::new(Topic::room("r"), "echo").echoed())).await.unwrap();
    let message = here.message().await;
    assert_eq!((&message.payload[..], message.origin), (&b"echo"[..], here.plane.node()));
}

pub(crate) async fn a_topic_keeps_its_order(fixture: &impl Fixture) {
    const COUNT: u32 = 3000;
    let (here, mut there) = two(fixture, Config::new()).await;
    there.ask(Topic::room("r")).await;
    let replies: Vec<_> = (0..COUNT)
        .map(|number| here.plane.publish(Publication::new(Topic::room("r"), number.to_be_bytes().to_vec())))
        .collect();
    for number in 0..COUNT {
        assert_eq!(there.message().await.payload, number.to_be_bytes()[..]);
    }
    for reply in replies {
        assert_eq!(patient(reply).await.unwrap(), None);
    }
}

pub(crate) async fn names_have_no_meaning(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new()).await;
    let names = ["", "a.b", "a b", "*", ">", "a.>", "{x}y", "%", "%2A", "é:ß", "\r\n", "a"];
    patient(there.plane.subscribe(names.iter().map(|name| Topic::room(*name)).collect())).await.unwrap();
    for name in names {
        here.say(Topic::room(name), "plain").await;
        assert_eq!(there.message().await.topic, Topic::room(name));
        let position = here.retain(name, name).await;
        let message = there.message().await;
        assert_eq!((message.topic, message.placement.unwrap().position), (Topic::room(name), position));
        assert_eq!(here.history(name, None, 10).await, (true, vec![Bytes::from(name)], position));
    }
}

pub(crate) async fn applications_with_other_prefixes_do_not_meet<F: Fixture>(fixture: &F) {
    if !F::HAS_PREFIXES {
        return;
    }
    let prefixed = |prefix: &str| fixture.node(Config::new().prefix(prefix));
    let (here, mut there) = (Node::up(prefixed("a.b c")).await, Node::up(prefixed("a.b c")).await);
    let other = Node::up(prefixed("a")).await;
    there.ask(Topic::room("r")).await;
    other.say(Topic::room("r"), "no").await;
    other.retain("r", "no").await;
    there.hears_next(&here, Topic::room("r")).await;
    assert_eq!(there.history("r", None, 10).await.1, [] as [Bytes; 0]);
}

pub(crate) async fn payloads_are_any_bytes_up_to_the_bound(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new().max_payload(500_000)).await;
    there.ask(Topic::room("r")).await;
    for len in [0, 1, 255, 70_000, 500_000] {
        let payload: Vec<u8> = (0..len).map(|at: u32| (at * 7) as u8).collect();
        here.say(Topic::room("r"), payload.clone()).await;
        assert!(there.message().await.payload == payload, "{len}");
        here.retain("r", payload.clone()).await;
        assert!(there.message().await.payload == payload, "{len} retained");
    }
    let reply = here.plane.publish(Publication::new(Topic::room("r"), vec![0; 500_001]));
    assert_eq!(patient(reply).await.unwrap_err().kind(), ErrorKind::Invalid);
}

pub(crate) async fn only_rooms_have_a_history(fixture: &impl Fixture) {
    let (here, _) = two(fixture, Config::new()).await;
    for topic in [Topic::All, Topic::user("u"), Topic::Node(here.plane.node())] {
        let reply = here.plane.publish(Publication::new(topic, "").retained());
        assert_eq!(patient(reply).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let reply = here.plane.publish(Publication::new(Topic::presence("r"), ""));
    assert_eq!(patient(reply).await.unwrap_err().kind(), ErrorKind::Invalid);
}

pub(crate) async fn retained_messages_have_one_order_everywhere(fixture: &impl Fixture) {
    const COUNT: usize = 200;
    let (mut here, mut there) =
        two(fixture, Config::new().history(HistoryLimits::new().messages(2 * COUNT))).await;
    here.ask(Topic::room("r")).await;
    there.ask(Topic::room("r")).await;
    let start = here.history("r", None, 0).await.2;
    let mut replies = Vec::new();
    for number in 0..COUNT {
        for node in [&here, &there] {
            let publication = Publication::new(Topic::room("r"), number.to_string()).retained();
            replies.push(node.plane.publish(publication));
        }
    }
    let mut positions = Vec::new();
    for reply in replies {
        positions.push(patient(reply).await.unwrap().unwrap());
    }
    let (mut last, mut heard) = (start, Vec::new());
    for _ in 0..2 * COUNT {
        let (message, same) = (here.message().await, there.message().await);
        assert_eq!(message, same);
        let placement = message.placement.unwrap();
        assert!(placement.follows(last), "{placement:?} after {last:?}");
        last = placement.position;
        heard.push(message.payload);
    }
    positions.sort_by_key(|position| position.offset);
    assert_eq!(positions.last(), Some(&last));
    assert_eq!(here.history("r", Some(start), 2 * COUNT).await, (true, heard, last));
}

pub(crate) async fn history_gives_what_was_missed_or_nothing(fixture: &impl Fixture) {
    let (here, there) = two(fixture, Config::new()).await;
    let (exact, messages, start) = there.history("r", None, 10).await;
    assert!(exact && messages.is_empty(), "a room without messages");
    assert_eq!(there.history("r", Some(start), 10).await, (true, vec![], start));
    let mut positions = vec![start];
    for number in 1..=5 {
        positions.push(here.retain("r", number.to_string()).await);
        here.retain("other", "no").await;
    }
    let last = positions[5];
    for (number, since) in positions.iter().enumerate() {
        let missed: Vec<Bytes> = (number + 1..=5).map(|number| number.to_string().into()).collect();
        assert_eq!(there.history("r", Some(*since), 5).await, (true, missed, last));
    }
    assert_eq!(there.history("r", None, 2).await, (true, vec!["4".into(), "5".into()], last));
    assert_eq!(there.history("r", None, 0).await, (true, vec![], last));
    assert_eq!(there.history("r", Some(positions[2]), 2).await, (false, vec![], last), "more than the limit");
    let future = Position::new(last.epoch, last.offset + 1_000_000);
    assert_eq!(there.history("r", Some(future), 5).await, (false, vec![], last), "a position of the future");
    let foreign = Position::new(ws_hub::backplane::Epoch::from_u64(last.epoch.as_u64() ^ 1), last.offset);
    assert_eq!(there.history("r", Some(foreign), 5).await, (false, vec![], last), "another epoch");
}

pub(crate) async fn history_is_bounded_by_count(fixture: &impl Fixture) {
    let (here, _there) = two(fixture, Config::new().history(HistoryLimits::new().messages(3))).await;
    let mut positions = vec![here.history("r", None, 0).await.2];
    for number in 1..=5 {
        positions.push(here.retain("r", number.to_string()).await);
    }
    let (exact, messages, _) = here.history("r", None, 100).await;
    assert_eq!((exact, messages), (true, vec!["3".into(), "4".into(), "5".into()]));
    assert_eq!(here.history("r", Some(positions[0]), 100).await, (false, vec![], positions[5]));
    assert_eq!(here.history("r", Some(positions[1]), 100).await, (false, vec![], positions[5]));
    let (exact, messages, _) = here.history("r", Some(positions[2]), 100).await;
    assert_eq!((exact, messages.len()), (true, 3));
}

pub(crate) async fn history_is_bounded_by_bytes<F: Fixture>(fixture: &F) {
    if !F::BYTES_PER_ROOM {
        return;
    }
    let limits = HistoryLimits::new().bytes(5_000);
    let (here, _there) = two(fixture, Config::new().history(limits)).await;
    for _ in 0..10 {
        here.retain("r", vec![0; 1_000]).await;
    }
    let (_, messages, _) = here.history("r", None, 100).await;
    assert!((4..=5).contains(&messages.len()), "{}", messages.len());
    here.retain("r", vec![0; 6_000]).await;
    assert_eq!(here.history("r", None, 100).await.1.len(), 0);
    here.retain("r", vec![0; 1_000]).await;
    assert_eq!(here.history("r", None, 100).await.1.len(), 1);
}

pub(crate) async fn history_is_bounded_by_age(fixture: &impl Fixture) {
    let limits = HistoryLimits::new().age(Duration::from_secs(1));
    let (here, _there) = two(fixture, Config::new().history(limits)).await;
    let start = here.history("r", None, 0).await.2;
    let last = here.retain("r", "old").await;
    // What belongs to the server has its clock, which nobody can pause.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(here.history("r", None, 10).await, (true, vec![], last));
    assert_eq!(here.history("r", Some(start), 10).await, (false, vec![], last));
    assert_eq!(here.history("r", Some(last), 10).await, (true, vec![], last), "nothing was missed");
    let next = here.retain("r", "new").await;
    assert_eq!(here.history("r", None, 10).await, (true, vec!["new".into()], next));
}

pub(crate) async fn presence_tells_who_comes_changes_and_leaves(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new()).await;
    there.ask(Topic::presence("r")).await;
    let set = |id: &str, data: &'static str| here.plane.set_presence("r".into(), id.into(), data.into());
    patient(set("a", "1")).await.unwrap();
    let (room, change) = there.presence().await;
    assert!(
        &*room == "r"
            && matches!(&change, PresenceChange::Joined(member)
        if member.node == here.plane.node() && &*member.id == "a" && member.data == "1")
    );
    patient(set("a", "2")).await.unwrap();
    assert!(matches!(there.presence().await.1, PresenceChange::Updated(member) if member.data == "2"));
    patient(set("a", "2")).await.unwrap();
    patient(set("b", "")).await.unwrap();
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(member) if &*member.id == "b"));
    patient(there.plane.set_presence("r".into(), "a".into(), "3".into())).await.unwrap();
    assert!(
        matches!(there.presence().await.1, PresenceChange::Joined(member) if member.node == there.plane.node())
    );
    let members = here.members("r").await;
    assert_eq!(members, there.members("r").await);
    let mut expected = vec![
        (here.plane.node(), "a", &b"2"[..]),
        (here.plane.node(), "b", &b""[..]),
        (there.plane.node(), "a", &b"3"[..]),
    ];
    expected.sort();
    assert_eq!(members.iter().map(|m| (m.node, &*m.id, &m.data[..])).collect::<Vec<_>>(), expected);
    assert_eq!(patient(here.plane.presence_count("r".into())).await.unwrap(), 3);
    assert_eq!(patient(here.plane.presence_count("other".into())).await.unwrap(), 0);
    patient(here.plane.remove_presence("r".into(), "a".into())).await.unwrap();
    assert!(
        matches!(there.presence().await.1, PresenceChange::Left(member) if &*member.id == "a" && member.data == "2")
    );
    patient(here.plane.remove_presence("r".into(), "never there".into())).await.unwrap();
    assert_eq!(patient(there.plane.presence_count("r".into())).await.unwrap(), 2);
    there.hears_next(&here, Topic::Node(there.plane.node())).await;
}

pub(crate) async fn a_node_that_ends_leaves_its_rooms(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new()).await;
    there.ask(Topic::presence("r")).await;
    patient(here.plane.set_presence("r".into(), "a".into(), "1".into())).await.unwrap();
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(_)));
    drop(here);
    assert!(
        matches!(there.presence().await.1, PresenceChange::Left(member) if &*member.id == "a" && member.data == "1")
    );
    assert_eq!(there.members("r").await, []);
}

pub(crate) async fn presence_outlasts_its_time_to_live_while_the_node_lives(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, short_lived()).await;
    there.ask(Topic::presence("r")).await;
    patient(here.plane.set_presence("r".into(), "a".into(), "1".into())).await.unwrap();
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(_)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(there.members("r").await.len(), 1);
    there.hears_next(&here, Topic::Node(there.plane.node())).await;
}

pub(crate) async fn thousands_of_topics_are_asked_for_at_once(fixture: &impl Fixture) {
    const COUNT: usize = 5_000;
    let (here, mut there) = two(fixture, Config::new()).await;
    let topic = |number: usize| Topic::room(format!("room {number}"));
    patient(there.plane.subscribe((0..COUNT).map(topic).collect())).await.unwrap();
    for number in [0, COUNT / 2, COUNT - 1] {
        here.say(topic(number), "x").await;
        assert_eq!(there.message().await.topic, topic(number));
    }
    patient(there.plane.unsubscribe((1..COUNT).map(topic).collect())).await.unwrap();
    here.say(topic(COUNT - 1), "no").await;
    there.hears_next(&here, topic(0)).await;
}

pub(crate) async fn events_that_nobody_takes_are_bounded_and_counted(fixture: &impl Fixture) {
    let (here, mut there) = two(fixture, Config::new().max_events(10)).await;
    there.ask(Topic::room("r")).await;
    for number in 0..50 {
        here.say(Topic::room("r"), number.to_string()).await;
    }
    // Comes after all others, and says so when they have been dropped.
    let (mut messages, mut dropped) = (0, 0);
    while messages + dropped < 50 {
        match there.event().await {
            Event::Message(_) => messages += 1,
            Event::Lagged { dropped: count } => dropped += count,
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(messages + dropped, 50);
    there.hears_next(&here, Topic::room("r")).await;
}

pub(crate) async fn a_dropped_backplane_ends_its_events(fixture: &impl Fixture) {
    let (here, _there) = two(fixture, Config::new()).await;
    let Node { plane, mut events } = here;
    assert!(plane.take_events().is_none());
    drop(plane);
    while let Some(event) = patient(events.next()).await {
        assert_eq!(event, Event::Down);
    }
}

macro_rules! suite {
    ($fixture:expr) => {
        $crate::suite::suite! { $fixture;
            a_publication_reaches_who_asked
            who_did_not_ask_hears_nothing
            a_publication_does_not_come_back_unless_asked
            a_topic_keeps_its_order
            names_have_no_meaning
            applications_with_other_prefixes_do_not_meet
            payloads_are_any_bytes_up_to_the_bound
            only_rooms_have_a_history
            retained_messages_have_one_order_everywhere
            history_gives_what_was_missed_or_nothing
            history_is_bounded_by_count
            history_is_bounded_by_bytes
            history_is_bounded_by_age
            presence_tells_who_comes_changes_and_leaves
            a_node_that_ends_leaves_its_rooms
            presence_outlasts_its_time_to_live_while_the_node_lives
            thousands_of_topics_are_asked_for_at_once
            events_that_nobody_takes_are_bounded_and_counted
            a_dropped_backplane_ends_its_events
        }
    };
    ($fixture:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::suite::$name(&$fixture).await;
            }
        )*
    };
}

pub(crate) use suite;
