//! Opening transports: TCP, and TLS over it.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Uri,
    uri::{Parts, Scheme},
};
use tokio::io::AsyncWriteExt;
use tower_service::Service;

use crate::{Phase, Transport, phase, target::is_secure};

#[cfg(feature = "proxy")]
pub(crate) mod proxy;
mod tcp;
mod tls;

#[cfg(feature = "native-tls")]
pub(crate) use self::tls::stream_error;

/// Opens a [`Transport`] to the host of a URL: a `tower::Service<Uri>`.
///
/// Host names are resolved by the system. IPv6 and IPv4 addresses are raced (RFC 8305), an attempt gives up after 20
/// seconds shared by all addresses of the name (see [`connect_timeout`](Self::connect_timeout)), and `TCP_NODELAY` is set.
///
/// `wss` and `https` URLs get TLS by rustls with *ring*, whatever crypto provider the process has installed. The
/// certificate is checked by the platform's verifier unless its methods say otherwise; the platform's certificates are
/// read once for the process. With the feature `native-tls` and without `rustls` the system's TLS library does it, with
/// the system's roots. Without both such URLs are refused.
///
/// A [`Dialer`](crate::Dialer) takes any other service in its place that turns a `Uri` into a transport.
#[derive(Clone)]
pub struct Connector {
    tcp: tcp::Tcp,
    tls: tls::Tls,
    preamble: Bytes,
    #[cfg(feature = "proxy")]
    proxy: Option<std::sync::Arc<proxy::Proxy>>,
    #[cfg(feature = "proxy")]
    proxy_tls: tls::Tls,
}

impl Connector {
    /// A connector with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tcp: tcp::tcp(),
            tls: tls::Tls::default(),
            preamble: Bytes::new(),
            #[cfg(feature = "proxy")]
            proxy: None,
            #[cfg(feature = "proxy")]
            proxy_tls: tls::Tls::default(),
        }
    }

    /// How long opening a TCP connection may take, with all addresses of a name. 20 seconds unless set; `None` for as long as the
    /// system tries.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.tcp.connect_timeout(timeout.into());
        self
    }

    /// Bytes that are written to each TCP connection before anything else, TLS included, such as a header of the PROXY
    /// protocol. None by default.
    #[must_use]
    pub fn preamble(mut self, bytes: impl Into<Bytes>) -> Self {
        self.preamble = bytes.into();
        self
    }

    /// Goes through a proxy, or through the ones that a rule chooses. None by default.
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    #[must_use]
    pub fn proxy(mut self, proxy: proxy::Proxy) -> Self {
        self.proxy = Some(std::sync::Arc::new(proxy));
        self
    }

    /// Sets all about TLS with proxies whose URL is `https://`, in place of the platform's verifier.
    ///
    /// It has nothing to do with TLS with the server, which [`tls_config`](Self::tls_config) is about. The certificate
    /// is checked against the host in the proxy's URL. ALPN is replaced by `http/1.1` here too.
    #[cfg(all(feature = "proxy", feature = "rustls"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "proxy", feature = "rustls"))))]
    #[must_use]
    pub fn proxy_tls_config(mut self, config: std::sync::Arc<rustls::ClientConfig>) -> Self {
        self.proxy_tls = tls::Tls::with_config(config);
        self
    }

    /// Speaks TLS with proxies whose URL is `https://` by native-tls, with what this builder says.
    ///
    /// It has nothing to do with TLS with the server, which [`native_tls`](Self::native_tls) is about. ALPN is replaced by
    /// `http/1.1` here too.
    #[cfg(all(feature = "native-tls", feature = "proxy"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "native-tls", feature = "proxy"))))]
    #[must_use]
    pub fn proxy_native_tls(mut self, builder: native_tls::TlsConnectorBuilder) -> Self {
        self.proxy_tls = tls::Tls::with_builder(builder);
        self
    }

    /// Offers HTTP/2 by ALPN as well; [`Transport::is_http2`] tells whether the server chose it.
    #[cfg(feature = "http2")]
    pub(crate) fn offer_http2(self) -> Self {
        Self { tls: self.tls.offer_http2(), ..self }
    }

    async fn open(mut self, uri: Uri) -> io::Result<Transport> {
        let (uri, secure) = endpoint(uri)?;
        if !secure {
            return self.reach(uri).await.map(Transport::without_tls);
        }
        // Whatever stands against TLS is said before a socket is opened.
        phase::enter(Phase::Tls);
        let tls = self.tls.prepare(&uri).await?;
        let transport = self.reach(uri).await?;
        phase::enter(Phase::Tls);
        tls.handshake(transport).await
    }

    /// Opens a connection to the host, or a tunnel.
    async fn reach(&mut self, uri: Uri) -> io::Result<Transport> {
        #[cfg(feature = "proxy")]
        if let Some(proxy) = self.proxy.clone() {
            // Boxed, so that dials without a proxy hold no room for it.
            if let Some(tunnel) = Box::pin(self.tunnel(&proxy, &uri)).await? {
                return Ok(tunnel);
            }
        }
        let mut stream = self.tcp.open(uri).await?;
        stream.write_all(&self.preamble).await?;
        Ok(Transport::tcp(stream))
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Connector");
        #[cfg(feature = "proxy")]
        debug.field("proxy", &self.proxy);
        debug.finish_non_exhaustive()
    }
}

impl Service<Uri> for Connector {
    type Response = Transport;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        Connecting(Box::pin(self.clone().open(uri)))
    }
}

/// The [`Transport`] that a [`Connector`] is opening.
#[must_use = "futures do nothing unless polled"]
pub struct Connecting(Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>);

impl Future for Connecting {
    type Output = io::Result<Transport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").finish_non_exhaustive()
    }
}

/// The URL with the scheme that hyper-util knows default ports for, and whether it asks for TLS.
fn endpoint(uri: Uri) -> io::Result<(Uri, bool)> {
    let Some(secure) = is_secure(&uri) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the scheme is not ws, wss, http or https"));
    };
    let mut parts = Parts::from(uri);
    parts.scheme = Some(if secure { Scheme::HTTPS } else { Scheme::HTTP });
    let uri = Uri::from_parts(parts).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok((uri, secure))
}
