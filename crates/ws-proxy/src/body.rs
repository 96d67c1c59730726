//! [`ProxyBody`]: the body of the responses of a proxy.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use ws_client::RefusalBody;
use ws_tower::ResponseBody;

/// Empty for an accepted handshake, a short text for what the proxy refuses, and what the backend sends for what the backend
/// refuses.
///
/// What the backend sends is passed on as it arrives, and breaks off with an error beyond the bounds of
/// [`Proxy::max_refusal_size`](crate::Proxy::max_refusal_size) and of 30 seconds. Dropped, it ends the connection to the backend.
#[derive(Debug)]
pub struct ProxyBody(Inner);

enum Inner {
    Own(ResponseBody),
    Backend { body: RefusalBody, left: u64, timer: Pin<Box<Sleep>>, failed: Option<io::Error> },
}

impl ProxyBody {
    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Inner::Own(ResponseBody::empty()))
    }

    pub(crate) fn of_backend(body: RefusalBody, max: u64) -> Self {
        Self(Inner::Backend { body, left: max, timer: Box::pin(sleep(TIMEOUT)), failed: None })
    }
}

impl From<ResponseBody> for ProxyBody {
    fn from(body: ResponseBody) -> Self {
        Self(Inner::Own(body))
    }
}

impl From<&'static str> for ProxyBody {
    fn from(text: &'static str) -> Self {
        ResponseBody::from(text).into()
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let (body, left, timer, failed) = match &mut self.0 {
            Inner::Own(body) => {
                let frame = Pin::new(body).poll_frame(cx);
                return frame.map(|frame| frame.map(|frame| frame.map_err(|never| match never {})));
            }
            Inner::Backend { body, left, timer, failed } => (body, left, timer, failed),
        };
        if let Some(error) = failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let error = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if data.is_empty() || *left > 0 => {
                    let mut data = data;
                    data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= data.len() as u64;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(_) => io::Error::other("the backend's refusal is too large"),
                // Trailers belong to a connection that ends here.
                Err(_) => return Poll::Ready(None),
            },
            Poll::Ready(Some(Err(error))) => error,
            Poll::Pending if timer.as_mut().poll(cx).is_ready() => io::ErrorKind::TimedOut.into(),
            Poll::Pending => return Poll::Pending,
        };
        // A server drops what it has not written when a body fails. It writes when it has to wait.
        *failed = Some(error);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Own(body) => body.is_end_stream(),
            Inner::Backend { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Own(body) => body.size_hint(),
            Inner::Backend { body, .. } => body.size_hint(),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(body) => fmt::Debug::fmt(body, f),
            Self::Backend { left, .. } => write!(f, "Backend(up to {left} bytes)"),
        }
    }
}

/// How long the body of a refusal may take.
const TIMEOUT: Duration = Duration::from_secs(30);
