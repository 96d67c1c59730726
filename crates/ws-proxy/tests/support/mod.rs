//! A proxy on loopback, backends behind it, and clients that write bytes by hand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{future::Future, net::SocketAddr, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tower::ServiceExt;
use ws_client::{Conn, Dialer, Transport};
use ws_proxy::{Access, Backends, Peer, Proxy};
use ws_tower::{CheckOrigin, Upgraded, Upgrader};

/// Bounds what must not hang, far beyond what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The handshake of RFC 6455, 1.3, and the lines that a test adds.
pub(crate) fn handshake(target: &str, more: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// What answers that key.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Serves a proxy, over HTTP/1.1 and HTTP/2.
pub(crate) async fn serve(proxy: Proxy) -> SocketAddr {
    serve_with(move || proxy.clone()).await
}

/// Serves whatever there is when a connection arrives.
pub(crate) async fn serve_with<S>(proxy: impl Fn() -> S + Send + 'static) -> SocketAddr
where
    S: tower::Service<
            http::Request<hyper::body::Incoming>,
            Response = http::Response<ws_proxy::ProxyBody>,
            Error = std::convert::Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let local = stream.local_addr().unwrap();
            let service = proxy().map_request(move |mut request: http::Request<_>| {
                request.extensions_mut().insert(Peer::new(peer).local(local));
                request
            });
            let server = http();
            tokio::spawn(async move {
                let service = TowerToHyperService::new(service);
                let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

/// A server of HTTP/1.1, and of HTTP/2 where that is spoken.
#[cfg_attr(not(feature = "http2"), expect(unused_mut, reason = "it is as it is"))]
fn http() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    #[cfg(feature = "http2")]
    ws_tower::http2::configure(&mut server);
    server
}

/// A proxy to one address, for pages of any origin.
pub(crate) fn proxy_to(backend: SocketAddr) -> Proxy {
    open(Proxy::new(Backends::fixed(format!("ws://{backend}")).unwrap()))
}

/// For pages of any origin; what does not end is not waited for.
pub(crate) fn open(proxy: Proxy) -> Proxy {
    let brief = Duration::from_millis(200);
    let dialer = Dialer::new().config(ws_core::Config::new().close_timeout(brief));
    proxy.upgrader(Upgrader::new().check_origin(CheckOrigin::Any).close_timeout(brief)).dialer(dialer)
}

/// A backend of ours.
pub(crate) async fn backend<H, F>(handler: H) -> SocketAddr
where
    H: FnOnce(Conn<Upgraded>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    backend_with(Upgrader::new().check_origin(CheckOrigin::Any), handler).await
}

pub(crate) async fn backend_with<H, F>(upgrader: Upgrader, handler: H) -> SocketAddr
where
    H: FnOnce(Conn<Upgraded>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let service = upgrader.service(handler);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            let server = http();
            tokio::spawn(async move {
                let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

/// Sends back whatever comes, until the end.
pub(crate) async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.queue_message(message).await.is_err() {
            return;
        }
    }
}

/// A backend that is a script, run for each connection; gives what it returns.
pub(crate) async fn scripted<F, T>(
    script: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, mpsc::UnboundedReceiver<T>)
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (script, sender) = (script(stream), sender.clone());
            tokio::spawn(async move {
                let _ = sender.send(script.await);
            });
        }
    });
    (addr, receiver)
}

/// Reads a head up to its blank line and not a byte further. What has ended by then is told as it is.
pub(crate) async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            match io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
    };
    timeout(PATIENCE, read).await.expect("the head has no end");
    String::from_utf8(head).unwrap()
}

/// The values of a header of a head, one a line.
pub(crate) fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// Accepts a handshake by hand, with more header lines; gives the request.
pub(crate) async fn accept(io: &mut TcpStream, more: &str) -> String {
    let head = read_head(io).await;
    io.write_all(switching(&head, more).as_bytes()).await.unwrap();
    head
}

pub(crate) fn switching(head: &str, more: &str) -> String {
    let key = fields(head, "sec-websocket-key")[0];
    let accept = ws_core::handshake::accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{more}\r\n",
        accept.to_str().unwrap()
    )
}

/// Sends bytes to a proxy and reads the head of the answer.
pub(crate) async fn ask(proxy: SocketAddr, bytes: impl AsRef<[u8]>) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    let head = read_head(&mut stream).await;
    (stream, head)
}

/// Reads all there is to come.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the connection has no end");
    rest
}

/// Dials through a proxy.
pub(crate) async fn dial(proxy: SocketAddr) -> Conn<Transport> {
    Dialer::new().dial(format!("ws://{proxy}/")).await.unwrap().0
}

/// A proxy that tells of its requests.
pub(crate) fn logged(proxy: Proxy) -> (Proxy, mpsc::UnboundedReceiver<Access>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (proxy.access_log(move |access| drop(sender.send(access.clone()))), receiver)
}

pub(crate) async fn next<T>(receiver: &mut mpsc::UnboundedReceiver<T>) -> T {
    timeout(PATIENCE, receiver.recv()).await.expect("nothing was told").expect("nobody tells any more")
}
