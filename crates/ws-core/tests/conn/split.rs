//! Two halves at once: one reads, the other writes, and each does the rest of its work by itself.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    join,
    time::{sleep, timeout},
};
use ws_core::{
    CloseFrame, Config, ErrorKind, Message, MessageKind, ProtocolError, ReuniteError, Role, UsageError,
    frame::Opcode,
};

use crate::{
    closing::{CLOSE_TIMEOUT, timed},
    executor::{Flag, Task, finish, now, poll_and_drop, poll_once, run, with_timers},
    pipe::{Pace, conn, conn_with, pair},
    wakes::yield_until_written,
    wire::{ROLES, binary, broken, close, code, fragment, frame, frames, pattern, text},
};

/// More than any poll of a test needs to close.
const FEW: usize = 50;

#[test]
fn one_half_reads_while_the_other_is_blocked_and_the_other_way_round() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.set_capacity(0);
        let mut blocked = Box::pin(write.write_message("blocked"));
        assert!(poll_once(blocked.as_mut()).is_pending());
        remote.send(text(role, "in"));
        assert_eq!(now(read.read_message()).expect("at once").unwrap(), Some(Message::text("in")));
        let mut waits = Box::pin(read.read_message());
        assert!(poll_once(waits.as_mut()).is_pending());
        remote.set_capacity(usize::MAX);
        assert!(poll_once(blocked.as_mut()).is_ready(), "{role:?}: beside a read that waits");
        drop(blocked);
        now(write.write_message("out")).expect("at once").unwrap();
        let sent = ["blocked", "out"].map(|text| (Opcode::TEXT, text.as_bytes().to_vec()));
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
        assert!(poll_once(waits.as_mut()).is_pending());
    }
}

