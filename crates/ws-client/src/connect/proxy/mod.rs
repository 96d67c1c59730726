//! Proxies: which one a URL goes through.
//!
//! [`select`](Proxy::select) decides, `tunnel` opens.

use std::{error::Error, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use self::{error::Failure, exclude::Exclusions, server::Server, tunnel::Route};

mod connect;
mod environment;
mod error;
mod exclude;
mod server;
#[cfg(feature = "socks")]
mod socks;
mod tunnel;

#[cfg(feature = "socks")]
pub use self::error::SocksError;
pub(crate) use self::error::{Failure as ProxyFailure, describe};
pub use self::{error::ProxyError, server::ProxyUriError};

/// The proxy that connections go through, or the rule by which one is chosen.
///
/// [`Dialer::proxy`](crate::Dialer::proxy) takes it; without one no proxy is used. There is nothing between the proxy
/// and the server but a tunnel, for `ws://` as for `wss://`: the proxy is asked for one with `CONNECT` (RFC 9110,
/// 9.3.6) or by SOCKS5 (RFC 1928), and the opening handshake goes through it.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_client::{Dialer, Proxy};
///
/// let proxy = Proxy::new("http://user:secret@proxy.example:3128")?.exclude("localhost, .internal, 10.0.0.0/8");
/// let (mut conn, _response) = Dialer::new().proxy(proxy).dial("wss://example.com/chat").await?;
/// conn.write_message("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Proxy {
    rule: Rule,
    exclusions: Exclusions,
    headers: HeaderMap,
}

#[derive(Clone)]
enum Rule {
    Environment(Arc<environment::Servers>),
    Fixed(Arc<Server>),
    Function(Arc<Function>),
}

type Function = dyn Fn(&Uri) -> Result<Option<Proxy>, BoxError> + Send + Sync;
type BoxError = Box<dyn Error + Send + Sync>;

impl Proxy {
    /// One proxy for every URL.
    ///
    /// | URL | How the proxy is spoken to | Default port |
    /// |---|---|---|
    /// | `http://host` | `CONNECT` in plain HTTP/1.1 | 80 |
    /// | `https://host` | `CONNECT` within TLS, see [`proxy_tls_config`](crate::Dialer#method.proxy_tls_config) | 443 |
    /// | `socks5h://host` | SOCKS5; the proxy resolves the name of the server | 1080 |
    /// | `socks5://host` | SOCKS5; the name is resolved here, and its first address is asked for | 1080 |
    ///
    /// SOCKS needs the feature `socks`. A URL without a scheme is taken for `http://`.
    ///
    /// Credentials stand in front of the host, percent-encoded UTF-8, the password optional. HTTP proxies get them as
    /// `Proxy-Authorization: Basic`; for others there is [`header`](Self::header).
    ///
    /// # Errors
    ///
    /// What in the URL cannot be used.
    pub fn new(url: &str) -> Result<Self, ProxyUriError> {
        Server::parse(url).map(|server| Self::from(Rule::Fixed(Arc::new(server))))
    }

