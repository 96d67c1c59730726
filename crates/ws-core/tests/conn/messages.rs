//! Messages come out as they went in, however their bytes arrive.

use bytes::BytesMut;
use ws_core::{
    Config, Conn, ErrorKind, Message, MessageKind, Negotiated, ProtocolError, Role, frame::Opcode,
};

use crate::{
    executor::{finish, now, once, with_timers},
    pipe::{Pace, conn, conn_with, pair, pipe},
    wire::{ROLES, binary, broken, code, fragment, frame, frames, pattern, text},
};

#[test]
fn messages_of_every_size_make_the_round_trip_in_both_roles() {
    for size in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 1 << 20] {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let message = match kind {
                MessageKind::Text => Message::text("x".repeat(size)),
                MessageKind::Binary => Message::binary(pattern(size)),
            };
            let (mut client, mut server) = pair(&Config::new(), Pace::default(), usize::MAX);
            finish(client.write_message(message.clone())).unwrap();
            let there = finish(server.read_message()).unwrap().unwrap();
            assert!(there == message, "{kind:?} of {size} to the server");
            finish(server.write_message(there)).unwrap();
            let back = finish(client.read_message()).unwrap().unwrap();
            assert!(back == message, "{kind:?} of {size} to the client");
        }
    }
}

#[tokio::test]
async fn messages_cross_a_duplex_much_smaller_than_they_are() {
    let (near, far) = tokio::io::duplex(100);
    let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
    let message = Message::binary(pattern(200_000));
    let (sent, echoed) = tokio::join!(
        async {
            client.write_message(message.clone()).await.unwrap();
            client.read_message().await.unwrap()
        },
        async {
            let received = server.read_message().await.unwrap().unwrap();
            server.write_message(received.clone()).await.unwrap();
            Some(received)
        }
    );
    assert!(sent == Some(message) && sent == echoed);
}

/// A stream with every kind of frame, and the messages and control frames in it.
fn sample(to: Role) -> (Vec<u8>, Vec<Message>) {
    let bytes = [
        text(to, "grüße"),
        frame(to, Opcode::PING, b"ping"),
        binary(to, &pattern(300)),
        fragment(to, Opcode::TEXT, b"frag\xC3", false),
        frame(to, Opcode::PONG, b"between"),
        fragment(to, Opcode::CONTINUATION, b"", false),
        fragment(to, Opcode::CONTINUATION, b"\xA9ments", true),
        text(to, ""),
    ]
    .concat();
    let messages = vec![
        Message::text("grüße"),
        Message::Ping("ping".into()),
        Message::binary(pattern(300)),
        Message::Pong("between".into()),
        Message::text("fragéments"),
        Message::text(""),
    ];
    (bytes, messages)
}

#[test]
fn stream_cut_at_every_byte_gives_the_same_messages() {
    for role in ROLES {
        let (bytes, messages) = sample(role);
        for cut in 0..=bytes.len() {
            let (mut conn, remote) = conn(role);
            let mut received = Vec::new();
            for piece in [&bytes[..cut], &bytes[cut..]] {
                remote.send(piece);
                while let Some(result) = now(conn.recv()) {
                    received.extend(result.unwrap());
                }
            }
            assert_eq!(received, messages, "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn stream_in_pieces_of_every_size_gives_the_same_messages_and_answers() {
    for role in ROLES {
        let (bytes, messages) = sample(role);
        for read in [1, 2, 3, 5, 7, 64, 1000] {
            for stutter in [false, true] {
                let pace = Pace { read, stutter, ..Pace::default() };
                let (mut conn, remote) = conn_with(role, Config::new(), pace);
                remote.send(&bytes);
                for message in &messages {
                    assert_eq!(&finish(conn.recv()).unwrap().unwrap(), message, "{role:?} by {read}");
                }
                assert!(now(conn.recv()).is_none());
                finish(conn.flush()).unwrap();
                assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"ping".to_vec())]);
            }
        }
    }
}

