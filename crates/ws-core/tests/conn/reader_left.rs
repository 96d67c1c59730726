//! Readers that are left before the end of their message, and messages that a reader takes over.

use tokio::io::AsyncReadExt as _;
use ws_core::{Config, Conn, ErrorKind, Message, MessageKind, ProtocolError, frame::Opcode};

use crate::{
    executor::{finish, now, poll_and_drop, with_timers},
    pipe::{Pace, Pipe, conn, conn_with},
    reader::{next, next_in_steps, shapes},
    reader_ends::{inner, read_to_error},
    wire::{ROLES, binary, close, code, fragment, frame, frames, pattern, text},
};

/// How what follows a message that was left is read.
type Way = fn(&mut Conn<Pipe>) -> Vec<u8>;

const WAYS: [Way; 5] = [
    |conn| finish(conn.read_message()).unwrap().unwrap().into_data().to_vec(),
    |conn| loop {
        if let Message::Text(text) = finish(conn.recv()).unwrap().unwrap() {
            break text.as_bytes().to_vec();
        }
    },
    |conn| finish(conn.read_borrowed()).unwrap().unwrap().as_bytes().to_vec(),
    |conn| finish(next(conn)).unwrap().1,
    |conn| {
        let mut bytes = [0; 4];
        finish(conn.join_messages("").read_exact(&mut bytes)).unwrap();
        bytes.to_vec()
    },
];

#[test]
fn piece_that_nobody_took_is_gone_with_the_next_message() {
    with_timers(|| {
        for role in ROLES {
            for together in [true, false] {
                let (conn, remote) = conn(role);
                let (mut read, mut write) = conn.into_split();
                let (left, next) = (text(role, "left"), text(role, "next"));
                remote.send(if together { [&left[..], &next].concat() } else { left });
                assert!(finish(read.next_reader()).unwrap().is_some());
                if !together {
                    remote.send(next);
                }
                assert_eq!(finish(read.read_message()).unwrap(), Some(Message::text("next")), "{role:?}");
                // This half leaves the other one what it has in hand.
                remote.send(close(role, 1000));
                remote.end();
                finish(write.close(None)).unwrap();
            }
        }
    });
}

#[test]
fn reader_that_is_dropped_early_skips_the_rest() {
    let large = vec![b'x'; 9000];
    for role in ROLES {
        let message = [
            fragment(role, Opcode::TEXT, b"first", false),
            frame(role, Opcode::PING, b""),
            fragment(role, Opcode::CONTINUATION, &large, false),
            fragment(role, Opcode::CONTINUATION, b"", false),
            fragment(role, Opcode::CONTINUATION, b"last", true),
        ]
        .concat();
        let next = text(role, "next");
        // Bytes that arrive before the reader is dropped, and bytes of the message that it reads.
        for arrived in [12, 13, 25, 30, 3000, message.len() - 1, message.len(), message.len() + next.len()] {
            for taken in [0, 3, 5, 2500, 9009] {
                for (number, way) in WAYS.into_iter().enumerate() {
                    let (mut conn, remote) = conn(role);
                    let bytes = [&message[..], &next].concat();
                    remote.send(&bytes[..arrived]);
                    let mut reader = finish(conn.next_reader()).unwrap().unwrap();
                    let mut buffer = vec![0; taken];
                    let mut filled = 0;
                    while filled < taken {
                        match now(reader.read(&mut buffer[filled..])) {
                            Some(count) => filled += count.unwrap(),
                            None => break,
                        }
                    }
                    remote.send(&bytes[arrived..]);
                    assert_eq!(way(&mut conn), b"next", "{role:?} {arrived} {taken} {number}");
                    finish(conn.flush()).unwrap();
                    assert_eq!(frames(&remote.take()), [(Opcode::PONG, Vec::new())], "still answered");
                }
            }
        }
    }
}

#[test]
fn rest_that_is_skipped_may_arrive_while_the_next_read_waits_and_is_given_up() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let message = binary(role, &pattern(20_000));
        remote.send(&message[..100]);
        assert!(now(conn.next_reader()).unwrap().unwrap().is_some());
        for piece in message[100..].chunks(3000) {
            assert!(now(conn.next_reader()).is_none());
            remote.send(piece);
            assert!(now(conn.read_message()).is_none());
        }
        remote.send(text(role, "next"));
        assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("next")));
    }
}

