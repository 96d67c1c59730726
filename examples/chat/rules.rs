//! Who may do what: names, rooms, lines, and how many lines.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use ws_core::CloseFrame;
use ws_hub::json::{Client, Denied, Identity, Policy, Publish, RawValue};

use crate::name;

/// Whoever says its name may be in any room and talk there, though not without end.
pub(crate) struct Rules;

impl Policy for Rules {
    async fn connect(&self, client: &Client<Self>) -> Result<(), CloseFrame> {
        client.insert(Pace::new());
        Ok(())
    }

    /// The token is the client's key, a space, and the name that it wants.
    async fn authenticate(&self, client: &Client<Self>, token: &str) -> Result<Identity, Denied> {
        let (key, name) =
            token.split_once(' ').ok_or_else(|| Denied::new("denied", "not a key and a name"))?;
        let user = name::signed(name, key).map_err(|why| Denied::new("name", why))?;
        match client.user() {
            // Those who are told of its presence know it by its name.
            Some(known) if *known != *user => Err(Denied::new("denied", "come again for another name")),
            _ => Ok(Identity::new(user)),
        }
    }

    async fn join(&self, client: &Client<Self>, room: &str) -> Result<(), Denied> {
        if client.user().is_none() {
            return Err(Denied::new("denied", "say who you are first"));
        }
        name::room(room).map_err(|why| Denied::new("room", why))
    }

    /// Those who watch a room are told of its members, so that a member who may say anything of itself is work for everybody. Here
    /// the name says it all.
    async fn presence(&self, _: &Client<Self>, _: &str, data: &RawValue) -> Result<Box<RawValue>, Denied> {
        match data.get() {
            "{}" => Ok(data.to_owned()),
            _ => Err(Denied::new("presence", "there is nothing to say but the name")),
        }
    }

    async fn publish(&self, client: &Client<Self>, _: &str, data: &RawValue) -> Result<Publish, Denied> {
        let Line { id, text } =
            serde_json::from_str(data.get()).map_err(|_| Denied::new("line", "that is no line"))?;
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MAX_TEXT || id.len() > MAX_ID {
            return Err(Denied::new("line", "a line has 1 to 2,000 characters"));
        }
        if client.with_mut(Pace::allows) != Some(true) {
            return Err(Denied::new("slow_down", "too many lines in too short a time"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Nothing of what the client has sent but what is known here.
        Ok(Publish::kept().data(&Kept { id: &id, text, at: now.as_millis() as u64 }))
    }
}

/// What a client publishes.
#[derive(Deserialize)]
struct Line<'a> {
    /// A name for the line, of its author's choice: one that is sent again, since nobody knows whether it has arrived, has the
    /// same.
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// What everybody is sent.
#[derive(Serialize)]
struct Kept<'a> {
    id: &'a str,
    text: &'a str,
    /// When it was said, in milliseconds of Unix time.
    at: u64,
}

/// How many lines a client may send: a few at once, and one each so often.
struct Pace {
    /// When all that were sent will have been earned.
    earned: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { earned: Instant::now() }
    }

    fn allows(&mut self) -> bool {
        let now = Instant::now();
        let earned = self.earned.max(now) + EACH;
        let allowed = earned - now <= EACH * BURST;
        if allowed {
            self.earned = earned;
        }
        allowed
    }
}

const MAX_TEXT: usize = 2000;
const MAX_ID: usize = 64;
const EACH: Duration = Duration::from_millis(500);
const BURST: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_are_earned_with_time() {
        let mut pace = Pace::new();
        assert_eq!((0..100).filter(|_| pace.allows()).count(), 20);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((0..100).filter(|_| pace.allows()).count(), 2);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..100).filter(|_| pace.allows()).count(), 20);
    }
}
