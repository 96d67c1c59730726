//! [`Replayed`]: a transport on which a request has gone, and its answer begun to come, for hyper to read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives what was read of an answer once more, and then the rest of it. What is written is the request that has gone, and is
/// dropped.
pub(crate) struct Replayed<S> {
    io: S,
    read: BytesMut,
    /// How it ended behind that, if it has.
    end: Option<io::Result<()>>,
    /// hyper takes what it reads before it has asked for something that nobody has asked for.
    is_asked: bool,
    reader: Option<Waker>,
}

impl<S> Replayed<S> {
    pub(crate) fn new(io: S, read: BytesMut, end: Option<io::Result<()>>) -> Self {
        Self { io, read, end, is_asked: false, reader: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if !self.read.is_empty() {
            let length = self.read.len().min(buf.remaining());
            buf.put_slice(&self.read[..length]);
            self.read.advance(length);
            return Poll::Ready(Ok(()));
        }
        match self.end.replace(Ok(())) {
            Some(end) => Poll::Ready(end),
            None => {
                self.end = None;
                Pin::new(&mut self.io).poll_read(cx, buf)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replayed<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
