//! TLS by rustls, with a crypto provider and roots that are named here and never taken from the process.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use rustls_platform_verifier::Verifier;
use tokio::task;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    Transport,
    tls_error::{TlsError, TlsFailure},
};

/// rustls as the options say, or as a configuration of the caller's.
#[derive(Clone, Default)]
pub(crate) struct Rustls {
    options: Options,
    /// What was made of the options at the first dial: on Linux that reads a few hundred certificates from files, and
    /// sessions can only be resumed within one configuration. `None` for the one that all with the defaults share.
    config: Option<Arc<OnceLock<Arc<ClientConfig>>>>,
    /// Whether ALPN offers HTTP/2 before HTTP/1.1.
    #[cfg(feature = "http2")]
    http2: bool,
}

impl Rustls {
    pub(super) fn with_config(config: Arc<ClientConfig>) -> Self {
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = alpn();
        Self { config: Some(Arc::new(OnceLock::from(Arc::new(config)))), ..Self::default() }
    }

    pub(super) fn with_options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self.config = Some(Arc::default());
        self
    }

    #[cfg(feature = "http2")]
    pub(super) fn offer_http2(self) -> Self {
        Self { http2: true, ..self }
    }

    pub(super) async fn prepare(&self, host: &str) -> io::Result<Prepared> {
        let server = ServerName::try_from(host.to_owned())
            .map_err(|error| TlsFailure::new(TlsError::InvalidName, error))?;
        let config = self.config().await?;
        #[cfg(feature = "http2")]
        let config = if self.http2 { with_http2(config) } else { config };
        Ok(Prepared { connector: TlsConnector::from(config), server })
    }

    /// A failure is not kept.
    async fn config(&self) -> io::Result<Arc<ClientConfig>> {
        static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();

        let cell = self.config.as_deref().unwrap_or(&DEFAULT);
        if let Some(config) = cell.get() {
            return Ok(Arc::clone(config));
        }
        let options = self.options.clone();
        let config = task::spawn_blocking(move || options.build()).await.map_err(io::Error::other)??;
        Ok(Arc::clone(cell.get_or_init(|| Arc::new(config))))
    }
}

/// Whom to trust, and who we are.
#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) trusted: Trusted,
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) client: Option<Arc<ClientCertificate>>,
}

/// Whom to trust beside the roots that were given.
#[derive(Clone, Copy, Default)]
pub(super) enum Trusted {
    Nobody,
    #[default]
    Platform,
    #[cfg(feature = "webpki-roots")]
    Webpki,
}

pub(super) struct ClientCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Options {
    fn build(self) -> Result<ClientConfig, TlsFailure> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let mut store = RootCertStore::empty();
        for root in &self.roots {
            store.add(root.clone()).map_err(unusable)?;
        }
        let builder = match self.trusted {
            Trusted::Platform => {
                let verifier = platform(self.roots, provider)
                    .map_err(|error| TlsFailure::new(TlsError::NoRoots, error))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            #[cfg(feature = "webpki-roots")]
            Trusted::Webpki => {
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                builder.with_root_certificates(store)
            }
            Trusted::Nobody if store.is_empty() => return Err(TlsError::NoRoots.into()),
            Trusted::Nobody => builder.with_root_certificates(store),
        };
        let mut config = match self.client {
            None => builder.with_no_client_auth(),
            Some(client) => builder
                .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
                .map_err(unusable)?,
        };
        config.alpn_protocols = alpn();
        Ok(config)
    }
}

/// All that a TLS handshake needs but its transport.
pub(crate) struct Prepared {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Prepared {
    pub(super) async fn handshake(self, transport: Transport) -> io::Result<TlsStream<Transport>> {
        self.connector.connect(self.server, transport).await
    }
}

#[cfg(not(target_os = "android"))]
fn platform(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    Verifier::new_with_extra_roots(roots, provider)
}

/// Android asks its own verifier, which takes no more roots.
#[cfg(target_os = "android")]
fn platform(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    if roots.is_empty() {
        Verifier::new(provider)
    } else {
        Err(rustls::Error::General("Android takes no roots beside its own".into()))
    }
}

fn unusable(error: rustls::Error) -> TlsFailure {
    TlsFailure::new(TlsError::Configuration, error)
}

/// The same configuration, with the sessions that it knows.
#[cfg(feature = "http2")]
fn with_http2(config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols.insert(0, b"h2".to_vec());
    Arc::new(config)
}

/// Without it a server that prefers HTTP/2 may speak that, and the upgrade of HTTP/1.1 is all that is spoken here.
fn alpn() -> Vec<Vec<u8>> {
    vec![b"http/1.1".to_vec()]
}
