//! The client and its options.

use std::{error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::{Response, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use ws_core::{Conn, KeepAlive};

use super::{Backoff, Cause, Outbox, Retry, drive::State, queue::Queue};
use crate::{DialError, Dialer, IntoDialRequest, Transport, opening::Opening};

type BoxError = Box<dyn error::Error + Send + Sync>;
pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type Dial<S> = Box<dyn FnMut(u32) -> BoxFuture<(Conn<S>, Response<()>)> + Send>;
type Policy = Box<dyn FnMut(&Cause) -> Retry + Send>;
type Setup<S> = Box<dyn FnMut(Conn<S>) -> BoxFuture<Conn<S>> + Send>;

/// A client that dials again when its connection is lost; see [the module](super) for what it promises.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use ws_client::{
///     CloseCode, Dialer,
///     reconnect::{Backoff, Reconnecting, Retry},
/// };
///
/// let mut client = Reconnecting::new(Dialer::new(), "wss://example.com/feed")?
///     .backoff(Backoff::new().max(Duration::from_secs(10)))
///     .retry(|cause| match cause.close_code() {
///         // What this server says to a session that was opened elsewhere.
///         Some(code) if code == 4011 => Retry::Stop,
///         _ => cause.default_retry(),
///     });
/// let outbox = client.outbox();
/// while let Some(event) = client.next().await {
///     println!("{event:?}");
///     if outbox.is_up() {
///         outbox.close(CloseCode::NORMAL_CLOSURE)?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a client does nothing unless its next event is asked for"]
pub struct Reconnecting<S = Transport> {
    pub(super) dial: Dial<S>,
    pub(super) setup: Option<Setup<S>>,
    pub(super) setup_timeout: Duration,
    pub(super) retry: Option<Policy>,
    pub(super) backoff: Backoff,
    pub(super) queue: Ending,
    /// Attempts that failed since a connection lasted.
    pub(super) failed: u32,
    pub(super) state: State<S>,
}

/// The queue of a client that may be dropped.
#[derive(Debug)]
pub(super) struct Ending(pub(super) Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Reconnecting<S> {
    /// A client that dials this request with this dialer.
    ///
    /// Each attempt is bounded by [`Dialer::handshake_timeout`]. If the dialer's configuration has no
    /// [`keep_alive`](ws_core::Config::keep_alive), the connections ping every 30 seconds and are lost when nothing arrives for 10
    /// seconds after that. For a request that is made anew for each attempt, say with a fresh token, see
    /// [`from_fn`](Self::from_fn).
    ///
    /// # Errors
    ///
    /// As [`Dialer::dial`], for a request that cannot be dialed. Nothing is opened yet.
    pub fn new<C>(dialer: Dialer<C>, request: impl IntoDialRequest) -> Result<Self, DialError>
    where
        C: Service<Uri, Response = S> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError> + Send,
        C::Future: Send,
    {
        let request = request.into_dial_request()?;
        // Told here, where the URL is written, and not by an event later.
        Opening::new(&dialer, request.clone())?;
        let keep_alive = KeepAlive::every(KEEP_ALIVE_INTERVAL).timeout(KEEP_ALIVE_TIMEOUT);
        let dialer = dialer.keep_alive_unless_set(keep_alive);
        Ok(Self::from_fn(move |_attempt| {
            let (dialer, request) = (dialer.clone(), request.clone());
            async move { Ok(dialer.dial(request).await?) }
        }))
    }

    /// A client whose connections come from a function: with a token that is fetched for each attempt, by another address each time, over
    /// a transport of the caller's own.
    ///
    /// The function is given the number of the attempt since a connection lasted, from 1, and its future is dropped when the
    /// client is closed or dropped. It has to bound its time itself: a [`Dialer`] does, what is done before may not. So it is with
    /// [`keep_alive`](ws_core::Config::keep_alive): without it, a server that is gone without a word is not noticed.
    ///
    /// ```no_run
    /// # async fn token() -> std::io::Result<String> { Ok(String::new()) }
    /// use std::time::Duration;
    /// use http::{Request, header};
    /// use ws_client::{Config, Dialer, reconnect::Reconnecting, ws_core::KeepAlive};
    ///
    /// let dialer = Dialer::new().config(Config::new().keep_alive(KeepAlive::every(Duration::from_secs(30))));
    /// let client = Reconnecting::from_fn(move |_attempt| {
    ///     let dialer = dialer.clone();
    ///     async move {
    ///         let token = tokio::time::timeout(Duration::from_secs(10), token()).await??;
    ///         let request = Request::get("wss://example.com/feed")
    ///             .header(header::AUTHORIZATION, format!("Bearer {token}"))
    ///             .body(())?;
    ///         Ok(dialer.dial(request).await?)
    ///     }
    /// });
    /// # let _ = client;
    /// ```
    pub fn from_fn<F, Fut>(mut dial: F) -> Self
    where
        F: FnMut(u32) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(Conn<S>, Response<()>), BoxError>> + Send + 'static,
    {
        Self {
            dial: Box::new(move |attempt| Box::pin(dial(attempt))),
            setup: None,
            setup_timeout: SETUP_TIMEOUT,
            retry: None,
            backoff: Backoff::new(),
            queue: Ending(Arc::new(Queue::new(MAX_QUEUED, MAX_QUEUED_BYTES))),
            failed: 0,
            state: State::Start,
        }
    }

    /// What is done with every new connection before it is up: sign in, subscribe, say from where to go on. It may read
    /// the answers, too, and gives the connection back.
    ///
    /// Messages that are queued go out behind what it sends. Its failure, or the [timeout](Self::setup_timeout), makes the attempt a
    /// failed one and drops the connection.
    ///
    /// ```no_run
    /// # use ws_client::{Dialer, DialError, reconnect::Reconnecting};
    /// # fn build() -> Result<Reconnecting, DialError> {
    /// use ws_client::{CloseCode, Message};
    ///
    /// let client = Reconnecting::new(Dialer::new(), "wss://example.com/feed")?.setup(|mut conn| async move {
    ///     conn.write_message("login alice").await?;
    ///     match conn.read_message().await? {
    ///         Some(Message::Text(answer)) if answer == "welcome" => Ok(conn),
    ///         _ => Err("the server did not welcome us".into()),
    ///     }
    /// });
    /// # Ok(client)
    /// # }
    /// ```
    pub fn setup<F, Fut>(mut self, mut setup: F) -> Self
    where
        F: FnMut(Conn<S>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Conn<S>, BoxError>> + Send + 'static,
    {
        self.setup = Some(Box::new(move |conn| Box::pin(setup(conn))));
        self
    }
}

impl<S> Reconnecting<S> {
    /// How long [`setup`](Self::setup) may take; 30 seconds unless set.
    pub fn setup_timeout(mut self, timeout: Duration) -> Self {
        self.setup_timeout = timeout;
        self
    }

    /// When the next attempt is. See [`Backoff`].
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Whether there is another attempt, and when if not by the [`Backoff`]; [`Cause::default_retry`] unless set.
    ///
    /// It is asked about everything that ends a connection or an attempt but [`Outbox::close`].
    /// [`Backoff::max_attempts`] holds whatever it says.
    pub fn retry(mut self, retry: impl FnMut(&Cause) -> Retry + Send + 'static) -> Self {
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
        Outbox::new(Arc::clone(&self.queue.0))
    }

    /// The connection that is up and set up, for what there is to ask of it: its subprotocol, its counters, its round trips.
    #[must_use]
    pub fn conn(&self) -> Option<&Conn<S>> {
        match &self.state {
            State::Up(link) => Some(&link.conn),
            _ => None,
        }
    }
}

impl<S> fmt::Debug for Reconnecting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("state", &self.state)
            .field("failed", &self.failed)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// With the timeout, a dead server is noticed within 40 seconds, and no proxy forgets the connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// As long as a dial may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(30);
/// Some seconds of a busy client; a forgotten one holds a MiB.
const MAX_QUEUED: usize = 1024;
const MAX_QUEUED_BYTES: usize = 1 << 20;
