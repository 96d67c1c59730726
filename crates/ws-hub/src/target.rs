//! Sessions to do something with: sets, their union, what they have in common, exceptions.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use ws_core::CloseFrame;

use crate::{
    Cause, Delivery, Envelope, Hub, Overflow, Payload, RequestError, Sending, Session, SessionId,
    address::Address,
    backplane::Publication,
    cluster::{Operation, wire},
    envelope::Outgoing,
    handler::Handler,
    observe::FanOut,
    queue::Pushed,
    request::Waiting,
};

/// Sessions to do something with: [`Hub::all`], [`Hub::rooms`], [`Hub::users`] and others give it.
///
/// What is named is joined: `hub.rooms(["a", "b"])` are those in either room, each once. [`only`](Self::only) keeps those who
/// are in another room as well, [`except`](Self::except) and its kin take some out. All of this means the sessions of all
/// nodes. A [`filter`](Self::filter) is a function, which cannot be sent to others, so it makes it those of this node.
///
/// The time it takes grows with the sessions that are named, not with those of the hub.
///
/// ```
/// # use ws_hub::{Handler, Hub, Session};
/// # fn listing<A: Handler>(hub: &Hub<A>, session: &Session<A>) {
/// hub.all().except(session).send("for the others");
/// hub.rooms(["rust", "go"]).except_room("muted").send("for both rooms");
/// hub.room("staff").target().only("online").send("for those who are in both");
/// hub.user("ada").close(None);
/// # }
/// ```
#[must_use = "naming sessions does nothing to them"]
pub struct Target<'a, A: Handler> {
    hub: &'a Hub<A>,
    address: Address,
    local: bool,
    filter: Option<Box<Filter<'a, A>>>,
}

type Filter<'a, A> = dyn Fn(&Session<A>) -> bool + 'a;

impl<'a, A: Handler> Target<'a, A> {
    pub(crate) fn new(hub: &'a Hub<A>) -> Self {
        Self { hub, address: Address::default(), local: false, filter: None }
    }

    pub(crate) fn and_all(mut self) -> Self {
        self.address.all = true;
        self
    }

    /// Those in any of these rooms, too.
    pub fn and_rooms(mut self, rooms: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.address.rooms.extend(rooms.into_iter().map(Into::into));
        self
    }

    /// The sessions of these users, too.
    pub fn and_users(mut self, users: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.address.users.extend(users.into_iter().map(Into::into));
        self
    }

    /// These sessions, too.
    pub fn and_sessions(mut self, sessions: impl IntoIterator<Item = SessionId>) -> Self {
        self.address.sessions.extend(sessions);
        self
    }

    /// Only those of them who are in this room as well.
    pub fn only(mut self, room: impl Into<Arc<str>>) -> Self {
        self.address.only.push(room.into());
        self
    }

    /// Not this session.
    pub fn except(mut self, session: &Session<A>) -> Self {
        self.address.except.push(session.id());
        self
    }

    /// Not those in this room.
    pub fn except_room(mut self, room: impl Into<Arc<str>>) -> Self {
        self.address.except_rooms.push(room.into());
        self
    }

