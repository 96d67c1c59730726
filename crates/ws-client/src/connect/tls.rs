//! TLS by rustls, with a crypto provider and roots that are named here and never taken from the process.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use http::Uri;
use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::Transport;

/// How TLS is spoken: as configured, or with the platform's verifier.
#[derive(Clone, Default)]
pub(super) struct Tls(Option<Arc<ClientConfig>>);

impl Tls {
    pub(super) fn with_config(config: Arc<ClientConfig>) -> Self {
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = alpn();
        Self(Some(Arc::new(config)))
    }

    pub(super) async fn prepare(&self, uri: &Uri) -> io::Result<Prepared> {
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let server = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let config = match &self.0 {
            Some(config) => Arc::clone(config),
            None => platform().await?,
        };
        Ok(Prepared { connector: TlsConnector::from(config), server })
    }
}

/// All that a TLS handshake needs but its transport.
pub(super) struct Prepared {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Prepared {
    pub(super) async fn handshake(self, transport: Transport) -> io::Result<TlsStream<Transport>> {
        self.connector.connect(self.server, transport).await
    }
}

/// The configuration with the platform's verifier. It is built once for the process: on Linux that reads a few hundred
/// certificates from files, and sessions can only be resumed within one configuration. A failure is not kept.
async fn platform() -> io::Result<Arc<ClientConfig>> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();

    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = task::spawn_blocking(build).await.map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

fn build() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = alpn();
    Ok(config)
}

/// Without it a server that prefers HTTP/2 may speak that, and the upgrade of HTTP/1.1 is all that is spoken here.
fn alpn() -> Vec<Vec<u8>> {
    vec![b"http/1.1".to_vec()]
}
