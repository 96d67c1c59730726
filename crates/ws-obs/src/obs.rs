//! How a client connects.

use std::{
    error, fmt,
    future::Future,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};
use tower_service::Service;
use ws_client::{
    Config, Connector, Dialer,
    http::Uri,
    reconnect::{Backoff, Reconnecting, Retry},
    ws_core::KeepAlive,
};

use crate::{
    client::Client,
    driver::{Driver, Hook, Slot, retry},
    error::{Error, UsageError},
    identify::identify,
    message::{BoxError, Encoding},
    shared::{Handle, Shared},
};

/// Where OBS is, and how to speak with it.
///
/// ```no_run
/// # async fn run() -> Result<(), ws_obs::Error> {
/// use ws_obs::{Obs, requests::GetVersion};
///
/// let client = Obs::new("ws://localhost:4455").password("secret").connect().await?;
/// let version = client.call(GetVersion::new()).await?;
/// println!("OBS {}", version.obs_version);
/// # Ok(())
/// # }
/// ```
///
/// | Setting | Default |
/// |---|---|
/// | [`password`](Self::password) | none |
/// | [`encoding`](Self::encoding) | JSON |
/// | [`timeout`](Self::timeout) | 10 s for a request |
/// | [`connect_timeout`](Self::connect_timeout) | 10 s each to open a connection and to be identified |
/// | [`reconnect`](Self::reconnect) | [`Backoff::new`], any number of attempts |
/// | [`event_buffer`](Self::event_buffer) | 256 events for each stream |
/// | [`max_in_flight`](Self::max_in_flight) | 1,024 requests |
/// | pings | every 10 s; the connection is lost when nothing arrives for 10 s after one |
/// | the largest message | 64 MiB, for screenshots |
#[must_use = "nothing is connected until `connect` or `start`"]
pub struct Obs<C = Connector> {
    url: String,
    dialer: Dialer<C>,
    options: Options,
}

/// All but what depends on the type of the transport.
struct Options {
    password: Option<Box<str>>,
    encoding: Encoding,
    timeout: Duration,
    connect_timeout: Duration,
    backoff: Option<Backoff>,
    event_buffer: usize,
    max_in_flight: usize,
    hook: Option<Hook>,
}

impl Obs {
    /// The server at this URL: `ws://` or `wss://`, host, port, and a path if there is one, for relays. OBS listens on port 4455 unless
    /// its settings say otherwise; a URL without a port means 80 or 443, as all of these do.
    pub fn new(url: impl Into<String>) -> Self {
        let keep_alive = KeepAlive::every(KEEP_ALIVE).timeout(KEEP_ALIVE);
        let config = Config::new().max_message_size(MAX_MESSAGE_SIZE).keep_alive(keep_alive);
        Self {
            url: url.into(),
            dialer: Dialer::new().config(config),
            options: Options {
                password: None,
                encoding: Encoding::Json,
                timeout: TIMEOUT,
                connect_timeout: CONNECT_TIMEOUT,
                backoff: Some(Backoff::new()),
                event_buffer: EVENT_BUFFER,
                max_in_flight: MAX_IN_FLIGHT,
                hook: None,
            },
        }
    }
}

impl<C> Obs<C> {
    /// The password that OBS shows. It is never sent, only a proof of it, and it is not used if the server wants none.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.options.password = Some(password.into().into());
        self
    }

    /// What messages are written in. A server that does not speak it is spoken to in JSON.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.options.encoding = encoding;
        self
    }

    /// How long a request may take until it is answered; [`Client::with_timeout`] is for single ones.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// How long it may take to open a connection, and then to be identified.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// When to connect again after the connection was lost; `None` for never.
    ///
    /// There is no other attempt when OBS removed this session (4011), did not take the password (4009), speaks another version
    /// (4010), or found a fault that the next connection would have, too (4002 to 4008, 4012); and when the URL cannot be dialed, or
    /// the server there is none of obs-websocket.
    pub fn reconnect(mut self, backoff: impl Into<Option<Backoff>>) -> Self {
        self.options.backoff = backoff.into();
        self
    }

    /// How many events a stream holds for a slow reader, 1 at least. See [`Events`](crate::Events).
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.options.event_buffer = events;
        self
    }

    /// How many requests may wait for their answers at the same time, 1 at least; more wait for their turn, within their deadlines.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.options.max_in_flight = requests;
        self
    }

    /// What is done with every new connection before anybody else may use it: read the state of OBS, put it back to what the
    /// application wants.
    ///
    /// Requests of others wait meanwhile. When it fails, or takes longer than a minute, the connection is closed and opened again. Its
    /// requests go through the client that it is given.
    ///
    /// ```no_run
    /// # fn build() -> ws_obs::Obs {
    /// use ws_obs::{Obs, requests::GetSceneList};
    ///
    /// Obs::new("ws://localhost:4455").on_connect(|client| async move {
    ///     let scenes = client.call(GetSceneList::new()).await?;
    ///     println!("on air: {:?}", scenes.current_program_scene_name);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn on_connect<F, Fut>(mut self, mut hook: F) -> Self
    where
        F: FnMut(Client) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.options.hook = Some(Box::new(move |client| Box::pin(hook(client))));
        self
    }

    /// Replaces how transports are opened; everything else stays. See [`Dialer::connector`].
    pub fn connector<D>(self, connector: D) -> Obs<D> {
        Obs { url: self.url, dialer: self.dialer.connector(connector), options: self.options }
    }

    /// Changes how connections are opened: with roots or certificates of your own, through a proxy, with other headers.
    ///
    /// The function is given the dialer as it is, with the limits and pings of the table above in its [`Config`]. Its subprotocols and its
    /// handshake timeout are set here, whatever it says.
    ///
    /// ```no_run
    /// # fn build() -> ws_obs::Obs {
    /// use ws_obs::{Obs, ws_client::http::{HeaderValue, header}};
    ///
    /// let token = HeaderValue::from_static("Bearer token");
    /// Obs::new("wss://relay.example.com/studio").map_dialer(|dialer| dialer.header(header::AUTHORIZATION, token))
    /// # }
    /// ```
    pub fn map_dialer<D>(self, change: impl FnOnce(Dialer<C>) -> Dialer<D>) -> Obs<D> {
        Obs { url: self.url, dialer: change(self.dialer), options: self.options }
    }
}