#[test]
fn large_messages_are_whole_in_reads_of_any_size_with_others_right_behind_them() {
    for role in ROLES {
        for read in [999, 2047, 2048, 2049, 4096, 15_999, 16_000, 16_001, 100_000] {
            let pace = Pace { read, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            for size in [20_000, 0, 100_000, 2048, 17_000] {
                let half = size / 2;
                remote.send(binary(role, &pattern(size)));
                remote.send(fragment(role, Opcode::BINARY, &pattern(size)[..half], false));
                remote.send(frame(role, Opcode::PING, b""));
                remote.send(fragment(role, Opcode::CONTINUATION, &pattern(size)[half..], true));
                for _ in 0..2 {
                    let message = finish(conn.read_message()).unwrap().unwrap();
                    assert!(message == Message::binary(pattern(size)), "{role:?} {size} in reads of {read}");
                }
            }
        }
    }
}

#[test]
fn large_text_is_checked_in_the_frame_and_where_it_is_read_in_place() {
    for role in ROLES {
        for bad in [0, 10_000, 30_000, 99_999] {
            let mut data = vec![b'a'; 100_000];
            data[bad] = 0xFF;
            let (mut conn, remote) = conn(role);
            let bytes = frame(role, Opcode::TEXT, &data);
            // What comes behind the bad byte is not needed to know.
            remote.send(&bytes[..bytes.len() - 100_000 + bad + 1]);
            remote.end();
            let error = with_timers(|| finish(conn.read_message())).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::InvalidUtf8), "{role:?} {bad}");
            assert_eq!(frames(&remote.take()), [code(1007)]);
        }
    }
}

#[test]
fn stream_that_ends_at_any_byte_is_lost_and_half_a_message_is_never_given_out() {
    for role in ROLES {
        let (bytes, messages) = sample(role);
        for cut in 0..=bytes.len() {
            let (mut conn, remote) = conn(role);
            remote.send(&bytes[..cut]);
            remote.end();
            let mut received = Vec::new();
            let error = loop {
                match now(conn.recv()).expect("never waits") {
                    Ok(message) => received.extend(message),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?} cut at {cut}");
            assert!(messages.starts_with(&received), "{role:?} cut at {cut}: {received:?}");
            let again = now(conn.read_message()).expect("never waits").unwrap_err();
            assert_eq!(again.kind(), &ErrorKind::ConnectionLost);
        }
        // The last message was given out only once its last byte was there.
    }
}

#[test]
fn truncation_in_a_large_message_gives_nothing_of_it() {
    for role in ROLES {
        let bytes = binary(role, &pattern(50_000));
        for cut in [15, 1000, 16_000, 40_000, bytes.len() - 1] {
            let (mut conn, remote) = conn(role);
            remote.send(&bytes[..cut]);
            remote.end();
            let error = now(conn.read_message()).expect("never waits").unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn messages_before_a_violation_are_given_out_and_may_be_answered_before_it_fails() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "one"), text(role, "two"), broken(role), text(role, "three")].concat());
        remote.end();
        for expected in ["one", "two"] {
            let message = now(conn.read_message()).unwrap().unwrap().unwrap();
            assert_eq!(message, Message::text(expected));
            now(conn.queue_message(message)).unwrap().unwrap();
        }
        let error = with_timers(|| now(conn.read_message())).unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::ReservedOpcode));
        let written = frames(&remote.take());
        assert_eq!(
            written,
            [(Opcode::TEXT, b"one".to_vec()), (Opcode::TEXT, b"two".to_vec()), code(1002)],
            "{role:?}"
        );
    }
}

#[test]
fn bytes_read_behind_the_handshake_come_first_wherever_they_are_cut() {
    for role in ROLES {
        let (bytes, messages) = sample(role);
        for cut in 0..=bytes.len() {
            for spare in [0, 100] {
                let mut read_buf = BytesMut::with_capacity(cut + spare);
                read_buf.extend_from_slice(&bytes[..cut]);
                let (pipe, remote) = pipe();
                let mut conn = Conn::with_read_buf(pipe, role, Config::new(), Negotiated::new(), read_buf);
                let mut received = Vec::new();
                while let Some(result) = now(conn.recv()) {
                    received.extend(result.unwrap());
                }
                remote.send(&bytes[cut..]);
                while let Some(result) = now(conn.recv()) {
                    received.extend(result.unwrap());
                }
                assert_eq!(received, messages, "{role:?} cut at {cut}");
            }
        }
    }
}

