//! The server's end.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use bytes::{BufMut, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    time::{sleep, timeout},
};

use super::{
    Handshake, Observed, Observer, OwnedExtension, Rejection, RequestHead, ResponseHeaders, UpgradeError,
    answer::{put_refusal, put_switching},
    buffer::{BUFFER_SIZE, MIN_BUFFER_SIZE, Pooled},
    head::{REQUEST, Room, Scanner},
    io::{Elapsed, HANDSHAKE_TIMEOUT, discard, read_head, within, write_all},
    observe,
    policy::{Origin, Subprotocols},
};
use crate::{
    BufferPool, Config, Conn, Role, Utf8Bytes,
    handshake::{Extension, Refusal, Tokens, answer_key, is_reserved_response_header, valid_key},
};

/// Accepts opening handshakes on any byte stream, without an HTTP server.
///
/// An upgrader is made once and serves any number of streams; cloning it is cheap. It makes these checks, in this order:
/// the head is HTTP/1.1 within its limits, [`check_request`](crate::handshake::check_request), the origin, the key. Then
/// the application is asked: [`on_request`](Self::on_request), [`on_host`](Self::on_host), [`on_header`](Self::on_header),
/// the subprotocol, the extensions, [`before_upgrade`](Self::before_upgrade), the closure of
/// [`upgrade_with`](Self::upgrade_with).
///
/// | Setting | Default |
/// |---|---|
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s |
/// | origin | [same origin](Self::check_same_origin) |
/// | [`subprotocols`](Self::subprotocols) | none |
/// | [`negotiate`](Self::negotiate) | no extension is accepted |
/// | [`read_buffer_size`](Self::read_buffer_size) | 4 KiB |
/// | [`write_buffer_size`](Self::write_buffer_size) | 4 KiB |
/// | [`buffer_pool`](Self::buffer_pool) | per thread |
///
/// ```
/// # use tokio::io::{AsyncRead, AsyncWrite};
/// # async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), Box<dyn std::error::Error>> {
/// use http::StatusCode;
/// use ws_core::{Config, raw::handshake::{Rejection, Upgrader}};
///
/// let upgrader = Upgrader::new().subprotocols(["chat.v2", "chat.v1"]).on_request(|request| match request.target() {
///     "/chat" => Ok(()),
///     _ => Err(Rejection::new(StatusCode::NOT_FOUND)),
/// });
/// let mut conn = upgrader.accept(stream, Config::new()).await?;
/// conn.write_message("welcome").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Upgrader {
    timeout: Option<Duration>,
    pool: BufferPool,
    read_buffer_size: usize,
    write_buffer_size: usize,
    headers: Vec<(HeaderName, HeaderValue)>,
    origin: Origin,
    subprotocols: Subprotocols,
    negotiate: Option<Negotiate>,
    on_request: Option<OnRequest>,
    on_host: Option<OnHost>,
    on_header: Option<OnHeader>,
    before_upgrade: Option<BeforeUpgrade>,
    observer: Option<Observer>,
}

