//! `Stream` and `Sink`.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use ws_core::{CloseFrame, Config, ErrorKind, Message, frame::Opcode};

use crate::{
    calls::past,
    executor::{finish, now, run, with_timers},
    pipe::{Pace, conn, conn_with, pair},
    wire::{ROLES, broken, close, code, frame, frames, pattern, text},
};

#[tokio::test(start_paused = true)]
async fn stream_gives_messages_and_ends_after_a_normal_close() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(
            [text(role, "one"), frame(role, Opcode::PING, b""), text(role, "two"), close(role, 1000)]
                .concat(),
        );
        remote.end();
        let items: Vec<_> = conn.by_ref().map(Result::unwrap).collect().await;
        assert_eq!(items, [Message::text("one"), Message::text("two")], "{role:?}");
        assert!(conn.next().await.is_none(), "ended streams stay ended");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_gives_an_error_once_and_ends() {
    for role in ROLES {
        for end in [close(role, 4000), broken(role), Vec::new()] {
            let (mut conn, remote) = conn(role);
            remote.send([text(role, "one"), end].concat());
            remote.end();
            assert!(conn.next().await.unwrap().is_ok());
            assert!(conn.next().await.unwrap().is_err(), "{role:?}");
            assert!(conn.next().await.is_none(), "{role:?}");
            assert!(conn.next().await.is_none(), "{role:?}");
        }
    }
}

#[test]
fn sink_writes_on_send_and_queues_on_feed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.feed(Message::text("fed")).now_or_never().unwrap().unwrap();
        assert_eq!(remote.take(), b"");
        SinkExt::send(&mut conn, Message::text("sent")).now_or_never().unwrap().unwrap();
        assert_eq!(frames(&remote.take()).len(), 2, "{role:?}");
        conn.feed(Message::text("again")).now_or_never().unwrap().unwrap();
        SinkExt::flush(&mut conn).now_or_never().unwrap().unwrap();
        assert_eq!(frames(&remote.take()).len(), 1, "{role:?}");
    }
}

#[test]
fn sink_sends_all_of_a_stream_in_one_write() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let mut messages = stream::iter((0..50).map(|number| Ok(Message::text(number.to_string()))));
        now(conn.send_all(&mut messages)).unwrap().unwrap();
        assert_eq!(frames(&remote.take()).len(), 50);
        assert_eq!(remote.take_calls().len(), 2, "one write and one flush: {role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_goes_on_after_a_deadline_that_passed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.set_read_deadline(past());
        assert!(conn.next().await.unwrap().unwrap_err().is_timeout(), "{role:?}");
        conn.set_read_deadline(None);
        remote.send(text(role, "late"));
        assert_eq!(conn.next().await.unwrap().unwrap(), Message::text("late"), "{role:?}");
    }
}

