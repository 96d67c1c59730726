//! What connections hold that wait, and those that have ended.

use std::time::Duration;

use tokio::time::Instant;
use ws_core::{Config, Conn, KeepAlive, Message, Negotiated, Role, frame::Opcode};

use crate::{
    heap::measured,
    state::state,
    wire::{KIB, ROLES, Wire, conn, echo, frame, header, now},
};

#[test]
fn idle_connections_hold_nothing_after_traffic() {
    for role in ROLES {
        // Whole messages small and large, fragments, a ping, and the beginning of a header.
        let stream = [
            frame(role, true, Opcode::TEXT, b"hello"),
            frame(role, true, Opcode::BINARY, &[7; 100_000]),
            frame(role, false, Opcode::TEXT, b"frag"),
            frame(role, true, Opcode::PING, b"ping"),
            frame(role, true, Opcode::CONTINUATION, b"ments"),
            vec![0x81],
        ]
        .concat();
        let mut conns: Vec<_> = (0..1000).map(|_| conn(role, Config::new(), Wire::new(&stream))).collect();
        let (echoed, usage) = measured(|| conns.iter_mut().map(echo).sum::<usize>());
        assert_eq!(echoed, 3000);
        // The buffers that the pool of this thread keeps for all of them, a few of either kind.
        assert!(usage.live <= 16 * 128 * KIB + 16 * 12 * KIB, "{role:?}: {usage:?}");
        // What a burst has left in the pool goes as connections end.
        (0..32).for_each(|_| drop(conn(role, Config::new(), Wire::new(b""))));
        let states = (conns.capacity() * size_of_val(&conns[0])) as isize + 1000 * state();
        let (_, usage) = measured(|| drop(conns));
        assert_eq!(-usage.live, states, "{role:?}: idle connections held something else");
    }
}

/// What a connection over a transport without state takes from the heap.
const STATE: isize = 568;

#[test]
fn new_connection_takes_one_small_block_from_the_heap() {
    let config = Config::new();
    for role in ROLES {
        let (conn, usage) = measured(|| Conn::new((), role, config.clone(), Negotiated::new()));
        assert_eq!(usage.calls, 1, "{role:?}");
        assert!(usage.live <= STATE, "{role:?}: {} bytes", usage.live);
        let (_, usage) = measured(|| drop(conn));
        assert_eq!(usage.calls, 0, "{role:?}");
    }
}

#[test]
fn closing_handshake_that_nobody_waits_in_needs_no_timer() {
    let stream = frame(Role::Server, true, Opcode::CLOSE, &1000_u16.to_be_bytes());
    let closed = || {
        let mut conn = conn(Role::Server, Config::new(), Wire::new(&stream));
        let (result, usage) = measured(|| now(conn.read_message()));
        assert_eq!(result.expect("nothing to wait for").expect("a normal end"), None);
        usage
    };
    // The first fills the pool of this thread.
    closed();
    assert_eq!(closed().calls, 1, "the close frames");
}

/// What an `async fn` takes by value has two places in its task, and more where it is moved on.
#[test]
fn connection_is_one_word_where_it_is_moved() {
    assert_eq!(size_of::<Conn<[u8; 1000]>>(), size_of::<usize>());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is a time")]
fn what_is_asked_for_takes_what_the_page_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for role in ROLES {
        let more = |config: Config, ask: fn(&mut Conn<Wire<'_>>)| {
            let wait = |config, ask: fn(&mut Conn<Wire<'_>>)| {
                let (conn, usage) = measured(|| {
                    let mut conn = conn(role, config, Wire::new(b""));
                    ask(&mut conn);
                    assert!(now(conn.read_message()).is_none());
                    conn
                });
                drop(conn);
                (usage.live, usage.blocks)
            };
            // What the pool keeps is there then.
            wait(Config::new(), |_| {});
            let (plain, with) = (wait(Config::new(), |_| {}), wait(config, ask));
            assert_eq!(plain, (state(), 1));
            (with.0 - plain.0, with.1 - plain.1)
        };
        let control = more(Config::new(), |conn| drop(conn.control()));
        let stats = more(Config::new(), |conn| drop(conn.stats()));
        let deadline = more(Config::new(), |conn| {
            conn.set_read_deadline((Instant::now() + Duration::from_secs(60)).into_std());
        });
        let keep_alive = more(Config::new().keep_alive(KeepAlive::every(Duration::from_secs(30))), |_| {});
        for ((bytes, blocks), most) in
            [(control, (256, 1)), (stats, (272, 1)), (deadline, (352, 2)), (keep_alive, (352, 2))]
        {
            assert!(bytes <= most.0 && blocks <= most.1, "{role:?}: {bytes} bytes in {blocks} blocks");
        }
    }
}

#[test]
fn without_a_pool_an_idle_connection_holds_nothing_at_all() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::TEXT, b"hello");
        let config = Config::new().buffer_pool(ws_core::BufferPool::off());
        let mut conn = conn(role, config, Wire::new(&stream));
        let (_, usage) = measured(|| echo(&mut conn));
        assert_eq!(usage.live, 0, "{role:?}: {usage:?}");
    }
}

// Shows LIF-1.
#[test]
fn ended_connections_hold_only_their_close_frames() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for role in ROLES {
        let half = frame(role, false, Opcode::BINARY, &[7; 50_000]);
        for end in [
            &frame(role, true, Opcode::CLOSE, b"\x03\xE8bye")[..],
            &header(role, true, Opcode::from_bits(3), 0),
            b"",
        ] {
            let stream = [&half[..], end].concat();
            let config = Config::new().buffer_pool(ws_core::BufferPool::off());
            let mut wire = Wire::new(&stream);
            wire.ended = true;
            let mut conn = conn(role, config, wire);
            let (_, usage) = measured(|| {
                drop(now(conn.queue_message(Message::binary(vec![7; 10_000]))));
                while now(conn.recv()).is_none_or(|result| matches!(result, Ok(Some(_)))) {}
            });
            assert!(usage.live <= KIB, "{role:?} {end:x?}: {usage:?}");
        }
    }
}
