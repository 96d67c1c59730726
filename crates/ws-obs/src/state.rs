//! How a client stands.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{error::Error, message::Encoding};

/// How a client stands with its server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// The first connection is being opened, or the client identifies itself on it.
    Connecting,
    /// The client is identified, and the function of [`Obs::on_connect`](crate::Obs::on_connect) runs.
    SettingUp(Arc<ServerInfo>),
    /// Requests are answered and events arrive.
    Connected(Arc<ServerInfo>),
    /// This side closes the connection, for this reason: the function of [`Obs::on_connect`](crate::Obs::on_connect) failed, or the
    /// server said what is not of the protocol. Requests fail from now on; `Waiting` or `Closed` follows within 5 seconds.
    Closing(Error),
    /// There is no connection. Another attempt follows, or is under way.
    #[non_exhaustive]
    Waiting {
        /// Why the last connection ended, or the last attempt failed.
        error: Error,
        /// When the next attempt begins, from the time this state began.
        retry_in: Duration,
    },
    /// The client is over, for this reason.
    Closed(Error),
}

impl State {
    /// Whether requests are answered.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected(_))
    }
}

/// What the server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version of OBS; older servers do not tell.
    pub obs_version: Option<String>,
    /// The version of obs-websocket.
    pub web_socket_version: String,
    /// The version of the protocol that was agreed on.
    pub rpc_version: u32,
    /// What messages are written in.
    pub encoding: Encoding,
}

/// The states of a client as they come. A reader that is slow misses those in between, never the last.
///
/// It does not keep the client connected.
#[derive(Clone, Debug)]
pub struct States {
    receiver: watch::Receiver<State>,
    is_first: bool,
    is_over: bool,
}

impl States {
    pub(crate) fn new(receiver: watch::Receiver<State>) -> Self {
        Self { receiver, is_first: true, is_over: false }
    }

    /// The present state at first, then each that follows; `None` after [`State::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Safe: no state is lost.
    pub async fn next(&mut self) -> Option<State> {
        if self.is_over {
            return None;
        }
        if !std::mem::take(&mut self.is_first) {
            self.receiver.changed().await.ok()?;
        }
        let state = self.receiver.borrow_and_update().clone();
        self.is_over = matches!(state, State::Closed(_));
        Some(state)
    }
}
