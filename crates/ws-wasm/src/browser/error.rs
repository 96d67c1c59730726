//! Why no connection came about.

use std::{error, fmt};

/// Why a browser opened no connection.
///
/// Browsers keep to themselves what went wrong on the network and in the opening handshake, so that pages cannot look around in networks:
/// a server that refuses, one that is not there and a certificate that is not valid are all [`Failed`](DialErrorKind::Failed).
#[derive(Clone, PartialEq, Eq)]
pub struct DialError {
    kind: DialErrorKind,
    /// What the browser has thrown.
    message: Option<Box<str>>,
}

/// The reasons of a [`DialError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialErrorKind {
    /// The browser does not allow it: `ws:` from a page of `https:`, or a port that pages may not use.
    Blocked,
    /// The server was not reached, refused, or did not speak the protocol.
    #[non_exhaustive]
    Failed {
        /// The code of the close event, if there was one: 1006.
        code: Option<u16>,
    },
    /// The URL cannot be dialed.
    InvalidUri,
    /// A subprotocol is not a token (RFC 6455, 4.1), or is offered twice.
    InvalidSubprotocol,
    /// The handshake timeout passed.
    TimedOut,
    /// There is no `WebSocket` here: neither a page nor a worker.
    Unsupported,
}

impl DialError {
    pub(crate) fn thrown(kind: DialErrorKind, message: String) -> Self {
        Self { kind, message: Some(message.into()) }
    }

    /// What failed.
    #[must_use]
    pub fn kind(&self) -> &DialErrorKind {
        &self.kind
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, DialErrorKind::TimedOut)
    }
}

impl From<DialErrorKind> for DialError {
    fn from(kind: DialErrorKind) -> Self {
        Self { kind, message: None }
    }
}

impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("DialError");
        debug.field("kind", &self.kind);
        if let Some(message) = &self.message {
            debug.field("message", message);
        }
        debug.finish()
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            DialErrorKind::Blocked => "the browser does not allow the connection",
            DialErrorKind::Failed { .. } => "no connection came about",
            DialErrorKind::InvalidUri => "the URL cannot be dialed",
            DialErrorKind::InvalidSubprotocol => "a subprotocol is no token, or is offered twice",
            DialErrorKind::TimedOut => "the server did not answer in time",
            DialErrorKind::Unsupported => "there is no WebSocket here",
        })?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl error::Error for DialError {}

/// Checks what is offered, since browsers say the same of this and of a URL.
pub(crate) fn check_subprotocols(names: &[String]) -> Result<(), DialError> {
    let is_token = |name: &String| {
        // RFC 2616, 2.2
        let is_separator = |byte: u8| b"()<>@,;:\\\"/[]?={} \t".contains(&byte);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !is_separator(byte))
    };
    let is_twice = |(at, name): (usize, &String)| names[..at].contains(name);
    if names.iter().all(is_token) && !names.iter().enumerate().any(is_twice) {
        Ok(())
    } else {
        Err(DialErrorKind::InvalidSubprotocol.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subprotocols_are_tokens_and_offered_once() {
        let check = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            check_subprotocols(&names).is_ok()
        };
        assert!(check(&[]) && check(&["chat.v1", "chat.v2", "a!#$%&'*+-.^_`|~9"]));
        for wrong in ["", "two words", "a,b", "a/b", "ü", "a\n", "\"a\""] {
            assert!(!check(&["chat", wrong]), "{wrong:?}");
        }
        assert!(!check(&["chat", "other", "chat"]));
    }
}
