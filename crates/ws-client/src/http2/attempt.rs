//! [`Attempt`]: opening a connection, for all dials that wait for it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Uri, uri::Scheme};
use tokio::{sync::watch, task::AbortHandle};
use tower_service::Service;

use super::{
    Http2Error,
    driver::Life,
    link::{Addresses, Link},
};
use crate::{
    Connector, DialError, Phase, Transport,
    phase::{self, Standing},
};

/// A connection that is being opened by a task of its own, so that no dial that gives up takes it from the others. It ends
/// when no dial waits any more.
pub(super) struct Attempt {
    outcome: watch::Receiver<Option<Outcome>>,
    standing: Arc<Mutex<Standing>>,
    task: AbortHandle,
}

/// What came of it, for each of those who waited.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The pool has the connection.
    Connected,
    /// The server chose HTTP/1.1.
    Http1(Spare),
    Failed(Arc<DialError>),
}

/// A transport for the first who takes it.
#[derive(Clone)]
pub(super) struct Spare(Arc<Mutex<Option<Transport>>>);

impl Spare {
    pub(super) fn take(&self) -> Option<Transport> {
        lock(&self.0).take()
    }
}

/// A transport, and what the server speaks on it.
pub(super) enum Opened {
    Http1(Transport),
    Http2(Link),
}

impl Attempt {
    /// Begins; `conclude` is given the result, and what it returns is what those who wait are told.
    pub(super) fn start(
        connector: Connector,
        endpoint: Uri,
        life: Life,
        conclude: impl FnOnce(Result<Opened, DialError>) -> Outcome + Send + 'static,
    ) -> Self {
        let (sender, outcome) = watch::channel(None);
        let standing = Arc::new(Mutex::new(Standing::new(Phase::Connect)));
        let current = Arc::clone(&standing);
        let task = tokio::spawn(async move {
            // No deadline of its own: each dial has one.
            let opened = phase::bounded(None, Phase::Connect, async {
                let mut opened = pin!(open(connector, endpoint, life));
                poll_fn(|cx| {
                    let polled = opened.as_mut().poll(cx);
                    *lock(&current) = Standing::current();
                    polled
                })
                .await
            })
            .await;
            // Nobody hears it if all have gone in the meantime.
            let _ = sender.send(Some(conclude(opened)));
        });
        Self { outcome, standing, task: task.abort_handle() }
    }

    /// Waits for the outcome, standing where the attempt stands.
    pub(super) async fn wait(&self) -> Outcome {
        let mut receiver = self.outcome.clone();
        let mut outcome = pin!(receiver.wait_for(Option::is_some));
        poll_fn(|cx| {
            lock(&self.standing).enter();
            outcome.as_mut().poll(cx).map(|outcome| match outcome.as_deref() {
                Ok(Some(outcome)) => outcome.clone(),
                // The runtime is shutting down.
                Ok(None) | Err(_) => Outcome::failed(Http2Error::Lost.into()),
            })
        })
        .await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Outcome {
    pub(super) fn http1(transport: Transport) -> Self {
        Self::Http1(Spare(Arc::new(Mutex::new(Some(transport)))))
    }

    pub(super) fn failed(error: DialError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

async fn open(connector: Connector, endpoint: Uri, life: Life) -> Result<Opened, DialError> {
    let is_secure = endpoint.scheme() == Some(&Scheme::HTTPS);
    let transport = connector
        .offer_http2()
        .call(endpoint)
        .await
        .map_err(|error| DialError::connector(phase::current(), error))?;
    // Without TLS nothing is negotiated, and whoever asks for HTTP/2 knows that the server speaks it.
    if is_secure && !transport.is_http2() {
        return Ok(Opened::Http1(transport));
    }
    phase::enter(Phase::Http);
    let addresses = Addresses::of(&transport);
    Link::open(transport, addresses, life).await.map(Opened::Http2)
}

/// Nothing panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
