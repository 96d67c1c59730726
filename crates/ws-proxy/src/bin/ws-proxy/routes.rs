//! [`Routes`]: the proxies of a configuration, and which one a request is for.

use std::{
    convert::Infallible,
    fmt::Display,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response, header, request::Parts};
use tower_service::Service;
use ws_proxy::{
    Backends, ForwardedHeaders, Health, HostPolicy, OriginPolicy, Peer, Proxy, ProxyBody, ProxyFuture, Relay,
    StickyCookie, Tunnels,
    proxy_protocol::Version,
    ws_client::Dialer,
    ws_core::{
        self, KeepAlive,
        handshake::{is_reserved_request_header, request_authority},
    },
    ws_tower::{CheckOrigin, ConnectionLimit, TrustedProxy, Upgrader},
};

use crate::{
    check::{self, in_},
    config::{Balance, Config, Route},
    log::Log,
    stats::Stats,
    tls,
};

/// The proxies of the configuration that there is. A clone is the same.
#[derive(Clone)]
pub(crate) struct Routes {
    served: Arc<RwLock<Arc<[Served]>>>,
    /// For requests that no route is for.
    nowhere: Proxy,
}

struct Served {
    host: Option<String>,
    path: Option<String>,
    proxy: Proxy,
}

/// What all proxies have in common, whatever is read anew.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) tunnels: Tunnels,
    pub(crate) stats: Stats,
    pub(crate) log: Option<Log>,
}

impl Routes {
    pub(crate) fn new(config: &Config, common: &Common) -> Result<Self, String> {
        let served = build(config, common, &[])?;
        Ok(Self { served: Arc::new(RwLock::new(served)), nowhere: nowhere(common)? })
    }

