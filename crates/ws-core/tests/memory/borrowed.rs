//! What messages take that are looked at where they lie, and what is left of all that a connection can do.

use ws_core::{BufferPool, Config, Conn, Message, MessageKind, PreparedMessage, Role, frame::Opcode};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    heap::measured,
    wire::{KIB, MIB, ROLES, Wire, conn, frame, now, unlimited},
};

#[test]
fn messages_that_arrive_in_one_read_are_borrowed_without_an_allocation() {
    for role in ROLES {
        for (opcode, len, batch) in [
            (Opcode::TEXT, 0, 1),
            (Opcode::TEXT, 32, 1),
            (Opcode::BINARY, 32, 50),
            (Opcode::TEXT, 1000, 10),
            (Opcode::TEXT, 30_000, 1),
        ] {
            let stream = frame(role, true, opcode, &vec![b'a'; len]).repeat(batch);
            let mut conn = conn(role, Config::new(), Wire::new(&stream));
            let mut read = |times: usize| {
                conn.get_mut().credit = times * stream.len();
                for _ in 0..times * batch {
                    let message = now(conn.read_borrowed()).unwrap().unwrap().unwrap();
                    assert_eq!(message.as_bytes().len(), len);
                    assert_eq!(message.as_text().is_some(), opcode == Opcode::TEXT);
                }
                assert!(now(conn.read_borrowed()).is_none());
            };
            read(1);
            let ((), usage) = measured(|| read(100));
            assert_eq!((usage.calls, usage.live), (0, 0), "{role:?} {len}: {usage:?}");
        }
    }
}

#[test]
fn messages_that_arrive_in_one_read_are_owned_with_one_allocation() {
    for role in ROLES {
        for (opcode, len, batch) in
            [(Opcode::TEXT, 32, 50), (Opcode::BINARY, 1000, 10), (Opcode::TEXT, 8000, 1)]
        {
            let stream = frame(role, true, opcode, &vec![b'a'; len]).repeat(batch);
            let mut conn = conn(role, Config::new(), Wire::new(&stream));
            let mut read = |times: usize| {
                conn.get_mut().credit = times * stream.len();
                for _ in 0..times * batch {
                    assert_eq!(now(conn.read_message()).unwrap().unwrap().unwrap().into_data().len(), len);
                }
                assert!(now(conn.read_message()).is_none());
            };
            read(1);
            let ((), usage) = measured(|| read(100));
            assert_eq!(usage.calls, 100 * batch, "{role:?} {len}: {usage:?}");
            assert_eq!(usage.total, (100 * batch * len) as isize, "{role:?}: the payload, and nothing more");
        }
    }
}

#[test]
fn messages_in_pieces_are_put_together_in_memory_that_is_used_again() {
    for role in ROLES {
        let message = [
            frame(role, false, Opcode::BINARY, &[7; 600]),
            frame(role, true, Opcode::CONTINUATION, &[7; 600]),
        ]
        .concat();
        let stream = message.repeat(20);
        let mut conn = conn(role, Config::new(), Wire::new(&stream));
        conn.get_mut().credit = 2 * stream.len();
        let read = |conn: &mut Conn<Wire<'_>>, messages: usize| {
            for _ in 0..messages {
                let message = now(conn.read_borrowed()).unwrap().unwrap().unwrap();
                assert_eq!(message.as_bytes().len(), 1200);
            }
        };
        read(&mut conn, 20);
        // They come with a read that finds bytes: nothing waits in between, and nothing is given back.
        let ((), usage) = measured(|| read(&mut conn, 20));
        assert_eq!(usage.calls, 0, "{role:?}: {usage:?}");
    }
}

#[test]
fn borrowed_message_gives_its_memory_back_when_the_connection_waits() {
    for role in ROLES {
        for stream in [
            frame(role, true, Opcode::TEXT, b"hello"),
            frame(role, true, Opcode::BINARY, &[7; 100_000]),
            [frame(role, false, Opcode::TEXT, b"hel"), frame(role, true, Opcode::CONTINUATION, b"lo")]
                .concat(),
        ] {
            let config = Config::new().buffer_pool(BufferPool::off());
            let mut conn = conn(role, config, Wire::new(&stream));
            let ((), usage) = measured(|| {
                assert!(now(conn.read_borrowed()).unwrap().unwrap().is_some());
                assert!(now(conn.read_borrowed()).is_none());
            });
            assert_eq!(usage.live, 0, "{role:?}: {usage:?}");
        }
    }
}

