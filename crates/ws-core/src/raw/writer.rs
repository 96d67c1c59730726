//! Messages to a stream, in frames that are built where their payload lies.

use std::{
    fmt,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;
use tokio_util::io::poll_write_buf;

use super::{Frame, SendExtension, random_masking_key};
use crate::{
    Error, MessageKind, Role, UsageError,
    frame::{
        EncodedHeader, FrameHeader, MAX_CONTROL_PAYLOAD, MAX_HEADER_LEN, MaskingKey, Opcode, apply_mask,
    },
};

/// Writes messages as frames: an [`AsyncWrite`] whose bytes are the payload, and [`finish`](Self::finish) at the end of
/// each message.
///
/// The payload gathers in a buffer. When more is written than fits, the buffer leaves as a fragment; what fits exactly
/// waits, so that a message no larger than the buffer is one frame. Room for the header is kept before the payload, a
/// client masks in place, and every frame leaves in **one** write:
///
/// ```text
///   0       header room      14                        14 + buffer_size
///   ├──────────┬─────────────┼───────────────────┬──────┤
///   │  unused  │ header ───► │ payload           │ free │
///   └──────────┴─────────────┴───────────────────┴──────┘
///              └── one write ────────────────────┘
/// ```
///
/// A server's write of more than the buffer holds does not pass through the buffer when that is empty and the stream takes
/// vectored writes: it becomes a fragment of up to 64 KiB where it lies, and only what the stream does not take at once
/// is copied.
///
/// [`flush`](tokio::io::AsyncWriteExt::flush) sends what is buffered as a fragment and flushes the stream. So does
/// [`tokio::io::copy`] at its end, and whenever its source has to wait: the end of the message is an empty frame then. Copy
/// in a loop of reads and writes, or [without fragments](Self::without_fragments), where that matters.
/// [`shutdown`](tokio::io::AsyncWriteExt::shutdown) finishes an open message and flushes; the stream stays open. A frame
/// that is not yet written out leaves with the next call of whatever kind. Dropping the writer drops what is buffered: the
/// peer sees a message without an end, never one that is cut and looks whole.
///
/// An error of the stream is final: a part of a frame may have been written, so every later call fails.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use tokio::io::AsyncWriteExt;
/// use ws_core::{
///     MessageKind, Role,
///     raw::{self, Frame, FrameWriter},
/// };
///
/// let (near, mut far) = tokio::io::duplex(1024);
/// let mut writer = FrameWriter::new(near, Role::Server, MessageKind::Text).buffer_size(4);
/// writer.write_all(b"hel").await?;
/// writer.write_all(b"lo").await?;
/// writer.finish().await?;
///
/// let first = raw::read_frame(&mut far, 1024).await?;
/// assert_eq!(first, Some(Frame::text("hell").with_fin(false)));
/// let last = raw::read_frame(&mut far, 1024).await?;
/// assert_eq!(last, Some(Frame::continuation("o")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FrameWriter<W> {
    io: W,
    role: Role,
    kind: MessageKind,
    /// Room for a header, then the payload of the next frame; or what is left of a frame that is being written.
    buffer: Vec<u8>,
    /// Bytes of payload that gather before they leave as a fragment.
    size: usize,
    fragments: bool,
    /// Where in the buffer the next byte to write stands, while a frame is being written.
    sending: Option<usize>,
    /// Control frames that are being written. Never at the same time as a data frame.
    control: BytesMut,
    /// A fragment of the message has left.
    started: bool,
    extensions: Vec<Box<dyn SendExtension + Send>>,
    failed: Option<io::ErrorKind>,
}

impl<W> FrameWriter<W> {
    /// Writes messages of a kind, for this end of a connection. No memory is taken before the first write.
    pub fn new(io: W, role: Role, kind: MessageKind) -> Self {
        Self {
            io,
            role,
            kind,
            buffer: Vec::new(),
            size: DEFAULT_SIZE,
            fragments: true,
            sending: None,
            control: BytesMut::new(),
            started: false,
            extensions: Vec::new(),
            failed: None,
        }
    }

