//! [`Proxy`]: its settings.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, request::Parts, uri::PathAndQuery};
use ws_tower::Upgrader;

#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::Observe;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::Version;
use crate::{
    Access, BackendDialer, Backends, ForwardedHeaders, HostPolicy, InvalidBackend, OriginPolicy, Peer, Relay,
    Tunnels, headers::Path, tunnel::Bounds,
};

/// A reverse proxy for WebSocket: a tower `Service` for requests with any body, and so a route of axum.
///
/// A clone shares the settings; changing it changes the clone only.
///
/// | Setting | Default |
/// |---|---|
/// | [`upgrader`](Self::upgrader) | [`Upgrader::new`]: pages of the same origin, no limit of connections |
/// | [`dialer`](Self::dialer) | [`Dialer::new`](ws_client::Dialer::new): HTTP/1.1, 30 s for a handshake |
/// | [`director`](Self::director) | none |
/// | [`host`](Self::host), [`origin`](Self::origin) | those of the client |
/// | [`forwarded`](Self::forwarded) | `X-Forwarded-For`, `-Proto`, `-Host`; nobody is trusted |
/// | [`strip_prefix`](Self::strip_prefix), [`rewrite_path`](Self::rewrite_path) | the path stays |
/// | [`relay`](Self::relay) | a byte tunnel |
/// | [`buffer_size`](Self::buffer_size) | 32 KiB for each direction, while bytes are on their way |
/// | [`idle_timeout`](Self::idle_timeout) | 5 min |
/// | [`max_lifetime`](Self::max_lifetime) | none |
/// | [`close_timeout`](Self::close_timeout) | 10 s |
/// | [`retries`](Self::retries) | 1 |
/// | [`max_refusal_size`](Self::max_refusal_size) | 1 MiB |
/// | [`tunnels`](Self::tunnels) | those of its own |
/// | [`access_log`](Self::access_log), `observe` | nobody is told |
#[derive(Clone, Debug)]
#[must_use]
pub struct Proxy(pub(crate) Arc<Settings>);

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) backends: Backends,
    pub(crate) upgrader: Upgrader,
    pub(crate) dialer: BackendDialer,
    pub(crate) director: Option<Director>,
    pub(crate) host: HostPolicy,
    pub(crate) origin: OriginPolicy,
    pub(crate) forwarded: ForwardedHeaders,
    pub(crate) path: Path,
    pub(crate) peer: PeerOf,
    pub(crate) relay: Option<Relay>,
    pub(crate) bounds: Bounds,
    pub(crate) retries: usize,
    pub(crate) max_refusal_size: u64,
    pub(crate) tunnels: Tunnels,
    pub(crate) access_log: Option<AccessLog>,
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) observe: Observe,
    #[cfg(feature = "proxy-protocol")]
    pub(crate) proxy_protocol: Option<Version>,
}

pub(crate) type Director = Arc<dyn Fn(&Parts, &mut HeaderMap) + Send + Sync>;
pub(crate) type PeerOf = Arc<dyn Fn(&Parts) -> Option<Peer> + Send + Sync>;
pub(crate) type AccessLog = Arc<dyn Fn(&Access) + Send + Sync>;

impl Proxy {
    /// A proxy to these backends.
    pub fn new(backends: Backends) -> Self {
        Self(Arc::new(Settings {
            backends,
            upgrader: Upgrader::new(),
            dialer: BackendDialer::default(),
            director: None,
            host: HostPolicy::default(),
            origin: OriginPolicy::default(),
            forwarded: ForwardedHeaders::new(),
            path: Path::default(),
            peer: Arc::new(|request| request.extensions.get::<Peer>().copied()),
            relay: None,
            bounds: Bounds {
                buffer_size: BUFFER_SIZE,
                idle_timeout: Some(IDLE_TIMEOUT),
                max_lifetime: None,
                close_timeout: CLOSE_TIMEOUT,
            },
            retries: 1,
            max_refusal_size: MAX_REFUSAL_SIZE,
            tunnels: Tunnels::new(),
            access_log: None,
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            observe: Observe::default(),
            #[cfg(feature = "proxy-protocol")]
            proxy_protocol: None,
        }))
    }

