//! [`Upgrader`]: the policy of a server, and the opening handshake that follows it.

mod accepted;
mod check;
mod connection;
mod subprotocols;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, request::Parts, uri::Scheme};
#[cfg(feature = "deflate")]
use ws_core::DeflateConfig;
use ws_core::{Config, Conn};

#[cfg(all(feature = "axum", feature = "deflate"))]
pub(crate) use self::accepted::Agreed;
use self::subprotocols::Subprotocols;
pub use self::{
    accepted::Accepted,
    subprotocols::{OfferedSubprotocol, OfferedSubprotocols, SubprotocolOrder},
};
#[cfg(feature = "axum")]
pub(crate) use self::{accepted::Handshake, check::protocol};
use crate::{
    AllowedHosts, CheckOrigin, ConnectionLimit, ResponseBody, Tracker, TrustedProxy, UpgradeService,
    Upgraded,
    rejection::{OnRejection, WebSocketUpgradeRejection},
};

/// How a server answers opening handshakes: origins, subprotocols, limits, buffers.
///
/// One policy for [three ways to serve](crate): [`upgrade`](Self::upgrade) for any server that gets at the request,
/// [`service`](Self::service) for a complete tower service, and [`UpgradeLayer`](crate::UpgradeLayer) for axum's
/// extractors. A clone shares the policy; changing it changes the clone only.
///
/// | Setting | Default |
/// |---|---|
/// | [`check_origin`](Self::check_origin) | [`CheckOrigin::SameOrigin`] |
/// | [`allowed_hosts`](Self::allowed_hosts) | any |
/// | [`external_scheme`](Self::external_scheme), [`trust_proxy`](Self::trust_proxy) | unknown, none |
/// | [`subprotocols`](Self::subprotocols) | none |
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s |
/// | [`config`](Self::config) | [`Config::new`]: 1 MiB a message |
/// | [`response_headers`](Self::response_headers) | none |
/// | [`compression`](Self::compression) | none |
/// | [`limit`](Self::limit) | none |
/// | [`tracker`](Self::tracker) | none |
/// | `observe` | nobody is told |
///
/// How long a client may take to send its request, and how large that may be, is up to the HTTP server: give hyper a
/// timer, and set `header_read_timeout` and `max_buf_size` there.
///
/// ```
/// use ws_core::Config;
/// use ws_tower::{CheckOrigin, Upgrader};
///
/// let upgrader = Upgrader::new()
///     .check_origin(CheckOrigin::list(["https://app.example.com"])?)
///     .subprotocols(["chat.v2", "chat.v1"])
///     .config(Config::new().max_message_size(64 << 10));
/// # let _ = upgrader;
/// # Ok::<(), ws_tower::InvalidOriginPattern>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Upgrader(Arc<Settings>);

#[derive(Clone, Debug)]
struct Settings {
    check_origin: CheckOrigin,
    allowed_hosts: Option<AllowedHosts>,
    external_scheme: Option<Scheme>,
    trusted_proxy: Option<TrustedProxy>,
    subprotocols: Subprotocols,
    handshake_timeout: Option<Duration>,
    config: Config,
    response_headers: HeaderMap,
    on_rejection: Option<OnRejection>,
    limit: Option<ConnectionLimit>,
    tracker: Option<Tracker>,
    #[cfg(feature = "deflate")]
    compression: Option<DeflateConfig>,
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    observe: Option<crate::Observe>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            check_origin: CheckOrigin::default(),
            allowed_hosts: None,
            external_scheme: None,
            trusted_proxy: None,
            subprotocols: Subprotocols::default(),
            handshake_timeout: Some(HANDSHAKE_TIMEOUT),
            config: Config::new(),
            response_headers: HeaderMap::new(),
            on_rejection: None,
            limit: None,
            tracker: None,
            #[cfg(feature = "deflate")]
            compression: None,
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            observe: None,
        }
    }
}

impl Upgrader {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which pages may connect; those of the same host unless set.
    pub fn check_origin(self, policy: impl Into<CheckOrigin>) -> Self {
        let policy = policy.into();
        self.set(|settings| settings.check_origin = policy)
    }

    /// Which hosts requests may be for, `None` for any, the default. Others are refused with 421, before the origin check.
    pub fn allowed_hosts(self, hosts: impl Into<Option<AllowedHosts>>) -> Self {
        let hosts = hosts.into();
        self.set(|settings| settings.allowed_hosts = hosts)
    }

    /// The scheme by which clients reach the server: `https` where it ends TLS, or a proxy in front does. Unknown unless set.
    ///
    /// With it, [`CheckOrigin::SameOrigin`] compares the schemes, too, so that a page of `http://` cannot connect to a server
    /// that is only there over TLS.
    ///
    /// ```
    /// use ws_tower::{Upgrader, http::uri::Scheme};
    ///
    /// let upgrader = Upgrader::new().external_scheme(Scheme::HTTPS);
    /// # let _ = upgrader;
    /// ```
    pub fn external_scheme(self, scheme: impl Into<Option<Scheme>>) -> Self {
        let scheme = scheme.into();
        self.set(|settings| settings.external_scheme = scheme)
    }

    /// The proxy that is believed when it says by which scheme and for which host its clients came; `None` for no proxy, the
    /// default.
    ///
    /// What it says is what [`allowed_hosts`](Self::allowed_hosts) and [`CheckOrigin::SameOrigin`] go by.
    pub fn trust_proxy(self, proxy: impl Into<Option<TrustedProxy>>) -> Self {
        let proxy = proxy.into();
        self.set(|settings| settings.trusted_proxy = proxy)
    }

