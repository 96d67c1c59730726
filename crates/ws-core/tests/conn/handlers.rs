//! What an application does about pings, pongs and close frames as they arrive.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use tokio::{io::AsyncReadExt, time::timeout};
use ws_core::{CloseFrame, Conn, ErrorKind, Message, Reply, Role, UsageError, frame::Opcode};

use crate::{
    executor::{finish, now, poll_once, with_timers},
    pipe::{Call, Pipe, conn},
    wire::{ROLES, close, code, fragment, frame, frames, text},
};

/// What handlers were called with, in order.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn add(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A connection whose handlers tell what they see and give these replies.
fn watched(conn: &mut Conn<Pipe>, ping: Reply, close: Reply) -> Seen {
    let seen = Seen::default();
    let told = seen.clone();
    conn.set_ping_handler(move |payload| {
        told.add(format!("ping {}", payload.escape_ascii()));
        ping
    });
    let told = seen.clone();
    conn.set_pong_handler(move |payload| told.add(format!("pong {}", payload.escape_ascii())));
    let told = seen.clone();
    conn.set_close_handler(move |frame| {
        told.add(match frame {
            Some(frame) => format!("close {} {}", frame.code.as_u16(), frame.reason.as_str()),
            None => "close".to_owned(),
        });
        close
    });
    seen
}

fn close_with(to: Role, code: u16, reason: &str) -> Vec<u8> {
    frame(to, Opcode::CLOSE, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

#[test]
fn handlers_see_what_arrives_and_the_replies_are_those_of_the_rfc() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let seen = watched(&mut conn, Reply::Automatic, Reply::Automatic);
            remote.send(frame(role, Opcode::PING, b"question"));
            remote.send(frame(role, Opcode::PONG, b""));
            remote.send(close_with(role, 4000, "why"));
            remote.end();
            let error = finish(conn.read_message()).unwrap_err();
            assert_eq!(error.close_code().map(|code| code.as_u16()), Some(4000));
            assert_eq!(seen.take(), ["ping question", "pong ", "close 4000 why"], "{role:?}");
            let sent = [(Opcode::PONG, b"question".to_vec()), code(4000)];
            assert_eq!(frames(&remote.take()), sent, "the reason is not sent back: {role:?}");
        }
    });
}

#[test]
fn close_frame_without_a_code_is_none_and_answered_without_one() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let seen = watched(&mut conn, Reply::Automatic, Reply::Automatic);
            remote.send(frame(role, Opcode::CLOSE, b""));
            remote.end();
            assert_eq!(finish(conn.read_message()).unwrap(), None);
            assert_eq!(seen.take(), ["close"], "{role:?}");
            assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, vec![])]);
        }
    });
}

#[test]
fn suppressed_pong_is_not_sent_and_reading_goes_on() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let seen = watched(&mut conn, Reply::Suppress, Reply::Automatic);
        remote.send(frame(role, Opcode::PING, b"p"));
        remote.send(text(role, "after"));
        assert_eq!(finish(conn.read_message()).unwrap(), Some(Message::text("after")));
        assert!(now(conn.read_message()).is_none());
        assert_eq!((seen.take(), remote.take()), (vec!["ping p".to_owned()], vec![]), "{role:?}");
    }
}

#[test]
fn ping_that_is_answered_by_hand_gets_the_answer_of_the_application_alone() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        conn.set_ping_handler(move |payload| {
            control.send_pong([b"own ", &payload[..]].concat()).unwrap();
            Reply::Suppress
        });
        remote.send(frame(role, Opcode::PING, b"p"));
        assert!(now(conn.read_message()).is_none());
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"own p".to_vec())], "{role:?}");
    }
}

#[test]
fn handlers_run_between_the_fragments_of_a_message() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let seen = watched(&mut conn, Reply::Automatic, Reply::Automatic);
        remote.send(fragment(role, Opcode::TEXT, b"one", false));
        remote.send(frame(role, Opcode::PING, b"1"));
        remote.send(fragment(role, Opcode::CONTINUATION, b"two", false));
        remote.send(frame(role, Opcode::PONG, b"2"));
        remote.send(fragment(role, Opcode::CONTINUATION, b"", true));
        assert_eq!(finish(conn.read_message()).unwrap(), Some(Message::text("onetwo")));
        assert_eq!(seen.take(), ["ping 1", "pong 2"], "{role:?}");
    }
}

#[test]
fn handlers_run_inside_the_read_of_a_message_in_pieces() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let seen = watched(&mut conn, Reply::Suppress, Reply::Automatic);
        remote.send(fragment(role, Opcode::TEXT, b"one", false));
        remote.send(frame(role, Opcode::PING, b"1"));
        remote.send(fragment(role, Opcode::CONTINUATION, b"two", true));
        let mut reader = finish(conn.next_reader()).unwrap().unwrap();
        assert_eq!(seen.take(), [""; 0], "{role:?}: not before its turn");
        let mut message = String::new();
        finish(reader.read_to_string(&mut message)).unwrap();
        assert_eq!((&message[..], seen.take()), ("onetwo", vec!["ping 1".to_owned()]), "{role:?}");
        assert_eq!(remote.take(), b"");
    }
}

