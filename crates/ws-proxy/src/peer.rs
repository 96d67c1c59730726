//! [`Peer`]: who is at the other end of a client's connection.

use std::net::SocketAddr;

/// The client's end of a connection, as the HTTP server knows it; it goes into the extensions of each request.
///
/// The headers that tell backends of the client are made of it. A server that does not insert one, such as axum's, has a
/// function of [`Proxy::peer`](crate::Proxy::peer) instead.
///
/// ```
/// use ws_proxy::{Peer, http::Request};
///
/// let mut request = Request::new(());
/// request.extensions_mut().insert(Peer::new(([192, 0, 2, 1], 50_000).into()).secure(true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use]
pub struct Peer {
    /// The address of the client, or of the proxy in front of this one.
    pub addr: SocketAddr,
    /// The address that the connection was accepted on.
    pub local: Option<SocketAddr>,
    /// Whether TLS ends at this proxy.
    pub secure: bool,
}

impl Peer {
    /// A peer without TLS.
    pub const fn new(addr: SocketAddr) -> Self {
        Self { addr, local: None, secure: false }
    }

    /// The address that the connection was accepted on.
    pub const fn local(mut self, addr: SocketAddr) -> Self {
        self.local = Some(addr);
        self
    }

    /// Whether TLS ends at this proxy.
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }
}
