//! A transport in memory that is told what to give, to take and to fail, and notices a wait without a waker.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The end under the code that is fuzzed. Like a socket, it remembers the last waker of each direction.
#[derive(Debug)]
pub(crate) struct Link(Rc<RefCell<State>>);

/// The other end, in the hands of the target.
#[derive(Clone, Debug)]
pub(crate) struct Far(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    incoming: VecDeque<u8>,
    /// What comes behind the bytes.
    end: Option<Result<(), io::ErrorKind>>,
    outgoing: Vec<u8>,
    /// How many more bytes are taken before writes wait.
    room: usize,
    write_error: Option<io::ErrorKind>,
    shut_down: bool,
    /// The most that one call gives or takes.
    width: usize,
    vectored: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(crate) fn link(width: usize, vectored: bool) -> (Link, Far) {
    let state = Rc::new(RefCell::new(State {
        incoming: VecDeque::new(),
        end: None,
        outgoing: Vec::new(),
        room: usize::MAX,
        write_error: None,
        shut_down: false,
        width: width.max(1),
        vectored,
        reader: None,
        writer: None,
    }));
    (Link(state.clone()), Far(state))
}

impl Far {
    /// Whether it was sent: behind the end there is nothing.
    pub(crate) fn send(&self, bytes: &[u8]) -> bool {
        let mut state = self.0.borrow_mut();
        if state.end.is_some() {
            return false;
        }
        state.incoming.extend(bytes);
        state.wake_reader();
        true
    }

    pub(crate) fn unread(&self) -> usize {
        self.0.borrow().incoming.len()
    }

    pub(crate) fn end(&self, end: Result<(), io::ErrorKind>) {
        let mut state = self.0.borrow_mut();
        state.end.get_or_insert(end);
        state.wake_reader();
    }

    pub(crate) fn set_room(&self, room: usize) {
        let mut state = self.0.borrow_mut();
        state.room = room;
        state.wake_writer();
    }

    pub(crate) fn fail_writes(&self, error: io::ErrorKind) {
        let mut state = self.0.borrow_mut();
        state.write_error = Some(error);
        state.wake_writer();
    }

    /// All that was written so far.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.0.borrow().outgoing.clone()
    }

    pub(crate) fn has_failed(&self) -> bool {
        let state = self.0.borrow();
        state.write_error.is_some() || matches!(state.end, Some(Err(_)))
    }
}

impl State {
    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }

    fn write(&mut self, cx: &Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.write_error {
            return Poll::Ready(Err(error.into()));
        }
        assert!(!self.shut_down, "I7: a write after the shutdown");
        if self.room == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let limit = self.room.min(self.width);
        let before = self.outgoing.len();
        self.outgoing.extend(slices.iter().flat_map(|slice| slice.iter()).take(limit));
        let count = self.outgoing.len() - before;
        self.room = self.room.saturating_sub(count);
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.borrow_mut();
        let count = state.incoming.len().min(buf.remaining()).min(state.width);
        if count > 0 {
            for byte in state.incoming.drain(..count) {
                buf.put_slice(&[byte]);
            }
            return Poll::Ready(Ok(()));
        }
        match state.end {
            Some(end) => Poll::Ready(end.map_err(io::Error::from)),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().write(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().write(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.borrow().write_error.map_or(Ok(()), |error| Err(error.into())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.borrow_mut();
        if let Some(error) = state.write_error {
            return Poll::Ready(Err(error.into()));
        }
        state.shut_down = true;
        Poll::Ready(Ok(()))
    }
}

/// Whether a task was woken.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a future where time is paused: it goes on by itself when all there is to do is to wait.
pub(crate) fn with_time<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
