//! A room by its name: sessions that are sent the same, on all nodes.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Envelope, Hub, JoinError, Payload, Present, Sending, Session, Target,
    backplane::{BackplaneError, ErrorKind, Position, Publication, Reply, Retained, Topic},
    envelope::{Content, Outgoing},
    handler::Handler,
    queue::Pushed,
};

/// A room: [`Hub::room`] gives it. It is a name; nothing has to be made or removed.
///
/// What is [sent](Self::send) to a room goes to those who are in it. What is [published](Self::publish) is kept in its
/// history besides, has a position there, and can be [recovered](Self::recover) by those who were away.
///
/// ```
/// # use ws_hub::{Handler, Hub, Session};
/// # fn listing<A: Handler>(hub: &Hub<A>, session: &Session<A>) -> Result<(), ws_hub::JoinError> {
/// let lobby = hub.room("lobby");
/// lobby.join(session)?;
/// lobby.except(session).send("somebody is here");
/// assert_eq!(lobby.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Room<'a, A: Handler> {
    hub: &'a Hub<A>,
    name: &'a str,
}

/// A message that a room publishes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoomMessage<'a> {
    /// The room.
    pub room: &'a str,
    /// What was published.
    pub payload: Payload,
    /// Its place in the history of the room.
    pub position: Position,
}

/// What a session was given that came back to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Whether the session is sent exactly what it has missed. If not, it is sent nothing of it: never a part.
    pub recovered: bool,
    /// How many messages it is sent for that.
    pub messages: usize,
    /// The place in the room's history from which on the session is sent what is published. `None` where the backplane did
    /// not tell.
    pub position: Option<Position>,
}

/// From where on a session wants the messages of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// So many of the newest ones, or as many as there are, and what follows.
    Newest(usize),
    /// All that came after this position.
    Position(Position),
}

impl From<Position> for Since {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

/// What is known of the messages that a room has published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoomHistory {
    /// Whether `messages` is all that came after the position asked for, or, where none was asked for, the newest ones. If
    /// not, it is empty: never a part.
    pub exact: bool,
    /// The messages and their positions, oldest first.
    pub messages: Vec<(Position, Payload)>,
    /// The place of the room's newest message.
    pub position: Position,
}

impl<'a, A: Handler> Room<'a, A> {
    pub(crate) fn new(hub: &'a Hub<A>, name: &'a str) -> Self {
        Self { hub, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Has a session be sent what this room is sent, from now on. False if it is in the room already.
    ///
    /// It takes the same time however many are in the room. A session that ends leaves its rooms by itself.
    ///
    /// # Errors
    /// [`JoinError`]
    pub fn join(&self, session: &Session<A>) -> Result<bool, JoinError> {
        session.join(self.name)
    }

    /// Takes a session out of this room; false if it is not in it.
    #[expect(clippy::must_use_candidate, reason = "it is for what it does")]
    pub fn leave(&self, session: &Session<A>) -> bool {
        session.leave(self.name)
    }

    /// How many sessions of this node are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hub.room_group(self.name).map_or(0, |group| group.lock().members.len())
    }

    /// Whether no session of this node is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sessions of this node that are in it.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session<A>> {
        self.target().sessions()
    }

    // Sending.

    /// Sends a message to all who are in the room, on all nodes. It is not kept.
    pub fn send(&self, envelope: impl Into<Envelope>) -> Sending<A> {
        self.target().send(envelope)
    }

