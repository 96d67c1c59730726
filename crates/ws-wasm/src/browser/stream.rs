//! `Stream` and `Sink`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use ws_core::{CloseCode, Error, Message};

use super::{BrowserSocket, ReadHalf, Socket, WriteHalf};

/// The messages, as [`Socket::read_message`] gives them; ends after a normal close and after an error.
impl<B: BrowserSocket> Stream for Socket<B> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.read).poll_next(cx)
    }
}

/// As for [`Socket`].
impl<B: BrowserSocket> Stream for ReadHalf<B> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.stream_ended {
            return Poll::Ready(None);
        }
        let result = ready!(self.poll_read_message(cx));
        // A deadline that passed is not the end.
        self.stream_ended = match &result {
            Ok(message) => message.is_none(),
            Err(error) => !error.is_timeout(),
        };
        Poll::Ready(result.transpose())
    }
}

/// Hands messages to the browser; is ready, and flushed, while that holds no more than the high-water mark.
///
/// Closing the sink closes with 1000, and does not wait for the server.
impl<B: BrowserSocket> Sink<Message> for Socket<B> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.write.start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Sink::poll_close(Pin::new(&mut self.write), cx)
    }
}

/// As for [`Socket`].
impl<B: BrowserSocket> Sink<Message> for WriteHalf<B> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_ready(&mut self, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Self::start_send(&self, message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&mut self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(self.shared.begin_close(CloseCode::NORMAL_CLOSURE.into()))
    }
}
