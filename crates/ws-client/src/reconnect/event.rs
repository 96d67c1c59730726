//! What a client tells its application.

use std::{fmt, time::Duration};

use http::Response;
use ws_core::Message;

use super::Cause;

/// What [`Reconnecting::next`](super::Reconnecting::next) gives: the connection comes and goes, and messages between the two.
#[non_exhaustive]
pub enum Event {
    /// The connection is up and set up. Messages that were queued go out from here on.
    #[non_exhaustive]
    Up {
        /// Which attempt this was since a connection lasted, from 1.
        attempt: u32,
        /// The answer of the server, for its headers.
        response: Response<()>,
    },
    /// A message arrived.
    Message(Message),
    /// The connection that was up has ended. What was handed to it and had not arrived is lost; what was not, stays queued.
    #[non_exhaustive]
    Down {
        /// Why.
        cause: Cause,
        /// When the next attempt is; `None` if there is none, and then this is the last event.
        retry_in: Option<Duration>,
    },
    /// An attempt failed: no connection came about, or it could not be set up.
    #[non_exhaustive]
    Failed {
        /// Which attempt this was since a connection lasted, from 1.
        attempt: u32,
        /// Why.
        cause: Cause,
        /// When the next attempt is; `None` if there is none, and then this is the last event.
        retry_in: Option<Duration>,
    },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Headers may be secret: cookies.
            Self::Up { attempt, .. } => {
                f.debug_struct("Up").field("attempt", attempt).finish_non_exhaustive()
            }
            Self::Message(message) => f.debug_tuple("Message").field(message).finish(),
            Self::Down { cause, retry_in } => {
                f.debug_struct("Down").field("cause", cause).field("retry_in", retry_in).finish()
            }
            Self::Failed { attempt, cause, retry_in } => f
                .debug_struct("Failed")
                .field("attempt", attempt)
                .field("cause", cause)
                .field("retry_in", retry_in)
                .finish(),
        }
    }
}
