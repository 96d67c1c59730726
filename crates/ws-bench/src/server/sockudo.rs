//! sockudo-ws as in its echo examples: its own handshake, a stream and sink of messages, a compressor a connection.

use sockudo_ws::{
    CompressedWebSocketStream, Compression, Config, Message, WebSocketStream,
    deflate::negotiate_server_deflate,
    handshake::{build_response, generate_accept_key, parse_request},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::handler::{Data, Handler};
use crate::Result;

pub(super) async fn serve(mut stream: TcpStream, handler: impl Handler<Message>) -> Result<()> {
    let mut head = Vec::new();
    let (response, deflate) = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        // Nothing follows the request before it is answered: the generator waits.
        if let Some((request, _)) = parse_request(&head)? {
            let policy = Compression::Dedicated.to_deflate_config();
            let deflate = policy.zip(request.extensions);
            let deflate = deflate.and_then(|(policy, offers)| negotiate_server_deflate(offers, &policy));
            let agreed = deflate.as_ref().map(|deflate| deflate.to_response_header());
            let accept = generate_accept_key(request.key);
            break (build_response(&accept, None, agreed.as_deref()), deflate);
        }
    };
    stream.write_all(&response).await?;
    match deflate {
        Some(deflate) => {
            handler.serve(CompressedWebSocketStream::server(stream, Config::default(), deflate.config)).await
        }
        None => handler.serve(WebSocketStream::server(stream, Config::default())).await,
    }
    .map_err(Into::into)
}

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}
