//! The source of an application for pages and for native programs. This package runs it in browsers, and `tests/one_source.rs` of ws-tests
//! outside of them, each against a server that echoes.

use std::{error::Error, io, time::Duration};

use ws_wasm::{
    ByteStream, CloseCode, Dialer, ErrorKind, Instant, Message, MessageKind, MessageReader, MessageWriter,
    PreparedMessage, ProtocolError, ReadHalf, WebSocket, WriteHalf,
};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Gives a macro the names of all tests.
macro_rules! all {
    ($list:ident) => {
        $list! {
            messages_are_read_and_written_as_byte_streams
            prepared_messages_are_sent_many_times
            halves_have_the_same_methods
            program_that_only_writes_is_sent_nothing
            byte_streams_have_the_traits_of_futures_io
            byte_streams_have_the_traits_of_tokio
        }
    };
}
pub(crate) use all;

/// Fails by an error, since a panic would end the whole module of a page.
fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

pub(crate) async fn messages_are_read_and_written_as_byte_streams(dialer: Dialer, url: String) -> Outcome {
    use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn read_text(mut message: MessageReader<'_>) -> io::Result<String> {
        let mut text = String::new();
        message.read_to_string(&mut text).await?;
        Ok(text)
    }
    async fn write_bytes(mut message: MessageWriter<'_>) -> Outcome {
        for _ in 0..10 {
            message.write_all(&[7; 10_000]).await?;
        }
        message.flush().await?;
        Ok(message.finish().await?)
    }

    let mut socket: WebSocket = dialer.dial(url).await?;
    let mut message = socket.next_writer(MessageKind::Text).await?;
    // Cut inside of a character.
    for piece in [&b"gr\xC3"[..], b"\xBC\xC3\x9Fe"] {
        message.write_all(piece).await?;
    }
    message.finish().await?;
    write_bytes(socket.next_writer(MessageKind::Binary).await?).await?;
    let Some(message) = socket.next_reader().await? else { return Err("the end".into()) };
    ensure(message.kind() == MessageKind::Text, "a text")?;
    ensure(read_text(message).await? == "grüße", "what was written")?;
    // Dropped unread.
    ensure(socket.next_reader().await?.is_some(), "a second message")?;
    socket.write_message("third").await?;
    ensure(socket.read_message().await? == Some(Message::text("third")), "the message behind it")?;
    socket.close(CloseCode::NORMAL_CLOSURE).await?;
    ensure(socket.next_reader().await?.is_none(), "the end")
}

pub(crate) async fn prepared_messages_are_sent_many_times(dialer: Dialer, url: String) -> Outcome {
    let mut socket = dialer.dial(url).await?;
    let tick = PreparedMessage::new("tick")?;
    socket.write_prepared(&tick).await?;
    socket.queue_prepared(&tick).await?;
    socket.start_send_prepared(&tick)?;
    socket.flush().await?;
    for _ in 0..3 {
        ensure(socket.read_message().await? == Some(Message::text("tick")), "a tick")?;
    }
    socket.close(None).await?;
    Ok(())
}

pub(crate) async fn halves_have_the_same_methods(dialer: Dialer, url: String) -> Outcome {
    let (mut read, mut write): (ReadHalf, WriteHalf) = dialer.dial(url).await?.into_split();
    ensure(
        read.is_pair_of(&write) && read.subprotocol().is_none() && write.subprotocol().is_none(),
        "a pair",
    )?;
    read.set_max_message_size(1 << 20);
    write.write_prepared(&PreparedMessage::new(vec![1])?).await?;
    write.next_writer(MessageKind::Text).await?.finish().await?;
    ensure(read.next_reader().await?.is_some_and(|message| message.kind() == MessageKind::Binary), "bytes")?;
    ensure(read.read_message().await? == Some(Message::text("")), "an empty text")?;
    read.set_read_deadline(Instant::now() + Duration::from_millis(10));
    ensure(read.read_message().await.is_err_and(|error| error.is_timeout()), "a deadline that passes")?;
    read.set_read_deadline(None);
    let mut socket = read.reunite(write).map_err(|_| "not a pair")?;
    socket.close(None).await?;
    Ok(())
}

pub(crate) async fn program_that_only_writes_is_sent_nothing(dialer: Dialer, url: String) -> Outcome {
    let (read, mut write) = dialer.dial(url).await?.into_split();
    write.write_message("to be echoed").await?;
    let error = read.close_read().await.err().ok_or("a normal end")?;
    ensure(error.kind() == &ErrorKind::Protocol(ProtocolError::UnexpectedMessage), "an unexpected message")
}

pub(crate) async fn byte_streams_have_the_traits_of_futures_io(dialer: Dialer, url: String) -> Outcome {
    use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut stream: ByteStream = dialer.dial(url).await?.into_byte_stream(MessageKind::Binary);
    stream.write_all(b"any bytes").await?;
    stream.flush().await?;
    let mut bytes = [0; 9];
    stream.read_exact(&mut bytes[..4]).await?;
    stream.read_exact(&mut bytes[4..]).await?;
    ensure(&bytes == b"any bytes", "what was written")?;
    stream.close().await?;
    Ok(())
}

pub(crate) async fn byte_streams_have_the_traits_of_tokio(dialer: Dialer, url: String) -> Outcome {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut socket = dialer.dial(url).await?;
    let mut message = socket.next_writer(MessageKind::Binary).await?;
    message.write_all(b"first").await?;
    message.shutdown().await?;
    drop(message);
    let mut bytes = Vec::new();
    if let Some(mut message) = socket.next_reader().await? {
        message.read_to_end(&mut bytes).await?;
    }
    let mut stream = socket.into_byte_stream(MessageKind::Binary);
    stream.write_all(b" second").await?;
    let mut rest = [0; 7];
    stream.read_exact(&mut rest).await?;
    ensure(bytes == b"first" && &rest == b" second", "what was written")?;
    stream.shutdown().await?;
    Ok(())
}
