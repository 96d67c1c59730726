//! A frame: a header and its payload.

use std::{future::poll_fn, io, pin::Pin, task::ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

use super::{close::close_payload, keys::random_masking_key, read_header};
use crate::{
    CloseFrame, Error, ErrorKind, Message, Role, UsageError, Utf8Bytes, Violation,
    frame::{FrameHeader, MAX_CONTROL_PAYLOAD, MaskingKey, Opcode, ReservedBits, apply_mask},
};

/// A frame: a header and its payload.
///
/// The payload is kept **as it stands on the wire**: masked if and only if the header has a key. A frame that was read
/// is unmasked with [`into_unmasked`](Self::into_unmasked); one that a client sends gets a fresh key from
/// [`sent_by`](Self::sent_by).
///
/// [`encode`](Self::encode) compiles a frame to bytes that can be kept and written to any number of connections, as long
/// as it is not masked: a client needs a fresh key each time (RFC 6455, 5.3).
///
/// ```
/// use bytes::BytesMut;
/// use ws_core::{Role, raw::Frame};
///
/// let going_away = Frame::close(ws_core::CloseFrame::new(1001, "restarting"))?.encode();
/// assert_eq!(&going_away[..4], [0x88, 12, 0x03, 0xE9]);
///
/// let frame = Frame::text("hello").sent_by(Role::Client)?;
/// let mut wire = BytesMut::from(&frame.encode()[..]);
/// let received = Frame::decode(&mut wire, 1024)?.ok_or("incomplete")?;
/// assert_eq!(received.into_unmasked().payload(), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Frame {
    header: FrameHeader,
    payload: Bytes,
}

impl Frame {
    /// An unmasked frame with FIN set.
    ///
    /// Nothing is checked here: this makes the frames for which the other constructors have no room, such as a fragment
    /// that ends within a character, and the wrong ones that tests need.
    pub fn new(opcode: Opcode, payload: impl Into<Bytes>) -> Self {
        let payload = payload.into();
        Self { header: FrameHeader::new(opcode, payload.len() as u64), payload }
    }

