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
/// Three events are sent to all of them, as JSON:
///
/// ```text
/// {"event": "joined", "name": "Ada", "here": ["Ada", "Grace"]}      the first one to hear it is Ada
/// {"event": "left", "name": "Ada", "here": ["Grace"]}
/// {"event": "said", "name": "Ada", "text": "hello"}
/// ```
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

    /// Takes a seat under a name that nobody here has.
    pub(crate) fn enter(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<(Seat, broadcast::Receiver<Utf8Bytes>), &'static str> {
        let name = name::tidy(name)?;
        let mut names = self.names();
        if names.contains_key(&name.to_lowercase()) {
            return Err("somebody has that name already");
        }
        names.insert(name.to_lowercase(), name.clone());
        // Under the lock, so that the names in the events change one by one, for everybody in the same order.
        let events = self.events.subscribe();
        self.tell_names("joined", &name, &names);
        Ok((Seat { room: Arc::clone(self), name }, events))
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

    fn tell_names(&self, event: &str, name: &str, names: &BTreeMap<String, String>) {
        let here: Vec<_> = names.values().collect();
        self.tell(&json!({ "event": event, "name": name, "here": here }));
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
        self.room.tell_names("left", &self.name, &names);
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
        let (_grace, mut heard) = room.enter("Grace").unwrap();
        let (ada, _) = room.enter("Ada").unwrap();
        ada.say("  \"hi\" <b>  ");
        ada.say("   ");
        drop(ada);
        for expected in [
            json!({ "event": "joined", "name": "Grace", "here": ["Grace"] }),
            json!({ "event": "joined", "name": "Ada", "here": ["Ada", "Grace"] }),
            json!({ "event": "said", "name": "Ada", "text": "\"hi\" <b>" }),
            json!({ "event": "left", "name": "Ada", "here": ["Grace"] }),
        ] {
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
        let (_slow, mut heard) = room.enter("slow").unwrap();
        let (talker, mut own) = room.enter("talker").unwrap();
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
