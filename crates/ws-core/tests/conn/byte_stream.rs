//! A connection as a byte stream.

use std::{future::poll_fn, io, task::Poll};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional, duplex};
use ws_core::{
    CloseFrame, Config, Conn, Error, ErrorKind, Message, MessageKind, Negotiated, ProtocolError, Role,
    UsageError, frame::Opcode,
};

use crate::{
    executor::{Task, finish, now, once, run, with_timers},
    pipe::{Call, Pace, conn, conn_with, pair},
    wakes::yield_until_written,
    wire::{ROLES, binary, close, code, fragment, frame, frames, pattern, text},
};

const KINDS: [MessageKind; 2] = [MessageKind::Text, MessageKind::Binary];

fn kind_of(error: &io::Error) -> &ErrorKind {
    error.get_ref().unwrap().downcast_ref::<Error>().unwrap().kind()
}

#[test]
fn writes_are_messages_of_at_most_32_kib() {
    for role in ROLES {
        for kind in KINDS {
            for len in [1, 1000, 32 << 10, (32 << 10) + 1, 100_000] {
                let (conn, remote) = conn_with(role, Config::new().high_water_mark(1 << 20), Pace::default());
                let mut stream = conn.into_byte_stream(kind);
                let payload = vec![b'a'; len];
                now(stream.write_all(&payload)).unwrap().unwrap();
                // Nothing is held back: there was no flush.
                let written = frames(&remote.take());
                let sizes: Vec<_> = written.iter().map(|(_, payload)| payload.len()).collect();
                let expected: Vec<_> = payload.chunks(32 << 10).map(<[u8]>::len).collect();
                assert_eq!(sizes, expected, "{role:?} {kind:?} {len}");
                let opcode = if kind == MessageKind::Text { Opcode::TEXT } else { Opcode::BINARY };
                assert!(written.iter().all(|frame| frame.0 == opcode));
            }
        }
    }
}

#[test]
fn write_of_nothing_is_no_message() {
    for role in ROLES {
        for kind in KINDS {
            let (conn, remote) = conn(role);
            let mut stream = conn.into_byte_stream(kind);
            assert_eq!(now(stream.write(b"")).unwrap().unwrap(), 0);
            now(stream.flush()).unwrap().unwrap();
            assert!(remote.take().is_empty());
        }
    }
}

#[test]
fn text_that_is_cut_inside_of_characters_is_sent_in_whole_characters() {
    let whole = "grüße, € 𝄞; ".repeat(5000);
    for role in ROLES {
        for step in [1, 2, 3, 5, 100, 32 << 10, 100_000] {
            let (conn, remote) = conn_with(role, Config::new().high_water_mark(10 << 20), Pace::default());
            let mut stream = conn.into_byte_stream(MessageKind::Text);
            for piece in whole.as_bytes().chunks(step) {
                now(stream.write_all(piece)).unwrap().unwrap();
            }
            let mut joined = String::new();
            for (opcode, payload) in frames(&remote.take()) {
                assert_eq!(opcode, Opcode::TEXT);
                assert!((1..=32 << 10).contains(&payload.len()), "{role:?} {step}");
                joined.push_str(std::str::from_utf8(&payload).unwrap());
            }
            assert!(joined == whole, "{role:?} {step}");
        }
    }
}

#[test]
fn message_with_the_beginning_of_a_character_from_before_is_of_at_most_32_kib() {
    for role in ROLES {
        let (conn, remote) = conn_with(role, Config::new().high_water_mark(1 << 20), Pace::default());
        let mut stream = conn.into_byte_stream(MessageKind::Text);
        now(stream.write_all(b"\xE2\x82")).unwrap().unwrap();
        now(stream.write_all(&[b"\xAC", &[b'a'; (32 << 10) - 1][..]].concat())).unwrap().unwrap();
        let sizes: Vec<_> = frames(&remote.take()).iter().map(|(_, payload)| payload.len()).collect();
        assert_eq!(sizes, [32 << 10, 2], "{role:?}");
    }
}

