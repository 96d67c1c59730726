//! tokio-tungstenite as in its echo example, with its default settings.

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::handler::{Data, Handler};
use crate::Result;

pub(super) async fn serve(stream: TcpStream, handler: impl Handler<Message>) -> Result<()> {
    let socket = tokio_tungstenite::accept_async(stream).await?;
    handler.serve(socket).await.map_err(Into::into)
}

impl Data for Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }
}
