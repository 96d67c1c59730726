//! This stack behind axum and behind hyper, as a user writes it.

use std::{
    convert::Infallible,
    hint::black_box,
    time::{Duration, Instant},
};

use axum::{Router, response::Response, routing::any};
use futures_util::{SinkExt as _, StreamExt as _, future};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use ws_core::{CompressionLevel, Conn, DeflateConfig, Error, Message, PreparedMessage};
use ws_tower::{
    OnUpgrade, ResponseBody, Upgraded, Upgrader,
    extract::{WebSocket, WebSocketUpgrade},
};

use super::handler::{Data, echo_batched, echo_batched_halves};
use crate::Result;

/// Behind axum, through the extractor.
pub(super) async fn axum<F>(
    listener: TcpListener,
    deflate: DeflateConfig,
    serve: impl Fn(WebSocket) -> F + Clone + Send + Sync + 'static,
) -> Result<()>
where
    F: Future + Send + 'static,
{
    let answer = |upgrade: WebSocketUpgrade| future::ready(answer(upgrade, deflate, serve));
    axum::serve(listener, Router::new().route("/ws", any(answer))).await.map_err(Into::into)
}

fn answer<F>(
    upgrade: WebSocketUpgrade,
    deflate: DeflateConfig,
    serve: impl Fn(WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future + Send + 'static,
{
    upgrade.compression(deflate).on_upgrade(move |socket| async move {
        // How a connection ends is no news: the generator resets them all.
        let _ = serve(socket).await;
    })
}

/// The level and the windows that zlib has by default.
pub(super) fn zlib() -> DeflateConfig {
    DeflateConfig::new().level(CompressionLevel::new(6)).server_max_window_bits(15).client_max_window_bits(15)
}

/// Behind hyper alone.
pub(super) async fn hyper<F>(
    stream: TcpStream,
    upgrader: Upgrader,
    serve: impl Fn(Conn<Upgraded>) -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        future::ready(Ok::<_, Infallible>(upgrade(&upgrader, request, serve.clone())))
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    connection.with_upgrades().await.map_err(Into::into)
}

fn upgrade<F>(
    upgrader: &Upgrader,
    mut request: Request<Incoming>,
    serve: impl Fn(Conn<Upgraded>) -> F + Send + 'static,
) -> hyper::Response<ResponseBody>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    match upgrader.upgrade(&mut request) {
        Ok(accepted) => {
            tokio::spawn(connection(accepted.conn, serve));
            accepted.response.map(|()| ResponseBody::empty())
        }
        Err(rejection) => rejection.into(),
    }
}

async fn connection<F>(conn: OnUpgrade, serve: impl Fn(Conn<Upgraded>) -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    // Not awaited inside: the task would keep the place of the result for as long as it lives.
    let Ok(served) = conn.await.map(serve) else { return };
    let _ = served.await;
}

/// Sends each message back before the next is read.
pub(super) async fn write(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

/// As `write`, with the methods of axum's own `WebSocket`, which give control frames, too.
pub(super) async fn socket(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if message.is_data() && socket.send(message).await.is_err() {
            break;
        }
    }
}

/// Queues each message; they leave when the connection has nothing more to read.
pub(super) async fn queue(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// As `queue`, of messages that are looked at where they lie. An echo has to copy what it borrows.
pub(super) async fn borrow(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_borrowed().await? {
        let copy = message.to_message();
        conn.queue_message(copy).await?;
    }
    Ok(())
}

/// As `queue`, with a half for each direction.
pub(super) async fn split(conn: Conn<Upgraded>) -> Result<(), Error> {
    let (mut read, mut write) = conn.into_split();
    while let Some(message) = read.read_message().await? {
        write.queue_message(message).await?;
    }
    Ok(())
}

/// Through `Stream` and `Sink`: those that are there are sent back together.
pub(super) async fn stream(conn: Conn<Upgraded>) -> Result<(), Error> {
    echo_batched(conn).await
}

/// As `queue`, through `Stream` and `Sink`.
pub(super) async fn feed(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.next().await {
        conn.feed(message?).await?;
    }
    Ok(())
}

/// As `stream`, with the halves that `StreamExt::split` makes of whatever is both.
pub(super) async fn stream_split(conn: Conn<Upgraded>) -> Result<(), Error> {
    let (sink, stream) = conn.split();
    echo_batched_halves(stream, sink).await
}

/// As `write`, with somebody who has asked for the statistics of each connection.
pub(super) async fn count(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    let _stats = conn.stats();
    write(conn).await
}

/// As `write`, with a deadline that is far off.
pub(super) async fn bound(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    conn.set_read_deadline(Instant::now() + Duration::from_secs(3600));
    write(conn).await
}

/// As `queue`, and asks for the address of the peer with each message.
pub(super) async fn peer(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        black_box(conn.get_ref().peer_addr());
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// Sends each message to all connections.
pub(super) async fn broadcast(
    mut conn: Conn<Upgraded>,
    all: broadcast::Sender<PreparedMessage>,
) -> Result<(), Error> {
    let mut news = all.subscribe();
    loop {
        tokio::select! {
            // What is there already first: a read that waits writes what is queued.
            biased;
            item = news.recv() => {
                // Behind by the whole ring, or there will be no more.
                let Ok(item) = item else { return Ok(()) };
                conn.queue_prepared(&item).await?;
            }
            message = conn.read_message() => match message? {
                // There is a receiver: this one.
                Some(message) => drop(all.send(PreparedMessage::new(message)?)),
                None => return Ok(()),
            },
        }
    }
}

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}