#[test]
fn both_directions_are_full_at_once_and_everything_arrives() {
    with_timers(|| {
        for capacity in [1, 3, 64] {
            for stutter in [false, true] {
                let pace = Pace { read: 5, write: 4, stutter, vectored: true };
                let config = Config::new().high_water_mark(100).write_buffer_size(125);
                let (client, server) = pair(&config, pace, capacity);
                let message = Message::binary(pattern(3000));
                let (arrived, kept) = (Cell::new(0), RefCell::new(Vec::new()));
                let mut tasks: Vec<Task<'_>> = Vec::new();
                for conn in [client, server] {
                    let (mut read, mut write) = conn.into_split();
                    let (message, arrived, kept) = (&message, &arrived, &kept);
                    tasks.push(Box::pin(async move {
                        for _ in 0..3 {
                            write.write_message(message.clone()).await.unwrap();
                        }
                    }));
                    tasks.push(Box::pin(async move {
                        for _ in 0..3 {
                            assert!(read.read_message().await.unwrap().as_ref() == Some(message));
                            arrived.set(arrived.get() + 1);
                        }
                        // The other end may still flush.
                        kept.borrow_mut().push(read);
                    }));
                }
                assert_eq!(run(tasks), Ok(()), "{capacity} {stutter}");
                assert_eq!(arrived.get(), 6);
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn writer_closes_beside_a_reader_that_waits_and_both_end() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let peer = async {
            yield_until_written(&remote).await;
            assert_eq!(frames(&remote.take()), [code(1001)]);
            remote.send(close(role, 1001));
            remote.end();
        };
        let all = async { join!(read.read_message(), write.close(CloseFrame::new(1001, "")), peer) };
        let ((read, closed, ()), took) = timed(all).await;
        assert_eq!(read.unwrap(), None, "{role:?}");
        closed.unwrap();
        assert_eq!(took, Duration::ZERO, "nobody waited for a timeout");
    }
}

#[test]
fn close_finishes_by_itself_whatever_became_of_the_read_half() {
    with_timers(|| {
        for role in ROLES {
            for fate in ["dropped", "never polled", "polled once", "in a message", "in a piece"] {
                let (conn, remote) = conn(role);
                let (mut read, mut write) = conn.into_split();
                remote.send(fragment(role, Opcode::BINARY, &pattern(5000), false));
                let mut kept = None;
                match fate {
                    "dropped" => drop(read),
                    "polled once" => {
                        assert!(now(read.read_message()).is_none());
                        kept = Some(read);
                    }
                    "in a message" => {
                        assert!(poll_and_drop(read.read_message(), 3).is_none());
                        kept = Some(read);
                    }
                    "in a piece" => {
                        let mut reader = now(read.next_reader()).unwrap().unwrap().unwrap();
                        assert_eq!(now(reader.read(&mut [0; 7])).unwrap().unwrap(), 7);
                        kept = Some(read);
                    }
                    _ => kept = Some(read),
                }
                assert!(now(write.close(CloseFrame::new(4000, ""))).is_none(), "the peer has not answered");
                remote.send(fragment(role, Opcode::CONTINUATION, &pattern(100), true));
                remote.send(close(role, 4000));
                remote.end();
                let closed = poll_and_drop(write.close(None), FEW);
                closed.unwrap_or_else(|| panic!("{role:?} {fate}: hangs")).unwrap();
                assert_eq!(frames(&remote.take()), [code(4000)], "{role:?} {fate}");
                if let Some(mut read) = kept {
                    let ended = now(read.read_message()).expect("at once");
                    assert_eq!(ended.unwrap_err().close_code().map(|code| code.as_u16()), Some(4000));
                }
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn close_without_a_reader_is_bounded_by_the_close_timeout() {
    for role in ROLES {
        let (conn, _remote) = conn(role);
        let (read, mut write) = conn.into_split();
        drop(read);
        let (result, took) = timed(write.close(None)).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT);
    }
}

/// The transport wakes the task that polled it last, and that was the reader.
#[test]
fn close_is_woken_when_the_reader_that_waited_beside_it_is_gone() {
    with_timers(|| {
        for role in ROLES {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = conn.into_split();
            let flag = Flag::new();
            let waker = Waker::from(flag.clone());
            let mut close_waits = pin!(write.close(None));
            let mut cx = Context::from_waker(&waker);
            assert!(close_waits.as_mut().poll(&mut cx).is_pending());
            assert!(now(read.read_message()).is_none());
            drop(read);
            while flag.take() {
                assert!(close_waits.as_mut().poll(&mut cx).is_pending());
            }
            remote.send(close(role, 1000));
            remote.end();
            assert!(flag.take(), "{role:?}");
            assert!(close_waits.as_mut().poll(&mut cx).is_ready(), "{role:?}");
        }
    });
}

#[test]
fn reader_of_a_message_that_is_there_reads_it_to_its_end_when_the_other_half_closes() {
    with_timers(|| {
        for role in ROLES {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = conn.into_split();
            remote.send(text(role, "message"));
            let mut reader = now(read.next_reader()).unwrap().unwrap().unwrap();
            let mut piece = [0; 3];
            assert_eq!(now(reader.read(&mut piece)).unwrap().unwrap(), 3);
            assert!(now(write.close(None)).is_none());
            remote.send(text(role, "not this one"));
            remote.send(close(role, 1000));
            remote.end();
            let mut rest = Vec::new();
            finish(reader.read_to_end(&mut rest)).unwrap();
            assert_eq!(rest, b"sage", "{role:?}");
            assert!(finish(read.read_message()).unwrap().is_none(), "{role:?}: and nothing else");
        }
    });
}

#[test]
fn writer_goes_on_when_the_read_half_is_dropped_and_reader_when_the_write_half_is() {
    for role in ROLES {
        let (one, remote) = conn(role);
        let (read, mut write) = one.into_split();
        drop(read);
        now(write.write_message("alone")).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"alone".to_vec())], "{role:?}");
        assert!(!remote.is_shut_down());
        drop(write);
        assert!(remote.is_shut_down(), "{role:?}: the transport goes with the second half");

        let (other, remote) = conn(role);
        let (mut read, write) = other.into_split();
        drop(write);
        remote.send([frame(role, Opcode::PING, b"p"), text(role, "alone")].concat());
        assert_eq!(now(read.read_message()).unwrap().unwrap(), Some(Message::text("alone")), "{role:?}");
        assert!(now(read.read_message()).is_none());
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"p".to_vec())], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn close_read_answers_pings_measures_pongs_and_ends_well_with_the_peer() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (read, mut write) = conn.into_split();
        let control = write.control();
        let writes = async {
            write.write_message("data").await.unwrap();
            yield_until_written(&remote).await;
            let sent = frames(&remote.take());
            assert_eq!(sent.len(), 2, "a message and a ping: {sent:?}");
            let ping = sent.iter().find(|(opcode, _)| *opcode == Opcode::PING).unwrap();
            sleep(Duration::from_millis(70)).await;
            remote.send(frame(role, Opcode::PONG, &ping.1));
            remote.send(frame(role, Opcode::PING, b"p"));
            yield_until_written(&remote).await;
            assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"p".to_vec())]);
            remote.send(close(role, 1001));
            remote.end();
        };
        let all = async { join!(read.close_read(), control.ping(), writes) };
        let (ended, took, ()) = timeout(Duration::from_secs(9), all).await.expect("ends");
        ended.unwrap();
        assert_eq!(took.unwrap(), Duration::from_millis(70), "{role:?}");
        assert!(control.is_closed());
    }
}

