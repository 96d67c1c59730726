//! [`Upgraded`]: the bytes of a connection that was upgraded.

use std::{
    fmt,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::{
    rt::{Read, Write},
    upgrade::Upgraded as HyperUpgraded,
};
use hyper_util::{rt::TokioIo, server::conn::auto};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
#[cfg(feature = "rustls")]
use tokio_rustls::server::TlsStream;

#[cfg(feature = "http2")]
use crate::http2::Http2Stream;
use crate::{
    life::Life,
    member::{Member, Side},
    observe::Observer,
};

/// The transport under an upgraded connection.
///
/// Behind `axum::serve`, axum-server and hyper on a TCP listener this is the server's own [`TcpStream`], taken out of
/// hyper's box so that reads, writes and `writev` reach the socket without indirection. `TCP_NODELAY` is set on it. A
/// Unix socket is taken out likewise, and with the feature `rustls` a TLS stream of tokio-rustls over TCP. Anything else, such
/// as a stream of HTTP/2, stays behind hyper's box and works the same, more slowly.
///
/// It counts for the [`Tracker`](crate::Tracker) and the [`ConnectionLimit`](crate::ConnectionLimit) of its handshake until it
/// is dropped, and fails with [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once a shutdown has aborted it.
pub struct Upgraded {
    io: Io,
    /// Boxed, and absent where nothing is tracked or limited: then it costs a branch.
    life: Option<Box<Life>>,
    pub(crate) observer: Observer,
}

enum Io {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(feature = "testing")]
    Memory(tokio::io::DuplexStream),
    // Boxed: its state is over a kilobyte, and most connections have none.
    #[cfg(feature = "rustls")]
    Tls(Box<TlsStream<TcpStream>>),
    #[cfg(feature = "http2")]
    Http2(Http2Stream),
    Any(Box<TokioIo<HyperUpgraded>>),
}

impl Upgraded {
    fn new(io: Io) -> Self {
        Self { io, life: None, observer: Observer::NONE }
    }

    /// What lasts as long as this.
    pub(crate) fn with_life(mut self, life: Option<Box<Life>>) -> Self {
        self.life = life;
        self
    }

    pub(crate) fn member(&self) -> Option<&Member> {
        self.life.as_ref()?.member.as_deref()
    }

    /// Takes hyper's IO apart as far as its type is known. The bytes are what hyper read behind the request.
    pub(crate) fn from_hyper(upgraded: HyperUpgraded) -> (Self, Bytes) {
        let upgraded = match downcast::<TcpStream>(upgraded) {
            Ok((tcp, read_buf)) => {
                set_nodelay(&tcp);
                return (Self::new(Io::Tcp(tcp)), read_buf);
            }
            Err(upgraded) => upgraded,
        };
        #[cfg(unix)]
        let upgraded = match downcast::<UnixStream>(upgraded) {
            Ok((unix, read_buf)) => return (Self::new(Io::Unix(unix)), read_buf),
            Err(upgraded) => upgraded,
        };
        #[cfg(feature = "rustls")]
        let upgraded = match downcast::<TlsStream<TcpStream>>(upgraded) {
            Ok((tls, read_buf)) => {
                set_nodelay(tls.get_ref().0);
                return (Self::new(Io::Tls(Box::new(tls))), read_buf);
            }
            Err(upgraded) => upgraded,
        };
        // What hyper has read comes out of its own reader first.
        (Self::new(Io::Any(Box::new(TokioIo::new(upgraded)))), Bytes::new())
    }

    /// One end of a pipe.
    #[cfg(feature = "testing")]
    pub(crate) fn from_memory(pipe: tokio::io::DuplexStream) -> Self {
        Self::new(Io::Memory(pipe))
    }

    /// Takes the stream of a `CONNECT` request.
    #[cfg(feature = "http2")]
    pub(crate) fn from_http2(upgraded: HyperUpgraded) -> (Self, Bytes) {
        (Self::new(Io::Http2(Http2Stream::new(upgraded))), Bytes::new())
    }

    /// The TCP stream, if the connection is plain TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        match &self.io {
            Io::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The Unix stream, if the connection is a Unix socket.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(&self) -> Option<&UnixStream> {
        match &self.io {
            Io::Unix(unix) => Some(unix),
            _ => None,
        }
    }

