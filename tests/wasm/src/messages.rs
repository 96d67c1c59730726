use futures_util::{SinkExt as _, StreamExt as _};
use ws_wasm::{BinaryType, CloseCode, ErrorKind, Message};

use crate::{Outcome, Peer, holds, list, same};

list! {
    text_and_binary_come_back
    sixteen_mebibytes_come_back
    messages_keep_their_order_in_both_directions
    blobs_keep_their_place
    json_comes_back
    stream_and_sink_carry_messages
    halves_work_at_the_same_time
    message_over_the_limit_fails_the_connection
    compressed_messages_come_back
}

async fn text_and_binary_come_back(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    let messages = [
        Message::text("hello"),
        Message::text(""),
        Message::text("grüße, 李 🦀\u{0}\u{10FFFF}"),
        Message::binary(&[0, 1, 254, 255][..]),
        Message::binary(&[][..]),
    ];
    for message in messages {
        socket.write_message(message.clone()).await?;
        same!(socket.read_message().await?, Some(message));
    }
    socket.close(None).await?;
    Ok(())
}

async fn sixteen_mebibytes_come_back(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    let mut state = 1_u32;
    let mut noise = Vec::with_capacity(16 << 20);
    while noise.len() < 16 << 20 {
        // xorshift
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        noise.extend_from_slice(&state.to_ne_bytes());
    }
    socket.write_message(noise.clone()).await?;
    let Some(Message::Binary(data)) = socket.read_message().await? else { return Err("nothing".into()) };
    holds!(data == noise);
    let text = "ä€🦀.".repeat(1 << 20);
    socket.write_message(text.as_str()).await?;
    let Some(Message::Text(read)) = socket.read_message().await? else { return Err("nothing".into()) };
    holds!(read == text);
    socket.close(CloseCode::NORMAL_CLOSURE).await?;
    Ok(())
}

async fn messages_keep_their_order_in_both_directions(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    for number in 0..2000 {
        let message = number.to_string();
        if number % 2 == 0 {
            socket.write_message(message).await?;
        } else {
            socket.write_message(message.into_bytes()).await?;
        }
    }
    for number in 0..2000 {
        let message = socket.read_message().await?.ok_or("the end")?;
        same!(message.is_text(), number % 2 == 0);
        same!(message.to_text()?, number.to_string());
    }
    Ok(())
}

async fn blobs_keep_their_place(peer: Peer) -> Outcome {
    let mut socket = peer.dialer().binary_type(BinaryType::Blob).dial(peer.url("/echo")).await?;
    for number in 0..50_u8 {
        socket.write_message(vec![number; 10_000]).await?;
        socket.write_message(number.to_string()).await?;
    }
    for number in 0..50_u8 {
        same!(socket.read_message().await?, Some(Message::binary(vec![number; 10_000])));
        same!(socket.read_message().await?, Some(Message::text(number.to_string())));
    }
    same!(socket.queued(), 0);
    Ok(())
}

async fn json_comes_back(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    socket.write_json(&("move", 3, [1.5, 2.0])).await?;
    same!(socket.read_json().await?, Some(("move".to_owned(), 3, [1.5, 2.0])));
    socket.write_message("no JSON").await?;
    let error = socket.read_json::<u8>().await.err().ok_or("read")?;
    same!(error.kind(), &ErrorKind::Json);
    socket.write_json(&7).await?;
    same!(socket.read_json().await?, Some(7));
    Ok(())
}

async fn stream_and_sink_carry_messages(peer: Peer) -> Outcome {
    let socket = peer.dial("/echo").await?;
    let (mut sink, mut stream) = socket.split();
    for number in 0..100 {
        sink.send(Message::text(number.to_string())).await?;
    }
    for number in 0..100 {
        same!(stream.next().await.ok_or("the end")??, Message::text(number.to_string()));
    }
    sink.close().await?;
    holds!(stream.next().await.is_none());
    Ok(())
}

async fn halves_work_at_the_same_time(peer: Peer) -> Outcome {
    let (mut read, mut write) = peer.dial("/echo").await?.into_split();
    let writes = async {
        for number in 0..64_u8 {
            write.write_message(vec![number; 64 << 10]).await?;
        }
        Ok::<_, ws_wasm::Error>(write)
    };
    let reads = async {
        for number in 0..64_u8 {
            let message = read.read_message().await?.map(Message::into_data).unwrap_or_default();
            if message.len() != 64 << 10 || message[0] != number {
                return Ok(Err(format!("message {number} is another")));
            }
        }
        Ok::<_, ws_wasm::Error>(Ok(read))
    };
    let (write, read) = futures_util::future::try_join(writes, reads).await?;
    let mut socket = read?.reunite(write)?;
    socket.close(None).await?;
    Ok(())
}

async fn message_over_the_limit_fails_the_connection(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().max_message_size(1000);
    let mut socket = dialer.dial(peer.url(&format!("/closed/{name}"))).await?;
    socket.write_message(vec![0; 1000]).await?;
    same!(socket.read_message().await?.map(|message| message.into_data().len()), Some(1000));
    socket.write_message(vec![0; 1001]).await?;
    let error = socket.read_message().await.err().ok_or("read")?;
    same!(error.kind(), &ErrorKind::TooBig { limit: 1000 });
    same!(peer.report(&name).await?, "4909 message too big");
    Ok(())
}

async fn compressed_messages_come_back(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    holds!(socket.extensions().contains("permessage-deflate"));
    let text = "all work and no play ".repeat(10_000);
    socket.write_message(text.as_str()).await?;
    same!(socket.read_message().await?, Some(Message::text(text)));
    Ok(())
}
