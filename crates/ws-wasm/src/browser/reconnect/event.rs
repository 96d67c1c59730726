//! What a client tells its application.

use std::time::Duration;

use ws_core::Message;

use super::Cause;

/// What [`Reconnecting::next`](super::Reconnecting::next) gives: the connection comes and goes, and messages between the two.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The connection is up and set up. Messages that were queued go out from here on.
    #[non_exhaustive]
    Up {
        /// Which attempt this was since a connection lasted, from 1.
        attempt: u32,
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
