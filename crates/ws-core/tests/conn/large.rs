//! Buffers for large messages.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use ws_core::{BufferPool, Config, Pool, frame::Opcode};

use crate::{
    executor::now,
    pipe::{Pace, conn_with},
    wire::{ROLES, binary, fragment, pattern, text},
};

/// Remembers what it was asked for and what it was given.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<(Vec<usize>, usize)>>);

impl Pool for Log {
    fn take(&self, capacity: usize) -> BytesMut {
        self.0.lock().unwrap().0.push(capacity);
        BytesMut::with_capacity(capacity)
    }

    fn put(&self, _: BytesMut) {
        self.0.lock().unwrap().1 += 1;
    }
}

impl Log {
    fn config(&self) -> Config {
        Config::new().buffer_pool(BufferPool::own(self.clone())).read_buffer_size(USUAL)
    }

    /// The sizes it was asked for since the last time.
    fn sizes(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }
}

const USUAL: usize = 32 << 10;

#[test]
fn read_after_a_large_message_has_room_for_another_one() {
    for role in ROLES {
        for len in [USUAL, 60_000, 65_536, 100_000] {
            let log = Log::default();
            let (mut conn, remote) = conn_with(role, log.config(), Pace::default());
            let large = binary(role, &pattern(len));
            for round in 0..3 {
                remote.send(&large);
                let message = now(conn.read_message()).unwrap().unwrap().unwrap();
                assert!(message.into_data() == pattern(len));
                let first = log.sizes()[0];
                assert!(
                    if round == 0 { first == USUAL } else { first > large.len() },
                    "{role:?} {len}: {first}"
                );
                assert!(now(conn.read_message()).is_none());
                log.sizes();
            }
            // The next one is small, and so is what is expected after it.
            remote.send(text(role, "small"));
            now(conn.read_message()).unwrap().unwrap().unwrap();
            assert!(now(conn.read_message()).is_none());
            log.sizes();
            remote.send(text(role, "small").repeat(1000));
            now(conn.read_message()).unwrap().unwrap().unwrap();
            assert_eq!(log.sizes(), [USUAL], "{role:?} {len}");
        }
    }
}

#[test]
fn large_messages_that_have_others_behind_them_are_read_as_all_others() {
    for role in ROLES {
        let log = Log::default();
        let (mut conn, remote) = conn_with(role, log.config(), Pace::default());
        for _ in 0..2 {
            remote.send(binary(role, &pattern(65_536)).repeat(6));
            for _ in 0..6 {
                now(conn.read_message()).unwrap().unwrap().unwrap();
            }
            let larger = log.sizes().iter().filter(|size| **size > USUAL).count();
            assert_eq!(larger, 1, "{role:?}: one finds out that there are others");
            // There may be none behind the next.
            assert!(now(conn.read_message()).is_none());
            log.sizes();
        }
    }
}

#[test]
fn message_over_the_largest_buffer_makes_no_read_larger() {
    for role in ROLES {
        let log = Log::default();
        let (mut conn, remote) = conn_with(role, log.config(), Pace::default());
        remote.send(binary(role, &pattern(130_000)));
        now(conn.read_message()).unwrap().unwrap().unwrap();
        assert!(now(conn.read_message()).is_none());
        remote.send(text(role, "small"));
        now(conn.read_message()).unwrap().unwrap().unwrap();
        assert!(log.sizes().iter().all(|size| *size == USUAL), "{role:?}");
    }
}

#[test]
fn pool_of_an_own_gets_every_buffer_back() {
    for role in ROLES {
        let log = Log::default();
        let (mut conn, remote) = conn_with(role, log.config(), Pace::default());
        let fragments = [
            fragment(role, Opcode::BINARY, &pattern(50_000), false),
            fragment(role, Opcode::CONTINUATION, &pattern(50_000), true),
        ];
        for sent in [binary(role, &pattern(20_000)), binary(role, &pattern(65_536)), fragments.concat()] {
            for _ in 0..3 {
                remote.send(&sent);
                now(conn.read_message()).unwrap().unwrap().unwrap();
                assert!(now(conn.read_message()).is_none());
            }
        }
        let log = log.0.lock().unwrap();
        assert_eq!(log.0.len(), log.1, "{role:?}");
    }
}