    /// Not the sessions of this user.
    pub fn except_user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.address.except_users.push(user.into());
        self
    }

    /// Only those of this node.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Only those of this node that pass. The function may use the hub and its sessions in every way.
    ///
    /// It is called for each session that is named: `hub.all().filter(…)` looks at all of them. For what can be said by rooms,
    /// they are faster.
    pub fn filter(mut self, pass: impl Fn(&Session<A>) -> bool + 'a) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(first) => Box::new(move |session| first(session) && pass(session)),
            None => Box::new(pass),
        });
        self.local()
    }

    // What can be done with them.

    /// Sends a message to each of them. It is encoded once, and all of them share its bytes.
    ///
    /// It acts at once: what is given only tells what came of it, and may be dropped. See [`Sending`].
    pub fn send(&self, envelope: impl Into<Envelope>) -> Sending<A> {
        let envelope = envelope.into();
        let mut publication = self.remote(|address| wire::seal(address, &Operation::Send(envelope.clone())));
        if envelope.volatile {
            // Outdated by the time that a lost server is back.
            publication = publication.map(Publication::volatile);
        }
        let mut sending = self.send_local(envelope);
        if let Some(publication) = publication {
            sending.remote(self.hub.plane().publish(publication));
        }
        sending
    }

    pub(crate) fn send_local(&self, envelope: Envelope) -> Sending<A> {
        let Envelope { content, overflow, key, volatile } = envelope;
        let overflow = overflow.as_ref().unwrap_or_else(|| &self.hub.config().overflow);
        let message = Outgoing::shared(content, key, volatile);
        let fan_out = FanOut::begin();
        let mut delivery = Delivery::default();
        let mut waiting = Vec::new();
        self.for_each(|session| {
            let pushed = session.push(&message, overflow);
            delivery.count(pushed);
            if pushed == Pushed::Full {
                waiting.push(session.clone());
            }
        });
        fan_out.end(&delivery);
        let mut sending = Sending::new(delivery);
        if let (false, Overflow::Wait(timeout)) = (waiting.is_empty(), overflow) {
            sending.wait(message, waiting, *timeout);
        }
        sending
    }

    /// Asks each of them on this node something, and waits for the answers: those that come in time, and why the others did
    /// not. See [`Session::request`].
    ///
    /// # Cancel safety
    /// Safe: the requests are forgotten. The clients may have got them.
    pub async fn request<E: Into<Envelope>>(
        &self,
        message: impl FnOnce(u64) -> E,
        within: Duration,
    ) -> Vec<(Session<A>, Result<Payload, RequestError>)> {
        let number = self.hub.next_number();
        let Envelope { content, overflow, key, volatile } = message(number).into();
        let overflow = overflow.unwrap_or_else(|| self.hub.config().overflow.clone());
        let message = Outgoing::shared(content, key, volatile);
        let mut asked = Vec::new();
        self.for_each(|session| asked.push(session.clone()));
        // All are asked before the first answer is waited for, and all have the same time.
        let asked: Vec<_> = asked
            .into_iter()
            .map(|session| {
                let waiting = Waiting::new(&session, number);
                let sent = waiting.and_then(|waiting| waiting.send(&message, &overflow));
                (session, sent)
            })
            .collect();
        let until = Instant::now() + within;
        let mut answers = Vec::with_capacity(asked.len());
        for (session, sent) in asked {
            let answer = match sent {
                Ok(waiting) => {
                    timeout_at(until, waiting.answer()).await.unwrap_or(Err(RequestError::TimedOut))
                }
                Err(error) => Err(error),
            };
            answers.push((session, answer));
        }
        answers
    }

    /// Has each of them join a room. Those that cannot, do not.
    pub fn join(&self, room: &str) {
        self.operate(&Operation::Join(room.into()));
    }

    /// Has each of them leave a room.
    pub fn leave(&self, room: &str) {
        self.operate(&Operation::Leave(room.into()));
    }

    /// Closes each of them; see [`Session::close`].
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) {
        self.operate(&Operation::Close(frame.into()));
    }

    /// How many of them are on this node.
    #[must_use]
    pub fn count(&self) -> usize {
        let mut count = 0;
        self.for_each(|_| count += 1);
        count
    }

    /// Those of them that are on this node.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session<A>> {
        let mut sessions = Vec::new();
        self.for_each(|session| sessions.push(session.clone()));
        sessions
    }

    /// Calls with each of them that is on this node. The function may use the hub and its sessions in every way.
    pub fn for_each(&self, mut each: impl FnMut(&Session<A>)) {
        self.address.for_each(self.hub, |session| {
            if self.filter.as_ref().is_none_or(|pass| pass(session)) {
                each(session);
            }
        });
    }

    fn operate(&self, operation: &Operation) {
        let publication = self.remote(|address| wire::seal(address, operation));
        self.operate_local(operation);
        if let Some(publication) = publication {
            self.hub.plane().publish(publication).forget();
        }
    }

    pub(crate) fn operate_local(&self, operation: &Operation) {
        match operation {
            Operation::Send(envelope) => drop(self.send_local(envelope.clone())),
            Operation::Join(room) => self.for_each(|session| {
                let _ = session.join(room);
            }),
            Operation::Leave(room) => self.for_each(|session| {
                session.leave(room);
            }),
            Operation::Close(frame) => self.for_each(|session| {
                session.end_with(frame.clone(), Cause::Closed, true);
            }),
        }
    }

    /// What other nodes are told, if they may have some of them.
    fn remote(&self, seal: impl FnOnce(&Address) -> Bytes) -> Option<Publication> {
        if self.local || self.hub.is_alone() || self.address.is_local(self.hub.node()) {
            return None;
        }
        Some(Publication::new(self.address.topic(), seal(&self.address)))
    }

    pub(crate) fn of_address(hub: &'a Hub<A>, address: Address) -> Self {
        Self { hub, address, local: true, filter: None }
    }
}

impl<A: Handler> fmt::Debug for Target<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.address)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
