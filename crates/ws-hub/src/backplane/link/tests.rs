//! A link to a server that takes its time.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::backplane::{Event, Retained};

/// Each request takes this long.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// What it was asked for, request by request.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Mutex<Vec<String>>>);

impl Slow {
    async fn asked(&self, what: &str, mut topics: Vec<Topic>) -> Result<(), BackplaneError> {
        topics.sort_by_key(|topic| format!("{topic:?}"));
        self.0.lock().unwrap().push(format!("{what} {topics:?}"));
        tokio::time::sleep(ROUND_TRIP).await;
        Ok(())
    }
}

impl Server for Slow {
    type Session = Self;

    async fn connect(&self, _: NodeId, _: &Config) -> Result<Self, BackplaneError> {
        Ok(self.clone())
    }
}

impl Session for Slow {
    async fn subscribe(&self, topics: Vec<Topic>) -> Result<(), BackplaneError> {
        self.asked("+", topics).await
    }

    async fn unsubscribe(&self, topics: Vec<Topic>) -> Result<(), BackplaneError> {
        self.asked("-", topics).await
    }

    async fn publish(&self, batch: Vec<Publication>) -> Result<Vec<Published>, BackplaneError> {
        Ok(batch.into_iter().map(|_| Ok(None)).collect())
    }

    async fn receive(&self) -> Result<Incoming, BackplaneError> {
        pending().await
    }

    async fn history(&self, _: Arc<str>, _: Option<Position>, _: usize) -> Result<History, BackplaneError> {
        let messages: Vec<Retained> = Vec::new();
        Ok(History { exact: true, messages, position: Position::new(super::super::Epoch::from_u64(1), 0) })
    }

    async fn members(&self, _: Arc<str>) -> Result<Vec<Presence>, BackplaneError> {
        Ok(Vec::new())
    }

    async fn say(&self, _: Vec<Placed>) -> Result<(), BackplaneError> {
        Ok(())
    }

    async fn keep(&self, _: Vec<Placed>) -> Result<Vec<Arc<str>>, BackplaneError> {
        Ok(Vec::new())
    }

    async fn bury(&self, _: Arc<str>, _: Vec<Presence>) -> Result<(), BackplaneError> {
        Ok(())
    }

    async fn beat(&self, _: bool) -> Result<(), BackplaneError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_together_do_not_wait_for_each_other() {
    let server = Slow::default();
    let link = Link::new(server.clone(), Config::new()).unwrap();
    let mut events = link.take_events().unwrap();
    assert_eq!(events.next().await, Some(Event::Up { missed: false }));
    server.0.lock().unwrap().clear();
    let began = Instant::now();
    let room = |name: &str| vec![Topic::room(name)];
    let first = link.subscribe(room("first"));
    tokio::time::sleep(ROUND_TRIP / 2).await;
    let mut replies = vec![first];
    for number in 0..1000 {
        replies.push(link.subscribe(room(&format!("{}", number % 3))));
        // Whoever comes and goes is nothing to tell, but that it is not wanted.
        link.subscribe(room("flood")).forget();
        link.unsubscribe(room("flood")).forget();
    }
    for reply in replies {
        reply.await.unwrap();
    }
    assert_eq!(began.elapsed(), ROUND_TRIP * 3);
    let asked = [r#"+ [Room("first")]"#, r#"- [Room("flood")]"#, r#"+ [Room("0"), Room("1"), Room("2")]"#];
    assert_eq!(*server.0.lock().unwrap(), asked);
}
