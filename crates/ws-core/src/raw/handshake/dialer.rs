//! The client's end.

use std::{error, fmt, pin::pin, sync::Arc, time::Duration};

use bytes::{BufMut, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode, Uri, Version, header::HOST};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};

use super::{
    DialError, Handshake, Observed, Observer, OwnedExtension, RefusedResponse, ResponseHead, UriError,
    answer::{put_extensions, put_field, put_line},
    buffer::{BUFFER_SIZE, MIN_BUFFER_SIZE, Pooled},
    head::{RESPONSE, Room, Scanner},
    io::{Elapsed, HANDSHAKE_TIMEOUT, read_head, within, write_all},
    observe,
    refused::{Framing, read_body},
    target::Target,
};
use crate::{
    BufferPool, Config, Conn, Role, Utf8Bytes,
    handshake::{
        OfferError, check_answer, check_offer, encode_nonce, is_reserved_request_header, is_valid_host,
    },
};

/// Asks for a WebSocket on any byte stream, without an HTTP client.
///
/// The stream is connected already, and through TLS where the URL says `wss`; the URL only makes the request line and the
/// `Host` header. A dialer is made once and serves any number of streams.
///
/// Nothing is written behind the request before the response was checked (RFC 9931). Interim responses are skipped, up to
/// 32 of them.
///
/// | Setting | Default |
/// |---|---|
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s |
/// | [`subprotocols`](Self::subprotocols), [`extensions`](Self::extensions) | none |
/// | [`read_buffer_size`](Self::read_buffer_size) | 4 KiB |
/// | [`write_buffer_size`](Self::write_buffer_size) | 4 KiB |
/// | [`buffer_pool`](Self::buffer_pool) | per thread |
///
/// ```
/// # use tokio::io::{AsyncRead, AsyncWrite};
/// # async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), Box<dyn std::error::Error>> {
/// use http::{HeaderValue, Uri, header::ORIGIN};
/// use ws_core::{Config, raw::handshake::Dialer};
///
/// let dialer = Dialer::new().header(ORIGIN, HeaderValue::from_static("https://example.com"));
/// let uri = Uri::from_static("ws://example.com/chat");
/// let mut conn = dialer.connect(stream, &uri, Config::new()).await?;
/// conn.write_message("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Dialer {
    timeout: Option<Duration>,
    pool: BufferPool,
    read_buffer_size: usize,
    write_buffer_size: usize,
    host: Option<HeaderValue>,
    headers: Vec<(HeaderName, HeaderValue)>,
    invalid_header: Option<HeaderName>,
    subprotocols: Arc<[Utf8Bytes]>,
    offer: Result<(), OfferError>,
    extensions: Arc<[OwnedExtension]>,
    on_header: Option<OnHeader>,
    observer: Option<Observer>,
}

type BoxError = Box<dyn error::Error + Send + Sync>;
type OnHeader = Arc<dyn Fn(&str, &[u8]) -> Result<(), BoxError> + Send + Sync>;

