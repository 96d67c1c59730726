//! tokio-tungstenite over a TCP connection, with its default settings.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::job::{Job, Turn};
use crate::Result;

/// Sends each message by itself.
pub(super) async fn run(job: Arc<Job>) -> Result<()> {
    exchange(&job, false).await
}

/// Feeds a batch, then flushes.
pub(super) async fn run_batched(job: Arc<Job>) -> Result<()> {
    exchange(&job, true).await
}

async fn exchange(job: &Job, batched: bool) -> Result<()> {
    let (mut socket, _) = tokio_tungstenite::client_async(job.uri(), job.connect().await?).await?;
    let message = |payload| match job.is_text {
        true => Ok::<_, std::str::Utf8Error>(Message::Text(Utf8Bytes::try_from(payload)?)),
        false => Ok(Message::Binary(payload)),
    };
    let messages = job.payloads.iter().cloned().map(message).collect::<Result<Vec<_>, _>>()?;
    let mut turn = Turn::new(&messages);
    loop {
        for _ in 0..job.depth {
            if batched {
                socket.feed(turn.next()).await?;
            } else {
                socket.send(turn.next()).await?;
            }
        }
        if batched {
            socket.flush().await?;
        }
        for _ in 0..job.depth {
            match socket.next().await {
                Some(message) => drop(message?),
                None => return Err("the server closed a connection".into()),
            }
        }
    }
}
