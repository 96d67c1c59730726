//! yawc behind hyper, with the settings that its documentation recommends for low latency and many connections.

use std::sync::LazyLock;

use futures_util::{StreamExt as _, future};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use yawc::{DeflatePool, Frame, OpCode, Options, UpgradeFut, WebSocket};

use super::handler::{Data, Handler};
use crate::Result;

pub(super) async fn serve(stream: TcpStream, handler: impl Handler<Frame>) -> Result<()> {
    let answer = service_fn(move |request| future::ready(answer(request, handler.clone())));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await
        .map_err(Into::into)
}

fn answer(
    mut request: Request<Incoming>,
    handler: impl Handler<Frame>,
) -> yawc::Result<Response<Empty<Bytes>>> {
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
    tokio::spawn(connection(upgrade, handler));
    Ok(response)
}

async fn connection(upgrade: UpgradeFut, handler: impl Handler<Frame>) {
    // How a connection ends is no news: the generator resets them all.
    if let Ok(socket) = upgrade.await {
        // Its stream ends with an error and does not tell it.
        let _ = handler.serve(socket.map(Ok)).await;
    }
}

impl Data for Frame {
    fn is_data(&self) -> bool {
        matches!(self.opcode(), OpCode::Text | OpCode::Binary)
    }
}

/// Its own limit is that of the largest workload, and exclusive.
const LARGEST: usize = 16 << 20;
