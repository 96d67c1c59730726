//! [`Http2Dialer`]: dials that share connections.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, Request, Response, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use ws_core::Conn;

use super::{
    Http2Connection, Http2Error, Http2Transport,
    attempt::{Attempt, Outcome},
    driver::Life,
    exchange::{self, Answer as Http2, connect_request},
    link::{Link, LinkId},
    pool::{Pool, Rules, Way},
};
use crate::{
    Accepted, DialError, DialErrorKind, DialedUri, Dialer, Exchange, IntoDialRequest, Phase, Transport,
    dial::connect,
    handshake::{Answer as Http1, exchange as exchange_http1},
    observe,
    opening::Opening,
    phase,
    target::Target,
};

/// Opens WebSockets as streams of HTTP/2 connections, several on each (RFC 8441); made by [`Dialer::http2`].
///
/// A `wss://` server is asked by ALPN for HTTP/2 before HTTP/1.1. If it chooses HTTP/2 and its settings allow WebSockets,
/// the next dial to the same scheme, host and port takes a stream of the same connection, as long as the server allows more
/// of them and there are fewer than 200. If not, the WebSocket is opened over HTTP/1.1, and so are those of the next five
/// minutes. Over `ws://` there is nothing to negotiate by, and HTTP/1.1 is spoken unless
/// [`prior_knowledge`](Self::prior_knowledge) says otherwise.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_client::Dialer;
///
/// let dialer = Dialer::new().http2();
/// let (mut news, _) = dialer.dial("wss://example.com/news").await?;
/// let (mut chat, _) = dialer.dial("wss://example.com/chat").await?;
/// println!("over {:?}", chat.get_ref().version());
/// chat.write_message("hello").await?;
/// println!("{:?}", news.read_message().await?);
/// # Ok(())
/// # }
/// ```
///
/// # Sharing
///
/// Clones share their connections. Dials that need a new connection at the same time wait for the same one, and one of them
/// that is dropped does not take it from the others. A request that the server has certainly not processed, because of
/// REFUSED_STREAM or GOAWAY, is sent once more on another connection.
///
/// What arrives on a WebSocket waits in memory until it is read, up to 64 KiB for each, and does not stop the others. What waits
/// in small frames costs more than its bytes: with 48 WebSockets of one connection full of unread messages of 20 bytes the
/// connection ends. Read all the time, or drop what cannot be read.
///
/// # Tasks
///
/// Each connection has one task, spawned on the runtime of the dial that needed it, and a second one while it is being opened. A
/// connection ends when the server or the network ends it, when it had no WebSocket for the
/// [idle timeout](Self::idle_timeout), or when neither the dialer with its clones nor a WebSocket on it exists any more. Whatever the
/// server has not taken ten seconds later is dropped.
#[derive(Clone)]
#[must_use]
pub struct Http2Dialer {
    dialer: Dialer,
    pool: Arc<Pool>,
    rules: Rules,
    prior_knowledge: bool,
    life: Life,
}

impl Dialer {
    /// Opens WebSockets over HTTP/2, several on one connection, where the server has them (RFC 8441).
    ///
    /// All options go along; those of the TLS configuration as well, but for its ALPN protocols.
    #[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
    pub fn http2(self) -> Http2Dialer {
        Http2Dialer {
            dialer: self,
            pool: Arc::default(),
            rules: Rules { fallback: true, max_connections: MAX_CONNECTIONS },
            prior_knowledge: false,
            life: Life { idle_timeout: Some(IDLE_TIMEOUT), keep_alive: Some(KEEP_ALIVE) },
        }
    }
}

impl Http2Dialer {
    /// Whether HTTP/1.1 is spoken with servers that have no WebSockets over HTTP/2. They are, unless this says no.
    ///
    /// Without it such dials fail with [`Http2Error::NotNegotiated`] or [`Http2Error::NoExtendedConnect`].
    pub fn fallback(mut self, allowed: bool) -> Self {
        self.rules.fallback = allowed;
        self
    }

    /// Whether servers of `ws://` URLs are known to speak HTTP/2 (RFC 9113, 3.3). They are not, unless this says so.
    ///
    /// A server that does not fails the dial: it is not asked again in HTTP/1.1. One that does, without WebSockets, is.
    pub fn prior_knowledge(mut self, known: bool) -> Self {
        self.prior_knowledge = known;
        self
    }

