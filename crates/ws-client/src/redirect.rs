//! Redirects: where to, and what must not go there.

use std::fmt;

use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, LOCATION, ORIGIN, PROXY_AUTHORIZATION},
    uri::PathAndQuery,
};

use crate::{DialErrorKind, UriError, opening::Opening, target::Target, url};

/// Why a redirect was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectError {
    /// It goes from TLS to a connection without.
    Downgrade,
    /// There is no `Location`.
    Missing,
    /// There is more than one `Location`.
    Repeated,
    /// As many were followed as [`Dialer::redirects`](crate::Dialer::redirects) allows.
    TooMany,
    /// It goes to what is no URL of a WebSocket.
    Uri(UriError),
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downgrade => f.write_str("it leaves TLS"),
            Self::Missing => f.write_str("it does not say where to"),
            Self::Repeated => f.write_str("it says where to more than once"),
            Self::TooMany => f.write_str("too many came before it"),
            Self::Uri(UriError::Scheme) => f.write_str("only ws, wss, http and https URLs can be dialed"),
            Self::Uri(UriError::UserInfo) => f.write_str("there is a user name in it"),
            Self::Uri(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// The URL that a response came from: the dialed one, or the last one to which redirects led.
///
/// It is among the extensions of every response, and its scheme is `ws` or `wss`.
///
/// ```no_run
/// # async fn run() -> Result<(), ws_client::DialError> {
/// use ws_client::{DialedUri, Dialer};
///
/// let (conn, response) = Dialer::new().redirects(5).dial("wss://example.com/chat").await?;
/// if let Some(DialedUri(uri)) = response.extensions().get() {
///     println!("connected to {uri}");
/// }
/// # drop(conn);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a name for one URL")]
pub struct DialedUri(pub Uri);

/// Whether a response sends the client elsewhere with the same request.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    // 300 offers a choice, and 304 to 306 are none. The request is a GET, so 301 to 303 keep the method as 307 and 308 do.
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

impl Opening {
    /// Turns to where a response leads. Nothing has changed after an error.
    pub(crate) fn redirect(&mut self, response: &HeaderMap) -> Result<(), RedirectError> {
        let target = resolve(&self.target, location(response)?).map_err(RedirectError::Uri)?;
        if self.target.is_secure() && !target.is_secure() {
            return Err(RedirectError::Downgrade);
        }
        if target.endpoint != self.target.endpoint {
            leave_origin(&mut self.headers, &self.target);
        }
        self.target = target;
        Ok(())
    }
}

/// Takes away what was meant for the origin that is left, for good: a way back through others is not trusted either.
fn leave_origin(headers: &mut HeaderMap, left: &Target) {
    for name in [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    let secret: Vec<_> =
        headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone()).collect();
    for name in secret {
        headers.remove(name);
    }
    // As browsers do: the origin on whose behalf the first server was asked has no part in what that one asks of another.
    if headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes() != left.origin().as_bytes()) {
        headers.insert(ORIGIN, HeaderValue::from_static("null"));
    }
}

fn location(headers: &HeaderMap) -> Result<&str, RedirectError> {
    let mut lines = headers.get_all(LOCATION).iter();
    let location = lines.next().ok_or(RedirectError::Missing)?;
    if lines.next().is_some() {
        return Err(RedirectError::Repeated);
    }
    std::str::from_utf8(location.as_bytes()).map_err(|_| RedirectError::Uri(UriError::Malformed))
}

/// A `Location` for people: the server's words, so cut short, escaped, and without what may be a password.
pub(crate) struct ShownLocation<'a>(pub(crate) &'a HeaderValue);

impl fmt::Display for ShownLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.0.as_bytes();
        let start = location.windows(2).position(|pair| pair == b"//").map_or(0, |at| at + 2);
        let authority = location[start..].split(|byte| b"/?#".contains(byte)).next().unwrap_or_default();
        let user = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| start + at + 1);
        let shown = &location[user..];
        let dots = if shown.len() > MAX_SHOWN { "…" } else { "" };
        write!(f, "\"{}{dots}\"", shown[..shown.len().min(MAX_SHOWN)].escape_ascii())
    }
}

/// Resolves a reference against the URL it came from (RFC 3986, 5.2.2).
fn resolve(base: &Target, reference: &str) -> Result<Target, UriError> {
    let reference = reference.trim_ascii().split('#').next().unwrap_or("");
    let path = base.path.path();
    let url = if has_scheme(reference) {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{}:{reference}", base.scheme())
    } else {
        let path = match reference.as_bytes().first() {
            None => base.path.to_string(),
            Some(b'/') => reference.to_owned(),
            Some(b'?') => format!("{path}{reference}"),
            Some(_) => format!("{}{reference}", &path[..=path.rfind('/').unwrap_or(0)]),
        };
        base.url(&path)
    };
    let uri = url::parse(&url).map_err(|error| match error.kind() {
        DialErrorKind::InvalidUri(error) => *error,
        _ => UriError::Malformed,
    })?;
    let mut target = Target::new(&uri)?;
    if let Some(path) = target.path.path_and_query().map(without_dot_segments) {
        target.path = path.parse().map_err(|_| UriError::Malformed)?;
    }
    Ok(target)
}

/// Whether a reference begins with a scheme (RFC 3986, 3.1).
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// RFC 3986, 5.2.4.
fn without_dot_segments(path: &PathAndQuery) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.path().split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        // A dot segment at the end leaves its slash.
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    let query = path.query().map(|query| format!("?{query}"));
    format!("/{}{}", kept.join("/"), query.unwrap_or_default())
}

/// How much of a `Location` an error shows.
const MAX_SHOWN: usize = 256;

#[cfg(test)]
mod tests;
