//! What is the same everywhere.

use std::{error::Error, time::Duration};

use ws_wasm::{CloseFrame, Dialer, Instant, Message};

/// Speaks with a server that echoes, and tells how it goes.
///
/// Nothing in here knows where it runs. Had it set a header or asked for the `control` that pings, it would not compile for a page.
pub(crate) async fn converse(url: &str, mut tell: impl FnMut(&str)) -> Result<(), Box<dyn Error>> {
    let mut socket = Dialer::new().handshake_timeout(Duration::from_secs(5)).dial(url).await?;
    tell("connected");

    for text in ["hello", "grüße 🦀"] {
        socket.write_message(text).await?;
        match socket.read_message().await? {
            Some(Message::Text(echo)) => tell(&format!("said {text:?}, heard {echo:?}")),
            other => return Err(format!("not the echo of a text: {other:?}").into()),
        }
    }
    socket.write_message(vec![7; 100_000]).await?;
    let echo = socket.read_message().await?.map_or(0, |message| message.into_data().len());
    tell(&format!("sent 100000 bytes, got {echo} back"));

    // A deadline that passes ends nothing.
    socket.set_read_deadline(Instant::now() + Duration::from_millis(100));
    match socket.read_message().await {
        Err(error) if error.is_timeout() => tell("nothing more for now"),
        other => return Err(format!("there was to be nothing: {other:?}").into()),
    }
    socket.set_read_deadline(None);

    socket.close(CloseFrame::new(1000, "done")).await?;
    let frame = socket.closing().received().flatten().cloned();
    tell(&format!("closed with {:?}", frame.map(|frame| frame.code.as_u16())));
    Ok(())
}
