//! `Stream` and `Sink`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Conn;
use crate::{CloseCode, Error, Message};

/// The data messages, as [`Conn::read_message`] gives them; ends after a normal close and after an error.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Conn<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.stream_ended {
            return Poll::Ready(None);
        }
        let result = ready!(self.poll_read_message(cx));
        self.stream_ended = !matches!(result, Ok(Some(_)));
        Poll::Ready(result.transpose())
    }
}

/// Queues messages; they go out on flush, and whenever the stream side is about to wait.
///
/// Closing the sink sends a close frame with 1000. The stream side finishes the closing handshake.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Conn<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_ready(&mut self, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Self::start_send(&mut self, message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&mut self, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.closing().sent().is_none() && !self.ending.is_begun() {
            Self::start_send(&mut self, Message::Close(CloseCode::NORMAL_CLOSURE.into()))?;
        }
        Self::poll_flush(&mut self, cx)
    }
}
