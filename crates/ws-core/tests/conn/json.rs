//! Messages that are JSON.

use std::collections::HashMap;

use ws_core::{Config, ErrorKind, Message, UsageError, frame::Opcode};

use crate::{
    executor::{finish, now, with_timers},
    pipe::{Pace, conn, conn_with, pair},
    wire::{ROLES, binary, close, fragment, frames, text},
};

type Value = (String, Vec<u32>, Option<bool>);

#[test]
fn values_make_the_round_trip() {
    let (mut client, mut server) = pair(&Config::new(), Pace::default(), usize::MAX);
    for len in [0, 3, 10_000] {
        let value: Value = ("grüße".to_owned(), (0..len).collect(), None);
        finish(client.write_json(&value)).unwrap();
        let there: Value = finish(server.read_json()).unwrap().unwrap();
        assert_eq!(there, value);
        finish(server.write_json(&there)).unwrap();
        assert_eq!(finish(client.read_json::<Value>()).unwrap(), Some(value));
    }
}

#[test]
fn halves_read_and_write_values() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.send(text(role, "[1, 2]"));
        assert_eq!(finish(read.read_json::<[u8; 2]>()).unwrap(), Some([1, 2]));
        finish(write.write_json("text")).unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"\"text\"".to_vec())]);
    }
}

#[test]
fn values_come_in_text_and_binary_whole_and_in_pieces() {
    for role in ROLES {
        let pieces =
            [fragment(role, Opcode::TEXT, b"[1,", false), fragment(role, Opcode::CONTINUATION, b" 2]", true)];
        for bytes in [text(role, " [1, 2] "), binary(role, b"[1,2]"), pieces.concat()] {
            for read in [1, usize::MAX] {
                let (mut conn, remote) = conn_with(role, Config::new(), Pace { read, ..Pace::default() });
                remote.send(&bytes);
                assert_eq!(finish(conn.read_json::<[u8; 2]>()).unwrap(), Some([1, 2]), "{role:?}");
            }
        }
    }
}

#[test]
fn message_that_is_no_such_value_is_gone_and_the_connection_goes_on() {
    for role in ROLES {
        for wrong in
            ["", " ", "{", "nonsense", "[1, 2", "[1, 2] 3", "[1, 2]]", "\"two\"", "[1, 2, 3]", "[1, 300]"]
        {
            for whole in [true, false] {
                let (mut conn, remote) = conn(role);
                remote.send(if whole {
                    text(role, wrong)
                } else {
                    let start = fragment(role, Opcode::BINARY, wrong.as_bytes(), false);
                    [start, fragment(role, Opcode::CONTINUATION, b"", true)].concat()
                });
                remote.send([text(role, "[3, 4]"), text(role, "plain")].concat());
                let error = now(conn.read_json::<[u8; 2]>()).unwrap().unwrap_err();
                assert_eq!(error.kind(), &ErrorKind::Json, "{role:?} {wrong:?}");
                assert!(std::error::Error::source(&error).is_some(), "it says what is wrong");
                assert_eq!(now(conn.read_json::<[u8; 2]>()).unwrap().unwrap(), Some([3, 4]));
                assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("plain")));
                now(conn.write_message("still open")).unwrap().unwrap();
                assert_eq!(frames(&remote.take()).len(), 1, "nothing was sent for it");
            }
        }
    }
}

#[test]
fn value_that_json_cannot_hold_is_not_sent() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let error = now(conn.write_json(&HashMap::from([((1, 2), 3)]))).unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Json);
        now(conn.write_json(&HashMap::from([("key", 3)]))).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"{\"key\":3}".to_vec())], "{role:?}");
    }
}

#[test]
fn value_that_arrives_in_part_is_not_lost_with_the_call() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(fragment(role, Opcode::TEXT, b"[1,", false));
        assert!(now(conn.read_json::<[u8; 2]>()).is_none());
        remote.send(fragment(role, Opcode::CONTINUATION, b" 2]", true));
        assert_eq!(now(conn.read_json::<[u8; 2]>()).unwrap().unwrap(), Some([1, 2]));
    }
}

#[test]
fn ends_are_those_of_messages() {
    for role in ROLES {
        for (code, normal) in [(1000, true), (4000, false)] {
            let (mut conn, remote) = conn(role);
            remote.send(close(role, code));
            remote.end();
            with_timers(|| {
                for _ in 0..2 {
                    let end = finish(conn.read_json::<u8>());
                    assert_eq!(end.is_ok_and(|value| value.is_none()), normal, "{role:?} {code}");
                }
                let error = now(conn.write_json(&1)).unwrap().unwrap_err();
                assert_eq!(error.usage(), Some(UsageError::CloseSent));
            });
        }
    }
}
