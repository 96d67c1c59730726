//! tokio-websockets, set up as in the echo example it ships with.

use tokio::{net::TcpStream, task};
use tokio_websockets::{Config, Limits, Message, ServerBuilder};

use super::handler::{Data, Handler};
use crate::Result;

pub(super) async fn serve(stream: TcpStream, handler: impl Handler<Message>) -> Result<()> {
    let connection = async {
        let (_, socket) = ServerBuilder::new()
            .config(Config::default().frame_size(usize::MAX))
            .limits(Limits::unlimited())
            .accept(stream)
            .await?;
        handler.serve(socket).await
    };
    task::unconstrained(connection).await.map_err(Into::into)
}

impl Data for Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }
}