#[test]
fn close_read_refuses_data_with_1008() {
    with_timers(|| {
        for role in ROLES {
            for data in [
                text(role, "data"),
                binary(role, &[]),
                binary(role, &pattern(100_000)),
                fragment(role, Opcode::TEXT, b"beginning", false),
            ] {
                let (conn, remote) = conn(role);
                let (read, mut write) = conn.into_split();
                remote.send(data);
                remote.end();
                let error = finish(read.close_read()).unwrap_err();
                assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::UnexpectedMessage), "{role:?}");
                assert_eq!(frames(&remote.take()), [code(1008)], "{role:?}");
                let refused = now(write.write_message("more")).unwrap().unwrap_err();
                assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::CloseSent));
            }
        }
    });
}

#[test]
fn close_read_tells_how_else_the_connection_ended() {
    with_timers(|| {
        for role in ROLES {
            let ends = [
                (close(role, 4000), ErrorKind::Closed(Some(CloseFrame::new(4000, "")))),
                (broken(role), ErrorKind::Protocol(ProtocolError::ReservedOpcode)),
                (vec![], ErrorKind::ConnectionLost),
            ];
            for (bytes, kind) in ends {
                let (conn, remote) = conn(role);
                let (read, _write) = conn.into_split();
                remote.send(bytes);
                remote.end();
                assert_eq!(finish(read.close_read()).unwrap_err().kind(), &kind, "{role:?}");
            }
        }
    });
}

#[cfg(feature = "stream")]
#[test]
fn halves_make_one_connection_again_and_nothing_is_lost() {
    for role in ROLES {
        let slow = Pace { read: 4, ..Pace::default() };
        let (conn, remote) = conn_with(role, Config::new(), slow);
        let (mut read, mut write) = conn.into_split();
        assert!(read.is_pair_of(&write));
        now(write.queue_message("queued")).unwrap().unwrap();
        let arriving = binary(role, &pattern(100));
        remote.send(&arriving[..50]);
        assert!(now(read.next()).is_none(), "the half of a message");
        now(write.queue_message("queued, too")).unwrap().unwrap();
        let control = read.control();

        let mut conn = read.reunite(write).expect("of one connection");
        remote.send(&arriving[50..]);
        assert!(finish(conn.read_message()).unwrap() == Some(Message::binary(pattern(100))), "{role:?}");
        now(conn.flush()).unwrap().unwrap();
        let sent = ["queued", "queued, too"].map(|text| (Opcode::TEXT, text.as_bytes().to_vec()));
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
        control.send_pong("same").unwrap();
        now(conn.flush()).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"same".to_vec())], "{role:?}");
    }
}

#[test]
fn halves_in_the_middle_of_messages_make_one_connection_again() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let mut writer = now(write.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"open")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        drop(writer);
        remote.send([text(role, "left early"), text(role, "next")].concat());
        let mut reader = now(read.next_reader()).unwrap().unwrap().unwrap();
        assert_eq!(now(reader.read(&mut [0; 2])).unwrap().unwrap(), 2);

        let mut conn = read.reunite(write).expect("of one connection");
        assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("next")), "{role:?}");
        let refused = now(conn.write_message("other")).unwrap().unwrap_err();
        assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::MessageOpen), "{role:?}");
    }
}

#[test]
fn halves_of_strangers_are_given_back() {
    let (one, one_remote) = conn(Role::Server);
    let (other, other_remote) = conn(Role::Server);
    let (read, other_write) = one.into_split();
    let (other_read, write) = other.into_split();
    assert!(!read.is_pair_of(&write));
    let Err(ReuniteError(mut read, mut write)) = read.reunite(write) else { panic!("strangers") };
    one_remote.send(text(Role::Server, "one"));
    assert_eq!(now(read.read_message()).unwrap().unwrap(), Some(Message::text("one")));
    now(write.write_message("other")).unwrap().unwrap();
    assert_eq!(frames(&other_remote.take()), [(Opcode::TEXT, b"other".to_vec())]);
    assert!(read.reunite(other_write).is_ok() && other_read.reunite(write).is_ok());
}

