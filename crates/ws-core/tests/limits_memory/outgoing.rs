//! Peers that do not read, and peers that never close.

use std::time::Duration;

use tokio::time::advance;
use ws_core::{Config, ErrorKind, Message, frame::Opcode};

use crate::{
    heap::{held, measured_in_place},
    state::state,
    wire::{KIB, MIB, ROLES, Wire, conn, frame, now},
};

// Shows OUT-1.
#[test]
fn out_1_a_gibibyte_for_a_peer_that_does_not_read_holds_the_mark_and_one_message() {
    for role in ROLES {
        for size in [1000, 64 << 10, 1 << 20] {
            let mut wire = Wire::new(b"x");
            (wire.room, wire.credit) = (0, 0);
            let mut conn = conn(role, Config::new(), wire);
            let message = Message::binary(vec![7; size]);
            let (taken, usage) = measured_in_place(|| {
                let mut taken = 0;
                for _ in 0..(1 << 30) / size {
                    match now(conn.queue_message(message.clone())) {
                        Some(result) => {
                            result.expect("an open connection");
                            taken += 1;
                        }
                        // It waits, now and every further time.
                        None => continue,
                    }
                }
                taken
            });
            assert!(taken * size <= (64 << 10) + size, "{role:?}: {taken} of {size} bytes");
            let cap = 64 * KIB;
            assert!(usage.peak <= 2 * (cap + size as isize) + 64 * KIB, "{role:?} {size}: {usage:?}");
            assert!(usage.live <= cap + 2 * size as isize + 64 * KIB, "{role:?} {size}: {usage:?}");
        }
    }
}

// Shows OUT-2.
#[test]
fn out_2_ten_thousand_pings_of_a_peer_that_does_not_read_hold_a_few_pongs() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::PING, &[7; 125]);
        let mut wire = Wire::new(&stream);
        (wire.room, wire.credit) = (0, 0);
        let mut conn = conn(role, Config::new(), wire);
        for _ in 0..10_000 {
            conn.get_mut().credit = stream.len();
            assert!(now(conn.read_message()).is_none());
        }
        let queued = conn.into_parts().write_buf.len();
        assert!(queued <= 4096 + 131, "{role:?}: {queued} bytes of pongs");
    }
}

// Shows OUT-4.
#[test]
fn out_4_a_gibibyte_for_an_application_that_does_not_read_holds_nothing() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; MIB as usize]);
        let mut wire = Wire::new(&stream);
        wire.credit = 1 << 30;
        let mut conn = conn(role, Config::new(), wire);
        // It writes, and is asked about; it does not read.
        let (_, usage) = measured_in_place(|| {
            for _ in 0..1000 {
                now(conn.write_message("busy")).expect("room").expect("an open connection");
            }
        });
        assert_eq!(conn.get_ref().credit, 1 << 30, "{role:?}: nothing was read");
        assert!(usage.live <= 8 * KIB, "{role:?}: {usage:?}");
        // One message is read: no more than it and a read buffer are taken from the transport.
        let (message, usage) = measured_in_place(|| now(conn.read_message()).expect("it is there"));
        drop(message);
        let read = (1 << 30) - conn.get_ref().credit;
        assert!(read <= stream.len() + (32 << 10), "{role:?}: {read} bytes were read for one message");
        assert!(usage.peak <= 2 * MIB + 64 * KIB, "{role:?}: {usage:?}");
    }
}

// Shows CLS-5.
#[tokio::test(start_paused = true)]
async fn cls_5_ten_thousand_closing_connections_give_everything_back() {
    for role in ROLES {
        let more = frame(role, true, Opcode::BINARY, &[7; 1000]);
        let before = held();
        let mut conns: Vec<_> = (0..10_000)
            .map(|number| {
                let mut wire = Wire::new(&more);
                // Some take nothing, some send on, some are silent.
                match number % 3 {
                    0 => (wire.room, wire.credit) = (0, 0),
                    1 => wire.credit = 10 * more.len(),
                    _ => wire.credit = 0,
                }
                conn(role, Config::new(), wire)
            })
            .collect();
        for conn in &mut conns {
            assert!(now(conn.close(None)).is_none(), "{role:?}: the peer does not answer");
        }
        let states = (conns.capacity() * size_of_val(&conns[0])) as isize + 10_000 * state();
        let waiting = held() - before - states;
        assert!(waiting <= 10_000 * 5 * KIB, "{role:?}: {waiting} bytes for ten thousand");
        advance(Duration::from_millis(5001)).await;
        for conn in &mut conns {
            let error = now(conn.close(None)).expect("its time is over").unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
        }
        let over = held() - before - states;
        // What the closing handshake came to, which can be asked for; and a few buffers in the pool.
        assert!(over <= 10_000 * 600 + 200 * KIB, "{role:?}: {over} bytes for ten thousand");
        drop(conns);
        let left = held() - before;
        assert!(left <= 16 * 36 * KIB, "{role:?}: {left} bytes are left, pooled ones apart");
    }
}