    /// How many bytes of payload gather before they leave as a fragment, 4096 unless set; 1 at least.
    ///
    /// The memory for up to 64 KiB is taken at the first write; a larger buffer grows as it is filled. Fragments that pass
    /// by the buffer may be larger.
    #[must_use]
    pub fn buffer_size(mut self, size: usize) -> Self {
        self.size = size.max(1);
        self
    }

    /// Uses this buffer. A fragment has as much payload as it holds besides 14 bytes for the header.
    ///
    /// Its contents are overwritten, with what still waits in the buffer before it. [`into_parts`](Self::into_parts) gives
    /// it back.
    #[must_use]
    pub fn buffer(mut self, mut buffer: Vec<u8>) -> Self {
        self.size = buffer.capacity().saturating_sub(MAX_HEADER_LEN).max(1);
        buffer.clear();
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
        self
    }

    /// Lets the buffer grow, so that a message of any size is one frame.
    ///
    /// Only [`flush_fragment`](Self::flush_fragment) and [`write_through`](Self::write_through) make fragments then;
    /// `flush` flushes no more than the stream. After the message the buffer shrinks to its size.
    #[must_use]
    pub fn without_fragments(mut self) -> Self {
        self.fragments = false;
        self
    }

    /// Adds an extension that sets reserved bits.
    #[must_use]
    pub fn extension(mut self, extension: impl SendExtension + Send + 'static) -> Self {
        self.extensions.push(Box::new(extension));
        self
    }

    /// The kind of the message that is written.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Whether a message was begun and not finished.
    pub fn is_open(&self) -> bool {
        self.started || self.buffered() > 0
    }

    /// Bytes of payload that wait in the buffer for their frame.
    pub fn buffered(&self) -> usize {
        if self.sending.is_some() { 0 } else { self.buffer.len().saturating_sub(MAX_HEADER_LEN) }
    }

    /// Bytes of payload that the buffer has room for, beyond those that wait in it.
    pub fn available(&self) -> usize {
        self.size.saturating_sub(self.buffered())
    }

    /// Bytes of payload that the buffer holds.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Makes the buffer as large as it takes for `additional` bytes to be [available](Self::available), for good.
    pub fn reserve(&mut self, additional: usize) {
        self.size = self.size.max(self.buffered().saturating_add(additional));
    }

    /// Writes messages of another kind from now on.
    ///
    /// # Errors
    /// [`UsageError::MessageOpen`] while a message [is open](Self::is_open).
    pub fn reset(&mut self, kind: MessageKind) -> Result<(), UsageError> {
        if self.is_open() {
            return Err(UsageError::MessageOpen);
        }
        self.kind = kind;
        Ok(())
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &W {
        &self.io
    }

    /// The stream beneath. Write to it only after a flush, and only whole control frames while a message is open.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.io
    }

    /// Gives back the stream and the buffer. What is not written out is lost.
    pub fn into_parts(mut self) -> (W, Vec<u8>) {
        self.buffer.clear();
        (self.io, self.buffer)
    }
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    /// Sends the end of the message: a final frame with what is buffered, empty if nothing is. Flushes the stream.
    ///
    /// # Errors
    /// [`ErrorKind::ConnectionLost`](crate::ErrorKind::ConnectionLost) and [`ErrorKind::Io`](crate::ErrorKind::Io) when the
    /// stream fails or has failed.
    ///
    /// # Cancel safety
    /// No frame is cut: dropped early, the end was taken as a whole and leaves with a later call, or not at all. Call it
    /// again only while the message [is open](Self::is_open); of an empty message that does not tell.
    pub async fn finish(&mut self) -> Result<(), Error> {
        let mut is_sealed = false;
        poll_fn(|cx| {
            ready!(self.poll_drain(cx))?;
            if !is_sealed {
                self.seal(true)?;
                is_sealed = true;
            }
            self.poll_flush_out(cx)
        })
        .await
        .map_err(Error::transport)
    }

