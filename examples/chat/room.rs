//! The room: who is here, and how all of them hear what happens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::json;
use tokio::{
    sync::{broadcast, watch},
    time::timeout,
};
use ws_core::Utf8Bytes;

use crate::name;

/// Everybody who is here.
///
/// Events are JSON. Whoever comes is told who is here, and everybody else who comes, goes and speaks:
///
/// ```text
/// {"event": "here", "name": "Ada", "names": ["Ada", "Grace"]}      to Ada, before anything else
/// {"event": "joined", "name": "Ada"}
/// {"event": "left", "name": "Ada"}
/// {"event": "said", "name": "Ada", "text": "hello"}
/// ```
///
/// All names in every event would be simpler. But what thousands send to thousands would then grow with the cube of them.
pub(crate) struct Room {
    /// The names, by what makes two of them the same.
    names: Mutex<BTreeMap<String, String>>,
    /// A ring: the sender never waits, and a receiver that falls behind by a whole ring is told so. So what one slow
    /// client costs is bounded, and only that client pays.
    events: broadcast::Sender<Utf8Bytes>,
    /// Says that the room stops. Every connection holds a receiver, so it says as well when the last one is gone.
    stop: watch::Sender<bool>,
}

/// A place in the room. Dropping it leaves the room, whatever the reason.
pub(crate) struct Seat {
    room: Arc<Room>,
    name: String,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            names: Mutex::default(),
            events: broadcast::Sender::new(1024),
            stop: watch::Sender::new(false),
        }
    }

    /// Takes a seat under a name that nobody here has. The first event is for this one alone.
    pub(crate) fn enter(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<(Seat, Utf8Bytes, broadcast::Receiver<Utf8Bytes>), &'static str> {
        let name = name::tidy(name)?;
        let mut names = self.names();
        if names.contains_key(&name.to_lowercase()) {
            return Err("somebody has that name already");
        }
        names.insert(name.to_lowercase(), name.clone());
        // Under the lock, so that nobody comes or goes between the names and the first event behind them.
        self.tell(&json!({ "event": "joined", "name": name }));
        let events = self.events.subscribe();
        let names: Vec<_> = names.values().collect();
        let here = json!({ "event": "here", "name": name, "names": names }).to_string();
        Ok((Seat { room: Arc::clone(self), name }, here.into(), events))
    }

    /// Becomes true when the room stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Tells every connection to end, and waits until they have, for as long as `patience`.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.stop.send_replace(true);
        let _ = timeout(patience, self.stop.closed()).await;
    }

    fn tell(&self, event: &serde_json::Value) {
        // Encoded once, however many there are to hear it: cloning `Utf8Bytes` shares the bytes. An error says that
        // nobody is here to listen.
        let _ = self.events.send(event.to_string().into());
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.names.lock().expect("nothing panics while it holds the lock")
    }
}

impl Seat {
    /// Tells everybody what this one says.
    pub(crate) fn say(&self, line: &str) {
        let line = line.trim();
        if !line.is_empty() {
            self.room.tell(&json!({ "event": "said", "name": self.name, "text": line }));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut names = self.room.names();
        names.remove(&self.name.to_lowercase());
        self.room.tell(&json!({ "event": "left", "name": self.name }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn everybody_hears_who_comes_what_is_said_and_who_goes() {
        let room = Arc::new(Room::new());
        let (_grace, first, mut heard) = room.enter("Grace").unwrap();
        assert_eq!(event(&first), json!({ "event": "here", "name": "Grace", "names": ["Grace"] }));
        let (ada, first, mut own) = room.enter("Ada").unwrap();
        assert_eq!(event(&first), json!({ "event": "here", "name": "Ada", "names": ["Ada", "Grace"] }));
        ada.say("  \"hi\" <b>  ");
        ada.say("   ");
        drop(ada);
        let said = json!({ "event": "said", "name": "Ada", "text": "\"hi\" <b>" });
        assert_eq!(event(&own.recv().await.unwrap()), said);
        for expected in
            [json!({ "event": "joined", "name": "Ada" }), said, json!({ "event": "left", "name": "Ada" })]
        {
            assert_eq!(event(&heard.recv().await.unwrap()), expected);
        }
    }

    #[test]
    fn names_are_unique_whatever_their_case_until_they_are_free_again() {
        let room = Arc::new(Room::new());
        let ada = room.enter("Ada").unwrap();
        assert!(room.enter(" ada ").is_err());
        drop(ada);
        assert!(room.enter("ada").is_ok());
    }

    #[tokio::test]
    async fn receiver_that_falls_behind_is_told_and_holds_nobody_up() {
        let room = Arc::new(Room::new());
        let (_slow, _, mut heard) = room.enter("slow").unwrap();
        let (talker, _, mut own) = room.enter("talker").unwrap();
        for number in 0..5000 {
            talker.say(&number.to_string());
            // The talker keeps up with itself, and its own entry comes first.
            while own.try_recv().is_ok() {}
        }
        assert!(heard.recv().await.is_err());
    }

    #[tokio::test]
    async fn stopping_waits_for_the_connections_that_are_open() {
        let room = Arc::new(Room::new());
        let mut stopping = room.stopping();
        let connection = tokio::spawn(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        room.stop(Duration::from_secs(60)).await;
        assert!(connection.await.unwrap());
    }
}
