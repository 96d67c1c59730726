//! Waits that are begun when somebody has to wait, and no earlier.

use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use super::{BrowserSocket, Instant, LocalFuture};

/// A timer for one moment at a time.
#[derive(Default)]
pub(super) struct Timer(Option<(Instant, LocalFuture<()>)>);

impl Timer {
    /// Whether the moment has come. None never comes.
    pub(super) fn poll_at<B: BrowserSocket>(
        &mut self,
        at: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(at) = at else {
            self.0 = None;
            return Poll::Pending;
        };
        loop {
            let left = at.saturating_duration_since(B::now());
            if left.is_zero() {
                self.0 = None;
                return Poll::Ready(());
            }
            match &mut self.0 {
                Some((known, sleep)) if *known == at => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    // Timers of browsers count in milliseconds and may be early by a part of one.
                    self.0 = None;
                }
                // Browsers take longer times than this for none at all.
                _ => self.0 = Some((at, B::sleep(left.min(MAX_SLEEP)))),
            }
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.as_ref().map(|(at, _)| at)).finish()
    }
}

/// A day; `setTimeout` ends at 2³¹−1 milliseconds.
const MAX_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);
