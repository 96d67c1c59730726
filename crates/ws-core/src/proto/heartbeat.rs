//! Keep-alive: when to ping, and when to give the peer up.

use std::time::{Duration, Instant};

use crate::KeepAlive;

/// The pings of one connection over time. The clock is the driver's.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    settings: KeepAlive,
    /// When the next ping is due.
    next: Instant,
    /// When the ping went out that waits for a sign of life.
    asked: Option<Instant>,
}

impl Heartbeat {
    /// The pings of a connection that is open since `now`.
    #[must_use]
    pub fn new(settings: KeepAlive, now: Instant) -> Self {
        let next = later(now, settings.interval);
        Self { settings, next, asked: None }
    }

    /// Bytes arrived: the peer is alive, whatever they are.
    pub fn heard(&mut self) {
        self.asked = None;
    }

    /// Whether a ping waits for a sign of life.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// A ping that is due, or what lies before it in the queue, moved on towards the peer only now: the time for a sign of
    /// life begins anew. A transport that takes bytes after it was full has a peer that reads.
    pub fn moved(&mut self, now: Instant) {
        if let Some(asked) = &mut self.asked {
            *asked = now;
        }
    }

    /// Whether a ping is due; if so, it must be sent now. The next one is due an interval later.
    pub fn is_ping_due(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        // Counted from now, so that a connection that nobody drove for long does not make up for all that it missed.
        self.next = later(now, self.settings.interval);
        if self.asked.is_none() {
            self.asked = Some(now);
        }
        true
    }

    /// Whether the peer was silent for too long after a ping. Ask only when the transport has no more bytes.
    #[must_use]
    pub fn is_dead(&self, now: Instant) -> bool {
        self.gives_up().is_some_and(|at| now >= at)
    }

    /// When to look again.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.gives_up().map_or(self.next, |at| at.min(self.next))
    }

    fn gives_up(&self) -> Option<Instant> {
        self.asked.map(|asked| later(asked, self.settings.timeout))
    }
}

/// A time that the clock cannot say is one that never comes: decades.
pub(crate) fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).or_else(|| now.checked_add(DECADES)).unwrap_or(now)
}

const DECADES: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    // The clock is read once, to have a time to start from.
    #[expect(clippy::disallowed_methods, reason = "any time serves")]
    fn start() -> (Heartbeat, Instant) {
        let now = Instant::now();
        (Heartbeat::new(KeepAlive::every(20 * S).timeout(5 * S), now), now)
    }

    #[test]
    fn ping_is_due_every_interval() {
        let (mut heart, now) = start();
        assert_eq!(heart.due(), now + 20 * S);
        assert!(!heart.is_ping_due(now + 19 * S));
        assert!(heart.is_ping_due(now + 20 * S));
        heart.heard();
        assert_eq!(heart.due(), now + 40 * S);
        assert!(!heart.is_ping_due(now + 39 * S));
        assert!(heart.is_ping_due(now + 40 * S));
    }

    #[test]
    fn silence_after_a_ping_is_death_and_any_byte_is_life() {
        let (mut heart, now) = start();
        assert!(heart.is_ping_due(now + 20 * S));
        assert_eq!(heart.due(), now + 25 * S);
        assert!(!heart.is_dead(now + 24 * S));
        assert!(heart.is_dead(now + 25 * S));
        heart.heard();
        assert!(!heart.is_dead(now + 25 * S));
    }

    #[test]
    fn timeout_beyond_the_interval_counts_from_the_first_ping_that_was_not_answered() {
        let (_, now) = start();
        let mut heart = Heartbeat::new(KeepAlive::every(2 * S).timeout(5 * S), now);
        assert!(heart.is_ping_due(now + 2 * S));
        assert!(heart.is_ping_due(now + 4 * S));
        assert!(heart.is_ping_due(now + 6 * S));
        assert!(heart.is_dead(now + 7 * S));
    }

    #[test]
    fn time_for_a_sign_of_life_begins_when_the_ping_leaves() {
        let (mut heart, now) = start();
        heart.moved(now + 19 * S);
        assert!(heart.is_ping_due(now + 20 * S));
        heart.moved(now + 24 * S);
        assert!(!heart.is_dead(now + 28 * S));
        assert!(heart.is_dead(now + 29 * S));
    }

    #[test]
    fn pings_that_were_missed_are_not_made_up_for() {
        let (mut heart, now) = start();
        assert!(heart.is_ping_due(now + 1000 * S));
        assert!(!heart.is_ping_due(now + 1000 * S));
        heart.heard();
        assert_eq!(heart.due(), now + 1020 * S);
    }

    #[test]
    fn interval_beyond_the_clock_never_comes() {
        let (_, now) = start();
        let mut heart = Heartbeat::new(KeepAlive::every(Duration::MAX), now);
        assert!(!heart.is_ping_due(now + 1_000_000 * S));
        assert!(heart.due() > now + 1_000_000 * S);
    }
}
