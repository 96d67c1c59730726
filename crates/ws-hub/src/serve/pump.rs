//! What moves a session's messages: from its queue to the connection, and from there to the handler.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use ws_core::{CloseCode, CloseFrame, Conn, Error, ErrorKind, Message};

use super::{
    Panic,
    due::{Pings, Stall},
    timer::Timer,
};
use crate::{
    Cause, Disconnect, Session,
    handler::Handler,
    limit::Meter,
    queue::{Close, Fifo, News, Next},
};

/// The connection of a session, and what is under way on it.
///
/// It goes on while a handler waits: the queue is written, pings are answered, and one message is read ahead. So a slow
/// handler costs its session nothing but time.
pub(super) struct Pump<'a, A: Handler, S> {
    pub(super) session: &'a Session<A>,
    pub(super) conn: Conn<S>,
    pub(super) stage: Stage,
    /// A message that waits for its handler.
    pub(super) ahead: Option<Message>,
    /// What the connection has and the transport has not taken as a whole.
    in_flight: Fifo,
    /// The connection has something that its transport may not have.
    pub(super) unflushed: bool,
    timer: Timer,
    pub(super) pings: Pings,
    pub(super) stall: Stall,
    /// Of messages, and of their bytes.
    meters: (Meter, Meter),
    /// By when it has to say who it is, if it has not.
    pub(super) grace: Option<Instant>,
    /// When what is known of it ends to hold.
    pub(super) expires: Option<Instant>,
    /// When a session that is closed has had its time to take what was sent before.
    pub(super) flush_by: Option<Instant>,
    error: Option<Error>,
    panic: Option<Panic>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// Nothing can be written any more; what can be read may tell why.
    Broken,
    /// The close frame is sent.
    Closing,
    Ended,
}

/// What was moved to the connection.
enum Batch {
    Taken,
    Close(Close),
    Empty,
}

/// What arrives.
pub(super) enum Input {
    Message(Message),
    Ended,
}

impl<'a, A: Handler, S: AsyncRead + AsyncWrite + Unpin> Pump<'a, A, S> {
    pub(super) fn new(session: &'a Session<A>, mut conn: Conn<S>) -> Self {
        let config = session.hub().config();
        if let Some(size) = config.max_message_size {
            conn.set_max_message_size(size);
        }
        let now = Instant::now();
        let next = config.keep_alive.map(|(interval, _)| now + interval);
        Self {
            session,
            conn,
            stage: Stage::Open,
            ahead: None,
            in_flight: Fifo::default(),
            unflushed: false,
            timer: Timer::default(),
            pings: Pings::from(next),
            stall: Stall::default(),
            meters: (Meter::default(), Meter::default()),
            grace: config.authentication_grace.filter(|_| session.user().is_none()).map(|grace| now + grace),
            expires: session.expires(),
            flush_by: None,
            error: None,
            panic: None,
        }
    }

