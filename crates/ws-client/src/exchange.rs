//! [`Exchange`]: the answer to an opening handshake, whole, for programs that hand it on.

use std::{
    error, fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri};
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use ws_core::{Config, Conn, Negotiated, Role};

use crate::{
    DialError, DialErrorKind, Dialer, Phase,
    dial::connect,
    handshake::{Answer, Driver, Refused},
    opening::Opening,
};

/// What came of an opening handshake that [`Dialer::exchange`] spoke.
#[derive(Debug)]
#[must_use = "whoever asked waits for the answer"]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is returned")]
pub enum Exchange<S> {
    /// The server accepted.
    Accepted(Accepted<S>),
    /// The server answered something else: the whole response, whose body is still to be read. The connection ends with it.
    Refused(Response<RefusalBody>),
}

/// A handshake that the server accepted, with a valid answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted<S> {
    /// The transport, on which frames follow.
    pub io: S,
    /// What was read of it behind the response.
    pub read_buf: BytesMut,
    /// The response: 101, or 2xx over HTTP/2.
    pub response: Response<()>,
    /// What was agreed on. Of extensions that stood in the request nothing is here: who offered them reads the response.
    pub negotiated: Negotiated,
    config: Config,
}

impl<S> Accepted<S> {
    pub(crate) fn new(
        io: S,
        read_buf: BytesMut,
        response: Response<()>,
        negotiated: Negotiated,
        config: Config,
    ) -> Self {
        Self { io, read_buf, response, negotiated, config }
    }

    /// The same over another transport, such as one around this.
    pub fn map_io<T>(self, wrap: impl FnOnce(S) -> T) -> Accepted<T> {
        let Self { io, read_buf, response, negotiated, config } = self;
        Accepted { io: wrap(io), read_buf, response, negotiated, config }
    }

    /// A connection of it, and the response, as [`Dialer::dial`] gives them.
    pub fn into_conn(self) -> (Conn<S>, Response<()>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let conn = Conn::with_read_buf(self.io, Role::Client, self.config, self.negotiated, self.read_buf);
        (conn, self.response)
    }
}

impl<C> Dialer<C>
where
    C: Service<Uri> + Clone,
    C::Response: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    C::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    /// Does the opening handshake on behalf of another client, and gives back all that came of it: for reverse proxies and
    /// other programs that hand on what they get.
    ///
    /// It works as [`dial`](Self::dial), and differs in this:
    ///
    /// * `Sec-WebSocket-Protocol` and `Sec-WebSocket-Extensions` may stand in the request. They are offered in place of the
    ///   dialer's subprotocols and of its compression, and the server may accept nothing else. An empty
    ///   `Sec-WebSocket-Extensions` offers none.
    /// * A refusal is no error but a response, with a body that is read as it arrives. Redirects are refusals.
    /// * What follows on the transport is not touched.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_client::{Dialer, Exchange, http::Request};
    ///
    /// let request = Request::get("ws://127.0.0.1:9000/chat")
    ///     .header("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")
    ///     .body(())?;
    /// match Dialer::new().exchange(request).await? {
    ///     Exchange::Accepted(accepted) => println!("{} bytes of frames so far", accepted.read_buf.len()),
    ///     Exchange::Refused(response) => println!("refused with {}", response.status()),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dial`](Self::dial), but never [`DialErrorKind::Refused`] or [`DialErrorKind::Redirect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened.
    pub async fn exchange(&self, request: Request<()>) -> Result<Exchange<C::Response>, DialError> {
        let opening = Opening::relaying(self, request)?;
        let transport = connect(self.connector.clone(), opening.target.endpoint.clone());
        let (answer, key) = self.ask(&opening, Phase::Connect, transport, self.deadline()).await?;
        match answer {
            Answer::Refused(refused) => Ok(Exchange::Refused(refused.into_response())),
            Answer::Switched(io, read_buf, response) => match opening.check(self, &response, &key) {
                Ok(negotiated) => {
                    let config = self.conn_config();
                    Ok(Exchange::Accepted(Accepted::new(io, read_buf, response, negotiated, config)))
                }
                Err(error) => {
                    let response = response.map(|()| Bytes::new());
                    Err(opening.failed(DialErrorKind::Handshake(error), response))
                }
            },
        }
    }
}

/// The body of a refusal, as the server sends it. Dropped, it ends the connection, or the stream of HTTP/2.
///
/// Neither its size nor its time is bounded.
#[must_use = "it is read by polling its frames"]
pub struct RefusalBody(Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>);

impl RefusalBody {
    pub(crate) fn new(body: impl Body<Data = Bytes, Error = io::Error> + Send + 'static) -> Self {
        Self(Box::pin(body))
    }
}

impl Body for RefusalBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for RefusalBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalBody(..)")
    }
}

impl<S> Refused<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    /// The response whose body is read from the connection.
    pub(crate) fn into_response(self) -> Response<RefusalBody> {
        let (driver, response) = self.into_parts();
        response.map(|body| RefusalBody::new(Driven { driver, body }))
    }
}

/// A body of hyper's, and the connection that has to be driven for it.
struct Driven<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    driver: Driver<S>,
    body: hyper::body::Incoming,
}

impl<S> Body for Driven<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Its errors reach the body, too.
        let _ = self.driver.poll(cx);
        Pin::new(&mut self.body).poll_frame(cx).map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
