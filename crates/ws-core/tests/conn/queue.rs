//! The queue: when it is written, what it holds, and who waits for it.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicIsize, Ordering},
    },
    task::{Context, Waker},
};

use bytes::BytesMut;
use ws_core::{BufferPool, Config, Conn, Message, Negotiated, Pool, Role, frame::Opcode};

use crate::{
    executor::{Flag, finish, now, poll_once, with_timers},
    pipe::{Call, Pace, Pipe, conn, conn_with, pipe},
    wire::{ROLES, broken, fragment, frame, frames, pattern, text},
};

/// The sizes of the writes, and nothing of the flushes between.
fn writes(calls: &[Call]) -> Vec<usize> {
    let size = |pieces: &Vec<(usize, usize)>| pieces.iter().map(|(_, length)| length).sum();
    calls
        .iter()
        .filter_map(|call| if let Call::Write(pieces) = call { Some(size(pieces)) } else { None })
        .collect()
}

#[test]
fn queued_message_is_not_written_before_it_is_flushed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        now(conn.queue_message("a")).unwrap().unwrap();
        assert_eq!(remote.take(), b"", "{role:?}");
        now(conn.flush()).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"a".to_vec())]);
    }
}

#[test]
fn written_message_is_handed_to_the_transport_and_flushed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        now(conn.write_message("a")).unwrap().unwrap();
        let calls = remote.take_calls();
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush]), "{role:?}: {calls:?}");
    }
}

#[test]
fn flush_goes_on_until_the_transport_has_flushed() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new(), Pace { stutter: true, ..Pace::default() });
        finish(conn.write_message("a")).unwrap();
        let calls = remote.take_calls();
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush]), "{role:?}: {calls:?}");
    }
}

#[test]
fn read_that_waits_goes_on_until_the_transport_has_flushed() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new(), Pace { stutter: true, ..Pace::default() });
        finish(conn.queue_message("a")).unwrap();
        let mut read = pin!(conn.read_message());
        // A write and a flush, each at the second call.
        (0..8).for_each(|_| assert!(poll_once(read.as_mut()).is_pending()));
        let calls = remote.take_calls();
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush]), "{role:?}: {calls:?}");
    }
}

#[test]
fn read_that_waits_writes_what_is_queued() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        now(conn.queue_message("a")).unwrap().unwrap();
        now(conn.queue_message("b")).unwrap().unwrap();
        assert!(now(conn.read_message()).is_none());
        assert_eq!(frames(&remote.take()).len(), 2, "{role:?}");
        assert_eq!(remote.take_calls().len(), 2, "one write and one flush for both");
    }
}

#[test]
fn read_that_waits_goes_on_writing_when_there_is_room_again() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(3);
        now(conn.queue_message("hello")).unwrap().unwrap();
        let mut read = pin!(conn.read_message());
        assert!(poll_once(read.as_mut()).is_pending());
        let mut written = remote.take();
        while written.len() < if role == Role::Client { 11 } else { 7 } {
            assert!(poll_once(read.as_mut()).is_pending());
            let more = remote.take();
            assert!(!more.is_empty(), "{role:?}: the read does not go on writing");
            written.extend(more);
        }
        assert_eq!(frames(&written), [(Opcode::TEXT, b"hello".to_vec())]);
    }
}

#[test]
fn message_that_is_queued_alone_goes_before_the_close_frame_that_fails_the_connection() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            now(conn.queue_message("alone")).unwrap().unwrap();
            remote.send(broken(role));
            let _ = now(conn.read_message());
            let written = frames(&remote.take());
            assert_eq!(written[0], (Opcode::TEXT, b"alone".to_vec()), "{role:?}");
            assert_eq!(written[1].0, Opcode::CLOSE, "{role:?}");
        }
    });
}

#[test]
fn message_that_is_queued_alone_is_in_what_is_left_of_a_connection() {
    for role in ROLES {
        let (mut conn, _remote) = conn(role);
        now(conn.queue_message("alone")).unwrap().unwrap();
        assert_eq!(frames(&conn.into_parts().write_buf), [(Opcode::TEXT, b"alone".to_vec())], "{role:?}");
    }
}

