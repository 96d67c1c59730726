//! Messages that are JSON.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conn, ReadHalf, WriteHalf};
use crate::{Error, Message};

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the next data message, text or binary, as JSON.
    ///
    /// The value is read from the message where it lies; a message holds one value and nothing else. `None` is a normal end,
    /// as in [`read_message`](Self::read_message).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use ws_core::{Config, Conn, Negotiated, Role};
    ///
    /// # let (near, far) = tokio::io::duplex(1024);
    /// # let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    /// # let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
    /// client.write_json(&("move", 3, 4)).await?;
    /// let step: Option<(String, i32, i32)> = server.read_json().await?;
    /// assert_eq!(step, Some(("move".to_owned(), 3, 4)));
    /// # Ok::<(), ws_core::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Json`](crate::ErrorKind::Json) for a message that is not such a value: it is gone, and the connection is
    /// as usable as before. The errors of [`read_message`](Self::read_message).
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn read_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        poll_fn(|cx| self.poll_read_json(cx)).await
    }

    /// Sends a value as JSON in a text message.
    ///
    /// # Errors
    /// [`ErrorKind::Json`](crate::ErrorKind::Json) for a value that JSON cannot hold: nothing is sent. The errors of
    /// [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.write_message(to_message(value)?).await
    }

    fn poll_read_json<T: DeserializeOwned>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, Error>> {
        let Some(piece) = ready!(self.poll_whole(cx))? else { return Poll::Ready(Ok(None)) };
        let value = serde_json::from_slice(self.piece(piece)).map_err(no_json);
        self.return_piece(piece);
        Poll::Ready(value.map(Some))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadHalf<S> {
    /// Reads the next data message as JSON; see [`Conn::read_json`].
    ///
    /// # Errors
    /// As [`Conn::read_json`].
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn read_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        poll_fn(|cx| self.joint().lock().poll_read_json(cx)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WriteHalf<S> {
    /// Sends a value as JSON in a text message; see [`Conn::write_json`].
    ///
    /// # Errors
    /// As [`Conn::write_json`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.write_message(to_message(value)?).await
    }
}

fn to_message<T: Serialize + ?Sized>(value: &T) -> Result<Message, Error> {
    serde_json::to_string(value).map(Message::text).map_err(no_json)
}

fn no_json(error: serde_json::Error) -> Error {
    Error::json(error.into())
}
