//! WebSockets over HTTP/2 from end to end: `ws-client`'s dialer and servers of hyper and axum with `ws-tower`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    response::Response,
    routing::{any, get},
};
use futures_util::future::try_join_all;
use http::{HeaderValue, StatusCode, Version, header::ORIGIN};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_rustls::{TlsAcceptor, rustls::ClientConfig};
use ws_client::{DialErrorKind, Dialer, Http2Dialer};
use ws_core::{CloseCode, DeflateConfig, Message};
use ws_tests::{
    serve::{echo, pattern, text},
    tls,
};
use ws_tower::{Tracker, UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = ()> = std::result::Result<T, Error>;

/// A server of HTTP/1.1 and HTTP/2, with TLS or without, that tells when it accepts a connection.
struct Host {
    addr: SocketAddr,
    accepted: mpsc::UnboundedReceiver<()>,
    client: Option<ClientConfig>,
}

impl Host {
    async fn start(app: Router) -> Result<Self> {
        Self::start_with(app, None).await
    }

    async fn start_tls(app: Router, alpn: &[&str]) -> Result<Self> {
        let (mut server, client) = tls::pair()?;
        server.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let host = Self::start_with(app, Some(TlsAcceptor::from(Arc::new(server)))).await?;
        Ok(Self { client: Some(client), ..host })
    }

    async fn start_with(app: Router, tls: Option<TlsAcceptor>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (sender, accepted) = mpsc::unbounded_channel();
        let mut server = auto::Builder::new(TokioExecutor::new());
        ws_tower::http2::configure(&mut server);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = sender.send(());
                let (server, tls, service) =
                    (server.clone(), tls.clone(), TowerToHyperService::new(app.clone()));
                tokio::spawn(async move {
                    match tls {
                        None => drop(server.serve_connection_with_upgrades(TokioIo::new(tcp), service).await),
                        Some(tls) => {
                            let Ok(tls) = tls.accept(tcp).await else { return };
                            drop(server.serve_connection_with_upgrades(TokioIo::new(tls), service).await);
                        }
                    }
                });
            }
        });
        Ok(Self { addr, accepted, client: None })
    }

    fn url(&self) -> String {
        let scheme = if self.client.is_some() { "wss" } else { "ws" };
        format!("{scheme}://127.0.0.1:{}/ws", self.addr.port())
    }

    fn dialer(&self) -> Http2Dialer {
        self.dialer_from(Dialer::new())
    }

    fn dialer_from(&self, dialer: Dialer) -> Http2Dialer {
        match &self.client {
            None => dialer.http2().prior_knowledge(true),
            Some(client) => dialer.tls_config(Arc::new(client.clone())).http2(),
        }
    }

    /// How many connections there were since the last time.
    fn connections(&mut self) -> usize {
        let mut count = 0;
        while self.accepted.try_recv().is_ok() {
            count += 1;
        }
        count
    }
}

fn echoing(upgrader: Upgrader) -> Router {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(|socket| async move {
            let _ = echo(socket.into_conn()).await;
        })
    }
    Router::new().route("/ws", any(handler)).route("/old", get(handler)).layer(UpgradeLayer::new(upgrader))
}

