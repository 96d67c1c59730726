//! [`UpgradeService`]: a handler as a complete service.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;
use ws_core::Conn;

use crate::{ResponseBody, UpgradeError, Upgraded, Upgrader, life};

/// A complete endpoint: answers opening handshakes and runs a handler for each connection.
///
/// Made by [`Upgrader::service`]. It takes requests with any body, and every request gets an answer: one that cannot
/// be upgraded is refused with the status and headers of its [rejection](crate::rejection). The handler runs in a
/// tokio task of its own.
#[derive(Clone)]
#[must_use]
pub struct UpgradeService<H, E = fn(UpgradeError)> {
    upgrader: Upgrader,
    handler: H,
    on_failed_upgrade: E,
}

impl<H> UpgradeService<H> {
    pub(crate) fn new(upgrader: Upgrader, handler: H) -> Self {
        Self { upgrader, handler, on_failed_upgrade: drop }
    }
}

impl<H, E> UpgradeService<H, E> {
    /// Calls `callback` when an accepted handshake is not followed by a connection. Ignored unless set.
    pub fn on_failed_upgrade<C>(self, callback: C) -> UpgradeService<H, C>
    where
        C: FnOnce(UpgradeError) + Clone + Send + 'static,
    {
        UpgradeService { upgrader: self.upgrader, handler: self.handler, on_failed_upgrade: callback }
    }
}

impl<H, Fut, E, B> Service<Request<B>> for UpgradeService<H, E>
where
    H: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
    E: FnOnce(UpgradeError) + Clone + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// # Panics
    /// When it accepts a handshake outside a tokio runtime.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let accepted = match self.upgrader.upgrade(&mut request) {
            Ok(accepted) => accepted,
            Err(rejection) => return ready(Ok(rejection.into())),
        };
        let (handler, on_failed_upgrade) = (self.handler.clone(), self.on_failed_upgrade.clone());
        life::serve(accepted.conn, move |upgraded| match upgraded {
            Ok(conn) => Some(conn.get_ref().observer.scope().run(|| handler(conn))),
            Err(error) => {
                on_failed_upgrade(error);
                None
            }
        });
        ready(Ok(accepted.response.map(|()| ResponseBody::empty())))
    }
}

impl<H, E> fmt::Debug for UpgradeService<H, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeService").field("upgrader", &self.upgrader).finish_non_exhaustive()
    }
}
