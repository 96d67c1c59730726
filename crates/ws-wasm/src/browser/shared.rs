//! What both halves of a socket share.

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    task::{Context, Poll},
};

use ws_core::{CloseFrame, Error, ErrorKind};

use super::{BrowserSocket, Facts, Instant, closing::legal, inbox::Inbox, settings::Settings, timer::Timer};

/// A socket of a browser that is open, and closed when this is dropped.
pub(super) struct Shared<B: BrowserSocket> {
    socket: RefCell<Option<B>>,
    pub(super) inbox: Inbox<B::Blob>,
    pub(super) settings: Settings,
    pub(super) facts: OnceCell<Facts>,
    /// Until when the closing handshake may take.
    close_by: Cell<Option<Instant>>,
}

impl<B: BrowserSocket> Shared<B> {
    pub(super) fn new(socket: B, inbox: Inbox<B::Blob>, settings: Settings) -> Self {
        let facts = OnceCell::new();
        Self { socket: RefCell::new(Some(socket)), inbox, settings, facts, close_by: Cell::new(None) }
    }

    /// The socket of the browser, until the connection is given up.
    pub(super) fn with<T>(&self, look: impl FnOnce(&B) -> T) -> Option<T> {
        self.socket.borrow().as_ref().map(look)
    }

    pub(super) fn subprotocol(&self) -> Option<&str> {
        self.facts.get().map(|facts| facts.subprotocol.as_str()).filter(|name| !name.is_empty())
    }

    /// Begins the closing handshake, unless the connection is closing or over.
    pub(super) fn begin_close(&self, frame: Option<CloseFrame>) -> Result<(), Error> {
        if self.inbox.is_over() {
            return Ok(());
        }
        if let Some(frame) = &frame {
            frame.check_sendable()?;
        }
        let frame = frame.map(|frame| CloseFrame::new(legal(frame.code), frame.reason));
        if self.inbox.close(frame.clone()) {
            self.close_by.set(Some(B::now() + self.settings.close_timeout));
            let (code, reason) =
                frame.as_ref().map_or((None, ""), |frame| (Some(frame.code), &*frame.reason));
            self.with(|socket| socket.close(code.map(u16::from), reason));
        }
        Ok(())
    }

    /// Fails the connection, unless it is closing or over.
    pub(super) fn fail(&self, kind: ErrorKind, source: Option<std::io::Error>) {
        if let Some(farewell) = self.inbox.fail(kind, source) {
            self.with(|socket| socket.close(Some(farewell.code), farewell.reason));
        }
    }

    /// Ends a closing handshake that takes too long. Each of those who wait has a timer for it.
    pub(super) fn poll_close_timeout(&self, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<()> {
        if timer.poll_at::<B>(self.close_by.get(), cx).is_pending() {
            return Poll::Pending;
        }
        // What still comes finds nobody.
        if let Some(socket) = self.socket.take() {
            socket.give_up();
        }
        self.inbox.closed(1006, "", false);
        Poll::Ready(())
    }
}

impl<B: BrowserSocket> Drop for Shared<B> {
    fn drop(&mut self) {
        let is_closing = self.inbox.closing().sent.is_some();
        self.inbox.forget();
        let Some(socket) = self.socket.get_mut().take() else { return };
        if !is_closing && !self.inbox.is_over() {
            socket.close(None, "");
        }
    }
}

impl<B: BrowserSocket> fmt::Debug for Shared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("inbox", &self.inbox).finish_non_exhaustive()
    }
}
