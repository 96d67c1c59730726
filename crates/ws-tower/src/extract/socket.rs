//! [`WebSocket`]: a [`Conn`] with the methods of axum's type of this name.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum_core::Error;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use http::HeaderValue;
use ws_core::{Conn, Message};

use crate::Upgraded;

/// A WebSocket connection with the methods of `axum::extract::ws::WebSocket`.
///
/// It is a [`Stream`] and a [`Sink`] as well, so that `StreamExt::split` gives two halves. Pings are answered and
/// the closing handshake is finished without help, as long as the connection is read.
///
/// Errors are axum's; what stands behind one is a [`ws_core::Error`], which says whose fault it was:
///
/// ```
/// # fn example(error: axum_core::Error) {
/// if let Ok(error) = error.into_inner().downcast::<ws_core::Error>() {
///     println!("{:?}", error.kind());
/// }
/// # }
/// ```
///
/// [`into_conn`](Self::into_conn) leads out of the compatible surface, to everything [`Conn`] can do. Dropping a
/// `WebSocket` drops the transport without a closing handshake; a panic [sends 1011](crate#when-a-handler-panics).
// Small because an `async fn` that takes it by value keeps two places for it, and a task never shrinks. Without a block of
// its own: one of this size is not merged with what is freed around it, and glibc would keep all of it.
pub struct WebSocket {
    conn: Conn<Upgraded>,
    protocol: Option<Box<HeaderValue>>,
    // Whether the stream has given its last item.
    terminated: bool,
}

impl WebSocket {
    pub(crate) fn new(conn: Conn<Upgraded>, protocol: Option<HeaderValue>) -> Self {
        Self { conn, protocol: protocol.map(Box::new), terminated: false }
    }

    /// Receives the next message, control frames included; `None` once the connection is over.
    ///
    /// A close frame is delivered as [`Message::Close`] and has been answered by then; after it comes `None`.
    ///
    /// # Errors
    /// What [`Conn::recv`] reports. After an error comes `None`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        poll_fn(|cx| self.poll_message(cx))
    }

    /// Sends a message, and with it what was queued before.
    ///
    /// # Errors
    /// What [`Conn::write_message`] reports: the connection is over, or the message may not be sent.
    ///
    /// # Cancel safety
    /// When the future is dropped the message was queued whole or not at all.
    pub fn send(&mut self, msg: Message) -> impl Future<Output = Result<(), Error>> {
        let mut write = self.conn.write_message(msg);
        poll_fn(move |cx| Pin::new(&mut write).poll(cx).map_err(Error::new))
    }

    /// The subprotocol that was chosen, if any.
    #[must_use]
    pub fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_deref()
    }

    /// The connection underneath.
    #[must_use]
    pub fn into_conn(self) -> Conn<Upgraded> {
        self.conn
    }

    #[inline]
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if self.terminated {
            return Poll::Ready(None);
        }
        match ready!(self.conn.poll_recv(cx)) {
            Ok(Some(message)) => Poll::Ready(Some(Ok(message))),
            Ok(None) => Poll::Ready(self.end(None)),
            Err(error) => Poll::Ready(self.end(Some(error))),
        }
    }

    /// The last item, if any: there is none behind an error.
    #[cold]
    fn end<T>(&mut self, error: Option<ws_core::Error>) -> Option<Result<T, Error>> {
        self.terminated = true;
        error.map(|error| Err(Error::new(error)))
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        self.terminated
    }
}

/// Queues messages; they go out on flush, and whenever the stream side is about to wait.
///
/// Closing the sink sends a close frame with 1000; the stream side finishes the closing handshake.
impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.conn).poll_ready(cx).map_err(Error::new)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Message) -> Result<(), Error> {
        Pin::new(&mut self.conn).start_send(item).map_err(Error::new)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.conn).poll_flush(cx).map_err(Error::new)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Through the trait: the method of this name on `Conn` waits for the peer, and a `split` half that closes must
        // not take the messages of the other.
        Sink::poll_close(Pin::new(&mut self.conn), cx).map_err(Error::new)
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("protocol", &self.protocol)
            .field("terminated", &self.terminated)
            .finish_non_exhaustive()
    }
}
