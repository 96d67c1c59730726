//! The backplane in memory. What every backplane does is in `nodes/suite.rs`, which runs over Redis and NATS too.

#[path = "nodes/suite.rs"]
mod suite;

use std::sync::Arc;
use std::time::Duration;

use ws_hub::backplane::{
    Backplane, Config, ErrorKind, Event, Memory, MemoryBus, PresenceChange, Publication, Topic,
};

use self::suite::{Fixture, Node};

struct InMemory(MemoryBus);

impl Fixture for InMemory {
    const HAS_PREFIXES: bool = false;

    fn node(&self, config: Config) -> Arc<dyn Backplane> {
        Arc::new(self.0.join(config))
    }
}

mod every_backplane {
    use super::*;

    suite::suite!(InMemory(MemoryBus::new()));
}

async fn node_and_memory(bus: &MemoryBus, config: Config) -> (Node, Arc<Memory>) {
    let memory = Arc::new(bus.join(config));
    (Node::up(Arc::clone(&memory) as Arc<dyn Backplane>).await, memory)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_cut_off_publishes_later_and_says_that_it_may_have_missed_something() {
    let bus = MemoryBus::new();
    let (mut here, memory) = node_and_memory(&bus, Config::new()).await;
    let mut there = Node::up(Arc::new(bus.join(Config::new()))).await;
    here.ask(Topic::All).await;
    there.ask(Topic::All).await;
    memory.cut();
    assert_eq!(here.event().await, Event::Down);
    there.say(Topic::All, "missed").await;
    let reply = here.plane.publish(Publication::new(Topic::All, "later"));
    memory.heal();
    assert_eq!(here.event().await, Event::Up { missed: true });
    assert_eq!(reply.await.unwrap(), None);
    assert_eq!(there.message().await.payload, "later");
    here.hears_next(&there, Topic::All).await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_node_that_is_cut_off_is_bounded_by_count_bytes_and_time() {
    let bus = MemoryBus::new();
    let config = Config::new().max_queued(2).max_queued_bytes(10).timeout(Duration::from_secs(3));
    let (here, memory) = node_and_memory(&bus, config).await;
    memory.cut();
    let publish = |payload: &'static str| here.plane.publish(Publication::new(Topic::All, payload));
    let first = publish("12345678");
    assert_eq!(publish("345").await.unwrap_err().kind(), ErrorKind::Full);
    let second = publish("90");
    assert_eq!(publish("").await.unwrap_err().kind(), ErrorKind::Full);
    let volatile = here.plane.publish(Publication::new(Topic::All, "").volatile());
    assert_eq!(volatile.await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(first.await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(second.await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(here.plane.history("r".into(), None, 1).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn members_of_a_node_that_is_cut_off_leave_after_a_time_and_come_back() {
    let bus = MemoryBus::new();
    let (here, memory) = node_and_memory(&bus, Config::new()).await;
    let mut there = Node::up(Arc::new(bus.join(Config::new()))).await;
    there.ask(Topic::presence("r")).await;
    here.plane.set_presence("r".into(), "a".into(), "1".into()).await.unwrap();
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(_)));
    memory.cut();
    assert_eq!(there.members("r").await.len(), 1);
    // A patient listener would give up before the time to live, which is longer.
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(matches!(there.presence().await.1, PresenceChange::Left(_)));
    assert_eq!(there.members("r").await.len(), 0);
    here.plane.set_presence("r".into(), "b".into(), "2".into()).await.unwrap();
    memory.heal();
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(member) if &*member.id == "a"));
    assert!(matches!(there.presence().await.1, PresenceChange::Joined(member) if &*member.id == "b"));
}
