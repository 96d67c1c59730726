//! [`Shutdown`]: how a server takes leave of its connections.

use std::{
    fmt,
    future::IntoFuture,
    pin::Pin,
    sync::Weak,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};
use ws_core::{CloseCode, CloseFrame};

use crate::Tracker;

/// Stops serving WebSockets. [`Tracker::shutdown`] makes it; nothing happens until it is awaited. Then:
///
/// 1. New handshakes are refused with 503 and `Retry-After`
///    ([`ShuttingDown`](crate::rejection::ShuttingDown)), for good.
/// 2. Every connection is asked for a close frame, in the order of the closing handshake: what is queued goes first. A
///    handshake that was accepted before is closed as soon as it is upgraded.
/// 3. Their end is awaited, for [`timeout`](Self::timeout) at the longest.
/// 4. What is left is aborted: a handler in a task of this crate's is dropped. A close frame that was asked for and has not
///    left goes out even then. Half a second later, and at once for a connection that was upgraded by hand, the transport is
///    made to fail; who waits for it is woken.
///
/// The close frame is sent by whoever drives the connection: a read that waits sends it, and sees the handshake through; a
/// write that waits sends it, and later writes fail with `CloseSent`; a handler that waits for something else sends it with
/// its next call, when it drops the connection, or when it is aborted.
///
/// A handler that keeps its thread cannot be aborted by anyone; one that was upgraded by hand and never comes back to its
/// connection keeps it. Neither is waited for beyond the bound, and their clients see 1006 when the process ends.
///
/// | Setting | Default |
/// |---|---|
/// | [`close_frame`](Self::close_frame) | 1001, no reason |
/// | [`stagger`](Self::stagger) | none: all at once |
/// | [`timeout`](Self::timeout) | 6 s: a second more than the default close timeout |
/// | [`retry_after`](Self::retry_after) | 5 s |
///
/// # Cancel safety
/// When the future is dropped, handshakes stay refused, and connections that were asked to close go on closing. A further
/// shutdown does the rest.
///
/// # Panics
/// Outside a tokio runtime with timers.
#[derive(Debug)]
#[must_use = "a shutdown does nothing unless awaited"]
pub struct Shutdown {
    tracker: Tracker,
    frame: CloseFrame,
    stagger: Duration,
    timeout: Duration,
    retry_after: Duration,
}

/// What a [`Shutdown`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownSummary {
    /// Connections that ended within the bound.
    pub closed: usize,
    /// Connections that had to be aborted.
    pub aborted: usize,
}

impl Shutdown {
    pub(crate) fn new(tracker: Tracker) -> Self {
        Self {
            tracker,
            frame: CloseCode::GOING_AWAY.into(),
            stagger: Duration::ZERO,
            timeout: TIMEOUT,
            retry_after: RETRY_AFTER,
        }
    }

    /// The close frame for all connections, such as 1012 for a server that will be back at once
    /// ([`CloseCode::SERVICE_RESTART`]). One that must not be sent as it is stands for the default.
    pub fn close_frame(mut self, frame: impl Into<CloseFrame>) -> Self {
        let frame = frame.into();
        let is_sendable = frame.check_sendable().is_ok();
        self.frame = if is_sendable { frame } else { CloseCode::GOING_AWAY.into() };
        self
    }

    /// Spreads the close frames evenly over a time, so that ten thousand clients do not come back in one instant.
    pub fn stagger(mut self, over: Duration) -> Self {
        self.stagger = over;
        self
    }

    /// How long to wait for the connections, from the last close frame on, before the rest is aborted.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What refused clients are told in `Retry-After`, in whole seconds, rounded up.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = after;
        self
    }

    async fn run(self) -> ShutdownSummary {
        let Self { tracker, frame, stagger, timeout: wait, retry_after } = self;
        let count = tracker.stop(frame.clone(), retry_after);
        let start = Instant::now();
        let members = tracker.members();
        for (number, member) in (0u32..).zip(&members) {
            if !stagger.is_zero() {
                let due = stagger.mul_f64(f64::from(number) / members.len() as f64);
                let early = due.saturating_sub(start.elapsed());
                if !early.is_zero() {
                    sleep(early).await;
                }
            }
            if let Some(member) = member.upgrade() {
                member.close(frame.clone());
            }
        }
        let bound = stagger.saturating_add(wait).saturating_sub(start.elapsed());
        if timeout(bound, tracker.wait_idle()).await.is_ok() {
            return ShutdownSummary { closed: count, aborted: 0 };
        }
        let left: Vec<_> = tracker.members().iter().filter_map(Weak::upgrade).collect();
        let aborted = left.len();
        for member in left {
            if !member.abort_handler() {
                member.kill();
            }
        }
        if timeout(GRACE, tracker.wait_idle()).await.is_err() {
            // What a handler has given to other tasks, and what takes leave of a peer that does not listen.
            for member in tracker.members().iter().filter_map(Weak::upgrade) {
                // It may have been upgraded meanwhile.
                member.abort_handler();
                member.kill();
            }
            let _ = timeout(GRACE, tracker.wait_idle()).await;
        }
        ShutdownSummary { closed: count.saturating_sub(aborted), aborted }
    }
}

impl IntoFuture for Shutdown {
    type Output = ShutdownSummary;
    type IntoFuture = ShutdownFuture;

    fn into_future(self) -> ShutdownFuture {
        ShutdownFuture(Box::pin(self.run()))
    }
}

/// The future of a [`Shutdown`].
#[must_use = "futures do nothing unless polled"]
pub struct ShutdownFuture(Pin<Box<dyn Future<Output = ShutdownSummary> + Send>>);

impl Future for ShutdownFuture {
    type Output = ShutdownSummary;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ShutdownSummary> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ShutdownFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShutdownFuture(..)")
    }
}

const TIMEOUT: Duration = Duration::from_secs(6);
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Dropping a task takes no time, but the runtime may be busy.
const GRACE: Duration = Duration::from_millis(500);