#[test]
fn rest_that_is_skipped_is_held_to_the_rules() {
    for role in ROLES {
        for rest in [&b"\xFF"[..], b"\xC3"] {
            let (mut conn, remote) = conn(role);
            remote.send(fragment(role, Opcode::TEXT, b"good", false));
            assert!(now(conn.next_reader()).unwrap().unwrap().is_some());
            remote.send(fragment(role, Opcode::CONTINUATION, rest, true));
            remote.end();
            let error = with_timers(|| finish(conn.next_reader()).unwrap_err());
            assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::InvalidUtf8));
            assert_eq!(frames(&remote.take()), [code(1007)]);
        }
    }
}

#[test]
fn message_whose_read_was_given_up_is_streamed_from_its_beginning() {
    let give_up: [fn(&mut Conn<Pipe>) -> bool; 3] = [
        |conn| now(conn.read_message()).is_none(),
        |conn| now(conn.recv()).is_none(),
        |conn| now(conn.read_borrowed()).is_none(),
    ];
    for role in ROLES {
        let fragments = |first: usize, last: usize| {
            let (first, last) = (pattern(first), pattern(last));
            let bytes = [
                fragment(role, Opcode::BINARY, &first, false),
                fragment(role, Opcode::CONTINUATION, &last, true),
            ];
            (bytes.concat(), [first, last].concat())
        };
        // Small, large enough to be read in place, and fragments of both.
        for (bytes, payload) in [
            (binary(role, &pattern(50)), pattern(50)),
            (binary(role, &pattern(9000)), pattern(9000)),
            fragments(0, 3),
            fragments(40, 40),
            fragments(5000, 20),
            fragments(20, 5000),
            fragments(5000, 5000),
        ] {
            let step = bytes.len() / 60 + 1;
            for cut in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
                for (number, give_up) in give_up.into_iter().enumerate() {
                    let (mut conn, remote) = conn(role);
                    // In two pieces, so that the second one goes straight to where the message is put together.
                    for piece in [&bytes[..cut / 2], &bytes[cut / 2..cut]] {
                        remote.send(piece);
                        assert!(give_up(&mut conn));
                    }
                    remote.send(&bytes[cut..]);
                    remote.send(text(role, "next"));
                    for size in [7, 4096] {
                        let message = finish(next_in_steps(&mut conn, size)).unwrap();
                        if size == 7 {
                            assert!(
                                message == (MessageKind::Binary, payload.clone()),
                                "{role:?} {} {cut} {number}",
                                bytes.len()
                            );
                        } else {
                            assert_eq!(message, (MessageKind::Text, b"next".to_vec()));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn reader_of_a_message_whose_read_was_given_up_is_there_at_once() {
    for role in ROLES {
        for payload in [&b""[..], b"first", &[b'x'; 5000]] {
            let (mut conn, remote) = conn(role);
            remote.send(fragment(role, Opcode::TEXT, payload, false));
            assert!(now(conn.read_message()).is_none());
            let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
            let mut bytes = Vec::new();
            assert!(now(reader.read_to_end(&mut bytes)).is_none());
            assert_eq!(bytes, payload);
            remote.send([fragment(role, Opcode::CONTINUATION, b"rest", true), text(role, "next")].concat());
            assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("next")));
        }
    }
}

#[test]
fn invalid_text_of_a_message_whose_read_was_given_up_fails_the_reader() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(fragment(role, Opcode::TEXT, &[b'a'; 3000], false));
        assert!(now(conn.read_message()).is_none());
        remote.send(fragment(role, Opcode::CONTINUATION, b"a\xFFa", true));
        remote.end();
        with_timers(|| {
            let mut reader = finish(conn.next_reader()).unwrap().unwrap();
            let (whole, error) = finish(read_to_error(&mut reader, 100));
            assert!(whole == [b'a'; 3000]);
            assert_eq!(inner(&error).kind(), &ErrorKind::Protocol(ProtocolError::InvalidUtf8));
        });
    }
}

#[test]
fn next_reader_that_is_given_up_at_any_poll_loses_nothing() {
    for role in ROLES {
        let (bytes, messages) = shapes(role);
        for polls in [0, 1, 2, 3, 7] {
            let pace = Pace { read: 5, stutter: true, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            remote.send(&bytes);
            for message in &messages {
                drop(conn.next_reader());
                let early = poll_and_drop(conn.next_reader(), polls).map(|reader| {
                    let mut reader = reader.unwrap().unwrap();
                    let mut whole = Vec::new();
                    finish(reader.read_to_end(&mut whole)).unwrap();
                    (reader.kind(), whole)
                });
                let whole = early.unwrap_or_else(|| finish(next(&mut conn)).unwrap());
                assert!(whole == *message, "{role:?} {polls}");
            }
        }
    }
}
