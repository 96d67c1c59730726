//! Echoes over each face of a connection, for both of Autobahn's peers.

use std::{io, str::FromStr};

use tokio::io::{AsyncRead, AsyncWrite};
use ws_core::{Conn, PreparedMessage};

/// Which calls read a message and write it back.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "both peers are in this package")]
pub enum Style {
    /// `read_borrowed`, then `write_prepared`.
    Borrowed,
    /// `read_message`, then `write_message`.
    Messages,
    /// `next_reader` of one half, copied to `next_writer` of the other.
    Stream,
}

impl FromStr for Style {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "borrowed" => Ok(Self::Borrowed),
            "messages" => Ok(Self::Messages),
            "stream" => Ok(Self::Stream),
            _ => Err(format!("there is no style {name}")),
        }
    }
}

impl Style {
    /// Echoes every message until the connection ends.
    ///
    /// # Errors
    /// Those of the connection, which most cases provoke: the suite judges what went over the wire.
    pub async fn echo<S: AsyncRead + AsyncWrite + Unpin>(self, conn: Conn<S>) -> io::Result<()> {
        match self {
            Self::Borrowed => borrowed(conn).await,
            Self::Messages => messages(conn).await,
            Self::Stream => stream(conn).await,
        }
    }
}

async fn borrowed<S: AsyncRead + AsyncWrite + Unpin>(mut conn: Conn<S>) -> io::Result<()> {
    while let Some(message) = conn.read_borrowed().await? {
        let reply = PreparedMessage::new(message.to_message())?;
        conn.write_prepared(&reply).await?;
    }
    Ok(())
}

async fn messages<S: AsyncRead + AsyncWrite + Unpin>(mut conn: Conn<S>) -> io::Result<()> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

async fn stream<S: AsyncRead + AsyncWrite + Unpin>(conn: Conn<S>) -> io::Result<()> {
    let (mut read, mut write) = conn.into_split();
    while let Some(mut message) = read.next_reader().await? {
        let mut reply = write.next_writer(message.kind()).await?;
        tokio::io::copy(&mut message, &mut reply).await?;
        reply.finish().await?;
    }
    Ok(())
}