#[tokio::test]
async fn hundred_websockets_talk_at_once_on_one_connection() -> Result {
    for mut host in [
        Host::start(echoing(Upgrader::new())).await?,
        Host::start_tls(echoing(Upgrader::new()), &["h2", "http/1.1"]).await?,
    ] {
        let (dialer, url) = (host.dialer(), host.url());
        let talk = |number: usize| {
            let (dialer, url) = (&dialer, &url);
            async move {
                let (mut conn, response) = dialer.dial(url).await?;
                assert_eq!(response.version(), Version::HTTP_2);
                for round in 0..20 {
                    let message = Message::text(format!("{number}/{round}"));
                    conn.queue_message(message.clone()).await?;
                    assert_eq!(conn.read_message().await?, Some(message));
                }
                conn.close(None).await?;
                Ok::<_, Error>(())
            }
        };
        timeout(Duration::from_secs(60), try_join_all((0..100).map(talk))).await??;
        assert_eq!(host.connections(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn messages_of_every_length_form_come_back() -> Result {
    let host = Host::start_tls(echoing(Upgrader::new()), &["h2"]).await?;
    let (mut conn, _) = host.dialer().dial(host.url()).await?;
    for len in [0, 1, 125, 126, 4095, 4096, 16_000, 65_535, 65_536, 1 << 20] {
        for message in [text(len), Message::binary(pattern(len))] {
            conn.write_message(message.clone()).await?;
            assert!(conn.read_message().await? == Some(message), "{len} bytes");
        }
    }
    conn.close(CloseCode::NORMAL_CLOSURE).await?;
    Ok(())
}

#[tokio::test]
async fn subprotocols_and_compression_are_agreed_on() -> Result {
    let upgrader = Upgrader::new().subprotocols(["b", "c"]).compression(DeflateConfig::new());
    let host = Host::start(echoing(upgrader)).await?;
    let dialer = Dialer::new().subprotocols(["a", "b"]).compression(DeflateConfig::new());
    let (mut conn, _) = host.dialer_from(dialer).dial(host.url()).await?;
    assert_eq!(conn.subprotocol(), Some("b"));
    assert!(conn.deflate().is_some());
    let message = text(100_000);
    conn.write_message(message.clone()).await?;
    assert_eq!(conn.read_message().await?, Some(message));
    Ok(())
}

#[tokio::test]
async fn refusals_leave_the_connection_to_others() -> Result {
    let mut host = Host::start(echoing(Upgrader::new())).await?;
    let dialer = host.dialer_from(Dialer::new());
    let foreign = http::Request::get(host.url())
        .header(ORIGIN, HeaderValue::from_static("https://elsewhere.example"))
        .body(())?;
    let error = dialer.dial(foreign).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::FORBIDDEN));

    // A route that takes GET alone: with HTTP/2 it has to take CONNECT.
    let error = dialer.dial(host.url().replace("/ws", "/old")).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::METHOD_NOT_ALLOWED));
    assert!(error.to_string().contains("CONNECT"), "{error}");

    let (mut conn, _) = dialer.dial(host.url()).await?;
    conn.close(None).await?;
    assert_eq!(host.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn server_that_prefers_http1_is_given_it() -> Result {
    let mut host = Host::start_tls(echoing(Upgrader::new()), &["http/1.1"]).await?;
    let dialer = host.dialer();
    for _ in 0..2 {
        let (mut conn, _) = dialer.dial(host.url()).await?;
        assert_eq!(conn.get_ref().version(), Version::HTTP_11);
        conn.write_message("hello").await?;
        assert_eq!(conn.read_message().await?, Some(Message::text("hello")));
    }
    assert_eq!(host.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn shutdown_of_the_server_closes_every_websocket_with_1001() -> Result {
    let tracker = Tracker::new();
    let host = Host::start(echoing(Upgrader::new().tracker(tracker.clone()))).await?;
    let dialer = host.dialer();
    let mut conns = Vec::new();
    for _ in 0..10 {
        conns.push(dialer.dial(host.url()).await?.0);
    }
    let shutdown = tokio::spawn(async move { tracker.shutdown().await });
    for conn in &mut conns {
        assert_eq!(timeout(Duration::from_secs(20), conn.read_message()).await??, None);
        assert_eq!(conn.closing().received(), Some(Some(&CloseCode::GOING_AWAY.into())));
    }
    timeout(Duration::from_secs(20), shutdown).await??;
    let error = dialer.dial(host.url()).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::Refused(StatusCode::SERVICE_UNAVAILABLE));
    Ok(())
}

#[tokio::test]
async fn closing_handshake_waits_for_no_timeout() -> Result {
    let host = Host::start(echoing(Upgrader::new())).await?;
    let dialer = host.dialer();
    let talk = async {
        for _ in 0..20 {
            let (mut conn, _) = dialer.dial(host.url()).await?;
            conn.close(None).await?;
        }
        Ok(())
    };
    // Twenty times the close timeout is more.
    timeout(Duration::from_secs(60), talk).await?
}