    /// A text message in one frame.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::new(Opcode::TEXT, text.into())
    }

    /// A binary message in one frame.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::new(Opcode::BINARY, data)
    }

    /// The last fragment of a message; one in the middle with [`with_fin(false)`](Self::with_fin).
    pub fn continuation(data: impl Into<Bytes>) -> Self {
        Self::new(Opcode::CONTINUATION, data)
    }

    /// A ping.
    ///
    /// # Errors
    /// [`UsageError::ControlTooLong`] for a payload over 125 bytes.
    pub fn ping(payload: impl Into<Bytes>) -> Result<Self, UsageError> {
        Self::control(Opcode::PING, payload.into())
    }

    /// A pong.
    ///
    /// # Errors
    /// [`UsageError::ControlTooLong`] for a payload over 125 bytes.
    pub fn pong(payload: impl Into<Bytes>) -> Result<Self, UsageError> {
        Self::control(Opcode::PONG, payload.into())
    }

    /// A close frame; without code and reason if given `None`.
    ///
    /// # Errors
    /// [`UsageError::UnsendableCloseCode`] and [`UsageError::CloseReasonTooLong`]; a reason that may be long goes through
    /// [`truncate_reason`](super::truncate_reason) first.
    pub fn close(frame: impl Into<Option<CloseFrame>>) -> Result<Self, UsageError> {
        let Some(frame) = frame.into() else { return Ok(Self::new(Opcode::CLOSE, Bytes::new())) };
        Ok(Self::new(Opcode::CLOSE, Bytes::copy_from_slice(&close_payload(&frame)?)))
    }

    fn control(opcode: Opcode, payload: Bytes) -> Result<Self, UsageError> {
        // 5.5: a control frame carries at most 125 bytes.
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(UsageError::ControlTooLong);
        }
        Ok(Self::new(opcode, payload))
    }

    /// Sets or clears FIN: whether this is the last frame of its message.
    pub fn with_fin(mut self, fin: bool) -> Self {
        self.header.fin = fin;
        self
    }

    /// Sets RSV1 to RSV3 as an extension wants them.
    pub fn with_reserved(mut self, bits: ReservedBits) -> Self {
        self.header.reserved = bits;
        self
    }

    /// The header; its length is the payload's.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The payload as it stands on the wire.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The header and the payload as it stands on the wire.
    #[must_use]
    pub fn into_parts(self) -> (FrameHeader, Bytes) {
        (self.header, self.payload)
    }

    /// The frame as this end of a connection has to send it: masked with a fresh key by a client, unmasked by a server.
    ///
    /// # Errors
    /// Those of [`random_masking_key`].
    pub fn sent_by(self, role: Role) -> Result<Self, Error> {
        Ok(match role {
            Role::Client => self.into_masked(random_masking_key()?),
            Role::Server => self.into_unmasked(),
        })
    }

    /// A copy that is masked with this key; the payload of `self` is left as it is.
    pub fn masked(&self, key: MaskingKey) -> Self {
        self.remasked(BytesMut::from(&self.payload[..]), Some(key))
    }

    /// A copy without a mask. If there is none, the payload is shared.
    pub fn unmasked(&self) -> Self {
        if self.header.mask.is_none() {
            return self.clone();
        }
        self.remasked(BytesMut::from(&self.payload[..]), None)
    }

    /// Masks with this key, in place unless the payload is shared.
    pub fn into_masked(mut self, key: MaskingKey) -> Self {
        let payload = owned(std::mem::take(&mut self.payload));
        self.remasked(payload, Some(key))
    }

    /// Takes the mask off, in place unless the payload is shared.
    pub fn into_unmasked(mut self) -> Self {
        if self.header.mask.is_none() {
            return self;
        }
        let payload = owned(std::mem::take(&mut self.payload));
        self.remasked(payload, None)
    }

    /// The frame with another mask, over these bytes.
    fn remasked(&self, mut payload: BytesMut, mask: Option<MaskingKey>) -> Self {
        for key in self.header.mask.into_iter().chain(mask) {
            apply_mask(&mut payload, key);
        }
        Self { header: FrameHeader { mask, ..self.header }, payload: payload.freeze() }
    }

    /// The frame as bytes, to be written as often as wanted.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let header = self.header.encode();
        let mut bytes = BytesMut::with_capacity(header.len() + self.payload.len());
        bytes.put_slice(&header);
        bytes.put_slice(&self.payload);
        bytes.freeze()
    }

    /// Takes a frame from the front of `input`, without copying; `None` while bytes are missing.
    ///
    /// Nothing but the length is checked. What follows the frame stays in `input`.
    ///
    /// # Errors
    /// The violations of [`FrameHeader::decode`], and [`Violation::TooBig`] for a payload over `limit` bytes, as soon as the
    /// header is there. Nothing is taken then.
    pub fn decode(input: &mut BytesMut, limit: u64) -> Result<Option<Self>, Violation> {
        let Some((header, header_len)) = FrameHeader::decode(input)? else { return Ok(None) };
        let payload_len = payload_len(&header, limit)?;
        if input.len() - header_len < payload_len {
            return Ok(None);
        }
        input.advance(header_len);
        Ok(Some(Self { header, payload: input.split_to(payload_len).freeze() }))
    }
}

impl TryFrom<Message> for Frame {
    type Error = UsageError;

    /// The message in one unmasked frame.
    ///
    /// # Errors
    /// Those of [`Frame::ping`], [`Frame::pong`] and [`Frame::close`].
    fn try_from(message: Message) -> Result<Self, UsageError> {
        match message {
            Message::Text(text) => Ok(Self::text(text)),
            Message::Binary(data) => Ok(Self::binary(data)),
            Message::Ping(payload) => Self::ping(payload),
            Message::Pong(payload) => Self::pong(payload),
            Message::Close(frame) => Self::close(frame),
        }
    }
}