    /// How long the HTTP server may take from the accepted handshake to the upgraded connection: to get the response
    /// out, that is. 10 s unless set; `None` for any time.
    pub fn handshake_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        self.set(|settings| settings.handshake_timeout = timeout)
    }

    /// Compresses messages with clients that offer permessage-deflate (RFC 7692); `None` for no compression, the default.
    ///
    /// Which offer is accepted, and what is answered, [`DeflateConfig`] says. Messages that hold a secret beside what others
    /// can choose should not be compressed.
    ///
    /// ```
    /// use ws_core::DeflateConfig;
    /// use ws_tower::Upgrader;
    ///
    /// let upgrader = Upgrader::new().compression(DeflateConfig::new());
    /// # let _ = upgrader;
    /// ```
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compression(self, deflate: impl Into<Option<DeflateConfig>>) -> Self {
        let deflate = deflate.into();
        self.set(|settings| settings.compression = deflate)
    }

    /// Headers to add to each response that accepts a handshake; [`Accepted::response_header`] adds to one.
    ///
    /// Those that belong to the handshake are dropped: `Connection`, `Upgrade`, everything that begins with
    /// `Sec-WebSocket-`, and what would announce a body (`Content-Length`, `Trailer`, `Transfer-Encoding`).
    pub fn response_headers(self, headers: HeaderMap) -> Self {
        let mut kept = HeaderMap::with_capacity(headers.len());
        // Further values of a name come without it.
        let mut last = None;
        for (name, value) in headers {
            last = name.or(last);
            if let Some(name) = &last {
                accepted::append(&mut kept, name.clone(), value);
            }
        }
        self.set(|settings| settings.response_headers = kept)
    }

    /// Shapes the responses to refused handshakes: another body, more headers, a log line.
    ///
    /// The function is given the rejection and the response to it, and gives the response to send. It sees every refusal
    /// that is turned into a response, whichever way the policy is used. What it cannot take away is `Connection: close`
    /// over HTTP/1.1. If it panics, the response goes out as it was given.
    ///
    /// ```
    /// use ws_tower::Upgrader;
    ///
    /// let upgrader = Upgrader::new().on_rejection(|rejection, mut response| {
    ///     eprintln!("handshake refused: {rejection}");
    ///     *response.body_mut() = "Please use a browser.".into();
    ///     response
    /// });
    /// # let _ = upgrader;
    /// ```
    pub fn on_rejection<F>(self, shape: F) -> Self
    where
        F: Fn(&WebSocketUpgradeRejection, Response<ResponseBody>) -> Response<ResponseBody>
            + Send
            + Sync
            + 'static,
    {
        self.set(|settings| settings.on_rejection = Some(OnRejection::new(shape)))
    }

    /// Tells `tracing` or `metrics` of handshakes and connections; `None` for nobody, the default.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "metrics", feature = "tracing"))))]
    pub fn observe(self, observe: impl Into<Option<crate::Observe>>) -> Self {
        let observe = observe.into();
        self.set(|settings| settings.observe = observe)
    }

    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) fn observed(&self) -> Option<&crate::Observe> {
        self.0.observe.as_ref()
    }

    /// How many connections there may be, in total and for each client; any number unless set.
    pub fn limit(self, limit: impl Into<Option<ConnectionLimit>>) -> Self {
        let limit = limit.into();
        self.set(|settings| settings.limit = limit)
    }

    /// Counts the connections, and closes them when the server stops; see [`Tracker`].
    pub fn tracker(self, tracker: impl Into<Option<Tracker>>) -> Self {
        let tracker = tracker.into();
        self.set(|settings| settings.tracker = tracker)
    }

    /// Checks a request and takes its pending upgrade.
    ///
    /// Of an accepted request only the upgrade is gone from its extensions; a refused one is left as it was.
    ///
    /// # Errors
    /// The reason for refusing the handshake, which is a response as well.
    pub fn upgrade<B>(&self, request: &mut Request<B>) -> Result<Accepted, WebSocketUpgradeRejection> {
        check::with_head(request, |parts| self.upgrade_parts(parts))
    }

    /// As [`upgrade`](Self::upgrade), for a request that was taken apart already.
    ///
    /// # Errors
    /// The reason for refusing the handshake, which is a response as well.
    pub fn upgrade_parts(&self, request: &mut Parts) -> Result<Accepted, WebSocketUpgradeRejection> {
        Ok(self.check(request)?.accept())
    }

    /// A complete endpoint for any tower server: accepted connections go to `handler`, in tasks of their own.
    ///
    /// ```
    /// use ws_tower::Upgrader;
    ///
    /// let service = Upgrader::new().service(|mut conn| async move {
    ///     while let Ok(Some(message)) = conn.read_message().await {
    ///         if conn.write_message(message).await.is_err() {
    ///             return;
    ///         }
    ///     }
    /// });
    /// # let _ = service;
    /// ```
    pub fn service<H, Fut>(self, handler: H) -> UpgradeService<H>
    where
        H: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        UpgradeService::new(self, handler)
    }

    /// The settings of connections, unless the handshake of one has others.
    pub(crate) fn conn_config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.0.handshake_timeout
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// A server that is not overloaded gets a response out in milliseconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