    /// All who are in the room but this session, to send to or to do something else with.
    pub fn except(&self, session: &Session<A>) -> Target<'a, A> {
        self.target().except(session)
    }

    /// All who are in the room, to send to or to do something else with.
    pub fn target(&self) -> Target<'a, A> {
        self.hub.rooms([self.name])
    }

    /// Publishes a message: it is kept in the room's history, and sent to all who are in the room, on all nodes in the same
    /// order, the sender among them. [`Handler::encode`] says what they are sent.
    ///
    /// It acts at once. As a future, what is given waits for the backplane and tells the message's position.
    ///
    /// A message that is published is not dropped for a session alone: one that has no room for it is closed, with 1013 unless
    /// the hub's [`Overflow`](crate::Overflow) says another code, and can recover it.
    ///
    /// # Errors
    /// What the backplane says, when the future is awaited; without a backplane [`ErrorKind::Invalid`] alone, for a
    /// message over its bound.
    pub fn publish(&self, payload: impl Into<Payload>) -> Publishing {
        let publication = Publication::new(Topic::room(self.name), seal(&payload.into())).retained();
        Publishing(self.hub.plane().publish(publication))
    }

    // History.

    /// Reads the history: all after `since`, at most `limit` messages, or else nothing; or the newest `limit` messages.
    ///
    /// # Errors
    /// What the backplane says. Without one there are none.
    pub async fn history(
        &self,
        since: Option<Position>,
        limit: usize,
    ) -> Result<RoomHistory, BackplaneError> {
        let history = self.hub.plane().history(self.name.into(), since, limit).await?;
        let epoch = history.position.epoch;
        let messages = history.messages.into_iter();
        let messages = messages
            .filter_map(|Retained { offset, payload, .. }| {
                Some((Position::new(epoch, offset), open(payload)?))
            })
            .collect();
        Ok(RoomHistory { exact: history.exact, messages, position: history.position })
    }

    /// Has a session join the room, and sends it exactly what it has missed, in order and without a gap to what follows; or
    /// nothing of it, and tells so. A session that is in the room already leaves it first.
    ///
    /// What was missed goes into the queue of the session as a whole. Where it has no room there, it is not recovered.
    ///
    /// # Errors
    /// [`JoinError`]. If the backplane cannot be asked, the session joins without having recovered.
    ///
    /// # Cancel safety
    /// The session may have left the room and not joined it again.
    pub async fn recover(
        &self,
        session: &Session<A>,
        since: impl Into<Since>,
    ) -> Result<Recovery, JoinError> {
        self.recover_with(session, Some(since.into()), |_| None).await
    }

    /// As [`recover`](Self::recover); `announce` is sent before what was missed.
    pub(crate) async fn recover_with(
        &self,
        session: &Session<A>,
        since: Option<Since>,
        mut announce: impl FnMut(&Recovery) -> Option<Payload>,
    ) -> Result<Recovery, JoinError> {
        let _away = Away { room: *self, session };
        if let Some(left) = session.leave_quietly(self.name) {
            // What it is given still, as one of those who were there, comes before what it has missed, and not twice.
            drop(left.walk());
        }
        // Names are checked before anything is made for them.
        session.check_join(self.name)?;
        let pin = self.hub.pin_room(self.name);
        // Messages that were published before the server knows of this node could not be told from those that come after.
        let subscribed = self.hub.plane().subscribe(vec![Topic::Room(pin.group().name.clone())]).await;
        let reading = pin.read();
        let (position, limit) = match since {
            None => (None, 0),
            Some(Since::Newest(count)) => (None, count.min(session.bounds().messages)),
            Some(Since::Position(position)) => (Some(position), session.bounds().messages),
        };
        let history = match subscribed {
            Ok(()) => self.hub.plane().history(self.name.into(), position, limit).await.ok(),
            Err(_) => None,
        };
        let messages = history.as_ref().map(|history| self.encode_all(&history.messages, history.position));
        let mut recovery = Recovery { recovered: false, messages: 0, position: None };
        session.join_with(self.name, |state| {
            let stream = state.stream.get_or_insert_default();
            let replay = history.as_ref().zip(messages).and_then(|(history, messages)| {
                // Asked for even if nothing is to be sent: it notes where this node comes in.
                let replay = stream.replay(history.position, messages)?;
                (since.is_some() && history.exact).then_some(replay)
            });
            recovery.position = stream.last();
            recovery.recovered = replay.is_some();
            recovery.messages = replay.as_ref().map_or(0, Vec::len);
            let mut announce = |recovery: &Recovery| {
                let announced = announce(recovery);
                announced.map(|payload| Outgoing::one(Content::Payload(payload), None, false))
            };
            if let Some(replay) = replay {
                let batch: Vec<_> = announce(&recovery).into_iter().chain(replay).collect();
                if session.outbox().push_all(&batch, session.bounds()) == Pushed::Queued {
                    return;
                }
                recovery.recovered = false;
                recovery.messages = 0;
            }
            if let Some(message) = announce(&recovery) {
                session.push(&message, &self.hub.config().overflow);
            }
        })?;
        drop(reading);
        Ok(recovery)
    }

    fn encode_all(&self, messages: &[Retained], position: Position) -> Vec<(u64, Arc<Outgoing>)> {
        let encoded = messages.iter().filter_map(|message| {
            let payload = open(message.payload.clone())?;
            let position = Position::new(position.epoch, message.offset);
            Some((message.offset, self.hub.encode(self.name, payload, position)))
        });
        encoded.collect()
    }

    // Presence.

    /// Says that the user of a session, or the session if it has none, is present in the room, and what is to be known of
    /// them. False if the session is not in the room, which changes nothing. It lasts until the last session of the user that
    /// said so leaves the room or ends, and [`Config::presence_grace`](crate::Config::presence_grace) longer if it ends.
    pub fn set_presence(&self, session: &Session<A>, data: impl Into<Bytes>) -> bool {
        let is_in = session.is_in(self.name);
        if is_in {
            self.hub.presences().set(self.hub, self.name, session, data.into());
        }
        is_in
    }

    /// Who is present in the room, on all nodes, in the order of their names.
    ///
    /// # Errors
    /// What the backplane says. Without one there are none.
    pub async fn present(&self) -> Result<Vec<Present>, BackplaneError> {
        Ok(Present::of(self.hub.plane().presence(self.name.into()).await?))
    }

    /// How many are present in the room, on all nodes. Who is on two nodes counts twice.
    ///
    /// # Errors
    /// As [`present`](Self::present).
    pub async fn present_count(&self) -> Result<usize, BackplaneError> {
        self.hub.plane().presence_count(self.name.into()).await
    }

    /// Has [`Handler::presence`] be called for those who come to the room and leave it, on any node, from now on and until no
    /// session of this node is in the room, or it is [`unwatch`](Self::unwatch)ed. Gives who is present now.
    ///
    /// # Errors
    /// As [`present`](Self::present). It is watched nevertheless.
    pub async fn watch(&self) -> Result<Vec<Present>, BackplaneError> {
        self.hub.presences().watch(self.hub, self.name).await
    }

    /// Ends [`watch`](Self::watch).
    pub fn unwatch(&self) {
        self.hub.presences().unwatch(self.hub, self.name);
    }
}

