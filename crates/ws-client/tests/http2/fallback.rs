//! `wss://`: what ALPN chooses, and servers that have WebSockets over HTTP/1.1 alone.
#![cfg(feature = "rustls")]

use std::sync::Arc;

use h2::Reason;
use http::Version;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use ws_client::{DialErrorKind, Dialer, Http2Dialer, Http2Error};

use crate::{
    server::{Server, builder, within},
    support::accept_handshake,
};

/// A server of TLS that takes one connection after the other.
struct Host {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    client: ClientConfig,
    #[cfg_attr(
        not(feature = "native-tls"),
        expect(dead_code, reason = "rustls has it in its configuration")
    )]
    certificate: CertificateDer<'static>,
}

impl Host {
    async fn new(alpn: &[&str]) -> Self {
        let provider = Arc::new(ring::default_provider());
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        server.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let certificate = cert.der().clone();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(server)), client, certificate }
    }

    fn dialer(&self) -> Http2Dialer {
        Dialer::new().tls_config(Arc::new(self.client.clone())).http2()
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}/chat", self.listener.local_addr().unwrap().port())
    }

    /// The next connection, and what it speaks.
    async fn accept(&self) -> (TlsStream<TcpStream>, Vec<u8>) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let stream = self.acceptor.accept(stream).await.unwrap();
        let alpn = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
        (stream, alpn)
    }

    /// The next connection, which must be one of HTTP/1.1 and open a WebSocket.
    async fn accept_http1(&self) -> TlsStream<TcpStream> {
        let (mut stream, alpn) = self.accept().await;
        assert_eq!(alpn, b"http/1.1");
        let head = accept_handshake(&mut stream, "").await;
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        stream
    }
}

fn kind(error: Http2Error) -> DialErrorKind {
    DialErrorKind::Http2(error)
}

#[tokio::test]
async fn http2_is_preferred_and_shared() {
    let host = Host::new(&["h2", "http/1.1"]).await;
    let dialer = host.dialer();
    let script = async {
        let (stream, alpn) = host.accept().await;
        assert_eq!(alpn, b"h2");
        let mut server = Server::new(stream, builder());
        let asked = server.asked().await;
        assert_eq!(asked.request.uri().scheme_str(), Some("https"));
        (asked.accept(), server)
    };
    let url = host.url();
    let (dialed, (_accepted, mut server)) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    let (conn, response) = dialed.unwrap();
    assert_eq!((conn.get_ref().version(), response.version()), (Version::HTTP_2, Version::HTTP_2));
    assert!(conn.get_ref().http1().is_none());
    let (dialed, _accepted) = within(async { tokio::join!(dialer.dial(&url), server.accept()) }).await;
    dialed.unwrap();
}

