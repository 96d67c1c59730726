//! Reads that take the short way, as after a message that came alone: they see and do all that others do.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
    task::{Context, Poll},
    thread,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, duplex},
    join,
    time::{sleep, timeout},
};
use ws_core::{
    BufferPool, CloseCode, Config, Conn, ErrorKind, InboundBudget, KeepAlive, Message, Negotiated, Pool,
    Role, frame::Opcode,
};

use crate::{
    calls::{S, assert_timed_out, clock, within},
    closing::timed,
    executor::{finish, now, once, run},
    pipe::{Pace, Pipe, Remote, conn, conn_with},
    wakes::yield_until_written,
    wire::{ROLES, binary, code, frame, frames, pattern, text},
};

/// A connection whose reads go to the stack, for little came with the last one.
fn used(role: Role, config: Config) -> (Conn<Pipe>, Remote) {
    let (mut conn, remote) = conn_with(role, config, Pace::default());
    remote.send(text(role, "first"));
    now(conn.read_message()).expect("does not wait").unwrap();
    assert!(now(conn.read_message()).is_none());
    (conn, remote)
}

#[test]
fn waiting_read_is_woken_for_what_a_control_asks_for() {
    for role in ROLES {
        let (mut conn, remote) = used(role, Config::new());
        let control = conn.control();
        let read = async {
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("last")), "{role:?}");
        };
        let ask = async {
            for payload in ["a", "b"] {
                control.send_ping(payload).unwrap();
                yield_until_written(&remote).await;
                assert_eq!(frames(&remote.take()), [(Opcode::PING, payload.into())], "{role:?}");
            }
            remote.send(text(role, "last"));
        };
        assert_eq!(run(vec![Box::pin(read), Box::pin(ask)]), Ok(()), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_read_ends_at_its_deadline() {
    for role in ROLES {
        let (mut conn, remote) = used(role, Config::new());
        for seconds in [5, 2] {
            conn.set_read_deadline(within(seconds * S));
            let (result, took) = timed(timeout(60 * S, conn.read_message())).await;
            assert_timed_out(result.expect("it ends"));
            assert_eq!(took, seconds * S, "{role:?}");
        }
        conn.set_read_deadline(within(5 * S));
        let peer = async {
            sleep(3 * S).await;
            remote.send(text(role, "in time"));
        };
        let (message, ()) = join!(conn.read_message(), peer);
        assert_eq!(message.unwrap(), Some(Message::text("in time")), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_read_sends_the_pings_of_keep_alive_and_notices_silence() {
    for role in ROLES {
        let config = Config::new().keep_alive(KeepAlive::every(20 * S).timeout(5 * S));
        let (mut conn, remote) = used(role, config);
        let start = clock();
        let peer = async {
            timeout(60 * S, yield_until_written(&remote)).await.expect("a ping");
            clock() - start
        };
        let read = timed(timeout(60 * S, conn.read_message()));
        let ((result, took), asked) = join!(read, peer);
        assert_eq!(result.expect("it ends").unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!((asked, took), (20 * S, 25 * S), "{role:?}");
    }
}

#[test]
fn request_of_a_control_goes_out_though_each_read_finds_a_message() {
    for role in ROLES {
        let (mut conn, remote) = used(role, Config::new());
        conn.control().send_ping("asked for").unwrap();
        for _ in 0..3 {
            remote.send(text(role, "message"));
            now(conn.read_message()).expect("does not wait").unwrap();
        }
        assert_eq!(frames(&remote.take()), [(Opcode::PING, b"asked for".to_vec())], "{role:?}");
    }
}

#[test]
fn others_have_a_turn_between_messages_that_are_read_one_by_one() {
    for role in ROLES {
        let message = text(role, "message");
        let pace = Pace { read: message.len(), ..Pace::default() };
        let (mut conn, remote) = conn_with(role, Config::new(), pace);
        remote.send(message.repeat(1000));
        let (mut turns, mut read) = (1, 0);
        while read < 1000 {
            match once(conn.read_message()) {
                Some(message) => read += usize::from(message.unwrap().is_some()),
                None => turns += 1,
            }
        }
        assert!((14..=33).contains(&turns), "{role:?}: {turns}");
    }
}

#[test]
fn messages_that_were_read_before_the_close_frame_was_sent_are_not_told_behind_it() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "message").repeat(3));
        now(conn.read_message()).expect("does not wait").unwrap();
        conn.start_send(Message::Close(None)).unwrap();
        remote.send(frame(role, Opcode::CLOSE, b""));
        remote.end();
        assert_eq!(finish(conn.read_message()).unwrap(), None, "{role:?}");
    }
}

#[test]
fn text_that_is_none_is_answered_with_1007() {
    for role in ROLES {
        let (mut conn, remote) = used(role, Config::new());
        remote.send(frame(role, Opcode::TEXT, b"\xC0"));
        remote.end();
        let error = finish(conn.read_message()).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD), "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1007)], "{role:?}");
    }
}

