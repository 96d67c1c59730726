//! This stack behind axum and behind hyper, as a user writes it.

use std::convert::Infallible;

use axum::{Router, response::Response, routing::any};
use futures_util::future;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use ws_core::{CompressionLevel, Conn, DeflateConfig, Error, Message, PreparedMessage};
use ws_tower::{OnUpgrade, ResponseBody, Upgraded, Upgrader, extract::WebSocketUpgrade};

use super::handler::{Data, Handler};
use crate::{Result, workload::Traffic};

/// What is done with the messages of a connection.
#[derive(Clone, Debug)]
pub(super) enum Loop {
    /// Each is sent back before the next is read.
    Write,
    /// Each is queued, and leaves when the connection has nothing more to read.
    Queue,
    /// As `Queue`, of messages that are looked at where they lie.
    Borrow,
    /// As `Queue`, with a half for each direction.
    Split,
    /// Through `Stream` and `Sink`: those that are there are sent back together.
    Stream,
    /// As `Write`, with somebody who has asked for the statistics of each connection.
    Count,
    /// Each is sent to all connections.
    Broadcast(broadcast::Sender<PreparedMessage>),
}

impl Loop {
    /// The plain way of doing it.
    pub(super) fn new(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Echo | Traffic::Handshake => Self::Write,
            Traffic::Broadcast => Self::Broadcast(broadcast::Sender::new(1024)),
        }
    }
}

/// Behind axum, through the extractor.
pub(super) async fn axum(listener: TcpListener, messages: Loop, deflate: DeflateConfig) -> Result<()> {
    let answer = |upgrade: WebSocketUpgrade| future::ready(answer(upgrade, messages, deflate));
    axum::serve(listener, Router::new().route("/ws", any(answer))).await.map_err(Into::into)
}

fn answer(upgrade: WebSocketUpgrade, messages: Loop, deflate: DeflateConfig) -> Response {
    upgrade.compression(deflate).on_upgrade(move |socket| async move {
        // How a connection ends is no news: the generator resets them all.
        let _ = serve(socket.into_conn(), messages).await;
    })
}

/// The level and the windows that zlib has by default.
pub(super) fn zlib() -> DeflateConfig {
    DeflateConfig::new().level(CompressionLevel::new(6)).server_max_window_bits(15).client_max_window_bits(15)
}

/// Behind hyper alone.
pub(super) async fn hyper(stream: TcpStream, upgrader: Upgrader, messages: Loop) -> Result<()> {
    let answer = service_fn(move |request: Request<Incoming>| {
        future::ready(Ok::<_, Infallible>(upgrade(&upgrader, request, messages.clone())))
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    connection.with_upgrades().await.map_err(Into::into)
}

fn upgrade(
    upgrader: &Upgrader,
    mut request: Request<Incoming>,
    messages: Loop,
) -> hyper::Response<ResponseBody> {
    match upgrader.upgrade(&mut request) {
        Ok(accepted) => {
            tokio::spawn(connection(accepted.conn, messages));
            accepted.response.map(|()| ResponseBody::empty())
        }
        Err(rejection) => rejection.into(),
    }
}

async fn connection(conn: OnUpgrade, messages: Loop) {
    if let Ok(conn) = conn.await {
        let _ = serve(conn, messages).await;
    }
}

async fn serve(mut conn: Conn<Upgraded>, messages: Loop) -> Result<(), Error> {
    match messages {
        Loop::Write => write(conn).await,
        Loop::Queue => queue(conn).await,
        Loop::Borrow => borrow(conn).await,
        Loop::Split => split(conn).await,
        Loop::Stream => Handler::EchoBatched.serve(conn).await,
        Loop::Count => {
            let _stats = conn.stats();
            write(conn).await
        }
        Loop::Broadcast(all) => broadcast(conn, all).await,
    }
}

async fn write(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

async fn queue(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// An echo has to copy what it borrows; that is all that differs from `queue`.
async fn borrow(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_borrowed().await? {
        let copy = message.to_message();
        conn.queue_message(copy).await?;
    }
    Ok(())
}

async fn split(conn: Conn<Upgraded>) -> Result<(), Error> {
    let (mut read, mut write) = conn.into_split();
    while let Some(message) = read.read_message().await? {
        write.queue_message(message).await?;
    }
    Ok(())
}

async fn broadcast(mut conn: Conn<Upgraded>, all: broadcast::Sender<PreparedMessage>) -> Result<(), Error> {
    let mut news = all.subscribe();
    loop {
        tokio::select! {
            message = conn.read_message() => match message? {
                // There is a receiver: this one.
                Some(message) => drop(all.send(PreparedMessage::new(message)?)),
                None => return Ok(()),
            },
            item = news.recv() => {
                // Behind by the whole ring, or there will be no more.
                let Ok(item) = item else { return Ok(()) };
                conn.queue_prepared(&item).await?;
            }
        }
    }
}

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}