    /// Takes another configuration. What is known of backends stays.
    pub(crate) fn replace(&self, config: &Config, common: &Common) -> Result<(), String> {
        let next = build(config, common, &self.current())?;
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// The backends of all routes.
    pub(crate) fn backends(&self) -> Vec<Backends> {
        self.current().iter().map(|served| served.proxy.backends().clone()).collect()
    }

    fn current(&self) -> Arc<[Served]> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn build(config: &Config, common: &Common, before: &[Served]) -> Result<Arc<[Served]>, String> {
    check::routes(&config.routes)?;
    let mut served = Vec::new();
    for (number, route) in config.routes.iter().enumerate() {
        // Routes to the same backend count its connections together, whichever of them there was before.
        let known: Vec<_> =
            before.iter().chain(&served).map(|served: &Served| served.proxy.backends()).collect();
        let proxy = proxy(route, common, &known).map_err(|error| format!("route {}: {error}", number + 1))?;
        served.push(Served { host: route.for_host.clone(), path: route.for_path.clone(), proxy });
    }
    // The longest path comes first, and one for a host before one for all.
    served.sort_by_key(|served| {
        std::cmp::Reverse((served.host.is_some(), served.path.as_ref().map_or(0, String::len)))
    });
    Ok(served.into())
}

impl Served {
    fn is_for(&self, host: Option<&str>, path: &str) -> bool {
        let host_fits = self.host.as_deref().is_none_or(|wanted| {
            host.is_some_and(|host| {
                let name = host
                    .rsplit_once(':')
                    .filter(|(_, port)| !port.contains(']'))
                    .map_or(host, |(name, _)| name);
                wanted.eq_ignore_ascii_case(host) || wanted.eq_ignore_ascii_case(name)
            })
        });
        host_fits
            && self.path.as_deref().is_none_or(|wanted| {
                let wanted = wanted.trim_end_matches('/');
                path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

impl<B: Send + 'static> Service<Request<B>> for Routes {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let routes = self.current();
        let host = request_authority(request.uri(), request.headers());
        let found = routes.iter().find(|served| served.is_for(host, request.uri().path()));
        found.map_or(&self.nowhere, |served| &served.proxy).clone().call(request)
    }
}

/// Answers 404, and tells of it as of any other request.
fn nowhere(common: &Common) -> Result<Proxy, String> {
    let proxy = Proxy::to("ws://nowhere").map_err(|error| error.to_string())?;
    let any = Upgrader::new().check_origin(CheckOrigin::Any);
    Ok(told(proxy.upgrader(any).rewrite_path(|_| None), common))
}

fn told(proxy: Proxy, common: &Common) -> Proxy {
    let (stats, log) = (common.stats.clone(), common.log.clone());
    proxy.access_log(move |access| {
        stats.count(access);
        if let Some(log) = &log {
            log.write(access);
        }
    })
}

fn proxy(route: &Route, common: &Common, known: &[&Backends]) -> Result<Proxy, String> {
    check::route(route)?;
    let mut proxy = Proxy::new(backends(route, known)?)
        .upgrader(upgrader(route)?)
        .forwarded(
            ForwardedHeaders::new()
                .rfc_7239(route.forwarded)
                .trust(&route.trust)
                .map_err(|error| in_("trust", error))?,
        )
        .tunnels(common.tunnels.clone())
        .host(match route.host.as_deref() {
            None | Some("client") => HostPolicy::Preserve,
            Some("backend") => HostPolicy::Backend,
            Some(host) => HostPolicy::Set(host.parse().map_err(|error| in_("host", error))?),
        })
        .origin(match route.origin.as_deref() {
            None | Some("client") => OriginPolicy::Preserve,
            Some("backend") => OriginPolicy::Backend,
            Some("none") => OriginPolicy::Remove,
            Some(origin) => OriginPolicy::Set(origin.parse().map_err(|error| in_("origin", error))?),
        });
    let dialer = dialer(route)?;
    proxy =
        if route.http2 { proxy.dialer(dialer.http2().prior_knowledge(true)) } else { proxy.dialer(dialer) };
    if route.relay {
        proxy = proxy.relay(Relay::new().compress_end_to_end(true));
    }
    if let Some(prefix) = &route.strip_prefix {
        proxy = proxy.strip_prefix(prefix);
    }
    if let Some(retries) = route.retries {
        proxy = proxy.retries(retries);
    }
    if let Some(size) = route.buffer_size {
        proxy = proxy.buffer_size(size);
    }
    if let Some(timeout) = seconds("idle_timeout", route.idle_timeout)? {
        proxy = proxy.idle_timeout(Some(timeout).filter(|timeout| !timeout.is_zero()));
    }
    if let Some(lifetime) = seconds("max_lifetime", route.max_lifetime)? {
        proxy = proxy.max_lifetime(Some(lifetime).filter(|lifetime| !lifetime.is_zero()));
    }
    if let Some(timeout) = seconds("close_timeout", route.close_timeout)? {
        proxy = proxy.close_timeout(timeout);
    }
    proxy = proxy.send_proxy_protocol(match route.send_proxy_protocol.as_deref() {
        None => None,
        Some(_) if route.http2 => return Err("send_proxy_protocol and http2 exclude each other".into()),
        Some("v1") => Some(Version::V1),
        Some("v2") => Some(Version::V2),
        Some(other) => return Err(in_("send_proxy_protocol", format_args!("there is no version {other}"))),
    });
    let (removed, headers) = (removed(route)?, headers(route)?);
    proxy = proxy.director(move |_, outgoing| {
        for name in &removed {
            outgoing.remove(name);
        }
        for (name, value) in &headers {
            outgoing.insert(name.clone(), value.clone());
        }
    });
    Ok(told(proxy, common))
}

fn removed(route: &Route) -> Result<Vec<HeaderName>, String> {
    let parsed = route
        .remove_headers
        .iter()
        .map(|name| name.parse().map_err(|error| in_("remove_headers", format_args!("{name}: {error}"))));
    parsed.collect()
}

fn headers(route: &Route) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let parsed = route.headers.iter().map(|(name, value)| {
        let invalid = |error: &dyn Display| in_("headers", format_args!("{name}: {error}"));
        let parsed = name.parse().map_err(|error: header::InvalidHeaderName| invalid(&error))?;
        if is_reserved_request_header(&parsed) {
            return Err(invalid(&"it belongs to the handshake"));
        }
        Ok((parsed, value.parse().map_err(|error: header::InvalidHeaderValue| invalid(&error))?))
    });
    parsed.collect()
}

fn backends(route: &Route, known: &[&Backends]) -> Result<Backends, String> {
    let urls = route.backends.iter().map(String::as_str);
    let backends = match route.balance {
        Balance::Hash => {
            let key = HashKey::parse(route.hash_key.as_deref().unwrap_or("path"))?;
            Backends::hashed(urls, move |request| key.of(request))
        }
        Balance::LeastConnections => Backends::least_connections(urls),
        Balance::RoundRobin => Backends::round_robin(urls),
        Balance::Sticky => {
            let cookie = route.cookie.as_deref().unwrap_or("backend");
            // The names of both are tokens.
            cookie
                .parse::<HeaderName>()
                .map_err(|_| in_("cookie", format_args!("{cookie} is no name of one")))?;
            Backends::sticky(urls, StickyCookie::new(cookie))
        }
    };
    let mut health = Health::new();
    if let Some(failures) = route.max_failures {
        health = health.failures(failures);
    }
    if let Some(after) = seconds("retry_after", route.retry_after)? {
        health = health.retry_after(after);
    }
    let backends = backends.map_err(|error| in_("backends", error))?;
    let backends = backends.health(health).max_connections(route.max_connections);
    if backends.status().is_empty() {
        return Err(in_("backends", "there is none"));
    }
    Ok(known.iter().fold(backends, |backends, known| backends.adopt(known)))
}

/// What requests with the same backend have in common.
enum HashKey {
    Header(HeaderName),
    Path,
    Peer,
}

impl HashKey {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "path" => Ok(Self::Path),
            "peer" => Ok(Self::Peer),
            _ => match text.strip_prefix("header:") {
                Some(name) => Ok(Self::Header(name.parse().map_err(|error| in_("hash_key", error))?)),
                None => Err(in_("hash_key", format_args!("there is no {text}"))),
            },
        }
    }

    fn of(&self, request: &Parts) -> Option<String> {
        match self {
            Self::Header(name) => Some(request.headers.get(name)?.to_str().ok()?.to_owned()),
            Self::Path => Some(request.uri.path().to_owned()),
            Self::Peer => Some(request.extensions.get::<Peer>()?.addr.ip().to_string()),
        }
    }
}

fn upgrader(route: &Route) -> Result<Upgrader, String> {
    let mut upgrader = Upgrader::new();
    if route.origins.iter().any(|origin| origin == "any") {
        upgrader = upgrader.check_origin(CheckOrigin::Any);
    } else if !route.origins.is_empty() {
        let listed = CheckOrigin::list(route.origins.iter().map(String::as_str));
        upgrader =
            upgrader.check_origin(CheckOrigin::SameOrigin.or(listed.map_err(|error| in_("origins", error))?));
    }
    if !route.trust.is_empty() {
        let peer = |request: &Parts| request.extensions.get::<Peer>().map(|peer| peer.addr.ip());
        let proxy = TrustedProxy::addresses(&route.trust, peer).map_err(|error| in_("trust", error))?;
        upgrader = upgrader.trust_proxy(proxy);
    }
    if route.compression {
        upgrader = upgrader.compression(ws_core::DeflateConfig::new());
    }
    if let Some(max) = route.max_per_client {
        let peer = |request: &Parts| request.extensions.get::<Peer>().map(|peer| client(peer.addr.ip()));
        upgrader = upgrader.limit(ConnectionLimit::new().per_key(max, peer));
    }
    if let Some(size) = route.max_message_size {
        upgrader = upgrader.max_message_size(size);
    }
    if let Some(every) = seconds("ping_interval", route.ping_interval)? {
        upgrader = upgrader.keep_alive(KeepAlive::every(every));
    }
    Ok(upgrader)
}

/// Who has an address of IPv6 has all with the same first 64 bits.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn dialer(route: &Route) -> Result<Dialer, String> {
    let mut config = ws_core::Config::new();
    if let Some(size) = route.max_message_size {
        config = config.max_message_size(size);
    }
    if let Some(every) = seconds("ping_interval", route.ping_interval)? {
        config = config.keep_alive(KeepAlive::every(every));
    }
    let mut dialer = Dialer::new().config(config);
    if route.compression {
        dialer = dialer.compression(ws_core::DeflateConfig::new());
    }
    if let Some(timeout) = seconds("connect_timeout", route.connect_timeout)? {
        dialer = dialer.connect_timeout(timeout);
    }
    if let Some(timeout) = seconds("handshake_timeout", route.handshake_timeout)? {
        dialer = dialer.handshake_timeout(timeout);
    }
    if let Some(path) = &route.ca {
        dialer = dialer.only_roots(tls::certificates(path)?);
    }
    match (&route.certificate, &route.key) {
        (Some(certificate), Some(key)) => {
            Ok(dialer.client_certificate(tls::certificates(certificate)?, tls::private_key(key)?))
        }
        (None, None) => Ok(dialer),
        _ => Err("certificate and key belong together".into()),
    }
}

