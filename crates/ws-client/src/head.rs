//! The heads of an opening handshake: the request, written, and an answer that accepts, read.
//!
//! hyper's connection takes 16 KiB for its buffers, and a program that dials for each of its clients feels it. It is left to
//! read all that accepts nothing: a refusal has a body, and what is wrong with an answer it tells best.

use std::{
    fmt::Write as _,
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use httparse::{ParserConfig, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::{
    handshake::MAX_HEAD,
    interim::{MAX_INTERIM, TooManyInterim},
};

/// What came in answer to a request.
pub(crate) enum Heard {
    /// An answer that accepts, and what was read behind it.
    Accepted(Response<()>, BytesMut),
    /// Anything else: what was read from its first byte on, and how the stream ended if it has.
    Other(BytesMut, Option<io::Result<()>>),
}

/// Sends a request, and reads until it can be told whether the answer accepts it.
///
/// # Errors
///
/// If an answer that accepts came although the request could not be written, or if there were too many interim ones.
pub(crate) async fn ask<S>(
    io: &mut S,
    request: &Request<String>,
    switches: fn(StatusCode) -> bool,
) -> io::Result<Heard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut asking = Asking { request: written(request), ..Asking::default() };
    let mut accepted = None;
    poll_fn(|cx| {
        // A server may answer before it has read all of a request, and read no more of it.
        let sent = asking.poll_send(cx, io);
        let response = loop {
            if let Some(response) = accepted.take() {
                break response;
            }
            if let Some(end) = ready!(asking.poll_receive(cx, io)) {
                return Poll::Ready(Ok(Heard::Other(std::mem::take(&mut asking.read), Some(end))));
            }
            match asking.head(switches)? {
                Head::Accepted(response) => accepted = Some(response),
                Head::Partial => {}
                Head::Other => {
                    return Poll::Ready(Ok(Heard::Other(std::mem::take(&mut asking.read), None)));
                }
            }
        };
        if sent.is_pending() {
            accepted = Some(response);
            return Poll::Pending;
        }
        Poll::Ready(match asking.failed.take() {
            Some(error) => Err(error),
            None => Ok(Heard::Accepted(response, asking.take_rest())),
        })
    })
    .await
}

#[derive(Default)]
struct Asking {
    request: BytesMut,
    /// How much of it has been written.
    sent: usize,
    is_flushed: bool,
    /// Why the rest was not.
    failed: Option<io::Error>,
    read: BytesMut,
    /// How much of it is known to be a part of a head.
    partial: usize,
    interim: u32,
}

impl Asking {
    fn poll_send<W: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, io: &mut W) -> Poll<()> {
        while !self.is_flushed {
            let unsent = &self.request[self.sent..];
            let done = if unsent.is_empty() {
                let flushed = ready!(Pin::new(&mut *io).poll_flush(cx));
                self.is_flushed = true;
                flushed
            } else {
                match ready!(Pin::new(&mut *io).poll_write(cx, unsent)) {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    Ok(length) => {
                        self.sent += length;
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            };
            if let Err(error) = done {
                // There may be an answer that says why.
                self.failed = Some(error);
                self.is_flushed = true;
            }
        }
        Poll::Ready(())
    }

    /// Reads once; gives the end, if that is what there is.
    fn poll_receive<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut R,
    ) -> Poll<Option<io::Result<()>>> {
        if self.is_flushed && self.read.capacity() == 0 {
            // One buffer does for both.
            self.read = std::mem::take(&mut self.request);
            self.read.clear();
            self.sent = 0;
        }
        if self.read.len() == self.read.capacity() {
            self.read.reserve(FIRST.max(self.read.len()));
        }
        let room = MAX_HEAD - self.read.len();
        let end = match ready!(pin!(io.read_buf(&mut (&mut self.read).limit(room))).poll(cx)) {
            Ok(0) => Ok(()),
            Ok(_) => return Poll::Ready(None),
            Err(error) => Err(error),
        };
        // The first failure is the cause of the other one.
        Poll::Ready(Some(self.failed.take().map_or(end, Err)))
    }

    /// Looks whether a head is there, past interim ones.
    fn head(&mut self, switches: fn(StatusCode) -> bool) -> io::Result<Head> {
        while self.may_be_whole() {
            let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
            let mut parsed = httparse::Response::new(&mut []);
            let config = ParserConfig::default();
            let length = match config.parse_response_with_uninit_headers(&mut parsed, &self.read, &mut fields)
            {
                Ok(Status::Complete(length)) => length,
                Ok(Status::Partial) if self.read.len() < MAX_HEAD => {
                    self.partial = self.read.len();
                    return Ok(Head::Partial);
                }
                Ok(Status::Partial) | Err(_) => return Ok(Head::Other),
            };
            let Some(status) = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()) else {
                return Ok(Head::Other);
            };
            if switches(status) {
                let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
                let Some(headers) = headers(parsed.headers) else { return Ok(Head::Other) };
                let mut response = Response::new(());
                *response.status_mut() = status;
                *response.version_mut() = version;
                *response.headers_mut() = headers;
                self.read.advance(length);
                return Ok(Head::Accepted(response));
            }
            // 101 is no interim response but a final one (RFC 9110, 15.2.2).
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Head::Other);
            }
            self.interim += 1;
            if self.interim > MAX_INTERIM {
                return Err(io::Error::other(TooManyInterim));
            }
            self.read.advance(length);
            self.partial = 0;
        }
        Ok(Head::Partial)
    }

    /// Whether there is news for the parser: a head that comes byte by byte must not be parsed as often.
    fn may_be_whole(&mut self) -> bool {
        if self.partial == 0 || self.read.len() == MAX_HEAD {
            return !self.read.is_empty();
        }
        let news = &self.read[self.partial.saturating_sub(2)..];
        let is_end = |at: usize| matches!(news[at..], [b'\n', b'\n', ..] | [b'\n', b'\r', b'\n', ..]);
        let may_be = (0..news.len()).any(is_end);
        if !may_be {
            self.partial = self.read.len();
        }
        may_be
    }

    /// What was read behind the head. A connection may wait for long before its first frame: an empty buffer is not kept for it.
    fn take_rest(&mut self) -> BytesMut {
        match std::mem::take(&mut self.read) {
            empty if empty.is_empty() => BytesMut::new(),
            frames => frames,
        }
    }
}

enum Head {
    Accepted(Response<()>),
    Partial,
    Other,
}

/// The fields of a head. All values lie in one allocation: responses are kept as long as connections, the buffer is not.
fn headers(fields: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut values = BytesMut::with_capacity(fields.iter().map(|field| field.value.len()).sum());
    fields.iter().for_each(|field| values.extend_from_slice(field.value));
    let mut values = values.freeze();
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_maybe_shared(values.split_to(field.value.len())).ok()?);
    }
    Some(headers)
}

/// The head of a request. Names are written as in RFC 6455: there are servers that compare them with case.
fn written(request: &Request<String>) -> BytesMut {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let line = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    let mut head = BytesMut::with_capacity((line + 64 + fields.sum::<usize>()).max(FIRST));
    // It grows as it is written, and so never fails.
    let _ = write!(head, "{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let start = head.len();
        head.extend_from_slice(name.as_str().as_bytes());
        let mut is_first = true;
        for byte in &mut head[start..] {
            if is_first {
                byte.make_ascii_uppercase();
            }
            is_first = *byte == b'-';
        }
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Room for most answers that accept.
const FIRST: usize = 1024;
/// As many as hyper allows.
const MAX_FIELDS: usize = 100;