    /// What the environment says, read now: `HTTP_PROXY` for `ws://`, `HTTPS_PROXY` for `wss://`, `ALL_PROXY` for what
    /// those leave open, and [`NO_PROXY`](Self::exclude); in lower case where there is none in upper case.
    ///
    /// The values are URLs as for [`new`](Self::new). One that cannot be used fails the dials that it is meant for, and
    /// does not let them go without a proxy. An empty one is none.
    ///
    /// Where `REQUEST_METHOD` is set the program is run by CGI, and `HTTP_PROXY` may come from a header of a request:
    /// it is not read then.
    pub fn from_env() -> Self {
        // What is no Unicode cannot be used, and is not left out.
        Self::from_variables(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let (servers, exclusions) = environment::read(variable);
        Self { exclusions, ..Self::from(Rule::Environment(Arc::new(servers))) }
    }

    /// A function that chooses by the URL: a proxy, `None` for a connection without one, or an error, which fails the
    /// dial.
    ///
    /// It is given the scheme, `http` for `ws` and `https` for `wss`, the host and the port. It runs within the dial,
    /// so it must not block.
    ///
    /// ```
    /// # fn run() -> Result<(), ws_client::ProxyUriError> {
    /// use ws_client::Proxy;
    ///
    /// let inner = Proxy::new("http://proxy.example:3128")?;
    /// let proxy = Proxy::with(move |url| match url.host() {
    ///     Some(host) if host.ends_with(".example") => Ok(Some(inner.clone())),
    ///     Some("localhost") => Ok(None),
    ///     _ => Err("only hosts of example may be reached".into()),
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn with<F>(choose: F) -> Self
    where
        F: Fn(&Uri) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    {
        Self::from(Rule::Function(Arc::new(choose)))
    }

    /// Hosts that are reached without the proxy, in the manner of `NO_PROXY`, beside those of earlier calls.
    ///
    /// The entries are separated by commas. Each is a domain, which stands for all below it too (`example.com`,
    /// `.example.com` and `*.example.com` mean the same), an address (`10.1.2.3`, `::1`), a network (`10.0.0.0/8`) or
    /// `*` for all. With `:port` behind it, it holds for that port alone. Names are not resolved, and nothing is
    /// excluded by itself: `localhost` has to be listed.
    pub fn exclude(mut self, hosts: &str) -> Self {
        self.exclusions.add(hosts);
        self
    }

    /// Adds a header to the `CONNECT` that HTTP proxies get; repeat it for several lines of one name. SOCKS has none.
    ///
    /// `Proxy-Authorization` takes the place of the credentials in the URL. Headers that announce a body fail the dial.
    ///
    /// ```
    /// # fn run() -> Result<(), ws_client::ProxyUriError> {
    /// use ws_client::{
    ///     Proxy,
    ///     http::{HeaderValue, header},
    /// };
    ///
    /// let proxy = Proxy::new("https://proxy.example")?
    ///     .header(header::PROXY_AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The way to this URL, `None` when it leads through no proxy.
    pub(super) fn select(&self, url: &Uri) -> Result<Option<Route>, Failure> {
        let mut chosen = self.clone();
        let mut headers = HeaderMap::new();
        let server = loop {
            if chosen.exclusions.contain(url) {
                return Ok(None);
            }
            // `extend` replaces what a rule around this one says under the same name.
            headers.extend(chosen.headers);
            match chosen.rule {
                Rule::Fixed(server) => break server,
                Rule::Environment(servers) => match servers.of(url) {
                    None => return Ok(None),
                    Some(Ok(server)) => break Arc::clone(server),
                    Some(Err(error)) => return Err(ProxyError::Uri(error.clone()).into()),
                },
                Rule::Function(choose) => match choose(url) {
                    Ok(None) => return Ok(None),
                    Ok(Some(next)) => chosen = next,
                    Err(error) => return Err(Failure::from(ProxyError::Choice).with_source(error)),
                },
            }
        };
        let announces_body = |name: &&HeaderName| {
            [header::CONTENT_LENGTH, header::EXPECT, header::TRANSFER_ENCODING, header::UPGRADE]
                .contains(name)
        };
        match headers.keys().find(announces_body) {
            Some(name) => Err(ProxyError::Header(name.clone()).into()),
            None => Ok(Some(Route { server, headers })),
        }
    }
}

impl From<Rule> for Proxy {
    fn from(rule: Rule) -> Self {
        Self { rule, exclusions: Exclusions::default(), headers: HeaderMap::new() }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Proxy");
        match &self.rule {
            Rule::Environment(servers) => debug.field("environment", servers),
            Rule::Fixed(server) => debug.field("server", server),
            Rule::Function(_) => debug.field("function", &format_args!("_")),
        };
        // Their values are often secret.
        debug.field("headers", &self.headers.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
