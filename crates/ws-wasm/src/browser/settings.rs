//! What a socket is bounded by, and which of a browser's ways it takes.

use std::time::Duration;

/// Limits and marks of a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) max_message_size: Option<u64>,
    pub(crate) max_queued: usize,
    pub(crate) overflow: Overflow,
    pub(crate) high_water_mark: usize,
    pub(crate) close_timeout: Duration,
    /// The server is slowed down, so that nothing has to be dropped.
    pub(crate) paced: bool,
    /// Subprotocols are offered.
    pub(crate) offers: bool,
}

impl Settings {
    /// How many messages may wait. Each takes memory of its own, however short it is.
    pub(crate) fn max_messages(&self) -> usize {
        (self.max_queued / 64).max(1024)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_size: Some(16 << 20),
            max_queued: 16 << 20,
            overflow: Overflow::Close,
            high_water_mark: 256 << 10,
            close_timeout: Duration::from_secs(5),
            paced: false,
            offers: false,
        }
    }
}

/// What happens when more messages arrive than may wait to be read: the browser's `WebSocket` cannot be told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The connection is failed with 1013, for which the browser sends 4913; after what waits, reads give
    /// [`ErrorKind::OutOfBudget`](ws_core::ErrorKind::OutOfBudget).
    #[default]
    Close,
    /// The message that arrives is dropped, and counted.
    DropNewest,
    /// Those that wait longest are dropped until there is room, and counted.
    DropOldest,
}

/// What the browser makes of a binary message until it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BinaryType {
    /// Memory of the page.
    #[default]
    ArrayBuffer,
    /// A `Blob`, which the browser may keep elsewhere, on a disk for instance, until it is read.
    Blob,
}

/// Which interface of the browser a connection is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// `WebSocket`, which every browser has. A server that sends faster than the page reads is not slowed down.
    #[default]
    Socket,
    /// `WebSocketStream` where the browser has it, which Chromium has, and `WebSocket` elsewhere. A page that does not read slows the server
    /// down, by TCP. Chromium 156 ends the page when such a connection is lost while a write waits in it.
    Stream,
}
