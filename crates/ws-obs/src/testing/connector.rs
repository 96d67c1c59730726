//! The way to a server in memory.

use std::{
    future::{Ready, ready},
    io,
    task::{Context, Poll},
};

use tokio::io::{DuplexStream, duplex};
use tower_service::Service;
use ws_client::http::Uri;

use super::Server;

/// Opens connections to a [`Server`] in memory, whatever the URL. For an [`Obs`](crate::Obs) or a dialer with
/// options of your own.
#[derive(Clone, Debug)]
pub struct MemoryConnector {
    server: Server,
}

impl MemoryConnector {
    pub(super) fn new(server: Server) -> Self {
        Self { server }
    }
}

impl Service<Uri> for MemoryConnector {
    type Response = DuplexStream;
    type Error = io::Error;
    type Future = Ready<io::Result<DuplexStream>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        if !self.server.is_reachable() {
            return ready(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        let (client, server) = duplex(BUFFER);
        self.server.serve(server);
        ready(Ok(client))
    }
}

/// As much as a socket holds.
const BUFFER: usize = 64 << 10;
