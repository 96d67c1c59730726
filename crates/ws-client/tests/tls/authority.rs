//! Certificate authorities that only their own dialers trust, and servers with their certificates.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use ws_client::Dialer;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Other than the name that self-signed certificates have by default.
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(crate) fn root_store(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root()).unwrap();
        roots
    }

    /// A certificate for these names, and its key in PKCS #8.
    pub(crate) fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A server with a certificate for these names.
    pub(crate) fn server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| {})
    }

    pub(crate) fn server_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let (certificate, key) = self.sign(names, change);
        server_with(certificate.der().clone(), &key)
    }

    /// A server for `localhost` in one version of TLS, which asks for certificates of an authority if one is given.
    pub(crate) fn strict(
        &self,
        version: &'static SupportedProtocolVersion,
        clients: Option<&Self>,
    ) -> ServerConfig {
        let (certificate, key) = self.sign(&["localhost"], |_| {});
        server_config(&[version], clients, certificate.der().clone(), &key)
    }

    /// Dialers that trust nobody but this authority, one for each library.
    pub(crate) fn dialers(&self) -> Vec<Dialer> {
        vec![
            #[cfg(feature = "rustls")]
            Dialer::new().only_roots([self.root()]),
            #[cfg(feature = "native-tls")]
            Dialer::new().native_tls(self.native_tls()),
        ]
    }

    #[cfg(feature = "native-tls")]
    pub(crate) fn native_tls(&self) -> native_tls::TlsConnectorBuilder {
        let mut builder = native_tls::TlsConnector::builder();
        let root = native_tls::Certificate::from_der(&self.root()).unwrap();
        builder.disable_built_in_roots(true).add_root_certificate(root);
        builder
    }
}

pub(crate) fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn self_signed(names: &[&str]) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names).self_signed(&key).unwrap();
    server_with(certificate.der().clone(), &key)
}

pub(crate) fn server_with(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    server_config(rustls::ALL_VERSIONS, None, certificate, key)
}

fn server_config(
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Authority>,
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(authority.root_store());
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap(),
            )
        }
    };
    builder.with_single_cert(vec![certificate], private_key(key)).unwrap()
}

pub(crate) fn private_key(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.serialize_der().into())
}
