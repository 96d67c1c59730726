//! What messages take that are written, and those that are echoed.

use ws_core::{Config, Conn, Message, Role, frame::Opcode};

use crate::{
    heap::measured,
    wire::{KIB, MIB, ROLES, Wire, conn, echo, frame, now},
};

/// Echoes a batch, whose buffers the pool of this thread keeps.
fn warm_up(conn: &mut Conn<Wire<'_>>, len: usize) {
    conn.get_mut().credit = 100 * len;
    assert_eq!(echo(conn), 100);
}

#[test]
fn small_message_is_echoed_with_one_allocation() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &[7; 32]);
        let mut conn = conn(role, Config::new(), Wire::new(&stream));
        warm_up(&mut conn, stream.len());
        for (read, what) in [(stream.len(), "one at a time"), (usize::MAX, "in batches")] {
            conn.get_mut().read = read;
            conn.get_mut().credit = 1000 * stream.len();
            let (echoed, usage) = measured(|| echo(&mut conn));
            assert_eq!(echoed, 1000);
            assert_eq!(usage.calls, 1000, "{role:?} {what}: the payload of the message and nothing else");
            assert_eq!(usage.live, 0, "{role:?} {what}");
        }
    }
}

#[test]
fn short_text_is_echoed_without_an_allocation() {
    for role in ROLES {
        for (len, calls) in [(0, 0), (38, 0), (39, 1)] {
            let stream = frame(role, true, Opcode::TEXT, &vec![b'a'; len]);
            let mut conn = conn(role, Config::new(), Wire::new(&stream));
            warm_up(&mut conn, stream.len());
            conn.get_mut().read = stream.len();
            conn.get_mut().credit = 1000 * stream.len();
            let (echoed, usage) = measured(|| echo(&mut conn));
            assert_eq!((echoed, usage.calls), (1000, 1000 * calls), "{role:?} {len}");
        }
    }
}

#[test]
fn small_message_that_is_written_takes_no_allocation() {
    for role in ROLES {
        let mut conn = conn(role, Config::new(), Wire::new(b"x"));
        let message = Message::binary(vec![7; 32]);
        now(conn.write_message(message.clone())).unwrap().unwrap();
        let (_, usage) = measured(|| {
            for _ in 0..1000 {
                now(conn.write_message(message.clone())).unwrap().unwrap();
            }
        });
        assert_eq!(usage.calls, 0, "{role:?}: {usage:?}");
    }
}

#[test]
fn large_payload_of_a_server_is_not_copied() {
    let mut conn = conn(Role::Server, Config::new(), Wire::new(b"x"));
    let message = Message::binary(vec![7; 4 * MIB as usize]);
    let (_, usage) = measured(|| now(conn.write_message(message.clone())).unwrap().unwrap());
    assert!(usage.total <= 8 * KIB, "{usage:?}");
}

#[test]
fn flood_of_pings_from_a_peer_that_does_not_read_takes_little() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::PING, &[7; 125]);
        let mut wire = Wire::new(&stream);
        (wire.room, wire.credit) = (10, 0);
        let mut conn = conn(role, Config::new(), wire);
        let (_, usage) = measured(|| {
            for _ in 0..10_000 {
                conn.get_mut().credit = stream.len();
                assert!(now(conn.read_message()).is_none());
            }
        });
        assert!(usage.peak <= 48 * KIB, "{role:?}: {usage:?}");
    }
}

// Shows OUT-1.
#[test]
fn queue_of_a_peer_that_does_not_read_is_bounded_by_its_mark_and_one_message() {
    for role in ROLES {
        let mut wire = Wire::new(b"x");
        (wire.room, wire.credit) = (0, 0);
        let mut conn = conn(role, Config::new().high_water_mark(64 << 10), wire);
        let message = Message::binary(vec![7; 1000]);
        let (_, usage) = measured(|| {
            for _ in 0..10_000 {
                if let Some(result) = now(conn.queue_message(message.clone())) {
                    result.unwrap();
                }
            }
        });
        assert!(usage.live <= 2 * 66 * KIB, "{role:?}: {usage:?}");
    }
}
