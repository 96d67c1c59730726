//! [`Upgrader`]: the policy of a server, and the opening handshake that follows it.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

#[cfg(feature = "deflate")]
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, request::Parts};
use ws_core::{
    BufferPool, Config, Conn, Negotiated, Utf8Bytes,
    handshake::{self, Refusal},
};
#[cfg(feature = "deflate")]
use ws_core::{DeflateConfig, NegotiatedDeflate};

use crate::{
    CheckOrigin, OnUpgrade, ResponseBody, UpgradeService, Upgraded,
    rejection::{Cause, OnRejection, WebSocketUpgradeRejection},
    source::UpgradeSource,
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
/// | [`subprotocols`](Self::subprotocols) | none |
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s |
/// | [`config`](Self::config) | [`Config::new`]: 1 MiB a message |
/// | [`response_headers`](Self::response_headers) | none |
/// | [`compression`](Self::compression) | none |
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
    subprotocols: Vec<Utf8Bytes>,
    handshake_timeout: Option<Duration>,
    config: Config,
    response_headers: HeaderMap,
    on_rejection: Option<OnRejection>,
    #[cfg(feature = "deflate")]
    compression: Option<DeflateConfig>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            check_origin: CheckOrigin::default(),
            subprotocols: Vec::new(),
            handshake_timeout: Some(HANDSHAKE_TIMEOUT),
            config: Config::new(),
            response_headers: HeaderMap::new(),
            on_rejection: None,
            #[cfg(feature = "deflate")]
            compression: None,
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

    /// The subprotocols that the server speaks (RFC 6455, 1.9).
    ///
    /// Of those that the client offers, the first one that is among them is chosen; the client lists them by preference.
    /// Names are compared case-sensitively. When there is none in common, the handshake goes on without one, and
    /// the client may give up.
    pub fn subprotocols<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Utf8Bytes>,
    {
        let names = names.into_iter().map(Into::into).collect();
        self.set(|settings| settings.subprotocols = names)
    }

    /// How long the HTTP server may take from the accepted handshake to the upgraded connection: to get the response
    /// out, that is. 10 s unless set; `None` for any time.
    pub fn handshake_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        self.set(|settings| settings.handshake_timeout = timeout)
    }

    /// The settings of the connections: limits, buffers, timeouts. Replaces all of them.
    pub fn config(self, config: Config) -> Self {
        self.configure(|_| config)
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

    /// The size of the buffers that reads borrow, in bytes: [`Config::read_buffer_size`].
    ///
    /// Left at its default, a connection reads first into the buffer that the HTTP server is done with.
    pub fn read_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.read_buffer_size(size))
    }

    /// The size of the buffers that writes borrow, in bytes: [`Config::write_buffer_size`].
    pub fn write_buffer_size(self, size: usize) -> Self {
        self.configure(|config| config.write_buffer_size(size))
    }

    /// Where buffers come from and return to: [`Config::buffer_pool`].
    pub fn buffer_pool(self, pool: BufferPool) -> Self {
        self.configure(|config| config.buffer_pool(pool))
    }

    /// Headers to add to the response that accepts a handshake, such as `Set-Cookie`.
    ///
    /// Those that belong to the handshake are dropped: `Connection`, `Upgrade`, everything that begins with
    /// `Sec-WebSocket-`, and what would announce a body (`Content-Length`, `Trailer`, `Transfer-Encoding`).
    pub fn response_headers(self, headers: HeaderMap) -> Self {
        let mut kept = HeaderMap::with_capacity(headers.len());
        // Further values of a name come without it.
        let mut last = None;
        for (name, value) in headers {
            last = name.or(last);
            match &last {
                Some(name) if !handshake::is_reserved_response_header(name) => {
                    kept.append(name, value);
                }
                _ => {}
            }
        }
        self.set(|settings| settings.response_headers = kept)
    }

    /// Shapes the responses to refused handshakes: another body, more headers, a log line.
    ///
    /// The function is given the rejection and the response to it, and gives the response to send. It sees every refusal
    /// that is turned into a response, whichever way the policy is used. What it cannot take away is `Connection: close`.
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

    /// Checks a request and takes its pending upgrade.
    ///
    /// Of an accepted request only the upgrade is gone from its extensions; a refused one is left as it was.
    ///
    /// # Errors
    /// The reason for refusing the handshake, which is a response as well.
    pub fn upgrade<B>(&self, request: &mut Request<B>) -> Result<Accepted, WebSocketUpgradeRejection> {
        // The head is all that is checked, and `Parts` is how the rest of this crate, and functions of applications, see
        // it; moving it out and back costs a few words.
        let (mut parts, ()) = Request::new(()).into_parts();
        swap_head(&mut parts, request);
        let accepted = self.upgrade_parts(&mut parts);
        swap_head(&mut parts, request);
        accepted
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

    /// Runs all checks in their order: the request, the origin, the key, and whether there is an upgrade to be had.
    pub(crate) fn check(&self, request: &mut Parts) -> Result<Handshake, WebSocketUpgradeRejection> {
        let accept = self
            .check_head(request)
            .map_err(|cause| WebSocketUpgradeRejection::new(cause, self.0.on_rejection.clone()))?;
        let Some(source) = UpgradeSource::take(&mut request.extensions) else {
            let cause = Cause::Http1(Refusal::NotUpgradable);
            return Err(WebSocketUpgradeRejection::new(cause, self.0.on_rejection.clone()));
        };
        Ok(Handshake {
            upgrader: self.clone(),
            source,
            accept,
            subprotocol: handshake::select_subprotocol(&request.headers, &self.0.subprotocols),
            config: self.0.config.clone(),
            #[cfg(feature = "deflate")]
            compression: Agreed::on(&request.headers, self.0.compression.as_ref()),
        })
    }

    /// Checks what the request says, and gives the `Sec-WebSocket-Accept` to answer with.
    fn check_head(&self, request: &Parts) -> Result<HeaderValue, Cause> {
        let Parts { method, uri, version, headers, .. } = request;
        if *version > Version::HTTP_11 {
            // RFC 8441, 4: there a WebSocket is opened with CONNECT and `:protocol`.
            return Err(if method == Method::CONNECT { Cause::ProtocolNotSpoken } else { Cause::NotConnect });
        }
        handshake::check_request(method, *version, uri, headers).map_err(Cause::Http1)?;
        // A closure of the application may panic: the client gets an answer all the same, and nothing here is left half
        // done, as nothing was begun.
        let allowed = panic::catch_unwind(AssertUnwindSafe(|| self.0.check_origin.allows(request)));
        if !allowed.map_err(|_| Cause::CheckPanicked)? {
            return Err(Cause::Http1(Refusal::OriginNotAllowed));
        }
        handshake::check_key(headers).map_err(Cause::Http1)
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    fn configure(self, change: impl FnOnce(Config) -> Config) -> Self {
        self.set(|settings| settings.config = change(mem::take(&mut settings.config)))
    }
}

/// An accepted opening handshake: the response to send, and the connection that follows it.
#[derive(Debug)]
#[must_use = "the client waits for this response"]
#[non_exhaustive]
pub struct Accepted {
    /// 101 Switching Protocols. Send it as it is, with an empty body of any type.
    ///
    /// When another response is sent instead, drop [`conn`](Self::conn): hyper hands the transport over at the end of
    /// the HTTP connection, whatever was sent on it.
    pub response: Response<()>,
    /// The connection. Await it in a task of its own: it is there only after the response was sent.
    pub conn: OnUpgrade,
}

/// A handshake that passed all checks and waits to be accepted.
#[derive(Debug)]
pub(crate) struct Handshake {
    upgrader: Upgrader,
    source: UpgradeSource,
    accept: HeaderValue,
    pub(crate) subprotocol: Option<HeaderValue>,
    pub(crate) config: Config,
    #[cfg(feature = "deflate")]
    pub(crate) compression: Option<Agreed>,
}

/// What a client and a policy have in common of permessage-deflate.
#[cfg(feature = "deflate")]
#[derive(Debug)]
pub(crate) struct Agreed {
    deflate: DeflateConfig,
    negotiated: NegotiatedDeflate,
    response: HeaderValue,
}

#[cfg(feature = "deflate")]
impl Agreed {
    pub(crate) fn on(headers: &HeaderMap, deflate: Option<&DeflateConfig>) -> Option<Self> {
        let deflate = deflate?;
        let (negotiated, response) = handshake::negotiate_deflate(headers, deflate)?;
        Some(Self { deflate: deflate.clone(), negotiated, response })
    }
}

impl Handshake {
    pub(crate) fn accept(self) -> Accepted {
        let settings = &*self.upgrader.0;
        let mut negotiated = Negotiated::new();
        // Chosen by an application, it may be anything that fits in a header.
        if let Some(name) = self.subprotocol.as_ref().and_then(|name| name.to_str().ok()) {
            negotiated = negotiated.with_subprotocol(name);
        }
        let mut response = handshake::response(self.accept, self.subprotocol);
        let config = self.config;
        #[cfg(feature = "deflate")]
        let config = match self.compression {
            Some(Agreed { deflate, negotiated: parameters, response: accepted }) => {
                negotiated = negotiated.with_deflate(parameters);
                response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, accepted);
                config.compression(deflate)
            }
            None => config,
        };
        response
            .headers_mut()
            .extend(settings.response_headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conn = OnUpgrade::new(self.source, settings.handshake_timeout, config, negotiated);
        Accepted { response, conn }
    }
}

/// Exchanges everything but the body.
fn swap_head<B>(parts: &mut Parts, request: &mut Request<B>) {
    mem::swap(&mut parts.method, request.method_mut());
    mem::swap(&mut parts.uri, request.uri_mut());
    mem::swap(&mut parts.version, request.version_mut());
    mem::swap(&mut parts.headers, request.headers_mut());
    mem::swap(&mut parts.extensions, request.extensions_mut());
}

/// A server that is not overloaded gets a response out in milliseconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
