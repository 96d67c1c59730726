//! What large messages take that arrive in one read.

use ws_core::{BufferPool, Config, Message, frame::Opcode};

use crate::{
    heap::{measured, measured_in_place},
    wire::{KIB, ROLES, Wire, conn, frame, now},
};

#[test]
fn large_message_that_arrives_in_one_read_is_cut_out_of_its_buffer_and_not_copied() {
    for role in ROLES {
        for len in [8 << 10, 16 << 10, 30_000] {
            let stream = frame(role, true, Opcode::BINARY, &vec![7; len]);
            let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
            let (message, usage) = measured_in_place(|| now(conn.read_message()).unwrap().unwrap().unwrap());
            assert!(message.into_data() == vec![7; len]);
            assert_eq!(usage.live, stream.len() as isize, "{role:?}: the message and its header");
            assert!(usage.peak <= 32 * KIB, "{role:?}: {usage:?}");
        }
    }
}

#[test]
fn message_as_large_as_the_one_before_is_read_to_where_it_stays() {
    for role in ROLES {
        let len = 100_000;
        let stream = frame(role, true, Opcode::BINARY, &vec![7; len]);
        let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
        assert!(now(conn.read_message()).unwrap().unwrap().is_some());
        let (pending, usage) = measured(|| now(conn.read_message()).is_none());
        assert_eq!((pending, usage.live), (true, 0), "{role:?}: while it waits it holds nothing");
        conn.get_mut().credit = stream.len();
        let (message, usage) = measured_in_place(|| now(conn.read_message()).unwrap().unwrap().unwrap());
        assert!(message.into_data() == vec![7; len]);
        assert_eq!(usage.live, stream.len() as isize, "{role:?}: the message and its header");
        assert!(usage.peak <= (len + len / 8) as isize, "{role:?}: {usage:?}");
    }
}

#[test]
fn large_messages_that_arrive_together_hold_no_more_than_their_size() {
    for role in ROLES {
        for (before, len) in [(12 << 10, 10 << 10), (8 << 10, 20 << 10)] {
            let stream = [before, len].map(|len| frame(role, true, Opcode::BINARY, &vec![7; len])).concat();
            let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
            let (messages, usage) = measured(|| {
                [(); 2].map(|()| now(conn.read_message()).unwrap().unwrap().unwrap().into_data())
            });
            assert_eq!(messages.each_ref().map(|data| data.len()), [before, len]);
            assert_eq!(usage.live, (before + len) as isize, "{role:?}: {usage:?}");
        }
    }
}

#[test]
fn message_that_took_its_buffer_along_is_shared_as_others() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::TEXT, &[b'a'; 10_000]);
        let mut conn = conn(role, Config::new(), Wire::new(&stream));
        let message = now(conn.read_message()).unwrap().unwrap().unwrap();
        let other = message.clone();
        drop(message);
        assert_eq!(other, Message::text("a".repeat(10_000)), "{role:?}");
    }
}
