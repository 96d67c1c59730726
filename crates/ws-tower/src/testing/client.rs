//! [`Client`]: one end of a connection whose other end an application gets.

use std::{fmt, future::poll_fn, pin::pin};

use bytes::{Buf, Bytes, BytesMut};
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header,
    uri::PathAndQuery,
};
use http_body::Body;
use tokio::io::{DuplexStream, duplex};
use tower_service::Service;
#[cfg(feature = "deflate")]
use ws_core::DeflateConfig;
use ws_core::{Config, Conn, Role, handshake};

use super::{ConnectError, Offer, error::BoxError};
use crate::ResponseBody;

/// Connects to an application in process; see the [module](super).
///
/// Every [`connect`](Self::connect) calls a clone of the service, so one client opens any number of connections to one
/// application. Its own settings are those of a client: none of them touches the server's [`Upgrader`](crate::Upgrader).
#[derive(Clone)]
#[must_use]
pub struct Client<S, M = fn() -> ResponseBody> {
    service: S,
    make_body: M,
    headers: HeaderMap,
    origin: Option<String>,
    extensions: Extensions,
    subprotocols: Vec<String>,
    config: Config,
    #[cfg(feature = "deflate")]
    compression: Option<DeflateConfig>,
    buffer_size: usize,
}

impl<S> Client<S> {
    /// A client of a service: a `Router`, an [`UpgradeService`](crate::UpgradeService), or any other that takes requests with
    /// a body of this crate.
    ///
    /// For a service that takes requests with one certain body, name that with [`body`](Self::body).
    pub fn new(service: S) -> Self {
        Self {
            service,
            make_body: ResponseBody::empty,
            headers: HeaderMap::new(),
            origin: None,
            extensions: Extensions::new(),
            subprotocols: Vec::new(),
            config: Config::new(),
            #[cfg(feature = "deflate")]
            compression: None,
            buffer_size: BUFFER_SIZE,
        }
    }
}

impl<S, M> Client<S, M> {
    /// The body of requests, for services that take no other than this type: `client.body(axum::body::Body::empty)`.
    pub fn body<N, B>(self, make_body: N) -> Client<S, N>
    where
        N: Fn() -> B,
    {
        Client {
            service: self.service,
            make_body,
            headers: self.headers,
            origin: self.origin,
            extensions: self.extensions,
            subprotocols: self.subprotocols,
            config: self.config,
            #[cfg(feature = "deflate")]
            compression: self.compression,
            buffer_size: self.buffer_size,
        }
    }

    /// Adds a header to the requests, such as `Cookie` or `Authorization`.
    ///
    /// One that belongs to the handshake, or `Host`, replaces the one that would be sent: so broken handshakes can be tried.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The page that connects, as a browser says it: `https://app.example.com`. None unless set, as of a program.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Adds a value to the extensions of the requests, where servers and middleware leave what they know: axum's
    /// `ConnectInfo`, for instance.
    pub fn extension<T>(mut self, value: T) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        self.extensions.insert(value);
        self
    }

    /// The subprotocols to offer, the preferred one first (RFC 6455, 1.9). None unless set.
    pub fn subprotocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// The settings of the client's end of the connections.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers permessage-deflate (RFC 7692); `None` for no compression, the default.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compression(mut self, deflate: impl Into<Option<DeflateConfig>>) -> Self {
        self.compression = deflate.into();
        self
    }

    /// How many bytes each direction of the pipe holds; 64 KiB unless set, 1 at the least.
    ///
    /// What is beyond them waits for the other end to read: with a small buffer, a test sees what an application does
    /// with a slow client.
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.buffer_size = bytes.max(1);
        self
    }

    /// The opening handshake without a body.
    fn request(&self, url: &str) -> Result<Request<()>, ConnectError> {
        let uri: Uri = url.parse().map_err(http::Error::from)?;
        let mut headers = self.offer().headers(&handshake::encode_key(*NONCE))?;
        let host = uri.authority().map_or("localhost", |authority| authority.as_str());
        headers.insert(header::HOST, HeaderValue::from_str(host).map_err(http::Error::from)?);
        if let Some(origin) = &self.origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).map_err(http::Error::from)?);
        }
        // Replaces a name at its first line and adds the others to it.
        headers.extend(self.headers.clone());

        let mut request = Request::new(());
        // RFC 9112, 3.2.1: what stands in a request to a server is the path.
        let path = uri.into_parts().path_and_query.unwrap_or(PathAndQuery::from_static("/"));
        *request.uri_mut() = path.into();
        *request.headers_mut() = headers;
        *request.extensions_mut() = self.extensions.clone();
        Ok(request)
    }

    fn offer(&self) -> handshake::Offer<'_, String> {
        let offer = handshake::Offer::new(&self.subprotocols);
        #[cfg(feature = "deflate")]
        let offer = offer.with_deflate(self.compression.as_ref());
        offer
    }

    fn conn_config(&self) -> Config {
        let config = self.config.clone();
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.compression {
            return config.compression(deflate.clone());
        }
        config
    }
}