#[test]
fn messages_that_arrived_together_are_answered_with_one_write() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "hello").repeat(16));
        for _ in 0..16 {
            let message = now(conn.read_message()).unwrap().unwrap().unwrap();
            now(conn.queue_message(message)).unwrap().unwrap();
        }
        assert_eq!(remote.take_calls(), [], "nothing is written while messages are there: {role:?}");
        assert!(now(conn.read_message()).is_none());
        assert_eq!(writes(&remote.take_calls()).len(), 1, "{role:?}");
        assert_eq!(frames(&remote.take()).len(), 16);
    }
}

#[test]
fn queued_message_waits_through_one_read_at_the_most() {
    // Messages that come alone are read to the stack, or to a small buffer, or with more in view than that.
    type Read = fn(&mut Conn<Pipe>) -> bool;
    let message: Read = |conn| now(conn.read_message()).unwrap().unwrap().is_some();
    let borrowed: Read = |conn| now(conn.read_borrowed()).unwrap().unwrap().is_some();
    let ways = [(32 << 10, message), (1024, message), (32 << 10, borrowed)];
    for role in ROLES {
        for (way, (size, read)) in ways.into_iter().enumerate() {
            let one = text(role, "x");
            let pace = Pace { read: one.len(), ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new().read_buffer_size(size), pace);
            // Every read finds the next message: the transport is never without bytes.
            remote.send(one.repeat(10));
            assert!(read(&mut conn));
            now(conn.queue_message("answer")).unwrap().unwrap();
            assert!(read(&mut conn) && read(&mut conn));
            assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"answer".to_vec())], "{role:?} {way}");
        }
    }
}

#[test]
fn large_queued_message_is_written_before_more_is_read() {
    for role in ROLES {
        for (size, is_large) in [(1 << 10, false), (64 << 10, true)] {
            let (mut conn, remote) = conn(role);
            remote.send([text(role, "x"), text(role, "y")].concat());
            now(conn.read_message()).unwrap().unwrap();
            now(conn.queue_message(pattern(size))).unwrap().unwrap();
            now(conn.read_message()).unwrap().unwrap();
            assert_eq!(remote.take_calls(), [], "{role:?}: it has to wait for no read yet");
            remote.send(text(role, "z"));
            now(conn.read_message()).unwrap().unwrap();
            assert_eq!(frames(&remote.take()).len(), usize::from(is_large), "{role:?} {size}");
        }
    }
}

#[test]
fn what_is_queued_goes_out_to_a_peer_that_ends_its_direction() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "question"));
        remote.end();
        let question = now(conn.read_message()).unwrap().unwrap().unwrap();
        now(conn.queue_message(question)).unwrap().unwrap();
        now(conn.read_message()).unwrap().unwrap_err();
        assert_eq!(frames(&remote.take())[0].1, b"question", "{role:?}");
    }
}

/// Remembers the sizes of the buffers it is given.
struct Returns(Arc<Mutex<Vec<usize>>>);

impl Pool for Returns {
    fn take(&self, capacity: usize) -> BytesMut {
        BytesMut::with_capacity(capacity)
    }

    fn put(&self, buffer: BytesMut) {
        self.0.lock().unwrap().push(buffer.capacity());
    }
}

#[test]
fn buffer_that_came_with_a_connection_is_given_back_by_one_who_writes_first() {
    for role in ROLES {
        let returned = Arc::new(Mutex::new(Vec::new()));
        let config = Config::new().buffer_pool(BufferPool::own(Returns(returned.clone())));
        let (pipe, _remote) = pipe();
        let first = BytesMut::with_capacity(12_345);
        let mut conn = Conn::with_read_buf(pipe, role, config, Negotiated::new(), first);
        now(conn.write_message("hello")).unwrap().unwrap();
        assert!(returned.lock().unwrap().contains(&12_345), "{role:?}");
    }
}

