//! [`Http2Stream`]: the stream that carries a WebSocket.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{error::into_io, link::Slot};

/// A stream of an HTTP/2 connection: what a WebSocket runs over there.
///
/// Dropped, it ends as TCP does: the server gets what was written, within ten seconds, and then the end of the stream. The
/// connection stays for others.
pub struct Http2Stream {
    send: SendStream<Piece>,
    /// Taken by `drop` alone.
    recv: Option<RecvStream>,
    /// What arrived in one DATA frame, as far as it was not read.
    unread: Bytes,
    /// Shared with every piece that h2 has not sent.
    unsent: Arc<()>,
    /// Whether END_STREAM was sent.
    ended: bool,
    /// Counts the stream. Dropped last, so that the connection does not go before the stream has.
    slot: Slot,
}

/// What h2 sends of a stream.
pub(super) struct Piece {
    bytes: Bytes,
    _unsent: Arc<()>,
}

impl Http2Stream {
    pub(super) fn new(send: SendStream<Piece>, recv: RecvStream, slot: Slot) -> Self {
        Self { send, recv: Some(recv), unread: Bytes::new(), unsent: Arc::default(), ended: false, slot }
    }

    /// The address of the server; `None` over a transport of the caller's own.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.slot.addresses().map(|addresses| addresses.peer)
    }

    /// The address of this end; `None` over a transport of the caller's own.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.slot.addresses().map(|addresses| addresses.local)
    }

    /// Sends END_STREAM behind what was written.
    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            // An error says that the stream is over already.
            let end = self.piece(Bytes::new());
            let _ = self.send.send_data(end, true);
        }
    }

    fn piece(&self, bytes: Bytes) -> Piece {
        Piece { bytes, _unsent: Arc::clone(&self.unsent) }
    }
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        self.end();
        // h2 resets a stream that nobody holds, and forgets what it had to send. So the task of the connection holds it until
        // all is sent.
        if let Some(recv) = self.recv.take() {
            self.slot.linger(Lingering::new(recv, Arc::clone(&self.unsent)));
        }
    }
}

/// A stream that was dropped, as long as it has something to send.
pub(super) struct Lingering {
    _recv: RecvStream,
    unsent: Arc<()>,
    pub(super) until: Instant,
}

impl Lingering {
    fn new(recv: RecvStream, unsent: Arc<()>) -> Self {
        Self { _recv: recv, unsent, until: Instant::now() + LINGER }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        Arc::strong_count(&self.unsent) == 1 || now >= self.until
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl AsyncRead for Http2Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { recv: Some(recv), unread, .. } = self.get_mut() else { return Poll::Ready(Ok(())) };
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        while unread.is_empty() {
            match ready!(recv.poll_data(cx)) {
                Some(Ok(data)) => *unread = data,
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) if error.reason() == Some(Reason::NO_ERROR) => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(into_io(error))),
            }
        }
        let length = unread.len().min(buf.remaining());
        buf.put_slice(&unread[..length]);
        unread.advance(length);
        // What was read makes room for more. The stream may be over by now; then there is nobody to tell.
        let _ = recv.flow_control().release_capacity(length);
        Poll::Ready(Ok(()))
    }
}

/// No vectored writes: what is above joins header and payload before it writes, and clients mask them into one buffer anyway.
impl AsyncWrite for Http2Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let wanted = buf.len().min(MAX_PIECE);
        let room = loop {
            self.send.reserve_capacity(wanted);
            let room = self.send.capacity();
            if room > 0 {
                break room;
            }
            // What it is given while it waits is missing for the others, and nobody has to call again.
            self.send.reserve_capacity(wanted.min(MIN_PIECE));
            match ready!(self.send.poll_capacity(cx)) {
                // h2 wakes for changes that leave nothing to write, too.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(into_io(error))),
                None => return Poll::Ready(Err(self.why_closed(cx))),
            }
        };
        let length = wanted.min(room);
        let piece = self.piece(Bytes::copy_from_slice(&buf[..length]));
        if self.send.send_data(piece, false).is_err() {
            return Poll::Ready(Err(self.why_closed(cx)));
        }
        if length < wanted {
            // The rest is asked for when it is written.
            self.send.reserve_capacity(0);
        }
        Poll::Ready(Ok(length))
    }

    /// What was written is h2's, whose task sends it as fast as the peer takes it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Http2Stream {
    /// Why nothing can be written any more.
    fn why_closed(&mut self, cx: &mut Context<'_>) -> io::Error {
        match self.send.poll_reset(cx) {
            Poll::Ready(Ok(reason)) => into_io(reason.into()),
            Poll::Ready(Err(error)) => into_io(error),
            Poll::Pending => io::ErrorKind::BrokenPipe.into(),
        }
    }
}

impl fmt::Debug for Http2Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Stream").field("id", &self.send.stream_id().as_u32()).finish_non_exhaustive()
    }
}

/// The payload of a DATA frame, as long as the peer does not allow more (RFC 9113, 6.5.2).
const MAX_PIECE: usize = 16 << 10;
/// What a stream waits for. If all 200 of a connection are given it and write nothing, something is left of the 65,535 bytes
/// that a connection begins with (RFC 9113, 6.9.2); smaller frames than this are costly for both ends.
const MIN_PIECE: usize = 256;
/// How long a stream or a connection that nobody uses waits for the server to take what is left.
pub(super) const LINGER: Duration = Duration::from_secs(10);
