//! Name resolution and TCP, both by hyper-util.

#[cfg(feature = "socks")]
use std::net::{IpAddr, SocketAddr};
use std::{
    error,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Uri;
#[cfg(feature = "socks")]
use http::uri::Authority;
use hyper_util::client::legacy::connect::{
    HttpConnector,
    dns::{GaiAddrs, GaiFuture, GaiResolver, Name},
};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{Phase, phase};

/// How long opening a TCP connection may take. hyper-util shares it among the addresses of a name, so that one that
/// swallows packets does not use up the time for all of them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub(super) struct Tcp(HttpConnector<Resolver>);

pub(super) fn tcp() -> Tcp {
    let mut connector = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    Tcp(connector)
}

impl Tcp {
    pub(super) fn connect_timeout(&mut self, timeout: Option<Duration>) {
        self.0.set_connect_timeout(timeout);
    }

    pub(super) async fn open(&mut self, uri: Uri) -> io::Result<TcpStream> {
        // Addresses are not resolved; names set the phase back to Dns.
        phase::enter(Phase::Connect);
        match self.0.call(uri).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => Err(io_error(error)),
        }
    }
}

#[cfg(feature = "socks")]
impl Tcp {
    /// The first address of a host, with the port, found by the resolver that connections use.
    pub(super) async fn resolve(&self, host: &Authority) -> io::Result<Authority> {
        let name = host.host();
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if literal.parse::<IpAddr>().is_ok() {
            return Ok(host.clone());
        }
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let name = name.parse().map_err(|_| invalid("this is no host name"))?;
        let Some(addr) = Resolver(GaiResolver::new()).call(name).await?.next() else {
            phase::enter(Phase::Dns);
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        };
        let addr = SocketAddr::new(addr.ip(), host.port_u16().unwrap_or_default());
        addr.to_string().parse().map_err(|_| invalid("this is no address"))
    }
}

/// The system's error where there is one: hyper-util's wrapper adds nothing that the phase does not say.
fn io_error(error: impl error::Error + Send + Sync + 'static) -> io::Error {
    let mut next: Option<&(dyn error::Error + 'static)> = error.source();
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return match cause.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(cause.kind(), error),
            };
        }
        next = cause.source();
    }
    io::Error::other(error)
}

/// The system's resolver, which tells the dial when it is at work.
#[derive(Clone, Debug)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Resolving {
        phase::enter(Phase::Dns);
        Resolving(self.0.call(name))
    }
}

struct Resolving(GaiFuture);

impl Future for Resolving {
    type Output = io::Result<GaiAddrs>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let addrs = ready!(Pin::new(&mut self.0).poll(cx))?;
        phase::enter(Phase::Connect);
        Poll::Ready(Ok(addrs))
    }
}