#[test]
fn buffer_is_given_back_before_a_control_frame_is_told() {
    for role in ROLES {
        let returned = Arc::new(Mutex::new(Vec::new()));
        let config =
            Config::new().read_buffer_size(12_345).buffer_pool(BufferPool::own(Returns(returned.clone())));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(frame(role, Opcode::PONG, b"pong"));
        now(conn.recv()).expect("it is there").unwrap();
        assert!(returned.lock().unwrap().contains(&12_345), "{role:?}");
    }
}

#[test]
fn queue_above_its_high_water_mark_makes_writers_wait_until_the_transport_takes_some() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(100), Pace::default());
        remote.set_capacity(0);
        now(conn.queue_message(Message::binary(pattern(99)))).unwrap().unwrap();
        // Header and payload are over the mark.
        {
            let mut second = pin!(conn.queue_message("second"));
            assert!(poll_once(second.as_mut()).is_pending(), "{role:?}");
            remote.set_capacity(50);
            assert!(poll_once(second.as_mut()).is_ready(), "the queue is below the mark: {role:?}");
        }
        remote.set_capacity(usize::MAX);
        finish(conn.flush()).unwrap();
        assert_eq!(frames(&remote.take()).len(), 2);
    }
}

#[test]
fn queue_that_is_just_at_its_high_water_mark_has_no_room() {
    for role in ROLES {
        let message = Message::binary(pattern(50));
        let len = if role == Role::Server { 52 } else { 56 };
        for (mark, has_room) in [(len, false), (len + 1, true)] {
            let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(mark), Pace::default());
            remote.set_capacity(0);
            now(conn.queue_message(message.clone())).unwrap().unwrap();
            assert_eq!(now(conn.queue_message("second")).is_some(), has_room, "{role:?} {mark}");
        }
    }
}

#[test]
fn queued_message_waits_through_one_read_at_the_longest_in_the_midst_of_fragments_too() {
    for role in ROLES {
        let part = |opcode, fin| fragment(role, opcode, &[0; 50], fin);
        let whole = [part(Opcode::BINARY, false), part(Opcode::CONTINUATION, true)];
        // Each read brings a fragment.
        let pace = Pace { read: whole[0].len(), ..Pace::default() };
        let (mut conn, remote) = conn_with(role, Config::new(), pace);
        remote.send(whole.concat().repeat(3));
        now(conn.queue_message("queued")).unwrap().unwrap();
        now(conn.read_message()).expect("it is there").unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"queued".to_vec())], "{role:?}");
    }
}

#[test]
fn wait_for_room_that_is_given_up_queues_nothing() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(1), Pace::default());
        remote.set_capacity(0);
        now(conn.queue_message("first")).unwrap().unwrap();
        assert!(now(conn.queue_message("given up")).is_none());
        remote.set_capacity(usize::MAX);
        finish(conn.queue_message("third")).unwrap();
        finish(conn.flush()).unwrap();
        let written: Vec<_> = frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect();
        assert_eq!(written, [&b"first"[..], b"third"], "{role:?}");
    }
}

#[test]
fn small_messages_leave_in_one_write_call() {
    for role in ROLES {
        for count in [1, 16, 500] {
            let (mut conn, remote) = conn(role);
            for _ in 0..count {
                now(conn.queue_message(Message::binary(pattern(100)))).unwrap().unwrap();
            }
            now(conn.flush()).unwrap().unwrap();
            assert_eq!(writes(&remote.take_calls()).len(), 1, "{role:?}: {count} messages");
            assert_eq!(frames(&remote.take()).len(), count);
        }
    }
}

