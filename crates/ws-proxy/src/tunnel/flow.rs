//! [`Flow`]: one direction of a tunnel.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;
use ws_core::BufferPool;

use super::scan::Scanner;

/// Carries bytes from one side to the other, as fast as the slower of both.
///
/// It holds a buffer only while there are bytes in it.
#[derive(Debug)]
pub(crate) struct Flow {
    /// What was read, and is not written from `start` on.
    buffer: BytesMut,
    start: usize,
    /// What has been written.
    scanner: Scanner,
    stage: Stage,
    is_flushed: bool,
    /// Bytes that have been written.
    pub(super) bytes: u64,
    end: Option<End>,
}

/// How far a direction is.
#[derive(Debug)]
enum Stage {
    /// Bytes are carried.
    Carrying,
    /// They are, up to the end of the frame that is on its way; then goes this close frame.
    Finishing(Box<[u8]>),
    /// The close frame is in the buffer. Nothing more of the source is carried.
    Saying(Box<Scanner>),
    /// The source is read until its close frame comes.
    Listening(Box<Scanner>),
    /// The source has ended, or has been heard out.
    Ending,
    Done,
}

/// Why nothing more is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The source has ended.
    Ended,
    /// The source could not be read.
    SourceFailed,
    /// The other side could not be written to.
    SinkFailed,
}

impl Flow {
    /// With what was read ahead of the source.
    pub(crate) fn new(read_buf: BytesMut) -> Self {
        Self {
            buffer: read_buf,
            start: 0,
            scanner: Scanner::default(),
            stage: Stage::Carrying,
            is_flushed: true,
            bytes: 0,
            end: None,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// What has been carried so far.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Stops at the next frame boundary and sends this close frame, unless one has gone already. A stream whose frames could
    /// not be followed ends without.
    pub(crate) fn end_with(&mut self, close: Option<Box<[u8]>>) {
        if !matches!(self.stage, Stage::Carrying) || self.scanner.is_closed() {
            return;
        }
        match close.filter(|_| !self.scanner.is_lost()) {
            Some(close) => self.stage = Stage::Finishing(close),
            None => self.stage = Stage::Ending,
        }
        self.cut();
    }

    /// Puts the close frame behind the last frame that is whole, as soon as there is one.
    fn cut(&mut self) {
        let Stage::Finishing(close) = &self.stage else { return };
        let unsent = &self.buffer[self.start..];
        let Some(end) = self.scanner.last_boundary(unsent) else { return };
        let mut heard = Box::new(self.scanner.clone());
        heard.scan(unsent);
        if heard.is_closed() {
            // The source's own close frame is on its way.
            self.stage = Stage::Carrying;
            return;
        }
        self.buffer.truncate(self.start + end);
        self.buffer.extend_from_slice(close);
        self.stage = Stage::Saying(heard);
    }

    /// Carries as much as can be; ready when nothing more is to be carried. `moved` is set if anything was.
    pub(crate) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut R,
        sink: &mut W,
        pool: &BufferPool,
        size: usize,
        moved: &mut bool,
    ) -> Poll<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        // Who has always something to read must not keep the others from it.
        for _ in 0..BURST {
            if ready!(self.write(cx, sink, moved)).is_err() {
                self.end.get_or_insert(End::SinkFailed);
                self.release(pool);
                self.stage = Stage::Done;
                return Poll::Ready(());
            }
            match &mut self.stage {
                Stage::Carrying | Stage::Finishing(_) => {}
                Stage::Saying(heard) => self.stage = Stage::Listening(std::mem::take(heard)),
                Stage::Listening(_) => {}
                Stage::Ending => {
                    self.release(pool);
                    // An error says that the other side is gone, which is what was to be told it.
                    let _ = ready!(Pin::new(&mut *sink).poll_shutdown(cx));
                    self.stage = Stage::Done;
                    return Poll::Ready(());
                }
                Stage::Done => return Poll::Ready(()),
            }
            // What came with the handshake may have left a small one.
            if self.buffer.capacity() < size {
                self.buffer = pool.take(size);
            }
            match poll_read_buf(Pin::new(&mut *source), cx, &mut (&mut self.buffer).limit(size)) {
                Poll::Ready(Ok(0)) => {
                    self.end.get_or_insert(End::Ended);
                    self.stage = Stage::Ending;
                }
                Poll::Ready(Ok(_)) => {
                    *moved = true;
                    match &mut self.stage {
                        Stage::Listening(heard) => {
                            heard.scan(&self.buffer);
                            if heard.is_closed() || heard.is_lost() {
                                self.stage = Stage::Ending;
                            }
                            self.clear();
                        }
                        Stage::Finishing(_) => self.cut(),
                        _ => {}
                    }
                }
                Poll::Ready(Err(_)) => {
                    self.end.get_or_insert(End::SourceFailed);
                    self.stage = Stage::Ending;
                }
                Poll::Pending => {
                    self.release(pool);
                    if !self.is_flushed {
                        // TLS and HTTP/2 hold bytes back until then. An error comes again with the next write.
                        self.is_flushed = Pin::new(&mut *sink).poll_flush(cx).is_ready();
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes the buffer, whole.
    fn write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut W,
        moved: &mut bool,
    ) -> Poll<io::Result<()>> {
        // Not by `advance`, which gives up the room in front.
        while self.start < self.buffer.len() {
            let unsent = &self.buffer[self.start..];
            let length = ready!(Pin::new(&mut *sink).poll_write(cx, unsent))?;
            if length == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *moved = true;
            self.is_flushed = false;
            self.scanner.scan(&unsent[..length]);
            self.bytes += length as u64;
            self.start += length;
        }
        self.clear();
        Poll::Ready(Ok(()))
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    fn release(&mut self, pool: &BufferPool) {
        self.start = 0;
        if self.buffer.capacity() > 0 {
            pool.put(std::mem::take(&mut self.buffer));
        }
    }
}

/// How often a direction is read at once.
const BURST: usize = 64;
