//! yawc behind hyper, with the settings that its documentation recommends for low latency and many connections.

use std::sync::LazyLock;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use yawc::{DeflatePool, HttpWebSocket, OpCode, Options, UpgradeFut, WebSocket};

use crate::Result;

pub(super) async fn serve(stream: TcpStream) -> Result<()> {
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .with_upgrades()
        .await
        .map_err(Into::into)
}

async fn answer(mut request: Request<Incoming>) -> yawc::Result<Response<Empty<Bytes>>> {
    // Without a window of its own it would ask for the smallest of a client that lets it choose.
    static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
        Options::default()
            .with_utf8()
            .with_limits(LARGEST, 2 * LARGEST)
            .with_low_latency_compression()
            .with_client_max_window_bits(15)
            .with_server_max_window_bits(15)
            .with_deflate_pool(DeflatePool::new(64))
    });

    let (response, upgrade) = WebSocket::upgrade_with_options(&mut request, OPTIONS.clone())?;
    tokio::spawn(connection(upgrade));
    Ok(response)
}

async fn connection(upgrade: UpgradeFut) {
    // How a connection ends is no news: the generator resets them all.
    if let Ok(socket) = upgrade.await {
        let _ = echo(socket).await;
    }
}

async fn echo(mut socket: HttpWebSocket) -> yawc::Result<()> {
    while let Some(frame) = socket.next().await {
        match frame.opcode() {
            OpCode::Text | OpCode::Binary => socket.send(frame).await?,
            OpCode::Continuation | OpCode::Close | OpCode::Ping | OpCode::Pong => {}
        }
    }
    Ok(())
}

/// Its own limit is that of the largest workload, and exclusive.
const LARGEST: usize = 16 << 20;