#[test]
fn message_is_copied_from_one_half_to_the_other_while_both_are_open() {
    for role in ROLES {
        for size in [0, 1, 700, 20_000] {
            let config = Config::new().write_buffer_size(500).read_buffer_size(300);
            let pace = Pace { read: 333, write: 77, stutter: true, vectored: true };
            let (conn, remote) = conn_with(role, config, pace);
            let (mut read, mut write) = conn.into_split();
            remote.send(binary(role, &pattern(size)));
            let echo = async {
                let mut message = read.next_reader().await.unwrap().unwrap();
                let mut reply = write.next_writer(message.kind()).await.unwrap();
                tokio::io::copy(&mut message, &mut reply).await.unwrap();
                reply.finish().await.unwrap();
            };
            finish(echo);
            let sent = frames(&remote.take());
            let data: Vec<u8> = sent.iter().flat_map(|(_, payload)| payload.clone()).collect();
            assert!(data == pattern(size), "{role:?} {size}");
            assert!(sent.iter().all(|(_, payload)| payload.len() <= 500), "{role:?} {size}");
        }
    }
}

/// Sending gives an empty read buffer back, and must not take that of a piece that is still to be given out.
#[test]
fn sending_on_one_half_leaves_the_bytes_that_the_other_has_not_given_out() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.send(text(role, "a message that is read in pieces"));
        let mut reader = now(read.next_reader()).unwrap().unwrap().unwrap();
        let mut data = String::new();
        let mut piece = [0; 5];
        loop {
            now(write.queue_message("overwrites what was lent, if anything does")).unwrap().unwrap();
            now(write.flush()).unwrap().unwrap();
            match now(reader.read(&mut piece)).unwrap().unwrap() {
                0 => break,
                count => data.push_str(std::str::from_utf8(&piece[..count]).unwrap()),
            }
        }
        assert_eq!(data, "a message that is read in pieces", "{role:?}");
    }
}

#[cfg(feature = "stream")]
#[test]
fn halves_are_a_stream_and_a_sink() {
    with_timers(|| {
        for role in ROLES {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = conn.into_split();
            remote.send([text(role, "one"), text(role, "two"), close(role, 1000)].concat());
            remote.end();
            assert_eq!(finish(read.next()).unwrap().unwrap(), Message::text("one"));
            now(write.feed(Message::text("fed"))).unwrap().unwrap();
            assert_eq!(remote.take(), b"");
            now(write.send(Message::text("sent"))).unwrap().unwrap();
            let sent = ["fed", "sent"].map(|text| (Opcode::TEXT, text.as_bytes().to_vec()));
            assert_eq!(frames(&remote.take()), sent, "{role:?}");
            assert_eq!(finish(read.next()).unwrap().unwrap(), Message::text("two"));
            now(SinkExt::close(&mut write)).expect("only flushes").unwrap();
            assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}");
            assert!(finish(read.next()).is_none() && finish(read.next()).is_none());
        }
    });
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_the_writer_is_in_the_middle_of_a_message() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let mut writer = write.next_writer(MessageKind::Binary).await.unwrap();
        writer.write_all(b"one").await.unwrap();
        writer.flush().await.unwrap();
        remote.send(frame(role, Opcode::PING, b"p"));
        let mut waits = pin!(read.read_message());
        assert!(poll_once(waits.as_mut()).is_pending());
        writer.write_all(b"two").await.unwrap();
        writer.finish().await.unwrap();
        let sent = [
            (Opcode::BINARY, b"one".to_vec()),
            (Opcode::PONG, b"p".to_vec()),
            (Opcode::CONTINUATION, b"two".to_vec()),
        ];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

#[test]
fn loss_that_the_reader_finds_is_told_to_the_writer_that_waits() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.set_capacity(0);
        let told = Cell::new(false);
        let writes = async {
            let error = write.write_message("blocked").await.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
            told.set(true);
        };
        let reads = async {
            read.read_message().await.unwrap_err();
        };
        let peer = async { remote.end() };
        let tasks = vec![Box::pin(writes) as Task<'_>, Box::pin(reads), Box::pin(peer)];
        assert_eq!(run(tasks), Ok(()), "{role:?}");
        assert!(told.get());
    }
}
