//! How do I talk WebSocket over something that is not TCP?
//!
//! ```text
//! cargo run --release --bin own-transport
//! cargo run --release --bin own-transport unix
//! ```
//!
//! A Unix socket, a pair of pipes in memory, and the standard input and output of a child process: each ends in
//! `Dialer::handshake`, which takes whatever is `AsyncRead + AsyncWrite`. The program is both ends.
#![forbid(unsafe_code)]

mod child;
mod memory;
#[cfg(unix)]
mod unix;

use std::{env, error::Error, io};

use tokio::io::{AsyncRead, AsyncWrite};
use ws_client::{CloseCode, Config, Dialer};
use ws_core::raw::handshake::Upgrader;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let wanted = env::args().nth(1);
    if wanted.as_deref() == Some(child::ARGUMENT) {
        return child::serve().await;
    }
    let is_wanted = |name| wanted.as_deref().is_none_or(|wanted| wanted == name);
    #[cfg(unix)]
    if is_wanted("unix") {
        println!("over a Unix socket: {}", unix::run().await?);
    }
    if is_wanted("memory") {
        println!("in memory: {}", memory::run().await?);
    }
    if is_wanted("child") {
        println!("with a child process: {}", child::run().await?);
    }
    Ok(())
}

/// The client, which is the same over any transport.
///
/// The URL says what to ask for, in the path and in the `Host` header. Where that is, is up to the transport.
async fn greet<S>(io: S) -> Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut conn, _response) = Dialer::new().handshake("ws://localhost/shout", io).await?;
    conn.write_message("hello").await?;
    let answer = conn.read_message().await?.ok_or("closed without an answer")?;
    conn.close(CloseCode::NORMAL_CLOSURE).await?;
    Ok(answer.to_text()?.to_owned())
}

/// A server for one connection, on any transport as well: without an HTTP server, since there is one route.
async fn shout<S>(io: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut conn = Upgrader::new().accept(io, Config::new()).await?;
    while let Some(message) = conn.read_message().await? {
        let text = message.to_text().map_err(io::Error::other)?;
        conn.write_message(text.to_uppercase()).await?;
    }
    Ok(())
}
