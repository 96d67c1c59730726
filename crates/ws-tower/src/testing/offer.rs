//! The upgrade in the request: a pipe that is handed over behind the response, as hyper hands over a connection.

use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use tokio::{io::DuplexStream, sync::oneshot};

/// Waits in the extensions of a request. Clones of the request share it, as they share hyper's.
#[derive(Clone, Debug)]
pub(crate) struct Offer(Arc<Mutex<Option<oneshot::Receiver<DuplexStream>>>>);

impl Offer {
    /// An upgrade, and where its transport is put once the response is there. Dropping that fails the upgrade.
    pub(super) fn new() -> (Self, oneshot::Sender<DuplexStream>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(receiver)))), sender)
    }

    /// Takes the upgrade out of a request's extensions, if it comes from here and was not taken.
    pub(crate) fn take(extensions: &mut Extensions) -> Option<oneshot::Receiver<DuplexStream>> {
        let Self(offer) = extensions.remove()?;
        offer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