#[test]
fn empty_messages_without_end_let_other_tasks_run_and_lose_no_wake() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.send([binary(role, b"").repeat(10_000), binary(role, b"end")].concat());
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let mut bytes = [0; 3];
        assert!(once(stream.read(&mut bytes)).is_none(), "{role:?}: all of them in one poll");
        let task = async {
            stream.read_exact(&mut bytes).await.unwrap();
        };
        assert_eq!(run(vec![Box::pin(task)]), Ok(()));
        assert_eq!(&bytes, b"end");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_not_sent() {
    for role in ROLES {
        for (good, bad) in [(&b""[..], &b"\xFF"[..]), (b"\xC3", b"("), (b"\xE2\x82", b"\xE2")] {
            let (conn, remote) = conn(role);
            let mut stream = conn.into_byte_stream(MessageKind::Text);
            now(stream.write_all(good)).unwrap().unwrap();
            let error = now(stream.write(bad)).unwrap().unwrap_err();
            assert_eq!(kind_of(&error), &ErrorKind::Usage(UsageError::NotText));
            assert!(remote.take().is_empty(), "{role:?}");
        }
    }
}

#[test]
fn text_stream_is_not_shut_down_inside_of_a_character() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let mut stream = conn.into_byte_stream(MessageKind::Text);
        now(stream.write_all(b"a\xE2\x82")).unwrap().unwrap();
        let error = now(stream.shutdown()).unwrap().unwrap_err();
        assert_eq!(kind_of(&error), &ErrorKind::Usage(UsageError::NotText));
        now(stream.write_all(b"\xAC")).unwrap().unwrap();
        remote.send(close(role, 1000));
        remote.end();
        with_timers(|| finish(stream.shutdown())).unwrap();
        let written = [(Opcode::TEXT, b"a".to_vec()), (Opcode::TEXT, "€".into()), code(1000)];
        assert_eq!(frames(&remote.take()), written, "{role:?}");
    }
}

#[test]
fn reads_go_on_from_message_to_message() {
    for role in ROLES {
        for read in [1, 100, usize::MAX] {
            for size in [1, 3, 10_000] {
                let pace = Pace { read, stutter: read == 100, ..Pace::default() };
                let (conn, remote) = conn_with(role, Config::new(), pace);
                remote.send(
                    [
                        binary(role, b"one"),
                        binary(role, b""),
                        frame(role, Opcode::PING, b"ping"),
                        fragment(role, Opcode::BINARY, b"", false),
                        fragment(role, Opcode::CONTINUATION, &pattern(5000), false),
                        fragment(role, Opcode::CONTINUATION, b"", true),
                        binary(role, b"").repeat(1000),
                        binary(role, b"end"),
                        close(role, 1000),
                    ]
                    .concat(),
                );
                remote.end();
                let mut stream = conn.into_byte_stream(MessageKind::Binary);
                let (mut whole, mut step) = (Vec::new(), vec![0; size]);
                with_timers(|| {
                    loop {
                        match finish(stream.read(&mut step)).unwrap() {
                            0 => break,
                            count => whole.extend_from_slice(&step[..count]),
                        }
                    }
                });
                assert!(whole == [b"one", &pattern(5000)[..], b"end"].concat(), "{role:?} {read} {size}");
                assert_eq!(frames(&remote.take())[0], (Opcode::PONG, b"ping".to_vec()));
            }
        }
    }
}

#[test]
fn message_of_the_other_kind_fails_the_connection_with_1003() {
    for role in ROLES {
        for kind in KINDS {
            for payload in ["", "other"] {
                let (conn, remote) = conn(role);
                let (right, wrong) = match kind {
                    MessageKind::Text => (text(role, "right"), binary(role, payload.as_bytes())),
                    MessageKind::Binary => (binary(role, b"right"), text(role, payload)),
                };
                remote.send([right, wrong].concat());
                let mut stream = conn.into_byte_stream(kind);
                let mut bytes = [0; 5];
                with_timers(|| {
                    finish(stream.read_exact(&mut bytes)).unwrap();
                    // The peer has to see why, so the end waits for it.
                    assert!(now(stream.read(&mut bytes)).is_none());
                    assert_eq!(frames(&remote.take()), [code(1003)]);
                    remote.end();
                    for _ in 0..3 {
                        let error = finish(stream.read(&mut bytes)).unwrap_err();
                        let unacceptable = ErrorKind::Protocol(ProtocolError::UnacceptableKind);
                        assert_eq!(kind_of(&error), &unacceptable, "{role:?} {kind:?}");
                    }
                    assert!(now(stream.write(b"more")).unwrap().is_err());
                });
            }
        }
    }
}

