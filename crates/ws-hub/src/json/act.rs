//! What the frames of clients do.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Denied, Kept, Policy, Protocol,
    frame::{Done, Error, From, History, Incoming, Joined, Member, Message, Present, Stored},
    reply, text,
};
use crate::{
    JoinError, Payload, Recovery, Room, Session, Since,
    backplane::{BackplaneError, ErrorKind, Position},
};

impl<P: Policy> Protocol<P> {
    /// Does what a frame asks for; false if it was not understood.
    pub(super) async fn act(&self, session: &Session<Self>, frame: &Incoming<'_>) -> bool {
        let result = match &*frame.kind {
            "join" => self.join(session, frame).await,
            "leave" => leave(session, frame),
            "publish" => self.publish(session, frame).await,
            "history" => history(session, frame).await,
            "presence" => self.presence(session, frame).await,
            "auth" => self.authenticate(session, frame).await,
            "call" => self.call(session, frame).await,
            "ack" => acknowledge(session, frame),
            "ping" => {
                reply(session, &Done { kind: "pong", ..Done::new(frame.id) });
                Ok(())
            }
            _ => Err(invalid("unknown type")),
        };
        let Err(Denied { code, message }) = result else { return true };
        reply(session, &Error::new(frame.id, &code, &message));
        // To ask for what may not be is no mistake of the protocol.
        code != "invalid"
    }

    async fn join(&self, session: &Session<Self>, frame: &Incoming<'_>) -> Result<(), Denied> {
        let name = room(frame)?;
        let since = match (&frame.since, frame.newest) {
            (Some(since), _) => Some(Since::Position(position(since)?)),
            (None, Some(count)) => Some(Since::Newest(count)),
            (None, None) => None,
        };
        session.check_join(name).or_else(|error| match error {
            // It is left before it is joined again.
            JoinError::TooManyRooms if session.is_in(name) => Ok(()),
            error => Err(Denied::from(error)),
        })?;
        self.policy().join(session, name).await?;
        let presence = match frame.presence {
            Some(data) => Some(self.told(session, name, data).await?),
            None => None,
        };
        let hub = session.hub();
        let room = hub.room(name);
        let announce = |recovery: &Recovery| {
            Some(text::of(&Joined {
                kind: "joined",
                id: frame.id,
                room: name,
                recovered: recovery.recovered,
                messages: recovery.messages,
                position: recovery.position.map(|position| position.to_string()),
            }))
        };
        room.recover_with(session, since, announce).await?;
        if let Some(data) = presence {
            room.set_presence(session, data);
        }
        watch(session, name, frame.watch);
        if !frame.watch {
            return Ok(());
        }
        let told = tell_present(session, None, room, true).await;
        if !session.is_in(name) && room.is_empty() {
            // It was sent away meanwhile, and nobody is there to end it.
            room.unwatch();
        }
        told
    }

    async fn publish(&self, session: &Session<Self>, frame: &Incoming<'_>) -> Result<(), Denied> {
        let name = inside(session, frame)?;
        let data = frame.data.unwrap_or(RawValue::NULL);
        let publish = self.policy().publish(session, name, data).await?;
        let user = session.user();
        let from = text::value(&From { session: session.id().to_string(), user: user.as_deref() });
        let stored = Stored { from: Some(&from), data: publish.data.as_deref().unwrap_or(data) };
        let room = session.hub().room(name);
        if publish.kept {
            let position = room.publish(text::of(&stored)).await?;
            if frame.id.is_some() {
                reply(session, &Done::at(frame.id, position));
            }
            return Ok(());
        }
        let Stored { from, data } = stored;
        room.send(text::of(&Message { kind: "message", room: name, position: None, from, data }));
        done(session, frame)
    }

    /// With data it says what is to be known of the client; without it asks who is there.
    async fn presence(&self, session: &Session<Self>, frame: &Incoming<'_>) -> Result<(), Denied> {
        let name = inside(session, frame)?;
        let room = session.hub().room(name);
        let Some(data) = frame.data else { return tell_present(session, frame.id, room, false).await };
        let data = self.told(session, name, data).await?;
        room.set_presence(session, data);
        done(session, frame)
    }

    /// What is to be known of somebody who is present. It stays as long as they do, in every room and for every member to read.
    async fn told(&self, session: &Session<Self>, room: &str, data: &RawValue) -> Result<Bytes, Denied> {
        let is_small = |data: &RawValue| data.get().len() <= MAX_PRESENCE;
        let too_big = || Denied::new("too_big", "presence is over 4,096 bytes");
        if !is_small(data) {
            return Err(too_big());
        }
        let data = self.policy().presence(session, room, data).await?;
        if is_small(&data) { Ok(Bytes::from(String::from(Box::<str>::from(data)))) } else { Err(too_big()) }
    }

