//! What a client does, step by step. Everything is kept in the client, so that a future of `next` may be dropped anywhere.

use std::{
    fmt,
    future::{Future as _, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use http::Response;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep},
};
use ws_core::{CloseFrame, Conn};

use super::{Cause, Event, Reconnecting, client::BoxFuture, link::Link};
use crate::observe;

/// Where a client stands.
pub(super) enum State<S> {
    /// The next attempt begins.
    Start,
    Dialing(BoxFuture<(Conn<S>, Response<()>)>),
    SettingUp {
        conn: BoxFuture<Conn<S>>,
        response: Response<()>,
        timeout: Pin<Box<Sleep>>,
    },
    Up(Box<Link<S>>),
    Waiting(Pin<Box<Sleep>>),
    Over,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Reconnecting<S> {
    /// Goes on until there is something to tell; `None` once the client is over.
    ///
    /// This is what drives the client: dials, sends, receives, waits. The first call begins the first attempt, at once. While
    /// it is not awaited, nothing happens, and pings of the server go unanswered. Waiting uses tokio's timer, which must be
    /// enabled in the runtime.
    ///
    /// # Cancel safety
    ///
    /// Safe: the next call goes on where this one was.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(frame) = self.queue.0.park(cx.waker()) {
                self.begin_close(frame);
            }
            match &mut self.state {
                State::Start => {
                    let attempt = self.attempt();
                    self.state = State::Dialing((self.dial)(attempt));
                }
                State::Dialing(dial) => match ready!(dial.as_mut().poll(cx)) {
                    Ok((conn, response)) => match &mut self.setup {
                        Some(setup) => {
                            let timeout = Box::pin(sleep(self.setup_timeout));
                            self.state = State::SettingUp { conn: setup(conn), response, timeout };
                        }
                        None => return Poll::Ready(Some(self.go_up(conn, response))),
                    },
                    Err(error) => return Poll::Ready(Some(self.attempt_failed(error.into()))),
                },
                State::SettingUp { conn, response, timeout } => {
                    let cause = match conn.as_mut().poll(cx) {
                        Poll::Ready(Ok(conn)) => {
                            let response = std::mem::take(response);
                            return Poll::Ready(Some(self.go_up(conn, response)));
                        }
                        Poll::Ready(Err(error)) => error.into(),
                        Poll::Pending => {
                            ready!(timeout.as_mut().poll(cx));
                            Cause::SetupTimedOut
                        }
                    };
                    return Poll::Ready(Some(self.attempt_failed(cause)));
                }
                State::Up(link) => {
                    return Poll::Ready(Some(match ready!(link.poll(cx, &self.queue.0)) {
                        Ok(message) => Event::Message(message),
                        Err(cause) => self.go_down(cause),
                    }));
                }
                State::Waiting(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = State::Start;
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    fn begin_close(&mut self, frame: Option<CloseFrame>) {
        match &mut self.state {
            State::Up(link) => link.close(frame, &self.queue.0),
            _ => self.end(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Reconnecting<S> {
    fn go_up(&mut self, conn: Conn<S>, response: Response<()>) -> Event {
        self.state = State::Up(Box::new(Link::new(conn)));
        self.queue.0.set_up();
        observe::up(self.attempt());
        Event::Up { attempt: self.attempt(), response }
    }
}

impl<S> Reconnecting<S> {
    /// The number of the attempt that is under way.
    fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    fn go_down(&mut self, cause: Cause) -> Event {
        if let State::Up(link) = &self.state {
            self.failed = self.backoff.failed_after(self.failed, link.since.elapsed());
        }
        self.queue.0.set_down();
        let retry_in = self.wait(&cause);
        observe::down(None, &cause, retry_in);
        Event::Down { cause, retry_in }
    }

    fn attempt_failed(&mut self, cause: Cause) -> Event {
        let attempt = self.attempt();
        self.failed = attempt;
        let retry_in = self.wait(&cause);
        observe::down(Some(attempt), &cause, retry_in);
        Event::Failed { attempt, cause, retry_in }
    }

    /// Drops what is left of the connection or the attempt, and waits for the next one if there is to be one.
    fn wait(&mut self, cause: &Cause) -> Option<Duration> {
        let retry_in = self.retry_in(cause);
        match retry_in {
            Some(wait) => self.state = State::Waiting(Box::pin(sleep(wait))),
            None => self.end(),
        }
        retry_in
    }

    fn retry_in(&mut self, cause: &Cause) -> Option<Duration> {
        if matches!(cause, Cause::CloseRequested) {
            return None;
        }
        let retry = self.retry.as_mut().map_or_else(|| cause.default_retry(), |retry| retry(cause));
        let backoff = self.backoff.delay(self.failed, random())?;
        retry.wait(backoff)
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.queue.0.end();
    }
}

/// The events, as [`Reconnecting::next`] gives them.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Reconnecting<S> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "Start",
            Self::Dialing(_) => "Dialing",
            Self::SettingUp { .. } => "SettingUp",
            Self::Up(_) => "Up",
            Self::Waiting(_) => "Waiting",
            Self::Over => "Over",
        })
    }
}

/// A number that nobody shares. If the system has none, the longest wait is the safest.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}
