//! [`Http2Stream`]: the stream that a `CONNECT` opened.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of an HTTP/2 connection, behind hyper's box.
///
/// hyper copies each write whole, however large it is, and holds up to three of them and what h2 has taken. So they are cut,
/// into what a DATA frame holds. It has no vectored writes: what is above joins header and payload before it writes.
#[derive(Debug)]
pub(crate) struct Http2Stream(TokioIo<Upgraded>);

impl Http2Stream {
    pub(crate) fn new(upgraded: Upgraded) -> Self {
        Self(TokioIo::new(upgraded))
    }
}

impl AsyncRead for Http2Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf).map_err(lost)
    }
}

impl AsyncWrite for Http2Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &buf[..buf.len().min(MAX_PIECE)]).map_err(lost)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx).map_err(lost)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx).map_err(lost)
    }
}

/// Names the end of a stream. hyper and h2 have no kind for most: resets, errors of the connection, and one that ends in the middle
/// of a frame.
fn lost(error: io::Error) -> io::Error {
    match error.kind() {
        // RFC 8441, 5: RST_STREAM is what a reset is for TCP.
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::ConnectionReset, error),
        _ => error,
    }
}

/// The payload of a DATA frame, as long as the peer does not allow more (RFC 9113, 6.5.2).
const MAX_PIECE: usize = 16 << 10;
