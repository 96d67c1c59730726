//! The opening handshake over HTTP/1.1: heads of our own, and hyper's client connection for whatever is no acceptance.
//!
//! All of it happens in the future of the dial: no task is spawned, and the transport comes back as the type it went in.
//! Between the request and the 101 nothing is written.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, Connection},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};

use crate::{
    DialError, DialErrorKind, TlsError,
    head::{self, Heard},
    replayed::Replayed,
};

/// The largest response head, in bytes; hyper itself allows 100 fields.
pub(crate) const MAX_HEAD: usize = 64 << 10;
/// How much of the body of a refusal is kept.
pub(crate) const MAX_BODY: usize = 1024;
/// How long the body of a refusal is waited for.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(3);

/// What the server answered.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is returned")]
pub(crate) enum Answer<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// 101, or the 2xx of a proxy: the transport, what was read behind the response, and the response.
    Switched(S, BytesMut, Response<()>),
    /// Anything else.
    Refused(Refused<S>),
}

impl<S> Answer<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) fn headers(&self) -> &HeaderMap {
        match self {
            Self::Switched(_, _, response) => response.headers(),
            Self::Refused(refused) => refused.response.headers(),
        }
    }

    pub(crate) fn extensions_mut(&mut self) -> &mut Extensions {
        match self {
            Self::Switched(_, _, response) => response.extensions_mut(),
            Self::Refused(refused) => refused.response.extensions_mut(),
        }
    }
}

/// Sends the request of an opening handshake and reads the head of the answer.
pub(crate) fn exchange<S>(
    io: S,
    request: Request<String>,
) -> impl Future<Output = Result<Answer<S>, DialError>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    ask(io, request, |status| status == StatusCode::SWITCHING_PROTOCOLS)
}

/// Sends a `CONNECT` and reads the head of the answer, which is a tunnel with any 2xx (RFC 9110, 9.3.6).
#[cfg(feature = "proxy")]
pub(crate) fn tunnel<S>(io: S, request: Request<String>) -> impl Future<Output = Result<Answer<S>, DialError>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    ask(io, request, |status| status.is_success())
}

async fn ask<S>(
    mut io: S,
    request: Request<String>,
    switches: fn(StatusCode) -> bool,
) -> Result<Answer<S>, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match head::ask(&mut io, &request, switches).await.map_err(http_error)? {
        // RFC 9110, 7.8: HTTP/1.0 has no upgrades.
        Heard::Accepted(response, _)
            if response.status() == StatusCode::SWITCHING_PROTOCOLS
                && response.version() != Version::HTTP_11 =>
        {
            Err(http_error(SwitchedInHttp10))
        }
        Heard::Accepted(response, read_buf) => Ok(Answer::Switched(io, read_buf, response)),
        // Boxed, so that those who are accepted have no room for it.
        Heard::Other(read, end) => Box::pin(refused(Replayed::new(io, read, end), request)).await,
    }
}

/// Has hyper read an answer that accepts nothing.
async fn refused<S>(io: Replayed<S>, request: Request<String>) -> Result<Answer<S>, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        // The size of the buffer bounds what is held, but one read may complete a longer head.
        .max_header_size(MAX_HEAD)
        .handshake(TokioIo::new(io))
        .await
        .map_err(http_error)?;
    let mut driver = Driver { connection, done: false };
    let mut response = pin!(sender.send_request(request));
    let response = poll_fn(|cx| {
        let driven = driver.poll(cx);
        // The response first: an end of the connection is no error if it came behind an answer.
        match response.as_mut().poll(cx) {
            Poll::Ready(Ok(response)) => return Poll::Ready(Ok(response)),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(http_error(error))),
            Poll::Pending => {}
        }
        match driven {
            Poll::Ready(Ok(())) => {
                Poll::Ready(Err(http_error(io::Error::from(io::ErrorKind::UnexpectedEof))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(http_error(error))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await?;
    Ok(Answer::Refused(Refused { driver, response }))
}

/// A refusal, whose body has not been read.
pub(crate) struct Refused<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    driver: Driver<S>,
    response: Response<Incoming>,
}

impl<S> Refused<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The response, and what drives the connection that its body comes from.
    pub(crate) fn into_parts(self) -> (Driver<S>, Response<Incoming>) {
        let (mut head, body) = self.response.into_parts();
        // hyper's handle of an upgrade that does not come.
        head.extensions.clear();
        (self.driver, Response::from_parts(head, body))
    }

    /// The head alone; the connection ends.
    pub(crate) fn without_body(self) -> Response<Bytes> {
        let (mut head, _) = self.response.into_parts();
        detach(&mut head.headers);
        Response::from_parts(head, Bytes::new())
    }

    /// Reads the first part of the body; the connection ends with it.
    ///
    /// Bounded in size and time, as a body may have no end. What has arrived by then is what there is: a body that
    /// breaks off must not hide the status.
    pub(crate) async fn read(self, deadline: Option<Instant>) -> Response<Bytes> {
        let Self { mut driver, response } = self;
        let (mut head, mut body) = response.into_parts();
        detach(&mut head.headers);
        let mut kept = BytesMut::new();
        let read = poll_fn(|cx| {
            loop {
                // Its end, with or without an error, shows in the body.
                let _ = driver.poll(cx);
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        let Ok(data) = frame.into_data() else { return Poll::Ready(()) };
                        kept.extend_from_slice(&data[..data.len().min(MAX_BODY - kept.len())]);
                        if kept.len() == MAX_BODY {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        let limit = Instant::now() + BODY_TIMEOUT;
        let _ = timeout_at(deadline.map_or(limit, |deadline| deadline.min(limit)), read).await;
        Response::from_parts(head, kept.freeze())
    }
}

/// hyper's connection, which must not be polled after its end.
pub(crate) struct Driver<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connection: Connection<TokioIo<Replayed<S>>, String>,
    done: bool,
}

impl<S> Driver<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        if self.done {
            return Poll::Ready(Ok(()));
        }
        let ended = self.connection.poll_without_shutdown(cx);
        self.done = ended.is_ready();
        ended
    }
}

/// Moves the values of a head out of hyper's read buffer into an allocation of their own.
///
/// Callers keep responses as long as connections, and the buffer is 8 KiB at the least.
pub(crate) fn detach(headers: &mut HeaderMap) {
    let mut values = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    headers.values().for_each(|value| values.extend_from_slice(value.as_bytes()));
    let mut values = values.freeze();
    for value in headers.values_mut() {
        // The bytes were a value before, so they are one now.
        if let Ok(own) = HeaderValue::from_maybe_shared(values.split_to(value.len())) {
            *value = own;
        }
    }
}

fn http_error(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DialError {
    let source = source.into();
    let kind = TlsError::find_in_http(&*source).map_or(DialErrorKind::Http, DialErrorKind::Tls);
    DialError::from(kind).with_source(source)
}

/// The server switches protocols in a version that cannot.
#[derive(Debug)]
struct SwitchedInHttp10;

impl fmt::Display for SwitchedInHttp10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a 101 in HTTP/1.0")
    }
}

impl std::error::Error for SwitchedInHttp10 {}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn detached_headers_are_the_same_and_leave_the_buffer_to_its_owner() {
        let mut buffer = BytesMut::from("first second third frame").freeze();
        let mut headers = HeaderMap::new();
        for (name, length) in [("a", 6), ("b", 0), ("a", 7), ("c", 5)] {
            let value = HeaderValue::from_maybe_shared(buffer.split_to(length)).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let before = headers.clone();
        detach(&mut headers);
        assert_eq!(headers, before);
        drop(before);
        assert!(buffer.try_into_mut().is_ok());
    }
}