#[test]
fn normal_closes_are_the_end_and_all_else_is_an_error() {
    for role in ROLES {
        for (payload, told) in [
            (Some(&b""[..]), None),
            (Some(b"\x03\xE8"), None),
            (Some(b"\x03\xE9"), None),
            (Some(b"\x03\xEA"), Some(ErrorKind::Closed(Some(CloseFrame::new(1002, ""))))),
            (Some(b"\x0F\xA0"), Some(ErrorKind::Closed(Some(CloseFrame::new(4000, ""))))),
            (None, Some(ErrorKind::ConnectionLost)),
        ] {
            let (conn, remote) = conn(role);
            remote.send(binary(role, b"last"));
            if let Some(payload) = payload {
                remote.send(frame(role, Opcode::CLOSE, payload));
            }
            remote.end();
            let mut stream = conn.into_byte_stream(MessageKind::Binary);
            let mut bytes = [0; 4];
            with_timers(|| {
                finish(stream.read_exact(&mut bytes)).unwrap();
                for _ in 0..3 {
                    let end = finish(stream.read(&mut bytes)).map_err(|error| kind_of(&error).clone());
                    assert_eq!(end, told.clone().map_or(Ok(0), Err), "{role:?} {payload:?}");
                }
            });
        }
    }
}

#[test]
fn close_in_the_middle_of_a_message_is_no_end() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.send([fragment(role, Opcode::BINARY, b"half", false), close(role, 1000)].concat());
        remote.end();
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let mut whole = Vec::new();
        with_timers(|| {
            let error = finish(stream.read_to_end(&mut whole)).unwrap_err();
            assert_eq!(kind_of(&error), &ErrorKind::Closed(Some(CloseFrame::new(1000, ""))), "{role:?}");
        });
        assert_eq!(whole, b"half");
    }
}

#[test]
fn shutting_down_closes_with_1000_and_drops_what_still_arrives() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        with_timers(|| {
            now(stream.write_all(b"last")).unwrap().unwrap();
            assert!(now(stream.shutdown()).is_none(), "the peer's close frame is awaited");
            assert_eq!(frames(&remote.take()), [(Opcode::BINARY, b"last".to_vec()), code(1000)]);
            remote.send([binary(role, b"late"), close(role, 1000)].concat());
            remote.end();
            finish(stream.shutdown()).unwrap();
            finish(stream.shutdown()).unwrap();
            assert_eq!(finish(stream.read(&mut [0; 10])).unwrap(), 0);
            assert!(now(stream.write(b"more")).unwrap().is_err());
        });
        assert!(remote.take().is_empty() && remote.is_shut_down(), "{role:?}");
    }
}

#[test]
fn message_limit_does_not_apply() {
    for role in ROLES {
        let (conn, remote) = conn_with(role, Config::new().max_message_size(10), Pace::default());
        remote.send(binary(role, &pattern(20_000)));
        remote.send(binary(role, &pattern(11)));
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let mut bytes = vec![0; 20_011];
        finish(stream.read_exact(&mut bytes)).unwrap();
        assert!(bytes == [pattern(20_000), pattern(11)].concat(), "{role:?}");
    }
}

#[test]
fn peer_that_does_not_read_makes_writes_wait_and_all_arrives_in_the_end() {
    for role in ROLES {
        let config = Config::new().high_water_mark(10_000);
        let (conn, remote) = conn_with(role, config, Pace::default());
        remote.set_capacity(100);
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let payload = pattern(5000);
        let mut taken = Vec::new();
        while let Some(count) = now(stream.write(&payload)) {
            taken.extend_from_slice(&payload[..count.unwrap()]);
        }
        assert!((10_000..16_000).contains(&taken.len()), "{role:?}: {}", taken.len());
        let mut bytes = Vec::new();
        while now(stream.flush()).is_none() {
            bytes.extend(remote.take());
        }
        bytes.extend(remote.take());
        let joined: Vec<u8> = frames(&bytes).into_iter().flat_map(|(_, payload)| payload).collect();
        assert!(joined == taken, "{role:?}");
        assert!(remote.take_calls().contains(&Call::Flush));
    }
}

#[test]
fn failure_of_the_transport_is_told_by_the_next_write() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.fail_writes(io::ErrorKind::BrokenPipe);
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        // The first is only queued; it is the second that finds out.
        let first = now(stream.write(b"one")).unwrap();
        assert!(first.is_ok(), "{role:?}");
        for _ in 0..2 {
            let error = now(stream.write(b"two")).unwrap().unwrap_err();
            assert_eq!(kind_of(&error), &ErrorKind::ConnectionLost);
            assert!(now(stream.flush()).unwrap().is_err());
        }
    }
}

