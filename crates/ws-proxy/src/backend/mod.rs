//! [`Backends`]: where connections are led to, and by which rule.

mod hash;
mod server;
mod sticky;

use std::{
    error, fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, Uri, request::Parts};

use self::hash::{hash, rank};
pub(crate) use self::server::{Place, Server};
pub use self::{server::Health, sticky::StickyCookie};

/// The backends of a proxy, and the rule by which each request is given one of them.
///
/// | Rule | Which backend |
/// |---|---|
/// | [`fixed`](Self::fixed) | the only one |
/// | [`round_robin`](Self::round_robin) | the next one by turns |
/// | [`least_connections`](Self::least_connections) | the one with the fewest connections; by turns among several |
/// | [`hashed`](Self::hashed) | the same one for the same key |
/// | [`sticky`](Self::sticky) | the one that the client had before |
/// | [`function`](Self::function) | whatever a function says |
///
/// A backend is left out while it is [down](Health), and while it has as many connections as
/// [`max_connections`](Self::max_connections) allows.
///
/// The path of a backend's URL stands in front of the path of each request: with `ws://10.0.0.1/chat`, a request for `/a?b` is for
/// `/chat/a?b` there. A URL that a function gives is dialed as it is.
///
/// A clone is the same set of backends, with the same counts; [`replace`](Self::replace) changes it for all of them.
#[derive(Clone)]
#[must_use]
pub struct Backends {
    rule: Rule,
    health: Health,
    max_connections: Option<usize>,
    pool: Arc<Pool>,
}

#[derive(Clone)]
enum Rule {
    RoundRobin,
    LeastConnections,
    Hashed(Arc<KeyOf>),
    Sticky(StickyCookie),
    Function(Arc<UriOf>),
}

type KeyOf = dyn Fn(&Parts) -> Option<String> + Send + Sync;
type UriOf = dyn Fn(&Parts) -> Option<Uri> + Send + Sync;

#[derive(Debug, Default)]
struct Pool {
    servers: RwLock<Arc<[Arc<Server>]>>,
    turn: AtomicUsize,
}

/// A backend as it stands; [`Backends::status`] gives all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendStatus {
    /// Its URL.
    pub uri: Uri,
    /// How many connections it has, and handshakes that are under way.
    pub connections: usize,
    /// Whether it is not [down](Health).
    pub is_up: bool,
}

