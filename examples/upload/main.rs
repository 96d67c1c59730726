//! How do I take messages that are larger than memory?
//!
//! ```text
//! cargo run --release --bin upload
//! ```
//!
//! Then open the printed address in a browser and pick a file, of gigabytes if you like. The page sends it as one message,
//! and the server answers with its size and SHA-1, which `sha1sum` confirms. What the server holds of a file is a buffer of
//! 64 KiB.
#![forbid(unsafe_code)]

use std::io;

use axum::{
    Router,
    response::{Html, Response},
    routing::{any, get},
};
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use ws_core::{Config, Conn};
use ws_tower::{UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

#[tokio::main]
async fn main() {
    // The limit holds for messages that are streamed, too. Unless it is raised, servers accept 1 MiB.
    let upgrader = Upgrader::new().config(Config::new().max_message_size(MAX_FILE));
    let app = Router::new()
        .route("/", get(Html(include_str!("index.html"))))
        .route("/ws", any(upgrade))
        .layer(UpgradeLayer::new(upgrader));
    ws_examples::serve(ws_examples::listen().await, app).await;
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async move {
        if let Err(error) = receive(socket.into_conn()).await {
            eprintln!("{error}");
        }
    })
}

/// Answers every message with its size and checksum.
async fn receive<S: AsyncRead + AsyncWrite + Unpin>(mut conn: Conn<S>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    while let Some(mut message) = conn.next_reader().await? {
        let (mut size, mut hash) = (0, Sha1::new());
        loop {
            // What is not read stays in the transport: a client sends as fast as this goes, and no faster.
            let count = message.read(&mut buffer).await?;
            if count == 0 {
                break;
            }
            size += count;
            hash.update(&buffer[..count]);
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        conn.write_message(format!("{size} bytes, SHA-1 {hash}")).await?;
    }
    Ok(())
}

const MAX_FILE: u64 = 64 << 30;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};
    use ws_core::{CloseCode, Message, MessageKind, Negotiated, Role};

    use super::*;

    #[tokio::test]
    async fn file_of_many_fragments_is_answered_with_its_checksum() {
        let (near, far) = duplex(1024);
        let config = Config::new().max_message_size(MAX_FILE);
        let server = tokio::spawn(receive(Conn::new(far, Role::Server, config, Negotiated::new())));
        let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());

        let mut file = client.next_writer(MessageKind::Binary).await.unwrap();
        for _ in 0..1000 {
            file.write_all(&[b'a'; 1000]).await.unwrap();
        }
        file.finish().await.unwrap();
        // The test vector of FIPS 180: a million times the letter a.
        let answer = "1000000 bytes, SHA-1 34aa973cd4c4daa4f61eeb2bdbad27316534016f";
        assert_eq!(client.read_message().await.unwrap(), Some(Message::text(answer)));
        client.close(CloseCode::NORMAL_CLOSURE).await.unwrap();
        server.await.unwrap().unwrap();
    }
}
