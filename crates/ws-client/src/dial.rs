//! The flow of a dial: transport, request, answer, and all of it again for each redirect.

use std::{
    error,
    future::{Future, poll_fn, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tower_service::Service;
use ws_core::{Conn, Role};

#[cfg(feature = "cookies")]
use crate::cookies;
use crate::{
    DialError, DialErrorKind, DialedUri, Dialer, IntoDialRequest, Phase, RedirectError,
    handshake::{Answer, exchange},
    observe,
    opening::Opening,
    phase,
    redirect::is_redirect,
};

impl<C> Dialer<C>
where
    C: Service<Uri> + Clone,
    C::Response: AsyncRead + AsyncWrite + Unpin,
    C::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    /// Opens a connection.
    ///
    /// Returns with the connection and the response of the server, whose headers may hold cookies and the like.
    /// Frames that came with the response are kept and read first. Redirects are followed as far as
    /// [`redirects`](Self::redirects) says, which is not at all unless set.
    ///
    /// # Errors
    ///
    /// [`DialError::kind`] says what failed: the request, name resolution, TCP, the proxy, TLS, HTTP, the server's
    /// answer, or the [time](Self::handshake_timeout) it took. When the server answered with another status than 101,
    /// [`DialError::response`] has its headers and the first 1,024 bytes of its body.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened.
    pub async fn dial(
        &self,
        request: impl IntoDialRequest,
    ) -> Result<(Conn<C::Response>, Response<()>), DialError> {
        let opening = Opening::new(self, request)?;
        observe::within(observe::span(opening.target.name()), self.follow(opening)).await
    }

    /// Dials, and follows redirects if that is asked for.
    async fn follow(&self, mut opening: Opening) -> Result<(Conn<C::Response>, Response<()>), DialError> {
        let deadline = self.deadline();
        let mut followed = 0;
        loop {
            let transport = connect(self.connector.clone(), opening.target.endpoint.clone());
            let (answer, key) = self.ask(&opening, Phase::Connect, transport, deadline).await?;
            match answer {
                Answer::Refused(refused) if self.follows(refused.status()) => {
                    // Nobody reads the body of a redirect, so it is not waited for.
                    self.redirect(&mut opening, &mut followed, refused.without_body())?;
                }
                answer => return self.finish(answer, &key, &opening, deadline).await,
            }
        }
    }
}

pub(crate) async fn connect<C>(mut connector: C, endpoint: Uri) -> Result<C::Response, DialError>
where
    C: Service<Uri>,
    C::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    let opened = match poll_fn(|cx| connector.poll_ready(cx)).await {
        Ok(()) => connector.call(endpoint).await,
        Err(error) => Err(error),
    };
    opened.map_err(|error| DialError::connector(phase::current(), error))
}

impl<C> Dialer<C> {
    /// Does the opening handshake alone, over a transport that the caller opened.
    ///
    /// The scheme of the URL does not matter here: TLS, where it is wanted, is part of the transport. Redirects are not
    /// followed, as there is one transport.
    ///
    /// ```
    /// # async fn run() -> Result<(), ws_client::DialError> {
    /// use ws_client::Dialer;
    ///
    /// // What the server reads and writes is `far`.
    /// let (near, far) = tokio::io::duplex(16 << 10);
    /// let (conn, _response) = Dialer::new().handshake("ws://in-memory/chat", near).await?;
    /// # drop((conn, far));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`dial`](Self::dial), except for the steps before HTTP.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn handshake<S>(
        &self,
        request: impl IntoDialRequest,
        io: S,
    ) -> Result<(Conn<S>, Response<()>), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let opening = Opening::new(self, request)?;
        let opened = async {
            let deadline = self.deadline();
            let (answer, key) = self.ask(&opening, Phase::Http, ready(Ok(io)), deadline).await?;
            self.finish(answer, &key, &opening, deadline).await
        };
        observe::within(observe::span(opening.target.name()), opened).await
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        // A timeout that the clock cannot hold is none.
        self.handshake_timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Sends a request and reads the head of its answer; gives the key of the request as well.
    pub(crate) async fn ask<S>(
        &self,
        opening: &Opening,
        first: Phase,
        transport: impl Future<Output = Result<S, DialError>>,
        deadline: Option<Instant>,
    ) -> Result<(Answer<S>, HeaderValue), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (request, key) = opening.request(self)?;
        // Boxed, as it is some kilobytes, and each future around it would move it and have room for it twice.
        let exchanged = Box::pin(async move {
            let io = transport.await?;
            phase::enter(Phase::Http);
            exchange(io, request).await
        });
        let exchanged = phase::bounded(deadline, first, exchanged);
        let mut answer = exchanged.await.map_err(|error| error.with_target(opening.target.name()))?;
        answer.extensions_mut().insert(DialedUri(opening.target.uri()));
        self.keep_cookies(opening, answer.headers());
        Ok((answer, key))
    }

    /// Brings the cookies of an answer to their store.
    #[cfg_attr(not(feature = "cookies"), expect(unused_variables, reason = "it has no store of cookies"))]
    pub(crate) fn keep_cookies(&self, opening: &Opening, headers: &HeaderMap) {
        #[cfg(feature = "cookies")]
        if let Some(store) = &self.cookies {
            cookies::keep(&**store, &opening.target, headers);
        }
    }

    /// Whether a refusal is a redirect, and redirects are followed.
    pub(crate) fn follows(&self, status: StatusCode) -> bool {
        self.redirects > 0 && is_redirect(status)
    }

    /// Turns to where a redirect leads.
    pub(crate) fn redirect(
        &self,
        opening: &mut Opening,
        followed: &mut usize,
        response: Response<Bytes>,
    ) -> Result<(), DialError> {
        let redirected = if *followed < self.redirects {
            opening.redirect(response.headers())
        } else {
            Err(RedirectError::TooMany)
        };
        *followed += 1;
        redirected.map_err(|error| opening.failed(DialErrorKind::Redirect(error), response))?;
        observe::redirected(opening.target.name());
        Ok(())
    }

    /// Makes a connection of an answer, or an error.
    pub(crate) async fn finish<S>(
        &self,
        answer: Answer<S>,
        key: &HeaderValue,
        opening: &Opening,
        deadline: Option<Instant>,
    ) -> Result<(Conn<S>, Response<()>), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (io, read_buf, response) = match answer {
            Answer::Switched(io, read_buf, response) => (io, read_buf, response),
            Answer::Refused(refused) => {
                let response = refused.read(deadline).await;
                return Err(opening.failed(DialErrorKind::Refused(response.status()), response));
            }
        };
        match opening.check(self, &response, key) {
            Ok(negotiated) => {
                let conn = Conn::with_read_buf(io, Role::Client, self.conn_config(), negotiated, read_buf);
                Ok((conn, response))
            }
            Err(error) => {
                Err(opening.failed(DialErrorKind::Handshake(error), response.map(|()| Bytes::new())))
            }
        }
    }
}
