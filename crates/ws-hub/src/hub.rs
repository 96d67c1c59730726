//! The hub: its sessions, and the ways to reach them.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};
use ws_core::{CloseFrame, Conn};

use crate::{
    Admission, Cause, Config, Disconnect, Payload, Refusal, Room, RoomMessage, Seat, Session, SessionId,
    Target,
    admission::{Counts, Slot},
    backplane::{self, Backplane, MemoryBus, NodeId, Position, Topic},
    cluster,
    envelope::Outgoing,
    groups::{Group, GroupState, Groups, lock},
    handler::Handler,
    limit::Meter,
    members::{Members, Snapshot},
    pin::Pin,
    presence::Presences,
    serve,
};

/// Sessions of one application, and the ways to reach them. Cheap to clone: all clones are the same hub.
///
/// `A` is the application: its [`Handler`], and the state that all of its sessions share.
///
/// [`serve`](Self::serve) has a session over a connection and ends with it, so the hub starts no task for a session.
/// [`all`](Self::all), [`room`](Self::room), [`user`](Self::user) and the like name sessions to send to. With a
/// [backplane](Builder::backplane) they mean the sessions of all nodes.
///
/// Dropping the last clone drops the hub; each running session holds one.
///
/// ```
/// use tokio::io::{AsyncRead, AsyncWrite};
/// use ws_core::{Conn, Utf8Bytes};
/// use ws_hub::{Handler, Hub, Session};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     async fn text(&self, session: &Session<Self>, text: Utf8Bytes) {
///         session.send(text);
///     }
/// }
///
/// async fn accepted(hub: Hub<Echo>, conn: Conn<impl AsyncRead + AsyncWrite + Unpin>) {
///     let end = hub.serve(conn).await;
///     println!("closed with {}", end.code);
/// }
/// ```
pub struct Hub<A: Handler>(Arc<Shared<A>>);

pub(crate) struct Shared<A: Handler> {
    handler: A,
    config: Config,
    plane: Arc<dyn Backplane>,
    node: NodeId,
    /// There is no backplane but one that nobody else knows.
    alone: bool,
    listens: AtomicBool,
    closed: AtomicBool,
    next: AtomicU64,
    sessions: Box<[Mutex<Members<A>>]>,
    rooms: Groups<A>,
    users: Groups<A>,
    user_counts: Counts,
    key_counts: Counts,
    presences: Presences,
    /// How many sessions there are, and those that were promised a place.
    pub(crate) places: AtomicUsize,
    /// How many have come.
    arrivals: Mutex<Meter>,
    pub(crate) emptied: Notify,
}

/// Makes a [`Hub`]; [`Hub::builder`] gives it.
#[must_use = "a builder does nothing until it builds"]
#[derive(Debug)]
pub struct Builder<A> {
    handler: A,
    config: Config,
    plane: Option<Arc<dyn Backplane>>,
}

impl<A: Handler> Builder<A> {
    /// Queues, limits and times; the defaults unless set.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// What joins this hub with those of other nodes; nothing unless set. Nobody else may take its events.
    pub fn backplane(mut self, backplane: impl Backplane) -> Self {
        self.plane = Some(Arc::new(backplane));
        self
    }

    /// Makes the hub. With a backplane, and within a runtime of tokio, it begins to listen to other nodes; outside of one it
    /// does so with its first session.
    pub fn build(self) -> Hub<A> {
        let alone = self.plane.is_none();
        // Histories and presence are kept in one way, with other nodes or without.
        let plane = self.plane.unwrap_or_else(|| {
            let config = backplane::Config::new().history(self.config.history);
            Arc::new(MemoryBus::new().join(config))
        });
        let hub = Hub(Arc::new(Shared {
            handler: self.handler,
            config: self.config,
            node: plane.node(),
            plane,
            alone,
            listens: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            next: AtomicU64::new(1),
            sessions: (0..SHARDS).map(|_| Mutex::default()).collect(),
            rooms: Groups::new(),
            users: Groups::new(),
            user_counts: Counts::default(),
            key_counts: Counts::default(),
            presences: Presences::new(),
            places: AtomicUsize::new(0),
            arrivals: Mutex::default(),
            emptied: Notify::new(),
        }));
        if !alone {
            hub.listen();
        }
        hub
    }
}

impl<A: Handler> Hub<A> {
    /// A hub with the defaults, of this node alone.
    #[must_use]
    pub fn new(handler: A) -> Self {
        Self::builder(handler).build()
    }

    /// A hub with a configuration, of this node alone.
    #[must_use]
    pub fn with_config(handler: A, config: Config) -> Self {
        Self::builder(handler).config(config).build()
    }

