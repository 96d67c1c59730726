//! What a dialed connection runs over.

use std::{
    fmt,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

#[cfg(feature = "native-tls")]
use crate::connect::stream_error;

/// TCP, TLS over TCP, or TLS within TLS behind a proxy that speaks TLS: what a [`Connector`](crate::Connector) opens.
pub struct Transport(Inner);

/// One type with a branch instead of a boxed trait object: reads and writes stay direct calls. TLS state is over a
/// kilobyte, so it is boxed to keep a plain connection small; that also lets TLS run over a transport that is TLS.
enum Inner {
    Tcp(TcpStream),
    #[cfg(feature = "rustls")]
    Tls(Box<tokio_rustls::client::TlsStream<Transport>>),
    #[cfg(feature = "native-tls")]
    NativeTls(Box<tokio_native_tls::TlsStream<Transport>>),
    /// TLS that ends at a proxy, with a server behind it that has none.
    #[cfg(feature = "proxy")]
    Tunnel(Box<Transport>),
}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self(Inner::Tcp(stream))
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn tls(stream: tokio_rustls::client::TlsStream<Self>) -> Self {
        Self(Inner::Tls(Box::new(stream)))
    }

    #[cfg(feature = "native-tls")]
    pub(crate) fn native_tls(stream: tokio_native_tls::TlsStream<Self>) -> Self {
        Self(Inner::NativeTls(Box::new(stream)))
    }

    /// The way to a server that is spoken to without TLS: whatever TLS there is ends before it.
    pub(crate) fn without_tls(self) -> Self {
        #[cfg(feature = "proxy")]
        if !matches!(self.0, Inner::Tcp(_)) {
            return Self(Inner::Tunnel(Box::new(self)));
        }
        self
    }

    /// The address of the other end of the TCP connection: the server, or the proxy on the way to it.
    ///
    /// # Errors
    ///
    /// The system's error, for instance when the server has reset the connection.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp_stream().peer_addr()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp_stream().local_addr()
    }

    /// The TCP connection, for instance to set options of the socket.
    ///
    /// Under TLS its bytes are ciphertext: reading or writing them here breaks the connection.
    #[must_use]
    pub fn tcp_stream(&self) -> &TcpStream {
        match &self.0 {
            Inner::Tcp(stream) => stream,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream.get_ref().0.tcp_stream(),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => stream.get_ref().get_ref().get_ref().tcp_stream(),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => transport.tcp_stream(),
        }
    }

    /// What TLS with the server agreed on: version, cipher suite, certificates. `None` without it, also where there is
    /// TLS with a proxy, and with native-tls.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn tls_connection(&self) -> Option<&rustls::ClientConnection> {
        match &self.0 {
            Inner::Tcp(_) => None,
            Inner::Tls(stream) => Some(stream.get_ref().1),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(_) => None,
            #[cfg(feature = "proxy")]
            Inner::Tunnel(_) => None,
        }
    }

    /// What native-tls knows of the session with the server, by its `get_ref`: the certificate, the protocol that ALPN
    /// agreed on. `None` over plain TCP and rustls.
    #[cfg(feature = "native-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
    #[must_use]
    pub fn native_tls_stream(&self) -> Option<&tokio_native_tls::TlsStream<Self>> {
        match &self.0 {
            Inner::Tcp(_) => None,
            #[cfg(feature = "rustls")]
            Inner::Tls(_) => None,
            Inner::NativeTls(stream) => Some(stream),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(_) => None,
        }
    }

    /// Whether TLS agreed on HTTP/2.
    #[cfg(feature = "http2")]
    pub(crate) fn is_http2(&self) -> bool {
        match &self.0 {
            Inner::Tcp(_) => false,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => {
                matches!(stream.get_ref().negotiated_alpn(), Ok(Some(name)) if name == b"h2")
            }
            #[cfg(feature = "proxy")]
            Inner::Tunnel(_) => false,
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            Inner::Tcp(_) => "Tcp",
            #[cfg(feature = "rustls")]
            Inner::Tls(_) => "Tls",
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(_) => "NativeTls",
            #[cfg(feature = "proxy")]
            Inner::Tunnel(_) => "Tunnel",
        };
        f.debug_tuple(name).field(self.tcp_stream()).finish()
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => Pin::new(stream).poll_read(cx, buf).map_err(stream_error),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => Pin::new(transport).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => Pin::new(stream).poll_write(cx, buf).map_err(stream_error),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => Pin::new(transport).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs).map_err(stream_error),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => Pin::new(transport).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Inner::Tcp(stream) => stream.is_write_vectored(),
            // rustls seals several slices into the same records, so this saves a copy and costs nothing.
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream.is_write_vectored(),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => stream.is_write_vectored(),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => transport.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => Pin::new(stream).poll_flush(cx).map_err(stream_error),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => Pin::new(transport).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "native-tls")]
            Inner::NativeTls(stream) => Pin::new(stream).poll_shutdown(cx).map_err(stream_error),
            #[cfg(feature = "proxy")]
            Inner::Tunnel(transport) => Pin::new(transport).poll_shutdown(cx),
        }
    }
}