    async fn authenticate(&self, session: &Session<Self>, frame: &Incoming<'_>) -> Result<(), Denied> {
        let token = frame.token.as_deref().ok_or_else(|| invalid("no token"))?;
        let identity = self.policy().authenticate(session, token).await?;
        let expires = identity.expires.map(|after| after.as_secs());
        session
            .authenticate(identity.user.clone(), identity.expires)
            .map_err(|refusal| Denied::new("denied", refusal.to_string()))?;
        reply(session, &Done { user: Some(&identity.user), expires, ..Done::new(frame.id) });
        Ok(())
    }

    async fn call(&self, session: &Session<Self>, frame: &Incoming<'_>) -> Result<(), Denied> {
        let answer = self.policy().call(session, frame.data.unwrap_or(RawValue::NULL)).await?;
        reply(session, &Done { data: Some(&answer), ..Done::new(frame.id) });
        Ok(())
    }
}

fn leave<P: Policy>(session: &Session<Protocol<P>>, frame: &Incoming<'_>) -> Result<(), Denied> {
    let name = inside(session, frame)?;
    session.with_mut(|kept: &mut Kept| kept.watched.remove(name));
    session.hub().room(name).leave(session);
    done(session, frame)
}

async fn history<P: Policy>(session: &Session<Protocol<P>>, frame: &Incoming<'_>) -> Result<(), Denied> {
    let name = inside(session, frame)?;
    let since = frame.since.as_deref().map(position).transpose()?;
    let limit = frame.limit.unwrap_or(MAX_HISTORY).min(MAX_HISTORY);
    let history = session.hub().room(name).history(since, limit).await?;
    let messages = history.messages.iter().map(|(position, payload)| {
        text::with_stored(payload, |Stored { from, data }| {
            let position = Some(position.to_string());
            text::value(&Message { kind: "", room: "", position, from, data })
        })
    });
    reply(
        session,
        &History {
            kind: "history",
            id: frame.id,
            room: name,
            exact: history.exact,
            position: history.position.to_string(),
            messages: messages.collect(),
        },
    );
    Ok(())
}

async fn tell_present<P: Policy>(
    session: &Session<Protocol<P>>,
    id: Option<u64>,
    room: Room<'_, Protocol<P>>,
    watch: bool,
) -> Result<(), Denied> {
    let present = if watch { room.watch().await? } else { room.present().await? };
    let members = present.iter().map(|one| Member { name: &one.name, data: text::raw(&one.data) });
    reply(session, &Present { kind: "present", id, room: room.name(), members: members.collect() });
    Ok(())
}

fn acknowledge<P: Policy>(session: &Session<Protocol<P>>, frame: &Incoming<'_>) -> Result<(), Denied> {
    let number = frame.id.ok_or_else(|| invalid("no id"))?;
    let answer = frame.data.unwrap_or(RawValue::NULL).get();
    session
        .acknowledge(number, Payload::from(answer))
        .map_err(|_| Denied::new("unknown_request", "nobody waits for this acknowledgement"))
}

fn done<P: Policy>(session: &Session<Protocol<P>>, frame: &Incoming<'_>) -> Result<(), Denied> {
    if frame.id.is_some() {
        reply(session, &Done::new(frame.id));
    }
    Ok(())
}

fn room<'a>(frame: &'a Incoming<'_>) -> Result<&'a str, Denied> {
    frame.room.as_deref().ok_or_else(|| invalid("no room"))
}

/// The room of the frame, if the client is in it.
fn inside<'a, P: Policy>(session: &Session<Protocol<P>>, frame: &'a Incoming<'_>) -> Result<&'a str, Denied> {
    let name = room(frame)?;
    if session.is_in(name) { Ok(name) } else { Err(Denied::new("not_in_room", "join the room first")) }
}

/// Whether it is told of who comes to the room and leaves it.
fn watch<P: Policy>(session: &Session<Protocol<P>>, room: &str, wanted: bool) {
    let rooms = session.rooms();
    session.with_mut(|kept: &mut Kept| {
        if wanted {
            kept.watched.insert(room.into());
        } else {
            kept.watched.remove(room);
        }
        // The application may have taken it out of some, which it is not told here.
        if kept.watched.len() > rooms.len() {
            kept.watched.retain(|watched| rooms.contains(watched));
        }
    });
}

fn position(text: &str) -> Result<Position, Denied> {
    text.parse().map_err(|_| invalid("not a position"))
}

fn invalid(message: &'static str) -> Denied {
    Denied::new("invalid", message)
}

impl std::convert::From<JoinError> for Denied {
    fn from(error: JoinError) -> Self {
        let code = match error {
            JoinError::Closed => "closed",
            JoinError::InvalidName => "invalid_room",
            JoinError::TooManyRooms => "too_many_rooms",
        };
        Self::new(code, error.to_string())
    }
}

impl std::convert::From<BackplaneError> for Denied {
    fn from(error: BackplaneError) -> Self {
        let code = match error.kind() {
            ErrorKind::Invalid => "too_big",
            ErrorKind::Unconfirmed => "unconfirmed",
            _ => "unavailable",
        };
        Self::new(code, error.to_string())
    }
}

/// Bytes that are to be known of somebody in a room.
const MAX_PRESENCE: usize = 4096;
/// Messages of one answer.
const MAX_HISTORY: usize = 256;
