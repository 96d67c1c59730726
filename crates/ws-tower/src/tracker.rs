//! [`Tracker`]: the open connections of a server.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};

use ws_core::{CloseFrame, Error};

use crate::{
    Shutdown,
    member::Member,
    rejection::Fault,
    sync::{
        Mutex, MutexGuard, Notify,
        atomic::{AtomicUsize, Ordering},
        lock,
    },
};

/// Counts the connections of a server, closes them, and waits for their end.
///
/// Given to an [`Upgrader`](crate::Upgrader) with [`Upgrader::tracker`](crate::Upgrader::tracker), it knows every connection
/// that is upgraded by it, in each of the three ways to serve. A clone is the same tracker; several `Upgrader`s may share one.
///
/// A connection counts until its transport is dropped **and** its handler has returned, if the handler runs in a task of this
/// crate's: that of [`Upgrader::service`](crate::Upgrader::service) or of the extractor's `on_upgrade`. So to wait for the
/// connections is to wait for what handlers do after the end, too.
///
/// It takes less than 700 bytes for each connection, and a lock that nobody else wants each time the connection has to wait. Beginning
/// and end of a connection take one lock for all. Without a tracker there is none of this.
///
/// ```
/// use std::time::Duration;
///
/// use ws_tower::{Tracker, Upgrader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let tracker = Tracker::new();
/// let upgrader = Upgrader::new().tracker(tracker.clone());
/// # let _ = upgrader;
/// // Serve with `upgrader`; later:
/// let summary = tracker.shutdown().stagger(Duration::from_secs(5)).await;
/// println!("{} connections closed, {} aborted", summary.closed, summary.aborted);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tracker(Arc<Shared>);

impl Tracker {
    /// One that tracks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections there are. Handshakes that were accepted and are not upgraded yet do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().upgraded
    }

    /// Whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many connections had a handler that panicked, or were dropped by a panic, so far.
    ///
    /// Their peers were sent a close frame with 1011; see [the crate page](crate#when-a-handler-panics).
    #[must_use]
    pub fn panics(&self) -> usize {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Asks all connections for a close frame, as [`Control::close`](ws_core::Control::close) does, and does not wait.
    ///
    /// New handshakes are accepted as before. Those that were accepted and are not upgraded yet are left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](ws_core::ErrorKind::Usage) when the close frame must not be sent as it is; nothing is closed then.
    pub fn close_all(&self, frame: impl Into<CloseFrame>) -> Result<(), Error> {
        let frame = frame.into();
        frame.check_sendable()?;
        for member in self.members() {
            if let Some(member) = member.upgrade() {
                member.close(frame.clone());
            }
        }
        Ok(())
    }

    /// Waits until there is no connection, and no handshake that was accepted and may become one.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait_idle(&self) {
        self.0.changed(|state| state.members.is_empty()).await;
    }

    /// Stops serving WebSockets: refuses new handshakes, closes the connections, and waits for their end. See [`Shutdown`].
    pub fn shutdown(&self) -> Shutdown {
        Shutdown::new(self.clone())
    }

    /// Resolves once a [`shutdown`](Self::shutdown) has begun: for HTTP servers that stop at the same time, and for
    /// handlers that want to know before their connection closes.
    ///
    /// ```no_run
    /// # async fn serve(listener: tokio::net::TcpListener, app: axum::Router, tracker: ws_tower::Tracker) -> std::io::Result<()> {
    /// axum::serve(listener, app).with_graceful_shutdown(tracker.shutdown_begun()).await
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Safe.
    pub fn shutdown_begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let shared = self.0.clone();
        async move { shared.changed(|state| state.stopping.is_some()).await }
    }

    /// Counts a handshake that passed all checks, unless the server stops.
    pub(crate) fn admit(&self) -> Result<Arc<Member>, Fault> {
        let mut state = self.0.lock();
        if let Some(stopping) = &state.stopping {
            return Err(Fault::ShuttingDown { retry_after: stopping.retry_after });
        }
        let key = state.next;
        state.next += 1;
        let member = Arc::new(Member::new(self.0.clone(), key));
        state.members.insert(key, Arc::downgrade(&member));
        Ok(member)
    }

    /// From here on nobody is admitted. Gives how many there are.
    pub(crate) fn stop(&self, frame: CloseFrame, retry_after: Duration) -> usize {
        let mut state = self.0.lock();
        state.stopping.get_or_insert(Stopping { frame, retry_after });
        let members = state.members.len();
        drop(state);
        self.0.changed.notify_waiters();
        members
    }

    /// Those that there are. They are let go without a lock, since the last to let go of one takes it.
    pub(crate) fn members(&self) -> Vec<Weak<Member>> {
        self.0.lock().members.values().cloned().collect()
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("len", &self.len()).field("panics", &self.panics()).finish()
    }
}

/// What a tracker shares with its connections.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// The last member left, or the end began.
    changed: Notify,
    panics: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// In the order in which they came.
    members: BTreeMap<u64, Weak<Member>>,
    next: u64,
    upgraded: usize,
    stopping: Option<Stopping>,
}

struct Stopping {
    /// For handshakes that are upgraded from here on.
    frame: CloseFrame,
    retry_after: Duration,
}

impl Shared {
    /// A member is upgraded. Gives the close frame for it if the server stops.
    pub(crate) fn upgraded(&self) -> Option<CloseFrame> {
        let mut state = self.lock();
        state.upgraded += 1;
        state.stopping.as_ref().map(|stopping| stopping.frame.clone())
    }

    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self, key: u64, upgraded: bool) {
        let mut state = self.lock();
        state.members.remove(&key);
        state.upgraded -= usize::from(upgraded);
        if state.members.is_empty() {
            drop(state);
            self.changed.notify_waiters();
        }
    }

    async fn changed(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            // A `Notified` hears of what happens after it was made.
            if is_so(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
