//! This stack's client, as a user writes it.

use std::sync::Arc;

use ws_client::{Dialer, Transport};
use ws_core::{Conn, Message, Utf8Bytes};

use super::job::{Job, Turn};
use crate::Result;

/// Writes each message by itself.
pub(super) async fn run(job: Arc<Job>) -> Result<()> {
    let (mut conn, messages) = open(&job).await?;
    let mut turn = Turn::new(&messages);
    loop {
        for _ in 0..job.depth {
            conn.write_message(turn.next()).await?;
        }
        for _ in 0..job.depth {
            conn.read_message().await?.ok_or(CLOSED)?;
        }
    }
}

/// Queues a batch, which the first read sends.
pub(super) async fn run_queueing(job: Arc<Job>) -> Result<()> {
    let (mut conn, messages) = open(&job).await?;
    let mut turn = Turn::new(&messages);
    loop {
        for _ in 0..job.depth {
            conn.queue_message(turn.next()).await?;
        }
        for _ in 0..job.depth {
            conn.read_message().await?.ok_or(CLOSED)?;
        }
    }
}

/// As `run_queueing`, and looks at what comes back where it lies.
pub(super) async fn run_borrowing(job: Arc<Job>) -> Result<()> {
    let (mut conn, messages) = open(&job).await?;
    let mut turn = Turn::new(&messages);
    loop {
        for _ in 0..job.depth {
            conn.queue_message(turn.next()).await?;
        }
        for _ in 0..job.depth {
            conn.read_borrowed().await?.ok_or(CLOSED)?;
        }
    }
}

async fn open(job: &Job) -> Result<(Conn<Transport>, Vec<Message>)> {
    let (conn, _) = Dialer::new().dial(job.uri()).await?;
    let message = |payload| match job.is_text {
        true => Utf8Bytes::try_from(payload).map(Message::Text),
        false => Ok(Message::Binary(payload)),
    };
    let messages = job.payloads.iter().cloned().map(message).collect::<Result<_, _>>()?;
    Ok((conn, messages))
}

const CLOSED: &str = "the server closed a connection";
