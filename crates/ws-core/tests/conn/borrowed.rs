//! Messages that are looked at where they lie.

use ws_core::{Config, ErrorKind, Message, MessageKind, ProtocolError, frame::Opcode};

use crate::{
    executor::{finish, now, with_timers},
    pipe::{Pace, conn, conn_with},
    wire::{ROLES, binary, close, code, fragment, frame, frames, pattern, text},
};

#[test]
fn messages_of_every_shape_are_borrowed_at_every_pace() {
    for role in ROLES {
        let bytes = [
            text(role, "grüße"),
            text(role, ""),
            binary(role, b""),
            frame(role, Opcode::PING, b"ping"),
            binary(role, &pattern(300)),
            fragment(role, Opcode::TEXT, b"fr\xC3", false),
            frame(role, Opcode::PONG, b"between"),
            fragment(role, Opcode::CONTINUATION, b"", false),
            fragment(role, Opcode::CONTINUATION, b"\xA9", true),
            binary(role, &pattern(100_000)),
            fragment(role, Opcode::BINARY, &pattern(3000), false),
            fragment(role, Opcode::CONTINUATION, &pattern(3000), true),
            text(role, "end"),
        ]
        .concat();
        let messages = [
            Message::text("grüße"),
            Message::text(""),
            Message::binary(""),
            Message::binary(pattern(300)),
            Message::text("fré"),
            Message::binary(pattern(100_000)),
            Message::binary([pattern(3000), pattern(3000)].concat()),
            Message::text("end"),
        ];
        for read in [1, 7, 1000, 2048, usize::MAX] {
            let pace = Pace { read, stutter: read == 7, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            remote.send(&bytes);
            for message in &messages {
                let borrowed = finish(conn.read_borrowed()).unwrap().unwrap();
                match message {
                    Message::Text(text) => {
                        assert_eq!(borrowed.kind(), MessageKind::Text);
                        assert_eq!(borrowed.as_text(), Some(text.as_str()));
                        assert_eq!(borrowed.as_bytes(), text.as_bytes());
                    }
                    Message::Binary(data) => {
                        assert_eq!(borrowed.kind(), MessageKind::Binary);
                        assert_eq!(borrowed.as_text(), None);
                        assert!(borrowed.as_bytes() == data);
                    }
                    other => unreachable!("{other:?}"),
                }
                assert!(borrowed.to_message() == *message, "{role:?} {read}");
            }
            assert!(now(conn.read_borrowed()).is_none());
            finish(conn.flush()).unwrap();
            assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"ping".to_vec())]);
        }
    }
}

#[test]
fn borrowed_messages_are_not_given_twice_and_none_is_skipped_by_other_reads_between() {
    for role in ROLES {
        for size in [5, 5000] {
            let (mut conn, remote) = conn(role);
            let payload = |number: u8| vec![number; size];
            remote.send((0..6).flat_map(|number| binary(role, &payload(number))).collect::<Vec<_>>());
            // A flush, a read and a stream go between without a wait.
            assert_eq!(finish(conn.read_borrowed()).unwrap().unwrap().as_bytes(), payload(0));
            finish(conn.write_message("between")).unwrap();
            assert_eq!(finish(conn.read_message()).unwrap().unwrap(), Message::binary(payload(1)));
            assert_eq!(finish(conn.read_borrowed()).unwrap().unwrap().as_bytes(), payload(2));
            assert!(finish(conn.next_reader()).unwrap().is_some());
            assert_eq!(finish(conn.read_borrowed()).unwrap().unwrap().as_bytes(), payload(4));
            assert_eq!(finish(conn.recv()).unwrap().unwrap(), Message::binary(payload(5)));
            assert!(now(conn.read_borrowed()).is_none(), "{role:?} {size}");
        }
    }
}

#[test]
fn read_that_is_given_up_loses_nothing_of_its_message() {
    for role in ROLES {
        for payload in [pattern(20), pattern(9000)] {
            let bytes = binary(role, &payload);
            let (mut conn, remote) = conn(role);
            for piece in bytes.chunks(bytes.len() / 5) {
                assert!(now(conn.read_borrowed()).is_none());
                remote.send(piece);
            }
            assert!(now(conn.read_borrowed()).unwrap().unwrap().unwrap().as_bytes() == payload, "{role:?}");
        }
    }
}

#[test]
fn ends_are_those_of_owned_reads() {
    for role in ROLES {
        let (mut one, remote) = conn(role);
        remote.send([text(role, "last"), close(role, 1000)].concat());
        remote.end();
        with_timers(|| {
            assert_eq!(finish(one.read_borrowed()).unwrap().unwrap().as_text(), Some("last"));
            for _ in 0..3 {
                assert!(finish(one.read_borrowed()).unwrap().is_none());
            }
        });
        let (mut other, remote) = conn(role);
        remote.send(frame(role, Opcode::TEXT, b"\xFF"));
        remote.end();
        with_timers(|| {
            for _ in 0..3 {
                let error = finish(other.read_borrowed()).unwrap_err();
                assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::InvalidUtf8));
            }
        });
        assert_eq!(frames(&remote.take()), [code(1007)]);
    }
}