    /// Makes a hub step by step.
    pub fn builder(handler: A) -> Builder<A> {
        Builder { handler, config: Config::default(), plane: None }
    }

    /// The application.
    #[must_use]
    pub fn handler(&self) -> &A {
        &self.0.handler
    }

    /// How it behaves.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// This node among those of the backplane.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node
    }

    // Sessions.

    /// Has a session over this connection, and ends with it. The caller's task is the session's task.
    ///
    /// It reads, calls the [`Handler`], and writes what is sent to the session. A client that may not have a session is
    /// closed with [`Refusal::close_frame`]; better refuse it before the handshake, with [`reserve`](Self::reserve).
    ///
    /// # Panics
    /// A panic of the handler goes on here, after the session has ended in order.
    ///
    /// # Cancel safety
    /// Dropping the future ends the session without a closing handshake, and calls
    /// [`Handler::disconnect`] with [`Cause::Dropped`].
    pub fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conn: Conn<S>,
    ) -> impl Future<Output = Disconnect> {
        self.serve_admitted(Admission::new(), conn)
    }

    /// As [`serve`](Self::serve), with what is known of the client.
    ///
    /// # Panics
    /// As [`serve`](Self::serve).
    pub fn serve_admitted<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        admission: Admission,
        conn: Conn<S>,
    ) -> impl Future<Output = Disconnect> {
        serve::admit(self.reserve(admission), conn)
    }

    /// Keeps a place for a client, so that it can be refused by an HTTP response while there is still time. See
    /// [`Seat::serve`].
    ///
    /// # Errors
    /// [`Refusal`] when the hub is closed or a limit is reached.
    pub fn reserve(&self, admission: Admission) -> Result<Seat<A>, Refusal> {
        let seat = Seat::reserve(self, admission);
        if let Err(refusal) = &seat {
            crate::observe::refused(*refusal);
        }
        seat
    }

    /// How many sessions this node has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sessions.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether this node has no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The session with this identity, if it is on this node.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Session<A>> {
        (id.node == self.node()).then(|| lock(self.shard(id.number)).get(id.number).cloned()).flatten()
    }

    /// The sessions of this node, as they are now, in no order.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session<A>> {
        self.all().sessions()
    }

    /// The names of the rooms that sessions of this node are in, in no order.
    #[must_use]
    pub fn room_names(&self) -> Vec<Arc<str>> {
        self.0.rooms.names()
    }

    // Targets.

    /// All sessions.
    pub fn all(&self) -> Target<'_, A> {
        Target::new(self).and_all()
    }

    /// The room of this name.
    #[must_use]
    pub fn room<'a>(&'a self, name: &'a str) -> Room<'a, A> {
        Room::new(self, name)
    }

    /// The sessions that are in any of these rooms.
    pub fn rooms(&self, names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Target<'_, A> {
        Target::new(self).and_rooms(names)
    }

    /// All sessions of one user.
    pub fn user(&self, name: impl Into<Arc<str>>) -> Target<'_, A> {
        self.users([name])
    }

    /// All sessions of these users.
    pub fn users(&self, names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Target<'_, A> {
        Target::new(self).and_users(names)
    }

    /// These sessions, by their identities; on whichever nodes they are.
    pub fn ids(&self, ids: impl IntoIterator<Item = SessionId>) -> Target<'_, A> {
        Target::new(self).and_sessions(ids)
    }

    // Its end.

    /// Closes all sessions of this node with this close frame, and takes no more. What was sent before goes out. It does not
    /// wait; [`closed`](Self::closed) does, and [`drain`](Self::drain) spreads it over time.
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) {
        let frame = frame.into();
        self.stop();
        for session in self.sessions() {
            session.end_with(frame.clone(), Cause::Drained, true);
        }
    }

    /// Whether it was closed or is drained.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Waits until there is no session, and no [`Seat`] for one.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn closed(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            if self.0.places.load(Ordering::SeqCst) == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Takes no more sessions.
    pub(crate) fn stop(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
    }

    // For the modules of the crate.

    pub(crate) fn shared(&self) -> &Shared<A> {
        &self.0
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared<A>> {
        Arc::downgrade(&self.0)
    }

    pub(crate) fn upgrade(hub: &Weak<Shared<A>>) -> Option<Self> {
        hub.upgrade().map(Self)
    }

    pub(crate) fn plane(&self) -> &dyn Backplane {
        &*self.0.plane
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.0.alone
    }

    pub(crate) fn presences(&self) -> &Presences {
        &self.0.presences
    }

    /// A number that is not used again.
    pub(crate) fn next_number(&self) -> u64 {
        self.0.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Begins to listen to the backplane, if that was not begun and can be now.
    pub(crate) fn listen(&self) {
        if self.0.listens.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.0.listens.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(events) = self.plane().take_events() {
            if !self.0.alone {
                self.plane().subscribe(vec![Topic::All]).forget();
            }
            runtime.spawn(cluster::listen(self.downgrade(), events));
        }
    }

    /// Calls the application from a task that many depend on: a panic ends nothing but the call.
    pub(crate) fn guarded<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(call)).ok()
    }

    pub(crate) fn encode(&self, room: &str, payload: Payload, position: Position) -> Arc<Outgoing> {
        let payload = self.0.handler.encode(&RoomMessage { room, payload, position });
        Outgoing::kept(payload)
    }

    pub(crate) fn register(&self, session: &Session<A>) {
        lock(self.shard(session.number())).insert(session);
    }

    pub(crate) fn unregister(&self, session: &Session<A>) {
        let removed = lock(self.shard(session.number())).remove(session.number());
        drop(removed);
    }

    fn shard(&self, number: u64) -> &Mutex<Members<A>> {
        &self.0.sessions[number as usize % SHARDS]
    }

    pub(crate) fn snapshots(&self) -> Vec<Snapshot<A>> {
        self.0.sessions.iter().map(|shard| lock(shard).snapshot()).collect()
    }

    pub(crate) fn room_group(&self, name: &str) -> Option<Arc<Group<A>>> {
        self.0.rooms.get(name)
    }

    pub(crate) fn user_group(&self, name: &str) -> Option<Arc<Group<A>>> {
        self.0.users.get(name)
    }

    pub(crate) fn join_room(
        &self,
        name: &str,
        session: &Session<A>,
        before: impl FnOnce(&mut GroupState<A>),
    ) -> Arc<Group<A>> {
        self.0.rooms.insert(name, session, |name| self.room_created(name), before)
    }

    pub(crate) fn leave_room(&self, group: &Arc<Group<A>>, session: &Session<A>) {
        self.0.rooms.remove(group, session.number(), |name| self.room_vanished(name));
    }

    pub(crate) fn pin_room(&self, name: &str) -> Pin<'_, A> {
        Pin::new(self, self.0.rooms.pin(name, |name| self.room_created(name)))
    }

    pub(crate) fn unpin_room(&self, group: &Arc<Group<A>>) {
        self.0.rooms.unpin(group, |name| self.room_vanished(name));
    }

    fn room_created(&self, name: &Arc<str>) {
        crate::observe::rooms(1.0);
        self.plane().subscribe(vec![Topic::Room(name.clone())]).forget();
    }

    fn room_vanished(&self, name: &Arc<str>) {
        crate::observe::rooms(-1.0);
        self.plane().unsubscribe(vec![Topic::Room(name.clone())]).forget();
        self.0.presences.unwatch(self, name);
    }

    pub(crate) fn join_user(&self, name: &str, session: &Session<A>) -> Arc<Group<A>> {
        let created = |name: &Arc<str>| {
            if !self.0.alone {
                self.plane().subscribe(vec![Topic::User(name.clone())]).forget();
            }
        };
        self.0.users.insert(name, session, created, |_| {})
    }

    pub(crate) fn leave_user(&self, group: &Arc<Group<A>>, session: &Session<A>) {
        let vanished = |name: &Arc<str>| {
            if !self.0.alone {
                self.plane().unsubscribe(vec![Topic::User(name.clone())]).forget();
            }
        };
        self.0.users.remove(group, session.number(), vanished);
    }

    /// Whether another session may begin now; counts it if so.
    pub(crate) fn admits_another(&self) -> bool {
        self.config().sessions_per_second.is_none_or(|rate| lock(&self.0.arrivals).take(1, rate))
    }

    pub(crate) fn user_slot(&self, user: Arc<str>) -> Result<Slot<A>, Refusal> {
        Slot::take(self, |hub| &hub.0.user_counts, user, self.config().max_sessions_per_user)
            .ok_or(Refusal::TooManyOfUser)
    }

    pub(crate) fn key_slot(&self, key: Arc<str>) -> Result<Slot<A>, Refusal> {
        Slot::take(self, |hub| &hub.0.key_counts, key, self.config().max_sessions_per_key)
            .ok_or(Refusal::TooManyWithKey)
    }
}

impl<A: Handler> Clone for Hub<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Handler> fmt::Debug for Hub<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("sessions", &self.len())
            .field("rooms", &self.0.rooms.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// So that sessions come and go without much waiting for each other.
const SHARDS: usize = 16;
