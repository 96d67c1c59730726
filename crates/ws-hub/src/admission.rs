//! Who may have a session: what is known before the handshake, and a place that is kept until it is done.

use std::{
    collections::HashMap,
    error, fmt,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use ws_core::{CloseCode, CloseFrame, Conn};

use crate::{Disconnect, Hub, extensions::Extensions, groups::lock, handler::Handler, serve};

/// What is known of a client before its session begins: who it is, what it is counted by, what is to be kept with it.
///
/// ```
/// use std::time::Duration;
/// use ws_hub::Admission;
///
/// struct Locale(&'static str);
///
/// let admission = Admission::new()
///     .user("ada")
///     .key("203.0.113.7")
///     .expires_in(Duration::from_secs(3600))
///     .with(Locale("en"));
/// # let _ = admission;
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Admission {
    user: Option<Arc<str>>,
    key: Option<Arc<str>>,
    expires: Option<Duration>,
    extensions: Extensions,
}

impl Admission {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who it is. All sessions of one user can be [reached by it](Hub::user).
    pub fn user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// What it is counted by for [`Config::max_sessions_per_key`](crate::Config::max_sessions_per_key): its IP address, most
    /// likely, as a trusted proxy tells it.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Closes the session with 1008 after this time, unless it is [renewed](crate::Session::authenticate) before.
    pub fn expires_in(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }

    /// Keeps a value with the session, one of each type; see [`Session::with`](crate::Session::with).
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }
}

/// Why a client has no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The hub was closed or is drained.
    Closed,
    /// There are as many sessions as there [may be](crate::Config::max_sessions).
    TooManySessions,
    /// More come than [may](crate::Config::sessions_per_second) at a time.
    TooManyAtOnce,
    /// There are as many with this key as there [may be](crate::Config::max_sessions_per_key).
    TooManyWithKey,
    /// The user has as many sessions as they [may](crate::Config::max_sessions_per_user).
    TooManyOfUser,
}

impl Refusal {
    /// What a connection is closed with that is refused: 1012 while the hub closes, 1013 where there are too many in all or come
    /// too many at once, 1008 for limits on one client.
    #[must_use]
    pub fn close_frame(&self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Closed => (CloseCode::SERVICE_RESTART, "the server restarts"),
            Self::TooManySessions => (CloseCode::TRY_AGAIN_LATER, "too many sessions"),
            Self::TooManyAtOnce => (CloseCode::TRY_AGAIN_LATER, "too many at once"),
            Self::TooManyWithKey | Self::TooManyOfUser => {
                (CloseCode::POLICY_VIOLATION, "too many sessions of this client")
            }
        };
        CloseFrame::new(code, reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the hub is closed",
            Self::TooManySessions => "there are too many sessions",
            Self::TooManyAtOnce => "too many sessions begin at once",
            Self::TooManyWithKey => "there are too many sessions with this key",
            Self::TooManyOfUser => "the user has too many sessions",
        })
    }
}

impl error::Error for Refusal {}

/// A place in a hub, kept for a client whose opening handshake is not done. Dropping it gives the place up.
pub struct Seat<A: Handler> {
    pub(crate) place: Place<A>,
    pub(crate) user: Option<Slot<A>>,
    pub(crate) key: Option<Slot<A>>,
    pub(crate) expires: Option<Instant>,
    pub(crate) extensions: Extensions,
}

impl<A: Handler> Seat<A> {
    pub(crate) fn reserve(hub: &Hub<A>, admission: Admission) -> Result<Self, Refusal> {
        let place = Place::take(hub)?;
        let key = admission.key.map(|key| hub.key_slot(key)).transpose()?;
        let user = admission.user.map(|user| hub.user_slot(user)).transpose()?;
        // Last, so that a client that is refused for itself takes nothing from the others.
        if !hub.admits_another() {
            return Err(Refusal::TooManyAtOnce);
        }
        let expires = admission.expires.map(|after| Instant::now() + after);
        Ok(Self { place, user, key, expires, extensions: admission.extensions })
    }

    /// The hub.
    #[must_use]
    pub fn hub(&self) -> &Hub<A> {
        &self.place.0
    }

    /// Has a session over this connection; see [`Hub::serve`].
    pub fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, conn: Conn<S>) -> impl Future<Output = Disconnect> {
        // Not an `async fn`, which would hold its arguments twice for as long as the session lasts.
        serve::run(self, conn)
    }
}

impl<A: Handler> fmt::Debug for Seat<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("user", &self.user.as_ref().map(Slot::name)).finish_non_exhaustive()
    }
}

/// One of the sessions that there may be.
pub(crate) struct Place<A: Handler>(pub(crate) Hub<A>);

impl<A: Handler> Place<A> {
    fn take(hub: &Hub<A>) -> Result<Self, Refusal> {
        let shared = hub.shared();
        let taken = shared.places.fetch_add(1, Ordering::SeqCst);
        // The place is there from here on, so that giving it up undoes the count.
        let place = Self(hub.clone());
        if hub.is_closed() {
            return Err(Refusal::Closed);
        }
        if taken >= hub.config().max_sessions {
            return Err(Refusal::TooManySessions);
        }
        Ok(place)
    }
}

impl<A: Handler> Drop for Place<A> {
    fn drop(&mut self) {
        let shared = self.0.shared();
        if shared.places.fetch_sub(1, Ordering::SeqCst) == 1 {
            shared.emptied.notify_waiters();
        }
    }
}

/// How many there are of each name.
#[derive(Default)]
pub(crate) struct Counts(Mutex<HashMap<Arc<str>, usize>>);

/// Where something is counted.
type CountsOf<A> = fn(&Hub<A>) -> &Counts;

/// One of those that there may be of a name.
pub(crate) struct Slot<A: Handler> {
    name: Arc<str>,
    /// `None` if it is not counted.
    counted: Option<(Hub<A>, CountsOf<A>)>,
}

impl<A: Handler> Slot<A> {
    /// Takes one, if there are fewer than `limit`.
    pub(crate) fn take(hub: &Hub<A>, counts: CountsOf<A>, name: Arc<str>, limit: usize) -> Option<Self> {
        if limit == usize::MAX {
            return Some(Self { name, counted: None });
        }
        let mut map = lock(&counts(hub).0);
        if map.get(&name).copied().unwrap_or(0) >= limit {
            return None;
        }
        *map.entry(name.clone()).or_default() += 1;
        drop(map);
        Some(Self { name, counted: Some((hub.clone(), counts)) })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Gives it up, and keeps the name.
    pub(crate) fn release(self) -> Self {
        Self { name: self.name.clone(), counted: None }
    }
}

impl<A: Handler> Drop for Slot<A> {
    fn drop(&mut self) {
        let Some((hub, counts)) = &self.counted else { return };
        let mut map = lock(&counts(hub).0);
        if let Some(count) = map.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.name);
            }
        }
    }
}
