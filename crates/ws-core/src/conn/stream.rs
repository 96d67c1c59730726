//! `Stream` and `Sink`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conn, ReadHalf, WriteHalf};
use crate::{CloseCode, Error, Message};

/// The data messages, as [`Conn::read_message`] gives them; ends after a normal close and after an error.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Conn<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_stream(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    #[inline]
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if self.0.stream_ended {
            return Poll::Ready(None);
        }
        match ready!(self.poll_read_message(cx)) {
            Ok(Some(message)) => Poll::Ready(Some(Ok(message))),
            Ok(None) => Poll::Ready(self.end_stream(None)),
            Err(error) => Poll::Ready(self.end_stream(Some(error))),
        }
    }

    /// What a stream gives when there is no message. A deadline that passed is not the end.
    #[cold]
    fn end_stream(&mut self, error: Option<Error>) -> Option<Result<Message, Error>> {
        self.0.stream_ended = error.as_ref().is_none_or(|error| !error.is_timeout());
        error.map(Err)
    }

    fn poll_sink_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.begin_close(CloseCode::NORMAL_CLOSURE.into())?;
        self.poll_flush(cx)
    }
}

/// As for [`Conn`].
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for ReadHalf<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.joint().lock().poll_stream(cx)
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
        self.poll_sink_close(cx)
    }
}

/// As for [`Conn`].
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WriteHalf<S> {
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

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.joint().lock().poll_sink_close(cx)
    }
}
