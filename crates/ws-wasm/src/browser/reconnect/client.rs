//! The client: its options, and what it does step by step. Everything is kept in it, so that a future of `next` may be dropped anywhere.

use std::{
    cell::{Cell, RefCell},
    error, fmt,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use futures_core::Stream;
use ws_core::CloseFrame;

use super::{Backoff, Cause, Event, Outbox, Retry, link::Link, queue::Queue};
use crate::browser::{BrowserSocket, LocalFuture, Socket};

type BoxError = Box<dyn error::Error + Send + Sync>;
type Dial<B> = Box<dyn FnMut(u32) -> LocalFuture<Result<Socket<B>, BoxError>>>;
type Policy = Box<dyn FnMut(&Cause) -> Retry>;
type Setup<B> = Box<dyn FnMut(Socket<B>) -> LocalFuture<Result<Socket<B>, BoxError>>>;

/// A client that dials again when its connection is lost; [`Dialer::reconnecting`](crate::Dialer::reconnecting) makes one, and
/// [`reconnect`](crate::reconnect) says what it promises.
///
/// A network that comes back, and a page that is looked at again, end a wait that the [`Backoff`] has chosen, also when that is during the
/// attempt before it.
#[must_use = "a client does nothing unless its next event is asked for"]
pub struct Reconnecting<B: BrowserSocket> {
    dial: Dial<B>,
    setup: Option<Setup<B>>,
    setup_timeout: Duration,
    idle_timeout: Option<Duration>,
    retry: Option<Policy>,
    backoff: Backoff,
    queue: Ending,
    /// Attempts that failed since a connection lasted.
    failed: u32,
    state: State<B>,
    hurry: Rc<Hurry>,
    /// Until it is first polled, there is none.
    watch: Option<B::Watch>,
}

/// Where a client stands.
enum State<B: BrowserSocket> {
    /// The next attempt begins.
    Start,
    Dialing(LocalFuture<Result<Socket<B>, BoxError>>),
    SettingUp {
        socket: LocalFuture<Result<Socket<B>, BoxError>>,
        timeout: LocalFuture<()>,
    },
    Up(Box<Link<B>>),
    Waiting {
        wait: LocalFuture<()>,
        may_hurry: bool,
    },
    Over,
}

/// What the page says of the network.
#[derive(Debug, Default)]
struct Hurry {
    asked: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The queue of a client that may be dropped.
struct Ending(Rc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<B: BrowserSocket> Reconnecting<B> {
    pub(crate) fn from_fn<F, Fut>(mut dial: F) -> Self
    where
        F: FnMut(u32) -> Fut + 'static,
        Fut: Future<Output = Result<Socket<B>, BoxError>> + 'static,
    {
        Self {
            dial: Box::new(move |attempt| Box::pin(dial(attempt))),
            setup: None,
            setup_timeout: SETUP_TIMEOUT,
            idle_timeout: None,
            retry: None,
            backoff: Backoff::new(),
            queue: Ending(Rc::new(Queue::new(MAX_QUEUED, MAX_QUEUED_BYTES))),
            failed: 0,
            state: State::Start,
            hurry: Rc::default(),
            watch: None,
        }
    }

    /// What is done with every new connection before it is up: sign in, subscribe, say from where to go on. It may read the answers, too, and gives
    /// the connection back.
    ///
    /// Messages that are queued go out behind what it sends. Its failure, or the [timeout](Self::setup_timeout), makes the attempt a failed one and
    /// drops the connection.
    pub fn setup<F, Fut>(mut self, mut setup: F) -> Self
    where
        F: FnMut(Socket<B>) -> Fut + 'static,
        Fut: Future<Output = Result<Socket<B>, BoxError>> + 'static,
    {
        self.setup = Some(Box::new(move |socket| Box::pin(setup(socket))));
        self
    }

    /// How long [`setup`](Self::setup) may take; 30 seconds unless set.
    pub fn setup_timeout(mut self, timeout: Duration) -> Self {
        self.setup_timeout = timeout;
        self
    }

    /// After how much time without a message the connection is taken for lost; `None`, the default, for as long as the browser keeps it.
    ///
    /// Pages send no pings, and do not see those of the server. So where a server that is gone without a word has to be noticed, it has to send
    /// something more often than this.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// When the next attempt is. See [`Backoff`].
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Whether there is another attempt, and when if not by the [`Backoff`]; [`Cause::default_retry`] unless set.
    ///
    /// It is asked about everything that ends a connection or an attempt but [`Outbox::close`]. [`Backoff::max_attempts`] holds whatever it says.
    pub fn retry(mut self, retry: impl FnMut(&Cause) -> Retry + 'static) -> Self {
        self.retry = Some(Box::new(retry));
        self
    }

    /// How many messages, and how many bytes of them, may wait in the queue; 1,024 and 1 MiB unless set, 1 of each at least.
    ///
    /// A message that is larger than the queue may have it for itself. Set this before anything is queued.
    pub fn queue_limits(self, messages: usize, bytes: usize) -> Self {
        self.queue.0.set_limits(messages, bytes);
        self
    }

    /// Sends messages, and closes, from anywhere. See [`Outbox`].
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::new(Rc::clone(&self.queue.0))
    }

    /// The connection that is up and set up, for what there is to ask of it: its subprotocol, what waits.
    #[must_use]
    pub fn conn(&self) -> Option<&Socket<B>> {
        match &self.state {
            State::Up(link) => Some(&link.socket),
            _ => None,
        }
    }

    /// Goes on until there is something to tell; `None` once the client is over.
    ///
    /// This is what drives the client: dials, sends, waits. The first call begins the first attempt, at once. While it is not awaited, nothing
    /// happens.
    ///
    /// # Cancel safety
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
                    self.listen();
                    // What the page has said is what this attempt is for.
                    self.hurry.asked.set(false);
                    let attempt = self.attempt();
                    self.state = State::Dialing((self.dial)(attempt));
                }
                State::Dialing(dial) => match ready!(dial.as_mut().poll(cx)) {
                    Ok(socket) => match &mut self.setup {
                        Some(setup) => {
                            let timeout = B::sleep(self.setup_timeout);
                            self.state = State::SettingUp { socket: setup(socket), timeout };
                        }
                        None => return Poll::Ready(Some(self.go_up(socket))),
                    },
                    Err(error) => return Poll::Ready(Some(self.attempt_failed(error.into()))),
                },
                State::SettingUp { socket, timeout } => {
                    let cause = match socket.as_mut().poll(cx) {
                        Poll::Ready(Ok(socket)) => return Poll::Ready(Some(self.go_up(socket))),
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
                State::Waiting { wait, may_hurry } => {
                    if !(*may_hurry && self.hurry.asked.take()) {
                        self.hurry.waker.replace(Some(cx.waker().clone()));
                        ready!(wait.as_mut().poll(cx));
                    }
                    self.state = State::Start;
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    /// Hears of the network while it is driven.
    fn listen(&mut self) {
        if self.watch.is_none() {
            let hurry = Rc::clone(&self.hurry);
            self.watch = Some(B::watch(Box::new(move || {
                hurry.asked.set(true);
                let waker = hurry.waker.take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            })));
        }
    }

    fn begin_close(&mut self, frame: Option<CloseFrame>) {
        match &mut self.state {
            State::Up(link) => link.close(frame, &self.queue.0),
            _ => self.end(),
        }
    }

    fn go_up(&mut self, socket: Socket<B>) -> Event {
        self.state = State::Up(Box::new(Link::new(socket, self.idle_timeout)));
        self.queue.0.set_up();
        Event::Up { attempt: self.attempt() }
    }

    /// The number of the attempt that is under way.
    fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    fn go_down(&mut self, cause: Cause) -> Event {
        if let State::Up(link) = &self.state {
            self.failed = self.backoff.failed_after(self.failed, B::now() - link.since);
        }
        self.queue.0.set_down();
        // What the page said while it was up is no news.
        self.hurry.asked.set(false);
        let retry_in = self.wait(&cause);
        Event::Down { cause, retry_in }
    }

    fn attempt_failed(&mut self, cause: Cause) -> Event {
        let attempt = self.attempt();
        self.failed = attempt;
        let retry_in = self.wait(&cause);
        Event::Failed { attempt, cause, retry_in }
    }

    /// Drops what is left of the connection or the attempt, and waits for the next one if there is to be one.
    fn wait(&mut self, cause: &Cause) -> Option<Duration> {
        let retry_in = self.retry_in(cause);
        match retry_in {
            Some((wait, may_hurry)) => {
                self.state = State::Waiting { wait: B::sleep(wait), may_hurry };
            }
            None => self.end(),
        }
        retry_in.map(|(wait, _)| wait)
    }

    /// How long to wait, and whether the page may cut it short.
    fn retry_in(&mut self, cause: &Cause) -> Option<(Duration, bool)> {
        if matches!(cause, Cause::CloseRequested) {
            return None;
        }
        let retry = self.retry.as_mut().map_or_else(|| cause.default_retry(), |retry| retry(cause));
        let backoff = self.backoff.delay(self.failed, B::random())?;
        retry.wait(backoff).map(|wait| (wait, retry == Retry::Backoff))
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.watch = None;
        self.queue.0.end();
    }
}

/// The events, as [`Reconnecting::next`] gives them.
impl<B: BrowserSocket> Stream for Reconnecting<B>
where
    Self: Unpin,
{
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl<B: BrowserSocket> fmt::Debug for Reconnecting<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("state", &self.state)
            .field("failed", &self.failed)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

impl<B: BrowserSocket> fmt::Debug for State<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "Start",
            Self::Dialing(_) => "Dialing",
            Self::SettingUp { .. } => "SettingUp",
            Self::Up(_) => "Up",
            Self::Waiting { .. } => "Waiting",
            Self::Over => "Over",
        })
    }
}

/// As long as a dial may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(30);
/// Some seconds of a busy client; a forgotten one holds a MiB.
const MAX_QUEUED: usize = 1024;
const MAX_QUEUED_BYTES: usize = 1 << 20;
