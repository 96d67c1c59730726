//! [`Reloadable`]: a proxy whose configuration is replaced while it serves.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use crate::{Proxy, ProxyBody, ProxyFuture};

/// A proxy whose configuration is replaced while it serves: a service as [`Proxy`] is one.
///
/// Requests go by the configuration that there is when they arrive. Connections that are open keep the one they began with; they
/// are not touched. A clone is the same proxy.
///
/// To count and drain the connections of all configurations together, give each the same
/// [`Tunnels`](crate::Tunnels); to keep what is known of backends, [`Backends::adopt`](crate::Backends::adopt) it.
///
/// ```
/// use ws_proxy::{Backends, Proxy, Reloadable, Tunnels};
///
/// let tunnels = Tunnels::new();
/// let first = Backends::round_robin(["ws://10.0.0.1", "ws://10.0.0.2"])?;
/// let proxy = Reloadable::new(Proxy::new(first).tunnels(tunnels.clone()));
/// // Serve with clones of `proxy`; later:
/// let second = Backends::round_robin(["ws://10.0.0.2", "ws://10.0.0.3"])?.adopt(proxy.current().backends());
/// proxy.replace(Proxy::new(second).tunnels(tunnels));
/// # Ok::<(), ws_proxy::InvalidBackend>(())
/// ```
#[derive(Clone)]
pub struct Reloadable(Arc<RwLock<Proxy>>);

impl Reloadable {
    /// Begins with this configuration.
    #[must_use]
    pub fn new(proxy: Proxy) -> Self {
        Self(Arc::new(RwLock::new(proxy)))
    }

    /// Takes another one from now on.
    pub fn replace(&self, proxy: Proxy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = proxy;
    }

    /// The one that there is.
    pub fn current(&self) -> Proxy {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<B> Service<Request<B>> for Reloadable {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// # Panics
    /// When the future is polled outside a tokio runtime with timers.
    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        self.current().call(request)
    }
}

impl fmt::Debug for Reloadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reloadable").field(&self.current()).finish()
    }
}
