//! The options of TLS.

use std::{error::Error, path::Path, sync::Arc};

use ws_client::{
    Dialer,
    rustls::{
        self, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
        WantsVerifier,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    },
};

use crate::{args::TlsArgs, status::Failure};

/// Sets what the options ask for, and leaves the rest to the dialer.
pub(crate) fn configure(mut dialer: Dialer, args: &TlsArgs) -> Result<Dialer, Failure> {
    if let Some(path) = &args.proxy_ca {
        let config = builder()?.with_root_certificates(roots(path)?).with_no_client_auth();
        dialer = dialer.proxy_tls_config(Arc::new(config));
    }
    let own = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => Some((certificates(cert)?, private_key(key)?)),
        _ => None,
    };
    if args.insecure {
        eprintln!("warning: with --insecure anybody on the way can read and change everything");
        return Ok(dialer.tls_config(Arc::new(trusting_anybody(own)?)));
    }
    if args.webpki_roots {
        dialer = dialer.webpki_roots();
    }
    if let Some(path) = &args.ca {
        dialer = dialer.only_roots(certificates(path)?);
    }
    if let Some((chain, key)) = own {
        dialer = dialer.client_certificate(chain, key);
    }
    Ok(dialer)
}

type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A configuration of rustls: the dialer has no option for it, so that nobody takes it by mistake.
fn trusting_anybody(own: Option<Own>) -> Result<ClientConfig, Failure> {
    let builder = builder()?;
    let verifier = Arc::new(AnyCertificate::new(builder.crypto_provider()));
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    match own {
        Some((chain, key)) => {
            builder.with_client_auth_cert(chain, key).map_err(file_error("--cert with --key"))
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Failure> {
    // Named here and not the process's default, of which there may be none.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(file_error("TLS"))
}

fn roots(path: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(file_error(&path.display().to_string()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let name = path.display().to_string();
    let certificates = CertificateDer::pem_file_iter(path).map_err(file_error(&name))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(file_error(&name))?;
    if certificates.is_empty() {
        return Err(Failure::Usage(format!("cannot use {name}: there is no certificate in PEM in it")));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(path).map_err(file_error(&path.display().to_string()))
}

fn file_error<E: Error>(name: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::Usage(format!("cannot use {name}: {}", crate::print::with_causes(&error)))
}

/// Takes any certificate; that the server has its key is checked nevertheless.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl AnyCertificate {
    fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