    /// The next message, or the end. An error is the panic of a hook.
    pub(super) async fn next(&mut self) -> Result<Input, Panic> {
        poll_fn(|cx| {
            self.poll(cx, true);
            if let Some(panic) = self.panic.take() {
                return Poll::Ready(Err(panic));
            }
            // What arrived before the end is handled.
            match self.ahead.take() {
                Some(message) => Poll::Ready(Ok(Input::Message(message))),
                None if self.stage == Stage::Ended => Poll::Ready(Ok(Input::Ended)),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Goes on until a handler is done. An error is its panic.
    pub(super) async fn drive<F: Future>(&mut self, start: impl FnOnce() -> F) -> Result<F::Output, Panic> {
        let mut future = pin!(catch_unwind(AssertUnwindSafe(start))?);
        poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
                Ok(Poll::Pending) => {}
                Err(panic) => return Poll::Ready(Err(panic)),
            }
            self.poll(cx, false);
            self.panic.take().map_or(Poll::Pending, |panic| Poll::Ready(Err(panic)))
        })
        .await
    }

    /// Sees the connection to its end, and tells how it was.
    pub(super) async fn finish(&mut self) -> (Disconnect, Option<Error>) {
        poll_fn(|cx| {
            loop {
                self.poll(cx, false);
                // Nobody handles what still arrives, nor a second panic.
                if self.ahead.take().is_none() && self.panic.take().is_none() {
                    break;
                }
            }
            if self.stage == Stage::Ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let asked = self.session.outbox().end();
        self.news();
        (self.disconnect(asked), self.error.take())
    }

    /// Moves what can be moved. With `reads_on`, the next message comes before what is to be written: the answers to those that have
    /// arrived together leave together.
    fn poll(&mut self, cx: &mut Context<'_>, reads_on: bool) {
        loop {
            if self.stage == Stage::Ended {
                return;
            }
            self.news();
            let before = self.stage;
            let reads_first = reads_on && self.may_write_later();
            if reads_first {
                self.poll_input(cx);
                if self.ahead.is_some() || self.panic.is_some() {
                    return;
                }
            }
            self.poll_output(cx);
            let deadline = self.deadline();
            if self.timer.poll(cx, deadline).is_ready() {
                self.expire(Instant::now());
                continue;
            }
            if !reads_first {
                self.poll_input(cx);
            }
            // What is sent from here on wakes the task. What has changed may have more to write.
            if self.stage == before {
                return;
            }
        }
    }

    /// Learns what others did, and tells the application what was dropped.
    fn news(&mut self) {
        let News { dropped, rearm, is_closing } = self.session.outbox().take_news();
        if rearm {
            self.expires = self.session.expires();
            self.grace = self.grace.filter(|_| self.session.user().is_none());
        }
        if is_closing && self.flush_by.is_none() {
            self.flush_by = Some(Instant::now() + self.session.hub().config().flush_timeout);
        }
        if dropped > 0 {
            self.hook(|app, session| app.dropped(session, dropped));
        }
    }

    /// Whether so little waits that it may wait for the next message, too. A close frame does not.
    fn may_write_later(&self) -> bool {
        if self.stage != Stage::Open || self.flush_by.is_some() {
            return false;
        }
        let (messages, bytes) = self.session.outbox().queued();
        let bounds = self.session.bounds();
        messages <= bounds.messages / 2 && bytes <= (bounds.bytes / 2).min(BATCH)
    }

    fn hook(&mut self, call: impl FnOnce(&A, &Session<A>)) {
        let session = self.session;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(session.hub().handler(), session))) {
            self.panic.get_or_insert(panic);
        }
    }

    // Out.

    fn poll_output(&mut self, cx: &mut Context<'_>) {
        if self.stage == Stage::Broken || self.stage == Stage::Closing {
            // A connection that ends is given up sooner for one who asks.
            if self.session.outbox().park(cx.waker()).is_some_and(|close| close.abort) {
                self.stage = Stage::Ended;
            }
            return;
        }
        // One batch is under way at a time: what waits behind it can still be dropped, replaced or overtaken by a close frame.
        let close = loop {
            if self.unflushed {
                match self.conn.poll_flush(cx) {
                    Poll::Ready(Ok(())) => self.flushed(),
                    Poll::Ready(Err(error)) => return self.write_failed(error, cx),
                    Poll::Pending => {
                        self.stall.since.get_or_insert_with(Instant::now);
                        break self.session.outbox().park(cx.waker());
                    }
                }
            }
            match self.take_batch(cx) {
                Batch::Taken => {}
                Batch::Close(close) => break Some(close),
                Batch::Empty => break None,
            }
        };
        if let Some(close) = close {
            self.begin_close(close);
            // For one who has no time for the closing handshake.
            self.session.outbox().park(cx.waker());
        }
    }

    /// Moves what waits to the connection, as much as it takes at a time: it leaves in one write.
    fn take_batch(&mut self, cx: &Context<'_>) -> Batch {
        let mut bytes = 0;
        loop {
            match self.session.outbox().next(cx.waker()) {
                Next::Message(message) => {
                    // Only after a close frame it fails, and then nothing needs it.
                    if message.start_send(&mut self.conn).is_ok() {
                        self.unflushed = true;
                    }
                    bytes += message.size;
                    self.in_flight.push(message);
                    if bytes >= BATCH {
                        return Batch::Taken;
                    }
                }
                // What goes out before a close frame is told as sent.
                Next::Close(close) if close.flush && self.unflushed => return Batch::Taken,
                Next::Close(close) => return Batch::Close(close),
                Next::Nothing if self.unflushed => return Batch::Taken,
                Next::Nothing => return Batch::Empty,
            }
        }
    }

    /// The transport has taken everything.
    fn flushed(&mut self) {
        self.unflushed = false;
        self.stall = Stall::default();
        let (mut count, mut bytes) = (0, 0);
        while let Some(message) = self.in_flight.pop() {
            count += 1;
            bytes += message.size;
            self.hook(|app, session| app.sent(session, message.message()));
        }
        if count > 0 {
            self.session.outbox().sent(count, bytes);
        }
    }

    pub(super) fn begin_close(&mut self, close: Close) {
        if close.abort {
            self.stage = Stage::Ended;
            return;
        }
        self.stage = Stage::Closing;
        // If the peer has closed already, this is one close frame too many.
        let _ = self.conn.start_send(Message::Close(close.frame));
    }

    fn write_failed(&mut self, error: Error, cx: &Context<'_>) {
        self.stage = Stage::Broken;
        self.error = Some(error);
        self.flush_by = Some(Instant::now() + self.session.hub().config().flush_timeout);
        self.session.outbox().park(cx.waker());
    }

    // In.

    fn poll_input(&mut self, cx: &mut Context<'_>) {
        if self.stage == Stage::Closing {
            if let Poll::Ready(ended) = self.conn.poll_close(cx) {
                self.ended(ended.err());
            }
            return;
        }
        while self.ahead.is_none() && matches!(self.stage, Stage::Open | Stage::Broken) {
            let Poll::Ready(received) = self.conn.poll_recv(cx) else { return };
            self.pings.asked = None;
            self.pings.silent = None;
            match received {
                Ok(Some(Message::Pong(payload))) => self.pong(&payload),
                // It is answered already.
                Ok(Some(Message::Ping(_))) => {}
                Ok(Some(Message::Close(frame))) => {
                    self.hook(|app, session| app.close(session, frame.as_ref()));
                }
                Ok(Some(message)) => {
                    if !self.message(message) {
                        // The close frame comes first.
                        return;
                    }
                }
                Ok(None) => self.ended(None),
                Err(error) => self.ended(Some(error)),
            }
            if self.panic.is_some() {
                return;
            }
        }
    }

    /// Takes a data message; false if it is one too many, which closes the session.
    fn message(&mut self, message: Message) -> bool {
        let config = self.session.hub().config();
        let len = match &message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
        };
        let within = config.messages_per_second.is_none_or(|rate| self.meters.0.take(1, rate))
            && config.bytes_per_second.is_none_or(|rate| self.meters.1.take(len as u64, rate));
        if within {
            crate::observe::received(len);
            self.ahead = Some(message);
        } else {
            let frame = CloseFrame::new(CloseCode::POLICY_VIOLATION, "too many messages");
            self.session.end_with(Some(frame), Cause::Flooded, false);
        }
        within
    }

