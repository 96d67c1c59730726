//! Messages that are too large, too long on the way, or in too many pieces.

use ws_core::{Config, Conn, ErrorKind, Message, Role, frame::Opcode};

use crate::{
    heap::{held, measured_in_place},
    wire::{KIB, MIB, ROLES, Wire, conn, frame, header, now, unlimited},
};

const M: isize = MIB;

fn limited() -> Config {
    Config::new().max_message_size(M as u64).max_fragments(None)
}

fn read_all(conn: &mut Conn<Wire<'_>>) -> Message {
    loop {
        if let Some(message) = now(conn.read_message()) {
            return message.expect("an open connection").expect("a message");
        }
    }
}

/// Runs where the end of a connection can be timed.
fn with_timers<T>(run: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _guard = runtime.enter();
    run()
}

// Shows MEM-1.
#[test]
fn mem_1_header_over_the_limit_buffers_no_payload_and_no_limit_takes_what_has_arrived() {
    with_timers(|| {
        for role in ROLES {
            let over = header(role, true, Opcode::BINARY, M as u64 + 1);
            assert!(over.len() <= 14);
            let mut wire = Wire::new(&over);
            wire.ended = true;
            let mut refused = conn(role, limited(), wire);
            let (result, usage) = measured_in_place(|| now(refused.read_message()).expect("it ends"));
            assert_eq!(result.unwrap_err().kind(), &ErrorKind::TooBig { limit: M as u64 });
            assert!(usage.peak <= 40 * KIB, "{role:?}: a read buffer, and no payload: {usage:?}");

            let mut endless = header(role, true, Opcode::BINARY, (1 << 63) - 1);
            endless.extend([0; 64 << 10]);
            let mut conn = conn(role, unlimited(), Wire::new(&endless));
            let (result, usage) = measured_in_place(|| now(conn.read_message()));
            assert!(result.is_none(), "{role:?}: it waits for exabytes");
            // Four times what has come while that is little, and the read buffer.
            assert!(usage.peak <= 4 * 64 * KIB + 64 * KIB, "{role:?}: {usage:?}");
        }
    });
}

// Shows MEM-2.
#[test]
fn mem_2_fragments_for_ever_hold_one_message_at_the_most() {
    with_timers(|| {
        for role in ROLES {
            let quarter = vec![7; M as usize / 4];
            let first = frame(role, false, Opcode::BINARY, &quarter);
            let stream = [first, frame(role, false, Opcode::CONTINUATION, &quarter).repeat(9)].concat();
            let fifth = stream.len() / 10 * 4 + 14;
            let mut wire = Wire::new(&stream);
            wire.ended = true;
            let mut conn = conn(role, limited(), wire);
            let (result, usage) = measured_in_place(|| {
                loop {
                    if let Some(result) = now(conn.read_message()) {
                        break result;
                    }
                    // The rest is read and forgotten while the close frame is on its way.
                }
            });
            assert_eq!(result.unwrap_err().kind(), &ErrorKind::TooBig { limit: M as u64 }, "{role:?}");
            assert!(conn.get_ref().position >= fifth || conn.get_ref().credit == 0);
            assert!(usage.peak <= M + 64 * KIB, "{role:?}: {usage:?}");
        }
    });
}

// Shows MEM-3.
#[test]
fn mem_3_announced_gigabytes_take_no_memory_at_any_step() {
    for role in ROLES {
        for announced in [1 << 30, 1 << 40, 1 << 62] {
            let stream = [header(role, true, Opcode::BINARY, announced), vec![7; 300_000]].concat();
            let mut wire = Wire::new(&stream);
            wire.credit = 0;
            let mut conn = conn(role, unlimited(), wire);
            let (mut received, before) = (0, held());
            for step in [1, 1, 12, 1, 100, 4000, 20_000, 100_000, 100_000] {
                conn.get_mut().credit += step;
                received += step as isize;
                let (result, usage) = measured_in_place(|| now(conn.read_message()));
                assert!(result.is_none(), "{role:?} {announced}");
                let live = held() - before;
                assert!(live <= 2 * received + 256 * KIB, "{role:?} {announced}: {live} for {received}");
                assert!(received > 100 || usage.peak <= 64 * KIB, "{role:?} {announced}: {usage:?}");
            }
        }
    }
}

