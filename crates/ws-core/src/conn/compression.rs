//! Compression where it is chosen: for a connection, for the messages from now on, for one message (RFC 7692).

use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Conn, MessageWriter, WriteHalf,
    step::{Incoming, Piece, Place, Step, Want},
    via::Via,
};
use crate::{Compression, CompressionLevel, Error, Message, MessageKind, NegotiatedDeflate};

impl<S> Conn<S> {
    /// The parameters of permessage-deflate that the opening handshake agreed on (RFC 7692); `None` without compression.
    #[must_use]
    pub fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.0.deflate
    }

    /// Whether the messages from now on are compressed: [`Compression::On`] unless set. Without the extension none is,
    /// whatever is set.
    ///
    /// Leave out what is compressed already, and **secrets that are sent beside text of somebody else's choice**.
    pub fn set_write_compression(&mut self, compression: Compression) {
        self.0.protocol.set_compression(compression);
    }

    /// How hard to compress the messages from now on: the level of the [`DeflateConfig`](crate::DeflateConfig) unless set.
    pub fn set_compression_level(&mut self, level: CompressionLevel) {
        self.0.protocol.set_compression_level(level);
    }

    /// Does something with another choice, and takes the former again.
    pub(super) fn with_compression<T>(
        &mut self,
        compression: Compression,
        send: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.0.protocol.sender().compression();
        self.0.protocol.set_compression(compression);
        let result = send(self);
        self.0.protocol.set_compression(before);
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// As [`write_message`](Self::write_message), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_message_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        self.queue_message_with(message, compression).await?;
        self.flush().await
    }

    /// As [`queue_message`](Self::queue_message), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_message_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.start_send_with(message, compression)
    }

    /// As [`next_writer`](Self::next_writer), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// As [`next_writer`](Self::next_writer).
    pub async fn next_writer_with(
        &mut self,
        kind: MessageKind,
        compression: Compression,
    ) -> Result<MessageWriter<'_, S>, Error> {
        poll_fn(|cx| self.poll_begin(cx, kind)).await?;
        self.choose_for_message(compression);
        Ok(MessageWriter::new(Via::Whole(self), kind))
    }
}

impl<S: AsyncWrite + Unpin> Conn<S> {
    /// As [`start_send`](Self::start_send), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        self.with_compression(compression, |conn| conn.start_send(message))
    }
}

impl<S> WriteHalf<S> {
    /// The parameters of permessage-deflate that the opening handshake agreed on; see [`Conn::deflate`].
    #[must_use]
    pub fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.joint().lock().deflate()
    }

    /// Whether the messages from now on are compressed; see [`Conn::set_write_compression`].
    pub fn set_write_compression(&mut self, compression: Compression) {
        self.joint().lock().set_write_compression(compression);
    }

    /// How hard to compress the messages from now on; see [`Conn::set_compression_level`].
    pub fn set_compression_level(&mut self, level: CompressionLevel) {
        self.joint().lock().set_compression_level(level);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WriteHalf<S> {
    /// As [`write_message`](Self::write_message), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all. Once it is queued, a later call sends it.
    pub async fn write_message_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.start_send_with(message, compression)?;
        self.flush().await
    }

    /// As [`queue_message`](Self::queue_message), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// Safe: the message is queued whole or not at all.
    pub async fn queue_message_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        self.queue(|conn| conn.start_send_with(message, compression)).await
    }

    /// As [`start_send`](Self::start_send), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    pub fn start_send_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        self.joint().lock().start_send_with(message, compression)
    }

    /// As [`next_writer`](Self::next_writer), with a choice for this message alone.
    ///
    /// # Errors
    /// As [`Conn::write_message`].
    ///
    /// # Cancel safety
    /// As [`Conn::next_writer`].
    pub async fn next_writer_with(
        &mut self,
        kind: MessageKind,
        compression: Compression,
    ) -> Result<MessageWriter<'_, S>, Error> {
        poll_fn(|cx| self.joint().lock().poll_begin(cx, kind)).await?;
        self.joint().lock().choose_for_message(compression);
        Ok(MessageWriter::new(Via::Half(self.joint()), kind))
    }
}

impl<S> Conn<S> {
    /// Takes a chunk that was decompressed. It is copied: it lies in a decompressor that others use next.
    pub(super) fn take_inflated(
        &mut self,
        want: &Want<'_, '_>,
        kind: MessageKind,
        last: bool,
    ) -> Option<Step> {
        if let Some(timers) = self.0.timers.as_deref_mut().filter(|_| last) {
            timers.message_is_complete();
        }
        let count = self.0.protocol.receiver().inflated().len();
        self.count_inflated(count, last);
        let step = if matches!(self.0.incoming, Incoming::Skipped) {
            if last {
                self.0.incoming = Incoming::None;
            }
            None
        } else {
            let is_whole = matches!(want, Want::Message);
            let receiver = self.0.protocol.receiver();
            let budget = self.0.settings.inbound_budget.as_ref().filter(|_| is_whole);
            if let Err(violation) = self.0.message.make_room(receiver.inflated().len(), receiver, budget) {
                self.0.protocol.fail(violation);
                self.begin_failed(violation);
                return None;
            }
            self.0.message.bytes.extend_from_slice(receiver.inflated());
            if is_whole {
                self.0.incoming = if last { Incoming::None } else { Incoming::Whole(kind) };
            }
            let end = self.0.message.bytes.len();
            let piece = Piece { kind, place: Place::Message, start: 0, end, last };
            (last || !is_whole).then_some(Step::Data(piece))
        };
        self.0.protocol.receiver().release_inflated();
        step
    }
}
