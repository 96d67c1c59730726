//! A transport in memory, the n-th call of which fails.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A call of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Read,
    Write,
    Flush,
    Shutdown,
}

pub(crate) const OPS: [Op; 4] = [Op::Read, Op::Write, Op::Flush, Op::Shutdown];

/// What is to fail, and whether it has.
#[derive(Clone, Debug)]
pub(crate) struct Fuse {
    op: Op,
    error: io::ErrorKind,
    /// Calls before the one that fails; then all do, as those of a socket that is gone.
    left: Rc<Cell<usize>>,
    blown: Rc<Cell<bool>>,
    /// A read that waits.
    reader: Rc<RefCell<Option<Waker>>>,
}

impl Fuse {
    pub(crate) fn new(op: Op, number: usize, error: io::ErrorKind) -> Self {
        Self { op, error, left: Rc::new(Cell::new(number)), blown: Rc::default(), reader: Rc::default() }
    }

    /// One that never blows.
    pub(crate) fn none() -> Self {
        Self::new(Op::Read, usize::MAX, io::ErrorKind::Other)
    }

    pub(crate) fn is_blown(&self) -> bool {
        self.blown.get()
    }

    fn check(&self, op: Op) -> io::Result<()> {
        if op == self.op && !self.blown.get() {
            match self.left.get() {
                0 => {
                    self.blown.set(true);
                    self.reader.take().into_iter().for_each(Waker::wake);
                }
                left => self.left.set(left - 1),
            }
        }
        if self.blown.get() { Err(self.error.into()) } else { Ok(()) }
    }
}

/// One end of a pipe that takes and gives a few bytes at a time.
#[derive(Debug)]
pub(crate) struct Faulty {
    pipe: DuplexStream,
    fuse: Fuse,
}

impl Faulty {
    pub(crate) fn new(pipe: DuplexStream, fuse: Fuse) -> Self {
        Self { pipe, fuse }
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.fuse.check(Op::Read)?;
        *self.fuse.reader.borrow_mut() = Some(cx.waker().clone());
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.fuse.check(Op::Write)?;
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.fuse.check(Op::Write)?;
        Pin::new(&mut self.pipe).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fuse.check(Op::Flush)?;
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fuse.check(Op::Shutdown)?;
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
