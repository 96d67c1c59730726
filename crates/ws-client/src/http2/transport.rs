//! [`Http2Transport`]: what a connection of an [`Http2Dialer`](super::Http2Dialer) runs over.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Http2Stream;
use crate::Transport;

/// A stream of an HTTP/2 connection, or a transport of its own where HTTP/1.1 was spoken.
#[derive(Debug)]
pub struct Http2Transport(Inner);

/// One type with a branch instead of a boxed trait object.
#[derive(Debug)]
enum Inner {
    Http1(Transport),
    Http2(Http2Stream),
}

impl Http2Transport {
    /// The version of HTTP that the opening handshake was spoken in: `HTTP_2` or `HTTP_11`.
    #[must_use]
    pub fn version(&self) -> Version {
        match &self.0 {
            Inner::Http1(_) => Version::HTTP_11,
            Inner::Http2(_) => Version::HTTP_2,
        }
    }

    /// The transport, if HTTP/1.1 was spoken and no one else is on it.
    #[must_use]
    pub fn http1(&self) -> Option<&Transport> {
        match &self.0 {
            Inner::Http1(transport) => Some(transport),
            Inner::Http2(_) => None,
        }
    }

    /// The address of the server; `None` when the system does not tell it any more.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Inner::Http1(transport) => transport.peer_addr().ok(),
            Inner::Http2(stream) => stream.peer_addr(),
        }
    }

    /// The address of this end; `None` when the system does not tell it any more.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Inner::Http1(transport) => transport.local_addr().ok(),
            Inner::Http2(stream) => stream.local_addr(),
        }
    }
}

impl From<Transport> for Http2Transport {
    fn from(transport: Transport) -> Self {
        Self(Inner::Http1(transport))
    }
}

impl From<Http2Stream> for Http2Transport {
    fn from(stream: Http2Stream) -> Self {
        Self(Inner::Http2(stream))
    }
}

/// Calls a method of the stream inside, whichever it is.
macro_rules! delegate {
    ($this:expr, $stream:ident => $call:expr) => {
        match $this {
            Inner::Http1($stream) => $call,
            Inner::Http2($stream) => $call,
        }
    };
}

impl AsyncRead for Http2Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.get_mut().0, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Http2Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(&mut self.get_mut().0, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(&mut self.get_mut().0, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(&self.0, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.get_mut().0, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.get_mut().0, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