#[test]
fn message_that_fits_the_buffer_takes_nothing_of_a_budget() {
    for role in ROLES {
        let config = Config::new().inbound_budget(InboundBudget::new(0));
        let (mut conn, remote) = used(role, config);
        for size in [3000, 5000] {
            remote.send(binary(role, &pattern(size)));
            let message = now(conn.read_message()).expect("does not wait").unwrap();
            assert_eq!(message, Some(Message::binary(pattern(size))), "{role:?}");
            assert!(now(conn.read_message()).is_none());
        }
    }
}

/// A pool that knows how many of its buffers are out.
struct Counted(Arc<AtomicIsize>);

impl Pool for Counted {
    fn take(&self, capacity: usize) -> BytesMut {
        self.0.fetch_add(1, Ordering::Relaxed);
        BytesMut::with_capacity(capacity)
    }

    fn put(&self, _: BytesMut) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn buffer_goes_back_with_the_last_message_in_it() {
    for role in ROLES {
        let out = Arc::new(AtomicIsize::new(0));
        let config = Config::new().buffer_pool(BufferPool::own(Counted(out.clone())));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(text(role, "message").repeat(2));
        for left in [1, 0] {
            now(conn.read_message()).expect("does not wait").unwrap();
            assert_eq!(out.load(Ordering::Relaxed), left, "{role:?}");
        }
    }
}

/// Gives bytes, then an error as sockets do: once, and the end behind it.
struct FailsOnce(Vec<u8>, Option<io::ErrorKind>);

impl AsyncRead for FailsOnce {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = std::mem::take(&mut self.0);
        buf.put_slice(&bytes);
        match self.1.take_if(|_| bytes.is_empty()) {
            Some(error) => Poll::Ready(Err(error.into())),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for FailsOnce {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn error_that_a_transport_tells_once_is_the_end() {
    for role in ROLES {
        // With a message before it, and without.
        for bytes in [text(role, "first"), Vec::new()] {
            let expects = !bytes.is_empty();
            let io = FailsOnce(bytes, Some(io::ErrorKind::Other));
            let mut conn = Conn::new(io, role, Config::new(), Negotiated::new());
            if expects {
                assert!(finish(conn.read_message()).unwrap().is_some());
            }
            let error = finish(conn.read_message()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Io(io::ErrorKind::Other), "{role:?} {expects}");
        }
    }
}

#[test]
fn connection_that_goes_to_another_thread_finds_masking_keys_there() {
    let (near, mut far) = duplex(1000);
    let mut conn = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    now(far.write_all(&text(Role::Client, "first"))).expect("room").unwrap();
    now(conn.read_message()).expect("does not wait").unwrap();
    assert!(now(conn.read_message()).is_none());
    now(far.write_all(&frame(Role::Client, Opcode::TEXT, b"\xC0"))).expect("room").unwrap();
    drop(far);
    let read = || finish(conn.read_message()).unwrap_err().close_code();
    let code = thread::scope(|scope| scope.spawn(read).join().expect("no panic"));
    assert_eq!(code, Some(CloseCode::INVALID_PAYLOAD));
}