impl<C> Obs<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C::Error: Into<Box<dyn error::Error + Send + Sync>> + Send,
    C::Future: Send,
{
    /// Connects, and waits until the client is identified and the function of [`on_connect`](Self::on_connect) is done.
    ///
    /// # Errors
    ///
    /// If the first attempt fails, for whatever reason; nothing is left behind then. Later ones are told by
    /// [`Client::state`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened.
    pub async fn connect(self) -> Result<Client, Error> {
        let client = self.spawn(true)?;
        let mut attempt = Attempt(Some(Arc::clone(client.shared())));
        client.connected().await?;
        attempt.0 = None;
        Ok(client)
    }

    /// Gives a client that connects in the background, as often as it takes: for automation that starts before OBS does. Wait for it by
    /// [`Client::connected`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dial`](crate::ErrorKind::Dial) if the URL cannot be dialed, and
    /// [`UsageError::NoRuntime`](crate::UsageError::NoRuntime) outside of a tokio runtime.
    pub fn start(self) -> Result<Client, Error> {
        self.spawn(false)
    }

    fn spawn(self, is_first_last: bool) -> Result<Client, Error> {
        let runtime = runtime::Handle::try_current().map_err(|_none| UsageError::NoRuntime)?;
        let Options {
            password,
            encoding,
            timeout,
            connect_timeout,
            backoff,
            event_buffer,
            max_in_flight,
            hook,
        } = self.options;
        let dialer = self.dialer.subprotocols(encoding.offers()).handshake_timeout(connect_timeout);
        let can_retry = backoff.is_some();
        let link = Reconnecting::new(dialer, self.url)?
            .backoff(backoff.unwrap_or_default())
            .setup_timeout(connect_timeout)
            // Room beside the requests, whose number is bounded, for what the client says itself.
            .queue_limits(max_in_flight.saturating_add(16), MAX_QUEUED_BYTES);
        let shared = Arc::new(Shared::new(link.outbox(), max_in_flight, event_buffer));
        let is_first_last = AtomicBool::new(is_first_last);
        let policy = Arc::clone(&shared);
        let slot = Slot::default();
        let (setup, found) = (Arc::clone(&shared), Arc::clone(&slot));
        let password: Option<Arc<str>> = password.map(Arc::from);
        let link = link
            .retry(move |cause| {
                let is_first = is_first_last.swap(false, Ordering::Relaxed) && !policy.was_connected();
                if can_retry && !is_first { retry(&policy, cause) } else { Retry::Stop }
            })
            .setup(move |mut conn| {
                let (shared, found, password) = (Arc::clone(&setup), Arc::clone(&found), password.clone());
                async move {
                    let wanted = shared.subscriptions.wanted();
                    let session = identify(&mut conn, password.as_deref(), wanted).await?;
                    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
                    Ok(conn)
                }
            });
        let handle = Arc::new(Handle { shared: Arc::clone(&shared) });
        let driver =
            Driver { link, shared, handle: Arc::downgrade(&handle), slot, hook, timeout, current: None };
        runtime.spawn(driver.run());
        Ok(Client::new(handle, timeout))
    }
}

/// Closes a client that did not get connected, although the function that sets it up has a handle, too.
struct Attempt(Option<Arc<Shared>>);

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.close();
        }
    }
}

impl<C> fmt::Debug for Obs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obs")
            // Neither the password nor, in case there is a token in it, the URL.
            .field("encoding", &self.options.encoding)
            .field("timeout", &self.options.timeout)
            .field("backoff", &self.options.backoff)
            .finish_non_exhaustive()
    }
}

/// OBS is near, and a person waits.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A dead OBS is noticed within 20 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Uncompressed, a picture of 4096 by 4096 pixels, the largest that OBS takes.
const MAX_MESSAGE_SIZE: u64 = 64 << 20;
/// 12 seconds of volume meters.
const EVENT_BUFFER: usize = 256;
const MAX_IN_FLIGHT: usize = 1024;
const MAX_QUEUED_BYTES: usize = 64 << 20;