#[test]
fn connection_comes_out_again_and_skips_what_was_read_in_part() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        remote.send([binary(role, b"half read"), text(role, "next")].concat());
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let mut bytes = [0; 4];
        finish(stream.read_exact(&mut bytes)).unwrap();
        assert_eq!(stream.get_ref().role(), role);
        now(stream.get_mut().write_message("beside")).unwrap().unwrap();
        let mut conn = stream.into_inner();
        assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("next")));
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"beside".to_vec())]);
    }
}

#[test]
fn both_directions_at_once_need_no_more_wakes_than_the_transport_gives() {
    for pace in [
        Pace::default(),
        Pace { read: 100, write: 100, stutter: true, vectored: true },
        Pace { read: 5000, write: 3000, stutter: false, vectored: false },
    ] {
        let (client, server) = pair(&Config::new().high_water_mark(5000), pace, 2000);
        let (mut client_in, mut client_out) = tokio::io::split(client.into_byte_stream(MessageKind::Binary));
        let (mut server_in, mut server_out) = tokio::io::split(server.into_byte_stream(MessageKind::Binary));
        let payload = pattern(100_000);
        let send = async {
            client_out.write_all(&payload).await.unwrap();
            client_out.flush().await.unwrap();
        };
        let echo = async {
            let mut bytes = [0; 1000];
            let mut echoed = 0;
            while echoed < payload.len() {
                let count = server_in.read(&mut bytes).await.unwrap();
                server_out.write_all(&bytes[..count]).await.unwrap();
                echoed += count;
            }
            server_out.flush().await.unwrap();
        };
        let mut back = vec![0; payload.len()];
        let receive = async {
            client_in.read_exact(&mut back).await.unwrap();
        };
        assert_eq!(run(vec![Box::pin(send), Box::pin(echo), Box::pin(receive)]), Ok(()), "{pace:?}");
        assert!(back == payload);
    }
}

#[tokio::test(start_paused = true)]
async fn byte_streams_are_joined_by_copying_both_ways_to_their_ends() {
    let ends = |size| {
        let (near, far) = duplex(size);
        let stream = |io, role| {
            Conn::new(io, role, Config::new(), Negotiated::new()).into_byte_stream(MessageKind::Binary)
        };
        (stream(near, Role::Client), stream(far, Role::Server))
    };
    let (mut user, mut proxy_in) = ends(1000);
    let (mut proxy_out, mut service) = ends(5000);
    let proxy = copy_bidirectional(&mut proxy_in, &mut proxy_out);
    let service = async {
        let mut request = vec![0; 200_000];
        service.read_exact(&mut request).await.unwrap();
        assert!(request == pattern(200_000));
        service.write_all(&pattern(70_000)).await.unwrap();
        assert_eq!(service.read(&mut request).await.unwrap(), 0, "the end comes through");
        service.shutdown().await.unwrap();
    };
    let user = async {
        user.write_all(&pattern(200_000)).await.unwrap();
        let mut answer = vec![0; 70_000];
        user.read_exact(&mut answer).await.unwrap();
        assert!(answer == pattern(70_000));
        user.shutdown().await.unwrap();
    };
    let (copied, (), ()) = tokio::join!(proxy, service, user);
    assert_eq!(copied.unwrap(), (200_000, 70_000));
}

#[test]
fn shutting_down_beside_a_read_in_another_task_ends_both() {
    with_timers(|| {
        for role in ROLES {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = tokio::io::split(conn.into_byte_stream(MessageKind::Binary));
            let reads: Task<'_> = Box::pin(async move {
                let mut all = Vec::new();
                read.read_to_end(&mut all).await.unwrap();
                assert_eq!(all, b"");
            });
            let shuts: Task<'_> = Box::pin(async move { write.shutdown().await.unwrap() });
            let peer: Task<'_> = Box::pin(async {
                yield_until_written(&remote).await;
                // Both tasks wait by then, the one that reads as the last.
                let mut turns = 3;
                poll_fn(|cx| {
                    turns -= 1;
                    cx.waker().wake_by_ref();
                    if turns == 0 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                remote.send(close(role, 1000));
                remote.end();
            });
            assert_eq!(run(vec![reads, shuts, peer]), Ok(()), "{role:?}: a task that nobody wakes");
        }
    });
}