#[test]
fn sink_waits_above_the_high_water_mark() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(10), Pace::default());
        remote.set_capacity(0);
        conn.feed(Message::text("0123456789")).now_or_never().unwrap().unwrap();
        assert!(conn.feed(Message::text("waits")).now_or_never().is_none(), "{role:?}");
        remote.set_capacity(usize::MAX);
        assert!(conn.feed(Message::text("goes")).now_or_never().is_some(), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn closing_the_sink_sends_1000_and_the_stream_finishes_the_handshake() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.feed(Message::text("last")).await.unwrap();
        SinkExt::close(&mut conn).await.unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"last".to_vec()), code(1000)], "{role:?}");
        SinkExt::close(&mut conn).await.unwrap();
        assert_eq!(remote.take(), b"", "a second close has nothing to do");
        assert!(SinkExt::send(&mut conn, Message::text("late")).await.is_err());
        remote.send([text(role, "dropped"), close(role, 1000)].concat());
        remote.end();
        assert!(conn.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn closing_the_sink_after_the_peer_has_closed_succeeds() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(close(role, 1001));
        remote.end();
        assert!(conn.next().await.is_none());
        SinkExt::close(&mut conn).await.unwrap();
        assert_eq!(frames(&remote.take()), [code(1001)], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_is_forwarded_to_the_sink_as_an_echo() {
    for capacity in [16, 1000] {
        let (mut client, server) = pair(&Config::new(), Pace::default(), capacity);
        let messages = [Message::text("hello"), Message::binary(pattern(5000)), Message::text("")];
        let (sink, stream) = server.split();
        let echo = stream.forward(sink);
        let talk = async {
            for message in &messages {
                client.write_message(message.clone()).await.unwrap();
                assert_eq!(client.read_message().await.unwrap().as_ref(), Some(message));
            }
            client.close(CloseFrame::new(1000, "")).await.unwrap();
        };
        let (echoed, ()) = tokio::join!(echo, talk);
        echoed.unwrap();
    }
}

#[test]
fn halves_of_a_split_connection_in_two_tasks_wake_each_other() {
    // The writer waits for room; the reader is polled next and, about to wait, writes too. Both wait for the same
    // transport, which remembers one of them.
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.set_capacity(4);
        let (mut sink, mut stream) = conn.split();
        let writer = async {
            sink.send(Message::text("longer than there is room")).await.unwrap();
            sink.send(Message::text("second")).await.unwrap();
        };
        let reader = async {
            stream.next().await.unwrap().unwrap();
        };
        let peer = async {
            let mut written = Vec::new();
            // Two messages of the writer, and an answer to the second.
            let overhead = if role == ws_core::Role::Client { 12 } else { 4 };
            while written.len() < 25 + 6 + overhead {
                crate::wakes::yield_until_written(&remote).await;
                written.extend(remote.take());
            }
            remote.send(text(role, "answer"));
        };
        let stuck = run(vec![Box::pin(writer), Box::pin(reader), Box::pin(peer)]);
        assert_eq!(stuck, Ok(()), "{role:?}: 0 is the writer, 1 the reader, 2 the peer");
    }
}

#[test]
fn half_that_writes_learns_that_the_connection_is_lost() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.set_capacity(4);
        let (mut sink, mut stream) = conn.split();
        let writer = async {
            sink.send(Message::text("longer than there is room")).await.unwrap_err();
        };
        let reader = async {
            let error = stream.next().await.unwrap().unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
        };
        // The peer has gone: reads tell it, and the write direction stays full.
        let peer = async { remote.end() };
        let stuck = run(vec![Box::pin(writer), Box::pin(reader), Box::pin(peer)]);
        assert_eq!(stuck, Ok(()), "{role:?}: 0 is the writer");
    }
}

/// Lets the other tasks have so many turns.
async fn rounds(mut left: u32) {
    poll_fn(|cx| {
        left -= 1;
        cx.waker().wake_by_ref();
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Polls a future a few times more than it is woken, as a task that waits for other things, too.
async fn restless<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        if polls < 10 {
            cx.waker().wake_by_ref();
        }
        future.as_mut().poll(cx)
    })
    .await
}

