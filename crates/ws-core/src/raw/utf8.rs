//! A stream of text that is validated on the way (RFC 6455, 8.1).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::{Error, ProtocolError, Violation, utf8::Utf8Validator};

/// Validates text as it is read.
///
/// Bytes are passed on as they come, whatever they are cut by. At a byte that cannot be part of UTF-8, and at an end of
/// the stream within a character, reads fail with an [`io::ErrorKind::InvalidData`] error around
/// [`ProtocolError::InvalidUtf8`]; the whole characters before that byte are passed on first. For text that is
/// compressed, put this behind the decompressor.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use tokio::io::AsyncReadExt;
/// use ws_core::raw::Utf8Reader;
///
/// let mut reader = Utf8Reader::new(&b"caf\xC3\xA9 \xFF"[..]);
/// let mut text = Vec::new();
/// assert!(reader.read_to_end(&mut text).await.is_err());
/// assert_eq!(text, "café ".as_bytes());
/// assert_eq!(reader.accepted(), 6);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Utf8Reader<R> {
    io: R,
    validator: Utf8Validator,
    /// Bytes up to the end of the last whole character.
    accepted: u64,
    /// Bytes of a character whose end has not arrived.
    begun: usize,
    failed: bool,
}

impl<R> Utf8Reader<R> {
    /// Begins at the beginning of a text.
    pub const fn new(io: R) -> Self {
        Self { io, validator: Utf8Validator::new(), accepted: 0, begun: 0, failed: false }
    }

    /// How many bytes of whole characters were read so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether all that was read so far is UTF-8 and ends with a whole character.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.failed && self.begun == 0
    }

    /// Begins another text on the same stream.
    pub fn reset(&mut self) {
        (self.validator, self.accepted, self.begun, self.failed) = (Utf8Validator::new(), 0, 0, false);
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &R {
        &self.io
    }

    /// The stream beneath. What is read from it directly is not validated.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.io
    }

    /// Gives the stream back; nothing of it is buffered here.
    pub fn into_inner(self) -> R {
        self.io
    }

    /// Takes the next bytes of the text: how many of them may be passed on.
    fn accept(&mut self, piece: &[u8]) -> usize {
        let before = self.validator.clone();
        if self.validator.push(piece).is_ok() {
            let begun = self.begun_after(piece);
            self.accepted += (self.begun + piece.len() - begun) as u64;
            self.begun = begun;
            return piece.len();
        }
        self.failed = true;
        // Rare enough to go through once more, byte by byte, for the end of the last whole character.
        let mut validator = before;
        let mut whole = 0;
        for (at, byte) in piece.iter().enumerate() {
            if validator.push(&[*byte]).is_err() {
                break;
            }
            if validator.finish().is_ok() {
                whole = at + 1;
            }
        }
        if whole > 0 {
            self.accepted += (self.begun + whole) as u64;
            self.begun = 0;
        }
        whole
    }

    /// The length of the character that is begun and not ended after a valid piece.
    fn begun_after(&mut self, piece: &[u8]) -> usize {
        if self.validator.finish().is_ok() {
            return 0;
        }
        // A character begins with its only byte that is not 10xxxxxx.
        let lead = piece.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80);
        lead.map_or(self.begun + piece.len(), |back| back + 1)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Utf8Reader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(Err(invalid()));
        }
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let passed = this.accept(&buf.filled()[before..]);
        let at_end = buf.filled().len() == before;
        buf.set_filled(before + passed);
        if at_end && this.begun > 0 {
            this.failed = true;
        }
        if this.failed && passed == 0 {
            return Poll::Ready(Err(invalid()));
        }
        Poll::Ready(Ok(()))
    }
}

fn invalid() -> io::Error {
    Error::from(Violation::from(ProtocolError::InvalidUtf8)).into()
}
