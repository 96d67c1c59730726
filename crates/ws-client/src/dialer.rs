//! The dialer and its options.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
#[cfg(feature = "deflate")]
use ws_core::DeflateConfig;
use ws_core::{BufferPool, Config, KeepAlive, handshake::Offer};

use crate::Connector;
#[cfg(feature = "proxy")]
use crate::Proxy;

/// How a client opens connections; clone it, share it, dial many times.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use ws_client::{
///     Dialer,
///     http::{HeaderValue, header},
/// };
///
/// let dialer = Dialer::new()
///     .subprotocols(["chat.v2", "chat.v1"])
///     .header(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"))
///     .handshake_timeout(Duration::from_secs(5));
/// let (mut conn, _response) = dialer.dial("wss://example.com/chat").await?;
/// println!("speaking {:?}", conn.subprotocol());
/// conn.write_message("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Dialer<C = Connector> {
    pub(crate) connector: C,
    pub(crate) headers: HeaderMap,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) handshake_timeout: Option<Duration>,
    pub(crate) redirects: usize,
    #[cfg(feature = "cookies")]
    pub(crate) cookies: Option<std::sync::Arc<dyn crate::CookieStore>>,
    pub(crate) config: Config,
    #[cfg(feature = "deflate")]
    pub(crate) compression: Option<DeflateConfig>,
}

impl Dialer {
    /// A dialer with the defaults.
    pub fn new() -> Self {
        Self {
            connector: Connector::new(),
            headers: HeaderMap::new(),
            subprotocols: Vec::new(),
            handshake_timeout: Some(HANDSHAKE_TIMEOUT),
            redirects: 0,
            #[cfg(feature = "cookies")]
            cookies: None,
            config: Config::new(),
            #[cfg(feature = "deflate")]
            compression: None,
        }
    }