/// Reads a frame with at most `limit` bytes of payload, and not one byte more.
///
/// `None` means that the stream ended before the first byte. The frame is not checked but for its length, and the payload
/// is not unmasked: [`FrameChecker`](super::FrameChecker) and [`Frame::into_unmasked`] do that. Memory follows the bytes
/// that arrive, never the length that the header announces.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ws_core::raw::{self, Frame};
///
/// let (mut near, mut far) = tokio::io::duplex(1024);
/// raw::write_frame(&mut near, &Frame::text("hello")).await?;
/// let frame = raw::read_frame(&mut far, 64 << 10).await?;
/// assert_eq!(frame, Some(Frame::text("hello")));
/// # Ok::<(), ws_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ErrorKind::TooBig`] before any of the payload is read, [`ErrorKind::Protocol`] for a length that is not minimal or
/// over 2^63, [`ErrorKind::ConnectionLost`] when the stream ends within the frame, [`ErrorKind::Io`] for a failed read.
///
/// # Cancel safety
/// **Not** cancel safe: the beginning of a frame is lost with the future.
pub async fn read_frame<R>(io: &mut R, limit: u64) -> Result<Option<Frame>, Error>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let Some(header) = read_header(io).await? else { return Ok(None) };
    let mut payload = BytesMut::new();
    read_payload(io, &mut payload, payload_len(&header, limit)?, |_| Ok(())).await?;
    Ok(Some(Frame { header, payload: payload.freeze() }))
}

/// Writes a frame as it is: header and payload in **one** write, if the stream takes it.
///
/// Streams without vectored writes get a copy of the two in one piece. Nothing is checked or masked; see
/// [`Frame::sent_by`].
///
/// # Errors
/// [`ErrorKind::ConnectionLost`] and [`ErrorKind::Io`] when the write fails.
///
/// # Cancel safety
/// **Not** cancel safe: a part of the frame may have been written, and nothing can follow it then.
/// [`FrameWriter`](super::FrameWriter) keeps what is left to be written.
pub async fn write_frame<W>(io: &mut W, frame: &Frame) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    write_pieces(io, &frame.header.encode(), &frame.payload).await
}

/// The announced length as a size in memory, if it is within the limit.
pub(super) fn payload_len(header: &FrameHeader, limit: u64) -> Result<usize, Violation> {
    if header.payload_len > limit {
        return Err(Violation::TooBig { limit });
    }
    usize::try_from(header.payload_len).map_err(|_| Violation::TooBig { limit: usize::MAX as u64 })
}

/// Appends exactly `len` bytes to the buffer; `on_piece` sees them as they arrive.
pub(super) async fn read_payload<R>(
    io: &mut R,
    buffer: &mut BytesMut,
    len: usize,
    mut on_piece: impl FnMut(&mut [u8]) -> Result<(), Violation>,
) -> Result<(), Error>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let mut remaining = len;
    poll_fn(|cx| {
        while remaining > 0 {
            if buffer.len() == buffer.capacity() {
                // At the most what has arrived once more, whatever the header says.
                buffer.reserve(remaining.min(buffer.len().max(FIRST_PIECE)));
            }
            let before = buffer.len();
            let mut room = (&mut *buffer).limit(remaining);
            let count = ready!(poll_read_buf(Pin::new(&mut *io), cx, &mut room)).map_err(Error::transport)?;
            if count == 0 {
                return Err(Error::new(ErrorKind::ConnectionLost)).into();
            }
            remaining -= count;
            on_piece(&mut buffer[before..])?;
        }
        Ok(()).into()
    })
    .await
}

/// Writes two pieces at once.
pub(super) async fn write_pieces<W>(io: &mut W, header: &[u8], payload: &[u8]) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let joined;
    let (header, payload) = if payload.is_empty() || io.is_write_vectored() {
        (header, payload)
    } else {
        joined = [header, payload].concat();
        (&joined[..], &[][..])
    };
    let mut pieces = header.chain(payload);
    poll_fn(|cx| {
        while pieces.has_remaining() {
            let count =
                ready!(poll_write_buf(Pin::new(&mut *io), cx, &mut pieces)).map_err(Error::transport)?;
            if count == 0 {
                return Err(Error::transport(io::ErrorKind::WriteZero.into())).into();
            }
        }
        Ok(()).into()
    })
    .await
}

/// The bytes for writing: themselves, or a copy if others share them.
fn owned(bytes: Bytes) -> BytesMut {
    bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]))
}

/// Room for the first bytes of a payload: most payloads as a whole.
const FIRST_PIECE: usize = 4096;
