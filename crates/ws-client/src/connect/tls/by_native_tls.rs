//! TLS by native-tls: by the library that comes with the system.

use std::{
    io,
    sync::{Arc, OnceLock},
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
pub(crate) struct NativeTls(Option<Arc<Lazy>>);

/// A connector is made at the first dial: OpenSSL reads the certificates of the system for it, and a builder can fail.
struct Lazy {
    builder: TlsConnectorBuilder,
    connector: OnceLock<TlsConnector>,
}

impl Lazy {
    fn new(mut builder: TlsConnectorBuilder) -> Self {
        builder.request_alpns(&[HTTP_1_1]);
        Self { builder, connector: OnceLock::new() }
    }
}

impl NativeTls {
    pub(super) fn with_builder(builder: TlsConnectorBuilder) -> Self {
        Self(Some(Arc::new(Lazy::new(builder))))
    }

    pub(super) async fn prepare(&self, host: &str) -> io::Result<Prepared> {
        Ok(Prepared { connector: self.connector().await?, host: host.to_owned() })
    }

    /// A failure is not kept.
    async fn connector(&self) -> io::Result<TlsConnector> {
        static DEFAULT: OnceLock<Arc<Lazy>> = OnceLock::new();

        let lazy = self
            .0
            .as_ref()
            .unwrap_or_else(|| DEFAULT.get_or_init(|| Arc::new(Lazy::new(TlsConnector::builder()))));
        if let Some(connector) = lazy.connector.get() {
            return Ok(connector.clone());
        }
        let shared = Arc::clone(lazy);
        let connector = task::spawn_blocking(move || shared.builder.build())
            .await
            .map_err(io::Error::other)?
            .map_err(|error| TlsFailure::new(TlsError::Configuration, error))?;
        Ok(lazy.connector.get_or_init(|| connector).clone())
    }
}

/// All that a TLS handshake needs but its transport.
pub(crate) struct Prepared {
    connector: TlsConnector,
    host: String,
}

impl Prepared {
    pub(super) async fn handshake(self, transport: Transport) -> io::Result<TlsStream<Transport>> {
        let stream = tokio_native_tls::TlsConnector::from(self.connector)
            .connect(&self.host, transport)
            .await
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        // 7301, 3.2: a server chooses one of what was offered, or none. Not every library holds it to that.
        match stream.get_ref().negotiated_alpn() {
            Ok(Some(protocol)) if protocol != HTTP_1_1.as_bytes() => {
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

const HTTP_1_1: &str = "http/1.1";