impl Dialer {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            timeout: Some(HANDSHAKE_TIMEOUT),
            pool: BufferPool::default(),
            read_buffer_size: BUFFER_SIZE,
            write_buffer_size: BUFFER_SIZE,
            host: None,
            headers: Vec::new(),
            invalid_header: None,
            subprotocols: Arc::new([]),
            offer: Ok(()),
            extensions: Arc::new([]),
            on_header: None,
            observer: None,
        }
    }

    /// How long a handshake may take as a whole, 10 seconds unless set.
    ///
    /// It is measured with tokio's timer, which must be enabled in the runtime. With `None` there is no limit and no timer.
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

    /// The size of the buffer for the response, 4 KiB unless set and 256 bytes at least.
    ///
    /// This is not a limit: a longer head, up to 64 KiB, moves to a larger buffer from the pool.
    pub fn read_buffer_size(mut self, size: usize) -> Self {
        self.read_buffer_size = size.max(MIN_BUFFER_SIZE);
        self
    }

    /// The size of the buffer for the request, 4 KiB unless set and 256 bytes at least. It grows when headers need it to.
    pub fn write_buffer_size(mut self, size: usize) -> Self {
        self.write_buffer_size = size.max(MIN_BUFFER_SIZE);
        self
    }

    /// What to write as `Host` instead of the authority of the URL.
    pub fn host(mut self, host: HeaderValue) -> Self {
        self.host = Some(host);
        self
    }

    /// Adds a header to the request: cookies, credentials, an origin.
    ///
    /// `Host` does what [`host`](Self::host) does. A second one, and a header that belongs to the handshake or would
    /// announce a body, fail the handshake with [`DialError::InvalidHeader`] before anything is written.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if name == HOST && self.host.is_none() {
            self.host = Some(value);
        } else if name == HOST || is_reserved_request_header(&name) {
            self.invalid_header.get_or_insert(name);
        } else {
            self.headers.push((name, value));
        }
        self
    }

    /// The subprotocols to offer, the preferred one first.
    ///
    /// If one of them is not a token, or there twice, the handshake fails before anything is written.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Utf8Bytes>,
    {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self.offer = check_offer(&self.subprotocols.iter().map(|name| name.as_str()).collect::<Vec<_>>());
        self
    }

    /// The extensions to offer, the preferred one first.
    ///
    /// What the server accepts of them is in [`Handshake::extensions`]; its parameters are for the caller to check.
    pub fn extensions(mut self, offers: impl IntoIterator<Item = OwnedExtension>) -> Self {
        self.extensions = offers.into_iter().collect();
        self
    }

    /// Asks a function about each header of the response that switches protocols, with those of the handshake.
    pub fn on_header<F>(mut self, check: F) -> Self
    where
        F: Fn(&str, &[u8]) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        self.on_header = Some(Arc::new(check));
        self
    }

    /// Shows a function the bytes of each request and the heads of each response, for debugging.
    pub fn observe<F>(mut self, observer: F) -> Self
    where
        F: Fn(Observed<'_>) + Send + Sync + 'static,
    {
        self.observer = Some(Observer(Arc::new(observer)));
        self
    }

    /// Does the handshake, and gives the connection.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future drops the stream, with the handshake done in part.
    ///
    /// # Errors
    ///
    /// As [`handshake`](Self::handshake).
    pub async fn connect<S>(&self, mut io: S, uri: &Uri, config: Config) -> Result<Conn<S>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.handshake(&mut io, uri).await?;
        Ok(handshake.into_conn(io, config))
    }

    /// Does the handshake.
    ///
    /// The scheme of the URL is `ws`, `wss`, `http`, `https` or none; with [`host`](Self::host) a path alone will do.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if the future is dropped, the request may be written in part, and what was read of the response is
    /// lost. Only dropping the stream is left then, as after an error.
    ///
    /// # Errors
    ///
    /// If the request cannot be written as asked for, if the server refuses or answers wrongly, and if the stream ends or
    /// fails.
    pub async fn handshake<S>(&self, io: &mut S, uri: &Uri) -> Result<Handshake, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (handshake, ()) = self.handshake_with(io, uri, |_| Ok(())).await?;
        Ok(handshake)
    }

    /// Does the handshake, shows the response to a closure once it was checked, and gives what that returned.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe, as [`handshake`](Self::handshake).
    ///
    /// # Errors
    ///
    /// As [`handshake`](Self::handshake), and [`DialError::Rejected`] with the error of the closure.
    pub async fn handshake_with<S, T, F>(
        &self,
        io: &mut S,
        uri: &Uri,
        check: F,
    ) -> Result<(Handshake, T), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&ResponseHead<'_>) -> Result<T, BoxError>,
    {
        let key = encode_nonce(nonce()?);
        let mut timer = pin!(self.timeout.map(sleep));
        {
            let mut request = Pooled::take(&self.pool, self.write_buffer_size);
            self.put_request(&mut request, uri, &key)?;
            observe(self.observer.as_ref(), Observed::Request(&request));
            let written = within(timer.as_mut(), write_all(io, &request)).await;
            written.map_err(|_| DialError::TimedOut)?.map_err(DialError::Io)?;
        }

        let mut response = Pooled::take(&self.pool, self.read_buffer_size);
        let mut interim = 0;
        let length = loop {
            let mut scanner = Scanner::new(&RESPONSE);
            let read = within(timer.as_mut(), read_head(io, &mut response, &mut scanner)).await;
            let head = match read {
                Ok(read) => read.map_err(DialError::from),
                Err(Elapsed) => Err(DialError::TimedOut),
            };
            let whole = *head.as_ref().unwrap_or(&response.len());
            observe(self.observer.as_ref(), Observed::Response(&response[..whole]));
            let length = head?;
            if !is_interim(&response[..length])? {
                break length;
            }
            interim += 1;
            if interim > MAX_INTERIM {
                return Err(DialError::TooManyInterim);
            }
            response.consume(length);
        };

        match self.decide(&response[..length], &key, check)? {
            Answer::Switched(mut handshake, output) => {
                response.consume(length);
                handshake.read_buf = response.into_read_buf();
                Ok((handshake, output))
            }
            Answer::Refused(mut refused, framing) => {
                response.consume(length);
                let mut body = Vec::new();
                // What has arrived by then is what there is: a body that breaks off must not hide the status.
                let _ = within(timer, async {
                    let read = read_body(io, &mut response, framing, &mut body);
                    match self.timeout {
                        Some(_) => timeout(BODY_TIMEOUT, read).await.map(drop).ok(),
                        None => read.await.ok(),
                    }
                })
                .await;
                refused.set_body(body);
                Err(DialError::Refused(refused))
            }
        }
    }

    /// Writes the request in RFC 6455's order and spelling: there are servers that compare names with case.
    fn put_request(&self, out: &mut BytesMut, uri: &Uri, key: &[u8]) -> Result<(), DialError> {
        if let Some(name) = &self.invalid_header {
            return Err(DialError::InvalidHeader(name.clone()));
        }
        self.offer.map_err(DialError::InvalidOffer)?;
        let target = Target::new(uri)?;
        out.put_slice(b"GET ");
        target.put_path(out);
        out.put_slice(b" HTTP/1.1\r\nHost: ");
        match &self.host {
            Some(host) if is_valid_host(host.as_bytes()) => out.put_slice(host.as_bytes()),
            Some(_) => return Err(UriError::Host.into()),
            None => target.put_host(out)?,
        }
        out.put_slice(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        put_line(out, b"Sec-WebSocket-Key", key);
        out.put_slice(b"Sec-WebSocket-Version: 13\r\n");
        for (index, name) in self.subprotocols.iter().enumerate() {
            out.put_slice(if index == 0 { b"Sec-WebSocket-Protocol: " } else { b", " });
            out.put_slice(name.as_str().as_bytes());
        }
        if !self.subprotocols.is_empty() {
            out.put_slice(b"\r\n");
        }
        put_extensions(out, &self.extensions);
        for (name, value) in &self.headers {
            put_field(out, name, value.as_bytes());
        }
        out.put_slice(b"\r\n");
        Ok(())
    }

    /// Everything behind the head of the response.
    fn decide<T>(
        &self,
        head: &[u8],
        key: &[u8],
        check: impl FnOnce(&ResponseHead<'_>) -> Result<T, BoxError>,
    ) -> Result<Answer<T>, DialError> {
        let mut room = Room::new();
        let response = ResponseHead::parse(head, &mut room)?;
        let (status, fields) = (response.status(), response.fields());
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let refused = RefusedResponse::new(&response)?;
            return Ok(Answer::Refused(Box::new(refused), Framing::new(status, fields)));
        }
        // RFC 9110, 7.8: HTTP/1.0 has no upgrades.
        if response.version() != Version::HTTP_11 {
            return Err(DialError::Malformed);
        }
        let is_offered = |name: &str| self.extensions.iter().any(|offered| offered.name() == name);
        let chosen = check_answer(status, fields, key, &self.subprotocols, is_offered)?;
        if let Some(on_header) = &self.on_header {
            let asked = response.headers().try_for_each(|(name, value)| on_header(name, value));
            asked.map_err(DialError::Rejected)?;
        }
        let output = check(&response).map_err(DialError::Rejected)?;
        let handshake = Handshake {
            subprotocol: chosen.map(|index| self.subprotocols[index].clone()),
            extensions: fields.extensions().flatten().map(OwnedExtension::from).collect(),
            read_buf: BytesMut::new(),
            role: Role::Client,
        };
        Ok(Answer::Switched(handshake, output))
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self::new()
    }
}