fn seconds(key: &str, value: Option<f64>) -> Result<Option<Duration>, String> {
    let parsed = value.map(Duration::try_from_secs_f64).transpose();
    parsed.map_err(|error| in_(key, format_args!("{} seconds: {error}", value.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> Common {
        Common { tunnels: Tunnels::new(), stats: Stats::default(), log: None }
    }

    fn routes(text: &str) -> Result<Routes, String> {
        Routes::new(&toml::from_str(text).unwrap(), &common())
    }

    fn found(routes: &Routes, host: &str, path: &str) -> Option<String> {
        let current = routes.current();
        let served = current.iter().find(|served| served.is_for(Some(host), path))?;
        Some(served.proxy.backends().status()[0].uri.to_string())
    }

    #[test]
    fn most_exact_route_is_taken() {
        let routes = routes(
            "[[route]]\nfor_path = \"/a\"\nbackends = [\"ws://a\"]\n\
             [[route]]\nfor_path = \"/a/b/\"\nbackends = [\"ws://ab\"]\n\
             [[route]]\nfor_host = \"H.example\"\nbackends = [\"ws://h\"]\n",
        )
        .unwrap();
        for (host, path, expected) in [
            ("x", "/a", Some("ws://a/")),
            ("x", "/a/c", Some("ws://a/")),
            ("x", "/ab", None),
            ("x", "/a/b", Some("ws://ab/")),
            ("h.example:81", "/a", Some("ws://h/")),
        ] {
            assert_eq!(found(&routes, host, path).as_deref(), expected, "{host}{path}");
        }
    }

    #[test]
    fn client_is_an_address_or_the_first_half_of_one() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::a:b:c:d", "2001:db8::"),
        ] {
            assert_eq!(client(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn configuration_that_is_wrong_changes_nothing() {
        let served = routes("[[route]]\nbackends = [\"ws://a\"]").unwrap();
        assert!(served.replace(&Config::default(), &common()).is_err());
        assert_eq!(found(&served, "x", "/").as_deref(), Some("ws://a/"));
    }
}
