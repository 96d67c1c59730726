//! Listening, and serving what connects.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::{Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use ws_proxy::{Peer, ProxyBody, proxy_protocol, ws_tower};

use crate::{
    config::Listen,
    log::say,
    routes::{Common, Routes},
    tls,
};

/// A listener, and the certificate that it has at the time.
pub(crate) struct Listener {
    tcp: TcpListener,
    acceptor: Arc<RwLock<Option<TlsAcceptor>>>,
    proxy_protocol: bool,
    address: String,
}

impl Listener {
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, String> {
        let acceptor = Arc::new(RwLock::new(tls::acceptor(listen)?));
        let tcp = TcpListener::bind(&listen.address)
            .await
            .map_err(|error| format!("{}: {error}", listen.address))?;
        Ok(Self { tcp, acceptor, proxy_protocol: listen.proxy_protocol, address: listen.address.clone() })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What takes another certificate for it.
    pub(crate) fn certificate(&self) -> Certificate {
        Certificate { acceptor: Arc::clone(&self.acceptor), address: self.address.clone() }
    }

    /// Serves connections, for ever.
    pub(crate) async fn serve(self, routes: Routes) {
        let server = Server::new();
        loop {
            let (stream, peer) = match self.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => {
                    // Out of file descriptors, most likely: others are given back in a while.
                    say(format_args!("{}: {error}", self.address));
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let acceptor = self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone();
            let (routes, has_header, server) = (routes.clone(), self.proxy_protocol, server.clone());
            tokio::spawn(async move {
                // Whatever goes wrong here is the client's business.
                let _ = connection(stream, peer, has_header, acceptor, &server, routes).await;
            });
        }
    }
}

/// The certificate of a listener, which may be replaced.
pub(crate) struct Certificate {
    acceptor: Arc<RwLock<Option<TlsAcceptor>>>,
    address: String,
}

impl Certificate {
    /// Reads it anew, if the configuration still has this listener.
    pub(crate) fn read(&self, listen: &[Listen]) -> Result<Option<TlsAcceptor>, String> {
        listen.iter().find(|listen| listen.address == self.address).map_or(Ok(None), tls::acceptor)
    }

    /// Takes what was read. A listener goes on with TLS, or without, as it began.
    pub(crate) fn replace(&self, acceptor: Option<TlsAcceptor>) {
        let mut place = self.acceptor.write().unwrap_or_else(PoisonError::into_inner);
        if place.is_some() && acceptor.is_some() {
            *place = acceptor;
        }
    }
}

async fn connection(
    mut stream: TcpStream,
    addr: SocketAddr,
    has_header: bool,
    acceptor: Option<TlsAcceptor>,
    server: &Server,
    routes: Routes,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut peer = Peer::new(addr).local(stream.local_addr()?);
    if has_header {
        if let Some(told) = timeout(PATIENCE, proxy_protocol::accept(&mut stream)).await?? {
            peer = Peer::new(told.source).local(told.destination);
        }
    }
    match acceptor {
        // Boxed, so that connections without TLS have no room for it.
        Some(acceptor) => {
            let secure = async {
                let stream = timeout(PATIENCE, acceptor.accept(stream)).await??;
                server.either(stream, peer.secure(true), routes).await
            };
            Box::pin(secure).await
        }
        None => server.plain(stream, peer, routes).await,
    }
}

/// How requests are read.
#[derive(Clone)]
struct Server {
    /// HTTP/1.1 or HTTP/2, whichever the client speaks.
    either: auto::Builder<TokioExecutor>,
    http1: http1::Builder,
}

impl Server {
    fn new() -> Self {
        let mut either = auto::Builder::new(TokioExecutor::new());
        either.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
        ws_tower::http2::configure(&mut either);
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
        Self { either, http1 }
    }

    /// Serves a connection without TLS, which has nothing but its first bytes to tell what is spoken on it.
    async fn plain(&self, stream: TcpStream, peer: Peer, routes: Routes) -> io::Result<()> {
        let mut first = [0];
        let read = timeout(PATIENCE, stream.peek(&mut first)).await??;
        // HTTP/2 begins with PRI. For the others hyper need not keep what it has looked at: 8 KiB less in each handshake.
        if read == 0 || first == *b"P" {
            return Box::pin(self.either(stream, peer, routes)).await;
        }
        let service = TowerToHyperService::new(With { peer, routes });
        let served = self.http1.serve_connection(TokioIo::new(stream), service);
        served.with_upgrades().await.map_err(io::Error::other)
    }

    async fn either<S>(&self, stream: S, peer: Peer, routes: Routes) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = TowerToHyperService::new(With { peer, routes });
        let served = self.either.serve_connection_with_upgrades(TokioIo::new(stream), service);
        served.await.map_err(io::Error::other)
    }
}

/// The routes, for requests of one peer.
#[derive(Clone)]
struct With {
    peer: Peer,
    routes: Routes,
}

impl Service<Request<Incoming>> for With {
    type Response = Response<ProxyBody>;
    type Error = std::convert::Infallible;
    type Future = <Routes as Service<Request<Incoming>>>::Future;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), std::convert::Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.routes.call(request)
    }
}