/// What the server answered.
enum Answer<T> {
    Switched(Handshake, T),
    /// The body is still to be read.
    Refused(Box<RefusedResponse>, Framing),
}

/// Whether another response follows this one (RFC 9110, 15.2).
fn is_interim(head: &[u8]) -> Result<bool, DialError> {
    let mut room = Room::new();
    let status = ResponseHead::parse(head, &mut room)?.status();
    Ok(status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS)
}

/// 4.1: drawn anew for each connection, from a generator that nobody can foresee.
#[expect(clippy::disallowed_methods, reason = "this is where handshake keys come from")]
fn nonce() -> Result<[u8; 16], DialError> {
    let mut nonce = [0; 16];
    match getrandom::fill(&mut nonce) {
        Ok(()) => Ok(nonce),
        Err(error) => Err(DialError::Io(std::io::Error::other(error))),
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("handshake_timeout", &self.timeout)
            .field("buffer_pool", &self.pool)
            .field("read_buffer_size", &self.read_buffer_size)
            .field("write_buffer_size", &self.write_buffer_size)
            .field("host", &self.host)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("subprotocols", &self.subprotocols)
            .field("extensions", &self.extensions)
            .finish_non_exhaustive()
    }
}

/// How many interim responses may come before the answer.
const MAX_INTERIM: u32 = 32;
/// How long the body of a refusal is waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);
