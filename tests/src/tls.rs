//! TLS for servers that only the clients of one test trust.

use std::{error::Error, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer,
};

/// A server with a certificate of its own for 127.0.0.1, and a client that trusts that one alone.
///
/// # Errors
/// When the certificate cannot be made.
pub fn pair() -> Result<(ServerConfig, ClientConfig), Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(ring::default_provider());
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((server, client))
}
