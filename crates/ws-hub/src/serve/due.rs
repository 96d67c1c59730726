//! What a session does when its time has come: pings, silence, a transport that takes nothing, deadlines.

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use ws_core::{CloseCode, CloseFrame, Message, Stats};

use super::pump::{Pump, Stage};
use crate::{Cause, handler::Handler, queue::Close};

/// The hub's pings.
pub(super) struct Pings {
    pub(super) next: Option<Instant>,
    /// Since when a sign of life is waited for.
    pub(super) asked: Option<Instant>,
    /// The last one, if it is not answered.
    pub(super) sent: Option<(u64, Instant)>,
    number: u64,
    /// Received bytes when a silent peer was looked at the first time.
    pub(super) silent: Option<(Stats, u64)>,
}

/// A transport that takes nothing.
#[derive(Default)]
pub(super) struct Stall {
    pub(super) since: Option<Instant>,
    /// Sent bytes when it was looked at the first time.
    seen: Option<(Stats, u64)>,
}

impl From<Option<Instant>> for Pings {
    /// The first is sent at this time.
    fn from(next: Option<Instant>) -> Self {
        Self { next, asked: None, sent: None, number: 0, silent: None }
    }
}

impl<A: Handler, S: AsyncRead + AsyncWrite + Unpin> Pump<'_, A, S> {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let config = self.session.hub().config();
        if matches!(self.stage, Stage::Broken) {
            return self.flush_by;
        }
        if matches!(self.stage, Stage::Closing | Stage::Ended) {
            // The connection bounds it.
            return None;
        }
        let stalled = self.stall.since.zip(config.write_timeout).map(|(since, timeout)| since + timeout);
        let silent = self.silent_by();
        let all = [self.flush_by, self.pings.next, silent, stalled, self.grace, self.expires];
        all.into_iter().flatten().min()
    }

    /// When a peer that is silent after a ping is looked at: at half of its time, to note what it has sent in pieces, and at
    /// the end.
    fn silent_by(&self) -> Option<Instant> {
        let (_, timeout) = self.session.hub().config().keep_alive?;
        let asked = self.pings.asked?;
        Some(if self.pings.silent.is_none() { asked + timeout / 2 } else { asked + timeout })
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, now: Instant) {
        let config = self.session.hub().config();
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.flush_by) {
            if self.stage == Stage::Broken {
                self.stage = Stage::Ended;
            } else {
                let close = self.session.outbox().closing();
                self.session.end_with(None, Cause::Closed, false);
                self.begin_close(close.unwrap_or(Close {
                    frame: None,
                    cause: Cause::Closed,
                    flush: false,
                    abort: false,
                }));
            }
            return;
        }
        if is_due(self.silent_by()) {
            self.look_at_silence(now);
        }
        if is_due(self.stall.since.zip(config.write_timeout).map(|(since, timeout)| since + timeout)) {
            self.look_at_stall(now);
        }
        if let Some((interval, _)) = config.keep_alive.filter(|_| is_due(self.pings.next)) {
            self.pings.next = Some(now + interval);
            if self.stall.since.is_none() {
                self.ping(now);
            }
        }
        if is_due(self.grace) {
            self.grace = None;
            self.expel("not authenticated");
        }
        if is_due(self.expires) {
            self.expires = None;
            self.expel("authentication expired");
        }
    }

    fn expel(&self, reason: &'static str) {
        let frame = CloseFrame::new(CloseCode::POLICY_VIOLATION, reason);
        self.session.end_with(Some(frame), Cause::Expired, false);
    }

    fn ping(&mut self, now: Instant) {
        self.pings.number += 1;
        let payload = Bytes::copy_from_slice(&self.pings.number.to_be_bytes());
        if self.conn.start_send(Message::Ping(payload)).is_ok() {
            self.unflushed = true;
            self.pings.sent = Some((self.pings.number, now));
            self.pings.asked.get_or_insert(now);
        }
    }

    /// Nothing whole has arrived since a ping. A message that arrives slowly is life as well.
    fn look_at_silence(&mut self, now: Instant) {
        if self.ahead.is_some() {
            // It was not heard, because nobody listens.
            self.pings.asked = Some(now);
            self.pings.silent = None;
            return;
        }
        let stats = self.conn.stats();
        let received = stats.received().wire_bytes;
        match self.pings.silent.replace((stats, received)) {
            // Counting begins here.
            None => {}
            Some((_, before)) if received > before => self.pings.asked = Some(now),
            Some(_) => self.lose(),
        }
    }

    /// The transport has taken nothing whole for long. One that takes a large message slowly takes it.
    fn look_at_stall(&mut self, now: Instant) {
        let stats = self.conn.stats();
        let sent = stats.sent().wire_bytes;
        let Some(timeout) = self.session.hub().config().write_timeout else { return };
        match self.stall.seen.replace((stats, sent)) {
            // Counting begins here: another half of the time shows whether anything moves.
            None => self.stall.since = Some(now - timeout / 2),
            Some((_, before)) if sent > before => self.stall.since = Some(now),
            Some(_) => self.lose(),
        }
    }

    /// Gives the connection up.
    fn lose(&mut self) {
        let cause = if self.stall.since.is_some() { Cause::Slow } else { Cause::Lost };
        self.session.outbox().close(Close { frame: None, cause, flush: false, abort: true });
        self.stage = Stage::Ended;
    }
}
