//! Control frames from anywhere, at any time.

use std::{
    cell::Cell,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_core::{
    CloseFrame, Config, Conn, Control, ErrorKind, JoinedMessages, Message, MessageKind, MessageReader,
    MessageWriter, ReadHalf, Role, UsageError, WriteHalf, frame::Opcode,
};

use crate::{
    executor::{Flag, finish, now, poll_once, run, with_timers},
    pipe::{Pace, conn, conn_with},
    wakes::yield_until_written,
    wire::{ROLES, close, code, fragment, frames, pattern},
};

#[test]
fn control_goes_anywhere_and_halves_go_with_their_transport() {
    fn anywhere<T: Clone + Send + Sync + Unpin + 'static>() {}
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    /// May be sent, and must not be shared.
    type Sendable = Cell<u8>;
    type Shareable = tokio::net::TcpStream;
    anywhere::<Control>();
    send::<Conn<Sendable>>();
    send::<ReadHalf<Sendable>>();
    send::<WriteHalf<Sendable>>();
    send::<MessageReader<'_, Sendable>>();
    send::<MessageWriter<'_, Sendable>>();
    send::<JoinedMessages<'_, Sendable>>();
    sync::<Conn<Shareable>>();
    sync::<ReadHalf<Shareable>>();
    sync::<WriteHalf<Shareable>>();
    sync::<MessageReader<'_, Shareable>>();
    sync::<MessageWriter<'_, Shareable>>();
    sync::<JoinedMessages<'_, Shareable>>();
}

#[test]
fn futures_over_one_that_can_be_sent_can_be_spawned() {
    fn spawned(_: impl Send + 'static) {}
    let conn = |io| Conn::new(io, Role::Server, Config::new(), ws_core::Negotiated::new());
    let (near, far) = tokio::io::duplex(8);
    let (control, mut whole) = (conn(far).control(), conn(near));
    let (mut read, mut write) = conn(tokio::io::duplex(8).0).into_split();
    spawned(async move { control.ping().await });
    spawned(async move { whole.read_message().await });
    spawned(async move {
        let mut reader = read.next_reader().await?.expect("a message");
        reader.read_to_end(&mut Vec::new()).await
    });
    spawned(async move {
        write.next_writer(MessageKind::Text).await?.write_all(b"").await?;
        write.close(None).await.map_err(std::io::Error::from)
    });
}

#[test]
fn control_frames_go_out_as_they_were_asked_for() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let largest = pattern(125);
        control.send_ping("a").unwrap();
        control.send_pong(largest.clone()).unwrap();
        control.clone().send_ping("").unwrap();
        now(conn.flush()).expect("a flush sends them").unwrap();
        let sent = [(Opcode::PING, b"a".to_vec()), (Opcode::PONG, largest), (Opcode::PING, vec![])];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

#[test]
fn payload_over_125_bytes_is_refused() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let refused = ErrorKind::Usage(UsageError::ControlTooLong);
        assert_eq!(control.send_ping(pattern(126)).unwrap_err().kind(), &refused);
        assert_eq!(control.send_pong(pattern(126)).unwrap_err().kind(), &refused);
        now(conn.flush()).unwrap().unwrap();
        assert_eq!(remote.take(), b"", "{role:?}");
    }
}

#[test]
fn sixty_four_frames_wait_for_a_driver_and_no_more() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        for number in 0..64u8 {
            control.send_ping(vec![number]).unwrap();
        }
        let full = ErrorKind::Usage(UsageError::ControlQueueFull);
        assert_eq!(control.send_ping("").unwrap_err().kind(), &full);
        assert_eq!(control.send_pong("").unwrap_err().kind(), &full);
        assert_eq!(now(control.ping()).unwrap().unwrap_err().kind(), &full);

        assert!(now(conn.read_message()).is_none());
        let sent: Vec<_> = (0..64u8).map(|number| (Opcode::PING, vec![number])).collect();
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
        control.send_pong("room").unwrap();
        assert!(now(conn.read_message()).is_none());
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"room".to_vec())], "{role:?}");
    }
}

#[test]
fn close_is_taken_when_the_queue_is_full() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        while control.send_ping("").is_ok() {}
        control.close(CloseFrame::new(4000, "")).unwrap();
        assert!(with_timers(|| now(conn.read_message())).is_none());
        let sent = frames(&remote.take());
        assert_eq!((sent.len(), sent.last()), (65, Some(&code(4000))), "{role:?}");
    }
}

