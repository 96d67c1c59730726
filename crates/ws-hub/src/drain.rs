//! The end of a node that others go on for: sessions are sent away over time, and told when to come back.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use ws_core::{CloseCode, CloseFrame};

use crate::{Cause, Hub, handler::Handler};

/// How a hub is drained: how fast, with what code, and how long at the most.
///
/// ```
/// # async fn listing<A: ws_hub::Handler>(hub: ws_hub::Hub<A>) {
/// use std::time::Duration;
/// use ws_hub::Drain;
///
/// let drained = hub.drain(Drain::new().over(Duration::from_secs(10))).await;
/// println!("{} closed, {} dropped", drained.closed, drained.aborted);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Drain {
    code: CloseCode,
    over: Duration,
    within: Duration,
    reconnect: (Duration, Duration),
}

/// What came of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Sessions that were sent away, and have ended.
    pub closed: usize,
    /// Sessions that had not ended in time. Their connections were dropped.
    pub aborted: usize,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            code: CloseCode::SERVICE_RESTART,
            over: Duration::from_secs(20),
            within: Duration::from_secs(30),
            reconnect: (Duration::from_secs(1), Duration::from_secs(5)),
        }
    }
}

impl Drain {
    /// 1012, spread over 20 seconds, done after 30 seconds, clients to come back after 1 to 5 seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// The close code; 1012 unless set. 1001 suits a server that does not come back.
    pub fn code(mut self, code: CloseCode) -> Self {
        self.code = code;
        self
    }

    /// Over what time the close frames are spread, so that not all clients come back at once; 20 seconds unless set.
    pub fn over(mut self, time: Duration) -> Self {
        self.over = time;
        self
    }

    /// When it is over, whatever the clients do; 30 seconds unless set. The connections that are left are dropped then.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// After what time clients are asked to come back: each is told a time of its own between these two. 1 and 5 seconds
    /// unless set.
    pub fn reconnect_after(mut self, earliest: Duration, latest: Duration) -> Self {
        self.reconnect = (earliest, latest.max(earliest));
        self
    }
}

impl<A: Handler> Hub<A> {
    /// Empties this node for a deploy: it takes no more sessions, sends those that it has away one by one over time, and waits
    /// until all are gone, within a bound.
    ///
    /// The reason in each close frame is `reconnect-after=` and a number of milliseconds, which a client waits before it comes
    /// back. What was sent to a session before goes out first.
    ///
    /// # Cancel safety
    /// The hub takes no more sessions. Those that were not sent away stay; calling it again goes on.
    pub async fn drain(&self, drain: Drain) -> Drained {
        self.stop();
        let start = Instant::now();
        let end = start + drain.within;
        let sessions = self.sessions();
        let count = sessions.len();
        for (at, session) in sessions.into_iter().enumerate() {
            // A step for many: no more timers than the eye could tell apart.
            let due = drain.over.mul_f64(at as f64 / count as f64);
            if start + due > Instant::now() + STEP {
                sleep_until((start + due).min(end)).await;
            }
            let spread = drain.reconnect.1 - drain.reconnect.0;
            let after = drain.reconnect.0 + spread.mul_f64(scatter(at));
            let reason = format!("reconnect-after={}", after.as_millis());
            session.end_with(Some(CloseFrame::new(drain.code, reason)), Cause::Drained, true);
        }
        let mut aborted = 0;
        if timeout_at(end, self.closed()).await.is_err() {
            for session in self.sessions() {
                session.abort_for(Cause::Drained);
                aborted += 1;
            }
            // What is left are handlers that do not return, and places of handshakes.
            let _ = timeout_at(end + LAST, self.closed()).await;
        }
        Drained { closed: count.saturating_sub(aborted), aborted }
    }
}

/// Spreads numbers evenly between 0 and 1, neighbours far from each other: the golden ratio's multiples.
fn scatter(at: usize) -> f64 {
    (at as f64 * 0.618_033_988_749_895).fract()
}

const STEP: Duration = Duration::from_millis(10);
const LAST: Duration = Duration::from_secs(1);
