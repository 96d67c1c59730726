//! Servers on loopback that end with the test.

use std::{future::Future, net::SocketAddr};

use axum::{Router, routing::any};
use tokio::{net::TcpListener, task::JoinHandle};
use ws_core::{Conn, Message};
use ws_tower::{Upgraded, extract::WebSocketUpgrade};

/// A server in a task of its own; it ends when this is dropped.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves an axum application.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(app: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
        let addr = listener.local_addr().expect("a listener has an address");
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving ends with the test");
        });
        Self { addr, task }
    }

    /// Serves one handler at `/ws`, with the extractor's defaults.
    pub async fn with_handler<F, Fut>(handler: F) -> Self
    where
        F: Fn(Conn<Upgraded>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start(Router::new().route("/ws", upgrade_to(handler))).await
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A route that upgrades and hands the connection to `handler`.
pub fn upgrade_to<F, Fut>(handler: F) -> axum::routing::MethodRouter
where
    F: Fn(Conn<Upgraded>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    any(move |ws: WebSocketUpgrade| async move {
        ws.on_upgrade(move |socket| async move { handler(socket.into_conn()).await })
    })
}

/// Sends every data message back, until the connection ends.
///
/// # Errors
/// What ended the connection, unless it was a normal close.
pub async fn echo(mut conn: Conn<Upgraded>) -> Result<(), ws_core::Error> {
    while let Some(message) = conn.read_message().await? {
        conn.queue_message(message).await?;
    }
    Ok(())
}

/// A payload that differs from place to place.
#[must_use]
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

/// A message of `len` bytes of ASCII.
#[must_use]
pub fn text(len: usize) -> Message {
    Message::text((0..len).map(|i| char::from(b'a' + (i % 26) as u8)).collect::<String>())
}
