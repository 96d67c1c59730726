//! [`UpgradeLayer`]: one policy for all extractors below it.

use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower_layer::Layer;
use tower_service::Service;

use crate::Upgrader;

/// Gives the extractors below it an [`Upgrader`], as axum's `DefaultBodyLimit` gives them a limit.
///
/// The layer decides nothing by itself: it leaves a clone of the `Upgrader` in the extensions of each request, and
/// [`extract::WebSocketUpgrade`](crate::extract::WebSocketUpgrade) follows it. The innermost layer wins, so a route
/// may override what the router around it says. It replaces all of it, the [`Tracker`](crate::Tracker) and the limits as well:
/// change a clone of the outer policy where the rest is to stay. Requests pass through as they are, and so does the future of
/// the service inside: nothing is boxed.
///
/// Other middleware may stand on either side of it. It sees an opening handshake as a request and its response, and nothing
/// of the connection afterwards: a timeout or a limit on concurrent requests ends with the response. A condition of your own for
/// compressing responses must leave out those without a body, as tower-http's does, since 101 is one of them.
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::{Router, routing::any};
/// use ws_tower::{CheckOrigin, UpgradeLayer, Upgrader, extract::WebSocketUpgrade};
///
/// async fn handler(ws: WebSocketUpgrade) -> axum::response::Response {
///     ws.on_upgrade(|socket| async move { drop(socket) })
/// }
///
/// let policy = Upgrader::new().subprotocols(["chat.v2", "chat.v1"]);
/// let public = policy.clone().check_origin(CheckOrigin::Any);
/// let app: Router = Router::new()
///     .route("/public", any(handler).layer(UpgradeLayer::new(public)))
///     .route("/ws", any(handler))
///     .layer(UpgradeLayer::new(policy));
/// # let _ = app;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UpgradeLayer {
    upgrader: Upgrader,
}

impl UpgradeLayer {
    /// A layer that hands out `upgrader`.
    pub fn new(upgrader: Upgrader) -> Self {
        Self { upgrader }
    }
}

impl<S> Layer<S> for UpgradeLayer {
    type Service = Upgrade<S>;

    fn layer(&self, inner: S) -> Upgrade<S> {
        Upgrade { inner, upgrader: self.upgrader.clone() }
    }
}

/// The service that [`UpgradeLayer`] makes: `S` with an [`Upgrader`] in the extensions of each request.
#[derive(Clone, Debug)]
#[must_use]
pub struct Upgrade<S> {
    inner: S,
    upgrader: Upgrader,
}

impl<S> Upgrade<S> {
    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the service out.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for Upgrade<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(Policy(self.upgrader.clone()));
        self.inner.call(request)
    }
}

impl Upgrader {
    /// The policy that the innermost [`UpgradeLayer`] gave a request, for extractors of your own.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        extensions.get().map(|Policy(upgrader)| upgrader.clone())
    }
}

/// The [`Upgrader`] in a request's extensions. A type of our own, so that applications cannot collide with it.
#[derive(Clone)]
struct Policy(Upgrader);
