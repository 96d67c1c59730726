//! Certificates and keys, and the listeners that have them.

use std::{path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use crate::config::Listen;

/// What speaks TLS for a listener; `None` for one without.
pub(crate) fn acceptor(listen: &Listen) -> Result<Option<TlsAcceptor>, String> {
    let (certificate, key) = match (&listen.certificate, &listen.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(format!("{}: certificate and key belong together", listen.address)),
    };
    let wrong = |error: rustls::Error| format!("{}: {error}", certificate.display());
    // Named here and not the process's default, of which there may be none.
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate)?, private_key(key)?)
        .map_err(wrong)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config).into()))
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error| format!("{}: {error}", path.display());
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect();
    let read = read.map_err(wrong)?;
    if read.is_empty() { Err(format!("{}: there is no certificate in it", path.display())) } else { Ok(read) }
}

pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))
}