impl<S, M, B, R> Client<S, M>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    M: Fn() -> B,
    R: Body,
{
    /// Sends an opening handshake and gives the client's end of the connection, with the response that accepted it.
    ///
    /// `url` is a path, such as `/ws?room=1`, or a whole URL, whose host becomes the `Host` header.
    ///
    /// The application gets its end once it has answered with 101, as from a server. If it answers with anything else, or
    /// drops the request, what waits for the upgrade fails with an [`UpgradeError`](crate::UpgradeError).
    ///
    /// # Errors
    /// [`ConnectError::response`] is the answer of an application that refused. Otherwise the service failed, or the URL,
    /// a subprotocol or the origin cannot be sent.
    ///
    /// # Cancel safety
    /// Dropping the future drops what was begun.
    pub async fn connect(&self, url: &str) -> Result<(Conn<DuplexStream>, Response<()>), ConnectError> {
        let mut request = self.request(url)?.map(|()| (self.make_body)());
        let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
        let key = key.unwrap_or(HeaderValue::from_static(""));
        let (offer, upgrade) = Offer::new();
        request.extensions_mut().insert(offer);

        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(ConnectError::service)?;
        let response = service.call(request).await.map_err(ConnectError::service)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            drop(upgrade);
            let (head, body) = response.into_parts();
            return Err(ConnectError::refused(Response::from_parts(head, read(body).await)));
        }
        let (near, far) = duplex(self.buffer_size);
        // If nobody waits for it, the connection ends at once, as it does behind a server.
        let _ = upgrade.send(far);
        let response = response.map(drop);
        match self.offer().check(response.status(), response.headers(), &key) {
            Ok(negotiated) => Ok((Conn::new(near, Role::Client, self.conn_config(), negotiated), response)),
            Err(error) => Err(ConnectError::handshake(error, response)),
        }
    }
}

/// Reads the first part of a body. What has come when it fails is what there is.
async fn read<R: Body>(body: R) -> Bytes {
    let mut body = pin!(body);
    let mut kept = BytesMut::new();
    while kept.len() < MAX_BODY {
        let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await else { break };
        if let Ok(data) = frame.into_data() {
            let count = data.remaining().min(MAX_BODY - kept.len());
            kept.extend_from_slice(&data.take(count).copy_to_bytes(count));
        }
    }
    kept.freeze()
}

impl<S, M> fmt::Debug for Client<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("headers", &self.headers)
            .field("origin", &self.origin)
            .field("subprotocols", &self.subprotocols)
            .field("config", &self.config)
            .field("buffer_size", &self.buffer_size)
            .finish_non_exhaustive()
    }
}

/// In a test nobody has to be kept from foreseeing it (RFC 6455, 4.1).
const NONCE: &[u8; 16] = b"the sample nonce";
/// More than a handler writes before it reads, in most tests.
const BUFFER_SIZE: usize = 64 << 10;
/// How much of the body of a refusal is kept.
const MAX_BODY: usize = 64 << 10;