    /// A proxy to one backend.
    ///
    /// # Errors
    /// When the URL is none of `ws`, `wss`, `http` or `https` with a host.
    pub fn to(uri: &str) -> Result<Self, InvalidBackend> {
        Backends::fixed(uri).map(Self::new)
    }

    /// How handshakes of clients are checked: origins, hosts, limits of connections.
    ///
    /// Nothing is dialed for a request that it refuses. If it has subprotocols, the one it chooses is all that the backend is
    /// offered. Its compression and its [`config`](Upgrader::config) are for the client's side of a [relay](Self::relay): in a
    /// tunnel the client and the backend agree on them. A [`Tracker`](ws_tower::Tracker) of it counts, but its close frames do not
    /// reach tunnels; [`Tunnels`] is what drains a proxy.
    pub fn upgrader(self, upgrader: Upgrader) -> Self {
        self.set(|settings| settings.upgrader = upgrader)
    }

    /// How backends are dialed: TLS, timeouts, HTTP/2.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use ws_proxy::{Proxy, ws_client::Dialer};
    ///
    /// let dialer = Dialer::new().connect_timeout(Duration::from_secs(2)).handshake_timeout(Duration::from_secs(5));
    /// let proxy = Proxy::to("ws://127.0.0.1:9000")?.dialer(dialer);
    /// # let _ = proxy;
    /// # Ok::<(), ws_proxy::InvalidBackend>(())
    /// ```
    pub fn dialer(self, dialer: impl Into<BackendDialer>) -> Self {
        let dialer = dialer.into();
        self.set(|settings| settings.dialer = dialer)
    }

    /// Changes the headers of the request to the backend, as the last who does so.
    ///
    /// The function is given the head of the client's request, and the headers to send. Those that belong to the handshake are not
    /// its to set, but for `Sec-WebSocket-Protocol` and `Sec-WebSocket-Extensions`.
    ///
    /// ```
    /// use ws_proxy::{Proxy, http::{HeaderValue, header::AUTHORIZATION}};
    ///
    /// let proxy = Proxy::to("ws://127.0.0.1:9000")?.director(|_request, headers| {
    ///     headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer of-the-proxy"));
    /// });
    /// # let _ = proxy;
    /// # Ok::<(), ws_proxy::InvalidBackend>(())
    /// ```
    pub fn director<F>(self, direct: F) -> Self
    where
        F: Fn(&Parts, &mut HeaderMap) + Send + Sync + 'static,
    {
        self.set(|settings| settings.director = Some(Arc::new(direct)))
    }

    /// The `Host` that backends see; the client's unless set.
    pub fn host(self, policy: HostPolicy) -> Self {
        self.set(|settings| settings.host = policy)
    }

    /// The `Origin` that backends see; the client's unless set.
    pub fn origin(self, policy: OriginPolicy) -> Self {
        self.set(|settings| settings.origin = policy)
    }

    /// What backends are told of the client.
    pub fn forwarded(self, headers: ForwardedHeaders) -> Self {
        self.set(|settings| settings.forwarded = headers)
    }

    /// Takes a prefix away from paths, where it ends with a segment of theirs. Others stay as they are.
    pub fn strip_prefix(self, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        self.set(|settings| settings.path = Path::Strip(prefix))
    }

    /// Makes the paths for backends of requests, query included. `None` refuses the request with 404.
    pub fn rewrite_path<F>(self, rewrite: F) -> Self
    where
        F: Fn(&Parts) -> Option<PathAndQuery> + Send + Sync + 'static,
    {
        self.set(|settings| settings.path = Path::Function(Arc::new(rewrite)))
    }

    /// Where the address of a client comes from; the extension [`Peer`] of requests unless set.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use axum::extract::ConnectInfo;
    /// use ws_proxy::{Peer, Proxy};
    ///
    /// let proxy = Proxy::to("ws://127.0.0.1:9000")?.peer(|request| {
    ///     request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(addr)| Peer::new(*addr))
    /// });
    /// # let _ = proxy;
    /// # Ok::<(), ws_proxy::InvalidBackend>(())
    /// ```
    pub fn peer<F>(self, peer: F) -> Self
    where
        F: Fn(&Parts) -> Option<Peer> + Send + Sync + 'static,
    {
        self.set(|settings| settings.peer = Arc::new(peer))
    }

