//! [`Http2Connection`]: WebSockets over a transport of the caller's own.

use std::{fmt, sync::Arc};

use http::Response;
use ws_core::Conn;

use super::{
    Http2Error, Http2Stream,
    exchange::{Answer, connect_request, exchange},
    link::{Link, Room},
};
use crate::{DialError, DialedUri, Dialer, IntoDialRequest, Phase, observe, opening::Opening, phase};

/// One HTTP/2 connection over a transport of the caller's own; made by [`Http2Dialer::handshake`](super::Http2Dialer::handshake).
///
/// Clones are the same connection. It ends, and with it its task, when all of them and all WebSockets on it are gone.
///
/// ```no_run
/// # async fn run(io: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// use ws_client::Dialer;
///
/// let connection = Dialer::new().http2().handshake(io).await?;
/// let (mut news, _) = connection.open("ws://example.com/news").await?;
/// let (mut chat, _) = connection.open("ws://example.com/chat").await?;
/// chat.write_message("hello").await?;
/// println!("{:?}", news.read_message().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Http2Connection {
    link: Arc<Link>,
    dialer: Dialer,
}

impl Http2Connection {
    pub(super) fn new(link: Link, dialer: Dialer) -> Self {
        Self { link: Arc::new(link), dialer }
    }

    /// Opens a WebSocket as a stream of this connection, with the options of the dialer.
    ///
    /// The scheme, the host and the path of the URL are told to the server; nothing is resolved or connected. Redirects are not
    /// followed.
    ///
    /// # Errors
    ///
    /// As [`Http2Dialer::dial`](super::Http2Dialer::dial), except for the steps before HTTP. Nothing is tried twice: with
    /// [`Http2Error::GoAway`] and [`Http2Error::TooManyStreams`] another connection is needed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the stream; the connection stays.
    pub async fn open(
        &self,
        request: impl IntoDialRequest,
    ) -> Result<(Conn<Http2Stream>, Response<()>), DialError> {
        let opening = Opening::new(&self.dialer, request)?;
        let opened = async {
            let deadline = self.dialer.deadline();
            let answer = phase::bounded(deadline, Phase::Http, self.exchange(&opening)).await;
            let mut answer = answer.map_err(|error| error.with_target(opening.target.name()))?;
            answer.response_mut().extensions_mut().insert(DialedUri(opening.target.uri()));
            self.dialer.keep_cookies(&opening, answer.response().headers());
            self.dialer.finish_http2(answer, &opening, deadline).await
        };
        observe::within(observe::span(opening.target.name()), opened).await
    }

    async fn exchange(&self, opening: &Opening) -> Result<Answer, DialError> {
        let (request, _key) = opening.request(&self.dialer)?;
        let request = connect_request(&opening.target, &request)?;
        match self.link.room() {
            Room::Free(slot) => exchange(slot, request).await,
            Room::Full => Err(Http2Error::TooManyStreams.into()),
            Room::Closed => Err(Http2Error::GoAway.into()),
        }
    }

    /// Whether no more WebSockets can be opened: the server is shutting the connection down, or it has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.link.is_usable()
    }
}

impl fmt::Debug for Http2Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Connection").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}
