//! What a URL says about the request line and the `Host` header.

use bytes::{BufMut, BytesMut};
use http::{Uri, uri::Authority};

use super::UriError;
use crate::handshake::is_valid_host;

/// The parts of a URL that stand in the request, where they lie.
#[derive(Debug)]
pub(super) struct Target<'a> {
    path: Option<&'a str>,
    authority: Option<HostPort<'a>>,
}

#[derive(Debug)]
struct HostPort<'a> {
    host: &'a str,
    /// None if it is the default one.
    port: Option<u16>,
}

impl<'a> Target<'a> {
    pub(super) fn new(uri: &'a Uri) -> Result<Self, UriError> {
        let default = match uri.scheme_str() {
            None => None,
            // Schemes have no case (RFC 3986, 3.1).
            Some(scheme) if ["ws", "http"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) => Some(80),
            Some(scheme) if ["wss", "https"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) => {
                Some(443)
            }
            Some(_) => return Err(UriError::Scheme),
        };
        let path = uri.path_and_query().map(|path| path.as_str());
        if path.is_some_and(|path| !path.is_empty() && !path.starts_with(['/', '?'])) {
            return Err(UriError::Path);
        }
        let authority = uri.authority().map(|authority| HostPort::new(authority, default)).transpose()?;
        Ok(Self { path, authority })
    }

    /// The target of the request: never empty, and without the fragment, which `http` drops.
    pub(super) fn put_path(&self, out: &mut BytesMut) {
        let path = self.path.unwrap_or_default();
        // `ws://host` and `ws://host?query`
        if !path.starts_with('/') {
            out.put_u8(b'/');
        }
        out.put_slice(path.as_bytes());
    }

    /// The value of `Host`: the host, and the port unless it is the default one.
    pub(super) fn put_host(&self, out: &mut BytesMut) -> Result<(), UriError> {
        let HostPort { host, port } = self.authority.as_ref().ok_or(UriError::Host)?;
        out.put_slice(host.as_bytes());
        if let Some(port) = port {
            // A buffer takes whatever is written to it.
            let _ = std::fmt::Write::write_fmt(out, format_args!(":{port}"));
        }
        Ok(())
    }
}

impl<'a> HostPort<'a> {
    fn new(authority: &'a Authority, default: Option<u16>) -> Result<Self, UriError> {
        if authority.as_str().contains('@') {
            return Err(UriError::UserInfo);
        }
        let host = authority.host();
        if !is_valid_host(host.as_bytes()) {
            return Err(UriError::Host);
        }
        // `http` takes any digits for a port, and none at all.
        let port = match authority.as_str().strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| UriError::Port)?)
            }
            Some(_) => return Err(UriError::Port),
        };
        Ok(Self { host, port: port.filter(|_| port != default) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(uri: &str) -> Result<(String, String), UriError> {
        let uri = uri.parse().unwrap();
        let target = Target::new(&uri)?;
        let (mut path, mut host) = (BytesMut::new(), BytesMut::new());
        target.put_path(&mut path);
        target.put_host(&mut host)?;
        Ok((String::from_utf8(path.to_vec()).unwrap(), String::from_utf8(host.to_vec()).unwrap()))
    }

    #[test]
    fn urls_are_taken_apart() {
        for (uri, path, host) in [
            ("ws://example.com/chat?a=b", "/chat?a=b", "example.com"),
            ("ws://example.com:80", "/", "example.com"),
            ("ws://example.com:443/", "/", "example.com:443"),
            ("wss://example.com:443/", "/", "example.com"),
            ("WSS://Example.com:/", "/", "Example.com"),
            ("http://example.com?a=b#c", "/?a=b", "example.com"),
            ("ws://[::1]:3000/a#part", "/a", "[::1]:3000"),
            ("example.com:80", "/", "example.com:80"),
        ] {
            assert_eq!(written(uri), Ok((path.into(), host.into())), "{uri}");
        }
    }

    #[test]
    fn urls_that_cannot_be_dialed_are_refused() {
        for (uri, error) in [
            ("ftp://example.com/", UriError::Scheme),
            ("/chat", UriError::Host),
            ("*", UriError::Path),
            ("ws://:80/", UriError::Host),
            ("ws://a,b/", UriError::Host),
            ("ws://example.com:65536/", UriError::Port),
            ("ws://user:secret@example.com/", UriError::UserInfo),
        ] {
            assert_eq!(written(uri), Err(error), "{uri}");
        }
    }
}
