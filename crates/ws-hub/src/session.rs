//! One connection of a hub, as everybody sees it.

use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;
use ws_core::CloseFrame;

use crate::{
    Cause, Config, Delivery, Envelope, Hub, Overflow, Refusal, Sending, SessionId,
    admission::Slot,
    envelope::Outgoing,
    extensions::Extensions,
    groups::{Group, GroupState, lock},
    handler::Handler,
    queue::{Bounds, Close, Outbox, Pushed},
    request::Requests,
};

/// One connection of a hub: sends to it, closes it, and keeps what the application knows of it.
///
/// Cheap to clone, and usable from anywhere. It may outlive its connection: then it says so
/// ([`is_closed`](Self::is_closed)), and what is sent to it is not queued.
///
/// Values are kept by their type, one of each: [`insert`](Self::insert), [`with`](Self::with).
///
/// ```
/// # use ws_hub::{Handler, Session};
/// struct Name(String);
///
/// # fn listing<A: Handler>(session: &Session<A>) {
/// session.insert(Name("Ada".into()));
/// let greeting = session.with(|name: &Name| format!("hello {}", name.0));
/// session.send(greeting.unwrap_or_default());
/// # }
/// ```
pub struct Session<A: Handler>(Arc<Inner<A>>);

struct Inner<A: Handler> {
    hub: Hub<A>,
    number: u64,
    outbox: Outbox,
    /// Microseconds; none if they are all ones.
    round_trip: AtomicU32,
    state: Mutex<State<A>>,
}

type Rooms<A> = HashMap<Arc<str>, Arc<Group<A>>>;

/// What is known of a session. Every part takes memory when there is something in it.
struct State<A: Handler> {
    user: Option<Slot<A>>,
    users: Option<Arc<Group<A>>>,
    expires: Option<Instant>,
    rooms: Option<Box<Rooms<A>>>,
    extensions: Extensions,
    requests: Requests,
    /// It has ended: it joins nothing any more.
    gone: bool,
}

/// Why a session could not join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The session has ended.
    Closed,
    /// The name is longer than [`Config::max_name_len`](crate::Config::max_name_len), or empty.
    InvalidName,
    /// The session is in [as many rooms](crate::Config::max_rooms_per_session) as it may.
    TooManyRooms,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the session has ended",
            Self::InvalidName => "the name of the room is empty or too long",
            Self::TooManyRooms => "the session is in too many rooms",
        })
    }
}

impl std::error::Error for JoinError {}

impl<A: Handler> Session<A> {
    pub(crate) fn new(
        hub: Hub<A>,
        number: u64,
        user: Option<Slot<A>>,
        expires: Option<Instant>,
        extensions: Extensions,
    ) -> Self {
        let session = Self(Arc::new(Inner {
            hub,
            number,
            outbox: Outbox::new(),
            round_trip: AtomicU32::new(u32::MAX),
            state: Mutex::new(State {
                user,
                users: None,
                expires,
                rooms: None,
                extensions,
                requests: Requests::default(),
                gone: false,
            }),
        }));
        session.join_user(&mut session.state());
        session
    }

    /// The hub that it belongs to.
    #[must_use]
    pub fn hub(&self) -> &Hub<A> {
        &self.0.hub
    }

    /// Its identity over all nodes.
    #[must_use]
    pub fn id(&self) -> SessionId {
        SessionId { node: self.0.hub.node(), number: self.0.number }
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        lock(&self.0.state)
    }

    // Messages.

    /// Sends a message to this session.
    ///
    /// It acts at once: what is given only tells what came of it, and may be dropped. Messages of one sender to one session
    /// arrive in their order.
    pub fn send(&self, envelope: impl Into<Envelope>) -> Sending<A> {
        let Envelope { content, overflow, key, volatile } = envelope.into();
        let message = Outgoing::one(content, key, volatile);
        let overflow = overflow.as_ref().unwrap_or_else(|| &self.0.hub.config().overflow);
        let mut delivery = Delivery::default();
        let pushed = self.push(&message, overflow);
        delivery.count(pushed);
        crate::observe::sent(&delivery);
        let mut sending = Sending::new(delivery);
        if let (Pushed::Full, Overflow::Wait(timeout)) = (pushed, overflow) {
            sending.wait(message, vec![self.clone()], *timeout);
        }
        sending
    }

    pub(crate) fn push(&self, message: &Arc<Outgoing>, overflow: &Overflow) -> Pushed {
        self.0.outbox.push(message, self.bounds(), overflow)
    }

