//! The last word of a connection that is dropped before its end, and why it can be said there.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    panic::{self, AssertUnwindSafe},
    task::{Context, Waker},
    thread,
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conn, Parts, waiters::Waiter};
use crate::CloseCode;

/// What to do if the connection is dropped with something left to say.
pub(super) struct Farewell<S> {
    /// [`Conn::say_farewell`], which `Drop` cannot name: it knows no bounds.
    say: fn(&mut Conn<S>),
    then: fn(Parts<S>, Duration),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Sends a close frame when the connection is dropped by a panic or over a close frame that it owes; without this,
    /// the peer sees 1006 then.
    ///
    /// * While a thread unwinds, the close frame has 1011 (RFC 6455, 7.4.1), unless one was sent or asked for.
    /// * When [`Control::close`](super::Control::close) has asked for a close frame, or one was queued, and nobody has driven
    ///   the connection since, that frame is sent.
    ///
    /// Drop does not wait: it hands to the transport what that takes at once, in order, the close frame last. Then `then` is
    /// called with the transport, with the bytes that it did not take in [`Parts::write_buf`], and with
    /// [`Config::close_timeout`](crate::Config::close_timeout). It may see the rest through in the background; given [`drop`],
    /// the transport goes at once, and what it did not take is lost, as may be what the peer has not read yet if there are
    /// unread bytes on this side.
    ///
    /// A half that is dropped by a panic does the same while the other half lives: that one finds the connection closing. A panic
    /// of the transport itself ends in silence, and so does [`abort`](Self::abort).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use ws_core::{CloseCode, Config, Conn, Negotiated, Role};
    ///
    /// let (near, far) = tokio::io::duplex(1024);
    /// let mut server = Conn::new(near, Role::Server, Config::new(), Negotiated::new());
    /// server.close_on_panic(|parts, _close_timeout| drop(parts));
    /// let handler = tokio::spawn(async move {
    ///     let _server = server;
    ///     panic!("a bug");
    /// });
    /// # let mut client = Conn::new(far, Role::Client, Config::new(), Negotiated::new());
    /// let seen = client.read_message().await.unwrap_err();
    /// assert_eq!(seen.close_code(), Some(CloseCode::INTERNAL_ERROR));
    /// assert!(handler.await.unwrap_err().is_panic());
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close_on_panic(&mut self, then: fn(Parts<S>, Duration)) {
        self.0.farewell = Some(Farewell { say: Self::say_farewell, then });
    }

    fn say_farewell(&mut self) {
        // They take another look when this is done; from here on the transport knows the waker of nobody.
        self.0.waiters.wake_reader();
        self.0.waiters.wake_writer();
        if thread::panicking() {
            let _ = self.begin_close(CloseCode::INTERNAL_ERROR.into());
        } else {
            self.take_requests();
        }
        let _ = self.poll_write_out(&mut Context::from_waker(Waker::noop()), Waiter::Writer);
    }
}

impl<S> Conn<S> {
    /// A half was dropped by a panic. The transport stays with the other half.
    #[cold]
    pub(super) fn half_panicked(&mut self) {
        if let Some(Farewell { say, .. }) = self.0.farewell {
            if !self.0.ending.is_over() {
                // See `leave`.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| say(self)));
            }
        }
    }

    /// Whether a close frame was asked for or queued, and has not left.
    fn owes_close(&self) -> bool {
        // It may be a ping that was asked for; that is found out.
        self.0.control.is_pending() || (self.closing().sent().is_some() && self.0.protocol.wants_write())
    }

    #[cold]
    fn leave(&mut self, Farewell { say, then }: Farewell<S>) {
        // A transport that panics, perhaps for the second time, must not end the process.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            say(self);
            if self.closing().sent().is_some() && self.0.broken.is_none() {
                let timeout = self.0.settings.close_timeout();
                if let Some(parts) = self.take_parts() {
                    then(parts, timeout);
                }
            }
        }));
    }
}

impl<S> Drop for Conn<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(farewell) = self.0.farewell.take() {
            if !self.0.ending.is_over() && (thread::panicking() || self.owes_close()) {
                self.leave(farewell);
            }
        }
        self.0.settings.pool.connection_ended();
    }
}

/// The transport. It is gone only while the connection is taken apart or dropped, which nobody sees: a type with a `Drop`
/// cannot be taken apart otherwise.
pub(super) struct Io<S>(Option<S>);

impl<S> Io<S> {
    pub(super) fn new(io: S) -> Self {
        Self(Some(io))
    }

    pub(super) fn take(&mut self) -> Option<S> {
        self.0.take()
    }
}

impl<S> Deref for Io<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        self.0.as_ref().expect(GONE)
    }
}

impl<S> DerefMut for Io<S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        self.0.as_mut().expect(GONE)
    }
}

impl<S: fmt::Debug> fmt::Debug for Io<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

const GONE: &str = "the transport is there until the connection is taken apart";