#[cfg(feature = "proxy")]
#[tokio::test]
async fn http2_goes_through_proxies() {
    use tokio::io::AsyncWriteExt;

    let host = Host::new(&["h2", "http/1.1"]).await;
    let proxy = ws_client::Proxy::new(&format!("http://{}", host.listener.local_addr().unwrap())).unwrap();
    let dialer = Dialer::new().tls_config(Arc::new(host.client.clone())).proxy(proxy).http2();
    let script = async {
        // The proxy is the server as well.
        let (mut stream, _) = host.listener.accept().await.unwrap();
        let head = crate::support::read_head(&mut stream).await;
        assert!(head.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut server = Server::new(host.acceptor.accept(stream).await.unwrap(), builder());
        (server.accept().await, server)
    };
    let (dialed, (_accepted, mut server)) =
        within(async { tokio::join!(dialer.dial("wss://localhost/chat"), script) }).await;
    assert_eq!(dialed.unwrap().0.get_ref().version(), Version::HTTP_2);
    let (dialed, _accepted) =
        within(async { tokio::join!(dialer.dial("wss://localhost/news"), server.accept()) }).await;
    dialed.unwrap();
}

#[cfg(feature = "native-tls")]
#[tokio::test]
async fn native_tls_offers_both_versions_too() {
    for (alpn, version) in [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"], Version::HTTP_11)] {
        let host = Host::new(alpn).await;
        let mut builder = native_tls::TlsConnector::builder();
        builder.add_root_certificate(native_tls::Certificate::from_der(&host.certificate).unwrap());
        let dialer = Dialer::new().native_tls(builder);
        let (shared, url) = (dialer.clone().http2(), host.url());
        let script = async {
            let (mut stream, alpn) = host.accept().await;
            if alpn == b"h2" {
                let mut server = Server::new(stream, crate::server::builder());
                let accepted = server.accept().await;
                return (Some((server, accepted)), None);
            }
            accept_handshake(&mut stream, "").await;
            (None, Some(stream))
        };
        let (dialed, _kept) = within(async { tokio::join!(shared.dial(&url), script) }).await;
        assert_eq!(dialed.unwrap().0.get_ref().version(), version);
        // The dialer that it was made of has its own.
        let (dialed, _kept) = within(async { tokio::join!(dialer.dial(&url), host.accept_http1()) }).await;
        dialed.unwrap();
    }
}

#[tokio::test]
async fn http1_that_the_server_chose_is_spoken_on_the_same_transport() {
    for alpn in [&["http/1.1"][..], &[]] {
        let host = Host::new(alpn).await;
        let dialer = host.dialer();
        let (url, script) = (host.url(), async {
            let (mut stream, _) = host.accept().await;
            accept_handshake(&mut stream, "").await;
            stream
        });
        let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
        let conn = dialed.unwrap().0;
        assert_eq!(conn.get_ref().version(), Version::HTTP_11);
        assert!(conn.get_ref().http1().unwrap().tls_connection().is_some());
    }
}

#[tokio::test]
async fn dials_at_the_same_time_all_go_over_http1_when_the_server_chose_it() {
    let host = Host::new(&["http/1.1"]).await;
    let (dialer, url) = (host.dialer(), host.url());
    let script = async { (host.accept_http1().await, host.accept_http1().await, host.accept_http1().await) };
    let (one, two, three, _streams) =
        within(async { tokio::join!(dialer.dial(&url), dialer.dial(&url), dialer.dial(&url), script) }).await;
    for dialed in [one, two, three] {
        assert_eq!(dialed.unwrap().0.get_ref().version(), Version::HTTP_11);
    }
}

#[tokio::test]
async fn server_without_the_setting_is_spoken_to_in_http1_from_then_on() {
    let host = Host::new(&["h2", "http/1.1"]).await;
    let (dialer, url) = (host.dialer(), host.url());
    let script = async {
        let (stream, alpn) = host.accept().await;
        assert_eq!(alpn, b"h2");
        let _server = Server::new(stream, h2::server::Builder::new());
        host.accept_http1().await
    };
    let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    assert_eq!(dialed.unwrap().0.get_ref().version(), Version::HTTP_11);
    // It is not asked again.
    let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), host.accept_http1()) }).await;
    dialed.unwrap();
}

#[tokio::test]
async fn server_that_wants_http1_for_the_websocket_is_given_it() {
    let host = Host::new(&["h2", "http/1.1"]).await;
    let (dialer, url) = (host.dialer(), host.url());
    let script = async {
        let (stream, _) = host.accept().await;
        let mut server = Server::new(stream, builder());
        server.asked().await.reset(Reason::HTTP_1_1_REQUIRED);
        (host.accept_http1().await, server)
    };
    let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    dialed.unwrap();
}

#[tokio::test]
async fn without_fallback_the_server_must_choose_http2() {
    let host = Host::new(&["http/1.1"]).await;
    let (dialer, url) = (host.dialer().fallback(false), host.url());
    let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), host.accept()) }).await;
    let error = dialed.unwrap_err();
    assert_eq!(error.kind(), &kind(Http2Error::NotNegotiated));
    assert!(error.to_string().starts_with("localhost:"), "{error}");
}

#[tokio::test]
async fn without_fallback_the_server_must_have_the_setting() {
    let host = Host::new(&["h2", "http/1.1"]).await;
    let (dialer, url) = (host.dialer().fallback(false), host.url());
    // It is asked each time: a server may learn.
    for _ in 0..2 {
        let script = async { Server::new(host.accept().await.0, h2::server::Builder::new()) };
        let (dialed, _server) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
        assert_eq!(dialed.unwrap_err().kind(), &kind(Http2Error::NoExtendedConnect));
    }
    let script = async {
        let mut server = Server::new(host.accept().await.0, builder());
        (server.accept().await, server)
    };
    let (dialed, _server) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    dialed.unwrap();
}

#[tokio::test]
async fn ws_is_spoken_in_http1_unless_http2_is_known() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (dialer, url) = (Dialer::new().http2(), format!("ws://{}/", listener.local_addr().unwrap()));
    let script = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        accept_handshake(&mut stream, "").await;
        stream
    };
    let (dialed, _stream) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    assert_eq!(dialed.unwrap().0.get_ref().version(), Version::HTTP_11);
}

#[tokio::test]
async fn certificate_that_is_not_trusted_is_a_tls_error() {
    let host = Host::new(&["h2"]).await;
    let dialer = Dialer::new().http2();
    let url = host.url();
    let script = async {
        let (stream, _) = host.listener.accept().await.unwrap();
        assert!(host.acceptor.accept(stream).await.is_err());
    };
    let (dialed, ()) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    assert!(matches!(dialed.unwrap_err().kind(), DialErrorKind::Tls(_)));
}