impl<A: Handler> Clone for Room<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Handler> Copy for Room<'_, A> {}

impl<A: Handler> fmt::Debug for Room<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A session that has left a room to come in again. If it does not, it is not present there any more either.
struct Away<'a, A: Handler> {
    room: Room<'a, A>,
    session: &'a Session<A>,
}

impl<A: Handler> Drop for Away<'_, A> {
    fn drop(&mut self) {
        if !self.session.is_in(self.room.name) {
            self.room.hub.presences().leave(self.room.hub, self.room.name, self.session, true);
        }
    }
}

/// A message on its way to a room and its history; see [`Room::publish`].
///
/// Dropping it takes nothing back.
#[must_use = "what fails is told here alone"]
#[derive(Debug)]
pub struct Publishing(Reply<Option<Position>>);

impl Publishing {
    /// Gives up what became of it. A name for not caring.
    pub fn forget(self) {}
}

impl Future for Publishing {
    type Output = Result<Position, BackplaneError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let position = ready!(Pin::new(&mut self.0).poll(cx))?;
        Poll::Ready(position.ok_or_else(|| ErrorKind::Unconfirmed.into()))
    }
}

/// A payload as the history keeps it: its kind, and its bytes.
pub(crate) fn seal(payload: &Payload) -> Bytes {
    let mut sealed = BytesMut::with_capacity(1 + payload.len());
    sealed.put_u8(match payload {
        Payload::Text(_) => TEXT,
        Payload::Binary(_) => BINARY,
    });
    sealed.put_slice(payload.as_bytes());
    sealed.freeze()
}

/// What [`seal`] made; `None` if it did not.
pub(crate) fn open(mut sealed: Bytes) -> Option<Payload> {
    if sealed.is_empty() {
        return None;
    }
    match sealed.split_to(1)[0] {
        TEXT => sealed.try_into().ok().map(Payload::Text),
        BINARY => Some(Payload::Binary(sealed)),
        _ => None,
    }
}

const TEXT: u8 = 0;
const BINARY: u8 = 1;
