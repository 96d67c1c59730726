//! The configuration, as a file holds it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// All of it. Times are in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) listen: Vec<Listen>,
    #[serde(default, rename = "route")]
    pub(crate) routes: Vec<Route>,
    #[serde(default)]
    pub(crate) access_log: bool,
    /// Where `/metrics` and `/health` are.
    pub(crate) admin: Option<String>,
    #[serde(default)]
    pub(crate) drain: Drain,
}

/// Where clients connect to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) address: String,
    /// With TLS: the chain of certificates, in PEM.
    pub(crate) certificate: Option<PathBuf>,
    /// And its key.
    pub(crate) key: Option<PathBuf>,
    /// A header of the PROXY protocol comes first.
    #[serde(default)]
    pub(crate) proxy_protocol: bool,
}

/// Which requests go where, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// The host of requests; any if there is none.
    pub(crate) for_host: Option<String>,
    /// What paths begin with; any if there is none.
    pub(crate) for_path: Option<String>,
    pub(crate) backends: Vec<String>,
    #[serde(default)]
    pub(crate) balance: Balance,
    /// Of `hash`: `path`, `peer`, `header:NAME`.
    pub(crate) hash_key: Option<String>,
    /// Of `sticky`.
    pub(crate) cookie: Option<String>,
    pub(crate) max_connections: Option<usize>,
    /// Of one address.
    pub(crate) max_per_client: Option<usize>,
    pub(crate) max_failures: Option<u32>,
    pub(crate) retry_after: Option<f64>,
    pub(crate) retries: Option<usize>,
    #[serde(default)]
    pub(crate) relay: bool,
    /// Of a relay, in bytes.
    pub(crate) max_message_size: Option<u64>,
    /// Of a relay: how often silent sides are pinged.
    pub(crate) ping_interval: Option<f64>,
    /// Of a relay.
    #[serde(default)]
    pub(crate) compression: bool,
    #[serde(default)]
    pub(crate) origins: Vec<String>,
    #[serde(default)]
    pub(crate) trust: Vec<String>,
    /// Whether `Forwarded` is written, too.
    #[serde(default)]
    pub(crate) forwarded: bool,
    /// `client`, `backend`, or the host that backends see.
    pub(crate) host: Option<String>,
    /// `client`, `backend`, `none`, or the origin that backends see.
    pub(crate) origin: Option<String>,
    pub(crate) strip_prefix: Option<String>,
    #[serde(default)]
    pub(crate) http2: bool,
    /// `v1` or `v2`.
    pub(crate) send_proxy_protocol: Option<String>,
    pub(crate) connect_timeout: Option<f64>,
    pub(crate) handshake_timeout: Option<f64>,
    pub(crate) idle_timeout: Option<f64>,
    pub(crate) max_lifetime: Option<f64>,
    pub(crate) close_timeout: Option<f64>,
    pub(crate) buffer_size: Option<usize>,
    /// Trusted in place of the platform's authorities, in PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Shown to backends that ask for it, in PEM.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// Set on requests to backends.
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    /// Taken away from requests to backends.
    #[serde(default)]
    pub(crate) remove_headers: Vec<String>,
}

/// By which rule a backend is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Balance {
    Hash,
    LeastConnections,
    #[default]
    RoundRobin,
    Sticky,
}

/// How connections end with the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drain {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) stagger: f64,
    pub(crate) timeout: f64,
}

impl Default for Drain {
    fn default() -> Self {
        Self { code: 1001, reason: String::new(), stagger: 0.0, timeout: 11.0 }
    }
}

impl Balance {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "hash" => Self::Hash,
            "least-connections" => Self::LeastConnections,
            "round-robin" => Self::RoundRobin,
            "sticky" => Self::Sticky,
            _ => return None,
        })
    }
}

impl Listen {
    pub(crate) fn at(address: String) -> Self {
        Self { address, ..Self::default() }
    }
}

impl Config {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_refused() {
        assert!(toml::from_str::<Config>("nonsense = 1").is_err());
        assert!(toml::from_str::<Config>("[[route]]\nbackends = []\nnonsense = 1").is_err());
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let config: Config = toml::from_str("[[route]]\nbackends = [\"ws://a\"]").unwrap();
        assert_eq!(config.drain.code, 1001);
        assert_eq!(config.routes[0].balance, Balance::RoundRobin);
        assert!(config.routes[0].idle_timeout.is_none());
    }
}