type Negotiate = Arc<dyn Fn(&Extension<'_>) -> Result<Option<OwnedExtension>, Rejection> + Send + Sync>;
type OnRequest = Arc<dyn Fn(&RequestHead<'_>) -> Result<(), Rejection> + Send + Sync>;
type OnHost = Arc<dyn Fn(&str) -> Result<(), Rejection> + Send + Sync>;
type OnHeader = Arc<dyn Fn(&str, &[u8]) -> Result<(), Rejection> + Send + Sync>;
type BeforeUpgrade =
    Arc<dyn Fn(&RequestHead<'_>, &mut ResponseHeaders<'_>) -> Result<(), Rejection> + Send + Sync>;

impl Upgrader {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            timeout: Some(HANDSHAKE_TIMEOUT),
            pool: BufferPool::default(),
            read_buffer_size: BUFFER_SIZE,
            write_buffer_size: BUFFER_SIZE,
            headers: Vec::new(),
            origin: Origin::Same,
            subprotocols: Subprotocols::List(Arc::new([])),
            negotiate: None,
            on_request: None,
            on_host: None,
            on_header: None,
            before_upgrade: None,
            observer: None,
        }
    }

    /// How long a request and its response may take together, 10 seconds unless set.
    ///
    /// A client whose request is not complete by then is answered with 408, for which it has one second more. A refused
    /// client that may be sending still is waited for within the limit, a second at the most, so that it sees the answer.
    ///
    /// The time is measured with tokio's timer, which must be enabled in the runtime. With `None` there is no limit and no
    /// timer, and a client that never completes its request keeps the stream open.
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Where buffers come from and return to. Per thread unless set.
    ///
    /// A buffer with frames in it goes on with the connection, and from there to the pool of its
    /// [`Config`](crate::Config::buffer_pool).
    pub fn buffer_pool(mut self, pool: BufferPool) -> Self {
        self.pool = pool;
        self
    }

    /// The size of the buffer for the request, 4 KiB unless set and 256 bytes at least.
    ///
    /// This is not a limit: a longer head, up to 16 KiB, moves to a larger buffer from the pool.
    pub fn read_buffer_size(mut self, size: usize) -> Self {
        self.read_buffer_size = size.max(MIN_BUFFER_SIZE);
        self
    }

    /// The size of the buffer for the response, 4 KiB unless set and 256 bytes at least. It grows when headers need it to.
    pub fn write_buffer_size(mut self, size: usize) -> Self {
        self.write_buffer_size = size.max(MIN_BUFFER_SIZE);
        self
    }

    /// Adds a header to every response, those that refuse too. A `Content-Type` gives way to that of a [`Rejection`].
    ///
    /// Headers that belong to the handshake or to the framing of the response are left out, as
    /// [`is_reserved_response_header`] tells them.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if !is_reserved_response_header(&name) {
            self.headers.push((name, value));
        }
        self
    }

    /// Allows pages of the host that the request is for, and clients that are no pages: the default.
    ///
    /// [`is_same_origin`](crate::handshake::is_same_origin) says how origin and host are compared; schemes are not. A
    /// request without `Origin` is allowed, and any other origin is refused with 403.
    pub fn check_same_origin(mut self) -> Self {
        self.origin = Origin::Same;
        self
    }

    /// Lets a function decide which requests are allowed, whether they have an `Origin` or not. The others are refused with
    /// 403.
    ///
    /// ```
    /// use ws_core::raw::handshake::Upgrader;
    ///
    /// let upgrader = Upgrader::new().check_origin(|request| {
    ///     request.is_same_origin(None) || request.header("origin") == Some(b"https://example.com")
    /// });
    /// # let _ = upgrader;
    /// ```
    pub fn check_origin<F>(mut self, allow: F) -> Self
    where
        F: Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    {
        self.origin = Origin::With(Arc::new(allow));
        self
    }

    /// Allows every page to connect, with the cookies that its visitors have for this server (RFC 6455, 10.2).
    pub fn allow_any_origin(mut self) -> Self {
        self.origin = Origin::Any;
        self
    }

    /// The subprotocols that are supported.
    ///
    /// The first of the client's that is among them is chosen; without one the handshake goes on without a subprotocol.
    /// Names are compared with their case.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Utf8Bytes>,
    {
        self.subprotocols = Subprotocols::List(names.into_iter().map(Into::into).collect());
        self
    }

    /// Lets a function choose the subprotocol from those that the client offers, the one it likes best first.
    ///
    /// It must choose one of them, or none; anything else would make the client fail the connection (RFC 6455, 4.1), and is
    /// answered with 500. It is not asked if there is no offer.
    pub fn select_subprotocol<F>(mut self, select: F) -> Self
    where
        F: Fn(Tokens<'_>) -> Option<Utf8Bytes> + Send + Sync + 'static,
    {
        self.subprotocols = Subprotocols::With(Arc::new(select));
        self
    }

    /// Lets a function accept extensions: it is asked about each that the client offers, in order, and gives the answer.
    ///
    /// An answer must have the name of the offer; anything else is answered with 500. Offers of one name are alternatives
    /// (RFC 7692, 5): once one is accepted, it is not asked about the others.
    ///
    /// ```
    /// use ws_core::raw::handshake::{OwnedExtension, Upgrader};
    ///
    /// let upgrader = Upgrader::new().negotiate(|offer| match offer.name() {
    ///     "x-traffic-class" => Ok(Some(OwnedExtension::from(offer.clone()))),
    ///     _ => Ok(None),
    /// });
    /// # let _ = upgrader;
    /// ```
    pub fn negotiate<F>(mut self, negotiate: F) -> Self
    where
        F: Fn(&Extension<'_>) -> Result<Option<OwnedExtension>, Rejection> + Send + Sync + 'static,
    {
        self.negotiate = Some(Arc::new(negotiate));
        self
    }

    /// Asks a function about each request, first of all.
    pub fn on_request<F>(mut self, check: F) -> Self
    where
        F: Fn(&RequestHead<'_>) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        self.on_request = Some(Arc::new(check));
        self
    }

    /// Asks a function about what each request is for: its [`host`](RequestHead::host).
    pub fn on_host<F>(mut self, check: F) -> Self
    where
        F: Fn(&str) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        self.on_host = Some(Arc::new(check));
        self
    }

    /// Asks a function about each header, in the order and the spelling of the client, with those of the handshake.
    pub fn on_header<F>(mut self, check: F) -> Self
    where
        F: Fn(&str, &[u8]) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        self.on_header = Some(Arc::new(check));
        self
    }

    /// Asks a function last, when all else is agreed. It may add headers to the response.
    pub fn before_upgrade<F>(mut self, check: F) -> Self
    where
        F: Fn(&RequestHead<'_>, &mut ResponseHeaders<'_>) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        self.before_upgrade = Some(Arc::new(check));
        self
    }

    /// Shows a function the bytes of each request and each response, for debugging.
    pub fn observe<F>(mut self, observer: F) -> Self
    where
        F: Fn(Observed<'_>) + Send + Sync + 'static,
    {
        self.observer = Some(Observer(Arc::new(observer)));
        self
    }

    /// Does the handshake, and gives the connection.
    ///
    /// The stream is dropped if there is none: [`upgrade`](Self::upgrade) leaves it to the caller.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future drops the stream, with a request read in part or a response written in part.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade).
    pub async fn accept<S>(&self, mut io: S, config: Config) -> Result<Conn<S>, UpgradeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.upgrade(&mut io).await?;
        Ok(handshake.into_conn(io, config))
    }

    /// Does the handshake.
    ///
    /// A refused client is told so, and the writing direction of the stream is shut down; nothing that the client sends
    /// behind its request is looked at. The caller drops the stream then.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if the future is dropped, what was read of the request is lost, and the response may be written in
    /// part. Only dropping the stream is left then.
    ///
    /// # Errors
    ///
    /// If the handshake is refused, by the checks or by the application, and if the stream ends or fails.
    pub async fn upgrade<S>(&self, io: &mut S) -> Result<Handshake, UpgradeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (handshake, ()) = self.upgrade_with(io, |_, _| Ok(())).await?;
        Ok(handshake)
    }

    /// Does the handshake, asks a closure before the response, and gives what it returned.
    ///
    /// The closure is for one request: it may take what it needs from the head, add headers to the response, or refuse.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe, as [`upgrade`](Self::upgrade).
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade).
    pub async fn upgrade_with<S, T, F>(&self, io: &mut S, check: F) -> Result<(Handshake, T), UpgradeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&RequestHead<'_>, &mut ResponseHeaders<'_>) -> Result<T, Rejection>,
    {
        let mut timer = pin!(self.timeout.map(sleep));
        let mut request = Pooled::take(&self.pool, self.read_buffer_size);
        let mut scanner = Scanner::new(&REQUEST);
        let read = within(timer.as_mut(), read_head(io, &mut request, &mut scanner)).await;
        let head = match read {
            Ok(read) => read.map_err(UpgradeError::from),
            Err(Elapsed) => Err(UpgradeError::TimedOut),
        };
        let whole = *head.as_ref().unwrap_or(&request.len());
        observe(self.observer.as_ref(), Observed::Request(&request[..whole]));

        let mut response = Pooled::take(&self.pool, self.write_buffer_size);
        let accepted = head.and_then(|length| self.decide(&request[..length], &mut response, check));
        let error = match accepted {
            Ok((mut handshake, output)) => {
                observe(self.observer.as_ref(), Observed::Response(&response));
                return match within(timer, write_all(io, &response)).await {
                    Ok(Ok(())) => {
                        request.consume(whole);
                        handshake.read_buf = request.into_read_buf();
                        Ok((handshake, output))
                    }
                    Ok(Err(error)) => Err(UpgradeError::Io(error)),
                    Err(_) => Err(UpgradeError::ResponseTimedOut),
                };
            }
            Err(error) => error,
        };

        response.clear();
        if put_refusal(&mut response, &error, &self.headers) {
            observe(self.observer.as_ref(), Observed::Response(&response));
            if let Some(sleep) = timer.as_mut().as_pin_mut() {
                if matches!(error, UpgradeError::TimedOut) {
                    let deadline = sleep.deadline() + GRACE;
                    sleep.reset(deadline);
                }
            }
            // The refusal is what counts, whether the client gets to know it or not.
            let _ = within(timer, async {
                write_all(io, &response).await?;
                io.shutdown().await?;
                // Closing a stream over bytes that nobody read resets it, and the client might not see the answer.
                if self.timeout.is_some() && may_go_on(&error, whole < request.len()) {
                    let _ = timeout(LINGER, discard(io, &mut request, MAX_DISCARD)).await;
                }
                Ok::<(), std::io::Error>(())
            })
            .await;
        }
        Err(error)
    }

    /// Everything between the head of the request and that of the response.
    fn decide<T>(
        &self,
        head: &[u8],
        out: &mut BytesMut,
        check: impl FnOnce(&RequestHead<'_>, &mut ResponseHeaders<'_>) -> Result<T, Rejection>,
    ) -> Result<(Handshake, T), UpgradeError> {
        let mut room = Room::new();
        let request = RequestHead::parse(head, &mut room)?;
        request.parts().check()?;
        if !self.origin.allows(&request) {
            return Err(Refusal::OriginNotAllowed.into());
        }
        let key = valid_key(request.fields())?;

        if let Some(on_request) = &self.on_request {
            on_request(&request)?;
        }
        if let Some(on_host) = &self.on_host {
            on_host(request.host())?;
        }
        if let Some(on_header) = &self.on_header {
            request.headers().try_for_each(|(name, value)| on_header(name, value))?;
        }
        let subprotocol = self.subprotocols.select(&request)?;
        let extensions = self.accept_extensions(&request)?;

        put_switching(out, &answer_key(key), subprotocol.as_deref(), &extensions);
        let mut headers = ResponseHeaders::new(out);
        for (name, value) in &self.headers {
            headers.append(name, value).map_err(Rejection::from)?;
        }
        if let Some(before_upgrade) = &self.before_upgrade {
            before_upgrade(&request, &mut headers)?;
        }
        let output = check(&request, &mut headers)?;
        out.put_slice(b"\r\n");
        Ok((Handshake { subprotocol, extensions, read_buf: BytesMut::new(), role: Role::Server }, output))
    }

    fn accept_extensions(&self, request: &RequestHead<'_>) -> Result<Vec<OwnedExtension>, UpgradeError> {
        let mut accepted = Vec::new();
        let Some(negotiate) = &self.negotiate else { return Ok(accepted) };
        for offer in request.extensions() {
            let offer = offer.map_err(|_| Refusal::ExtensionMalformed)?;
            // RFC 7692, 5: the same extension with other parameters, for servers that decline those before.
            if accepted.iter().any(|answer: &OwnedExtension| answer.name() == offer.name()) {
                continue;
            }
            match negotiate(&offer)? {
                Some(answer) if answer.name() == offer.name() => accepted.push(answer),
                // 4.2.2: a server accepts nothing that was not offered.
                Some(_) => return Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR).into()),
                None => {}
            }
        }
        Ok(accepted)
    }
}

impl Default for Upgrader {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a client that was refused may be sending still.
fn may_go_on(error: &UpgradeError, has_sent: bool) -> bool {
    let head_is_whole = match error {
        UpgradeError::Refused(refusal) => {
            !matches!(refusal, Refusal::Body | Refusal::HeadTooLarge | Refusal::TargetTooLong)
        }
        UpgradeError::Rejected(_) => true,
        _ => false,
    };
    has_sent || !head_is_whole
}

impl fmt::Debug for Upgrader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Upgrader");
        debug
            .field("handshake_timeout", &self.timeout)
            .field("buffer_pool", &self.pool)
            .field("read_buffer_size", &self.read_buffer_size)
            .field("write_buffer_size", &self.write_buffer_size);
        if let Subprotocols::List(supported) = &self.subprotocols {
            debug.field("subprotocols", supported);
        }
        debug.finish_non_exhaustive()
    }
}

/// How long a client that came too late has for the answer to arrive.
const GRACE: Duration = Duration::from_secs(1);
/// How long a refused client that goes on sending has to see the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How much of that is read.
const MAX_DISCARD: usize = 32 << 10;
