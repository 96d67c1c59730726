//! [`Access`]: what became of one request, for logs.

use std::{fmt, net::SocketAddr, time::Duration};

use http::{StatusCode, Uri, Version};
use ws_core::CloseCode;

/// What became of one request: refused, or carried to its end. [`Proxy::access_log`](crate::Proxy::access_log) is told of each.
///
/// `Display` writes one line, in which whatever a client chose is escaped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Access {
    /// The address of the client, if it is known.
    pub peer: Option<SocketAddr>,
    /// The version of HTTP that the client spoke.
    pub version: Version,
    /// The host that the request was for; empty if it named none.
    pub host: String,
    /// The path and the query of the request.
    pub target: String,
    /// The status of the answer.
    pub status: StatusCode,
    /// The URL of the backend that was dialed last, without its query; `None` if none was.
    pub backend: Option<Uri>,
    /// Why the last dial that failed did so; the status is that of the answer all the same, as another backend may have had one.
    pub dial_error: Option<String>,
    /// From the request to the answer, or to the end of the tunnel.
    pub duration: Duration,
    /// What was carried, of a request that was accepted.
    pub carried: Option<Carried>,
}

/// What a tunnel or a relay carried, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Carried {
    /// Bytes that reached the backend, with frame headers; of a relay, those that were read from the client.
    pub bytes_from_client: u64,
    /// Bytes that reached the client, with frame headers; of a relay, those that were read from the backend.
    pub bytes_from_backend: u64,
    /// Data messages from the client.
    pub messages_from_client: u64,
    /// Data messages from the backend.
    pub messages_from_backend: u64,
    /// The code of the client's close frame: 1005 for one without a code, `None` if there was none.
    pub close_from_client: Option<CloseCode>,
    /// The code of the backend's close frame: 1005 for one without a code, `None` if there was none.
    pub close_from_backend: Option<CloseCode>,
    /// Why it ended.
    pub cause: Cause,
}

/// The two sides of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Side {
    /// The backend.
    Backend,
    /// The client.
    Client,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Backend => Self::Client,
            Self::Client => Self::Backend,
        }
    }

    /// `backend` or `client`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Client => "client",
        }
    }
}

/// Why a tunnel or a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// By a closing handshake of both sides.
    Closed,
    /// One side had sent a close frame, and the other one did not answer it within the close timeout.
    CloseTimeout,
    /// The proxy was drained.
    Drained,
    /// Nothing was carried for the idle timeout.
    Idle,
    /// A function that looks at messages has ended it.
    Inspected,
    /// The maximum lifetime has passed.
    Lifetime,
    /// This side ended without a close frame, or before the other one had answered its own.
    Lost(Side),
    /// This side broke the protocol, or sent a message beyond the limit; relays alone see that.
    Violated(Side),
}

impl Cause {
    /// A word for logs and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::CloseTimeout => "close-timeout",
            Self::Drained => "drained",
            Self::Idle => "idle",
            Self::Inspected => "inspected",
            Self::Lifetime => "lifetime",
            Self::Lost(Side::Backend) => "backend-lost",
            Self::Lost(Side::Client) => "client-lost",
            Self::Violated(Side::Backend) => "backend-violated",
            Self::Violated(Side::Client) => "client-violated",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "{peer}")?,
            None => f.write_str("-")?,
        }
        write!(
            f,
            " \"{}{}\" {:?} {}",
            self.host.escape_debug(),
            self.target.escape_debug(),
            self.version,
            self.status.as_u16()
        )?;
        match &self.backend {
            // Its path is that of the request.
            Some(backend) => write!(f, " {}", backend.to_string().escape_debug())?,
            None => f.write_str(" -")?,
        }
        write!(f, " {:.3}s", self.duration.as_secs_f64())?;
        if let Some(error) = &self.dial_error {
            write!(f, " \"{}\"", error.escape_debug())?;
        }
        let Some(carried) = &self.carried else { return Ok(()) };
        write!(
            f,
            " up={}/{} down={}/{} {}",
            carried.messages_from_client,
            carried.bytes_from_client,
            carried.messages_from_backend,
            carried.bytes_from_backend,
            carried.cause
        )?;
        for (side, code) in
            [(Side::Client, carried.close_from_client), (Side::Backend, carried.close_from_backend)]
        {
            if let Some(code) = code {
                write!(f, " {}={code}", side.as_str())?;
            }
        }
        Ok(())
    }
}

/// Nothing was carried.
pub(crate) const fn nothing(cause: Cause) -> Carried {
    Carried {
        bytes_from_client: 0,
        bytes_from_backend: 0,
        messages_from_client: 0,
        messages_from_backend: 0,
        close_from_client: None,
        close_from_backend: None,
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_client_chose_stands_in_a_line_as_it_is() {
        let path = "/\u{9b}31m\"";
        let access = Access {
            peer: None,
            version: Version::HTTP_11,
            host: "a\n".into(),
            target: path.into(),
            status: StatusCode::NOT_FOUND,
            backend: Some(format!("ws://b{path}").parse().unwrap()),
            dial_error: Some("\n".into()),
            duration: Duration::ZERO,
            carried: None,
        };
        let line = r#"- "a\n/\u{9b}31m\"" HTTP/1.1 404 ws://b/\u{9b}31m\" 0.000s "\n""#;
        assert_eq!(access.to_string(), line);
    }
}
