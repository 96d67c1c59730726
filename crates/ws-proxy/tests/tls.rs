//! TLS to backends, and a certificate of the proxy's own.
#![cfg(feature = "rustls")]

mod support;

use std::{net::SocketAddr, sync::Arc};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;
use ws_client::Dialer;
use ws_proxy::{Backends, Proxy};

use support::{ask, handshake, open, read_head, serve, switching};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn issue(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

/// A backend that asks for a certificate, accepts handshakes, and says one thing.
async fn asking(authority: &Authority) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let (certificate, key) = authority.issue("localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let head = read_head(&mut stream).await;
                let answer = [switching(&head, "").as_bytes(), b"\x81\x02hi\x88\x02\x03\xE8"].concat();
                stream.write_all(&answer).await.unwrap();
                let _ = stream.shutdown().await;
            });
        }
    });
    addr
}

#[tokio::test]
async fn backend_is_verified_and_verifies_the_proxy() {
    let authority = Authority::new();
    let backend = asking(&authority).await;
    let (certificate, key) = authority.issue("proxy");
    let to = |dialer: Dialer| {
        let backends = Backends::fixed(format!("wss://localhost:{}", backend.port())).unwrap();
        serve(open(Proxy::new(backends)).dialer(dialer))
    };
    let good = Dialer::new().only_roots([authority.root()]).client_certificate([certificate], key);
    let (mut client, head) = ask(to(good).await, handshake("/", "")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(support::rest(&mut client).await, b"\x81\x02hi\x88\x02\x03\xE8");

    for bad in
        [Dialer::new().only_roots([authority.root()]), Dialer::new().only_roots([Authority::new().root()])]
    {
        let (_client, head) = ask(to(bad).await, handshake("/", "")).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    }
}
