//! The opening handshake on a stream of HTTP/2 (RFC 8441, 5).

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use h2::{RecvStream, client::ResponseFuture, ext::Protocol};
use http::{HeaderName, Method, Request, Response, StatusCode, Uri, Version, header, uri::Authority};
use hyper::body::{Body, Frame};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use ws_core::{Conn, Role};

use super::{Http2Error, Http2Stream, error::from_h2, link::Slot};
use crate::{
    DialError, DialErrorKind, Dialer, RefusalBody, RequestError,
    handshake::{BODY_TIMEOUT, MAX_BODY, detach},
    interim::{MAX_INTERIM, TooManyInterim},
    opening::Opening,
    target::Target,
};

/// What the server answered.
pub(super) enum Answer {
    /// 2xx: the stream is the WebSocket's.
    Accepted(Http2Stream, Response<()>),
    /// Anything else.
    Refused(Refused),
}

impl Answer {
    pub(super) fn response(&self) -> &Response<()> {
        match self {
            Self::Accepted(_, response) => response,
            Self::Refused(refused) => &refused.response,
        }
    }

    pub(super) fn response_mut(&mut self) -> &mut Response<()> {
        match self {
            Self::Accepted(_, response) => response,
            Self::Refused(refused) => &mut refused.response,
        }
    }
}

/// Sends the request on a stream of its own and reads the head of the answer.
pub(super) async fn exchange(mut slot: Slot, request: Request<()>) -> Result<Answer, DialError> {
    let mut requests = slot.take_requests().ok_or(Http2Error::Lost)?;
    // The connection has ended since the slot was taken, or has no more numbers for streams: nothing was sent.
    let unsent = |error| DialError::from(Http2Error::GoAway).with_source(error);
    let (response, send) = requests.send_request(request, false).map_err(unsent)?;
    drop(requests);
    let (mut head, recv) = answer(response).await?.into_parts();
    detach(&mut head.headers);
    let response = Response::from_parts(head, ());
    if !response.status().is_success() {
        return Ok(Answer::Refused(Refused { response, recv, _slot: slot }));
    }
    if recv.is_end_stream() {
        return Err(Http2Error::Ended.into());
    }
    Ok(Answer::Accepted(Http2Stream::new(send, recv, slot), response))
}

/// Waits for the final response, behind a bounded number of interim ones.
async fn answer(mut response: ResponseFuture) -> Result<Response<RecvStream>, DialError> {
    let mut interim = 0;
    poll_fn(|cx| {
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(cx) {
            interim += 1;
            if interim > MAX_INTERIM {
                return Poll::Ready(Err(DialError::from(Http2Error::Protocol).with_source(TooManyInterim)));
            }
        }
        Pin::new(&mut response).poll(cx).map_err(from_h2)
    })
    .await
}

/// A refusal, whose body has not been read.
pub(super) struct Refused {
    response: Response<()>,
    recv: RecvStream,
    _slot: Slot,
}

impl Refused {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The response whose body is read from the stream.
    pub(super) fn into_response(self) -> Response<RefusalBody> {
        let Self { response, recv, _slot } = self;
        response.map(|()| RefusalBody::new(StreamBody { recv, _slot }))
    }

    /// The head alone; the stream ends.
    pub(super) fn without_body(self) -> Response<Bytes> {
        self.response.map(|()| Bytes::new())
    }

    /// Reads the first part of the body; the stream ends with it.
    ///
    /// Bounded in size and time, as over HTTP/1.1.
    pub(super) async fn read(mut self, deadline: Option<Instant>) -> Response<Bytes> {
        let mut kept = BytesMut::new();
        let read = async {
            while kept.len() < MAX_BODY {
                let Some(Ok(data)) = self.recv.data().await else { return };
                kept.extend_from_slice(&data[..data.len().min(MAX_BODY - kept.len())]);
                let _ = self.recv.flow_control().release_capacity(data.len());
            }
        };
        let limit = Instant::now() + BODY_TIMEOUT;
        let _ = timeout_at(deadline.map_or(limit, |deadline| deadline.min(limit)), read).await;
        self.response.map(|()| kept.freeze())
    }
}

/// The body of a refusal.
struct StreamBody {
    recv: RecvStream,
    _slot: Slot,
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(data) = ready!(self.recv.poll_data(cx)) else { return Poll::Ready(None) };
        let data = data.map_err(io::Error::other)?;
        // Whoever polls for the next frame has taken this one.
        let _ = self.recv.flow_control().release_capacity(data.len());
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.recv.is_end_stream()
    }
}

impl<C> Dialer<C> {
    /// Makes a connection of an answer, or an error.
    pub(super) async fn finish_http2<S>(
        &self,
        answer: Answer,
        opening: &Opening,
        deadline: Option<Instant>,
    ) -> Result<(Conn<S>, Response<()>), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + From<Http2Stream>,
    {
        let (stream, response) = match answer {
            Answer::Accepted(stream, response) => (stream, response),
            Answer::Refused(refused) => {
                let response = refused.read(deadline).await;
                return Err(opening.failed(DialErrorKind::Refused(response.status()), response));
            }
        };
        match opening.check_connect(self, &response) {
            Ok(negotiated) => {
                Ok((Conn::new(stream.into(), Role::Client, self.conn_config(), negotiated), response))
            }
            Err(error) => {
                Err(opening.failed(DialErrorKind::Handshake(error), response.map(|()| Bytes::new())))
            }
        }
    }
}

/// The extended `CONNECT` that asks for what an opening handshake of HTTP/1.1 asks for.
pub(super) fn connect_request(target: &Target, request: &Request<String>) -> Result<Request<()>, DialError> {
    let mut headers = request.headers().clone();
    for name in HTTP1_HEADERS {
        headers.remove(name);
    }
    let authority = match headers.remove(header::HOST) {
        None => None,
        // Only one that a caller set can be none.
        Some(host) => {
            Some(Authority::try_from(host.as_bytes()).map_err(|_| RequestError::Header(header::HOST))?)
        }
    };
    let mut uri = target.endpoint.clone().into_parts();
    uri.authority = authority.or(uri.authority);
    uri.path_and_query = target.path.path_and_query().cloned();

    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    // Its parts come from URIs that were whole.
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| RequestError::Header(header::HOST))?;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    Ok(request)
}

/// What HTTP/2 has no place for (RFC 9113, 8.2.2), and the key, which RFC 8441, 5 leaves out.
const HTTP1_HEADERS: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::SEC_WEBSOCKET_KEY,
    header::TE,
    header::UPGRADE,
];
