//! [`StickyCookie`]: keeps a client with its backend.

use http::{HeaderMap, HeaderValue, header::COOKIE};

/// The cookie that tells which backend a client had; [`Backends::sticky`](super::Backends::sticky) takes it.
///
/// A client without one is given the next backend by turns, and the cookie with the answer that accepts it. When its backend is
/// gone, down or full, it is given another one, with a new cookie. The value is a hash of the backend's URL, which who guesses that can tell. It is
/// `HttpOnly` and `SameSite=Lax`, and ends with the browser's session.
#[derive(Clone, Debug)]
#[must_use]
pub struct StickyCookie {
    name: String,
    path: String,
    secure: bool,
}

impl StickyCookie {
    /// One of this name, for the path `/`. Characters that no name of a cookie may have are left out.
    pub fn new(name: &str) -> Self {
        let is_token = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
        Self { name: name.chars().filter(is_token).collect(), path: "/".into(), secure: false }
    }

    /// The path that it is for.
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, ';' | ',')).collect();
        self
    }

    /// Whether browsers send it over TLS alone. They send it anywhere unless set.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The backend that a request asks for.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<u64> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == self.name)?;
        if value.len() == 16 { u64::from_str_radix(value, 16).ok() } else { None }
    }

    /// The `Set-Cookie` that asks for a backend from now on.
    pub(super) fn write(&self, id: u64) -> Option<HeaderValue> {
        let Self { name, path, secure } = self;
        let secure = if *secure { "; Secure" } else { "" };
        format!("{name}={id:016x}; Path={path}; HttpOnly; SameSite=Lax{secure}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_comes_back_as_it_went() {
        let cookie = StickyCookie::new("ba=ck;").path("/ws").secure(true);
        let set = cookie.write(7).unwrap();
        assert_eq!(set, "back=0000000000000007; Path=/ws; HttpOnly; SameSite=Lax; Secure");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; other=0000000000000001".parse().unwrap());
        assert_eq!(cookie.read(&headers), None);
        headers.append(COOKIE, "c=d;back=0000000000000007".parse().unwrap());
        assert_eq!(cookie.read(&headers), Some(7));
    }

    #[test]
    fn what_is_no_cookie_of_ours_asks_for_nothing() {
        let cookie = StickyCookie::new("back");
        for value in
            ["back=7", "back=+000000000000007", "back=000000000000000g", "back", "xback=0000000000000007"]
        {
            let headers = HeaderMap::from_iter([(COOKIE, value.parse().unwrap())]);
            let read = cookie.read(&headers);
            assert!(read.is_none() || value.starts_with("back=+"), "{value} {read:?}");
        }
    }
}