    fn pong(&mut self, payload: &Bytes) {
        let number = <[u8; 8]>::try_from(&payload[..]).map(u64::from_be_bytes).ok();
        let sent = self.pings.sent.take_if(|(sent, _)| Some(*sent) == number);
        let round_trip = sent.map(|(_, at)| at.elapsed());
        if let Some(round_trip) = round_trip {
            self.session.set_round_trip(round_trip);
            crate::observe::round_trip(round_trip);
        }
        self.hook(|app, session| app.pong(session, round_trip));
    }

    fn ended(&mut self, error: Option<Error>) {
        self.stage = Stage::Ended;
        // What is wrong with reading says more than that writing failed, which may be for a close frame that was read.
        self.error = match error {
            Some(error) if matches!(error.kind(), ErrorKind::Closed(_)) => None,
            None if self.conn.closing().received().is_some() => None,
            Some(error) => Some(error),
            None => self.error.take(),
        };
    }

    /// How it ended. `asked` is the close frame that this program wanted.
    fn disconnect(&self, asked: Option<Close>) -> Disconnect {
        let closing = self.conn.closing();
        let error = self.error.as_ref().map(|error| error.kind().clone());
        let cause = asked.as_ref().map(|close| close.cause);
        match (closing.received(), asked) {
            (Some(frame), asked) if asked.is_none() || closing.received_first() => {
                Disconnect::new(frame.cloned(), Cause::Peer)
            }
            (_, Some(close)) if !close.abort => {
                Disconnect { error, ..Disconnect::new(close.frame, close.cause) }
            }
            _ => match &self.error {
                Some(failure) if !failure.is_closed() && failure.close_code().is_some() => {
                    let frame = failure.close_code().map(CloseFrame::from);
                    Disconnect { error, ..Disconnect::new(frame, Cause::Failed) }
                }
                _ => Disconnect::lost(cause.unwrap_or(Cause::Lost), error),
            },
        }
    }
}

/// Bytes that are moved to the connection at a time: so much goes out with one call of the system.
const BATCH: usize = 64 << 10;