/// Serves `/metrics` and `/health`.
pub(crate) async fn admin(listener: TcpListener, common: Common, routes: Routes) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (common, routes) = (common.clone(), routes.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (status, text) = match request.uri().path() {
                "/metrics" => (StatusCode::OK, common.stats.text(&common, &routes)),
                "/health" => (StatusCode::OK, "ok\n".to_owned()),
                _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
            };
            let mut answer = Response::new(ProxyBody::from(ws_tower::ResponseBody::from(text)));
            *answer.status_mut() = status;
            let kind = header::HeaderValue::from_static("text/plain; version=0.0.4");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        });
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Whether an error is of the connection that was to be accepted.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// How long a client may take for what comes before its request, and for its request.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read ahead of a client, its request included: the bound of what waits for a backend.
const HEAD: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use ws_proxy::Tunnels;

    use super::*;
    use crate::stats::Stats;

    #[tokio::test]
    async fn routes_to_one_backend_count_its_connections_together() {
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backends = format!("backends = [\"ws://{}\"]", backend.local_addr().unwrap());
        let config =
            toml::from_str(&format!("[[route]]\nfor_path = \"/a\"\n{backends}\n[[route]]\n{backends}\n"));
        let common = Common { tunnels: Tunnels::new(), stats: Stats::default(), log: None };
        let routes = Routes::new(&config.unwrap(), &common).unwrap();
        let listener = Listener::bind(&Listen::at("127.0.0.1:0".into())).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(listener.serve(routes.clone()));
        let mut clients = Vec::new();
        for path in ["/a", "/b"] {
            let mut client = TcpStream::connect(addr).await.unwrap();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            client.write_all(request.as_bytes()).await.unwrap();
            clients.push((client, backend.accept().await.unwrap()));
        }
        let counts: Vec<_> = routes.backends().iter().map(|each| each.status()[0].connections).collect();
        assert_eq!(counts, [2, 2]);
    }

    #[tokio::test]
    async fn what_is_spoken_without_tls_is_told_by_the_first_bytes() {
        let config = toml::from_str("[[route]]\nbackends = [\"ws://127.0.0.1:1\"]\n").unwrap();
        let common = Common { tunnels: Tunnels::new(), stats: Stats::default(), log: None };
        let listener = Listener::bind(&Listen::at("127.0.0.1:0".into())).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(listener.serve(Routes::new(&config, &common).unwrap()));
        let settings = b"\0\0\0\x04\0\0\0\0\0";
        let http2 = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat();
        for (request, answer) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &b"HTTP/1.1 "[..]),
            (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 "),
            // Its settings: the type is at the fourth byte.
            (&http2, &settings[3..4]),
        ] {
            let mut client = TcpStream::connect(addr).await.unwrap();
            let (first, rest) = request.split_at(1);
            client.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            client.write_all(rest).await.unwrap();
            let mut head = [0; 9];
            timeout(PATIENCE, client.read_exact(&mut head)).await.unwrap().unwrap();
            let begin = if answer.len() == 1 { &head[3..4] } else { &head[..] };
            assert_eq!(begin, answer);
        }
    }
}
