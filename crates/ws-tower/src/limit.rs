//! [`ConnectionLimit`]: how many connections there may be.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::request::Parts;

/// How many connections there may be, in total and for each client.
///
/// Given to an [`Upgrader`](crate::Upgrader) with [`Upgrader::limit`](crate::Upgrader::limit). A handshake beyond a limit is
/// refused with 503 and `Retry-After`, before the upgrade
/// ([`TooManyConnections`](crate::rejection::TooManyConnections)).
///
/// A connection counts from the moment its handshake has passed all checks until its transport is dropped, and no longer when
/// that closes the socket; a handshake that is not followed by a connection until its extractor, or future, is dropped. After a
/// closing handshake the client sees the end first: the handler is still to drop the connection. A clone shares the count: so `Upgrader`s may share a
/// limit. Counting is exact, however many handshakes arrive at once.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
///
/// use ws_tower::{ConnectionLimit, Upgrader};
///
/// let limit = ConnectionLimit::new()
///     .total(10_000)
///     // The address as the application knows it, here from an extension that its server sets.
///     .per_key(20, |request| request.extensions.get::<SocketAddr>().map(SocketAddr::ip));
/// let upgrader = Upgrader::new().limit(limit);
/// # let _ = upgrader;
/// ```
#[derive(Clone)]
#[must_use]
pub struct ConnectionLimit {
    rules: Vec<Arc<dyn Rule>>,
    retry_after: Duration,
}

impl ConnectionLimit {
    /// No limit yet.
    pub fn new() -> Self {
        Self { rules: Vec::new(), retry_after: RETRY_AFTER }
    }

    /// How many connections there may be in all.
    pub fn total(self, max: usize) -> Self {
        self.per_key(max, |_| Some(()))
    }

    /// How many connections there may be with the same key: the peer's address, a user. Without a key, a request is not
    /// bound by this limit. Several limits may be set; a connection has to be within all of them.
    ///
    /// The function sees every handshake that has passed the other checks, and must not block. If it panics, the answer is 500.
    /// A key is forgotten with the last connection that has it.
    ///
    /// Behind a proxy, the address of the TCP connection is the proxy's. Addresses of IPv6 are cheap: take the first 64 bits.
    pub fn per_key<K, F>(mut self, max: usize, key: F) -> Self
    where
        K: Hash + Eq + Send + Sync + 'static,
        F: Fn(&Parts) -> Option<K> + Send + Sync + 'static,
    {
        self.rules.push(Arc::new(PerKey { max, key: Box::new(key), held: Arc::default() }));
        self
    }

    /// What refused clients are told in `Retry-After`, in whole seconds, rounded up; 5 s unless set.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = after;
        self
    }

    pub(crate) fn refused_for(&self) -> Duration {
        self.retry_after
    }

    /// Takes a place for a connection, or finds that there is none.
    pub(crate) fn admit(&self, request: &Parts) -> Option<Permit> {
        let mut places = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            places.extend(rule.admit(request)?);
        }
        Some(Permit { _places: places })
    }
}

impl Default for ConnectionLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

/// The places of one connection, given back on drop.
pub(crate) struct Permit {
    _places: Vec<Box<dyn Place>>,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit(..)")
    }
}

trait Rule: fmt::Debug + Send + Sync {
    /// `None` if there is no place; a place that is `None` if none is needed.
    fn admit(&self, request: &Parts) -> Option<Option<Box<dyn Place>>>;
}

/// What is given back by drop.
trait Place: Send + Sync {}

/// Tells whose a request is.
type Key<K> = dyn Fn(&Parts) -> Option<K> + Send + Sync;

struct PerKey<K> {
    max: usize,
    key: Box<Key<K>>,
    held: Arc<Held<K>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Rule for PerKey<K> {
    fn admit(&self, request: &Parts) -> Option<Option<Box<dyn Place>>> {
        let Some(key) = (self.key)(request) else { return Some(None) };
        let key = Arc::new(key);
        let mut held = self.held.lock();
        let count = held.get(&key).copied().unwrap_or(0);
        if count >= self.max {
            return None;
        }
        held.insert(key.clone(), count + 1);
        drop(held);
        Some(Some(Box::new(KeyHeld { key, held: self.held.clone() })))
    }
}

impl<K> fmt::Debug for PerKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerKey").field("max", &self.max).field("keys", &self.held.lock().len()).finish()
    }
}

/// How many connections have which key.
struct Held<K>(Mutex<HashMap<Arc<K>, usize>>);

impl<K> Held<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<K>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Held<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

struct KeyHeld<K: Hash + Eq> {
    key: Arc<K>,
    held: Arc<Held<K>>,
}

impl<K: Hash + Eq + Send + Sync> Place for KeyHeld<K> {}

impl<K: Hash + Eq> Drop for KeyHeld<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        match held.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.key)),
        }
    }
}

const RETRY_AFTER: Duration = Duration::from_secs(5);
