//! Frame headers over byte streams.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use super::frame::write_pieces;
use crate::{
    Error, ErrorKind, Violation,
    frame::{FrameHeader, MAX_HEADER_LEN, MaskingKey, Opcode},
};

/// How many bytes a frame header takes on the wire: 2 to [`MAX_HEADER_LEN`].
///
/// ```
/// use ws_core::raw::header_len;
///
/// assert_eq!(header_len(125, false), 2);
/// assert_eq!(header_len(126, false), 4);
/// assert_eq!(header_len(1 << 16, true), 14);
/// ```
#[must_use]
pub const fn header_len(payload_len: u64, masked: bool) -> usize {
    let mask = if masked { Some(MaskingKey::new([0; 4])) } else { None };
    let [_, second] = FrameHeader { mask, ..FrameHeader::new(Opcode::BINARY, payload_len) }.start();
    FrameHeader::len_by(second)
}

/// Reads a frame header, and not one byte more, so that whatever reads next finds the payload.
///
/// `None` means that the stream ended before the first byte. Nothing but the length encoding is checked; a
/// [`FrameChecker`](super::FrameChecker) knows the other rules. A header takes two reads, or three, unless the stream
/// is buffered.
///
/// To parse a header that lies in memory, use [`FrameHeader::decode`].
///
/// # Errors
/// [`ErrorKind::Protocol`] for a length that is not minimal or over 2^63, [`ErrorKind::ConnectionLost`] when the stream
/// ends within the header, [`ErrorKind::Io`] for a failed read.
///
/// # Cancel safety
/// **Not** cancel safe: the beginning of a header is lost with the future. [`FrameReader::next_frame`] is.
///
/// [`FrameReader::next_frame`]: super::FrameReader::next_frame
pub async fn read_header<R>(io: &mut R) -> Result<Option<FrameHeader>, Error>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let mut partial = PartialHeader::new();
    poll_fn(|cx| partial.poll_read(cx, io)).await
}

/// Writes a frame header in one write, if the stream takes it.
///
/// The payload has to follow: [`header.payload_len`](FrameHeader::payload_len) bytes, masked already if the header has a
/// key. [`write_frame`](super::write_frame) writes both at once. For a header in memory, use [`FrameHeader::encode`].
///
/// # Errors
/// [`ErrorKind::ConnectionLost`] and [`ErrorKind::Io`] when the write fails.
///
/// # Cancel safety
/// **Not** cancel safe: a part of the header may have been written.
pub async fn write_header<W>(io: &mut W, header: &FrameHeader) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    write_pieces(io, &header.encode(), &[]).await
}

/// A header of which some bytes may have arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartialHeader {
    bytes: [u8; MAX_HEADER_LEN],
    len: usize,
}

impl PartialHeader {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; MAX_HEADER_LEN], len: 0 }
    }

    /// Goes on reading. What has arrived is kept across calls, and the next header begins after a whole one.
    pub(super) fn poll_read<R>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut R,
    ) -> Poll<Result<Option<FrameHeader>, Error>>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        loop {
            // The second byte tells the length of the header.
            let wanted = if self.len < 2 { 2 } else { FrameHeader::len_by(self.bytes[1]) };
            if self.len >= wanted {
                let (bytes, len) = (self.bytes, self.len);
                *self = Self::new();
                let decoded = FrameHeader::decode(&bytes[..len]).map_err(Violation::from)?;
                return Poll::Ready(Ok(decoded.map(|(header, _)| header)));
            }
            let mut room = &mut self.bytes[self.len..wanted];
            let count = ready!(poll_read_buf(Pin::new(&mut *io), cx, &mut room)).map_err(Error::transport)?;
            match (count, self.len) {
                (0, 0) => return Poll::Ready(Ok(None)),
                (0, _) => return Poll::Ready(Err(Error::new(ErrorKind::ConnectionLost))),
                (count, _) => self.len += count,
            }
            // A length that is wrong is told as soon as it is there; the masking key may never come.
            if self.len > 2 {
                FrameHeader::decode(&self.bytes[..self.len]).map_err(Violation::from)?;
            }
        }
    }
}
