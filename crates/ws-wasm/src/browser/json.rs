//! Messages that are JSON.

use serde::{Serialize, de::DeserializeOwned};
use ws_core::{Error, ErrorKind, Message};

use super::{BrowserSocket, ReadHalf, Socket, WriteHalf};

impl<B: BrowserSocket> Socket<B> {
    /// Reads the next message, text or binary, as JSON.
    ///
    /// A message holds one value and nothing else. `None` is a normal end, as in [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// [`ErrorKind::Json`] for a message that is not such a value: it is gone, and the connection is as usable as before. The errors of
    /// [`read_message`](Self::read_message).
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub async fn read_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        self.read.read_json().await
    }

    /// Sends a value as JSON in a text message.
    ///
    /// # Errors
    /// [`ErrorKind::Json`] for a value that JSON cannot hold: nothing is sent. The errors of [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub async fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.write.write_json(value).await
    }
}

impl<B: BrowserSocket> ReadHalf<B> {
    /// Reads the next message as JSON; see [`Socket::read_json`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub async fn read_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let Some(message) = self.read_message().await? else { return Ok(None) };
        serde_json::from_slice(&message.into_data()).map(Some).map_err(no_json)
    }
}

impl<B: BrowserSocket> WriteHalf<B> {
    /// Sends a value as JSON in a text message; see [`Socket::write_json`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub async fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(no_json)?;
        self.write_message(Message::text(text)).await
    }
}

fn no_json(error: serde_json::Error) -> Error {
    Error::from(ErrorKind::Json).with_source(error.into())
}