    /// How long opening a TCP connection may take; see [`Connector::connect_timeout`].
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connector = self.connector.connect_timeout(timeout);
        self
    }

    /// Bytes that are written to each TCP connection before anything else; see [`Connector::preamble`].
    pub fn preamble(mut self, bytes: impl Into<Bytes>) -> Self {
        self.connector = self.connector.preamble(bytes);
        self
    }

    /// Goes through a proxy, or through the ones that a rule chooses; [`Proxy::from_env`] for what the environment says.
    /// None by default.
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.connector = self.connector.proxy(proxy);
        self
    }

    /// Sets all about TLS with proxies whose URL is `https://`; see [`Connector::proxy_tls_config`].
    #[cfg(all(feature = "proxy", feature = "rustls"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "proxy", feature = "rustls"))))]
    pub fn proxy_tls_config(mut self, config: std::sync::Arc<rustls::ClientConfig>) -> Self {
        self.connector = self.connector.proxy_tls_config(config);
        self
    }

    /// Speaks TLS with proxies whose URL is `https://` by native-tls; see [`Connector::proxy_native_tls`].
    #[cfg(all(feature = "native-tls", feature = "proxy"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "native-tls", feature = "proxy"))))]
    pub fn proxy_native_tls(mut self, builder: native_tls::TlsConnectorBuilder) -> Self {
        self.connector = self.connector.proxy_native_tls(builder);
        self
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Dialer<C> {
    /// Adds a header to every request; repeat it for several lines of one name.
    ///
    /// It replaces headers of that name in the dialed request. `Host` replaces the one made from the URL and leaves
    /// the address that is dialed as it is. Headers of the handshake (`Connection`, `Upgrade`, `Sec-WebSocket-*`) and
    /// headers that announce a body fail the dial.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The subprotocols to offer, the preferred one first (RFC 6455, 1.9). None by default.
    ///
    /// [`Conn::subprotocol`](ws_core::Conn::subprotocol) tells which one the server chose, if any. A server that chooses
    /// what was not offered fails the dial.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a dial may take in all: name resolution, TCP, proxies, TLS, HTTP, and all of it again for each redirect. 30
    /// seconds unless set; `None` for as long as it takes.
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.handshake_timeout = timeout.into();
        self
    }

    /// How many redirects a dial follows: 0, the default, for none, and never more than 10.
    ///
    /// A 301, 302, 303, 307 or 308 is followed to a `ws`, `wss`, `http` or `https` URL, with a new opening handshake each time.
    /// What leaves TLS, has a user name, or does not say clearly where to is not: the dial fails with
    /// [`DialErrorKind::Redirect`](crate::DialErrorKind::Redirect). [`DialedUri`](crate::DialedUri) tells where the dial ended.
    ///
    /// To another origin (another scheme, host or port) headers of the caller do not go if they are `Authorization`, `Cookie`,
    /// `Host` or `Proxy-Authorization`, or [marked sensitive](HeaderValue::set_sensitive); mark whatever else is secret. An
    /// `Origin` becomes `null` where the redirect comes from an origin other than that, as in browsers.
    ///
    /// Subprotocols are offered again wherever it leads: a token that stands among them goes along.
    ///
    /// A server that redirects chooses whom the client talks to, hosts of its own network included: do not follow the
    /// redirects of servers that are not trusted.
    pub fn redirects(mut self, max: usize) -> Self {
        self.redirects = max.min(MAX_REDIRECTS);
        self
    }

    /// Sends the cookies of a store and gives it those that servers set, in whatever answer: one that accepts, refuses,
    /// redirects, or fails the handshake. None by default.
    ///
    /// A [`CookieJar`](crate::CookieJar) is such a store; dialers, and clones of one, share it. Cookies of a `Cookie` header of the
    /// caller are sent as well, in front of those of the store.
    #[cfg(feature = "cookies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "cookies")))]
    pub fn cookie_jar(mut self, store: impl crate::CookieStore + 'static) -> Self {
        self.cookies = Some(std::sync::Arc::new(store));
        self
    }

    /// Limits, buffers and timeouts of the connections that are dialed.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers permessage-deflate (RFC 7692), and compresses if the server accepts it; `None` for no compression, the default.
    ///
    /// [`Conn::deflate`](ws_core::Conn::deflate) tells what was agreed on. A server that accepts something else than was
    /// offered fails the dial.
    /// Messages that hold a secret beside what others can choose should not be compressed.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compression(mut self, deflate: impl Into<Option<DeflateConfig>>) -> Self {
        self.compression = deflate.into();
        self
    }

    /// The size of the buffers that reads borrow; see [`Config::read_buffer_size`].
    pub fn read_buffer_size(mut self, size: usize) -> Self {
        self.config = self.config.read_buffer_size(size);
        self
    }

    /// The size of the buffers that writes borrow; see [`Config::write_buffer_size`].
    pub fn write_buffer_size(mut self, size: usize) -> Self {
        self.config = self.config.write_buffer_size(size);
        self
    }

    /// Where buffers come from and return to; see [`Config::buffer_pool`].
    pub fn buffer_pool(mut self, pool: BufferPool) -> Self {
        self.config = self.config.buffer_pool(pool);
        self
    }

    /// Replaces how transports are opened; everything else stays.
    ///
    /// The connector is a `tower::Service<Uri>` whose responses are tokio streams; it is cloned for every dial, so it has to
    /// be `Clone`. A closure of `tower::service_fn` is one, and so is a [`Connector`] with layers around it. It is given the scheme, `http` or
    /// `https` as connectors of HTTP clients know them, the host and the port; for `https` it has to speak TLS, with
    /// `http/1.1` if it offers protocols by ALPN.
    pub fn connector<D>(self, connector: D) -> Dialer<D> {
        Dialer {
            connector,
            headers: self.headers,
            subprotocols: self.subprotocols,
            handshake_timeout: self.handshake_timeout,
            redirects: self.redirects,
            #[cfg(feature = "cookies")]
            cookies: self.cookies,
            config: self.config,
            #[cfg(feature = "deflate")]
            compression: self.compression,
        }
    }

    pub(crate) fn keep_alive_unless_set(mut self, keep_alive: KeepAlive) -> Self {
        if !self.config.has_keep_alive() {
            self.config = self.config.keep_alive(keep_alive);
        }
        self
    }

    /// What the connections are made with.
    pub(crate) fn conn_config(&self) -> Config {
        let config = self.config.clone();
        #[cfg(feature = "deflate")]
        let config = match &self.compression {
            Some(deflate) => config.compression(deflate.clone()),
            None => config,
        };
        config
    }

    /// What an opening handshake with these subprotocols offers.
    pub(crate) fn offer<'a>(&'a self, subprotocols: &'a [String]) -> Offer<'a, String> {
        let offer = Offer::new(subprotocols);
        #[cfg(feature = "deflate")]
        let offer = offer.with_deflate(self.compression.as_ref());
        offer
    }
}

impl<C: fmt::Debug> fmt::Debug for Dialer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("connector", &self.connector)
            // Their values are often secret.
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("subprotocols", &self.subprotocols)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("redirects", &self.redirects)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Long enough for a slow network, short enough to be noticed.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Half of what browsers follow; more is a loop.
const MAX_REDIRECTS: usize = 10;
