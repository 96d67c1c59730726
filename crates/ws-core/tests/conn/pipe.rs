//! A transport in memory. What it takes and gives in one call is scripted, and like a socket it remembers only the waker
//! of the last call in each direction.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{Config, Conn, Negotiated, Role};

/// One end, under the connection.
#[derive(Debug)]
pub(crate) struct Pipe {
    incoming: Rc<RefCell<Lane>>,
    outgoing: Rc<RefCell<Lane>>,
    pub(crate) pace: Pace,
    /// For each direction: one flag for both would let reads take all the turns and writes none.
    stuttered: [bool; 2],
}

/// The other end, in the hands of the test.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    to: Rc<RefCell<Lane>>,
    from: Rc<RefCell<Lane>>,
}

/// What one call takes or gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes per read.
    pub(crate) read: usize,
    /// Bytes per write.
    pub(crate) write: usize,
    /// Every other call only wakes and takes nothing.
    pub(crate) stutter: bool,
    pub(crate) vectored: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { read: usize::MAX, write: usize::MAX, stutter: false, vectored: true }
    }
}

/// One direction.
#[derive(Debug)]
struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    end: Option<Result<(), io::ErrorKind>>,
    write_error: Option<io::ErrorKind>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    calls: Vec<Call>,
}

/// What was done to a lane, by the writing end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The address and length of each piece.
    Write(Vec<(usize, usize)>),
    Flush,
    Shutdown,
}

/// A pipe and its remote end.
pub(crate) fn pipe() -> (Pipe, Remote) {
    let (near, far) = (Lane::new(), Lane::new());
    let pipe =
        Pipe { incoming: near.clone(), outgoing: far.clone(), pace: Pace::default(), stuttered: [false; 2] };
    (pipe, Remote { to: near, from: far })
}

/// A connection over a pipe.
pub(crate) fn conn(role: Role) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new(), Pace::default())
}

pub(crate) fn conn_with(role: Role, config: Config, pace: Pace) -> (Conn<Pipe>, Remote) {
    let (mut pipe, remote) = pipe();
    pipe.pace = pace;
    (Conn::new(pipe, role, config, Negotiated::new()), remote)
}

/// A client and a server joined by a pipe of the given capacity.
pub(crate) fn pair(config: &Config, pace: Pace, capacity: usize) -> (Conn<Pipe>, Conn<Pipe>) {
    let (one, other) = (Lane::new(), Lane::new());
    one.borrow_mut().capacity = capacity;
    other.borrow_mut().capacity = capacity;
    let client = Pipe { incoming: one.clone(), outgoing: other.clone(), pace, stuttered: [false; 2] };
    let server = Pipe { incoming: other, outgoing: one, pace, stuttered: [false; 2] };
    let conn = |pipe, role| Conn::new(pipe, role, config.clone(), Negotiated::new());
    (conn(client, Role::Client), conn(server, Role::Server))
}

impl Pipe {
    /// Bytes that have arrived and were not read.
    #[cfg(feature = "deflate")]
    pub(crate) fn unread(&self) -> usize {
        self.incoming.borrow().bytes.len()
    }
}

impl Lane {
    fn new() -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            bytes: VecDeque::new(),
            capacity: usize::MAX,
            end: None,
            write_error: None,
            reader: None,
            writer: None,
            calls: Vec::new(),
        }))
    }

    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}

