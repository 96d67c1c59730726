//! Whole messages: read one, send it back.

use ws_client::{Conn, Transport};
use ws_core::Message;
use ws_tower::Upgraded;

use crate::{Result, goodbye, pattern, report};

pub(crate) async fn serve(mut conn: Conn<Upgraded>) -> Result {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

pub(crate) async fn dial(mut conn: Conn<Transport>) -> Result {
    let texts = ["hello", "", "žluťoučký kůň €𝄞", &"x".repeat(126)].map(Message::text);
    let lengths = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];
    let messages = texts.into_iter().chain(lengths.map(|length| Message::binary(pattern(length, 7))));
    for message in messages {
        conn.write_message(message.clone()).await?;
        let echo = conn.read_message().await?.ok_or("the connection ended")?;
        if echo != message {
            return Err(format!("sent {message:?}, got {echo:?}").into());
        }
        report(&echo);
    }
    goodbye(conn).await
}