    /// Sends what is buffered as a fragment; the message goes on. Nothing happens if nothing is buffered.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    ///
    /// # Cancel safety
    /// Cancel safe: the fragment leaves with a later call.
    pub async fn flush_fragment(&mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            ready!(self.poll_fragment(cx))?;
            self.poll_flush_out(cx)
        })
        .await
        .map_err(Error::transport)
    }

    /// Sends a payload as a fragment of its own, of any size, past the buffer; what is buffered goes before it.
    ///
    /// A server copies only what the stream does not take at once; a client masks a copy.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    ///
    /// # Cancel safety
    /// No frame is cut: dropped early, the payload was taken as a whole and leaves with a later call, or not at all.
    pub async fn write_through(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut is_taken = false;
        poll_fn(|cx| {
            ready!(self.poll_fragment(cx))?;
            if !is_taken {
                if self.goes_direct() {
                    self.send_direct(cx, payload)?;
                } else {
                    self.gather(payload);
                    self.seal(false)?;
                }
                is_taken = true;
            }
            self.poll_drain(cx)
        })
        .await
        .map_err(Error::transport)
    }

    /// Sends a control frame, between the fragments of an open message too. A client masks it.
    ///
    /// # Errors
    /// [`UsageError::NotControl`] for a data frame and for a fragment, [`UsageError::ControlTooLong`] for more than 125 bytes
    /// of payload; otherwise as for [`finish`](Self::finish). What a close frame says is not looked at:
    /// [`Frame::close`] has done that.
    ///
    /// # Cancel safety
    /// No frame is cut: dropped early, the frame was taken as a whole and leaves with a later call, or not at all.
    pub async fn write_control(&mut self, frame: Frame) -> Result<(), Error> {
        // 5.5: control frames are never fragmented and have at most 125 bytes.
        let header = frame.header();
        if !header.opcode.is_control() || !header.fin {
            return Err(UsageError::NotControl.into());
        }
        if header.payload_len > MAX_CONTROL_PAYLOAD as u64 {
            return Err(UsageError::ControlTooLong.into());
        }
        let mut frame = Some(frame.sent_by(self.role)?);
        poll_fn(|cx| {
            ready!(self.poll_drain(cx))?;
            if let Some(frame) = frame.take() {
                self.control.extend_from_slice(&frame.encode());
            }
            self.poll_flush_out(cx)
        })
        .await
        .map_err(Error::transport)
    }

    /// Sends what is buffered as a fragment.
    fn poll_fragment(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if self.buffered() > 0 {
            self.seal(false)?;
        }
        self.poll_drain(cx)
    }

    /// Writes out frames that are under way.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.failed {
            return Err(kind.into()).into();
        }
        let result = ready!(self.poll_write_out(cx));
        Poll::Ready(self.keep_error(result))
    }

    /// Writes out frames that are under way and flushes the stream.
    fn poll_flush_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        let result = ready!(Pin::new(&mut self.io).poll_flush(cx));
        Poll::Ready(self.keep_error(result))
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(at) = self.sending {
            if at < self.buffer.len() {
                let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.buffer[at..]))?;
                self.sending = Some(at + not_zero(count)?);
                continue;
            }
            self.sending = None;
            self.buffer.clear();
            // No more than the room of a caller's buffer, and no less.
            self.buffer.shrink_to(self.size.saturating_add(MAX_HEADER_LEN));
        }
        while self.control.has_remaining() {
            not_zero(ready!(poll_write_buf(Pin::new(&mut self.io), cx, &mut self.control))?)?;
        }
        Ok(()).into()
    }

    /// Whether payloads may be sent from where they lie.
    fn goes_direct(&self) -> bool {
        self.role == Role::Server && self.io.is_write_vectored()
    }

    /// Sends a fragment from where it lies, with an empty buffer. What the stream does not take is copied.
    fn send_direct(&mut self, cx: &mut Context<'_>, payload: &[u8]) -> io::Result<()> {
        let header = self.next_header(false, payload.len())?;
        let pieces = [IoSlice::new(&header), IoSlice::new(payload)];
        let written = match Pin::new(&mut self.io).poll_write_vectored(cx, &pieces) {
            Poll::Ready(result) => self.keep_error(result.and_then(not_zero))?,
            Poll::Pending => 0,
        };
        if written < header.len() + payload.len() {
            self.buffer.clear();
            self.buffer.extend_from_slice(&header[written.min(header.len())..]);
            self.buffer.extend_from_slice(&payload[written.saturating_sub(header.len())..]);
            self.sending = Some(0);
        }
        Ok(())
    }
}