impl Backends {
    /// One backend.
    ///
    /// # Errors
    /// When the URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn fixed(uri: impl TryInto<Uri>) -> Result<Self, InvalidBackend> {
        Self::round_robin([uri])
    }

    /// Several, by turns.
    ///
    /// # Errors
    /// When a URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn round_robin<I>(uris: I) -> Result<Self, InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
    {
        Self::new(Rule::RoundRobin, uris)
    }

    /// Several, of which the one with the fewest connections is next.
    ///
    /// # Errors
    /// When a URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn least_connections<I>(uris: I) -> Result<Self, InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
    {
        Self::new(Rule::LeastConnections, uris)
    }

    /// Several, of which requests with the same key have the same one, in every process with the same backends. When one comes or
    /// goes, only its own keys move. A request without a key is given one by turns.
    ///
    /// ```
    /// use ws_proxy::Backends;
    ///
    /// // All who are in a room are on one backend.
    /// let backends = Backends::hashed(["ws://10.0.0.1", "ws://10.0.0.2"], |request| {
    ///     request.uri.path().strip_prefix("/rooms/").map(str::to_owned)
    /// })?;
    /// # let _ = backends;
    /// # Ok::<(), ws_proxy::InvalidBackend>(())
    /// ```
    ///
    /// # Errors
    /// When a URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn hashed<I, F>(uris: I, key: F) -> Result<Self, InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
        F: Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    {
        Self::new(Rule::Hashed(Arc::new(key)), uris)
    }

    /// Several, of which a client that comes back has the one it had before, by a cookie.
    ///
    /// # Errors
    /// When a URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn sticky<I>(uris: I, cookie: StickyCookie) -> Result<Self, InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
    {
        Self::new(Rule::Sticky(cookie), uris)
    }

    /// Whatever a function says of each request; without a URL it is refused with 503. The URL is dialed as it is, path and
    /// query included. There is no health, and no bound on connections.
    pub fn function<F>(choose: F) -> Self
    where
        F: Fn(&Parts) -> Option<Uri> + Send + Sync + 'static,
    {
        Self::of(Rule::Function(Arc::new(choose)))
    }

    fn new<I>(rule: Rule, uris: I) -> Result<Self, InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
    {
        let backends = Self::of(rule);
        backends.replace(uris)?;
        Ok(backends)
    }

    fn of(rule: Rule) -> Self {
        Self { rule, health: Health::new(), max_connections: None, pool: Arc::default() }
    }

    /// When a backend is taken for down; after 3 failures for 10 s unless set.
    pub fn health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// How many connections each backend may have, handshakes included; any number unless set. When all are full, handshakes
    /// are refused with 503.
    pub fn max_connections(mut self, max: impl Into<Option<usize>>) -> Self {
        self.max_connections = max.into();
        self
    }

    /// Changes which backends there are. Those that stay keep their connections and their health; connections to those that
    /// go are not touched.
    ///
    /// # Errors
    /// When a URL is none of `ws`, `wss`, `http` or `https` with a host; nothing is changed then.
    pub fn replace<I>(&self, uris: I) -> Result<(), InvalidBackend>
    where
        I: IntoIterator,
        I::Item: TryInto<Uri>,
    {
        let known = self.servers();
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for uri in uris {
            let uri = uri.try_into().map_err(|_| InvalidBackend(()))?;
            check(&uri)?;
            if servers.iter().any(|server| server.uri == uri) {
                continue;
            }
            let server = known.iter().find(|server| server.uri == uri).cloned();
            servers.push(server.unwrap_or_else(|| Arc::new(Server::new(uri))));
        }
        *self.pool.servers.write().unwrap_or_else(PoisonError::into_inner) = servers.into();
        Ok(())
    }

    /// Takes over what is known of backends that are here as well: connections, and health. For a configuration that is read anew.
    pub fn adopt(self, other: &Self) -> Self {
        let (known, own) = (other.servers(), self.servers());
        let adopted = |server: &Arc<Server>| -> Arc<Server> {
            known.iter().find(|known| known.uri == server.uri).unwrap_or(server).clone()
        };
        let servers: Arc<[Arc<Server>]> = own.iter().map(adopted).collect();
        *self.pool.servers.write().unwrap_or_else(PoisonError::into_inner) = servers;
        self
    }

    /// How each backend stands.
    #[must_use]
    pub fn status(&self) -> Vec<BackendStatus> {
        let status = |server: &Arc<Server>| BackendStatus {
            uri: server.uri.clone(),
            connections: server.open(),
            is_up: server.is_up(),
        };
        self.servers().iter().map(status).collect()
    }

    fn servers(&self) -> Arc<[Arc<Server>]> {
        Arc::clone(&self.pool.servers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Chooses for a request, but none of those that were tried already. `None` if there is none, or all of them are full.
    pub(crate) fn choose(&self, request: &Parts, tried: &[Arc<Server>]) -> Option<Chosen> {
        if let Rule::Function(choose) = &self.rule {
            let uri = choose(request)?;
            return Some(Chosen { target: Target::Exact(uri), place: None, cookie: None });
        }
        let servers = self.servers();
        let untried =
            || servers.iter().filter(|server| !tried.iter().any(|tried| Arc::ptr_eq(tried, server)));
        let mut ranked: Vec<&Arc<Server>> = untried().collect();
        if ranked.is_empty() {
            return None;
        }
        let turn = self.pool.turn.fetch_add(1, Ordering::Relaxed) % ranked.len();
        ranked.rotate_left(turn);
        let mut wanted = None;
        match &self.rule {
            Rule::LeastConnections => ranked.sort_by_key(|server| server.open()),
            Rule::Hashed(key) => {
                if let Some(key) = key(request).map(|key| hash(key.as_bytes())) {
                    ranked.sort_by_key(|server| std::cmp::Reverse(rank(key, server.id)));
                }
            }
            Rule::Sticky(cookie) => {
                wanted = cookie.read(&request.headers);
                ranked.sort_by_key(|server| Some(server.id) != wanted);
            }
            Rule::RoundRobin | Rule::Function(_) => {}
        }
        let enter = |server: &Arc<Server>| server.enter(self.max_connections);
        // Those that are down come last: somebody who is there and fails is better than nobody.
        let place = ranked
            .iter()
            .find_map(|server| if server.may_be_tried(self.health) { enter(server) } else { None })
            .or_else(|| ranked.iter().find_map(|server| enter(server)))?;
        let server = place.server();
        let cookie = match &self.rule {
            Rule::Sticky(cookie) if wanted != Some(server.id) => cookie.write(server.id),
            _ => None,
        };
        Some(Chosen { target: Target::Base(server.uri.clone()), place: Some(place), cookie })
    }

    pub(crate) fn dialed(&self, chosen: &Chosen, worked: bool) {
        if let Some(place) = &chosen.place {
            place.dialed(worked, self.health);
        }
    }
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends")
            .field("rule", &self.rule)
            .field("status", &self.status())
            .field("health", &self.health)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin => "RoundRobin",
            Self::LeastConnections => "LeastConnections",
            Self::Hashed(_) => "Hashed(..)",
            Self::Sticky(_) => "Sticky(..)",
            Self::Function(_) => "Function(..)",
        })
    }
}

/// The backend for a request.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) target: Target,
    /// Kept for as long as the connection.
    pub(crate) place: Option<Place>,
    pub(crate) cookie: Option<HeaderValue>,
}

/// Where it is.
#[derive(Debug)]
pub(crate) enum Target {
    /// A URL that the path of the request is added to.
    Base(Uri),
    /// The URL.
    Exact(Uri),
}

fn check(uri: &Uri) -> Result<(), InvalidBackend> {
    let is_known = matches!(uri.scheme_str(), Some("ws" | "wss" | "http" | "https"));
    // Nobody would be sent a user name, and a port that is none would be left out.
    let is_place = uri.authority().is_some_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        !authority.host().is_empty()
            && port.is_some_and(|port| port.is_empty() || authority.port_u16() > Some(0))
    });
    // Of a query it could not be told how it goes with that of a request.
    let has_query = uri.query().is_some();
    if is_known && is_place && !has_query { Ok(()) } else { Err(InvalidBackend(())) }
}

/// Not a URL of a backend: `ws`, `wss`, `http` or `https`, with a host, and without a user name or a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBackend(());

impl fmt::Display for InvalidBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a URL of a backend; it begins with ws:// or wss:// and has a host, and neither user name nor query")
    }
}

impl error::Error for InvalidBackend {}
