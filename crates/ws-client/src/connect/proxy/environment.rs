//! What the environment says about proxies.

use std::{fmt, sync::Arc};

use http::{Uri, uri::Scheme};

use super::{ProxyUriError, exclude::Exclusions, server::Server};

type Setting = Option<Result<Arc<Server>, ProxyUriError>>;

/// The proxies for the two kinds of URLs.
pub(super) struct Servers {
    plain: Setting,
    secure: Setting,
}

/// Reads the variables as curl and Go do.
///
/// hyper-util's `Matcher::from_env` does not do here: it leaves out values that it cannot use, and with them the proxy,
/// and in CGI it takes no notice of `HTTPS_PROXY`, which no request can set.
pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> (Servers, Exclusions) {
    let first = |names: [&str; 2]| {
        names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))
    };
    let all = first(["ALL_PROXY", "all_proxy"]);
    let parse = |value: Option<String>| {
        let value = value.or_else(|| all.clone())?;
        Some(Server::parse(&value).map(Arc::new))
    };
    // "httpoxy": a header `Proxy` of a request becomes the variable `HTTP_PROXY`, and Windows knows no case.
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let http = if is_cgi { None } else { first(["HTTP_PROXY", "http_proxy"]) };
    let servers = Servers { plain: parse(http), secure: parse(first(["HTTPS_PROXY", "https_proxy"])) };
    let mut exclusions = Exclusions::default();
    exclusions.add(&first(["NO_PROXY", "no_proxy"]).unwrap_or_default());
    (servers, exclusions)
}

impl Servers {
    pub(super) fn of(&self, url: &Uri) -> Option<&Result<Arc<Server>, ProxyUriError>> {
        if url.scheme() == Some(&Scheme::HTTPS) { self.secure.as_ref() } else { self.plain.as_ref() }
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("plain", &self.plain).field("secure", &self.secure).finish()
    }
}