impl<W> FrameWriter<W> {
    /// Remembers an error of the stream, which is final.
    fn keep_error<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| self.failed = Some(error.kind()))
    }

    /// Appends payload to the buffer.
    fn gather(&mut self, payload: &[u8]) {
        if self.buffer.is_empty() {
            let size = if self.fragments { self.size.min(MAX_FIRST_ROOM) } else { 0 };
            self.buffer.reserve_exact(MAX_HEADER_LEN + size);
            self.buffer.resize(MAX_HEADER_LEN, 0);
        }
        self.buffer.extend_from_slice(payload);
    }

    /// Makes a frame of what is buffered, to be written out.
    fn seal(&mut self, fin: bool) -> io::Result<()> {
        self.gather(&[]);
        let payload_len = self.buffer.len() - MAX_HEADER_LEN;
        let header = self.next_header(fin, payload_len)?;
        let (room, payload) = self.buffer.split_at_mut(MAX_HEADER_LEN);
        let start = MAX_HEADER_LEN - header.len();
        room[start..].copy_from_slice(&header);
        if self.role == Role::Client {
            // 5.3: the key stands in the last four bytes of the header.
            if let Some(key) = room.last_chunk().copied().map(MaskingKey::new) {
                apply_mask(payload, key);
            }
        }
        self.sending = Some(start);
        Ok(())
    }

    /// The header of the next data frame, which must be sent then.
    fn next_header(&mut self, fin: bool, payload_len: usize) -> io::Result<EncodedHeader> {
        let opcode = if self.started { Opcode::CONTINUATION } else { self.kind.opcode() };
        // 5.1: a client masks all frames, a server none.
        let mask = match self.role {
            Role::Client => Some(random_masking_key()?),
            Role::Server => None,
        };
        let mut header = FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload_len as u64) };
        for extension in &mut self.extensions {
            header.reserved = header.reserved.union(extension.reserved_bits(&header));
        }
        self.started = !fin;
        Ok(header.encode())
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for FrameWriter<W> {
    /// Takes payload of the message.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        if !this.fragments {
            this.gather(bytes);
            return Ok(bytes.len()).into();
        }
        if this.buffered() == 0 && bytes.len() > this.size && this.goes_direct() {
            let count = bytes.len().min(this.size.max(MAX_DIRECT));
            this.send_direct(cx, &bytes[..count])?;
            return Ok(count).into();
        }
        // Not before more has come than fits: the last frame of a message must know that it is.
        if this.available() == 0 && !bytes.is_empty() {
            ready!(this.poll_fragment(cx))?;
        }
        let count = bytes.len().min(this.available());
        this.gather(&bytes[..count]);
        Ok(count).into()
    }

    /// Sends what is buffered as a fragment, unless there are to be none, and flushes the stream.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.fragments {
            ready!(this.poll_fragment(cx))?;
        }
        this.poll_flush_out(cx)
    }

    /// Finishes an open message and flushes the stream, which stays open.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        if this.is_open() {
            this.seal(true)?;
        }
        this.poll_flush_out(cx)
    }
}

impl<W: fmt::Debug> fmt::Debug for FrameWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter")
            .field("io", &self.io)
            .field("role", &self.role)
            .field("kind", &self.kind)
            .field("buffered", &self.buffered())
            .field("size", &self.size)
            .field("started", &self.started)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// A stream that takes nothing will never take anything.
fn not_zero(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}

const DEFAULT_SIZE: usize = 4096;
/// The most payload that memory is taken for before it is written. Any size may be asked for.
const MAX_FIRST_ROOM: usize = 64 << 10;
/// The largest fragment that a write makes past the buffer, which bounds what a slow stream leaves to be copied.
const MAX_DIRECT: usize = 64 << 10;
