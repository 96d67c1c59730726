//! tokio-tungstenite as in its echo example, with its default settings and with a small read buffer.

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use super::handler::{Data, Handler, SMALL_BUFFER};
use crate::Result;

pub(super) async fn serve(stream: TcpStream, handler: impl Handler<Message>) -> Result<()> {
    let socket = tokio_tungstenite::accept_async(stream).await?;
    handler.serve(socket).await.map_err(Into::into)
}

/// As its documentation has it for many connections: the buffer is filled with zeros before each read.
pub(super) async fn serve_with_small_buffer(stream: TcpStream, handler: impl Handler<Message>) -> Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(SMALL_BUFFER);
    let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    handler.serve(socket).await.map_err(Into::into)
}

impl Data for Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }
}
