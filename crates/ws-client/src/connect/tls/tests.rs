//! Names that a certificate has and hosts that it is not for, also such as resolve to no address.

use std::sync::Arc;

use http::Uri;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::Tls;
use crate::{Connector, DialError, DialErrorKind, Phase, TlsError, Transport};

/// The outcome of TLS with a host whose certificate has this name, by each library, when the certificate is trusted.
async fn outcomes(name: &str, host: &str) -> Vec<Option<TlsError>> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = Uri::builder().scheme("https").authority(host).path_and_query("/").build().unwrap();
    let mut outcomes = Vec::new();
    for tls in trusting(certificate.der()) {
        let accept = async {
            let (tcp, _) = listener.accept().await.unwrap();
            let _ = acceptor(certificate.der(), &key).accept(tcp).await;
        };
        let connect = async {
            let prepared = tls.prepare(&uri).await.unwrap();
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            prepared.handshake(Transport::tcp(tcp)).await
        };
        let ((), connected) = tokio::join!(accept, connect);
        outcomes.push(match connected.map_err(|error| DialError::connector(Phase::Tls, error)) {
            Ok(_) => None,
            Err(error) => match error.kind() {
                DialErrorKind::Tls(reason) => Some(*reason),
                _ => panic!("{error:?}"),
            },
        });
    }
    outcomes
}

fn trusting(root: &CertificateDer<'static>) -> Vec<Tls> {
    vec![
        #[cfg(feature = "rustls")]
        Connector::new().only_roots([root.clone()]).tls,
        #[cfg(feature = "native-tls")]
        {
            let mut builder = native_tls::TlsConnector::builder();
            let root = native_tls::Certificate::from_der(root).unwrap();
            builder.disable_built_in_roots(true).add_root_certificate(root);
            Connector::new().native_tls(builder).tls
        },
    ]
}

fn acceptor(certificate: &CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn names_match_as_rfc_6125_says() {
    for (name, host) in [
        ("example.com", "example.com"),
        ("example.com", "EXAMPLE.com"),
        ("*.example.com", "a.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
    ] {
        for outcome in outcomes(name, host).await {
            assert_eq!(outcome, None, "{name} {host}");
        }
    }
}

// Shows TLS-2.
#[tokio::test]
async fn names_do_not_match_more_than_that() {
    for (name, host) in [
        ("example.com", "a.example.com"),
        ("a.example.com", "example.com"),
        ("example.com", "example.com.example.org"),
        ("example.com", "notexample.com"),
        // A wildcard stands for one label.
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("*.example.com", "a.example.org"),
        ("*.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "example.com"),
        ("::1", "[::2]"),
        ("::1", "127.0.0.1"),
    ] {
        for outcome in outcomes(name, host).await {
            assert_eq!(outcome, Some(TlsError::WrongName), "{name} {host}");
        }
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn host_that_no_certificate_can_have_is_refused_before_anything_is_sent() {
    let uri = Uri::try_from(format!("https://{}.example.com/", "a".repeat(64))).unwrap();
    let error = Tls::default().prepare(&uri).await.err().unwrap();
    let error = DialError::connector(Phase::Tls, error);
    assert_eq!(error.kind(), &DialErrorKind::Tls(TlsError::InvalidName));
}
