//! Several hubs on one backplane.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;
use ws_core::CloseFrame;
use ws_hub::{
    Admission, Config, Envelope, Handler, Hub, Remote, Since,
    backplane::{
        Backplane, Config as PlaneConfig, ErrorKind, Events, History, HistoryLimits, Member, Memory,
        MemoryBus, NodeId, Position, Publication, Reply, Topic,
    },
};

use crate::support::{Recorder, closed, connect, connect_as, silent, text};

/// A backplane that the test can cut, and whose server takes a moment to read a history, or refuses.
#[derive(Clone, Debug)]
struct Plane(Arc<Memory>, Arc<Reads>);

#[derive(Debug, Default)]
struct Reads {
    refuse: AtomicBool,
    /// How many are on their way.
    now: AtomicUsize,
}

/// More than that on their way are refused.
const MAX_READS: usize = 64;

impl Backplane for Plane {
    fn node(&self) -> NodeId {
        self.0.node()
    }
    fn is_up(&self) -> bool {
        self.0.is_up()
    }
    fn take_events(&self) -> Option<Events> {
        self.0.take_events()
    }
    fn publish(&self, publication: Publication) -> Reply<Option<Position>> {
        self.0.publish(publication)
    }
    fn subscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        self.0.subscribe(topics)
    }
    fn unsubscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        self.0.unsubscribe(topics)
    }
    fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Reply<History> {
        let (sender, receiver) = oneshot::channel();
        let full = self.1.now.fetch_add(1, Ordering::SeqCst) >= MAX_READS;
        let this = self.clone();
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            let _ = sender.send(match (full, this.1.refuse.load(Ordering::SeqCst)) {
                (true, _) => Err(ErrorKind::Full.into()),
                (_, true) => Err(ErrorKind::Refused.into()),
                _ => this.0.history(room, since, limit).await,
            });
            this.1.now.fetch_sub(1, Ordering::SeqCst);
        });
        Reply::waiting(receiver)
    }
    fn set_presence(&self, room: Arc<str>, id: Arc<str>, data: bytes::Bytes) -> Reply<()> {
        self.0.set_presence(room, id, data)
    }
    fn remove_presence(&self, room: Arc<str>, id: Arc<str>) -> Reply<()> {
        self.0.remove_presence(room, id)
    }
    fn presence(&self, room: Arc<str>) -> Reply<Vec<Member>> {
        self.0.presence(room)
    }
    fn presence_count(&self, room: Arc<str>) -> Reply<usize> {
        self.0.presence_count(room)
    }
}

fn node(bus: &MemoryBus, config: PlaneConfig) -> (Hub<Recorder>, Plane) {
    node_of(Recorder::default(), bus, config)
}

fn node_of<A: Handler>(handler: A, bus: &MemoryBus, config: PlaneConfig) -> (Hub<A>, Plane) {
    let plane = Plane(Arc::new(bus.join(config)), Arc::default());
    let config = Config::new().keep_alive(None);
    (Hub::builder(handler).config(config).backplane(plane.clone()).build(), plane)
}

