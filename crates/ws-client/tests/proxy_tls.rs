//! TLS through proxies, and TLS with proxies: each end is held to its own name and its own roots.
#![cfg(all(feature = "proxy", feature = "rustls"))]

#[path = "support/authority.rs"]
mod authority;
mod support;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rcgen::date_time_ymd;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use ws_client::{DialError, DialErrorKind, Dialer, Message, Phase, Proxy, ProxyError, TlsError};

use authority::{Authority, self_signed};
use support::{accept_handshake, read_head, serve};

/// A proxy that lets every tunnel end in itself, in the manner that its URL asks for.
#[derive(Clone)]
enum Kind {
    Http,
    Https(Arc<ServerConfig>),
    #[cfg(feature = "socks")]
    Socks,
}

impl Kind {
    fn proxy(&self, addr: SocketAddr) -> Proxy {
        let port = addr.port();
        let url = match self {
            Self::Http => format!("http://127.0.0.1:{port}"),
            Self::Https(_) => format!("https://localhost:{port}"),
            #[cfg(feature = "socks")]
            Self::Socks => format!("socks5h://127.0.0.1:{port}"),
        };
        Proxy::new(&url).unwrap()
    }

    async fn accept(
        self,
        #[allow(unused_mut, reason = "SOCKS is spoken here")] mut io: TcpStream,
    ) -> Option<Box<dyn Stream>> {
        match self {
            Self::Http => Some(Box::new(connect(io).await)),
            Self::Https(config) => {
                let io = TlsAcceptor::from(config).accept(io).await.ok()?;
                Some(Box::new(connect(io).await))
            }
            #[cfg(feature = "socks")]
            Self::Socks => {
                io.read_exact(&mut [0; 3]).await.ok()?;
                io.write_all(&[5, 0]).await.unwrap();
                // A request for `server.example`.
                io.read_exact(&mut [0; 4 + 1 + 14 + 2]).await.ok()?;
                io.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                Some(Box::new(io))
            }
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect<S: Stream>(mut io: S) -> S {
    let head = read_head(&mut io).await;
    assert!(head.starts_with("CONNECT server.example:"), "{head}");
    io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    io.flush().await.unwrap();
    io
}

/// Every kind of proxy; those that speak TLS with a certificate of this authority.
fn kinds(authority: &Authority) -> Vec<Kind> {
    vec![
        Kind::Http,
        Kind::Https(authority.server(&["localhost"])),
        #[cfg(feature = "socks")]
        Kind::Socks,
    ]
}

/// A proxy with a server behind it, which has TLS if there is a configuration, and greets. Whether each was heard out.
async fn greet(kind: &Kind, server: Option<Arc<ServerConfig>>) -> (SocketAddr, JoinHandle<(bool, bool)>) {
    let kind = kind.clone();
    serve(move |io| async move {
        let Some(mut io) = kind.accept(io).await else { return (false, false) };
        if let Some(server) = server {
            match TlsAcceptor::from(server).accept(io).await {
                Ok(tls) => io = Box::new(tls),
                Err(_) => return (true, false),
            }
        }
        accept_handshake(&mut io, "").await;
        io.write_all(b"\x81\x02hi").await.unwrap();
        io.flush().await.unwrap();
        // A message of the client.
        (true, io.read_exact(&mut [0; 8]).await.is_ok())
    })
    .await
}

#[tokio::test]
async fn messages_go_both_ways_through_every_proxy_with_and_without_tls() {
    let (near, far) = (Authority::new(), Authority::new());
    for kind in kinds(&near) {
        for (url, server) in
            [("ws://server.example", None), ("wss://server.example", Some(far.server(&["server.example"])))]
        {
            let is_secure = server.is_some();
            let (addr, proxy) = greet(&kind, server).await;
            let dialer = Dialer::new()
                .proxy(kind.proxy(addr))
                .proxy_tls_config(near.client())
                .tls_config(far.client());
            let (mut conn, _) = dialer.dial(url).await.unwrap();
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("hi")));
            conn.write_message("ho").await.unwrap();
            assert_eq!(proxy.await.unwrap(), (true, true));
            // TLS with the proxy says nothing about the server.
            assert_eq!(conn.get_ref().tls_connection().is_some(), is_secure);
            assert_eq!(conn.get_ref().tcp_stream().peer_addr().unwrap(), addr);
        }
    }
}

/// Dials a server behind a proxy, and expects one of the two to be refused.
async fn refused(
    kind: &Kind,
    near: &Authority,
    far: &Authority,
    server: Arc<ServerConfig>,
) -> (DialError, bool) {
    let (addr, proxy) = greet(kind, Some(server)).await;
    let dialer =
        Dialer::new().proxy(kind.proxy(addr)).proxy_tls_config(near.client()).tls_config(far.client());
    let error = dialer.dial("wss://server.example/").await.unwrap_err();
    let (proxy, server) = proxy.await.unwrap();
    assert!(!server, "the server saw a handshake");
    assert!(error.to_string().contains(&format!(":{}", addr.port())), "{error} does not name the proxy");
    (error, proxy)
}

// Shows TLS-2.
#[tokio::test]
async fn certificates_of_the_server_are_checked_through_every_proxy() {
    let (near, far) = (Authority::new(), Authority::new());
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    for kind in kinds(&near) {
        for (server, reason) in [
            // The name of the proxy is nothing to the server.
            (far.server(&["localhost", "127.0.0.1"]), TlsError::WrongName),
            (far.server(&["*.server.example", "example"]), TlsError::WrongName),
            (far.server_with(&["server.example"], expired), TlsError::Expired),
            (self_signed(&["server.example"]), TlsError::UnknownIssuer),
            // The roots for the proxy are none for the server. The two authorities have one name and two keys.
            (near.server(&["server.example"]), TlsError::BadSignature),
        ] {
            let (error, proxy) = refused(&kind, &near, &far, server).await;
            assert_eq!(error.kind(), &DialErrorKind::Tls(reason));
            assert!(proxy);
        }
    }
}

#[tokio::test]
async fn certificates_of_the_proxy_are_checked() {
    let (near, far) = (Authority::new(), Authority::new());
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    for (proxy, reason) in [
        (near.server(&["server.example"]), TlsError::WrongName),
        (near.server(&["127.0.0.1"]), TlsError::WrongName),
        (near.server_with(&["localhost"], expired), TlsError::Expired),
        (self_signed(&["localhost"]), TlsError::UnknownIssuer),
        (far.server(&["localhost"]), TlsError::BadSignature),
    ] {
        let (error, proxy) = refused(&Kind::Https(proxy), &near, &far, far.server(&["server.example"])).await;
        assert_eq!(error.kind(), &DialErrorKind::Proxy(ProxyError::Tls(reason)));
        assert!(!proxy, "the proxy was asked for a tunnel");
    }
}

#[tokio::test]
async fn proxy_is_verified_by_the_platform_unless_it_has_a_configuration_of_its_own() {
    let authority = Authority::new();
    let kind = Kind::Https(authority.server(&["localhost"]));
    let (addr, _proxy) = greet(&kind, None).await;
    let dialer = Dialer::new().proxy(kind.proxy(addr)).tls_config(authority.client());
    let error = dialer.dial("ws://server.example/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Proxy(ProxyError::Tls(TlsError::UnknownIssuer)));
    // Where the roots for the proxy go, as those of the dialer are for the server.
    assert!(error.to_string().contains("Dialer::proxy_tls_config"), "{error}");
}

#[cfg(feature = "native-tls")]
#[tokio::test]
async fn proxy_is_spoken_to_by_native_tls_with_roots_of_its_own() {
    let (near, far) = (Authority::new(), Authority::new());
    let kind = Kind::Https(near.server(&["localhost"]));
    let (addr, _proxy) = greet(&kind, Some(far.server(&["server.example"]))).await;
    let dialer = Dialer::new()
        .proxy(kind.proxy(addr))
        .proxy_native_tls(near.native_tls())
        .native_tls(far.native_tls());
    let (conn, _) = dialer.dial("wss://server.example/").await.unwrap();
    assert!(conn.get_ref().native_tls_stream().is_some());

    let kind = Kind::Https(far.server(&["localhost"]));
    let (error, asked) = {
        let (addr, proxy) = greet(&kind, None).await;
        let dialer = Dialer::new()
            .proxy(kind.proxy(addr))
            .proxy_native_tls(native_tls::TlsConnector::builder())
            .native_tls(far.native_tls());
        (dialer.dial("ws://server.example/").await.unwrap_err(), proxy.await.unwrap().0)
    };
    assert_eq!(error.kind(), &DialErrorKind::Proxy(ProxyError::Tls(TlsError::UnknownIssuer)));
    assert!(!asked, "the proxy was asked for a tunnel");
}

#[tokio::test]
async fn proxy_without_tls_is_a_tls_error() {
    let (addr, _proxy) = serve(|mut io| async move {
        io.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = io.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let proxy = Proxy::new(&format!("https://localhost:{}", addr.port())).unwrap();
    let error = Dialer::new().proxy(proxy).dial("ws://server.example/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Proxy(ProxyError::Tls(TlsError::NotTls)));
    // The scheme of the proxy, not the server's.
    assert!(error.to_string().contains("try http:// instead of https://"), "{error}");
}

#[tokio::test]
async fn http_1_1_is_all_that_the_proxy_is_offered() {
    let authority = Authority::new();
    let mut server = Arc::unwrap_or_clone(authority.server(&["localhost"]));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (addr, proxy) = serve(move |io| async move {
        let io = TlsAcceptor::from(Arc::new(server)).accept(io).await.unwrap();
        io.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    })
    .await;
    let mut client = Arc::unwrap_or_clone(authority.client());
    client.alpn_protocols = vec![b"h2".to_vec()];
    let proxy_url = format!("https://localhost:{}", addr.port());
    let dialer = Dialer::new().proxy(Proxy::new(&proxy_url).unwrap()).proxy_tls_config(Arc::new(client));
    dialer.dial("ws://server.example/").await.unwrap_err();
    assert_eq!(proxy.await.unwrap().unwrap(), b"http/1.1");
}

#[tokio::test]
async fn proxy_that_never_finishes_tls_is_given_up() {
    let (addr, proxy) = serve(|mut io| async move {
        let mut hello = Vec::new();
        io.read_to_end(&mut hello).await.unwrap();
        hello
    })
    .await;
    let proxy_url = format!("https://localhost:{}", addr.port());
    let dialer =
        Dialer::new().proxy(Proxy::new(&proxy_url).unwrap()).handshake_timeout(Duration::from_millis(300));
    let dialer = dialer.proxy_tls_config(Authority::new().client());
    let error = dialer.dial("ws://server.example/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Proxy));
    let hello = proxy.await.unwrap();
    assert_eq!(hello.first(), Some(&0x16), "a TLS handshake record");
    assert!(!hello.windows(7).any(|bytes| bytes == b"CONNECT"), "the request went out in the clear");
}

#[tokio::test]
async fn server_behind_a_proxy_that_never_finishes_tls_is_given_up() {
    let authority = Authority::new();
    for kind in kinds(&authority) {
        let accepting = kind.clone();
        let (addr, _proxy) = serve(move |io| async move {
            let mut io = accepting.accept(io).await.unwrap();
            let _ = io.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let dialer = Dialer::new()
            .proxy(kind.proxy(addr))
            .proxy_tls_config(authority.client())
            .tls_config(authority.client())
            .handshake_timeout(Duration::from_millis(500));
        let error = dialer.dial("wss://server.example/").await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Tls));
    }
}

// Shows TLS-2.
#[tokio::test]
async fn dialer_that_went_through_a_proxy_once_goes_on_to_check_certificates() {
    let (near, far) = (Authority::new(), Authority::new());
    let kind = Kind::Https(near.server(&["localhost"]));
    let (addr, _proxy) = greet(&kind, Some(far.server(&["server.example"]))).await;
    let (bad, _bad_proxy) = greet(&kind, Some(far.server(&["other.example"]))).await;
    let proxies = [kind.proxy(addr), kind.proxy(bad)];
    let dialer = Dialer::new()
        .proxy(Proxy::with(move |url| Ok(Some(proxies[usize::from(url.port_u16() == Some(8443))].clone()))))
        .proxy_tls_config(near.client())
        .tls_config(far.client());
    dialer.dial("wss://server.example/").await.unwrap();
    let error = dialer.dial("wss://server.example:8443/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Tls(TlsError::WrongName));
}
