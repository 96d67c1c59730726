//! [`TrustedProxy`]: which requests come from a reverse proxy whose word counts.

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderMap, request::Parts};

use super::{
    forwarded::{Forwarded, Malformed},
    range::{AddressRange, InvalidAddressRange},
};

/// A reverse proxy that says by which scheme and for which host its clients came.
///
/// Anybody can send such headers, so they count only in requests that come from the proxy. Which these are is for you to say:
/// by the [addresses](Self::addresses) of proxies, or by a [function](Self::when).
///
/// Read are `X-Forwarded-Proto` and `X-Forwarded-Host`, or `Forwarded` (RFC 7239) with [`rfc_7239`](Self::rfc_7239), and never
/// both: **a proxy passes on what it does not know of.** The one that you configure must set the headers that are read here,
/// and not leave them to its clients. Of a list the last element counts, which is the nearest proxy's. Without the headers, the
/// scheme is that of [`Upgrader::external_scheme`](crate::Upgrader::external_scheme) and the host is `Host`. Where they are
/// malformed, no page is of the same origin.
///
/// With axum, whose `into_make_service_with_connect_info` leaves the peer's address in each request:
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use std::net::SocketAddr;
///
/// use axum::extract::ConnectInfo;
/// use ws_tower::{TrustedProxy, Upgrader};
///
/// let proxy = TrustedProxy::addresses(["127.0.0.1", "10.0.0.0/8", "fd00::/8"], |request| {
///     request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
/// })?;
/// let upgrader = Upgrader::new().trust_proxy(proxy);
/// # let _ = upgrader;
/// # Ok::<(), ws_tower::InvalidAddressRange>(())
/// ```
#[derive(Clone)]
pub struct TrustedProxy {
    sent: Arc<dyn Fn(&Parts) -> bool + Send + Sync>,
    rfc_7239: bool,
}

impl TrustedProxy {
    /// Trusts the requests for which the function says so.
    ///
    /// ```
    /// use ws_tower::TrustedProxy;
    ///
    /// // The server listens on a Unix socket, which only the proxy can reach.
    /// let proxy = TrustedProxy::when(|_request| true);
    /// # let _ = proxy;
    /// ```
    pub fn when<F>(sent: F) -> Self
    where
        F: Fn(&Parts) -> bool + Send + Sync + 'static,
    {
        Self { sent: Arc::new(sent), rfc_7239: false }
    }

    /// Trusts the requests from these addresses and ranges: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
    ///
    /// `peer` gives the address that the connection comes from. Where it gives none, the request is not trusted. An IPv4
    /// address that is written as IPv6, as sockets for both have it, counts as IPv4.
    ///
    /// # Errors
    /// When one of them is neither an address nor a range.
    pub fn addresses<I, F>(ranges: I, peer: F) -> Result<Self, InvalidAddressRange>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
        F: Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    {
        let ranges: Vec<AddressRange> =
            ranges.into_iter().map(|range| range.as_ref().parse()).collect::<Result<_, _>>()?;
        Ok(Self::when(move |request| {
            peer(request).is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
        }))
    }

    /// Reads `Forwarded` (RFC 7239) in place of `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[must_use]
    pub fn rfc_7239(mut self) -> Self {
        self.rfc_7239 = true;
        self
    }

    /// Whether a request comes from the proxy.
    pub(crate) fn sent(&self, request: &Parts) -> bool {
        (self.sent)(request)
    }

    /// What the proxy says; `None` if it says nothing.
    pub(crate) fn forwarded<'a>(&self, headers: &'a HeaderMap) -> Result<Option<Forwarded<'a>>, Malformed> {
        if self.rfc_7239 { Forwarded::from_rfc_7239(headers) } else { Forwarded::from_x_forwarded(headers) }
    }
}

impl fmt::Debug for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedProxy").field("rfc_7239", &self.rfc_7239).finish_non_exhaustive()
    }
}
