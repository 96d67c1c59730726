//! Where the upgraded transport comes from: the one place that knows of hyper's `OnUpgrade`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
#[cfg(feature = "http2")]
use http::Version;
use http::request::Parts;

use crate::Upgraded;

/// A transport that the HTTP server hands over once it has sent the response.
#[derive(Debug)]
pub(crate) enum UpgradeSource {
    /// hyper's server, which leaves it in the extensions of each HTTP/1.1 request with an `Upgrade` header.
    Hyper(hyper::upgrade::OnUpgrade),
    /// A test in process.
    #[cfg(feature = "testing")]
    Memory(tokio::sync::oneshot::Receiver<tokio::io::DuplexStream>),
    /// The same for each HTTP/2 request with the method `CONNECT`.
    #[cfg(feature = "http2")]
    Http2(hyper::upgrade::OnUpgrade),
}

impl UpgradeSource {
    /// Takes the source out of a request's extensions; `None` if the server does not do upgrades.
    pub(crate) fn take(request: &mut Parts) -> Option<Self> {
        #[cfg(feature = "testing")]
        if let Some(pipe) = crate::testing::Offer::take(&mut request.extensions) {
            return Some(Self::Memory(pipe));
        }
        let on_upgrade = request.extensions.remove()?;
        #[cfg(feature = "http2")]
        if request.version == Version::HTTP_2 {
            return Some(Self::Http2(on_upgrade));
        }
        Some(Self::Hyper(on_upgrade))
    }

    /// Waits for the transport, and for the bytes that were read from it behind the request.
    pub(crate) fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<(Upgraded, Bytes)>> {
        match self {
            Self::Hyper(on_upgrade) => Pin::new(on_upgrade).poll(cx).map_ok(Upgraded::from_hyper),
            #[cfg(feature = "testing")]
            Self::Memory(pipe) => match std::task::ready!(Pin::new(pipe).poll(cx)) {
                Ok(pipe) => Poll::Ready(Ok((Upgraded::from_memory(pipe), Bytes::new()))),
                Err(_) => {
                    // Only hyper can make its error: that of a request without an upgrade.
                    *self = Self::Hyper(hyper::upgrade::on(http::Request::new(())));
                    self.poll_upgrade(cx)
                }
            },
            #[cfg(feature = "http2")]
            Self::Http2(on_upgrade) => Pin::new(on_upgrade).poll(cx).map_ok(Upgraded::from_http2),
        }
    }
}