    /// Relays messages in place of bytes.
    pub fn relay(self, relay: Relay) -> Self {
        self.set(|settings| settings.relay = Some(relay))
    }

    /// How many bytes of each direction of a tunnel are on their way at the most: 32 KiB unless set, and from 512 bytes to 64 KiB.
    /// A tunnel on which nothing moves holds no buffer.
    pub fn buffer_size(self, bytes: usize) -> Self {
        self.set(|settings| settings.bounds.buffer_size = bytes.clamp(512, 64 << 10))
    }

    /// How long nothing may be carried before both sides are closed with 1001: 5 minutes unless set, `None` for any time. Every
    /// byte counts, those of pings and pongs too.
    pub fn idle_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        self.set(|settings| settings.bounds.idle_timeout = timeout)
    }

    /// How long a connection may last before both sides are closed with 1001; any time unless set.
    pub fn max_lifetime(self, lifetime: impl Into<Option<Duration>>) -> Self {
        let lifetime = lifetime.into();
        self.set(|settings| settings.bounds.max_lifetime = lifetime)
    }

    /// How long one side may go on without carrying anything once the other one has ended or sent a close frame, and how long an
    /// end that the proxy has begun may take: 10 s unless set, and a year at the most.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.bounds.close_timeout = timeout.min(YEAR))
    }

    /// How many more backends are tried when one could not be reached: 1 unless set. Once a request has been sent, it is not
    /// sent again.
    pub fn retries(self, retries: usize) -> Self {
        self.set(|settings| settings.retries = retries)
    }

    /// How much of the body of a backend's refusal is passed on: 1 MiB unless set. Beyond it the body breaks off.
    pub fn max_refusal_size(self, bytes: u64) -> Self {
        self.set(|settings| settings.max_refusal_size = bytes)
    }

    /// Counts the tunnels, and drains them.
    pub fn tunnels(self, tunnels: Tunnels) -> Self {
        self.set(|settings| settings.tunnels = tunnels)
    }

    /// Is told of every request, once it was refused, or its connection has ended.
    pub fn access_log<F>(self, log: F) -> Self
    where
        F: Fn(&Access) + Send + Sync + 'static,
    {
        self.set(|settings| settings.access_log = Some(Arc::new(log)))
    }

    /// Tells `tracing` or `metrics` of requests and connections.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "metrics", feature = "tracing"))))]
    pub fn observe(self, observe: Observe) -> Self {
        self.set(|settings| settings.observe = observe)
    }

    /// Sends backends a header of the PROXY protocol in front of everything else; `None` for no header, the default.
    ///
    /// It names the addresses of [`Peer`]; without these it says that nothing is known. A connection that is shared cannot be of one client
    /// alone, so an `Http2Dialer`, or a connector of your own, does not send it.
    #[cfg(feature = "proxy-protocol")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy-protocol")))]
    pub fn send_proxy_protocol(self, version: impl Into<Option<Version>>) -> Self {
        let version = version.into();
        self.set(|settings| settings.proxy_protocol = version)
    }

    /// The tunnels of this proxy: those given to it by [`tunnels`](Self::tunnels), or its own.
    #[must_use]
    pub fn open_tunnels(&self) -> &Tunnels {
        &self.0.tunnels
    }

    /// The backends of this proxy.
    pub fn backends(&self) -> &Backends {
        &self.0.backends
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("backends", &self.backends)
            .field("upgrader", &self.upgrader)
            .field("dialer", &self.dialer)
            .field("host", &self.host)
            .field("origin", &self.origin)
            .field("forwarded", &self.forwarded)
            .field("relay", &self.relay)
            .field("bounds", &self.bounds)
            .field("retries", &self.retries)
            .field("max_refusal_size", &self.max_refusal_size)
            .field("tunnels", &self.tunnels)
            .finish_non_exhaustive()
    }
}

/// Room for a message of 16 KiB with its header: what is behind the room costs a read and a write of its own, and wakes the other side
/// once more.
const BUFFER_SIZE: usize = 32 << 10;
/// Longer than the pings of most programs are apart.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Twice the close timeout of our own endpoints.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Any time from now that clocks can tell.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const MAX_REFUSAL_SIZE: u64 = 1 << 20;
