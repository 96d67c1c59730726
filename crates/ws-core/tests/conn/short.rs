//! Messages of one short frame, which take short ways: past the buffers when they come and go alone.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, advance, timeout},
};
use ws_core::{
    BufferPool, Config, Conn, Error, ErrorKind, KeepAlive, Message, Negotiated, Pool, Role, frame::Opcode,
};

use crate::{
    calls::{S, within},
    executor::{finish, now, poll_and_drop, with_timers},
    pipe::{Call, Pace, Pipe, Remote, conn, conn_with},
    wire::{ROLES, binary, fragment, frame, frames, pattern, text},
};

fn ready<T>(future: impl Future<Output = T>) -> T {
    now(future).expect("does not wait")
}

/// A pool that counts what is taken from it.
struct Counting(Arc<AtomicUsize>);

impl Pool for Counting {
    fn take(&self, capacity: usize) -> BytesMut {
        self.0.fetch_add(1, Ordering::Relaxed);
        BytesMut::with_capacity(capacity)
    }

    fn put(&self, _: BytesMut) {}
}

fn counting() -> (Config, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    (Config::new().buffer_pool(BufferPool::own(Counting(taken.clone()))), taken)
}

/// A connection does not know what to expect before its first read.
fn read_little(conn: &mut Conn<Pipe>, remote: &Remote) {
    remote.send(text(Role::Server, "first"));
    ready(conn.read_message()).unwrap().unwrap();
    assert!(now(conn.read_message()).is_none());
}

#[test]
fn message_that_comes_and_goes_alone_takes_no_buffer() {
    let (config, taken) = counting();
    let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
    read_little(&mut conn, &remote);
    taken.store(0, Ordering::Relaxed);
    for size in [0, 1, 125, 126, 1500] {
        remote.send(binary(Role::Server, &pattern(size)));
        let message = ready(conn.read_message()).unwrap().unwrap();
        assert_eq!(message, Message::binary(pattern(size)));
        assert!(now(conn.read_message()).is_none());
        ready(conn.write_message(message)).unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::BINARY, pattern(size))]);
    }
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn message_that_comes_alone_takes_no_buffer_with_deadlines_keep_alive_and_a_control_either() {
    let (config, taken) = counting();
    let config = config.keep_alive(KeepAlive::every(10 * S));
    let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
    read_little(&mut conn, &remote);
    // A ping is sent, and makes what a `Control` needs.
    assert!(timeout(11 * S, conn.read_message()).await.is_err());
    remote.send(frame(Role::Server, Opcode::PONG, &frames(&remote.take())[0].1));
    assert!(now(conn.read_message()).is_none());
    taken.store(0, Ordering::Relaxed);
    for _ in 0..3 {
        conn.set_read_deadline(within(60 * S));
        remote.send(text(Role::Server, "message"));
        let message = ready(conn.read_message()).unwrap().unwrap();
        assert!(now(conn.read_message()).is_none());
        ready(conn.write_message(message)).unwrap();
    }
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn short_message_that_comes_after_the_read_deadline_is_not_read() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "first"));
        ready(conn.read_message()).unwrap();
        conn.set_read_deadline(within(S));
        assert!(now(conn.read_message()).is_none());
        // The timer goes off only when the runtime looks at it.
        advance(2 * S).await;
        remote.send(text(role, "second"));
        assert_eq!(ready(conn.read_message()).unwrap_err().kind(), &ErrorKind::TimedOut, "{role:?}");
        conn.set_read_deadline(None);
        assert_eq!(ready(conn.read_message()).unwrap(), Some(Message::text("second")), "{role:?}");
    }
}

#[test]
fn messages_that_come_in_masses_are_read_to_a_buffer() {
    let (config, taken) = counting();
    let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
    for burst in 0..3 {
        remote.send(text(Role::Server, "message").repeat(1000));
        for _ in 0..1000 {
            assert_eq!(ready(conn.read_message()).unwrap().unwrap(), Message::text("message"));
        }
        assert!(now(conn.read_message()).is_none());
        // The read that finds nothing has one, too.
        assert!(taken.load(Ordering::Relaxed) <= 2 + 2 * burst, "one a burst");
    }
}

#[test]
fn reads_ask_for_no_more_than_the_read_buffer_has() {
    let config = Config::new().read_buffer_size(1024);
    let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
    read_little(&mut conn, &remote);
    let stats = conn.stats();
    remote.send([text(Role::Server, "first"), binary(Role::Server, &pattern(1900))].concat());
    ready(conn.read_message()).unwrap().unwrap();
    assert_eq!(stats.received().wire_bytes, 1024);
}

#[test]
fn messages_arrive_whatever_else_is_read_with_them() {
    for role in ROLES {
        for read in [usize::MAX, 2047, 2048, 2049, 700] {
            let pace = Pace { read, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            let sizes: Vec<usize> = (0..60).flat_map(|step| [3 * step, 2020 + step, 70 * step]).collect();
            for alone in [true, false] {
                for &size in &sizes {
                    remote.send(binary(role, &pattern(size)));
                    if alone {
                        assert_eq!(
                            ready(conn.read_message()).unwrap().unwrap(),
                            Message::binary(pattern(size))
                        );
                        assert!(now(conn.read_message()).is_none());
                    }
                }
                for &size in sizes.iter().filter(|_| !alone) {
                    assert_eq!(
                        ready(conn.read_message()).unwrap().unwrap(),
                        Message::binary(pattern(size)),
                        "{role:?} {read} {size}"
                    );
                }
            }
        }
    }
}

#[test]
fn fragment_behind_a_short_message_is_kept() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "whole"), fragment(role, Opcode::TEXT, b"be", false)].concat());
        assert_eq!(ready(conn.read_message()).unwrap().unwrap(), Message::text("whole"));
        assert!(now(conn.read_message()).is_none());
        remote.send(fragment(role, Opcode::CONTINUATION, b"gun", true));
        assert_eq!(ready(conn.read_message()).unwrap().unwrap(), Message::text("begun"));
    }
}