impl Remote {
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut lane = self.to.borrow_mut();
        lane.bytes.extend(bytes.as_ref());
        lane.wake_reader();
    }

    /// Ends the direction to the connection, behind what was sent.
    pub(crate) fn end(&self) {
        let mut lane = self.to.borrow_mut();
        lane.end = Some(Ok(()));
        lane.wake_reader();
    }

    /// Makes reads fail, behind what was sent.
    pub(crate) fn fail_reads(&self, error: io::ErrorKind) {
        let mut lane = self.to.borrow_mut();
        lane.end = Some(Err(error));
        lane.wake_reader();
    }

    pub(crate) fn fail_writes(&self, error: io::ErrorKind) {
        let mut lane = self.from.borrow_mut();
        lane.write_error = Some(error);
        lane.wake_writer();
    }

    pub(crate) fn recover_writes(&self) {
        self.from.borrow_mut().write_error = None;
    }

    /// Takes in no more than `capacity` bytes until they are taken out.
    pub(crate) fn set_capacity(&self, capacity: usize) {
        let mut lane = self.from.borrow_mut();
        lane.capacity = capacity;
        lane.wake_writer();
    }

    /// What was written since the last call.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut lane = self.from.borrow_mut();
        lane.wake_writer();
        lane.bytes.drain(..).collect()
    }

    /// Whether bytes were written that were not taken; wakes the task when there are.
    pub(crate) fn poll_written(&self, cx: &Context<'_>) -> bool {
        let mut lane = self.from.borrow_mut();
        lane.reader = Some(cx.waker().clone());
        !lane.bytes.is_empty()
    }

    /// What was done by the connection's end since the last call.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.from.borrow_mut().calls)
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.from.borrow().end.is_some()
    }

    /// Whether a read waits that would be woken.
    pub(crate) fn read_waits(&self) -> bool {
        self.to.borrow().reader.is_some()
    }
}

impl Pipe {
    /// With `stutter`, every other call wakes and does nothing.
    fn stutters(&mut self, direction: usize, cx: &Context<'_>) -> bool {
        let stuttered = &mut self.stuttered[direction];
        *stuttered = self.pace.stutter && !*stuttered;
        if *stuttered {
            cx.waker().wake_by_ref();
        }
        *stuttered
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stutters(READ, cx) {
            return Poll::Pending;
        }
        let mut lane = self.incoming.borrow_mut();
        let count = lane.bytes.len().min(buf.remaining()).min(self.pace.read);
        if count > 0 {
            let bytes: Vec<u8> = lane.bytes.drain(..count).collect();
            buf.put_slice(&bytes);
            lane.wake_writer();
            return Poll::Ready(Ok(()));
        }
        match lane.end {
            Some(end) => Poll::Ready(end.map_err(io::Error::from)),
            None => {
                lane.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(slices.len() <= 1 || self.pace.vectored, "vectored write on a transport without");
        if self.stutters(WRITE, cx) {
            return Poll::Pending;
        }
        let mut lane = self.outgoing.borrow_mut();
        if let Some(error) = lane.write_error {
            return Poll::Ready(Err(error.into()));
        }
        assert!(lane.end.is_none(), "write after shutdown");
        let room = lane.capacity.saturating_sub(lane.bytes.len());
        if room == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
        let before = lane.bytes.len();
        let limit = room.min(self.pace.write);
        lane.bytes.extend(bytes.take(limit));
        let count = lane.bytes.len() - before;
        assert!(count > 0 || limit == 0, "empty write");
        lane.calls
            .push(Call::Write(slices.iter().map(|slice| (slice.as_ptr().addr(), slice.len())).collect()));
        lane.wake_reader();
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.pace.vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutters(WRITE, cx) {
            return Poll::Pending;
        }
        let mut lane = self.outgoing.borrow_mut();
        if let Some(error) = lane.write_error {
            return Poll::Ready(Err(error.into()));
        }
        lane.calls.push(Call::Flush);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutters(WRITE, cx) {
            return Poll::Pending;
        }
        let mut lane = self.outgoing.borrow_mut();
        if let Some(error) = lane.write_error {
            return Poll::Ready(Err(error.into()));
        }
        lane.calls.push(Call::Shutdown);
        lane.end = Some(Ok(()));
        lane.wake_reader();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    /// Ends both directions, as closing a socket does.
    fn drop(&mut self) {
        let mut lane = self.outgoing.borrow_mut();
        lane.end.get_or_insert(Ok(()));
        lane.wake_reader();
        drop(lane);
        let mut lane = self.incoming.borrow_mut();
        lane.write_error.get_or_insert(io::ErrorKind::BrokenPipe);
        lane.wake_writer();
    }
}

const READ: usize = 0;
const WRITE: usize = 1;
