//! Streams that give and take as told.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives its bytes in pieces of `width`, and makes the reader wait before each.
pub(crate) struct Pieces {
    bytes: VecDeque<u8>,
    width: usize,
    pub(crate) waited: bool,
}

impl Pieces {
    pub(crate) fn new(bytes: &[u8], width: usize) -> Self {
        Self { bytes: bytes.iter().copied().collect(), width, waited: false }
    }

    /// Adds what arrives later.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len()
    }
}

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.waited = !this.waited;
        if this.waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = this.width.min(buf.remaining()).min(this.bytes.len());
        let piece: Vec<u8> = this.bytes.drain(..count).collect();
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

/// Keeps every write as it came.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) writes: Vec<Vec<u8>>,
    pub(crate) vectored: bool,
    /// The most that one write takes.
    pub(crate) width: Option<usize>,
    /// The writer has to wait before each write.
    pub(crate) waits: bool,
    /// Writes that succeed before all others fail.
    pub(crate) fails_after: Option<usize>,
    pub(crate) fails_to_flush: bool,
    pub(crate) waited: bool,
}

impl Recorder {
    pub(crate) fn vectored() -> Self {
        Self { vectored: true, ..Self::default() }
    }

    pub(crate) fn slow(width: usize) -> Self {
        Self { width: Some(width), waits: true, ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.writes.concat()
    }

    fn take(&mut self, cx: &Context<'_>, bytes: impl Iterator<Item = u8>) -> Poll<io::Result<usize>> {
        if self.fails_after.is_some_and(|count| self.writes.len() >= count) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.waits {
            self.waited = !self.waited;
            if self.waited {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let taken: Vec<u8> = bytes.take(self.width.unwrap_or(usize::MAX)).collect();
        let count = taken.len();
        self.writes.push(taken);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().take(cx, bytes.iter().copied())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.vectored, "this stream takes one piece at a time");
        self.get_mut().take(cx, pieces.iter().flat_map(|piece| piece.iter().copied()))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(if self.fails_to_flush { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) })
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic!("nothing here may shut the stream down");
    }
}

/// Reads from one stream and writes to another.
pub(crate) struct Both<R, W>(pub(crate) R, pub(crate) W);

impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Both<R, W> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Both<R, W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().1).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().1).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().1).poll_shutdown(cx)
    }
}

/// Polls a future until it is done. The streams here never wait for anything but the next poll.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    run_for(1_000_000, future).expect("the future is done in bounded time")
}

/// Polls a future so many times and drops it then.
pub(crate) fn run_for<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}
