//! Every future may be dropped at every poll: nothing is lost, doubled or cut.

use ws_core::{CloseFrame, Config, Conn, Error, ErrorKind, Message, Role, frame::Opcode};

use crate::{
    executor::{finish, now, poll_and_drop, with_timers},
    pipe::{Pace, Pipe, Remote, conn_with},
    wire::{ROLES, binary, close, fragment, frame, frames, pattern, text},
};

/// A transport that makes every operation take many polls.
const SLOW: Pace = Pace { read: 3, write: 3, stutter: true, vectored: true };

/// How many polls a future gets before it is dropped.
const POLLS: std::ops::Range<usize> = 1..12;

fn slow(role: Role) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new(), SLOW)
}

/// Calls again and again, with so many polls each, until a call is ready.
fn insist<T>(polls: usize, mut call: impl FnMut(usize) -> Option<T>) -> T {
    (0..1_000_000).find_map(|_| call(polls)).expect("the call never becomes ready")
}

fn payloads(remote: &Remote) -> Vec<Vec<u8>> {
    frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect()
}

#[test]
fn reads_lose_nothing_and_give_nothing_twice() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            remote.send(
                [
                    text(role, "one"),
                    fragment(role, Opcode::TEXT, b"tw", false),
                    frame(role, Opcode::PING, b"p"),
                    fragment(role, Opcode::CONTINUATION, b"o", true),
                    // Large enough to be read in place.
                    binary(role, &pattern(3000)),
                ]
                .concat(),
            );
            let mut read = || insist(polls, |polls| poll_and_drop(conn.read_message(), polls)).unwrap();
            assert_eq!(read(), Some(Message::text("one")), "{role:?} {polls}");
            assert_eq!(read(), Some(Message::text("two")), "{role:?} {polls}");
            assert!(read() == Some(Message::binary(pattern(3000))), "{role:?} {polls}");
        }
    }
}

#[test]
fn receives_lose_no_control_frame() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            remote.send(
                [
                    frame(role, Opcode::PING, b"1"),
                    text(role, "a"),
                    frame(role, Opcode::PONG, b"2"),
                    frame(role, Opcode::CLOSE, b""),
                ]
                .concat(),
            );
            remote.end();
            let mut received = Vec::new();
            with_timers(|| {
                while let Some(message) = insist(polls, |polls| poll_and_drop(conn.recv(), polls)).unwrap() {
                    received.push(message);
                }
            });
            let expected = [
                Message::Ping("1".into()),
                Message::text("a"),
                Message::Pong("2".into()),
                Message::Close(None),
            ];
            assert_eq!(received, expected, "{role:?} {polls}");
            let written = [(Opcode::PONG, b"1".to_vec()), (Opcode::CLOSE, Vec::new())];
            assert_eq!(frames(&remote.take()), written, "{role:?} {polls}");
        }
    }
}

#[test]
fn written_messages_are_whole_and_in_order_however_soon_the_call_is_dropped() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            for number in 0..10_u8 {
                // The queue is far from its mark, so the first poll queues the message.
                poll_and_drop(conn.write_message(Message::binary(vec![number; 50])), polls);
            }
            finish(conn.flush()).unwrap();
            let expected: Vec<_> = (0..10).map(|number| vec![number; 50]).collect();
            assert_eq!(payloads(&remote), expected, "{role:?} {polls}");
        }
    }
}

#[test]
fn large_shared_payloads_are_whole_however_soon_the_call_is_dropped() {
    for polls in POLLS {
        let (mut conn, remote) = slow(Role::Server);
        for number in 0..3_u8 {
            poll_and_drop(conn.write_message(Message::binary(vec![number; 5000])), polls);
            poll_and_drop(conn.write_message(Message::binary(vec![number; 5])), polls);
        }
        finish(conn.flush()).unwrap();
        let expected: Vec<_> = (0..3).flat_map(|number| [vec![number; 5000], vec![number; 5]]).collect();
        assert!(payloads(&remote) == expected, "{polls}");
    }
}

