//! axum's own WebSockets, with their default settings.

use axum::{
    Router,
    extract::ws::{Message, WebSocketUpgrade},
    routing::any,
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;

use super::handler::{Data, Handler};
use crate::Result;

pub(super) async fn serve(listener: TcpListener, handler: impl Handler<Message>) -> Result<()> {
    let answer = |upgrade: WebSocketUpgrade| async move {
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

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}
