//! [`Drain`]: how a proxy takes leave of its tunnels.

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

use crate::{Tunnels, tunnels::Order};

/// Ends the tunnels of a proxy. [`Tunnels::drain`] makes it; nothing happens until it is awaited. Then:
///
/// 1. New handshakes are refused with 503 and `Retry-After`, for good.
/// 2. Each tunnel delivers what it has read, up to the end of the frame that is on its way, and sends a close frame to the client
///    and to the backend. What they still send is read until their close frames come. A stream of bytes that are no frames
///    ends without.
/// 3. Their end is awaited, for [`timeout`](Self::timeout) at the longest, and what is left is cut off.
///
/// | Setting | Default |
/// |---|---|
/// | [`close_frame`](Self::close_frame) | 1001, no reason |
/// | [`stagger`](Self::stagger) | none: all at once |
/// | [`timeout`](Self::timeout) | 11 s: a second more than the default close timeout |
///
/// # Cancel safety
/// When the future is dropped, handshakes stay refused, and tunnels that were told to end go on ending.
///
/// # Panics
/// Outside a tokio runtime with timers.
#[derive(Debug)]
#[must_use = "a drain does nothing unless awaited"]
pub struct Drain {
    tunnels: Tunnels,
    frame: CloseFrame,
    stagger: Duration,
    timeout: Duration,
}

/// What a [`Drain`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainSummary {
    /// Tunnels that ended within the bound.
    pub closed: usize,
    /// Tunnels that had to be cut off.
    pub aborted: usize,
}

impl Drain {
    pub(crate) fn new(tunnels: Tunnels) -> Self {
        Self { tunnels, frame: CloseCode::GOING_AWAY.into(), stagger: Duration::ZERO, timeout: TIMEOUT }
    }

    /// The close frame for both sides of all tunnels, such as 1012 for a proxy that will be back at once
    /// ([`CloseCode::SERVICE_RESTART`]). One that must not be sent as it is stands for the default.
    pub fn close_frame(mut self, frame: impl Into<CloseFrame>) -> Self {
        let frame = frame.into();
        self.frame = if frame.check_sendable().is_ok() { frame } else { CloseCode::GOING_AWAY.into() };
        self
    }

    /// Spreads the close frames evenly over a time, so that ten thousand clients do not come back in one instant.
    pub fn stagger(mut self, over: Duration) -> Self {
        self.stagger = over;
        self
    }

    /// How long to wait for the tunnels, from the last close frame on, before the rest is cut off.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn run(self) -> DrainSummary {
        let Self { tunnels, frame, stagger, timeout: wait } = self;
        let members = tunnels.stop(frame.clone());
        let start = Instant::now();
        for (number, member) in (0u32..).zip(&members) {
            let due = stagger.mul_f64(f64::from(number) / members.len() as f64);
            let early = due.saturating_sub(start.elapsed());
            if !early.is_zero() {
                sleep(early).await;
            }
            if let Some(member) = member.upgrade() {
                member.give(Order::Close(frame.clone()));
            }
        }
        if timeout(wait, tunnels.wait_idle()).await.is_ok() {
            return DrainSummary { closed: members.len(), aborted: 0 };
        }
        let left: Vec<_> = tunnels.members().iter().filter_map(Weak::upgrade).collect();
        let aborted = left.len();
        for member in left {
            member.give(Order::Abort);
        }
        let _ = timeout(GRACE, tunnels.wait_idle()).await;
        DrainSummary { closed: members.len().saturating_sub(aborted), aborted }
    }
}

impl IntoFuture for Drain {
    type Output = DrainSummary;
    type IntoFuture = DrainFuture;

    fn into_future(self) -> DrainFuture {
        DrainFuture(Box::pin(self.run()))
    }
}

/// The future of a [`Drain`].
#[must_use = "futures do nothing unless polled"]
pub struct DrainFuture(Pin<Box<dyn Future<Output = DrainSummary> + Send>>);

impl Future for DrainFuture {
    type Output = DrainSummary;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<DrainSummary> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for DrainFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrainFuture(..)")
    }
}

const TIMEOUT: Duration = Duration::from_secs(11);
/// Ending a task takes no time, but the runtime may be busy.
const GRACE: Duration = Duration::from_millis(500);
