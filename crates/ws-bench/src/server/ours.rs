//! This stack behind axum, as a user writes it: the extractor and a loop.

use axum::{Router, response::Response, routing::any};
use tokio::net::TcpListener;
use ws_core::{CompressionLevel, Conn, DeflateConfig};
use ws_tower::{Upgraded, extract::WebSocketUpgrade};

use crate::Result;

/// Echoes each message before the next is read.
pub(super) async fn serve(listener: TcpListener) -> Result<()> {
    let app = Router::new()
        .route("/ws", any(|upgrade: WebSocketUpgrade| async { answer(upgrade, DeflateConfig::new(), echo) }));
    axum::serve(listener, app).await.map_err(Into::into)
}

/// As [`serve`], and compresses with the level and the windows that zlib has by default.
pub(super) async fn serve_zlib(listener: TcpListener) -> Result<()> {
    let deflate = || {
        DeflateConfig::new()
            .level(CompressionLevel::new(6))
            .server_max_window_bits(15)
            .client_max_window_bits(15)
    };
    let app = Router::new()
        .route("/ws", any(move |upgrade: WebSocketUpgrade| async move { answer(upgrade, deflate(), echo) }));
    axum::serve(listener, app).await.map_err(Into::into)
}

/// Queues the echoes; they leave when the connection has nothing more to read.
pub(super) async fn serve_queueing(listener: TcpListener) -> Result<()> {
    let app = Router::new().route(
        "/ws",
        any(|upgrade: WebSocketUpgrade| async { answer(upgrade, DeflateConfig::new(), queue) }),
    );
    axum::serve(listener, app).await.map_err(Into::into)
}

/// As [`serve`], and counts what each connection carries.
pub(super) async fn serve_counting(listener: TcpListener) -> Result<()> {
    let handler = |upgrade: WebSocketUpgrade| async { answer(upgrade, DeflateConfig::new(), count) };
    axum::serve(listener, Router::new().route("/ws", any(handler))).await.map_err(Into::into)
}

fn answer<F>(upgrade: WebSocketUpgrade, deflate: DeflateConfig, serve: fn(Conn<Upgraded>) -> F) -> Response
where
    F: Future<Output = Result<(), ws_core::Error>> + Send + 'static,
{
    upgrade.compression(deflate).on_upgrade(move |socket| async move {
        // How a connection ends is no news: the generator resets them all.
        let _ = serve(socket.into_conn()).await;
    })
}

async fn echo(mut conn: Conn<Upgraded>) -> Result<(), ws_core::Error> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

async fn count(mut conn: Conn<Upgraded>) -> Result<(), ws_core::Error> {
    let _stats = conn.stats();
    echo(conn).await
}

async fn queue(mut conn: Conn<Upgraded>) -> Result<(), ws_core::Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}
