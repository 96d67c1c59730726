//! axum's own WebSockets, with their default settings and with a small read buffer.

use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    routing::any,
    serve::ListenerExt as _,
};
use tokio::{net::TcpListener, sync::broadcast::Sender};

use super::handler::{Data, Handler};
use crate::Result;

/// Those with the default settings have no `read_buffer`.
pub(super) async fn serve(
    listener: TcpListener,
    handler: impl Handler<Message>,
    read_buffer: Option<usize>,
) -> Result<()> {
    let answer = move |upgrade: WebSocketUpgrade| async move {
        let upgrade = match read_buffer {
            Some(size) => upgrade.read_buffer_size(size),
            None => upgrade,
        };
        upgrade.on_upgrade(move |socket| async move {
            // How a connection ends is no news: the generator resets them all.
            let _ = handler.serve(socket).await;
        })
    };
    let listener = listener.tap_io(|stream| {
        // Failure shows in the figures, which is not worth ending the others for.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().route("/ws", any(answer))).await.map_err(Into::into)
}

/// Sends each message to all connections, over one channel of tokio that all of them receive from.
pub(super) async fn broadcast(listener: TcpListener) -> Result<()> {
    let all = Sender::new(BEHIND);
    let answer = |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(|socket| async move {
            let _ = forward(socket, all).await;
        })
    };
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().route("/ws", any(answer))).await.map_err(Into::into)
}

async fn forward(mut socket: WebSocket, all: Sender<Message>) -> Result<()> {
    let mut news = all.subscribe();
    loop {
        tokio::select! {
            item = news.recv() => socket.send(item?).await?,
            message = socket.recv() => match message.transpose()? {
                // There is a receiver: this one.
                Some(message) if message.is_data() => drop(all.send(message)),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// How many messages a connection may be behind with.
const BEHIND: usize = 1024;

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}