    /// How many connections there may be to one server. Eight unless set, one at the least.
    ///
    /// Another one is opened when all have as many streams as the server allows. When there are enough, a dial does not wait for
    /// a stream to end: it fails with [`Http2Error::TooManyStreams`].
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.rules.max_connections = connections.max(1);
        self
    }

    /// How long a connection is kept without WebSockets on it. 90 seconds unless set, one at the least; `None` for as long as
    /// the dialer or a clone of it exists.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        // Less, and a connection could end before those have their streams that it was opened for.
        self.life.idle_timeout = timeout.into().map(|timeout| timeout.max(Duration::from_secs(1)));
        self
    }

    /// How often a connection is asked whether the server is still there, by a PING of HTTP/2. Every 60 seconds unless set; `None`
    /// for never.
    ///
    /// A server that does not answer within 20 seconds has lost the connection, and all WebSockets on it. Until then dials take
    /// streams of it, and time out. This is beside the [keep-alive](ws_core::Config::keep_alive) of WebSocket, which asks for each
    /// of them and ends that one alone.
    pub fn keep_alive(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.life.keep_alive = interval.into();
        self
    }

    /// Opens a WebSocket.
    ///
    /// It works as [`Dialer::dial`], and shares connections as [described above](Self).
    ///
    /// # Errors
    ///
    /// As [`Dialer::dial`], and [`DialErrorKind::Http2`] for what is wrong with HTTP/2. A server that answers with another status
    /// than 2xx has refused: [`DialError::response`] has its headers and the first 1,024 bytes of its body.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends its stream. A connection that is being opened for it alone is closed; one that others wait for,
    /// or that is open already, is not.
    pub async fn dial(
        &self,
        request: impl IntoDialRequest,
    ) -> Result<(Conn<Http2Transport>, Response<()>), DialError> {
        let opening = Opening::new(&self.dialer, request)?;
        observe::within(observe::span(opening.target.name()), self.follow(opening)).await
    }

    /// Dials, and follows redirects if that is asked for.
    async fn follow(&self, mut opening: Opening) -> Result<(Conn<Http2Transport>, Response<()>), DialError> {
        let deadline = self.dialer.deadline();
        let mut followed = 0;
        loop {
            let (request, key) = opening.request(&self.dialer)?;
            let sent = self.send(&opening.target, request);
            let answer = phase::bounded(deadline, Phase::Connect, sent).await;
            let mut answer = answer.map_err(|error| error.with_target(opening.target.name()))?;
            answer.extensions_mut().insert(DialedUri(opening.target.uri()));
            self.dialer.keep_cookies(&opening, answer.headers());
            let redirect = match answer {
                Answer::Http1(Http1::Refused(refused)) if self.dialer.follows(refused.status()) => {
                    refused.without_body()
                }
                Answer::Http1(answer) => return self.dialer.finish(answer, &key, &opening, deadline).await,
                Answer::Http2(Http2::Refused(refused)) if self.dialer.follows(refused.status()) => {
                    refused.without_body()
                }
                Answer::Http2(answer) => return self.dialer.finish_http2(answer, &opening, deadline).await,
            };
            self.dialer.redirect(&mut opening, &mut followed, redirect)?;
        }
    }

    /// Does the opening handshake on behalf of another client: as [`Dialer::exchange`], and shares connections as
    /// [described above](Self).
    ///
    /// # Errors
    ///
    /// As [`dial`](Self::dial), but never [`DialErrorKind::Refused`] or [`DialErrorKind::Redirect`].
    ///
    /// # Cancel safety
    ///
    /// As [`dial`](Self::dial).
    pub async fn exchange(&self, request: Request<()>) -> Result<Exchange<Http2Transport>, DialError> {
        let opening = Opening::relaying(&self.dialer, request)?;
        let (request, key) = opening.request(&self.dialer)?;
        let sent = self.send(&opening.target, request);
        let answer = phase::bounded(self.dialer.deadline(), Phase::Connect, sent).await;
        let mut answer = answer.map_err(|error| error.with_target(opening.target.name()))?;
        answer.extensions_mut().insert(DialedUri(opening.target.uri()));
        self.dialer.keep_cookies(&opening, answer.headers());
        let (io, read_buf, response, checked) = match answer {
            Answer::Http1(Http1::Refused(refused)) => return Ok(Exchange::Refused(refused.into_response())),
            Answer::Http2(Http2::Refused(refused)) => return Ok(Exchange::Refused(refused.into_response())),
            Answer::Http1(Http1::Switched(io, read_buf, response)) => {
                let checked = opening.check(&self.dialer, &response, &key);
                (io, read_buf, response, checked)
            }
            Answer::Http2(Http2::Accepted(stream, response)) => {
                let checked = opening.check_connect(&self.dialer, &response);
                (stream.into(), BytesMut::new(), response, checked)
            }
        };
        match checked {
            Ok(negotiated) => {
                let config = self.dialer.conn_config();
                Ok(Exchange::Accepted(Accepted::new(io, read_buf, response, negotiated, config)))
            }
            Err(error) => {
                Err(opening.failed(DialErrorKind::Handshake(error), response.map(|()| Bytes::new())))
            }
        }
    }

    /// Begins HTTP/2 over a transport that the caller opened, for as many WebSockets as the server allows.
    ///
    /// TLS, where it is wanted, is part of the transport, and has agreed on `h2` by ALPN. The connection is not shared with
    /// [`dial`](Self::dial), has no idle timeout, and never falls back to HTTP/1.1.
    ///
    /// # Errors
    ///
    /// [`DialErrorKind::Http2`] if the server does not speak HTTP/2, or has no WebSockets over it; [`DialErrorKind::TimedOut`]
    /// if it does not send its settings within the handshake timeout.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn handshake<S>(&self, io: S) -> Result<Http2Connection, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let life = Life { idle_timeout: None, ..self.life };
        let link = phase::bounded(self.dialer.deadline(), Phase::Http, Link::open(io, None, life)).await?;
        Ok(Http2Connection::new(link, self.dialer.clone()))
    }

    /// Sends the request wherever it is answered.
    async fn send(&self, target: &Target, request: Request<String>) -> Result<Answer, DialError> {
        let endpoint = &target.endpoint;
        if !target.is_secure() && !self.prior_knowledge {
            return match self.rules.fallback {
                true => self.exchange_http1(endpoint, request, None).await,
                false => Err(Http2Error::NotNegotiated.into()),
            };
        }
        let connect = connect_request(target, &request)?;
        let mut unprocessed: Option<(LinkId, DialError)> = None;
        let mut opened = 0;
        loop {
            let avoid = unprocessed.as_ref().map(|(link, _)| link);
            let error = match self.pool.way(endpoint, avoid, self.rules, || self.attempt(endpoint)) {
                Way::Stream(slot) => {
                    phase::enter(Phase::Http);
                    let link = slot.link();
                    match exchange::exchange(slot, connect.clone()).await {
                        Err(error) if unprocessed.is_none() && is(&error, Http2Error::is_unprocessed) => {
                            unprocessed = Some((link, error));
                            continue;
                        }
                        Err(error) => error,
                        Ok(answer) => return Ok(Answer::Http2(answer)),
                    }
                }
                Way::Wait(attempt) => match attempt.wait().await {
                    // Others may fill as many connections as there may be before this dial has its stream, and one more is
                    // for the second try. A server that ends each of them at once is not asked for ever.
                    Outcome::Connected if opened <= self.rules.max_connections => {
                        opened += 1;
                        continue;
                    }
                    Outcome::Connected => Http2Error::GoAway.into(),
                    Outcome::Http1(transport) if self.rules.fallback => {
                        return self.exchange_http1(endpoint, request, transport.take()).await;
                    }
                    Outcome::Http1(_) => Http2Error::NotNegotiated.into(),
                    Outcome::Failed(error) => error.share(),
                },
                Way::Http1 => return self.exchange_http1(endpoint, request, None).await,
                Way::Full => {
                    unprocessed.map_or_else(|| Http2Error::TooManyStreams.into(), |(_, error)| error)
                }
            };
            if self.rules.fallback && is(&error, Http2Error::wants_http1) {
                self.pool.remember_http1(endpoint);
                return self.exchange_http1(endpoint, request, None).await;
            }
            return Err(error);
        }
    }

    /// Has a connection opened for all that wait for one.
    fn attempt(&self, endpoint: &Uri) -> Attempt {
        let (pool, of) = (Arc::clone(&self.pool), endpoint.clone());
        let conclude = move |opened| pool.conclude(&of, opened);
        Attempt::start(self.dialer.connector.clone(), endpoint.clone(), self.life, conclude)
    }

    /// Does the opening handshake of HTTP/1.1, on a transport of its own.
    async fn exchange_http1(
        &self,
        endpoint: &Uri,
        request: Request<String>,
        transport: Option<Transport>,
    ) -> Result<Answer, DialError> {
        let transport = match transport {
            Some(transport) => transport,
            None => connect(self.dialer.connector.clone(), endpoint.clone()).await?,
        };
        phase::enter(Phase::Http);
        exchange_http1(transport.into(), request).await.map(Answer::Http1)
    }
}

/// What the server answered, in the version that it was asked in.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is returned")]
enum Answer {
    Http1(Http1<Http2Transport>),
    Http2(Http2),
}

impl Answer {
    fn headers(&self) -> &HeaderMap {
        match self {
            Self::Http1(answer) => answer.headers(),
            Self::Http2(answer) => answer.response().headers(),
        }
    }

    fn extensions_mut(&mut self) -> &mut Extensions {
        match self {
            Self::Http1(answer) => answer.extensions_mut(),
            Self::Http2(answer) => answer.response_mut().extensions_mut(),
        }
    }
}

fn is(error: &DialError, what: impl FnOnce(Http2Error) -> bool) -> bool {
    matches!(*error.kind(), DialErrorKind::Http2(error) if what(error))
}

impl fmt::Debug for Http2Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Dialer")
            .field("dialer", &self.dialer)
            .field("rules", &self.rules)
            .field("prior_knowledge", &self.prior_knowledge)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

/// With the hundred streams that most servers allow, far more than one program needs.
const MAX_CONNECTIONS: usize = 8;
/// As long as other clients of HTTP keep theirs.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Often enough for most gateways to keep a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