#[test]
fn close_frame_of_the_peer_ends_both_halves_while_the_writer_waits() {
    with_timers(|| {
        for role in ROLES {
            for (step, is_restless) in [(1, false), (10, false), (1, true), (10, true)] {
                let (conn, remote) = conn(role);
                remote.set_capacity(step);
                let (mut sink, mut stream) = conn.split();
                let writer = async {
                    let send = sink.send(Message::text("longer than there is room"));
                    if is_restless {
                        restless(send).await.unwrap()
                    } else {
                        send.await.unwrap()
                    }
                    sink.send(Message::text("late")).await.unwrap_err();
                };
                let reader = async { assert!(stream.next().await.is_none()) };
                let peer = async {
                    remote.send(close(role, 1000));
                    // Long enough for the restless writer to be the last that polls the transport.
                    rounds(20).await;
                    let mut written = Vec::new();
                    let overhead = if role == ws_core::Role::Client { 12 } else { 4 };
                    while written.len() < 25 + 2 + overhead {
                        crate::wakes::yield_until_written(&remote).await;
                        written.extend(remote.take());
                    }
                    remote.end();
                };
                let stuck = run(vec![Box::pin(peer), Box::pin(writer), Box::pin(reader)]);
                assert_eq!(stuck, Ok(()), "{role:?} by {step}, restless: {is_restless}: 1 writes, 2 reads");
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn half_that_reads_bounds_the_closing_handshake_that_the_other_half_begins() {
    for role in ROLES {
        let (conn, _remote) = conn(role);
        let (mut sink, mut stream) = conn.split();
        // The reader waits already, without a timer, when the writer closes; the peer never answers.
        let reader = async { stream.next().await.unwrap().unwrap_err() };
        let writer = async { SinkExt::close(&mut sink).await.unwrap() };
        let both =
            tokio::time::timeout(std::time::Duration::from_secs(6), async { tokio::join!(reader, writer) });
        let (error, ()) = both.await.expect("the close timeout is five seconds");
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_that_waits_for_a_peer_that_never_reads_learns_that_the_connection_is_over() {
    for role in ROLES {
        for end in [close(role, 1000), broken(role)] {
            let (conn, remote) = conn(role);
            remote.set_capacity(4);
            let (mut sink, mut stream) = conn.split();
            remote.send(end);
            let writer = async { sink.send(Message::text("longer than there is room")).await.unwrap_err() };
            let reader = async { stream.next().await.transpose() };
            let limit = std::time::Duration::from_secs(6);
            let both = tokio::time::timeout(limit, async { tokio::join!(writer, reader) }).await;
            let (error, _) = both.expect("the close timeout is five seconds");
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
        }
    }
}

#[test]
fn write_that_is_given_up_by_its_task_is_finished_by_the_task_that_reads() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.set_capacity(4);
        let (mut sink, mut stream) = conn.split();
        let gone = std::cell::Cell::new(false);
        let writer = async {
            // Polled once, while the reader waits; then its task is gone.
            let mut send = pin!(sink.send(Message::text("longer than there is room")));
            let polled = poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            gone.set(true);
        };
        let reader = async {
            stream.next().await.unwrap().unwrap();
        };
        let peer = async {
            let mut written = Vec::new();
            let overhead = if role == ws_core::Role::Client { 6 } else { 2 };
            while written.len() < 25 + overhead {
                crate::wakes::yield_until_written(&remote).await;
                assert!(gone.get());
                written.extend(remote.take());
            }
            remote.send(text(role, "answer"));
        };
        // The reader first: it waits for bytes only, nothing is queued yet.
        let stuck = run(vec![Box::pin(reader), Box::pin(writer), Box::pin(peer)]);
        assert_eq!(stuck, Ok(()), "{role:?}: 0 is the reader");
    }
}

#[test]
fn read_that_is_given_up_by_its_task_leaves_the_writer_to_be_woken() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.set_capacity(4);
        let (mut sink, mut stream) = conn.split();
        let writer = async { sink.send(Message::text("longer than there is room")).await.unwrap() };
        let reader = async {
            // About to wait, it tries to write, too: the last that the transport remembers. Then its task is gone.
            let mut next = pin!(stream.next());
            assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await.is_pending());
        };
        let peer = async {
            rounds(5).await;
            let mut written = 0;
            let overhead = if role == ws_core::Role::Client { 6 } else { 2 };
            while written < 25 + overhead {
                crate::wakes::yield_until_written(&remote).await;
                written += remote.take().len();
            }
        };
        let stuck = run(vec![Box::pin(writer), Box::pin(reader), Box::pin(peer)]);
        assert_eq!(stuck, Ok(()), "{role:?}: 0 is the writer");
    }
}

#[test]
fn halves_are_one_connection_again_after_reunite() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (sink, stream) = conn.split();
        let mut conn = sink.reunite(stream).unwrap();
        finish(pin!(conn.write_message("whole"))).unwrap();
        assert_eq!(frames(&remote.take()).len(), 1);
    }
}
