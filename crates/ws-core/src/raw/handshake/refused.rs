//! The response of a server that refuses.

use std::{fmt, io};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use tokio::io::AsyncRead;

use super::{ResponseHead, buffer::Pooled, head::Fault, io::read_some};
use crate::handshake::Fields;

/// A response other than 101.
#[derive(Clone)]
pub struct RefusedResponse {
    status: StatusCode,
    reason: Box<str>,
    headers: HeaderMap,
    body: Bytes,
}

impl RefusedResponse {
    /// Keeps a head; the body is read later.
    pub(super) fn new(head: &ResponseHead<'_>) -> Result<Self, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in head.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Fault::Malformed)?;
            let value = HeaderValue::from_bytes(value).map_err(|_| Fault::Malformed)?;
            headers.append(name, value);
        }
        Ok(Self { status: head.status(), reason: head.reason().into(), headers, body: Bytes::new() })
    }

    pub(super) fn set_body(&mut self, body: Vec<u8>) {
        self.body = body.into();
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the server wrote behind the status.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first 1,024 bytes of the body at the most, or what of it had arrived in time.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Without the values of headers, which may be secrets.
impl fmt::Debug for RefusedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedResponse")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &self.body.len())
            .finish()
    }
}

/// How much of a body is still to come (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Everything up to the end of the stream.
    Close,
    /// So many bytes.
    Length(u64),
    /// A line with the size of a chunk.
    ChunkSize,
    /// So many bytes of a chunk, and the end of its line.
    Chunk(u64),
    /// The end of the line behind a chunk.
    ChunkEnd,
    /// Nothing.
    Done,
}

impl Framing {
    pub(super) fn new(status: StatusCode, fields: Fields<'_>) -> Self {
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Self::Done;
        }
        match fields.only_line(&TRANSFER_ENCODING) {
            Ok(None) => {}
            Ok(Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => return Self::ChunkSize,
            _ => return Self::Close,
        }
        let length = fields.only_line(&CONTENT_LENGTH).ok().flatten();
        let length = length.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        length.map_or(Self::Close, Self::Length)
    }

    /// Moves what is there of the body, and gives the number of bytes that were read for it.
    fn decode(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && body.len() < MAX_BODY {
            let room = MAX_BODY - body.len();
            let mut keep = |most: u64| {
                let count = usize::try_from(most).unwrap_or(usize::MAX).min(room).min(rest.len());
                let (kept, behind) = rest.split_at(count);
                body.extend_from_slice(kept);
                rest = behind;
                most - count as u64
            };
            *self = match *self {
                Self::Done | Self::Length(0) => Self::Done,
                Self::Close => {
                    keep(u64::MAX);
                    Self::Close
                }
                Self::Length(left) => Self::Length(keep(left)),
                Self::Chunk(left) => match keep(left) {
                    0 => Self::ChunkEnd,
                    left => Self::Chunk(left),
                },
                Self::ChunkEnd => match rest {
                    [b'\r', b'\n', behind @ ..] => {
                        rest = behind;
                        Self::ChunkSize
                    }
                    [b'\r'] => break,
                    _ => Self::Done,
                },
                Self::ChunkSize => match httparse::parse_chunk_size(rest) {
                    Ok(httparse::Status::Complete((length, size))) => {
                        rest = &rest[length..];
                        if size == 0 { Self::Done } else { Self::Chunk(size) }
                    }
                    Ok(httparse::Status::Partial) => break,
                    Err(httparse::InvalidChunkSize) => Self::Done,
                },
            };
            if *self == Self::Done {
                return bytes.len();
            }
        }
        bytes.len() - rest.len()
    }
}

/// Reads the first part of a body, of which the buffer may have some.
pub(super) async fn read_body<S>(
    io: &mut S,
    buffer: &mut Pooled<'_>,
    mut framing: Framing,
    body: &mut Vec<u8>,
) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    // Chunks of single bytes with long lines before them must not keep this going.
    let mut budget = MAX_READ;
    loop {
        let consumed = framing.decode(buffer, body);
        buffer.consume(consumed);
        let done = matches!(framing, Framing::Done | Framing::Length(0)) || body.len() == MAX_BODY;
        if done || buffer.len() >= MAX_LINE || budget == 0 {
            return Ok(());
        }
        match read_some(io, buffer, MAX_LINE).await? {
            0 => return Ok(()),
            count => budget -= count.min(budget),
        }
    }
}

/// How much of a body is kept.
const MAX_BODY: usize = 1024;
/// How much is read for it.
const MAX_READ: usize = 64 << 10;
/// The longest line with the size of a chunk.
const MAX_LINE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_wherever_they_are_cut() {
        let stream = b"5;a=b\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n";
        for cut in 0..stream.len() {
            let (mut framing, mut body) = (Framing::ChunkSize, Vec::new());
            let consumed = framing.decode(&stream[..cut], &mut body);
            framing.decode(&stream[consumed..], &mut body);
            assert_eq!((framing, body.as_slice()), (Framing::Done, b"hello world".as_slice()), "{cut}");
        }
    }

    #[test]
    fn body_is_cut_at_its_limit() {
        for (framing, stream) in [
            (Framing::Close, vec![b'a'; 5000]),
            (Framing::Length(5000), vec![b'a'; 5000]),
            (Framing::ChunkSize, [b"2000\r\n".to_vec(), vec![b'a'; 5000]].concat()),
            (Framing::ChunkSize, b"1\r\na\r\n".repeat(5000)),
        ] {
            let (mut state, mut body) = (framing, Vec::new());
            state.decode(&stream, &mut body);
            assert_eq!(body, [b'a'; MAX_BODY], "{framing:?}");
        }
    }
}
