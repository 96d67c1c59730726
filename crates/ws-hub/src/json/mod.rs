//! A protocol for browsers: rooms, history, presence, requests and acknowledgements as JSON.
//!
//! [`Protocol`] is a [`Handler`] that speaks it; an application says by its [`Policy`] who may do what. The frames are
//! described in `docs/reference/hub-protocol.md`. Applications with a protocol of their own implement [`Handler`] instead.
//!
//! ```
//! use ws_hub::Hub;
//! use ws_hub::json::{Client, Denied, Policy, Protocol, Publish, RawValue};
//!
//! /// Everybody may say something in rooms whose names begin with `public-`.
//! struct Public;
//!
//! impl Policy for Public {
//!     async fn join(&self, _: &Client<Self>, room: &str) -> Result<(), Denied> {
//!         if room.starts_with("public-") { Ok(()) } else { Err(Denied::new("denied", "not a public room")) }
//!     }
//!
//!     async fn publish(&self, _: &Client<Self>, _: &str, _: &RawValue) -> Result<Publish, Denied> {
//!         Ok(Publish::kept())
//!     }
//! }
//!
//! let hub = Hub::new(Protocol::new(Public));
//! # let _ = hub;
//! ```

mod act;
mod frame;
mod policy;
mod text;

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
/// Any JSON, as it was written.
pub use serde_json::value::RawValue;
use ws_core::{CloseCode, CloseFrame, Utf8Bytes};

use self::frame::{Error, Lost, Presence, Welcome};
pub use self::{
    policy::{Denied, Identity, Policy, Publish},
    text::{message, request},
};
use crate::{
    Disconnect, Handler, Hub, Payload, PresenceEvent, RoomMessage, Session, backplane::BackplaneError,
    envelope::Envelope,
};

/// A session that speaks the protocol.
pub type Client<P> = Session<Protocol<P>>;

/// The protocol as a [`Handler`], with the policy of an application.
///
/// A frame that is not understood, or that asks for what may not be, is answered by an error frame. Ten in a row that are not
/// understood close the session with 1008, a binary message with 1003.
#[derive(Debug)]
pub struct Protocol<P>(P);

impl<P: Policy> Protocol<P> {
    /// The protocol with this policy.
    #[must_use]
    pub fn new(policy: P) -> Self {
        Self(policy)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &P {
        &self.0
    }
}

/// What the protocol keeps of a session.
#[derive(Debug, Default)]
struct Kept {
    /// Frames that were not understood, since the last that was.
    strikes: u32,
    /// The rooms whose presence it is told of.
    watched: HashSet<Arc<str>>,
}

impl<P: Policy> Handler for Protocol<P> {
    async fn connect(&self, session: &Session<Self>) -> Result<(), CloseFrame> {
        session.insert(Kept::default());
        self.0.connect(session).await?;
        let keep_alive = session.hub().config().keep_alive;
        reply(
            session,
            &Welcome {
                kind: "welcome",
                version: VERSION,
                session: session.id().to_string(),
                user: session.user().as_deref(),
                ping: keep_alive.map(|(interval, timeout)| (interval + timeout).as_secs()),
            },
        );
        Ok(())
    }

    async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
        let understood = match serde_json::from_str(&text) {
            Ok(frame) => self.act(session, &frame).await,
            Err(error) => {
                let mut message = format!("not a frame: {error}");
                // It quotes what the client has written, of any length.
                if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
                    message.truncate(end);
                }
                reply(session, &Error::new(None, "invalid", &message));
                false
            }
        };
        let strikes = session.with_mut(|kept: &mut Kept| {
            kept.strikes = if understood { 0 } else { kept.strikes + 1 };
            kept.strikes
        });
        if strikes.is_some_and(|strikes| strikes >= MAX_STRIKES) {
            session.close(CloseFrame::new(CloseCode::POLICY_VIOLATION, "too many invalid frames"));
        }
    }

    async fn binary(&self, session: &Session<Self>, _: Bytes) {
        session.close(CloseFrame::new(CloseCode::UNSUPPORTED_DATA, "text only"));
    }

    fn disconnect(&self, session: &Session<Self>, end: &Disconnect) {
        self.0.disconnect(session, end);
    }

    fn presence(&self, hub: &Hub<Self>, room: &str, event: &PresenceEvent) {
        let (event, name, data) = match event {
            PresenceEvent::Joined { name, data } => ("join", name, Some(data)),
            PresenceEvent::Left { name, .. } => ("leave", name, None),
            PresenceEvent::Updated { name, data } => ("update", name, Some(data)),
        };
        let data = data.and_then(|data| text::raw(data));
        let frame = Presence { kind: "presence", room, event, name, data };
        let watches = |session: &Session<Self>| session.with(|kept: &Kept| kept.watched.contains(room));
        hub.room(room).target().filter(|session| watches(session) == Some(true)).send(text::of(&frame));
    }

    fn gap(&self, hub: &Hub<Self>, room: &str) {
        hub.room(room).target().local().send(text::of(&Lost { kind: "lost", room }));
    }

    fn encode(&self, message: &RoomMessage<'_>) -> Payload {
        text::encode(message)
    }
}

impl<P: Policy> Hub<Protocol<P>> {
    /// Publishes a value to a room, as if a client had, but from nobody.
    ///
    /// # Errors
    /// What the backplane says.
    pub async fn publish_json(
        &self,
        room: &str,
        value: &impl Serialize,
    ) -> Result<crate::backplane::Position, BackplaneError> {
        self.room(room).publish(message(value)).await
    }
}

impl<P: Policy> Session<Protocol<P>> {
    /// Asks the client something, and waits for its acknowledgement, which is JSON; see [`Session::request`].
    ///
    /// # Errors
    /// As [`Session::request`].
    ///
    /// # Cancel safety
    /// As [`Session::request`].
    pub async fn request_json(
        &self,
        value: &impl Serialize,
        within: Duration,
    ) -> Result<Payload, crate::RequestError> {
        self.request(|number| request(number, value), within).await
    }
}

fn reply<P: Policy>(session: &Session<Protocol<P>>, frame: &impl Serialize) {
    session.send(Envelope::new(text::of(frame)));
}

/// What stands in the welcome: clients that know another should say so to their users.
const VERSION: u32 = 1;
const MAX_STRIKES: u32 = 10;
/// Characters of what is wrong with a frame.
const MAX_MESSAGE: usize = 200;
