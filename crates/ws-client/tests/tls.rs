//! `wss://`: certificates that are accepted and refused, and what TLS agrees on.
#![cfg(feature = "rustls")]

mod support;

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    CertificateError, ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{io::AsyncReadExt, net::TcpStream, task::JoinHandle};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use ws_client::{DialError, DialErrorKind, Dialer, Message, Phase, TlsError, dial};

use support::{accept_handshake, serve};

/// A certificate authority that only its own dialers trust.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Other than the name that self-signed certificates have by default.
        params.distinguished_name.push(DnType::CommonName, "authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server with a certificate for these names.
    fn server(&self, names: &[&str]) -> ServerConfig {
        self.server_with(names, |_| {})
    }

    fn server_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        server_config(certificate.der().clone(), &key)
    }

    fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn dialer(&self) -> Dialer {
        Dialer::new().tls_config(Arc::new(self.client()))
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>()).unwrap()
}

fn self_signed(names: &[&str]) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    server_config(params(names).self_signed(&key).unwrap().der().clone(), &key)
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Accepts TLS and the opening handshake, greets, and hands over the stream.
async fn greet(config: ServerConfig) -> (SocketAddr, JoinHandle<Option<TlsStream<TcpStream>>>) {
    serve(|io| async move {
        let mut io = TlsAcceptor::from(Arc::new(config)).accept(io).await.ok()?;
        accept_handshake(&mut io, "").await;
        tokio::io::AsyncWriteExt::write_all(&mut io, b"\x81\x02hi").await.unwrap();
        tokio::io::AsyncWriteExt::flush(&mut io).await.unwrap();
        Some(io)
    })
    .await
}

/// Dials a server whose certificate must not be accepted.
async fn refused(dialer: &Dialer, server: ServerConfig, host: &str) -> DialError {
    let (addr, server) = greet(server).await;
    let error = dialer.dial(format!("wss://{host}:{}/", addr.port())).await.unwrap_err();
    assert!(matches!(error.kind(), DialErrorKind::Tls(_)), "{error:?}");
    assert!(server.await.unwrap().is_none(), "the server saw a handshake");
    error
}

/// What rustls has against the certificate.
fn objection(error: &DialError) -> &CertificateError {
    let mut source = error.source();
    while let Some(error) = source {
        // An `io::Error` shows the source of what it wraps, and not the wrapped error.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(rustls::Error::InvalidCertificate(error)) =
            inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref())
        {
            return error;
        }
        source = error.source();
    }
    panic!("{error:?}");
}

#[tokio::test]
async fn wss_reaches_a_server_of_a_trusted_authority() {
    let authority = Authority::new();
    let (addr, server) = greet(authority.server(&["localhost"])).await;
    let (mut conn, _) = authority.dialer().dial(format!("wss://localhost:{}/", addr.port())).await.unwrap();
    assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
    conn.write_message("hello").await.unwrap();
    let mut frame = [0; 11];
    server.await.unwrap().unwrap().read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[..2], [0x81, 0x85]);
    assert_eq!(conn.get_ref().peer_addr().unwrap(), addr);
    assert!(conn.get_ref().tls_connection().is_some());
}

#[tokio::test]
async fn address_in_the_certificate_is_accepted() {
    let authority = Authority::new();
    let (addr, _server) = greet(authority.server(&["127.0.0.1"])).await;
    authority.dialer().dial(format!("wss://{addr}/")).await.unwrap();
}

