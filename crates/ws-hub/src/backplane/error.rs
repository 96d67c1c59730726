//! Why a backplane did not do what it was asked for.

use std::error::Error as StdError;
use std::fmt;

/// Why a backplane did not do what it was asked for.
///
/// The wording of its `Display` is not stable.
pub struct BackplaneError {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`BackplaneError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The backplane was dropped. What was asked for was not done.
    Closed,
    /// So much waits already that this may not wait too. It was not done.
    Full,
    /// The caller asked for what there is not: a history for something else than a room, a message that is too big.
    Invalid,
    /// The server said no. It was not done.
    Refused,
    /// It waited for a server for too long and never left. It was not done.
    TimedOut,
    /// There is no server. It was not done.
    Unavailable,
    /// The connection broke, or no answer came, after it had left: it may or may not have been done. It is not tried
    /// again, since it might be done twice.
    Unconfirmed,
}

impl BackplaneError {
    /// An error of this kind, with its cause if there is one. For implementations of [`Backplane`](super::Backplane).
    #[must_use]
    pub fn new(kind: ErrorKind, source: Option<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source }
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether it may have been done nevertheless.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.kind == ErrorKind::Unconfirmed
    }
}

impl From<ErrorKind> for BackplaneError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for BackplaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Closed => "backplane closed",
            ErrorKind::Full => "backplane queue full",
            ErrorKind::Invalid => "not possible on this backplane",
            ErrorKind::Refused => "refused by the backplane's server",
            ErrorKind::TimedOut => "backplane timed out before it was sent",
            ErrorKind::Unavailable => "backplane not available",
            ErrorKind::Unconfirmed => "backplane lost after it was sent",
        })
    }
}

impl fmt::Debug for BackplaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("BackplaneError");
        debug.field(&self.kind);
        if let Some(source) = &self.source {
            debug.field(source);
        }
        debug.finish()
    }
}

impl StdError for BackplaneError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
