//! Whom a connection wakes, and whose wakers it keeps, where two halves wait for one transport.

use std::{
    cell::Cell,
    io,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Wake as _, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{Config, Conn, KeepAlive, Negotiated, Role, frame::Opcode};

use crate::{
    calls::{S, within},
    executor::{Flag, now, with_timers},
    pipe::{Pace, conn, conn_with},
    wire::{ROLES, broken, close, frame, text},
};

/// Gives these bytes and then nothing, and takes none before it was asked so many times. Like a socket it wakes the one who
/// asked last, and nobody else.
struct Late {
    input: Vec<u8>,
    refusals: Rc<Cell<usize>>,
    last: Option<Waker>,
}

impl AsyncRead for Late {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(&std::mem::take(&mut self.input));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Late {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.refusals.get();
        if left > 0 {
            self.refusals.set(left - 1);
            self.last = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.last.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A connection that reads `input`, and whose transport takes nothing until the count says 0.
fn late(role: Role, input: Vec<u8>) -> (Conn<Late>, Rc<Cell<usize>>) {
    let refusals = Rc::new(Cell::new(usize::MAX));
    let io = Late { input, refusals: refusals.clone(), last: None };
    (Conn::new(io, role, Config::new(), Negotiated::new()), refusals)
}

/// Polls once, with a flag that has to be up.
macro_rules! poll {
    ($future:expr, $flag:expr) => {{
        assert!($flag.take(), "polled without a wake");
        $future.as_mut().poll(&mut Context::from_waker(&Waker::from($flag.clone())))
    }};
}

// Shows WAKE-1.
#[test]
fn writer_is_woken_when_the_reader_has_written_what_it_waits_for() {
    for role in ROLES {
        let (conn, refusals) = late(role, Vec::new());
        let (mut read, mut write) = conn.into_split();
        let (reads, writes) = (Flag::new(), Flag::new());
        let mut write = pin!(write.write_message("message"));
        assert!(poll!(write, writes).is_pending());
        // The reader asks in vain, takes the writer's place, and finds room when it asks for both.
        refusals.set(1);
        let mut read = pin!(read.read_message());
        assert!(poll!(read, reads).is_pending());
        assert!(poll!(write, writes).is_ready(), "{role:?}");
    }
}

// Shows WAKE-1.
#[test]
fn reader_that_ends_is_woken_when_the_writer_has_written_its_close_frame() {
    with_timers(|| {
        for role in ROLES {
            let (conn, refusals) = late(role, broken(role));
            let (mut read, mut write) = conn.into_split();
            let (reads, writes) = (Flag::new(), Flag::new());
            let mut read = pin!(read.read_message());
            assert!(poll!(read, reads).is_pending());
            refusals.set(1);
            let mut flush = pin!(write.flush());
            assert!(poll!(flush, writes).is_ready(), "{role:?}");
            assert!(reads.take(), "{role:?}: its end goes on, and not at the close timeout alone");
        }
    });
}

#[test]
fn writer_that_is_done_is_not_woken_for_what_the_reader_writes() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let (reads, writes) = (Flag::new(), Flag::new());
        remote.set_capacity(0);
        {
            let mut write = pin!(write.write_message("message"));
            assert!(poll!(write, writes).is_pending());
            remote.set_capacity(usize::MAX);
            assert!(poll!(write, writes).is_ready());
        }
        remote.take();
        remote.set_capacity(0);
        remote.send(frame(role, Opcode::PING, b""));
        let mut read = pin!(read.read_message());
        assert!(poll!(read, reads).is_pending());
        remote.set_capacity(usize::MAX);
        assert!(reads.take(), "{role:?}");
        assert!(!writes.take(), "{role:?}: it waits for nothing");
    }
}

#[test]
fn reader_is_woken_by_what_is_queued_only_while_it_waits() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let (reads, writes) = (Flag::new(), Flag::new());
        {
            let mut read = pin!(read.read_message());
            assert!(poll!(read, reads).is_pending());
            remote.send(text(role, "message"));
            assert!(poll!(read, reads).is_ready());
        }
        assert!(poll!(pin!(write.queue_message("answer")), writes).is_ready());
        assert!(!reads.take(), "{role:?}: it waits for nothing");
        reads.wake_by_ref();
        let mut read = pin!(read.read_message());
        assert!(poll!(read, reads).is_pending());
        assert!(!remote.take().is_empty(), "{role:?}: a read that waits writes");
        writes.wake_by_ref();
        assert!(poll!(pin!(write.queue_message("another")), writes).is_ready());
        assert!(reads.take(), "{role:?}: nobody else writes it");
    }
}

// Shows WAKE-1.
#[test]
fn reader_is_woken_though_a_close_that_asked_after_it_was_given_up() {
    with_timers(|| {
        for role in ROLES {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = conn.into_split();
            let (reads, closes) = (Flag::new(), Flag::new());
            let mut read = pin!(read.read_message());
            assert!(poll!(read, reads).is_pending());
            {
                let mut ending = pin!(write.close(None));
                assert!(poll!(ending, closes).is_pending());
                assert!(poll!(read, reads).is_pending());
                let mut cx = Context::from_waker(Waker::noop());
                assert!(ending.as_mut().poll(&mut cx).is_pending());
            }
            remote.send(close(role, 1000));
            remote.end();
            assert!(poll!(read, reads).is_ready(), "{role:?}");
        }
    });
}

#[test]
fn connection_that_has_ended_keeps_nobodys_waker() {
    with_timers(|| {
        for role in ROLES {
            let config = Config::new().keep_alive(KeepAlive::every(S)).message_timeout(S);
            let (mut conn, remote) = conn_with(role, config, Pace::default());
            conn.set_read_deadline(within(100 * S));
            let flag = Flag::new();
            let waker = Waker::from(flag.clone());
            let mut cx = Context::from_waker(&waker);
            assert!(conn.poll_read_message(&mut cx).is_pending());
            remote.send(text(role, "message"));
            assert!(conn.poll_read_message(&mut cx).is_ready());
            assert!(conn.poll_read_message(&mut cx).is_pending());
            remote.send(close(role, 1000));
            remote.end();
            assert_eq!(now(conn.read_message()).unwrap().unwrap(), None);
            assert_eq!(Arc::strong_count(&flag), 2, "{role:?}: the flag and its waker here");
        }
    });
}