#[tokio::test]
async fn http_1_1_is_negotiated_even_if_the_configuration_prefers_http_2() {
    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = authority.client();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (addr, _server) = greet(server).await;
    let dialer = Dialer::new().tls_config(Arc::new(client));
    let (conn, _) = dialer.dial(format!("wss://localhost:{}/", addr.port())).await.unwrap();
    let tls = conn.get_ref().tls_connection().unwrap();
    assert_eq!(tls.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn server_that_speaks_http_2_only_is_a_tls_error() {
    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.alpn_protocols = vec![b"h2".to_vec()];
    refused(&authority.dialer(), server, "localhost").await;
}

#[tokio::test]
async fn certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    for names in [&["example.com"][..], &["*.localhost"], &["127.0.0.1"], &["localhost.example.com"]] {
        let error = refused(&authority.dialer(), authority.server(names), "localhost").await;
        let CertificateError::NotValidForNameContext { .. } = objection(&error) else {
            panic!("{names:?}: {error:?}");
        };
    }
}

#[tokio::test]
async fn certificate_without_the_address_is_refused() {
    let authority = Authority::new();
    let error = refused(&authority.dialer(), authority.server(&["localhost"]), "127.0.0.1").await;
    let CertificateError::NotValidForNameContext { .. } = objection(&error) else { panic!("{error:?}") };
}

#[tokio::test]
async fn expired_certificate_is_refused() {
    let authority = Authority::new();
    let server = authority.server_with(&["localhost"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let error = refused(&authority.dialer(), server, "localhost").await;
    let CertificateError::ExpiredContext { .. } = objection(&error) else { panic!("{error:?}") };
}

#[tokio::test]
async fn self_signed_certificate_is_refused() {
    let error = refused(&Authority::new().dialer(), self_signed(&["localhost"]), "localhost").await;
    assert_eq!(objection(&error), &CertificateError::UnknownIssuer);
}

#[tokio::test]
async fn certificate_of_another_authority_is_refused() {
    let server = Authority::new().server(&["localhost"]);
    let error = refused(&Authority::new().dialer(), server, "localhost").await;
    // Both authorities have the same name.
    assert_eq!(objection(&error), &CertificateError::BadSignature);
}

#[tokio::test]
async fn dialer_that_connected_once_goes_on_to_check_certificates() {
    let authority = Authority::new();
    let dialer = authority.dialer();
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    dialer.dial(format!("wss://localhost:{}/", addr.port())).await.unwrap();
    refused(&dialer, authority.server(&["example.com"]), "localhost").await;
    refused(&dialer, self_signed(&["localhost"]), "localhost").await;
}

#[tokio::test]
async fn platform_verifier_refuses_an_unknown_authority() {
    refused(&Dialer::new(), Authority::new().server(&["localhost"]), "localhost").await;
}

#[tokio::test]
async fn no_crypto_provider_of_the_process_is_needed_or_set() {
    let authority = Authority::new();
    let (addr, _server) = greet(authority.server(&["localhost"])).await;
    authority.dialer().dial(format!("wss://localhost:{}/", addr.port())).await.unwrap();
    refused(&Dialer::new(), authority.server(&["localhost"]), "localhost").await;
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn wss_to_a_server_without_tls_is_a_tls_error() {
    let (addr, _server) = serve(|mut io| async move {
        tokio::io::AsyncWriteExt::write_all(&mut io, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = io.read_to_end(&mut rest).await;
    })
    .await;
    let error =
        Authority::new().dialer().dial(format!("wss://localhost:{}/", addr.port())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Tls(TlsError::NotTls));
}

#[tokio::test]
async fn ws_to_a_server_with_tls_is_an_http_error_that_hints_at_wss() {
    let (addr, _server) = greet(Authority::new().server(&["localhost"])).await;
    let error = dial(format!("ws://localhost:{}/", addr.port())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Http);
    assert!(error.to_string().contains("wss://"), "{error}");
}

#[tokio::test]
async fn only_http_1_1_is_offered_by_alpn() {
    for dialer in [Dialer::new(), Authority::new().dialer()] {
        let (addr, server) = serve(|mut io| async move {
            let mut hello = Vec::new();
            io.read_to_end(&mut hello).await.unwrap();
            hello
        })
        .await;
        let dialer = dialer.handshake_timeout(Duration::from_millis(500));
        dialer.dial(format!("wss://localhost:{}/", addr.port())).await.unwrap_err();
        let hello = server.await.unwrap();
        // RFC 7301, 3.1: the length of the list, and each name with its length.
        assert!(hello.windows(11).any(|bytes| bytes == b"\x00\x09\x08http/1.1"), "{hello:?}");
    }
}

#[tokio::test]
async fn server_that_never_finishes_tls_is_given_up() {
    let (addr, server) = serve(|mut io| async move {
        let mut hello = Vec::new();
        io.read_to_end(&mut hello).await.unwrap();
        hello
    })
    .await;
    let dialer = Authority::new().dialer().handshake_timeout(Duration::from_millis(200));
    let error = dialer.dial(format!("wss://localhost:{}/", addr.port())).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Tls));
    let hello = server.await.unwrap();
    assert_eq!(hello.first(), Some(&0x16), "a TLS handshake record");
    assert!(!hello.windows(3).any(|bytes| bytes == b"GET"), "the request went out in the clear");
}