#[test]
fn large_payload_of_a_server_is_written_from_where_it_is() {
    let config = Config::new().high_water_mark(1 << 20);
    let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
    let payload = bytes::Bytes::from(pattern(100_000));
    now(conn.queue_message("before")).unwrap().unwrap();
    now(conn.queue_message(payload.clone())).unwrap().unwrap();
    now(conn.queue_message("after")).unwrap().unwrap();
    now(conn.flush()).unwrap().unwrap();
    let calls = remote.take_calls();
    let Call::Write(pieces) = &calls[0] else { unreachable!("{calls:?}") };
    assert_eq!(writes(&calls).len(), 1);
    assert_eq!(pieces.len(), 3, "{pieces:?}");
    assert_eq!(pieces[1], (payload.as_ptr().addr(), payload.len()), "the payload was copied");
    let written = frames(&remote.take());
    assert_eq!(written[0].1, b"before");
    assert!(written[1].1 == payload);
    assert_eq!(written[2].1, b"after");
}

#[test]
fn more_large_payloads_than_one_vectored_write_takes_leave_whole_and_in_order() {
    for write in [usize::MAX, 6001] {
        let pace = Pace { write, ..Pace::default() };
        let (mut conn, remote) = conn_with(Role::Server, Config::new().high_water_mark(1 << 20), pace);
        for number in 0..100_u8 {
            now(conn.queue_message(Message::binary(vec![number; 5000]))).unwrap().unwrap();
            now(conn.queue_message(Message::binary(vec![number]))).unwrap().unwrap();
        }
        now(conn.flush()).unwrap().unwrap();
        let written: Vec<_> = frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect();
        let expected: Vec<_> = (0..100).flat_map(|number| [vec![number; 5000], vec![number]]).collect();
        assert!(written == expected, "by {write}");
    }
}

#[test]
fn buffers_of_an_own_pool_are_all_back_when_the_connection_waits() {
    #[derive(Clone, Default)]
    struct Lent(Arc<AtomicIsize>);

    impl Pool for Lent {
        fn take(&self, capacity: usize) -> BytesMut {
            self.0.fetch_add(1, Ordering::SeqCst);
            BytesMut::with_capacity(capacity)
        }

        fn put(&self, buffer: BytesMut) {
            assert!(buffer.is_empty(), "what was in the buffer is nobody's business");
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    for role in ROLES {
        let lent = Lent::default();
        let config = Config::new().buffer_pool(BufferPool::own(lent.clone()));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        for size in [0, 100, 5000, 100_000] {
            remote.send(crate::wire::binary(role, &pattern(size)));
            let message = now(conn.read_message()).unwrap().unwrap().unwrap();
            now(conn.queue_message(message)).unwrap().unwrap();
            assert!(now(conn.read_message()).is_none());
            assert_eq!(lent.0.load(Ordering::SeqCst), 0, "{role:?} {size}");
        }
    }
}

#[test]
fn large_payload_goes_with_its_header_in_one_piece_on_transports_that_take_only_one() {
    let (mut conn, remote) =
        conn_with(Role::Server, Config::new(), Pace { vectored: false, ..Pace::default() });
    now(conn.write_message(Message::binary(pattern(100_000)))).unwrap().unwrap();
    let calls = remote.take_calls();
    assert_eq!(writes(&calls), [100_010]);
    assert!(frames(&remote.take())[0].1 == pattern(100_000));
}

#[test]
fn large_payload_of_a_client_is_masked_and_written_in_one_piece() {
    let (mut conn, remote) = conn(Role::Client);
    now(conn.write_message(Message::binary(pattern(100_000)))).unwrap().unwrap();
    assert_eq!(writes(&remote.take_calls()), [100_014]);
    assert!(frames(&remote.take())[0].1 == pattern(100_000));
}

#[test]
fn payload_that_the_sender_still_holds_is_not_changed_by_masking() {
    let payload = bytes::Bytes::from(pattern(100_000));
    let (mut conn, _remote) = conn(Role::Client);
    now(conn.write_message(payload.clone())).unwrap().unwrap();
    assert!(payload == pattern(100_000));
}

// Shows MSK-3.
#[test]
fn masking_keys_of_a_client_are_fresh_for_every_frame() {
    let (mut conn, remote) = conn(Role::Client);
    let mut keys = std::collections::HashSet::new();
    for _ in 0..5000 {
        now(conn.write_message("")).unwrap().unwrap();
        keys.insert(remote.take()[2..6].to_vec());
    }
    // Drawn out of 2^32: three equal ones would be a wonder.
    assert!(keys.len() >= 4997, "{} different keys", keys.len());
    assert!(!keys.contains(&vec![0; 4]));
}

// Shows OUT-2.
#[test]
fn flood_of_pings_from_a_peer_that_does_not_read_is_bounded_and_the_latest_is_answered() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(10);
        for number in 0..10_000_u32 {
            let payload = [&number.to_be_bytes()[..], &[0; 121]].concat();
            remote.send(frame(role, Opcode::PING, &payload));
            assert!(now(conn.read_message()).is_none());
        }
        remote.set_capacity(usize::MAX);
        assert!(now(conn.read_message()).is_none());
        let written = remote.take();
        assert!(written.len() < 10_000, "{} bytes were kept: {role:?}", written.len());
        let pongs = frames(&written);
        assert_eq!(pongs.last().unwrap().1[..4], 9_999_u32.to_be_bytes(), "{role:?}");
    }
}

