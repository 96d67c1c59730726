//! The flow of a dial: transport, request, answer, and all of it again for each redirect.

use std::{
    error,
    future::{Future, poll_fn, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Response, Uri};
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
        let mut opening = Opening::new(self, request)?;
        let deadline = self.deadline();
        let mut followed = 0;
        loop {
            let transport = connect(self.connector.clone(), opening.target.endpoint.clone());
            let (answer, key) = self.ask(&opening, Phase::Connect, transport, deadline).await?;
            match answer {
                Answer::Refused(refused) if self.redirects > 0 && is_redirect(refused.status()) => {
                    // Nobody reads the body of a redirect, so it is not waited for.
                    let response = refused.without_body();
                    let redirected = if followed < self.redirects {
                        opening.redirect(response.headers())
                    } else {
                        Err(RedirectError::TooMany)
                    };
                    if let Err(error) = redirected {
                        return Err(opening.failed(DialErrorKind::Redirect(error), response));
                    }
                    followed += 1;
                }
                answer => return self.finish(answer, &key, &opening, deadline).await,
            }
        }
    }
}

async fn connect<C>(mut connector: C, endpoint: Uri) -> Result<C::Response, DialError>
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
        let deadline = self.deadline();
        let (answer, key) = self.ask(&opening, Phase::Http, ready(Ok(io)), deadline).await?;
        self.finish(answer, &key, &opening, deadline).await
    }

    fn deadline(&self) -> Option<Instant> {
        // A timeout that the clock cannot hold is none.
        self.handshake_timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Sends a request and reads the head of its answer; gives the key of the request as well.
    async fn ask<S>(
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
        let exchanged = phase::bounded(deadline, first, async move {
            let io = transport.await?;
            phase::enter(Phase::Http);
            exchange(io, request).await
        });
        let mut answer = exchanged.await.map_err(|error| error.with_target(opening.target.name()))?;
        answer.extensions_mut().insert(DialedUri(opening.target.uri()));
        #[cfg(feature = "cookies")]
        if let Some(store) = &self.cookies {
            cookies::keep(&**store, &opening.target, answer.headers());
        }
        Ok((answer, key))
    }

    /// Makes a connection of an answer, or an error.
    async fn finish<S>(
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
        let config = self.config.clone();
        #[cfg(feature = "deflate")]
        let config = match &self.compression {
            Some(deflate) => config.compression(deflate.clone()),
            None => config,
        };
        match self.offer().check(response.status(), response.headers(), key) {
            Ok(negotiated) => {
                let conn = Conn::with_read_buf(io, Role::Client, config, negotiated, read_buf);
                Ok((conn, response))
            }
            Err(error) => {
                Err(opening.failed(DialErrorKind::Handshake(error), response.map(|()| Bytes::new())))
            }
        }
    }
}
