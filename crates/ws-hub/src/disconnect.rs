//! How a session ended.

use std::sync::Arc;

use ws_core::{CloseCode, CloseFrame, ErrorKind, Utf8Bytes};

/// Who or what ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// This program closed it: [`Session::close`](crate::Session::close), [`Target::close`](crate::Target::close), here or on
    /// another node.
    Closed,
    /// The future of [`Hub::serve`](crate::Hub::serve) was dropped.
    Dropped,
    /// The hub was drained or closed.
    Drained,
    /// The authentication has expired, or did not come in time.
    Expired,
    /// The peer broke the protocol or a limit of the connection.
    Failed,
    /// It sent more than it may.
    Flooded,
    /// The transport ended without a closing handshake, or nothing came back after a ping.
    Lost,
    /// A handler panicked.
    Panicked,
    /// The peer closed it.
    Peer,
    /// [`Handler::connect`](crate::Handler::connect) refused it.
    Refused,
    /// It did not take what was sent to it.
    Slow,
}

impl Cause {
    /// A word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Dropped => "dropped",
            Self::Drained => "drained",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Flooded => "flooded",
            Self::Lost => "lost",
            Self::Panicked => "panicked",
            Self::Peer => "peer",
            Self::Refused => "refused",
            Self::Slow => "slow",
        }
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnect {
    /// The close code: of the end that closed first, or what RFC 6455, 7.1.5 says where there was none: 1005 for a close frame
    /// without a code, 1006 for a connection that was lost.
    pub code: CloseCode,
    /// The reason beside the code. It comes from the peer where [`cause`](Self::cause) says so: escape it before it is shown.
    pub reason: Utf8Bytes,
    /// Who or what ended it.
    pub cause: Cause,
    /// The error of the connection, if it failed.
    pub error: Option<ErrorKind>,
    /// The rooms that it was in.
    pub rooms: Vec<Arc<str>>,
}

impl Disconnect {
    pub(crate) fn new(frame: Option<CloseFrame>, cause: Cause) -> Self {
        let (code, reason) = match frame {
            Some(frame) => (frame.code, frame.reason),
            None => (CloseCode::NO_STATUS_RECEIVED, Utf8Bytes::default()),
        };
        Self { code, reason, cause, error: None, rooms: Vec::new() }
    }

    pub(crate) fn lost(cause: Cause, error: Option<ErrorKind>) -> Self {
        Self {
            code: CloseCode::ABNORMAL_CLOSURE,
            reason: Utf8Bytes::default(),
            cause,
            error,
            rooms: Vec::new(),
        }
    }
}