#[test]
fn receive_gives_out_the_control_frames_that_handlers_saw() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let seen = watched(&mut conn, Reply::Suppress, Reply::Suppress);
        remote.send(frame(role, Opcode::PING, b"1"));
        remote.send(frame(role, Opcode::PONG, b"2"));
        remote.send(close_with(role, 4000, ""));
        let mut receive = || now(conn.recv()).expect("at once").unwrap();
        assert_eq!(receive(), Some(Message::Ping("1".into())), "{role:?}");
        assert_eq!(seen.take(), ["ping 1"]);
        assert_eq!(receive(), Some(Message::Pong("2".into())), "{role:?}");
        assert_eq!(receive(), Some(Message::Close(Some(CloseFrame::new(4000, "")))), "{role:?}");
        assert_eq!(receive(), None, "{role:?}");
        assert_eq!(seen.take(), ["pong 2", "close 4000 "]);
        assert_eq!(remote.take(), b"");
    }
}

#[test]
fn later_handler_takes_the_place_of_the_one_before() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let first = watched(&mut conn, Reply::Suppress, Reply::Suppress);
        let second = watched(&mut conn, Reply::Automatic, Reply::Automatic);
        remote.send(frame(role, Opcode::PING, b"p"));
        assert!(now(conn.read_message()).is_none());
        assert_eq!((first.take(), second.take()), (vec![], vec!["ping p".to_owned()]), "{role:?}");
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"p".to_vec())]);
        assert_eq!(Arc::strong_count(&first.0), 1, "the first is dropped");
    }
}

#[test]
fn suppressed_close_ends_the_reads_and_leaves_the_writes() {
    with_timers(|| {
        for role in ROLES {
            for peer in [1000, 4000] {
                let (mut conn, remote) = conn(role);
                let seen = watched(&mut conn, Reply::Automatic, Reply::Suppress);
                let control = conn.control();
                remote.send(close_with(role, peer, "bye"));
                // 5.5.1: what follows a close frame is not looked at.
                remote.send(text(role, "too late"));
                for _ in 0..3 {
                    let result = now(conn.read_message()).expect("at once");
                    match peer {
                        1000 => assert_eq!(result.unwrap(), None),
                        _ => {
                            let frame = Some(CloseFrame::new(peer, "bye"));
                            assert_eq!(result.unwrap_err().kind(), &ErrorKind::Closed(frame));
                        }
                    }
                }
                assert_eq!(remote.take(), b"", "{role:?}");
                assert!(!control.is_closed() && !conn.closing().is_complete());
                now(conn.write_message("the rest")).unwrap().unwrap();
                assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"the rest".to_vec())], "{role:?}");

                remote.end();
                finish(conn.close(CloseFrame::new(4321, "own"))).unwrap();
                let payload = [&4321u16.to_be_bytes()[..], b"own"].concat();
                assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, payload)], "{role:?}");
                assert!(control.is_closed() && conn.closing().is_complete());
                assert!(conn.closing().received_first());
                assert_eq!(seen.take(), [format!("close {peer} bye")], "once");
            }
        }
    });
}

#[test]
fn suppressed_close_can_be_answered_through_a_control_by_the_next_read_or_write() {
    with_timers(|| {
        for role in ROLES {
            for reads in [true, false] {
                let (mut conn, remote) = conn(role);
                watched(&mut conn, Reply::Automatic, Reply::Suppress);
                let control = conn.control();
                remote.send(close(role, 1000));
                assert_eq!(now(conn.read_message()).unwrap().unwrap(), None);
                control.close(CloseFrame::new(4321, "")).unwrap();
                if !reads {
                    now(conn.flush()).unwrap().unwrap();
                    assert_eq!(frames(&remote.take()), [code(4321)], "{role:?}");
                    let refused = now(conn.write_message("more")).unwrap().unwrap_err();
                    assert_eq!(refused.kind(), &ErrorKind::Usage(UsageError::CloseSent));
                }
                remote.end();
                assert_eq!(finish(conn.read_message()).unwrap(), None);
                assert!(control.is_closed(), "{role:?}");
                if reads {
                    assert_eq!(frames(&remote.take()), [code(4321)], "{role:?}");
                }
            }
        }
    });
}

#[test]
fn close_through_a_control_inside_the_handler_is_the_answer() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            conn.set_close_handler(move |frame| {
                assert_eq!(frame, Some(&CloseFrame::new(1000, "")));
                control.close(CloseFrame::new(4321, "")).unwrap();
                Reply::Suppress
            });
            remote.send(close(role, 1000));
            remote.end();
            assert_eq!(finish(conn.read_message()).unwrap(), None);
            assert_eq!(frames(&remote.take()), [code(4321)], "{role:?}");
            assert!(conn.control().is_closed());
        }
    });
}

