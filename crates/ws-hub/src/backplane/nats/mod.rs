//! A backplane over NATS with JetStream.

mod listener;
mod order;
mod session;
mod store;

use async_nats::ServerAddr;

use super::link::{Link, backplane_over_link};
use super::{BackplaneError, Config, ErrorKind};

/// A backplane over NATS (2.9 or newer) with JetStream.
///
/// What is not retained goes over plain subjects. Histories lie in one stream, presence in another, both of which are made
/// when they are not there; the server itself publishes what it has stored, with its sequence number, so that retained
/// messages have one order everywhere. Connections are made in the background, and again when they are lost: the first
/// event says when the server is there.
///
/// `HistoryLimits::bytes` cannot be kept for each room: [`NatsOptions::max_history_bytes`] bounds all rooms together, and
/// `position_age` has no meaning. What was retained last in a room is known for [`HistoryLimits::age`](super::HistoryLimits::age);
/// whoever comes back later is told that it cannot be said what they missed, unless nothing at all has aged since.
///
/// ```no_run
/// use ws_hub::backplane::{Backplane, Config, Nats, Publication, Topic};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let backplane = Nats::new("nats://127.0.0.1", Config::new().prefix("chat"))?;
/// backplane.publish(Publication::new(Topic::room("lobby"), "hello")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Nats(Link);

/// How a server keeps histories.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NatsOptions {
    pub(self) in_memory: bool,
    pub(self) replicas: usize,
    pub(self) max_history_bytes: u64,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self { in_memory: false, replicas: 1, max_history_bytes: 1024 * 1024 * 1024 }
    }
}

impl NatsOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps histories in the server's memory, which is faster and forgets with the server. Default in files.
    pub fn in_memory(mut self, in_memory: bool) -> Self {
        self.in_memory = in_memory;
        self
    }

    /// Sets on how many servers of a cluster histories and presence are kept. Default 1.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets how many bytes the histories of all rooms may take together; the oldest messages go first. Default 1 GiB.
    pub fn max_history_bytes(mut self, bytes: u64) -> Self {
        self.max_history_bytes = bytes;
        self
    }
}

impl Nats {
    /// A node on this server, or on these of one cluster, separated by commas. Nothing is awaited: what is published waits for the connection.
    ///
    /// User and password, or a token, may stand in the URL; `tls://` asks for TLS.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the URL is none of NATS, or when there is no Tokio runtime.
    pub fn new(url: &str, config: Config) -> Result<Self, BackplaneError> {
        Self::with_options(url, NatsOptions::default(), config)
    }

    /// The same, with a say in how the server keeps histories.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_options(url: &str, options: NatsOptions, config: Config) -> Result<Self, BackplaneError> {
        let addresses: Result<Vec<ServerAddr>, _> = url.split(',').map(|url| url.trim().parse()).collect();
        let addresses =
            addresses.map_err(|error| BackplaneError::new(ErrorKind::Invalid, Some(error.into())))?;
        Ok(Self(Link::new(session::NatsServer::new(addresses, options), config)?))
    }
}

backplane_over_link!(Nats);
