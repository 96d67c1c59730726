//! TLS by tokio-rustls under hyper-util's server: what is taken out of its boxes, and what goes over the wire.
#![cfg(feature = "rustls")]

mod support;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use support::{BINARY, Handshake, TEXT, masked, within};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinError,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};
use ws_core::{Conn, Message};
use ws_tower::{Upgraded, Upgrader};

/// The two ends of a trust: a certificate that signs itself, and a client that knows it.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = rcgen::generate_simple_self_signed(["server.example".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a configuration");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// How a server serves a TLS stream.
#[derive(Clone, Copy)]
enum By {
    Hyper,
    HyperUtil,
}

/// Serves connections that are handed to the test.
async fn serve(by: By) -> (SocketAddr, Arc<ClientConfig>, mpsc::UnboundedReceiver<Conn<Upgraded>>) {
    let (server, client) = configs();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let addr = listener.local_addr().expect("an address");
    let (send, conns) = mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |conn| async move {
        send.send(conn).ok();
    });
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let tls = TlsAcceptor::from(server.clone()).accept(tcp).await.expect("TLS");
            let (io, service) = (TokioIo::new(tls), TowerToHyperService::new(service.clone()));
            tokio::spawn(async move {
                match by {
                    By::Hyper => {
                        http1::Builder::new().serve_connection(io, service).with_upgrades().await.ok();
                    }
                    By::HyperUtil => {
                        let server = auto::Builder::new(TokioExecutor::new());
                        server.serve_connection_with_upgrades(io, service).await.ok();
                    }
                }
            });
        }
    });
    (addr, client, conns)
}

/// A TCP stream that keeps a copy of what it reads.
struct Tapped {
    tcp: TcpStream,
    read: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.read.lock().expect("not poisoned").extend_from_slice(&buf.filled()[before..]);
        result
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// Connects, and sends a handshake with bytes right behind it. Reads the head of the answer.
async fn open(addr: SocketAddr, config: Arc<ClientConfig>, behind: &[u8]) -> TlsStream<Tapped> {
    let tcp = within(TcpStream::connect(addr)).await.expect("connected");
    let tapped = Tapped { tcp, read: Arc::default() };
    let name = ServerName::try_from("server.example").expect("a name");
    let mut tls = within(TlsConnector::from(config).connect(name, tapped)).await.expect("TLS");
    let mut bytes = Handshake::new("/ws").bytes();
    bytes.extend(behind);
    within(tls.write_all(&bytes)).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(tls.read_u8()).await.expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    tls
}

#[tokio::test]
async fn tls_stream_is_taken_out_of_its_boxes() {
    for by in [By::Hyper, By::HyperUtil] {
        let (addr, client, mut conns) = serve(by).await;
        let tls = open(addr, client, b"").await;
        let conn = within(conns.recv()).await.expect("a connection");
        let transport = conn.get_ref();
        let (tcp, session) = transport.tls().expect("the TLS stream").get_ref();
        assert!(tcp.nodelay().expect("an open socket"));
        assert_eq!(session.server_name(), Some("server.example"));
        assert_eq!(transport.peer_addr(), tls.get_ref().0.tcp.local_addr().ok());
        assert_eq!(transport.local_addr(), Some(addr));
        assert!(transport.tcp().is_none(), "its bytes are ciphertext");
    }
}

#[tokio::test]
async fn bytes_behind_the_request_are_the_first_messages() {
    for by in [By::Hyper, By::HyperUtil] {
        let (addr, client, mut conns) = serve(by).await;
        let _tls = open(addr, client, &masked(TEXT, b"early")).await;
        let mut conn = within(conns.recv()).await.expect("a connection");
        let message = within(conn.read_message()).await.expect("no error");
        assert_eq!(message, Some(Message::from("early")));
    }
}

/// The lengths of the records with application data (RFC 8446, 5.1).
fn records(bytes: &[u8]) -> Vec<usize> {
    let (mut lengths, mut rest) = (Vec::new(), bytes);
    while let [kind, _, _, high, low, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind == 23 {
            lengths.push(length);
        }
        rest = body.get(length..).unwrap_or_default();
    }
    lengths
}

#[tokio::test]
async fn header_and_payload_leave_in_one_record() {
    // What TLS 1.3 adds: the type of the content and a tag.
    const OVERHEAD: usize = 17;
    let (addr, client, mut conns) = serve(By::HyperUtil).await;
    let mut tls = open(addr, client, b"").await;
    let mut conn = within(conns.recv()).await.expect("a connection");
    for len in [20, 1000, 12_000] {
        let tap = tls.get_ref().0.read.clone();
        tap.lock().expect("not poisoned").clear();
        within(conn.write_message(Message::Binary(vec![7; len].into()))).await.expect("written");
        let header = if len < 126 { 2 } else { 4 };
        let mut frame = vec![0; header + len];
        within(tls.read_exact(&mut frame)).await.expect("a frame");
        assert_eq!(frame[0], 0x80 | BINARY);
        assert_eq!(records(&tap.lock().expect("not poisoned")), [header + len + OVERHEAD]);
    }
}

#[tokio::test]
async fn large_messages_and_the_closing_handshake_go_through() {
    let (addr, client, mut conns) = serve(By::HyperUtil).await;
    let mut tls = open(addr, client, b"").await;
    let mut conn = within(conns.recv()).await.expect("a connection");
    let server = tokio::spawn(async move {
        conn.write_message(Message::Binary(vec![7; 1 << 20].into())).await?;
        conn.close(None).await
    });
    let mut frame = vec![0; 10 + (1 << 20)];
    within(tls.read_exact(&mut frame)).await.expect("a frame");
    assert!(frame[10..].iter().all(|&byte| byte == 7));
    let mut close = [0; 2];
    within(tls.read_exact(&mut close)).await.expect("a close frame");
    within(tls.write_all(&masked(close[0] & 0x0F, b""))).await.expect("sent");
    within(server).await.expect("no panic").expect("closed");
    // With close_notify: without it this is an error.
    assert_eq!(within(tls.read(&mut close)).await.expect("the end"), 0);
}

#[tokio::test]
async fn handler_that_panics_sends_1011_and_ends_tls_cleanly() {
    let (addr, config, mut conns) = serve(By::HyperUtil).await;
    // More is on its way than anybody reads: closing the socket over it would reset the connection.
    let mut tls = open(addr, config, &masked(BINARY, &[7; 100]).repeat(1000)).await;
    let conn = within(conns.recv()).await.expect("a connection");
    let handler = tokio::spawn(async move {
        let _conn = conn;
        std::panic::resume_unwind(Box::new("a bug"))
    });
    let _: JoinError = within(handler).await.expect_err("it panics");
    let mut rest = Vec::new();
    // Without close_notify this is an error.
    within(tls.read_to_end(&mut rest)).await.expect("a clean end");
    assert_eq!(rest, [0x88, 2, 0x03, 0xF3]);
}