#[test]
fn only_the_first_close_frame_is_sent_and_behind_what_was_queued() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let (control, other) = (conn.control(), conn.control());
            now(conn.queue_message("queued")).unwrap().unwrap();
            control.close(CloseFrame::new(4000, "")).unwrap();
            other.close(CloseFrame::new(4001, "")).unwrap();
            control.close(None).unwrap();
            assert!(now(conn.read_message()).is_none());
            control.close(CloseFrame::new(4002, "")).unwrap();
            assert!(now(conn.read_message()).is_none());
            let sent = [(Opcode::TEXT, b"queued".to_vec()), code(4000)];
            assert_eq!(frames(&remote.take()), sent, "{role:?}");
        }
    });
}

#[test]
fn close_through_a_control_comes_before_a_later_close_of_the_connection() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            conn.control().close(CloseFrame::new(4000, "first")).unwrap();
            assert!(now(conn.close(CloseFrame::new(4001, "second"))).is_none());
            let payload = [&4000u16.to_be_bytes()[..], b"first"].concat();
            assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, payload)], "{role:?}");
        }
    });
}

#[test]
fn close_frame_that_must_not_be_sent_is_refused_and_another_one_may_follow() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            let refused = control.close(CloseFrame::new(1006, "")).unwrap_err();
            assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::UnsendableCloseCode));
            let refused = control.close(CloseFrame::new(1000, "x".repeat(124))).unwrap_err();
            assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::CloseReasonTooLong));
            control.close(CloseFrame::new(1000, "")).unwrap();
            assert!(now(conn.read_message()).is_none());
            assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}");
        }
    });
}

#[test]
fn read_that_waits_is_woken_for_what_is_asked_for() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            let read = async {
                assert_eq!(conn.read_message().await.unwrap(), None);
            };
            let ask = async {
                control.send_ping("a").unwrap();
                yield_until_written(&remote).await;
                assert_eq!(frames(&remote.take()), [(Opcode::PING, b"a".to_vec())]);
                control.close(None).unwrap();
                yield_until_written(&remote).await;
                assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, vec![])]);
                remote.send(close(role, 1000));
                remote.end();
            };
            assert_eq!(run(vec![Box::pin(read), Box::pin(ask)]), Ok(()), "{role:?}");
        }
    });
}

/// Makes one of the halves wait, asks for a ping through a control that did not exist before, and gives what was written.
fn asks_late(waits: impl FnOnce(&mut Context<'_>) -> Control, again: impl FnOnce(&mut Context<'_>)) {
    let flag = Flag::new();
    let waker = Waker::from(flag.clone());
    let mut cx = Context::from_waker(&waker);
    flag.take();
    let control = waits(&mut cx);
    assert!(!flag.take(), "waits");
    control.send_ping("late").unwrap();
    assert!(flag.take(), "the task that waited before the control was made is not woken");
    again(&mut cx);
}

#[test]
fn control_that_is_made_while_a_read_waits_wakes_it() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (read, write) = conn.into_split();
        let read = std::cell::RefCell::new(read);
        asks_late(
            |cx| {
                assert!(read.borrow_mut().poll_read_message(cx).is_pending());
                write.control()
            },
            |cx| assert!(read.borrow_mut().poll_read_message(cx).is_pending()),
        );
        assert_eq!(frames(&remote.take()), [(Opcode::PING, b"late".to_vec())], "{role:?}");
    }
}

#[test]
fn control_that_is_made_while_a_write_waits_wakes_it() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.set_capacity(0);
        let (read, mut write) = conn.into_split();
        write.start_send("blocked").unwrap();
        let write = std::cell::RefCell::new(write);
        asks_late(
            |cx| {
                assert!(write.borrow_mut().poll_flush(cx).is_pending());
                read.control()
            },
            |cx| assert!(write.borrow_mut().poll_flush(cx).is_pending()),
        );
        remote.set_capacity(usize::MAX);
        finish(write.borrow_mut().flush()).unwrap();
        let sent = [(Opcode::TEXT, b"blocked".to_vec()), (Opcode::PING, b"late".to_vec())];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

