//! How do several WebSockets share one connection of HTTP/2?
//!
//! ```text
//! cargo run --release --bin http2 --features http2
//! ```
//!
//! A server without TLS, as it stands behind a proxy that ends TLS, and a client that opens three WebSockets on one connection
//! (RFC 8441). Browsers speak HTTP/2 over TLS only: `tls` serves those.
#![forbid(unsafe_code)]

use std::{collections::HashSet, convert::Infallible, error::Error};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use ws_client::Dialer;
use ws_tower::Upgrader;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));

    // Without TLS nothing is negotiated, so the dialer has to know. For `wss://` it asks the server, and falls back to HTTP/1.1.
    let dialer = Dialer::new().http2().prior_knowledge(true);
    let mut sockets = Vec::new();
    for number in 0..3 {
        let (conn, _response) = dialer.dial(format!("ws://{address}/ws/{number}")).await?;
        sockets.push(conn);
    }
    for (number, conn) in sockets.iter_mut().enumerate() {
        conn.write_message(format!("hello from {number}")).await?;
    }
    for conn in &mut sockets {
        if let Some(message) = conn.read_message().await? {
            println!("{}", message.to_text()?);
        }
        conn.close(None).await?;
    }
    let ends: HashSet<_> = sockets.iter().map(|conn| conn.get_ref().local_addr()).collect();
    println!("{} WebSockets over {} connection", sockets.len(), ends.len());
    Ok(())
}

/// Echoes, over HTTP/2 and nothing else.
async fn serve(listener: TcpListener) -> Result<Infallible> {
    // The same policy and the same handlers as over HTTP/1.1.
    let echo = Upgrader::new().service(|mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.queue_message(message).await.is_err() {
                break;
            }
        }
    });
    // It takes the requests that open WebSockets, and no stream that is not read stops the others.
    let mut server = http2::Builder::new(TokioExecutor::new());
    ws_tower::http2::configure(&mut server);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(echo.clone());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}