    /// The TLS stream, if the connection is TLS by tokio-rustls over TCP: what was agreed on, the client's certificates.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn tls(&self) -> Option<&TlsStream<TcpStream>> {
        match &self.io {
            Io::Tls(tls) => Some(tls),
            _ => None,
        }
    }

    /// The address of the peer; `None` where the transport has none or hides it, as HTTP/2 does.
    ///
    /// Behind a reverse proxy this is the proxy.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.socket()?.peer_addr().ok()
    }

    /// The address the connection was accepted on; `None` where the transport has none or hides it.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket()?.local_addr().ok()
    }

    /// The TCP stream under it all.
    fn socket(&self) -> Option<&TcpStream> {
        match &self.io {
            Io::Tcp(tcp) => Some(tcp),
            #[cfg(feature = "rustls")]
            Io::Tls(tls) => Some(tls.get_ref().0),
            _ => None,
        }
    }
}

/// Frames are small and written whole, so waiting to fill a segment only adds latency. A socket that refuses the option works
/// without it.
fn set_nodelay(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
}

/// Takes a `T` and the bytes read ahead out of hyper's box.
fn downcast<T>(upgraded: HyperUpgraded) -> Result<(T, Bytes), HyperUpgraded>
where
    TokioIo<T>: Read + Write + Unpin + 'static,
{
    // hyper-util's server, and with it axum's, wraps the stream once more, in a type that only this function can name.
    match auto::upgrade::downcast::<TokioIo<T>>(upgraded) {
        Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => {
            let parts = upgraded.downcast::<TokioIo<T>>()?;
            Ok((parts.io.into_inner(), parts.read_buf))
        }
    }
}

/// Calls a method of the stream inside, whichever it is.
macro_rules! delegate {
    ($io:expr, $stream:ident => $call:expr) => {
        match $io {
            Io::Tcp($stream) => $call,
            #[cfg(unix)]
            Io::Unix($stream) => $call,
            #[cfg(feature = "testing")]
            Io::Memory($stream) => $call,
            #[cfg(feature = "rustls")]
            Io::Tls($stream) => $call,
            #[cfg(feature = "http2")]
            Io::Http2($stream) => $call,
            Io::Any($stream) => $call,
        }
    };
}

/// Polls the stream inside, and sees that a connection that is aborted ends. Without a life this is a branch.
macro_rules! watched {
    ($this:ident, $side:expr, $cx:ident, $stream:ident => $call:expr) => {
        if $this.life.is_none() {
            delegate!(&mut $this.io, $stream => $call)
        } else {
            $this.watched($side, $cx, |io, $cx| delegate!(io, $stream => $call))
        }
    };
}

impl Upgraded {
    // Out of the way of those who have no life, so that what they do is inlined as it would be without.
    #[inline(never)]
    fn watched<T>(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Io, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let result = poll(&mut self.io, cx);
        match &self.life {
            Some(life) => life.watch(side, cx, result),
            None => result,
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = watched!(self, Side::Read, cx, stream => Pin::new(stream).poll_read(cx, buf));
        if result.is_pending() {
            self.observer.waits();
        }
        result
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        watched!(self, Side::Write, cx, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        watched!(self, Side::Write, cx, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(&self.io, stream => stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.observer.waits();
        watched!(self, Side::Write, cx, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        watched!(self, Side::Write, cx, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Drop for Upgraded {
    /// Before the transport goes, the place is free: a client that sees the end and comes back at once must find it so.
    fn drop(&mut self) {
        if let Some(life) = &mut self.life {
            life.permit = None;
        }
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.io {
            Io::Tcp(tcp) => f.debug_tuple("Upgraded").field(tcp).finish(),
            #[cfg(unix)]
            Io::Unix(unix) => f.debug_tuple("Upgraded").field(unix).finish(),
            #[cfg(feature = "testing")]
            Io::Memory(pipe) => f.debug_tuple("Upgraded").field(pipe).finish(),
            #[cfg(feature = "rustls")]
            Io::Tls(tls) => f.debug_tuple("Upgraded").field(tls.get_ref().0).finish(),
            #[cfg(feature = "http2")]
            Io::Http2(_) => f.write_str("Upgraded(HTTP/2)"),
            Io::Any(_) => f.write_str("Upgraded(..)"),
        }
    }
}