    pub(crate) fn push_or_wait(&self, message: &Arc<Outgoing>, waker: &Waker) -> Pushed {
        self.0.outbox.push_or_wait(message, self.bounds(), waker)
    }

    /// Puts a message of a history into the queue. A session that has no room for it is closed, whatever the policy of the hub
    /// is: with a hole in what it has received, it would not know what to recover.
    pub(crate) fn push_kept(&self, message: &Arc<Outgoing>) -> Pushed {
        match &self.0.hub.config().overflow {
            overflow @ Overflow::Disconnect(_) => self.push(message, overflow),
            _ => self.push(message, &Overflow::default()),
        }
    }

    pub(crate) fn count_dropped(&self) {
        self.0.outbox.count_dropped();
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let config = self.0.hub.config();
        Bounds { messages: config.max_queued_messages, bytes: config.max_queued_bytes }
    }

    /// How many messages and how many bytes of them wait for this session, or are not taken by its transport.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        self.0.outbox.queued()
    }

    /// How many messages to this session were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.outbox.dropped()
    }

    /// The round trip of the last ping of the hub that was answered.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        let micros = self.0.round_trip.load(Relaxed);
        (micros != u32::MAX).then(|| Duration::from_micros(micros.into()))
    }

    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX - 1);
        self.0.round_trip.store(micros, Relaxed);
    }

    // Its end.

    /// Closes the session: what was sent to it before goes out, within [`Config::flush_timeout`](crate::Config::flush_timeout),
    /// then this close frame. Nothing can be sent any more.
    ///
    /// It does not wait, and a full queue does not keep it from coming. Of several close frames the first is sent. A close
    /// frame that must not stand on the wire (RFC 6455, 7.4.1) becomes one without a code.
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) {
        self.end_with(frame.into(), Cause::Closed, true);
    }

    /// Closes the session as [`close`](Self::close), but drops what waits for it.
    pub fn close_now(&self, frame: impl Into<Option<CloseFrame>>) {
        self.end_with(frame.into(), Cause::Closed, false);
    }

    pub(crate) fn end_with(&self, frame: Option<CloseFrame>, cause: Cause, flush: bool) -> bool {
        let frame = frame.filter(|frame| frame.check_sendable().is_ok());
        self.0.outbox.close(Close { frame, cause, flush, abort: false })
    }

    /// Drops the connection without a closing handshake.
    pub fn abort(&self) {
        self.abort_for(Cause::Closed);
    }

    pub(crate) fn abort_for(&self, cause: Cause) {
        self.0.outbox.close(Close { frame: None, cause, flush: false, abort: true });
    }

    /// Whether the session is closing or has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.0.outbox.is_open()
    }

    // What is known of it.

    /// Keeps a value for this session, and gives the one of the same type that was there.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<T> {
        self.state().extensions.insert(value)
    }

    /// A copy of the value of this type.
    #[must_use]
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        self.state().extensions.get::<T>().cloned()
    }

    /// Looks at the value of this type. The session is locked meanwhile: its methods must not be called.
    pub fn with<T: 'static, R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.state().extensions.get::<T>().map(look)
    }

    /// Changes the value of this type. The session is locked meanwhile: its methods must not be called.
    pub fn with_mut<T: 'static, R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.state().extensions.get_mut::<T>().map(change)
    }

    /// Takes the value of this type away.
    #[expect(clippy::must_use_candidate, reason = "it is for what it does")]
    pub fn remove<T: 'static>(&self) -> Option<T> {
        self.state().extensions.remove()
    }

    /// Who it is, if that is known.
    #[must_use]
    pub fn user(&self) -> Option<Arc<str>> {
        self.state().user.as_ref().map(|slot| slot.name().clone())
    }

    /// Says who it is, from now on and until `expires`, or says it anew. After that time the session is closed with 1008;
    /// `None` for as long as it lives.
    ///
    /// It is for clients that prove who they are on the open connection, and for those whose proof has to be renewed. What was
    /// known before the handshake is said by [`Admission`](crate::Admission).
    ///
    /// # Errors
    /// [`Refusal`] when the user has as many sessions as they may. The session stays as it was.
    pub fn authenticate(
        &self,
        user: impl Into<Arc<str>>,
        expires: impl Into<Option<Duration>>,
    ) -> Result<(), Refusal> {
        let user = user.into();
        let expires = expires.into().map(|after| Instant::now() + after);
        let mut state = self.state();
        // Whoever names it at the same time waits, or it would stay with both users.
        let before = if state.gone || state.user.as_ref().is_some_and(|slot| *slot.name() == user) {
            None
        } else {
            let slot = self.0.hub.user_slot(user)?;
            self.leave_user(&mut state);
            let before = state.user.replace(slot);
            self.join_user(&mut state);
            before
        };
        state.expires = expires;
        drop(state);
        drop(before);
        self.0.outbox.rearm();
        Ok(())
    }

    pub(crate) fn expires(&self) -> Option<Instant> {
        self.state().expires
    }

    fn join_user(&self, state: &mut State<A>) {
        state.users = state.user.as_ref().map(|slot| self.0.hub.join_user(slot.name(), self));
    }

    fn leave_user(&self, state: &mut State<A>) {
        if let Some(group) = state.users.take() {
            self.0.hub.leave_user(&group, self);
        }
    }

    // Rooms.

    /// The rooms that it is in, in no order.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let state = self.state();
        state.rooms.iter().flat_map(|rooms| rooms.keys().cloned()).collect()
    }

    /// Whether it is in this room.
    #[must_use]
    pub fn is_in(&self, room: &str) -> bool {
        self.state().rooms.as_ref().is_some_and(|rooms| rooms.contains_key(room))
    }

    /// Joins a room; false if it is in it.
    pub(crate) fn join(&self, room: &str) -> Result<bool, JoinError> {
        self.join_with(room, |_| {})
    }

    /// As [`join`](Self::join). `before` runs when nothing more can fail, before the session is sent what the room is sent.
    pub(crate) fn join_with(
        &self,
        room: &str,
        before: impl FnOnce(&mut GroupState<A>),
    ) -> Result<bool, JoinError> {
        let mut state = self.state();
        if state.rooms.as_ref().is_some_and(|rooms| rooms.contains_key(room)) {
            return Ok(false);
        }
        state.check_join(room, self.0.hub.config())?;
        let rooms = state.rooms.get_or_insert_default();
        let group = self.0.hub.join_room(room, self, before);
        rooms.insert(group.name.clone(), group);
        Ok(true)
    }

    /// Whether it may join this room.
    pub(crate) fn check_join(&self, room: &str) -> Result<(), JoinError> {
        self.state().check_join(room, self.0.hub.config())
    }

    /// Leaves a room; false if it is not in it.
    pub(crate) fn leave(&self, room: &str) -> bool {
        let left = self.leave_quietly(room).is_some();
        if left {
            self.0.hub.presences().leave(&self.0.hub, room, self, true);
        }
        left
    }

    /// As [`leave`](Self::leave), but stays present. Gives the room.
    pub(crate) fn leave_quietly(&self, room: &str) -> Option<Arc<Group<A>>> {
        let mut state = self.state();
        let rooms = state.rooms.as_mut()?;
        let group = rooms.remove(room)?;
        if rooms.is_empty() {
            state.rooms = None;
        }
        // Under the lock, so that a join that follows comes later there, too.
        self.0.hub.leave_room(&group, self);
        Some(group)
    }

    /// Leaves everything, for good. Gives the rooms that it was in.
    pub(crate) fn leave_all(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        state.gone = true;
        let rooms = state.rooms.take();
        let requests = std::mem::take(&mut state.requests);
        self.leave_user(&mut state);
        // Who it was can be asked for still; it counts no more.
        state.user = state.user.take().map(Slot::release);
        drop(state);
        drop(requests);
        let mut left = Vec::new();
        for (name, group) in rooms.into_iter().flat_map(|rooms| *rooms) {
            self.0.hub.leave_room(&group, self);
            self.0.hub.presences().leave(&self.0.hub, &name, self, false);
            left.push(name);
        }
        left
    }

    // Requests.

    pub(crate) fn requests<R>(&self, run: impl FnOnce(&mut Requests) -> R) -> Option<R> {
        let mut state = self.state();
        (!state.gone).then(|| run(&mut state.requests))
    }
}

impl<A: Handler> State<A> {
    fn check_join(&self, room: &str, config: &Config) -> Result<(), JoinError> {
        if room.is_empty() || room.len() > config.max_name_len {
            return Err(JoinError::InvalidName);
        }
        if self.gone {
            return Err(JoinError::Closed);
        }
        let rooms = self.rooms.as_ref().map_or(0, |rooms| rooms.len());
        if rooms >= config.max_rooms_per_session { Err(JoinError::TooManyRooms) } else { Ok(()) }
    }
}

impl<A: Handler> Clone for Session<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Handler> PartialEq for Session<A> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<A: Handler> Eq for Session<A> {}

impl<A: Handler> Hash for Session<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl<A: Handler> fmt::Debug for Session<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("number", &self.0.number)
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
