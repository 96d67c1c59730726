//! Where the upgraded transport comes from: the one place that knows of hyper's `OnUpgrade`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Extensions;

use crate::Upgraded;

/// A transport that the HTTP server hands over once it has sent the response.
#[derive(Debug)]
pub(crate) enum UpgradeSource {
    /// hyper's server, which leaves it in the extensions of each HTTP/1.1 request with an `Upgrade` header.
    Hyper(hyper::upgrade::OnUpgrade),
    /// A test in process.
    #[cfg(feature = "testing")]
    Memory(tokio::sync::oneshot::Receiver<tokio::io::DuplexStream>),
}

impl UpgradeSource {
    /// Takes the source out of a request's extensions; `None` if the server does not do upgrades.
    pub(crate) fn take(extensions: &mut Extensions) -> Option<Self> {
        #[cfg(feature = "testing")]
        if let Some(pipe) = crate::testing::Offer::take(extensions) {
            return Some(Self::Memory(pipe));
        }
        extensions.remove().map(Self::Hyper)
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
        }
    }
}