/// Whoever has waited for room must send what was asked for meanwhile: nobody else may come.
#[test]
fn write_that_was_blocked_over_the_high_water_mark_sends_what_was_asked_for() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(10), Pace::default());
        remote.set_capacity(5);
        let control = conn.control();
        let mut write = pin!(conn.write_message(Message::binary(pattern(100))));
        assert!(poll_once(write.as_mut()).is_pending());
        control.send_ping("asked").unwrap();
        assert!(poll_once(write.as_mut()).is_pending());
        remote.set_capacity(usize::MAX);
        let Poll::Ready(result) = poll_once(write.as_mut()) else { panic!("{role:?}: blocked") };
        result.unwrap();
        let sent = [(Opcode::BINARY, pattern(100)), (Opcode::PING, b"asked".to_vec())];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

#[test]
fn close_goes_out_while_a_write_is_blocked_by_a_peer_that_does_not_read() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(10), Pace::default());
            remote.set_capacity(5);
            let control = conn.control();
            let mut write = pin!(conn.write_message(Message::binary(pattern(100))));
            assert!(poll_once(write.as_mut()).is_pending());
            control.close(CloseFrame::new(1001, "")).unwrap();
            assert!(poll_once(write.as_mut()).is_pending());
            remote.set_capacity(usize::MAX);
            assert!(poll_once(write.as_mut()).is_ready());
            assert_eq!(frames(&remote.take()), [(Opcode::BINARY, pattern(100)), code(1001)], "{role:?}");
        }
    });
}

#[test]
fn control_frames_go_between_the_fragments_of_a_message() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
            now(writer.write_all(b"one")).unwrap().unwrap();
            now(writer.flush()).unwrap().unwrap();
            control.send_ping("between").unwrap();
            now(writer.write_all(b"two")).unwrap().unwrap();
            now(writer.finish()).unwrap().unwrap();
            let sent = frames(&remote.take());
            let pings: Vec<_> = sent.iter().filter(|(opcode, _)| *opcode == Opcode::PING).collect();
            assert_eq!(pings, [&(Opcode::PING, b"between".to_vec())], "{role:?}");
            let data: Vec<_> = sent.iter().filter(|(opcode, _)| *opcode != Opcode::PING).collect();
            assert_eq!(
                data,
                [&(Opcode::TEXT, b"one".to_vec()), &(Opcode::CONTINUATION, b"two".to_vec())],
                "{role:?}"
            );
        }
    });
}

#[test]
fn close_between_the_fragments_of_a_message_ends_it() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
            now(writer.write_all(b"one")).unwrap().unwrap();
            now(writer.flush()).unwrap().unwrap();
            control.close(CloseFrame::new(1001, "")).unwrap();
            now(writer.flush()).unwrap().unwrap();
            now(writer.write_all(b"two")).unwrap().unwrap();
            let refused = now(writer.finish()).unwrap().unwrap_err();
            assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::CloseSent), "{role:?}");
            assert!(now(conn.flush()).unwrap().is_ok());
            assert_eq!(frames(&remote.take()), [(Opcode::BINARY, b"one".to_vec()), code(1001)], "{role:?}");
        }
    });
}

#[test]
fn control_frames_go_out_while_a_message_is_read_in_pieces() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            remote.send(fragment(role, Opcode::TEXT, b"one", false));
            let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
            control.send_ping("between").unwrap();
            let mut piece = [0; 10];
            // What is there is given out first; then the reader waits.
            assert_eq!(now(reader.read(&mut piece)).unwrap().unwrap(), 3);
            assert!(now(reader.read(&mut piece)).is_none());
            assert_eq!(frames(&remote.take()), [(Opcode::PING, b"between".to_vec())], "{role:?}");
            remote.send(fragment(role, Opcode::CONTINUATION, b"two", true));
            let mut rest = String::new();
            now(reader.read_to_string(&mut rest)).unwrap().unwrap();
            assert_eq!(rest, "two");
        }
    });
}

#[test]
fn future_that_moved_to_another_task_is_woken_there() {
    fn poll(flag: &Arc<Flag>, future: Pin<&mut impl Future>) {
        let waker = Waker::from(flag.clone());
        assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
        flag.take();
    }
    for role in ROLES {
        let (conn, _remote) = conn(role);
        let control = conn.control();
        let [before, after, other] = [Flag::new(), Flag::new(), Flag::new()];
        let (mut closed, mut ping) = (pin!(control.closed()), pin!(control.ping()));
        poll(&before, closed.as_mut());
        poll(&before, ping.as_mut());
        poll(&after, closed.as_mut());
        poll(&other, ping.as_mut());
        drop(conn);
        assert!(!before.take() && after.take() && other.take(), "{role:?}");
    }
}
