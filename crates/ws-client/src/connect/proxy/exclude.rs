//! Hosts that are reached without a proxy.

use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::tunnel::port_of;

/// Lists in the manner of `NO_PROXY`.
#[derive(Clone, Default)]
pub(super) struct Exclusions(Vec<Exclusion>);

/// A list, for one port or for all. hyper-util's lists have no ports, so each port has a list of its own.
#[derive(Clone)]
struct Exclusion {
    port: Option<u16>,
    list: Arc<Matcher>,
}

impl Exclusions {
    pub(super) fn add(&mut self, hosts: &str) {
        let mut any = Vec::new();
        for entry in hosts.split(|at: char| at == ',' || at.is_ascii_whitespace()) {
            match port(entry) {
                Some((host, port)) => self.push(Some(port), normal(host)),
                None if entry.is_empty() => {}
                None => any.push(normal(entry)),
            }
        }
        if !any.is_empty() {
            self.push(None, &any.join(","));
        }
    }

    fn push(&mut self, port: Option<u16>, list: &str) {
        // The proxy is never asked: only whether there would be one counts.
        let list = Arc::new(Matcher::builder().all("http://excluded.invalid").no(list).build());
        self.0.push(Exclusion { port, list });
    }

    pub(super) fn contain(&self, url: &Uri) -> bool {
        self.0.iter().any(|exclusion| {
            exclusion.port.is_none_or(|port| port == port_of(url)) && exclusion.list.intercept(url).is_none()
        })
    }
}

/// An entry for one port. An IPv6 address has brackets then, so that its last group is not taken for one.
fn port(entry: &str) -> Option<(&str, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    if host.contains(':') && !host.ends_with(']') {
        return None;
    }
    Some((host, port.parse().ok()?))
}

/// An entry as hyper-util knows it: addresses without brackets, and `.example.com` for `*.example.com`.
fn normal(host: &str) -> &str {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.strip_prefix('*') {
        Some(domain) if domain.starts_with('.') => domain,
        _ => host,
    }
}