#[test]
fn large_message_leaves_no_large_buffer_behind() {
    for role in ROLES {
        let size = 4 * MIB as usize;
        let whole = frame(role, true, Opcode::BINARY, &vec![7; size]);
        let half = vec![7; size / 2];
        let fragments =
            [frame(role, false, Opcode::BINARY, &half), frame(role, true, Opcode::CONTINUATION, &half)]
                .concat();
        let reads: [fn(&mut Conn<Wire<'_>>); 3] = [
            |conn| drop(now(conn.read_message()).unwrap().unwrap().unwrap()),
            |conn| assert!(now(conn.read_borrowed()).unwrap().unwrap().is_some()),
            |conn| {
                let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
                let mut whole = Vec::new();
                now(reader.read_to_end(&mut whole)).unwrap().unwrap();
            },
        ];
        for stream in [whole, fragments] {
            for (number, read) in reads.into_iter().enumerate() {
                let mut conn = conn(role, unlimited(), Wire::new(&stream));
                // What the pool of this thread keeps anyway.
                now(conn.write_message("hello")).unwrap().unwrap();
                let ((), usage) = measured(|| {
                    read(&mut conn);
                    now(conn.write_message(Message::binary(vec![7; size]))).unwrap().unwrap();
                    assert!(now(conn.read_message()).is_none());
                });
                // A read buffer, which the pool keeps.
                assert!(usage.live <= 33 * KIB, "{role:?} {number}: {usage:?}");
            }
        }
    }
}

#[test]
fn prepared_message_is_sent_without_an_allocation_and_by_servers_without_a_copy() {
    for role in ROLES {
        for size in [10, 1 << 20] {
            let message = PreparedMessage::new(Message::binary(vec![7; size])).unwrap();
            let mut conns: Vec<_> = (0..100).map(|_| conn(role, Config::new(), Wire::new(b"x"))).collect();
            now(conns[0].write_prepared(&message)).unwrap().unwrap();
            let ((), usage) = measured(|| {
                for conn in &mut conns {
                    now(conn.write_prepared(&message)).unwrap().unwrap();
                }
            });
            assert_eq!(usage.live, 0, "{role:?} {size}: {usage:?}");
            if size == 10 {
                assert_eq!(usage.calls, 0, "{role:?}: {usage:?}");
            } else if role == Role::Server {
                // The place of the payload in the queue.
                assert!(usage.calls <= 100 && usage.total <= 100 * 256, "{usage:?}");
            }
        }
    }
}

#[test]
fn prepared_message_holds_its_bytes_once() {
    let payload = Message::binary(vec![7; 1 << 20]);
    let (message, usage) = measured(|| PreparedMessage::new(payload).unwrap());
    assert!(usage.live <= KIB, "the payload has moved into its frame: {usage:?}");
    drop(message);
}

#[cfg(feature = "json")]
#[test]
fn value_leaves_nothing_of_its_message_behind() {
    for role in ROLES {
        let whole = frame(role, true, Opcode::TEXT, b"[1, 2]");
        let fragments =
            [frame(role, false, Opcode::TEXT, b"[1,"), frame(role, true, Opcode::CONTINUATION, b"2]")];
        for stream in [whole, fragments.concat()] {
            let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
            let (value, usage) = measured(|| now(conn.read_json::<[u8; 2]>()).unwrap().unwrap());
            assert_eq!((value, usage.live), (Some([1, 2]), 0), "{role:?}: {usage:?}");
        }
    }
}

/// Everything that can be done with a connection that reads `stream`; see the test.
fn use_all(conn: &mut Conn<Wire<'_>>) {
    assert!(now(conn.read_message()).unwrap().unwrap().is_some());
    assert!(now(conn.read_borrowed()).unwrap().unwrap().is_some());
    let mut bytes = [0; 100];
    let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
    assert!(now(reader.read(&mut bytes)).unwrap().unwrap() > 0);
    let mut lines = conn.join_messages("\n");
    assert!(now(lines.read(&mut bytes)).unwrap().unwrap() > 0);
    #[cfg(feature = "json")]
    {
        assert_eq!(now(conn.read_json::<[u32; 3]>()).unwrap().unwrap(), Some([1, 2, 3]));
        now(conn.write_json(&[1, 2, 3])).unwrap().unwrap();
    }
    let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
    now(writer.write_all(&[b'a'; 10_000])).unwrap().unwrap();
    now(writer.finish()).unwrap().unwrap();
    now(conn.queue_prepared(&PreparedMessage::new("prepared").unwrap())).unwrap().unwrap();
    now(conn.write_message(Message::binary(vec![7; 100_000]))).unwrap().unwrap();
    while now(conn.recv()).is_some() {}
    assert_eq!(conn.get_ref().credit, 0);
}

fn all(role: Role) -> Vec<u8> {
    let large = frame(role, true, Opcode::BINARY, &[7; 50_000]);
    let json =
        if cfg!(feature = "json") { frame(role, true, Opcode::TEXT, b"[1, 2, 3]") } else { Vec::new() };
    let ping = frame(role, true, Opcode::PING, b"ping");
    let start = frame(role, false, Opcode::TEXT, b"half of a message");
    let end = frame(role, true, Opcode::CONTINUATION, b" and the rest");
    [&large[..], &large, &large, &ping, &start, &end, &json, &ping, &large, &start, &ping, &end].concat()
}

#[test]
fn connection_that_waits_holds_nothing_after_all_that_it_can_do() {
    for role in ROLES {
        let stream = all(role);
        let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
        let ((), usage) = measured(|| use_all(&mut conn));
        assert_eq!(usage.live, 0, "{role:?}: {usage:?}");
    }
}

#[test]
fn control_and_handlers_in_use_hold_less_than_512_bytes() {
    for role in ROLES {
        let stream = all(role);
        let mut conn = conn(role, Config::new().buffer_pool(BufferPool::off()), Wire::new(&stream));
        let (control, alone) = measured(|| conn.control());
        println!("a Control adds {} bytes", alone.live);
        assert!(alone.live <= 384, "{role:?}: {alone:?}");
        let ((), usage) = measured(|| {
            conn.set_ping_handler(|_| ws_core::Reply::Automatic);
            conn.set_pong_handler(|_| {});
            conn.set_close_handler(|_| ws_core::Reply::Automatic);
            control.send_ping("ping").unwrap();
            control.send_pong("pong").unwrap();
            use_all(&mut conn);
        });
        println!("handlers and its use add {} bytes", usage.live);
        assert!(alone.live + usage.live <= 512, "{role:?}: {alone:?} {usage:?}");
    }
}