#[test]
fn pong_that_waited_for_room_is_written_by_whoever_makes_the_room() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(10);
        now(conn.queue_message(Message::binary(pattern(10_000)))).unwrap().unwrap();
        remote.send(frame(role, Opcode::PING, b"late"));
        assert!(now(conn.read_message()).is_none());
        remote.set_capacity(usize::MAX);
        now(conn.flush()).unwrap().unwrap();
        let written = frames(&remote.take());
        assert_eq!(written.last(), Some(&(Opcode::PONG, b"late".to_vec())), "{role:?}");
    }
}

#[test]
fn message_that_may_not_be_sent_is_refused_and_the_connection_goes_on() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let error = now(conn.write_message(Message::Ping(vec![0; 126].into()))).unwrap().unwrap_err();
        assert_eq!(error.usage(), Some(ws_core::UsageError::ControlTooLong));
        let error = now(conn.write_message(Message::Close(Some(ws_core::CloseFrame::new(1005, "")))));
        assert_eq!(error.unwrap().unwrap_err().usage(), Some(ws_core::UsageError::UnsendableCloseCode));
        now(conn.write_message("fine")).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"fine".to_vec())], "{role:?}");
    }
}

#[test]
fn control_frames_that_are_sent_are_not_mixed_with_the_automatic_ones() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(frame(role, Opcode::PING, b"theirs"));
        now(conn.queue_message(Message::Ping("ours".into()))).unwrap().unwrap();
        now(conn.queue_message(Message::Pong("unasked".into()))).unwrap().unwrap();
        assert!(now(conn.read_message()).is_none());
        let expected = [
            (Opcode::PING, b"ours".to_vec()),
            (Opcode::PONG, b"unasked".to_vec()),
            (Opcode::PONG, b"theirs".to_vec()),
        ];
        assert_eq!(frames(&remote.take()), expected, "{role:?}");
    }
}

#[test]
fn debug_of_a_connection_shows_its_state_and_no_payload() {
    let (pipe, _remote) = pipe();
    let mut conn = Conn::new(pipe, Role::Server, Config::new(), Negotiated::new().with_subprotocol("chat"));
    now(conn.queue_message("secret")).unwrap().unwrap();
    let debug = format!("{conn:?}");
    assert!(debug.contains("Server") && debug.contains("chat") && debug.contains("queued: 8"), "{debug}");
    assert!(!debug.contains("secret"), "{debug}");
    assert_eq!(conn.subprotocol(), Some("chat"));
}

#[test]
fn message_that_the_write_half_queues_is_sent_by_a_read_that_waits_already() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        let flag = Flag::new();
        let mut reading = pin!(read.read_message());
        let waker = Waker::from(flag.clone());
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        flag.take();
        now(write.queue_message("a")).unwrap().unwrap();
        assert!(flag.take(), "{role:?}: the reader was not woken");
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"a".to_vec())]);
    }
}