fn two() -> (Hub<Recorder>, Hub<Recorder>) {
    let bus = MemoryBus::new();
    (node(&bus, PlaneConfig::new()).0, node(&bus, PlaneConfig::new()).0)
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn targets_reach_the_sessions_of_all_nodes_once() {
    let (here, there) = two();
    let (mut a, first, _a) = connect_as(&here, Admission::new().user("ada"), 4096).await;
    let (mut b, second, _b) = connect_as(&there, Admission::new().user("ada"), 4096).await;
    let (mut c, third, _c) = connect_as(&there, Admission::new().user("bob"), 4096).await;
    here.room("r").join(&first).unwrap();
    there.room("r").join(&second).unwrap();
    there.room("s").join(&second).unwrap();
    there.room("s").join(&third).unwrap();

    let delivery = here.all().send("all").await;
    assert_eq!((delivery.queued, delivery.remote), (1, Remote::Accepted));
    here.room("r").send("room");
    here.rooms(["r", "s"]).send("rooms");
    here.user("ada").send("ada");
    there.user("ada").except(&second).send("other");
    here.all().only("r").only("s").send("both");
    here.ids([third.id()]).send("id");
    here.room("r").target().local().send("local");
    let sent = there.all().except(&third).except_room("r").send("nobody").delivery().clone();
    assert_eq!(sent.queued, 0);
    for (client, expected) in [
        (&mut a, &["all", "room", "rooms", "ada", "local", "other"][..]),
        (&mut b, &["all", "room", "rooms", "ada", "both"]),
        (&mut c, &["all", "rooms", "id"]),
    ] {
        // Different topics may overtake each other.
        let mut got = Vec::new();
        for _ in expected {
            got.push(text(client).await);
        }
        let mut expected = expected.to_vec();
        got.sort();
        expected.sort_unstable();
        assert_eq!(got, expected);
        silent(client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_told_to_do_things_on_other_nodes() {
    let (here, there) = two();
    let (mut client, session, _served) = connect_as(&there, Admission::new().user("ada"), 4096).await;
    here.user("ada").join("r");
    settle().await;
    assert!(session.is_in("r"));
    here.ids([session.id()]).leave("r");
    settle().await;
    assert!(!session.is_in("r"));
    here.all().send(Envelope::new("bytes".as_bytes()).key("k"));
    assert!(client.read_message().await.unwrap().unwrap().is_binary());
    here.user("ada").close(CloseFrame::new(4001, "elsewhere"));
    assert_eq!(closed(&mut client).await, Some(CloseFrame::new(4001, "elsewhere")));
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_room_are_in_one_order_on_all_nodes_and_recovered_on_any() {
    let (here, there) = two();
    let (mut a, first, _a) = connect(&here).await;
    let (mut b, second, _b) = connect(&there).await;
    here.room("r").join(&first).unwrap();
    there.room("r").join(&second).unwrap();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let hub = if number % 2 == 0 { &here } else { &there };
        hub.room("r").publish(number.to_string()).forget();
    }
    for _ in 0..50 {
        x.push(text(&mut a).await);
        y.push(text(&mut b).await);
    }
    assert_eq!(x, y);
    let position = here.room("r").history(None, 1).await.unwrap().position;
    there.room("r").leave(&second);
    here.room("r").publish("missed").forget();
    settle().await;
    let (mut c, third, _c) = connect(&there).await;
    let recovery = there.room("r").recover(&third, position).await.unwrap();
    assert_eq!((recovery.recovered, recovery.messages), (true, 1));
    assert_eq!(text(&mut c).await, "missed");
}

#[tokio::test(start_paused = true)]
async fn what_a_node_missed_while_it_was_cut_off_is_made_good() {
    let bus = MemoryBus::new();
    let (here, _) = node(&bus, PlaneConfig::new());
    let (there, plane) = node(&bus, PlaneConfig::new());
    let (mut client, session, _served) = connect(&there).await;
    there.room("r").join(&session).unwrap();
    there.room("plain").join(&session).unwrap();
    here.room("r").publish("before").forget();
    assert_eq!(text(&mut client).await, "before");
    plane.0.cut();
    for number in 0..10 {
        here.room("r").publish(number.to_string()).await.unwrap();
    }
    silent(&mut client).await;
    plane.0.heal();
    here.room("r").publish("after").forget();
    for number in 0..10 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
    assert_eq!(text(&mut client).await, "after");
    // What has no history is only told of.
    assert_eq!((there.handler().count("gap r"), there.handler().count("gap plain")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_good_is_told() {
    let bus = MemoryBus::new();
    let config = PlaneConfig::new().history(HistoryLimits::new().messages(3));
    let (here, _) = node(&bus, config.clone());
    let (there, plane) = node(&bus, config);
    let (mut client, session, _served) = connect(&there).await;
    there.room("r").join(&session).unwrap();
    here.room("r").publish("before").forget();
    assert_eq!(text(&mut client).await, "before");
    plane.0.cut();
    for number in 0..10 {
        here.room("r").publish(number.to_string()).await.unwrap();
    }
    plane.0.heal();
    settle().await;
    assert_eq!(there.handler().count("gap r"), 1);
    here.room("r").publish("after").forget();
    assert_eq!(text(&mut client).await, "after");
    assert_eq!(there.handler().count("gap r"), 1);
}

/// Tells its sessions of gaps.
struct Teller;

impl Handler for Teller {
    fn gap(&self, hub: &Hub<Self>, room: &str) {
        hub.room(room).target().local().send("gap");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_before_what_comes_after_it() {
    let bus = MemoryBus::new();
    let config = PlaneConfig::new().history(HistoryLimits::new().messages(3));
    let (here, _) = node(&bus, config.clone());
    let (there, plane) = node_of(Teller, &bus, config);
    let (mut client, session, _served) = connect(&there).await;
    there.room("r").join(&session).unwrap();
    here.room("r").publish("before").forget();
    assert_eq!(text(&mut client).await, "before");
    plane.0.cut();
    for number in 0..10 {
        here.room("r").publish(number.to_string()).await.unwrap();
    }
    plane.0.heal();
    // It arrives while the history is read, and is held.
    here.room("r").publish("after").forget();
    assert_eq!(text(&mut client).await, "gap");
    assert_eq!(text(&mut client).await, "after");
    silent(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_the_server_does_not_fill_is_told() {
    let bus = MemoryBus::new();
    let (here, _) = node(&bus, PlaneConfig::new());
    let (there, plane) = node(&bus, PlaneConfig::new());
    let (mut client, session, _served) = connect(&there).await;
    there.room("r").join(&session).unwrap();
    here.room("r").publish("before").forget();
    assert_eq!(text(&mut client).await, "before");
    plane.0.cut();
    here.room("r").publish("missed").await.unwrap();
    plane.1.refuse.store(true, Ordering::SeqCst);
    plane.0.heal();
    settle().await;
    // Nothing comes after it that would bring it up again.
    assert_eq!(there.handler().count("gap r"), 1);
}

#[tokio::test(start_paused = true)]
async fn gaps_of_many_rooms_are_filled_a_few_at_a_time() {
    const ROOMS: usize = 100;
    let bus = MemoryBus::new();
    let (here, _) = node(&bus, PlaneConfig::new());
    let (there, plane) = node(&bus, PlaneConfig::new());
    let (mut client, session, _served) = connect(&there).await;
    let names: Vec<String> = (0..ROOMS).map(|number| format!("room{number}")).collect();
    for name in &names {
        there.room(name).join(&session).unwrap();
        here.room(name).publish("before").forget();
        assert_eq!(text(&mut client).await, "before");
    }
    plane.0.cut();
    for name in &names {
        here.room(name).publish("missed").await.unwrap();
    }
    plane.0.heal();
    for _ in &names {
        assert_eq!(text(&mut client).await, "missed");
    }
    assert_eq!(there.handler().count("gap"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_outdated_by_then_does_not_wait_for_the_server() {
    let bus = MemoryBus::new();
    let (hub, plane) = node(&bus, PlaneConfig::new());
    plane.0.cut();
    let delivery = hub.all().send(Envelope::new("3,4").volatile()).await;
    assert_eq!(delivery.remote, Remote::Failed(ErrorKind::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn presence_that_was_missed_is_made_good() {
    let bus = MemoryBus::new();
    let (here, _) = node(&bus, PlaneConfig::new());
    let (there, plane) = node(&bus, PlaneConfig::new().max_events(4));
    let (_a, first, _) = connect(&there).await;
    there.room("r").join(&first).unwrap();
    let mut clients = Vec::new();
    for number in 0..10 {
        let admission = Admission::new().user(format!("user{number}"));
        let (client, session, _) = connect_as(&here, admission, 4096).await;
        here.room("r").join(&session).unwrap();
        clients.push((client, session));
    }
    here.room("r").set_presence(&clients[0].1, "x");
    assert_eq!(there.room("r").watch().await.unwrap().len(), 1);
    // More at a time than the node takes.
    for (_, session) in &clients {
        here.room("r").set_presence(session, "x");
    }
    settle().await;
    assert_eq!(there.handler().count("r +"), 9, "{:?}", there.handler().lines());
    for (_, session) in &clients {
        here.room("r").leave(session);
    }
    settle().await;
    assert_eq!(there.handler().count("r -"), 10, "{:?}", there.handler().lines());
    // Those who could not be asked at first are known once the server is back.
    there.room("r").unwatch();
    here.room("r").join(&clients[0].1).unwrap();
    here.room("r").set_presence(&clients[0].1, "x");
    plane.0.cut();
    assert!(there.room("r").watch().await.is_err());
    plane.0.heal();
    settle().await;
    let updates = there.handler().count("r =");
    here.room("r").set_presence(&clients[0].1, "y");
    settle().await;
    assert_eq!((there.handler().count("r +"), there.handler().count("r =")), (9, updates + 1));
}

#[tokio::test(start_paused = true)]
async fn a_sender_without_a_backplane_is_told() {
    let bus = MemoryBus::new();
    let (hub, plane) = node(&bus, PlaneConfig::new().timeout(Duration::from_secs(2)));
    plane.0.cut();
    let delivery = hub.all().send("x").await;
    assert!(matches!(delivery.remote, Remote::Failed(_)), "{delivery:?}");
    assert!(hub.room("r").publish("x").await.is_err());
    // A session can join still, and is told that it has recovered nothing.
    let (_client, session, _served) = connect(&hub).await;
    let recovery = hub.room("r").recover(&session, Since::Newest(10)).await.unwrap();
    assert_eq!((recovery.recovered, recovery.position), (false, None));
    assert!(session.is_in("r"));
}

#[tokio::test(start_paused = true)]
async fn presence_is_of_all_nodes_and_ends_with_a_node() {
    let bus = MemoryBus::new();
    let (here, _) = node(&bus, PlaneConfig::new());
    let (there, plane) = node(&bus, PlaneConfig::new());
    let (_w, watcher, _) = connect(&here).await;
    here.room("r").join(&watcher).unwrap();
    let (_a, first, _) = connect_as(&here, Admission::new().user("ada"), 1024).await;
    let (_b, second, _) = connect_as(&there, Admission::new().user("ada"), 1024).await;
    let (_c, third, _) = connect_as(&there, Admission::new().user("bob"), 1024).await;
    for (hub, session) in [(&here, &first), (&there, &second)] {
        hub.room("r").join(session).unwrap();
        hub.room("r").set_presence(session, "");
    }
    let present = here.room("r").watch().await.unwrap();
    assert_eq!((present.len(), present[0].nodes.len()), (1, 2));
    there.room("r").join(&third).unwrap();
    there.room("r").set_presence(&third, "");
    settle().await;
    here.room("r").leave(&first);
    settle().await;
    // Still there on the other node.
    let lines =
        || -> Vec<_> { here.handler().lines().into_iter().filter(|line| line.starts_with("r ")).collect() };
    assert_eq!(lines(), ["r + bob"]);
    plane.0.cut();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut left = lines();
    left[1..].sort();
    assert_eq!(left, ["r + bob", "r - ada", "r - bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_dropped_leaves_the_backplane() {
    let (here, there) = two();
    let (_a, first, served) = connect_as(&there, Admission::new().user("ada"), 1024).await;
    there.room("r").join(&first).unwrap();
    there.room("r").set_presence(&first, "");
    assert_eq!(here.room("r").present_count().await.unwrap(), 1);
    served.abort();
    drop((first, there));
    settle().await;
    assert_eq!(here.room("r").present_count().await.unwrap(), 0);
}
