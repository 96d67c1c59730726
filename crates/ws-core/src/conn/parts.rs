//! A connection that is taken apart.

use bytes::{Bytes, BytesMut};

use super::Conn;
use crate::Negotiated;

/// What [`Conn::into_parts`] gives back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> {
    /// The transport.
    pub io: S,
    /// Bytes that were read from the transport and are not part of a message that was given out.
    pub read_buf: Bytes,
    /// Encoded frames that were queued and not written.
    pub write_buf: Bytes,
    /// What the opening handshake agreed on.
    pub negotiated: Negotiated,
}

impl<S> Conn<S> {
    /// Takes the connection apart: the transport, what was read ahead, and what was queued.
    ///
    /// The transport can be handed on without loss while no message and no control frame has arrived in part. What has
    /// arrived of one is lost then, and what follows on the transport begins in its middle; only the beginning of a frame
    /// header is kept.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the transport is there")]
    pub fn into_parts(mut self) -> Parts<S> {
        self.take_parts().expect("a connection has its transport until here")
    }

    /// Leaves nothing that `Drop` could say or do.
    pub(super) fn take_parts(&mut self) -> Option<Parts<S>> {
        self.0.farewell = None;
        let mut read_buf = BytesMut::from(self.0.protocol.receiver().partial_header());
        read_buf.extend_from_slice(self.0.read.filled());
        self.0.protocol.sender().outbox_mut().settle();
        Some(Parts {
            io: self.0.io.take()?,
            read_buf: read_buf.freeze(),
            write_buf: self.0.protocol.sender().outbox().to_vec().into(),
            negotiated: self.negotiated(),
        })
    }

    /// Drops the transport without a closing handshake; what is queued is lost.
    pub fn abort(mut self) {
        self.0.farewell = None;
    }
}