// Shows MEM-4.
#[test]
fn mem_4_fragments_of_one_byte_hold_twice_their_payload_and_a_quarter_more_once_given_out() {
    for role in ROLES {
        let (mut last, sizes) = (0, [1 << 18, 1 << 19, 1 << 20]);
        for size in sizes {
            let first = frame(role, false, Opcode::TEXT, b"a");
            let middle = frame(role, false, Opcode::CONTINUATION, b"a");
            let end = frame(role, true, Opcode::CONTINUATION, b"a");
            let stream = [first, middle.repeat(size as usize - 2), end].concat();
            let mut conn = conn(role, limited(), Wire::new(&stream));
            let (message, usage) = measured_in_place(|| read_all(&mut conn));
            assert_eq!(message.into_data().len() as isize, size);
            assert!(usage.peak <= 2 * size + 64 * KIB, "{role:?}: {usage:?}");
            let pooled = 40 * KIB;
            assert!(usage.live <= size + size / 4 + 4 * KIB + pooled, "{role:?}: {usage:?}");
            // The work is linear: twice the fragments copy twice the bytes, in all.
            assert!(usage.copied <= 2 * size, "{role:?}: {usage:?}");
            assert!(last == 0 || usage.copied <= last * 23 / 10 + 4 * KIB, "{role:?}: {last}, {usage:?}");
            last = usage.copied;
        }
    }
}

// Shows MEM-5.
#[test]
fn mem_5_empty_fragments_hold_nothing() {
    with_timers(|| {
        for role in ROLES {
            let empty = frame(role, false, Opcode::CONTINUATION, b"");
            let stream = [frame(role, false, Opcode::BINARY, b""), empty.repeat(300_000)].concat();
            let mut wire = Wire::new(&stream);
            wire.ended = true;
            let mut conn = conn(role, Config::new(), wire);
            let (result, usage) = measured_in_place(|| {
                loop {
                    if let Some(result) = now(conn.read_message()) {
                        break result;
                    }
                }
            });
            assert!(result.unwrap_err().is_protocol(), "{role:?}: the limit on fragments");
            assert!(usage.peak <= 48 * KIB, "{role:?}: {usage:?}");
        }
    });
}

// Shows MEM-6.
#[test]
fn mem_6_client_takes_an_honest_large_message_in_100_000_fragments_with_its_defaults() {
    let (size, role) = (16 * MIB as usize, Role::Client);
    let piece = vec![b'h'; size / 100_000];
    let first = frame(role, false, Opcode::TEXT, &vec![b'h'; size - 99_999 * piece.len()]);
    let middle = frame(role, false, Opcode::CONTINUATION, &piece).repeat(99_998);
    let stream = [first, middle, frame(role, true, Opcode::CONTINUATION, &piece)].concat();
    let mut conn = conn(role, Config::new(), Wire::new(&stream));
    let (message, usage) = measured_in_place(|| read_all(&mut conn));
    assert_eq!(message.into_data().len(), size);
    assert!(usage.peak <= 2 * size as isize + 64 * KIB, "{usage:?}");
}

// Shows MEM-7.
#[test]
fn mem_7_frame_that_comes_byte_by_byte_holds_its_size() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; M as usize]);
        let mut wire = Wire::new(&stream);
        wire.read = 1;
        let mut conn = conn(role, limited(), wire);
        let (message, usage) = measured_in_place(|| read_all(&mut conn));
        assert_eq!(message.into_data().len() as isize, M);
        assert!(usage.peak <= M * 11 / 10 + 64 * KIB, "{role:?}: {usage:?}");
    }
}
