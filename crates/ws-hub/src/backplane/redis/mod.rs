//! A backplane over Redis, or a server that speaks its protocol.

mod script;
mod session;

use super::link::{Link, backplane_over_link};
use super::{BackplaneError, Config, ErrorKind};

/// A backplane over Redis (5 or newer), Valkey, or a server that speaks their protocol with Lua scripts.
///
/// Two connections a node: one to publish and to read, one that listens. Publications are pipelined; a room's history is
/// appended to and told in one script, so in one round trip. Connections are made in the background, and again when they
/// are lost: the first event says when the server is there.
///
/// What belongs to one room lies under keys with one hash tag, and each script touches one room alone. One primary is
/// spoken to, with or without replicas: cluster redirections are not followed. TLS (`rediss://`) needs the feature
/// `tokio-rustls-comp` or `tokio-native-tls-comp` of the crate `redis`.
///
/// ```no_run
/// use ws_hub::backplane::{Backplane, Config, Publication, Redis, Topic};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let backplane = Redis::new("redis://127.0.0.1/", Config::new().prefix("chat"))?;
/// backplane.publish(Publication::new(Topic::room("lobby"), "hello")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Redis(Link);

impl Redis {
    /// A node on this server. Nothing is awaited: what is published waits for the connection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the URL is none of Redis, or when there is no Tokio runtime.
    pub fn new(url: &str, config: Config) -> Result<Self, BackplaneError> {
        let client = ::redis::Client::open(url)
            .map_err(|error| BackplaneError::new(ErrorKind::Invalid, Some(error.into())))?;
        Ok(Self(Link::new(session::RedisServer::new(client), config)?))
    }
}

backplane_over_link!(Redis);