#[test]
fn text_that_is_none_ends_the_connection_and_hides_what_follows() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let bad = frame(role, Opcode::TEXT, &[b'a', 0xC0, b'b']);
        remote.send([bad, text(role, "after")].concat());
        remote.end();
        let errors: Vec<_> = (0..2).map(|_| ready(conn.read_message()).unwrap_err().close_code()).collect();
        assert_eq!(errors, [Some(ws_core::CloseCode::INVALID_PAYLOAD); 2], "{role:?}");
    }
}

#[test]
fn written_message_goes_behind_those_that_are_queued() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        ready(conn.queue_message("first")).unwrap();
        ready(conn.write_message("second")).unwrap();
        let sent: Vec<_> = frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect();
        assert_eq!(sent, [b"first".to_vec(), b"second".to_vec()], "{role:?}");
    }
}

#[test]
fn written_message_goes_whole_however_little_the_transport_takes() {
    for role in ROLES {
        for stutter in [false, true] {
            let pace = Pace { write: 3, stutter, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            for size in [0, 1, 125, 126, 2043, 2044, 2045, 5000] {
                finish(conn.write_message(pattern(size))).unwrap();
                assert_eq!(frames(&remote.take()), [(Opcode::BINARY, pattern(size))], "{role:?} {size}");
                assert_eq!(remote.take_calls().last(), Some(&Call::Flush));
            }
        }
    }
}

/// Takes everything at once, and is done with a flush at every other call.
struct Slow(usize);

impl AsyncRead for Slow {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Slow {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 += 1;
        if self.0 % 2 == 0 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn written_message_is_flushed_by_a_transport_that_has_taken_it_at_once() {
    for role in ROLES {
        let mut conn = Conn::new(Slow(0), role, Config::new(), Negotiated::new());
        finish(conn.write_message("a")).unwrap();
        assert_eq!(conn.get_ref().0, 2, "{role:?}");
    }
}

#[test]
fn write_that_is_dropped_has_written_a_message_whole_or_not_at_all() {
    for role in ROLES {
        for polls in 0..20 {
            let pace = Pace { write: 3, stutter: true, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            poll_and_drop(conn.write_message("dropped in the middle"), polls);
            finish(conn.write_message("last")).unwrap();
            let mut sent: Vec<_> = frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect();
            assert_eq!(sent.pop(), Some(b"last".to_vec()));
            assert!(
                sent.is_empty() || sent == [b"dropped in the middle".to_vec()],
                "{role:?} {polls}: {sent:?}"
            );
            assert_eq!(sent.is_empty(), polls == 0);
        }
    }
}

#[test]
fn failed_write_is_told_as_what_it_was_and_ends_all_others() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let stats = conn.stats();
        remote.fail_writes(io::ErrorKind::ConnectionReset);
        let mut write = || ready(conn.write_message("lost")).unwrap_err().kind().clone();
        let first = write();
        // What a socket says once, it says no more; the connection does.
        remote.recover_writes();
        assert_eq!([write(), write()], [first.clone(), first], "{role:?}");
        assert_eq!(remote.take(), b"");
        drop(conn);
        assert!(matches!(stats.ended(), Some(ws_core::End::Lost(_))));
    }
}

#[test]
fn control_frames_that_were_asked_for_go_with_a_written_message() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        control.send_pong("asked for").unwrap();
        ready(conn.write_message("message")).unwrap();
        let sent = frames(&remote.take());
        assert!(sent.contains(&(Opcode::PONG, b"asked for".to_vec())), "{role:?}: {sent:?}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is a time")]
fn short_message_is_not_written_after_the_write_deadline() {
    with_timers(|| {
        for role in ROLES {
            for queues in [false, true] {
                let (mut conn, remote) = conn(role);
                conn.set_write_deadline(Instant::now().into_std());
                let send = |conn: &mut Conn<Pipe>| -> Result<(), Error> {
                    if queues { ready(conn.queue_message("late")) } else { ready(conn.write_message("late")) }
                };
                assert_eq!(send(&mut conn).unwrap_err().kind(), &ErrorKind::TimedOut, "{role:?}");
                assert_eq!(remote.take(), b"");
                conn.set_write_deadline(None);
                send(&mut conn).unwrap();
            }
        }
    });
}

#[test]
fn short_message_waits_while_the_queue_is_above_its_mark() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(100), Pace::default());
        remote.set_capacity(0);
        ready(conn.queue_message(pattern(200))).unwrap();
        assert!(now(conn.queue_message("waits")).is_none(), "{role:?}");
        assert!(now(conn.write_message("waits")).is_none());
        remote.set_capacity(usize::MAX);
        ready(conn.flush()).unwrap();
        assert_eq!(frames(&remote.take()).len(), 1, "nothing of what had no room was queued");
    }
}

#[test]
fn short_message_after_the_close_frame_is_refused() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.start_send(Message::Close(None)).unwrap();
        assert!(ready(conn.write_message("late")).is_err(), "{role:?}");
        assert!(ready(conn.queue_message("late")).is_err());
        let _ = now(conn.flush());
        assert_eq!(frames(&remote.take()).len(), 1);
    }
}
