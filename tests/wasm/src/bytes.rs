use std::{io, time::Duration};

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_wasm::{Instant, MessageKind};

use crate::{Outcome, Peer, holds, list, same};

list! {
    byte_stream_carries_a_mebibyte_both_ways
    byte_stream_ends_on_a_normal_close
    byte_stream_of_a_cut_connection_fails
    byte_stream_outlives_its_deadlines
    byte_stream_of_text_refuses_binary
    tokio_copies_a_byte_stream
}

async fn byte_stream_carries_a_mebibyte_both_ways(peer: Peer) -> Outcome {
    let stream = peer.dial("/echo").await?.into_byte_stream(MessageKind::Binary);
    let (mut read, mut write) = stream.split();
    let sent: Vec<u8> = (0..1_u32 << 18).flat_map(u32::to_le_bytes).collect();
    let writes = write.write_all(&sent);
    let reads = async {
        let mut received = vec![0; sent.len()];
        // In pieces that fit no message.
        for piece in received.chunks_mut(777) {
            read.read_exact(piece).await?;
        }
        Ok::<_, io::Error>(received)
    };
    let ((), received) = futures_util::future::try_join(writes, reads).await?;
    holds!(received == sent);
    write.close().await?;
    Ok(())
}

async fn byte_stream_ends_on_a_normal_close(peer: Peer) -> Outcome {
    for code in [1000, 1001, 1005] {
        let mut stream = peer.dial(&format!("/close/{code}/x")).await?.into_byte_stream(MessageKind::Binary);
        stream.write_all(b"go").await?;
        for _ in 0..2 {
            same!(stream.read(&mut [0; 8]).await?, 0);
        }
    }
    Ok(())
}

async fn byte_stream_of_a_cut_connection_fails(peer: Peer) -> Outcome {
    let mut stream = peer.dial("/cut").await?.into_byte_stream(MessageKind::Binary);
    stream.write_all(b"go").await?;
    let error = stream.read(&mut [0; 8]).await.err().ok_or("read")?;
    same!(error.kind(), io::ErrorKind::UnexpectedEof);
    Ok(())
}

async fn byte_stream_outlives_its_deadlines(peer: Peer) -> Outcome {
    let mut stream = peer.dial("/echo").await?.into_byte_stream(MessageKind::Binary);
    stream.get_mut().set_read_deadline(Instant::now() + Duration::from_millis(50));
    let error = stream.read(&mut [0; 8]).await.err().ok_or("read")?;
    same!(error.kind(), io::ErrorKind::TimedOut);
    stream.get_mut().set_read_deadline(None);
    stream.write_all(b"still here").await?;
    let mut bytes = [0; 10];
    stream.read_exact(&mut bytes).await?;
    same!(&bytes, b"still here");
    Ok(())
}

async fn byte_stream_of_text_refuses_binary(peer: Peer) -> Outcome {
    let name = peer.name();
    let mut socket = peer.dial(&format!("/closed/{name}")).await?;
    socket.write_message(vec![1]).await?;
    let mut stream = socket.into_byte_stream(MessageKind::Text);
    let error = stream.read(&mut [0; 8]).await.err().ok_or("read")?;
    same!(error.kind(), io::ErrorKind::InvalidData);
    same!(peer.report(&name).await?, "4903 message of another kind");
    Ok(())
}

async fn tokio_copies_a_byte_stream(peer: Peer) -> Outcome {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = peer.dial("/echo").await?.into_byte_stream(MessageKind::Binary);
    AsyncWriteExt::write_all(&mut stream, b"through tokio").await?;
    let mut bytes = [0; 13];
    AsyncReadExt::read_exact(&mut stream, &mut bytes).await?;
    same!(&bytes, b"through tokio");
    AsyncWriteExt::shutdown(&mut stream).await?;
    Ok(())
}
