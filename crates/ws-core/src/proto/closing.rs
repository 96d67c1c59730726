//! The closing handshake: which close frames were seen, and in what order (RFC 6455, section 7).

use crate::CloseFrame;

/// The close frames of a connection so far.
///
/// Empty while the connection is open, which is nearly always; so the frames live behind a pointer.
#[derive(Clone, Debug, Default)]
pub struct Closing(Option<Box<Frames>>);

#[derive(Clone, Debug, Default)]
struct Frames {
    sent: Option<Option<CloseFrame>>,
    received: Option<Option<CloseFrame>>,
    received_first: bool,
}

impl Closing {
    /// Whether no end has closed.
    #[cfg(feature = "io")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The close frame that this endpoint sent: `None` while there was none, `Some(None)` for one without a code.
    #[must_use]
    pub fn sent(&self) -> Option<Option<&CloseFrame>> {
        self.0.as_ref()?.sent.as_ref().map(Option::as_ref)
    }

    /// The close frame that the peer sent: `None` while there was none, `Some(None)` for one without a code.
    #[must_use]
    pub fn received(&self) -> Option<Option<&CloseFrame>> {
        self.0.as_ref()?.received.as_ref().map(Option::as_ref)
    }

    /// Whether the peer's close frame came before this endpoint's.
    #[must_use]
    pub fn received_first(&self) -> bool {
        self.0.as_ref().is_some_and(|frames| frames.received_first)
    }

    /// Whether both close frames were exchanged: the closing handshake is done (7.1.4).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.as_ref().is_some_and(|frames| frames.sent.is_some() && frames.received.is_some())
    }

    pub(super) fn set_sent(&mut self, frame: Option<CloseFrame>) {
        self.0.get_or_insert_default().sent = Some(frame);
    }

    pub(super) fn set_received(&mut self, frame: Option<CloseFrame>) {
        let frames = self.0.get_or_insert_default();
        frames.received_first = frames.sent.is_none();
        frames.received = Some(frame);
    }
}
