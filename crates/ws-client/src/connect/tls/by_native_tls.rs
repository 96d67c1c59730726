//! TLS by native-tls: by the library that comes with the system.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use native_tls::{TlsConnector, TlsConnectorBuilder};
use tokio::task;
use tokio_native_tls::TlsStream;

use crate::{
    Transport,
    tls_error::{TlsError, TlsFailure},
};

/// native-tls as a builder of the caller's says, or with its defaults, which all that have them share.
#[derive(Clone, Default)]
pub(crate) struct NativeTls {
    lazy: Option<Arc<Lazy>>,
    offer: Offer,
}

/// What ALPN offers, the preferred one first.
#[derive(Clone, Copy, Default)]
enum Offer {
    #[default]
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

impl Offer {
    fn protocols(self) -> &'static [&'static str] {
        match self {
            Self::Http1 => &["http/1.1"],
            #[cfg(feature = "http2")]
            Self::Http2 => &["h2", "http/1.1"],
        }
    }
}

/// A connector is made at the first dial: OpenSSL reads the certificates of the system for it, and a builder can fail.
struct Lazy {
    /// It is not to be cloned, so one after the other is made of it.
    builder: Mutex<TlsConnectorBuilder>,
    http1: OnceLock<TlsConnector>,
    #[cfg(feature = "http2")]
    http2: OnceLock<TlsConnector>,
}

impl Lazy {
    fn new(builder: TlsConnectorBuilder) -> Self {
        Self {
            builder: Mutex::new(builder),
            http1: OnceLock::new(),
            #[cfg(feature = "http2")]
            http2: OnceLock::new(),
        }
    }

    fn connector(&self, offer: Offer) -> &OnceLock<TlsConnector> {
        match offer {
            Offer::Http1 => &self.http1,
            #[cfg(feature = "http2")]
            Offer::Http2 => &self.http2,
        }
    }

    fn build(&self, offer: Offer) -> native_tls::Result<TlsConnector> {
        let mut builder = self.builder.lock().unwrap_or_else(PoisonError::into_inner);
        builder.request_alpns(offer.protocols()).build()
    }
}

impl NativeTls {
    pub(super) fn with_builder(builder: TlsConnectorBuilder) -> Self {
        Self { lazy: Some(Arc::new(Lazy::new(builder))), ..Self::default() }
    }

    #[cfg(feature = "http2")]
    pub(super) fn offer_http2(self) -> Self {
        Self { offer: Offer::Http2, ..self }
    }

    pub(super) async fn prepare(&self, host: &str) -> io::Result<Prepared> {
        Ok(Prepared { connector: self.connector().await?, host: host.to_owned(), offer: self.offer })
    }

    /// A failure is not kept.
    async fn connector(&self) -> io::Result<TlsConnector> {
        static DEFAULT: OnceLock<Arc<Lazy>> = OnceLock::new();

        let (lazy, offer) = (self.lazy.as_ref(), self.offer);
        let lazy =
            lazy.unwrap_or_else(|| DEFAULT.get_or_init(|| Arc::new(Lazy::new(TlsConnector::builder()))));
        let cell = lazy.connector(offer);
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let shared = Arc::clone(lazy);
        let connector = task::spawn_blocking(move || shared.build(offer))
            .await
            .map_err(io::Error::other)?
            .map_err(|error| TlsFailure::new(TlsError::Configuration, error))?;
        Ok(cell.get_or_init(|| connector).clone())
    }
}

/// All that a TLS handshake needs but its transport.
pub(crate) struct Prepared {
    connector: TlsConnector,
    host: String,
    offer: Offer,
}

impl Prepared {
    pub(super) async fn handshake(self, transport: Transport) -> io::Result<TlsStream<Transport>> {
        let offered = self.offer.protocols();
        let stream = tokio_native_tls::TlsConnector::from(self.connector)
            .connect(&self.host, transport)
            .await
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        // 7301, 3.2: a server chooses one of what was offered, or none. Not every library holds it to that.
        match stream.get_ref().negotiated_alpn() {
            Ok(Some(protocol)) if !offered.iter().any(|name| name.as_bytes() == protocol) => {
                Err(TlsFailure::from(TlsError::Alpn).into())
            }
            _ => Ok(stream),
        }
    }
}

/// An error of the open stream, with its kind and its reason where the library's text has them.
pub(crate) fn stream_error(error: io::Error) -> io::Error {
    match TlsError::of_text(&error.to_string()) {
        Some(reason) if error.kind() == io::ErrorKind::Other => TlsFailure::new(reason, error).into(),
        _ => error,
    }
}
