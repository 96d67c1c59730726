//! The dialer and its options.

use std::{error, fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tower_service::Service;
#[cfg(feature = "deflate")]
use ws_core::DeflateConfig;
use ws_core::{BufferPool, Config, Conn, Role, handshake::Offer};

#[cfg(feature = "proxy")]
use crate::Proxy;
use crate::{
    Connector, DialError, DialErrorKind, IntoDialRequest, Phase,
    handshake::{Answer, exchange},
    opening::Opening,
    phase,
};

/// How a client opens connections; clone it, share it, dial many times.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use http::{HeaderValue, header};
/// use ws_client::Dialer;
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
    handshake_timeout: Option<Duration>,
    config: Config,
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
            config: Config::new(),
            #[cfg(feature = "deflate")]
            compression: None,
        }
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
    /// [`Conn::subprotocol`] tells which one the server chose, if any. A server that chooses what was not offered
    /// fails the dial.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a dial may take in all: name resolution, TCP, proxies, TLS and HTTP. 30 seconds unless set; `None` for as long
    /// as it takes.
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.handshake_timeout = timeout.into();
        self
    }

    /// Limits, buffers and timeouts of the connections that are dialed.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers permessage-deflate (RFC 7692), and compresses if the server accepts it; `None` for no compression, the default.
    ///
    /// [`Conn::deflate`] tells what was agreed on. A server that accepts something else than was offered fails the dial.
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
    /// The connector is a `tower::Service<Uri>` whose responses are tokio streams. It is given the scheme, `http` or
    /// `https` as connectors of HTTP clients know them, the host and the port; for `https` it has to speak TLS, with
    /// `http/1.1` if it offers protocols by ALPN.
    pub fn connector<D>(self, connector: D) -> Dialer<D> {
        Dialer {
            connector,
            headers: self.headers,
            subprotocols: self.subprotocols,
            handshake_timeout: self.handshake_timeout,
            config: self.config,
            #[cfg(feature = "deflate")]
            compression: self.compression,
        }
    }

    /// Does the opening handshake alone, over a transport that the caller opened.
    ///
    /// The scheme of the URL does not matter here: TLS, where it is wanted, is part of the transport.
    ///
    /// # Errors
    ///
    /// As for [`dial`](Self::dial), except for the steps before HTTP.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn handshake<S>(
        &self,
        request: impl IntoDialRequest,
        io: S,
    ) -> Result<(Conn<S>, Response<()>), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let opening = Opening::new(self, request)?;
        let deadline = self.deadline();
        let Opening { request, key, target } = opening;
        let answer = phase::bounded(deadline, Phase::Http, exchange(io, request)).await;
        self.finish(answer, &key, deadline).await.map_err(|error| error.with_target(target.name()))
    }

    fn deadline(&self) -> Option<Instant> {
        // A timeout that the clock cannot hold is none.
        self.handshake_timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Makes a connection of an answer, or an error.
    async fn finish<S>(
        &self,
        answer: Result<Answer<S>, DialError>,
        key: &HeaderValue,
        deadline: Option<Instant>,
    ) -> Result<(Conn<S>, Response<()>), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (io, read_buf, response) = match answer? {
            Answer::Switched(io, read_buf, response) => (io, read_buf, response),
            Answer::Refused(refused) => {
                let response = refused.read(deadline).await;
                let kind = DialErrorKind::Refused(response.status());
                return Err(DialError::from(kind).with_response(response));
            }
        };
        let config = self.config.clone();
        #[cfg(feature = "deflate")]
        let config = match &self.compression {
            Some(deflate) => config.compression(deflate.clone()),
            None => config,
        };
        match self.offer().check(response.status(), response.headers(), key) {
            Ok(negotiated) => {
                let conn = Conn::with_read_buf(io, Role::Client, config, negotiated, read_buf);
                Ok((conn, response))
            }
            Err(error) => Err(DialError::from(DialErrorKind::Handshake(error))
                .with_response(response.map(|()| bytes::Bytes::new()))),
        }
    }

    /// What every opening handshake offers.
    pub(crate) fn offer(&self) -> Offer<'_, String> {
        let offer = Offer::new(&self.subprotocols);
        #[cfg(feature = "deflate")]
        let offer = offer.with_deflate(self.compression.as_ref());
        offer
    }
}

impl<C> Dialer<C>
where
    C: Service<Uri> + Clone,
    C::Response: AsyncRead + AsyncWrite + Unpin,
    C::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    /// Opens a connection.
    ///
    /// Returns with the connection and the response of the server, whose headers may hold cookies and the like.
    /// Frames that came with the response are kept and read first. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// [`DialError::kind`] says what failed: the request, name resolution, TCP, the proxy, TLS, HTTP, the server's
    /// answer, or the [time](Self::handshake_timeout) it took. When the server answered with another status than 101,
    /// [`DialError::response`] has its headers and the first 1,024 bytes of its body.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened.
    pub async fn dial(
        &self,
        request: impl IntoDialRequest,
    ) -> Result<(Conn<C::Response>, Response<()>), DialError> {
        let Opening { request, key, target } = Opening::new(self, request)?;
        let deadline = self.deadline();
        let mut connector = self.connector.clone();
        let endpoint = target.endpoint.clone();
        let answer = phase::bounded(deadline, Phase::Connect, async move {
            let io = connect(&mut connector, endpoint)
                .await
                .map_err(|error| DialError::connector(phase::current(), error))?;
            phase::enter(Phase::Http);
            exchange(io, request).await
        })
        .await;
        self.finish(answer, &key, deadline).await.map_err(|error| error.with_target(target.name()))
    }
}

async fn connect<C: Service<Uri>>(connector: &mut C, endpoint: Uri) -> Result<C::Response, C::Error> {
    std::future::poll_fn(|cx| connector.poll_ready(cx)).await?;
    connector.call(endpoint).await
}

impl<C: fmt::Debug> fmt::Debug for Dialer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("connector", &self.connector)
            // Their values are often secret.
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("subprotocols", &self.subprotocols)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Long enough for a slow network, short enough to be noticed.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
