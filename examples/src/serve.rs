//! A server like `axum::serve`, with deadlines and limits for the HTTP part.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Serves an application for ever over HTTP/1.1, with what `axum::serve` does not set: a client has ten seconds to send
/// the head of its request, from the moment it connects, and 16 KiB for it.
///
/// Neither concerns a WebSocket once it is there: its limits are those of its `Config`.
pub async fn serve(listener: TcpListener, app: Router) {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    loop {
        let stream = accept(&listener).await;
        let service = TowerToHyperService::new(app.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(async move {
            // How a connection ends is its own affair.
            let _ = connection.await;
        });
    }
}

/// Waits for the next client.
pub async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // A client that is gone already, or no free file descriptor: the listener itself is well.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEAD: usize = 16 << 10;
