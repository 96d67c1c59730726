//! Successive messages as one byte stream.

use std::pin::pin;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use ws_core::{Config, Error, ErrorKind, Message, Role, frame::Opcode};

use crate::{
    executor::{finish, now, poll_once, run, with_timers},
    pipe::{Pace, conn, conn_with},
    wire::{ROLES, binary, close, fragment, frame, frames, pattern, text},
};

/// Reads up to the end in steps of `size` bytes; gives what ended it if that was an error.
async fn drain(reader: &mut (impl AsyncRead + Unpin), size: usize) -> (Vec<u8>, Option<ErrorKind>) {
    let (mut whole, mut step) = (Vec::new(), vec![0; size]);
    loop {
        match reader.read(&mut step).await {
            Ok(0) => return (whole, None),
            Ok(count) => whole.extend_from_slice(&step[..count]),
            Err(error) => return (whole, Some(error.downcast::<Error>().unwrap().kind().clone())),
        }
    }
}

const TERMINATORS: [&str; 5] = ["", "\n", "\r\n", "----", "a terminator that is longer than the messages"];

#[test]
fn messages_of_every_shape_are_joined_with_terminators_of_every_length() {
    for role in ROLES {
        let bytes = [
            text(role, "one"),
            text(role, ""),
            frame(role, Opcode::PING, b"ping"),
            binary(role, b"two"),
            fragment(role, Opcode::TEXT, b"", false),
            fragment(role, Opcode::CONTINUATION, b"thr", false),
            fragment(role, Opcode::CONTINUATION, b"ee", true),
            fragment(role, Opcode::BINARY, b"", false),
            fragment(role, Opcode::CONTINUATION, b"", true),
            binary(role, &pattern(5000)),
            text(role, ""),
        ]
        .concat();
        let messages = [&b"one"[..], b"", b"two", b"three", b"", &pattern(5000), b""];
        for terminator in TERMINATORS {
            let joined: Vec<u8> =
                messages.iter().flat_map(|message| [message, terminator.as_bytes()].concat()).collect();
            for size in [1, 2, 3, 4, 5, 6, 7, 3000] {
                for read in [1, 100, usize::MAX] {
                    let pace = Pace { read, stutter: read == 100, ..Pace::default() };
                    let (mut conn, remote) = conn_with(role, Config::new(), pace);
                    remote.send(&bytes);
                    remote.send(close(role, 1000));
                    remote.end();
                    with_timers(|| {
                        let mut reader = conn.join_messages(terminator);
                        let (whole, error) = finish(drain(&mut reader, size));
                        assert!(whole == joined, "{role:?} {terminator:?} {size} {read}");
                        assert_eq!(error, None);
                        assert_eq!(finish(drain(&mut reader, size)), (Vec::new(), None), "the end stays");
                    });
                    assert_eq!(frames(&remote.take())[0], (Opcode::PONG, b"ping".to_vec()));
                }
            }
        }
    }
}

#[test]
fn normal_ends_are_the_end_and_others_are_errors_that_stay() {
    type End = (fn(Role) -> Vec<u8>, Option<u16>);
    let ends: [End; 6] = [
        (|role| close(role, 1000), None),
        (|role| close(role, 1001), None),
        (|role| frame(role, Opcode::CLOSE, b""), None),
        (|role| close(role, 1011), Some(1011)),
        (|_| Vec::new(), Some(1006)),
        (|role| [fragment(role, Opcode::TEXT, b"", false), close(role, 1000)].concat(), Some(1000)),
    ];
    for role in ROLES {
        for (number, (end, code)) in ends.into_iter().enumerate() {
            let (mut conn, remote) = conn(role);
            remote.send([text(role, "one"), end(role)].concat());
            remote.end();
            with_timers(|| {
                let mut reader = conn.join_messages("|");
                for expected in [&b"one|"[..], b"", b""] {
                    let (whole, error) = finish(drain(&mut reader, 10));
                    assert_eq!(whole, expected);
                    let told = error.map(|kind| match kind {
                        ErrorKind::Closed(frame) => frame.unwrap().code.as_u16(),
                        ErrorKind::ConnectionLost => 1006,
                        other => panic!("{other:?}"),
                    });
                    assert_eq!(told, code, "{role:?} {number}");
                }
            });
        }
    }
}

#[test]
fn terminator_is_given_as_soon_as_its_message_is_complete() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let mut reader = conn.join_messages("\n");
        let mut bytes = [0; 10];
        remote.send(fragment(role, Opcode::TEXT, b"one", false));
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 3);
        assert!(now(reader.read(&mut bytes)).is_none());
        remote.send(fragment(role, Opcode::CONTINUATION, b"", true));
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 1);
        assert_eq!(bytes[0], b'\n');
        assert!(now(reader.read(&mut bytes)).is_none());
        assert_eq!(now(reader.read(&mut [])).unwrap().unwrap(), 0, "no room is no end, and takes nothing");
    }
}

#[test]
fn join_that_is_dropped_skips_the_message_it_was_in_and_no_other() {
    for role in ROLES {
        // How much of the stream is read before: inside of a message, at its end, inside of a terminator, behind it.
        for (taken, next) in [(0, "one"), (1, "two"), (3, "two"), (4, "two"), (5, "two"), (6, "three")] {
            let (mut conn, remote) = conn(role);
            remote.send([text(role, "one"), text(role, "two"), text(role, "three")].concat());
            let mut bytes = vec![0; taken];
            finish(conn.join_messages("--").read_exact(&mut bytes)).unwrap();
            assert!(b"one--two".starts_with(&bytes[..]));
            assert_eq!(finish(conn.read_message()).unwrap(), Some(Message::text(next)), "{role:?} {taken}");
        }
    }
}

#[test]
fn empty_messages_without_end_let_other_tasks_run_and_lose_no_wake() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "").repeat(10_000));
        remote.send(text(role, "end"));
        let mut bytes = [0; 3];
        let mut reader = conn.join_messages("");
        {
            let mut read = pin!(reader.read_exact(&mut bytes));
            assert!(poll_once(read.as_mut()).is_pending(), "{role:?}: all of them in one poll");
        }
        let task = async {
            reader.read_exact(&mut bytes).await.unwrap();
        };
        assert_eq!(run(vec![Box::pin(task)]), Ok(()));
        assert_eq!(&bytes, b"end");
    }
}

#[test]
fn messages_of_a_half_are_joined_while_the_other_half_writes() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.send([text(role, "one"), text(role, "two")].concat());
        let mut reader = read.join_messages(", ");
        let mut bytes = [0; 5];
        finish(reader.read_exact(&mut bytes)).unwrap();
        finish(write.write_message("between")).unwrap();
        assert_eq!(&bytes, b"one, ");
        finish(reader.read_exact(&mut bytes)).unwrap();
        assert_eq!(&bytes, b"two, ");
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"between".to_vec())]);
    }
}
