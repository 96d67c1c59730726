//! Reading and writing, bounded in size and time.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use bytes::BufMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::Sleep,
};

use super::{
    buffer::Pooled,
    head::{Fault, Scanner},
};

/// Why there is no head.
#[derive(Debug)]
pub(super) enum NoHead {
    /// The peer closed the stream before the end of the head.
    Closed,
    Fault(Fault),
    Io(io::Error),
}

/// Reads until the scanner finds the end of a head, and gives its length.
pub(super) async fn read_head<S>(
    io: &mut S,
    buffer: &mut Pooled<'_>,
    scanner: &mut Scanner,
) -> Result<usize, NoHead>
where
    S: AsyncRead + Unpin,
{
    loop {
        if let Some(length) = scanner.scan(buffer).map_err(NoHead::Fault)? {
            return Ok(length);
        }
        if read_some(io, buffer, scanner.limit()).await.map_err(NoHead::Io)? == 0 {
            return Err(NoHead::Closed);
        }
    }
}

/// Reads once, as long as the buffer has less than `most` bytes; nothing is read at the end of the stream.
pub(super) async fn read_some<S>(io: &mut S, buffer: &mut Pooled<'_>, most: usize) -> io::Result<usize>
where
    S: AsyncRead + Unpin,
{
    buffer.ensure_room(most);
    let room = most.saturating_sub(buffer.len());
    io.read_buf(&mut (&mut **buffer).limit(room)).await
}

/// Writes everything and flushes.
pub(super) async fn write_all<S>(io: &mut S, bytes: &[u8]) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    io.write_all(bytes).await?;
    io.flush().await
}

/// Reads to the end of the stream, or `most` bytes, and forgets them.
pub(super) async fn discard<S>(io: &mut S, buffer: &mut Pooled<'_>, mut most: usize) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    while most > 0 {
        buffer.clear();
        match read_some(io, buffer, most).await? {
            0 => return Ok(()),
            count => most -= count.min(most),
        }
    }
    Ok(())
}

/// Drives a future until it is ready or a timer is; without a timer, as long as it takes.
pub(super) async fn within<F: Future>(
    mut timer: Pin<&mut Option<Sleep>>,
    future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        match timer.as_mut().as_pin_mut() {
            Some(sleep) => sleep.poll(cx).map(|()| Err(Elapsed)),
            None => Poll::Pending,
        }
    })
    .await
}

/// The time is up.
#[derive(Debug)]
pub(super) struct Elapsed;

/// How long a handshake may take unless set: there is no HTTP server or client around it that would bound it.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
