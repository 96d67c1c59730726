//! The server: ws-tower behind axum and hyper, which tells how each of its connections ended.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::any};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use ws_core::{CloseFrame, Conn, Error};
use ws_tower::{UpgradeLayer, Upgraded, Upgrader, extract::WebSocketUpgrade};

use crate::Result;

/// A server that ends, with all its connections, when it is dropped.
pub(crate) struct Host {
    pub(crate) addr: SocketAddr,
    ends: mpsc::UnboundedReceiver<Handled>,
    task: JoinHandle<()>,
}

/// What a handler saw.
#[derive(Debug)]
pub(crate) struct Handled {
    /// Data messages that were read.
    pub(crate) messages: usize,
    /// How the connection ended.
    pub(crate) end: std::result::Result<(), Error>,
}

/// What it speaks.
#[derive(Clone)]
pub(crate) enum Speaks {
    Http1,
    Http2,
    Tls(Arc<ServerConfig>),
}

impl Host {
    pub(crate) async fn start(upgrader: Upgrader, speaks: Speaks) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (sender, ends) = mpsc::unbounded_channel();
        let upgrade = move |ws: WebSocketUpgrade| async move {
            ws.on_upgrade(move |socket| async move {
                let (messages, end) = handle(socket.into_conn()).await;
                // The test may be over.
                let _ = sender.send(Handled { messages, end });
            })
        };
        let app = Router::new().route("/ws", any(upgrade)).layer(UpgradeLayer::new(upgrader));
        let task = tokio::spawn(accept(listener, app, speaks));
        Ok(Self { addr, ends, task })
    }

    /// What has been told since the last time.
    pub(crate) fn handled(&mut self) -> Vec<Handled> {
        std::iter::from_fn(|| self.ends.try_recv().ok()).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, app: Router, speaks: Speaks) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((tcp, _)) = listener.accept() => drop(connections.spawn(serve(tcp, app.clone(), speaks.clone()))),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection, with bounds for its time where the libraries have them.
async fn serve(tcp: TcpStream, app: Router, speaks: Speaks) {
    let _ = tcp.set_nodelay(true);
    let service = TowerToHyperService::new(app);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    match speaks {
        Speaks::Http1 => {
            let _ = builder.serve_connection(TokioIo::new(tcp), service).with_upgrades().await;
        }
        Speaks::Http2 => {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            ws_tower::http2::configure(&mut builder);
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(tcp), service).await;
        }
        Speaks::Tls(config) => {
            let accepted = timeout(HEAD_TIMEOUT, TlsAcceptor::from(config).accept(tcp)).await;
            let Ok(Ok(tls)) = accepted else { return };
            let _ = builder.serve_connection(TokioIo::new(tls), service).with_upgrades().await;
        }
    }
}

/// Sends back what it reads, unless that is a word it knows.
async fn handle(mut conn: Conn<Upgraded>) -> (usize, std::result::Result<(), Error>) {
    let mut messages = 0;
    let end = async {
        while let Some(message) = conn.read_message().await? {
            messages += 1;
            match message.to_text() {
                Ok("close") => return conn.close(CloseFrame::new(4000, "")).await,
                Ok("drop") => return Ok(()),
                Ok("panic") => panic!("as it was told to"),
                _ => conn.write_message(message).await?,
            }
        }
        Ok(())
    }
    .await;
    (messages, end)
}

/// Long enough for handshakes on a busy machine.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
