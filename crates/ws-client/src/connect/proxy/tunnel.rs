//! Opening a tunnel through the proxy that was chosen.

use std::{io, sync::Arc};

use http::{
    HeaderMap, Uri,
    uri::{Authority, Scheme},
};

#[cfg(feature = "socks")]
use super::socks::socks;
use super::{
    Proxy, ProxyError,
    connect::connect,
    error::Failure,
    server::{Protocol, Server},
};
use crate::{Phase, TlsError, Transport, connect::Connector, phase};

/// A proxy, and what is said to it.
pub(in crate::connect) struct Route {
    pub(super) server: Arc<Server>,
    pub(super) headers: HeaderMap,
}

impl Connector {
    /// A tunnel to the host and port of a URL, `None` when it is to be reached without one.
    pub(in crate::connect) async fn tunnel(
        &mut self,
        proxy: &Proxy,
        url: &Uri,
    ) -> io::Result<Option<Transport>> {
        let target = authority(url)?;
        let route = proxy.select(url).map_err(|failure| failure.into_io(None, target.as_str()))?;
        let Some(Route { server, headers }) = route else { return Ok(None) };
        let destination = match &server.protocol {
            // Before the phases speak of the proxy: this is the name of the server.
            #[cfg(feature = "socks")]
            Protocol::Socks { local_dns: true, .. } => self.tcp.resolve(&target).await?,
            _ => target.clone(),
        };
        phase::through(server.name());
        let tunnel = match (self.reach_proxy(&server).await, &server.protocol) {
            (Err(failure), _) => Err(failure),
            (Ok(io), Protocol::Connect { authorization }) => {
                connect(io, destination, authorization.as_ref(), headers).await
            }
            #[cfg(feature = "socks")]
            (Ok(io), Protocol::Socks { credentials, .. }) => {
                socks(io, Uri::from(destination), credentials.as_ref()).await
            }
        };
        tunnel.map(Some).map_err(|failure| failure.into_io(Some(server.name()), target.as_str()))
    }

    /// Connects to the proxy.
    async fn reach_proxy(&mut self, server: &Server) -> Result<Transport, Failure> {
        let tls = match server.is_secure() {
            true => {
                phase::enter(Phase::Proxy);
                Some(self.proxy_tls.prepare(&server.uri).await.map_err(tls_failure)?)
            }
            false => None,
        };
        let stream = self.tcp.open(server.uri.clone()).await.map_err(|error| {
            let kind = if phase::current() == Phase::Dns { ProxyError::Dns } else { ProxyError::Connect };
            Failure::from(kind).with_source(error)
        })?;
        phase::enter(Phase::Proxy);
        let io = Transport::tcp(stream);
        match tls {
            Some(tls) => tls.handshake(io).await.map_err(tls_failure),
            None => Ok(io),
        }
    }
}

fn tls_failure(error: io::Error) -> Failure {
    let reason = TlsError::find(&error).unwrap_or_else(|| TlsError::of_io(error.kind()));
    Failure::from(ProxyError::Tls(reason)).with_source(error)
}

/// The host and the port, which is always there.
fn authority(url: &Uri) -> io::Result<Authority> {
    format!("{}:{}", url.host().unwrap_or_default(), port_of(url))
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The port of a URL, or the one of its scheme.
pub(super) fn port_of(url: &Uri) -> u16 {
    let default_port = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    url.port_u16().unwrap_or(default_port)
}
