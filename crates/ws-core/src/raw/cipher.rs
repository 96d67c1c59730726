//! Masking of streams (RFC 6455, 5.3).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frame::{MaskingKey, apply_mask};

/// Masks or unmasks a piece of a payload in place, of which `offset` bytes came before.
///
/// ```
/// use ws_core::{
///     frame::{MaskingKey, apply_mask},
///     raw::apply_mask_at,
/// };
///
/// let key = MaskingKey::new([1, 2, 3, 4]);
/// let (mut whole, mut pieces) = (*b"payload", *b"payload");
/// apply_mask(&mut whole, key);
/// apply_mask_at(&mut pieces[..3], key, 0);
/// apply_mask_at(&mut pieces[3..], key, 3);
/// assert_eq!(whole, pieces);
/// ```
pub fn apply_mask_at(payload: &mut [u8], key: MaskingKey, offset: u64) {
    apply_mask(payload, key.rotated((offset % 4) as usize));
}

/// Masks or unmasks what is read from a stream.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use tokio::io::AsyncReadExt;
/// use ws_core::{frame::MaskingKey, raw::CipherReader};
///
/// // The payload of the masked frame in RFC 6455, 5.7.
/// let masked: &[u8] = &[0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let mut reader = CipherReader::new(masked, MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]));
/// let mut payload = String::new();
/// reader.read_to_string(&mut payload).await?;
/// assert_eq!(payload, "Hello");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CipherReader<R> {
    io: R,
    key: MaskingKey,
}

impl<R> CipherReader<R> {
    /// Begins at the first byte of a payload.
    pub const fn new(io: R, key: MaskingKey) -> Self {
        Self { io, key }
    }

    /// Begins the payload of another frame.
    pub fn reset(&mut self, key: MaskingKey) {
        self.key = key;
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &R {
        &self.io
    }

    /// The stream beneath. What is read from it directly is not counted.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.io
    }

    /// Gives the stream back; nothing of it is buffered here.
    pub fn into_inner(self) -> R {
        self.io
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for CipherReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let read = &mut buf.filled_mut()[before..];
        apply_mask(read, this.key);
        this.key = this.key.rotated(read.len());
        Poll::Ready(Ok(()))
    }
}

/// Masks or unmasks what is written to a stream.
///
/// The bytes of the caller are left as they are: a piece of them is masked in a buffer of up to 4 KiB and written from
/// there. What the stream does not take is not counted as written, so nothing is held back here.
#[derive(Clone, Debug)]
pub struct CipherWriter<W> {
    io: W,
    key: MaskingKey,
    masked: Vec<u8>,
}

impl<W> CipherWriter<W> {
    /// Begins at the first byte of a payload.
    pub const fn new(io: W, key: MaskingKey) -> Self {
        Self { io, key, masked: Vec::new() }
    }

    /// Begins the payload of another frame.
    pub fn reset(&mut self, key: MaskingKey) {
        self.key = key;
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &W {
        &self.io
    }

    /// The stream beneath. What is written to it directly is not counted.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.io
    }

    /// Gives the stream back; nothing is left to be written here.
    pub fn into_inner(self) -> W {
        self.io
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for CipherWriter<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Masked anew at every call: a caller that was told to wait may come back with other bytes.
        this.masked.clear();
        this.masked.extend_from_slice(&bytes[..bytes.len().min(PIECE)]);
        apply_mask(&mut this.masked, this.key);
        let count = ready!(Pin::new(&mut this.io).poll_write(cx, &this.masked))?;
        this.key = this.key.rotated(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// Bytes that are masked at once.
const PIECE: usize = 4096;
