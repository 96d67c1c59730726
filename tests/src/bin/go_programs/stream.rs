//! Readers and writers: a message goes back while it still arrives, in as much memory as a buffer takes.

use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_client::{Conn, Transport};
use ws_core::{MessageKind, ReadHalf, WriteHalf};
use ws_tower::Upgraded;

use crate::{Result, description, goodbye, pattern, say};

pub(crate) async fn serve(conn: Conn<Upgraded>) -> Result {
    let (mut read, mut write) = conn.into_split();
    while let Some(mut reader) = read.next_reader().await? {
        let mut writer = write.next_writer(reader.kind()).await?;
        tokio::io::copy(&mut reader, &mut writer).await?;
        writer.finish().await?;
    }
    Ok(())
}

pub(crate) async fn dial(conn: Conn<Transport>) -> Result {
    let (mut read, mut write) = conn.into_split();
    let text = "€uro𝄞".repeat(50_000).into_bytes();
    let messages = [
        (MessageKind::Binary, pattern(8 << 20, 5)),
        (MessageKind::Text, text),
        (MessageKind::Text, Vec::new()),
    ];
    for (kind, payload) in messages {
        // The echo begins before the message is complete: someone has to read meanwhile.
        tokio::try_join!(write_in_pieces(&mut write, kind, &payload), hash_next(&mut read))?;
    }
    goodbye(read.reunite(write)?).await
}

/// Pieces of 10,007 bytes: no characters and no buffers end where they do.
async fn write_in_pieces(write: &mut WriteHalf<Transport>, kind: MessageKind, payload: &[u8]) -> Result {
    let mut writer = write.next_writer(kind).await?;
    for piece in payload.chunks(10_007) {
        writer.write_all(piece).await?;
    }
    Ok(writer.finish().await?)
}

async fn hash_next(read: &mut ReadHalf<Transport>) -> Result {
    let mut reader = read.next_reader().await?.ok_or("the connection ended")?;
    let (mut hash, mut length, mut buffer) = (Sha1::new(), 0, [0; 4096]);
    loop {
        let count = reader.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        length += count;
    }
    let name = match reader.kind() {
        MessageKind::Text => "text",
        MessageKind::Binary => "binary",
    };
    say(name, description(length, hash));
    Ok(())
}
