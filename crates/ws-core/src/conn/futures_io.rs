//! The I/O traits of futures-io, which are tokio's under other names, for what has those.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{ByteStream, MessageReader, MessageWriter};

/// As [`AsyncRead`] of tokio.
#[cfg_attr(docsrs, doc(cfg(feature = "futures-io")))]
impl<S: AsyncRead + AsyncWrite + Unpin> futures_io::AsyncRead for ByteStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        read(self, cx, buf)
    }
}

/// As [`AsyncRead`] of tokio.
#[cfg_attr(docsrs, doc(cfg(feature = "futures-io")))]
impl<S: AsyncRead + AsyncWrite + Unpin> futures_io::AsyncRead for MessageReader<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        read(self, cx, buf)
    }
}

/// As [`AsyncWrite`] of tokio. Closing is shutting down.
#[cfg_attr(docsrs, doc(cfg(feature = "futures-io")))]
impl<S: AsyncRead + AsyncWrite + Unpin> futures_io::AsyncWrite for ByteStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(self, cx)
    }
}

/// As [`AsyncWrite`] of tokio. Closing is [`finish`](MessageWriter::finish).
#[cfg_attr(docsrs, doc(cfg(feature = "futures-io")))]
impl<S: AsyncRead + AsyncWrite + Unpin> futures_io::AsyncWrite for MessageWriter<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(self, cx)
    }
}

fn read(from: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buf = ReadBuf::new(buf);
    ready!(from.poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(buf.filled().len()))
}