#[test]
fn close_through_a_control_beside_an_automatic_answer_sends_one_close_frame() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            conn.set_close_handler(move |_| {
                control.close(CloseFrame::new(4321, "")).unwrap();
                Reply::Automatic
            });
            remote.send(close(role, 1001));
            remote.end();
            assert_eq!(finish(conn.read_message()).unwrap(), None);
            assert_eq!(frames(&remote.take()), [code(1001)], "{role:?}");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn after_a_suppressed_close_the_server_ends_the_transport_first_and_the_client_waits() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        watched(&mut conn, Reply::Automatic, Reply::Suppress);
        remote.send(close(role, 1000));
        assert_eq!(conn.read_message().await.unwrap(), None);
        remote.take_calls();
        let mut close = pin!(conn.close(CloseFrame::new(4321, "")));
        match role {
            Role::Server => timeout(Duration::from_secs(1), close).await.expect("at once").unwrap(),
            Role::Client => {
                assert!(poll_once(close.as_mut()).is_pending());
                assert!(!remote.is_shut_down(), "7.1.1: the client waits for the server");
                remote.end();
                timeout(Duration::from_secs(1), close).await.expect("at once").unwrap();
            }
        }
        assert!(matches!(remote.take_calls()[..], [Call::Write(_), Call::Flush, Call::Shutdown]), "{role:?}");
    }
}

#[test]
fn after_the_own_close_frame_there_is_nothing_to_suppress() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let seen = watched(&mut conn, Reply::Automatic, Reply::Suppress);
            assert!(now(conn.close(CloseFrame::new(4000, ""))).is_none());
            remote.send(close_with(role, 4001, ""));
            remote.end();
            finish(conn.close(None)).unwrap();
            assert_eq!(seen.take(), ["close 4001 "], "{role:?}: it is told all the same");
            assert_eq!(frames(&remote.take()), [code(4000)]);
            assert!(conn.closing().is_complete());
        }
    });
}

#[test]
fn close_handler_hears_of_no_violation_and_no_loss() {
    with_timers(|| {
        for role in ROLES {
            for bytes in [frame(role, Opcode::from_bits(0x3), b""), vec![], close(role, 1006)] {
                let (mut conn, remote) = conn(role);
                let seen = watched(&mut conn, Reply::Automatic, Reply::Suppress);
                remote.send(bytes);
                remote.end();
                finish(conn.read_message()).unwrap_err();
                assert_eq!(seen.take(), [""; 0], "{role:?}");
            }
        }
    });
}

#[test]
fn suppressed_close_in_the_middle_of_a_message_does_not_look_like_its_end() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            watched(&mut conn, Reply::Automatic, Reply::Suppress);
            remote.send(fragment(role, Opcode::TEXT, b"one", false));
            remote.send(close(role, 1000));
            let mut reader = finish(conn.next_reader()).unwrap().unwrap();
            finish(reader.read_to_string(&mut String::new())).unwrap_err();
            assert_eq!(remote.take(), b"", "{role:?}");
        }
    });
}

#[test]
fn handler_of_a_half_sees_what_arrives_and_may_use_a_control() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, _write) = conn.into_split();
        let (control, seen) = (read.control(), Seen::default());
        let told = seen.clone();
        read.set_pong_handler(move |payload| {
            told.add(payload.escape_ascii().to_string());
            control.send_ping("again").unwrap();
        });
        remote.send(frame(role, Opcode::PONG, b"1"));
        assert!(now(read.read_message()).is_none());
        assert_eq!(seen.take(), ["1"], "{role:?}");
        assert_eq!(frames(&remote.take()), [(Opcode::PING, b"again".to_vec())]);
    }
}

/// A panic is a bug of the application's; it must not turn into one of the connection.
#[test]
fn handler_that_panics_leaves_the_connection_as_it_is_behind_the_frame() {
    with_timers(|| {
        for role in ROLES {
            let both = [frame(role, Opcode::PING, b"trap"), text(role, "after")].concat();
            // The end of the first read: in the header, in the payload, behind the text.
            for cut in [1, 3, 9, both.len()] {
                let (conn, remote) = conn(role);
                let (mut read, mut write) = conn.into_split();
                read.set_ping_handler(|_| panic!("of the handler, in a test of just that"));
                let (mut panics, mut received) = (0, Vec::new());
                for piece in [&both[..cut], &both[cut..]] {
                    remote.send(piece);
                    let result = catch_unwind(AssertUnwindSafe(|| poll_once(pin!(read.recv()))));
                    panics += usize::from(result.is_err());
                    if result.is_err() {
                        read.set_ping_handler(|_| Reply::Automatic);
                    }
                    received.extend(result.into_iter().filter(Poll::is_ready));
                }
                assert_eq!(panics, 1, "it panics where it is called, once");

                finish(write.write_message("still")).unwrap();
                if received.is_empty() {
                    received.push(Poll::Ready(finish(read.recv())));
                }
                let Some(Poll::Ready(Ok(Some(after)))) = received.pop() else { panic!("{role:?} {cut}") };
                assert_eq!(after, Message::text("after"), "{role:?} {cut}");
                finish(write.flush()).unwrap();
                let sent = frames(&remote.take());
                assert_eq!(sent, [(Opcode::TEXT, b"still".to_vec())], "{role:?} {cut}: parsed twice");
            }
        }
    });
}