#[test]
fn call_that_waits_for_room_may_be_made_again_with_the_same_message() {
    for role in ROLES {
        for polls in POLLS {
            let config = Config::new().high_water_mark(1);
            let (mut conn, remote) = conn_with(role, config, SLOW);
            for number in 0..10_u8 {
                let message = Message::binary(vec![number; 20]);
                insist(polls, |polls| poll_and_drop(conn.queue_message(message.clone()), polls)).unwrap();
            }
            finish(conn.flush()).unwrap();
            let expected: Vec<_> = (0..10).map(|number| vec![number; 20]).collect();
            assert_eq!(payloads(&remote), expected, "{role:?} {polls}");
        }
    }
}

#[test]
fn flushes_go_on_where_the_last_was_dropped() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            now(conn.queue_message("hello")).unwrap().unwrap();
            now(conn.queue_message(Message::binary(pattern(500)))).unwrap().unwrap();
            insist(polls, |polls| poll_and_drop(conn.flush(), polls)).unwrap();
            assert_eq!(payloads(&remote), [b"hello".to_vec(), pattern(500)], "{role:?} {polls}");
        }
    }
}

#[test]
fn close_sends_one_close_frame_however_often_it_is_dropped() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            remote.send([text(role, "dropped"), close(role, 4000)].concat());
            remote.end();
            with_timers(|| {
                now(conn.queue_message("before")).unwrap().unwrap();
                insist(polls, |polls| poll_and_drop(conn.close(CloseFrame::new(4000, "bye")), polls))
                    .unwrap();
            });
            let written = [(Opcode::TEXT, b"before".to_vec()), (Opcode::CLOSE, b"\x0F\xA0bye".to_vec())];
            assert_eq!(frames(&remote.take()), written, "{role:?} {polls}");
        }
    }
}

#[test]
fn close_may_be_finished_by_a_read() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            remote.send([text(role, "dropped"), close(role, 1000)].concat());
            remote.end();
            let end: Result<_, Error> = with_timers(|| {
                poll_and_drop(conn.close(CloseFrame::new(1000, "")), polls);
                insist(polls, |polls| poll_and_drop(conn.read_message(), polls))
            });
            assert_eq!(end.unwrap(), None, "{role:?} {polls}");
        }
    }
}

#[test]
fn violation_is_told_however_often_the_read_is_dropped_before() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            remote.send([text(role, "good"), crate::wire::broken(role)].concat());
            remote.end();
            let mut read =
                || with_timers(|| insist(polls, |polls| poll_and_drop(conn.read_message(), polls)));
            assert_eq!(read().unwrap(), Some(Message::text("good")));
            assert!(matches!(read().unwrap_err().kind(), ErrorKind::Protocol(_)), "{role:?} {polls}");
            assert_eq!(frames(&remote.take()), [crate::wire::code(1002)]);
        }
    }
}

#[test]
fn reads_and_writes_given_up_in_turns_disturb_each_other_nowhere() {
    for role in ROLES {
        for polls in POLLS {
            let (mut conn, remote) = slow(role);
            let incoming: Vec<u8> =
                (0..20_u8).flat_map(|number| binary(role, &vec![number; usize::from(number) * 13])).collect();
            remote.send(incoming);
            let mut received = Vec::new();
            let mut sent = 0_u8;
            while received.len() < 20 {
                if let Some(message) = poll_and_drop(conn.read_message(), polls) {
                    received.push(message.unwrap().unwrap());
                }
                if sent < 20 {
                    poll_and_drop(conn.write_message(Message::binary(vec![sent; 30])), polls);
                    sent += 1;
                }
            }
            finish(conn.flush()).unwrap();
            for (number, message) in (0..20_u8).zip(received) {
                assert_eq!(
                    message,
                    Message::binary(vec![number; usize::from(number) * 13]),
                    "{role:?} {polls}"
                );
            }
            let expected: Vec<_> = (0..20).map(|number| vec![number; 30]).collect();
            assert_eq!(payloads(&remote), expected, "{role:?} {polls}");
        }
    }
}
