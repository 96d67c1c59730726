//! The budget that connections share, in bytes of the heap.

use ws_core::{BufferPool, Config, Conn, ErrorKind, InboundBudget, Role, frame::Opcode};

use crate::{
    heap::{held, measured},
    state::state,
    wire::{KIB, MIB, ROLES, Wire, conn, frame, now},
};

/// Most of a message, all but a byte of which is there.
fn unfinished(role: Role, size: usize) -> Vec<u8> {
    let mut stream = frame(role, true, Opcode::BINARY, &vec![7; size]);
    stream.pop();
    stream
}

fn config(budget: &InboundBudget) -> Config {
    Config::new().inbound_budget(budget.clone()).buffer_pool(BufferPool::off())
}

/// Runs where the end of a connection can be timed.
fn with_timers<T>(run: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _guard = runtime.enter();
    run()
}

// Shows MEM-8.
#[test]
fn mem_8_five_hundred_hoarders_hold_the_budget_and_no_more_than_a_tenth_over_it() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(4 * MIB as usize);
            let stream = unfinished(role, 64 << 10);
            let before = held();
            let mut conns: Vec<_> = (0..500)
                .map(|_| {
                    let mut wire = Wire::new(&stream);
                    wire.credit = 0;
                    conn(role, config(&budget), wire)
                })
                .collect();
            let states = (conns.capacity() * size_of_val(&conns[0])) as isize + 500 * state();
            // In pieces, so that all of them grow together; each is polled until it waits.
            for piece in [6000; 11] {
                for conn in &mut conns {
                    let left = conn.get_ref().stream.len() - conn.get_ref().position;
                    if conn.get_ref().position > 0 || conn.get_ref().credit == 0 {
                        conn.get_mut().credit = piece.min(left.saturating_sub(1));
                    }
                    let _ = now(conn.read_message());
                }
                // Those that were given up have been polled once since.
                for conn in &mut conns {
                    let _ = now(conn.read_message());
                }
                let held = held() - before - states;
                // The account of a connection: 500 entries in the budget.
                let accounts = 500 * 700;
                assert!(held <= 4 * MIB * 11 / 10 + accounts, "{role:?}: {held} bytes");
                assert!(budget.in_use() <= budget.limit(), "{role:?}");
            }
            let mut failed = 0;
            for conn in &mut conns {
                conn.get_mut().credit = 0;
                conn.get_mut().ended = true;
                let error = now(conn.read_message()).expect("the transport has ended").unwrap_err();
                failed += usize::from(error.kind() == &ErrorKind::OutOfBudget);
            }
            assert!((430..=470).contains(&failed), "{role:?}: {failed} failed; 64 fit");
            assert_eq!(budget.in_use(), 0, "{role:?}");
            drop(conns);
            let left = held() - before;
            assert!(left <= 16 * KIB, "{role:?}: {left} bytes are left");
        }
    });
}

// Shows MEM-8.
#[test]
fn memory_of_a_connection_that_is_given_up_is_free_when_it_is_polled_next() {
    with_timers(|| {
        for role in ROLES {
            let budget = InboundBudget::new(3 * MIB as usize / 2);
            let (stream, small) = (unfinished(role, MIB as usize), unfinished(role, 800_000));
            let hold = |mut conn: Conn<_>| {
                assert!(now(conn.read_message()).is_none());
                conn
            };
            let (mut large, usage) = measured(|| hold(conn(role, config(&budget), Wire::new(&stream))));
            assert!(usage.live >= MIB - 1, "{role:?}: {usage:?}");
            let other = hold(conn(role, config(&budget), Wire::new(&small)));
            let in_use = budget.in_use();
            assert!((800_000..MIB as usize).contains(&in_use), "{role:?}: {in_use}, free at once");
            let (result, usage) = measured(|| now(large.read_message()));
            assert!(result.is_none(), "{role:?}: it sends its close frame and waits for the peer");
            assert!(usage.live <= -MIB + 8 * KIB, "{role:?}: {usage:?}");
            drop(other);
        }
    });
}

#[test]
fn account_of_a_connection_is_made_for_its_first_message_in_part_only() {
    for role in ROLES {
        let budget = InboundBudget::new(MIB as usize);
        let stream = frame(role, true, Opcode::BINARY, &[7; 100]);
        let mut conn = conn(role, config(&budget), Wire::new(&stream));
        let (result, usage) = measured(|| now(conn.read_message()).expect("it is there"));
        drop(result);
        // The read buffer, and the message.
        assert_eq!(usage.calls, 2, "{role:?}: {usage:?}");
    }
}
