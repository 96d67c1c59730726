//! The exit status, and what goes before it.

use ws_client::{CloseCode, CloseFrame, DialError, DialErrorKind, ProxyError};

/// Why there was nothing to talk to.
pub(crate) enum Failure {
    Dial(DialError),
    /// What an option names cannot be used.
    Usage(String),
    /// What was to be connected to is not there.
    Unreachable(String),
}

impl Failure {
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Unreachable(_) => UNREACHABLE,
            Self::Dial(error) => match error.kind() {
                DialErrorKind::InvalidRequest(_) | DialErrorKind::InvalidUri(_) => USAGE,
                DialErrorKind::Handshake(_)
                | DialErrorKind::Redirect(_)
                | DialErrorKind::Refused(_)
                | DialErrorKind::Proxy(ProxyError::Refused(_) | ProxyError::Socks(_)) => REFUSED,
                _ => UNREACHABLE,
            },
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}

/// The status for the close code of the peer, which repeats ours if we were the first.
pub(crate) fn closed(code: CloseCode, ours: Option<&CloseFrame>) -> u8 {
    if code.is_normal() || ours.is_some_and(|frame| frame.code == code) { 0 } else { LOST }
}

// As help.txt says.
pub(crate) const LOST: u8 = 1;
pub(crate) const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;
const REFUSED: u8 = 4;
