//! What messages take that arrive.

use ws_core::{Config, ErrorKind, Message, frame::Opcode};

use crate::{
    heap::{held, measured},
    wire::{KIB, MIB, ROLES, Wire, conn, frame, header, now, unlimited},
};

// Shows MEM-3.
#[test]
fn announced_length_takes_no_memory() {
    for role in ROLES {
        for length in [1 << 30, 1 << 40, 1 << 62, (1 << 63) - 1] {
            let mut stream = header(role, true, Opcode::BINARY, length);
            stream.push(0);
            let mut conn = conn(role, unlimited(), Wire::new(&stream));
            let (_, usage) = measured(|| assert!(now(conn.read_message()).is_none()));
            assert!(usage.total <= 64 * KIB, "{role:?} {length}: {usage:?}");
        }
    }
}

// Shows MEM-1.
#[test]
fn header_over_the_limit_takes_no_memory() {
    for role in ROLES {
        let stream = header(role, true, Opcode::BINARY, 1 << 40);
        let mut wire = Wire::new(&stream);
        wire.ended = true;
        let mut conn = conn(role, Config::new(), wire);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _guard = runtime.enter();
        let (result, usage) = measured(|| now(conn.read_message()));
        assert!(matches!(result.unwrap().unwrap_err().kind(), ErrorKind::TooBig { .. }));
        assert!(usage.total <= 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn begun_messages_hold_little_more_than_their_bytes() {
    for role in ROLES {
        let mut stream = header(role, true, Opcode::BINARY, 1 << 40);
        stream.push(0);
        let mut conns: Vec<_> = (0..1000).map(|_| conn(role, unlimited(), Wire::new(&stream))).collect();
        let (_, usage) = measured(|| {
            conns.iter_mut().for_each(|conn| assert!(now(conn.read_message()).is_none()));
        });
        assert!(usage.live <= 1000 * 5 * KIB, "{role:?}: {usage:?}");
    }
}

// Shows MEM-7.
#[test]
fn large_frame_byte_by_byte_takes_at_most_twice_its_size() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; MIB as usize]);
        let mut wire = Wire::new(&stream);
        wire.read = 1;
        let mut conn = conn(role, Config::new(), wire);
        let (message, usage) = measured(|| {
            loop {
                if let Some(message) = now(conn.read_message()) {
                    break message.unwrap().unwrap();
                }
            }
        });
        assert_eq!(message.into_data().len(), MIB as usize);
        // Room for the whole is made once half of it is there: both halves of that move count.
        assert!(usage.peak <= 2 * MIB + 64 * KIB, "{role:?}: {usage:?}");
        assert!(usage.live <= MIB + 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn large_message_has_room_for_its_last_bytes_once_half_of_it_is_there() {
    for role in ROLES {
        // What is left when the room is doubled, byte by byte around nothing at all.
        for more in -40..40 {
            let size = usize::try_from(MIB + more).unwrap();
            let stream = frame(role, true, Opcode::BINARY, &vec![7; size]);
            let mut wire = Wire::new(&stream);
            wire.read = 32 << 10;
            let mut conn = conn(role, unlimited(), wire);
            let (message, usage) = measured(|| now(conn.read_message()));
            assert_eq!(message.unwrap().unwrap().unwrap().into_data().len(), size);
            // The last growth is the one to the whole size: 1/8, 1/4, 1/2 and all of it, and the read buffer.
            assert!(usage.total <= 2 * MIB + 192 * KIB, "{role:?} {size}: {usage:?}");
        }
    }
}

// Shows MEM-3.
#[test]
fn memory_follows_what_has_arrived() {
    for role in ROLES {
        for read in [100, 1000, 20_000] {
            let stream = frame(role, true, Opcode::BINARY, &vec![7; 4 * MIB as usize]);
            let mut wire = Wire::new(&stream);
            (wire.read, wire.credit) = (read, 0);
            let mut conn = conn(role, unlimited(), wire);
            let mut arrived = 0;
            measured(|| {
                let before = held();
                while arrived + 20_000 < 2 * MIB as usize {
                    conn.get_mut().credit += 20_000;
                    arrived += 20_000;
                    while conn.get_ref().credit > 0 {
                        assert!(now(conn.read_message()).is_none());
                    }
                    let live = held() - before;
                    assert!(live <= 2 * arrived as isize + 256 * KIB, "{role:?}: {live} of {arrived}");
                }
            });
        }
    }
}

#[test]
fn fragments_of_one_byte_take_at_most_twice_their_payload() {
    for role in ROLES {
        let size = 256 * KIB;
        let config = || Config::new().max_message_size(size as u64).max_fragments(None);
        let first = frame(role, false, Opcode::TEXT, b"a");
        let middle = frame(role, false, Opcode::CONTINUATION, b"a");
        let last = frame(role, true, Opcode::CONTINUATION, b"a");
        let stream = [first, middle.repeat(size as usize - 2), last].concat();
        let mut conn = conn(role, config(), Wire::new(&stream));
        let (message, usage) = measured(|| {
            loop {
                if let Some(message) = now(conn.read_message()) {
                    break message.unwrap().unwrap();
                }
            }
        });
        assert_eq!(message.into_data().len(), size as usize);
        assert!(usage.peak <= 3 * size + 64 * KIB, "{role:?}: {usage:?}");
    }
}

// Shows MEM-4.
#[test]
fn message_given_out_pins_little_more_than_its_payload() {
    for role in ROLES {
        for fragment in [1, 100, 5000] {
            // A size right behind a power of two: the worst for what doubles.
            let size = 131_073;
            let payload = vec![b'a'; fragment];
            let first = frame(role, false, Opcode::TEXT, &payload);
            let middle = frame(role, false, Opcode::CONTINUATION, &payload);
            let last = frame(role, true, Opcode::CONTINUATION, b"");
            let stream = [first, middle.repeat(size / fragment), last].concat();
            let mut conn = conn(role, unlimited(), Wire::new(&stream));
            let (message, usage) = measured(|| {
                loop {
                    if let Some(message) = now(conn.read_message()) {
                        break message.unwrap().unwrap();
                    }
                }
            });
            let len = message.into_data().len() as isize;
            let pooled = 32 * KIB;
            assert!(
                usage.live <= len + len / 4 + 4 * KIB + pooled,
                "{role:?} {fragment}: {usage:?} for {len}"
            );
        }
    }
}

// Shows CLS-4.
#[test]
fn data_after_the_own_close_frame_takes_no_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; 4 * MIB as usize]);
        let mut conn = conn(role, unlimited(), Wire::new(&stream));
        now(conn.write_message(Message::Close(None))).unwrap().unwrap();
        let (_, usage) = measured(|| {
            while conn.get_ref().credit > 0 {
                assert!(now(conn.read_message()).is_none());
            }
        });
        assert!(usage.peak <= 64 * KIB, "{role:?}: {usage:?}");
    }
}
