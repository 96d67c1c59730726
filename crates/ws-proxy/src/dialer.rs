//! [`BackendDialer`]: how backends are dialed, over HTTP/1.1 or HTTP/2 or whatever a connector opens.

use std::{
    error, fmt,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Uri};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;
#[cfg(not(feature = "http2"))]
use ws_client::Transport as Known;
use ws_client::{DialError, Dialer, Exchange};
#[cfg(feature = "http2")]
use ws_client::{Http2Dialer, Http2Transport as Known};

/// How a proxy dials its backends: with the TLS configuration, the timeouts and the limits of a [`Dialer`].
///
/// A [`Dialer`] speaks HTTP/1.1. An `Http2Dialer` (feature `http2`) asks backends of `wss://` for HTTP/2 by ALPN and shares
/// connections; one with prior knowledge speaks it with those of `ws://`, too. A dialer with a connector of your own goes in by
/// [`over`](Self::over).
///
/// Headers of the dialer go to every backend, in place of those of the request. Its subprotocols are offered where a client
/// offers none. Redirects are passed on to the client and not followed, whatever the dialer says.
#[derive(Clone)]
pub struct BackendDialer(Inner);

#[derive(Clone)]
enum Inner {
    Http1(Box<Dialer>),
    #[cfg(feature = "http2")]
    Http2(Box<Http2Dialer>),
    Own(Arc<dyn Own>),
}

impl BackendDialer {
    /// A dialer whose transports come from a connector of your own.
    pub fn over<C>(dialer: Dialer<C>) -> Self
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        C::Error: Into<Box<dyn error::Error + Send + Sync>> + Send,
        C::Future: Send,
    {
        Self(Inner::Own(Arc::new(dialer)))
    }

    /// Asks a backend, behind these bytes if it is a connection of its own.
    pub(crate) async fn exchange(
        &self,
        request: Request<()>,
        preamble: Option<Bytes>,
    ) -> Result<Exchange<BackendIo>, DialError> {
        match &self.0 {
            Inner::Http1(dialer) => {
                let exchange = match preamble {
                    Some(preamble) => Dialer::clone(dialer).preamble(preamble).exchange(request).await?,
                    None => dialer.exchange(request).await?,
                };
                Ok(map(exchange, known))
            }
            #[cfg(feature = "http2")]
            // Boxed, or those who do without would have room for it.
            Inner::Http2(dialer) => Ok(map(Box::pin(dialer.exchange(request)).await?, BackendIo::Known)),
            Inner::Own(dialer) => dialer.exchange(request).await,
        }
    }
}

impl From<Dialer> for BackendDialer {
    fn from(dialer: Dialer) -> Self {
        Self(Inner::Http1(Box::new(dialer)))
    }
}

#[cfg(feature = "http2")]
#[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
impl From<Http2Dialer> for BackendDialer {
    fn from(dialer: Http2Dialer) -> Self {
        Self(Inner::Http2(Box::new(dialer)))
    }
}

impl Default for BackendDialer {
    fn default() -> Self {
        Dialer::new().into()
    }
}

impl fmt::Debug for BackendDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Http1(dialer) => f.debug_tuple("BackendDialer").field(dialer).finish(),
            #[cfg(feature = "http2")]
            Inner::Http2(dialer) => f.debug_tuple("BackendDialer").field(dialer).finish(),
            Inner::Own(_) => f.write_str("BackendDialer(..)"),
        }
    }
}

type Exchanging<'a> = Pin<Box<dyn Future<Output = Result<Exchange<BackendIo>, DialError>> + Send + 'a>>;

trait Own: Send + Sync {
    fn exchange(&self, request: Request<()>) -> Exchanging<'_>;
}

impl<C> Own for Dialer<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    C::Error: Into<Box<dyn error::Error + Send + Sync>> + Send,
    C::Future: Send,
{
    fn exchange(&self, request: Request<()>) -> Exchanging<'_> {
        Box::pin(async move {
            let exchange = self.exchange(request).await?;
            Ok(map(exchange, |io| BackendIo::Own(Box::new(io))))
        })
    }
}

fn map<S, T>(exchange: Exchange<S>, wrap: impl FnOnce(S) -> T) -> Exchange<T> {
    match exchange {
        Exchange::Accepted(accepted) => Exchange::Accepted(accepted.map_io(wrap)),
        Exchange::Refused(response) => Exchange::Refused(response),
        _ => unreachable!("an answer accepts or refuses"),
    }
}

/// The connection to a backend.
pub(crate) enum BackendIo {
    Known(Known),
    Own(Box<dyn Io>),
}

#[cfg(feature = "http2")]
fn known(transport: ws_client::Transport) -> BackendIo {
    BackendIo::Known(transport.into())
}

#[cfg(not(feature = "http2"))]
fn known(transport: ws_client::Transport) -> BackendIo {
    BackendIo::Known(transport)
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Calls a method of the stream inside, whichever it is.
macro_rules! delegate {
    ($io:expr, $stream:ident => $call:expr) => {
        match $io {
            BackendIo::Known($stream) => $call,
            BackendIo::Own($stream) => $call,
        }
    };
}

impl AsyncRead for BackendIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for BackendIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