#[test]
fn bytes_read_behind_the_handshake_are_given_out_without_a_read() {
    let (pipe, remote) = pipe();
    remote.fail_reads(std::io::ErrorKind::Other);
    let read_buf = BytesMut::from(&text(Role::Client, "early")[..]);
    let mut conn = Conn::with_read_buf(pipe, Role::Client, Config::new(), Negotiated::new(), read_buf);
    assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("early")));
}

#[test]
fn short_buffer_from_the_handshake_does_not_make_later_reads_short() {
    let (pipe, remote) = pipe();
    let early = text(Role::Server, "");
    let read_buf = BytesMut::from(&early[..]);
    let mut conn = Conn::with_read_buf(pipe, Role::Server, Config::new(), Negotiated::new(), read_buf);
    finish(conn.read_message()).unwrap();
    // A short buffer would take a poll for every few bytes; the budget of one poll would not do.
    remote.send(text(Role::Server, "later").repeat(1000));
    for _ in 0..1000 {
        assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("later")));
    }
}

#[test]
fn beginning_of_a_large_message_behind_the_handshake_is_joined_with_the_rest() {
    for role in ROLES {
        let bytes = binary(role, &pattern(50_000));
        for cut in [1, 14, 15, 2000, 10_000, 48_000, bytes.len()] {
            let (pipe, remote) = pipe();
            let read_buf = BytesMut::from(&bytes[..cut]);
            let mut conn = Conn::with_read_buf(pipe, role, Config::new(), Negotiated::new(), read_buf);
            if cut < bytes.len() {
                assert!(now(conn.read_message()).is_none());
            }
            remote.send(&bytes[cut..]);
            let message = finish(conn.read_message()).unwrap().unwrap();
            assert!(message == Message::binary(pattern(50_000)), "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn connection_and_its_futures_can_go_to_another_thread() {
    fn check<T: Send>(_: T) {}
    let (near, _far) = tokio::io::duplex(1);
    let mut conn = Conn::new(near, Role::Server, Config::new(), Negotiated::new());
    check(conn.read_message());
    check(conn.write_message("a"));
    check(conn.close(None));
    check(conn);
}

#[test]
fn parts_of_a_connection_go_on_in_another_between_two_messages() {
    for role in ROLES {
        let first = text(role, "first");
        let second = text(role, "second");
        let header = second.len() - b"second".len();
        for ahead in 0..=header {
            let (mut conn, remote) = conn(role);
            remote.send([&first[..], &second[..ahead]].concat());
            assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("first")));
            if ahead < header {
                assert!(now(conn.read_message()).is_none(), "takes what there is of the header");
            }
            now(conn.queue_message("queued")).unwrap().unwrap();
            let parts = conn.into_parts();
            assert_eq!(frames(&parts.write_buf), [(Opcode::TEXT, b"queued".to_vec())]);
            let mut conn = Conn::with_read_buf(
                parts.io,
                role,
                Config::new(),
                parts.negotiated,
                BytesMut::from(&parts.read_buf[..]),
            );
            remote.send(&second[ahead..]);
            let message = now(conn.read_message()).unwrap().unwrap();
            assert_eq!(message, Some(Message::text("second")), "{role:?} {ahead} bytes ahead");
        }
    }
}

#[test]
fn queued_bytes_that_are_half_written_come_back_from_where_they_are() {
    let (mut conn, remote) = conn(Role::Server);
    remote.set_capacity(7);
    now(conn.queue_message("hello world")).unwrap().unwrap();
    now(conn.queue_message(Message::binary(pattern(5000)))).unwrap().unwrap();
    assert!(now(conn.flush()).is_none());
    let written = remote.take();
    assert_eq!(written.len(), 7);
    let parts = conn.into_parts();
    let whole = [&written[..], &parts.write_buf].concat();
    let expected = [(Opcode::TEXT, b"hello world".to_vec()), (Opcode::BINARY, pattern(5000))];
    assert_eq!(frames(&whole), expected);
}

#[test]
fn pings_are_answered_while_messages_are_read() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([frame(role, Opcode::PING, b"1"), frame(role, Opcode::PING, b"2")].concat());
        assert!(now(conn.read_message()).is_none());
        assert_eq!(
            frames(&remote.take()),
            [(Opcode::PONG, b"1".to_vec()), (Opcode::PONG, b"2".to_vec())],
            "{role:?}"
        );
    }
}

