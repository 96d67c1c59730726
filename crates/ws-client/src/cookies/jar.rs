//! A store of cookies in memory (RFC 6265, 5.3 and 5.4).

use std::{
    cmp::Reverse,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cookie_store::{Cookie, CookieDomain};
use http::{HeaderValue, Uri};
use url::Url;

use super::CookieStore;
use crate::target::Target;

/// Cookies in memory, for a [`Dialer`](crate::Dialer); clones share them.
///
/// Cookies are kept and sent by their domain, path, age and `Secure` (RFC 6265); `HttpOnly` and `SameSite`, which are
/// about pages, do not matter. `Secure` cookies are taken from TLS and sent over TLS only, and the name prefixes `__Secure-` and
/// `__Host-` are enforced. A cookie for a whole top-level domain is ignored; there is no list of other public suffixes, such as
/// `co.uk`, so do not share a jar between servers that are trusted and servers that are not.
///
/// There is room for 50 cookies of a domain and 1,000 in all, of 4 KiB each; the oldest give way. Larger ones, and ones with
/// control characters, are ignored. A request gets 8 KiB of them at the most, those with the longest paths first.
///
/// ```
/// use ws_client::{CookieJar, Dialer, http::Uri};
///
/// let jar = CookieJar::new();
/// jar.add(&Uri::from_static("wss://example.com/"), "session=5ca1ab1e; Secure");
/// let dialer = Dialer::new().cookie_jar(jar.clone());
/// # let _ = dialer;
/// ```
#[derive(Clone, Default)]
pub struct CookieJar(Arc<Mutex<Vec<Cookie<'static>>>>);

impl CookieJar {
    /// An empty jar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cookie as if it came from this URL in a `Set-Cookie` header. Whether it was taken is the result.
    ///
    /// Cookies that a login over HTTP gave are handed to the jar so.
    pub fn add(&self, uri: &Uri, set_cookie: &str) -> bool {
        url(uri).is_some_and(|url| take(&mut self.lock(), &url, set_cookie).is_some())
    }

    /// Removes all cookies.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Cookie<'static>>> {
        // No step leaves it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CookieStore for CookieJar {
    fn cookies(&self, uri: &Uri) -> Option<HeaderValue> {
        let url = url(uri)?;
        let kept = self.lock();
        let mut cookies: Vec<_> = kept.iter().filter(|cookie| is_for(cookie, &url)).collect();
        // 5.4: longer paths first, then older ones, which is the order they are kept in.
        cookies.sort_by_key(|cookie| Reverse(cookie.path.len()));
        let mut header = String::new();
        for cookie in cookies {
            let (name, value) = cookie.name_value();
            if header.len() + name.len() + value.len() + "; =".len() > MAX_HEADER {
                continue;
            }
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.extend([name, "=", value]);
        }
        if header.is_empty() {
            return None;
        }
        let mut header = HeaderValue::try_from(header).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn set_cookies(&self, uri: &Uri, values: &mut dyn Iterator<Item = &HeaderValue>) {
        let Some(url) = url(uri) else { return };
        let mut kept = self.lock();
        for value in values {
            if let Ok(text) = std::str::from_utf8(value.as_bytes()) {
                take(&mut kept, &url, text);
            }
        }
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What they hold is secret.
        f.debug_struct("CookieJar").field("cookies", &self.lock().len()).finish_non_exhaustive()
    }
}

/// The URL as cookies know it.
fn url(uri: &Uri) -> Option<Url> {
    Url::parse(&Target::new(uri).ok()?.http_uri().to_string()).ok()
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

/// 5.4: whether a cookie goes into a request. `matches` takes loopback for secure; here only TLS is.
fn is_for(cookie: &Cookie<'_>, url: &Url) -> bool {
    !cookie.is_expired() && cookie.matches(url) && (is_secure(url) || cookie.secure() != Some(true))
}

/// 5.3: keeps a cookie, or removes the one that it says has expired. `None` if it is ignored.
fn take(kept: &mut Vec<Cookie<'static>>, url: &Url, set_cookie: &str) -> Option<()> {
    if set_cookie.len() > MAX_LINE || set_cookie.contains(char::is_control) {
        return None;
    }
    let cookie = Cookie::parse(set_cookie, url).ok()?;
    let secure = cookie.secure() == Some(true);
    if cookie.name().len() + cookie.value().len() > MAX_COOKIE
        || !is_domain_allowed(&cookie.domain, url)
        || !is_prefix_kept(&cookie, secure)
        // RFC 6265bis, 5.7: what is secure is neither set nor replaced without TLS.
        || !is_secure(url) && (secure || kept.iter().any(|other| shadows(other, &cookie, url)))
    {
        return None;
    }
    let same = |other: &Cookie<'_>| {
        other.name() == cookie.name() && other.domain == cookie.domain && other.path == cookie.path
    };
    let place = kept.iter().position(same);
    let cookie = cookie.into_owned();
    match (place, cookie.is_expired()) {
        (None, true) => {}
        (Some(index), true) => {
            kept.remove(index);
        }
        // It keeps its age among the others.
        (Some(index), false) => kept[index] = cookie,
        (None, false) => {
            make_room(kept, &cookie.domain);
            kept.push(cookie);
        }
    }
    Some(())
}

/// Without a dot, a domain is one that everybody's hosts are in; only a host of that name may set it.
fn is_domain_allowed(domain: &CookieDomain, url: &Url) -> bool {
    match domain {
        CookieDomain::Suffix(suffix) => {
            suffix.trim_end_matches('.').contains('.') || url.host_str() == Some(suffix)
        }
        _ => true,
    }
}

/// RFC 6265bis, 4.1.3: names that promise how the cookie was set.
fn is_prefix_kept(cookie: &Cookie<'_>, secure: bool) -> bool {
    let begins = |prefix: &str| {
        cookie.name().get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
    };
    if begins("__Host-") {
        secure && matches!(cookie.domain, CookieDomain::HostOnly(_)) && cookie.path() == Some("/")
    } else {
        secure || !begins("__Secure-")
    }
}

/// Whether a secure cookie of the same name is for this URL.
fn shadows(other: &Cookie<'_>, cookie: &Cookie<'_>, url: &Url) -> bool {
    other.secure() == Some(true)
        && other.name() == cookie.name()
        && other.domain.matches(url)
        && other.path.matches(url)
        && !other.is_expired()
}

fn make_room(kept: &mut Vec<Cookie<'static>>, domain: &CookieDomain) {
    let of_domain = |kept: &[Cookie<'_>]| kept.iter().filter(|cookie| cookie.domain == *domain).count();
    if kept.len() < MAX_COOKIES && of_domain(kept) < MAX_OF_DOMAIN {
        return;
    }
    kept.retain(|cookie| !cookie.is_expired());
    if of_domain(kept) >= MAX_OF_DOMAIN {
        if let Some(oldest) = kept.iter().position(|cookie| cookie.domain == *domain) {
            kept.remove(oldest);
        }
    }
    if kept.len() >= MAX_COOKIES {
        kept.remove(0);
    }
}

/// What RFC 6265, 6.1 asks for at the least, but for the number in all: a client meets fewer hosts than a browser.
const MAX_COOKIE: usize = 4096;
const MAX_OF_DOMAIN: usize = 50;
const MAX_COOKIES: usize = 1000;
/// A cookie with its attributes, all of which are kept.
const MAX_LINE: usize = 2 * MAX_COOKIE;
/// Many servers refuse longer headers.
const MAX_HEADER: usize = 8 << 10;

#[cfg(test)]
mod tests;