#[test]
fn transport_that_always_has_pings_does_not_keep_the_thread() {
    for role in ROLES {
        let config = Config::new().max_control_frames(None);
        let (mut conn, remote) = conn_with(role, config, Pace { read: 1000, ..Pace::default() });
        remote.send(frame(role, Opcode::PING, b"ping").repeat(100_000));
        assert!(once(conn.read_message()).is_none());
        assert!(!remote.read_waits(), "one poll does not read all there is: {role:?}");
    }
}

#[test]
fn transport_that_always_has_bytes_does_not_keep_the_thread() {
    // Fragments that never end a message, as fast as they are read.
    let config = || Config::new().max_message_size(None).max_fragments(None);
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, config(), Pace { read: 1000, ..Pace::default() });
        remote.send(fragment(role, Opcode::BINARY, b"", false));
        remote.send(fragment(role, Opcode::CONTINUATION, &pattern(100), false).repeat(10_000));
        assert!(once(conn.read_message()).is_none());
        assert!(!remote.read_waits(), "one poll does not read all there is: {role:?}");
    }
}

/// How many polls it takes to read all of a flood, and how many calls of one poll came to something at the most.
fn turns(role: Role, flood: Vec<u8>) -> (usize, usize) {
    let config = Config::new().max_control_frames(None);
    let (mut conn, remote) = conn_with(role, config, Pace::default());
    remote.send(flood);
    remote.end();
    let (mut turns, mut most, mut inside) = (1, 0, 0);
    loop {
        match once(conn.recv()) {
            Some(Ok(Some(_))) => inside += 1,
            Some(_) => return (turns, most),
            None => (turns, inside) = (turns + 1, 0),
        }
        most = most.max(inside);
    }
}

#[test]
fn others_have_a_turn_after_64_messages() {
    for role in ROLES {
        for flood in [text(role, "x").repeat(1000), binary(role, b"").repeat(1000)] {
            let (turns, most) = turns(role, flood);
            assert!((14..=17).contains(&turns), "{role:?}: {turns}");
            assert!(most <= 64, "{role:?}: {most}");
        }
    }
}

#[test]
fn others_have_a_turn_after_16_control_frames_or_short_fragments() {
    for role in ROLES {
        let part = |opcode, size, fin| fragment(role, opcode, &pattern(size), fin);
        let message =
            |size| [part(Opcode::BINARY, size, false), part(Opcode::CONTINUATION, 1, true)].concat();
        for (flood, few) in [
            (frame(role, Opcode::PING, b"").repeat(1000), 60),
            (frame(role, Opcode::PONG, b"pong").repeat(1000), 60),
            (message(0).repeat(1000), 76),
            (message(63).repeat(1000), 76),
            // From here on they are something.
            (message(64).repeat(1000), 31),
        ] {
            let (turns, _) = turns(role, flood);
            assert!((few..few + few / 5 + 2).contains(&turns), "{role:?}: {turns} for {few}");
        }
    }
}

#[test]
fn others_have_a_turn_after_2_mib_of_a_message() {
    for role in ROLES {
        let config = Config::new().max_message_size(None);
        let (mut conn, remote) = conn_with(role, config, Pace { read: 64 << 10, ..Pace::default() });
        remote.send(binary(role, &pattern(16 << 20)));
        let mut turns = 1;
        let message = loop {
            match once(conn.read_message()) {
                Some(message) => break message,
                None => turns += 1,
            }
        };
        assert_eq!(message.unwrap().unwrap().into_data().len(), 16 << 20);
        assert!((8..=10).contains(&turns), "{role:?}: {turns}");
    }
}

#[test]
fn message_of_1_mib_that_is_there_is_read_in_one_turn() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new(), Pace { read: 64 << 10, ..Pace::default() });
        remote.send(binary(role, &pattern(1 << 20)));
        let message = once(conn.read_message()).expect("it takes one turn");
        assert_eq!(message.unwrap().unwrap().into_data().len(), 1 << 20, "{role:?}");
    }
}

#[test]
fn others_have_a_turn_when_a_large_frame_comes_byte_by_byte() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new(), Pace { read: 1, ..Pace::default() });
        remote.send(binary(role, &pattern(10_000)));
        let mut turns = 1;
        while once(conn.read_message()).is_none() {
            turns += 1;
        }
        // 64 reads are a turn, whatever they bring.
        assert!(turns >= 10_000 / 64, "{role:?}: {turns}");
    }
}
