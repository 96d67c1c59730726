//! What a connection counts, and how it says that it ended.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    CloseCode, Config, Conn, End, ErrorKind, Message, MessageKind, Negotiated, PreparedMessage,
    ProtocolError, Reply, Role, Stats, Violation, frame::Opcode,
};

use crate::{
    executor::{finish, now, with_timers},
    pipe::{Pace, conn, conn_with, pair, pipe},
    wire::{ROLES, binary, broken, close, fragment, frame, pattern, text},
};

fn ready<T>(future: impl Future<Output = T>) -> T {
    now(future).expect("does not wait")
}

#[test]
fn messages_count_however_they_arrive() {
    for role in ROLES {
        for read in [usize::MAX, 1, 3000] {
            let pace = Pace { read, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            let stats = conn.stats();
            // Short, empty, long enough to be read in place, in fragments with a ping between them.
            let wire = [
                text(role, "hello"),
                text(role, ""),
                binary(role, &pattern(50_000)),
                fragment(role, Opcode::TEXT, b"frag", false),
                frame(role, Opcode::PING, b"ping"),
                fragment(role, Opcode::CONTINUATION, b"ments", true),
            ]
            .concat();
            remote.send(&wire);
            for _ in 0..4 {
                finish(conn.read_message()).unwrap().unwrap();
            }
            let received = stats.received();
            assert_eq!((received.messages, received.payload_bytes), (4, 50_014), "{role:?} {read}");
            assert_eq!(received.wire_bytes, wire.len() as u64);
            assert_eq!((received.compressed_messages, received.compression_ratio()), (0, None));
        }
    }
}

#[test]
fn messages_count_that_come_alone() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let stats = conn.stats();
        // From the second on nothing else is expected, and they take the shortest way.
        for count in 1..=3 {
            remote.send(text(role, "hello"));
            ready(conn.read_message()).unwrap().unwrap();
            assert!(now(conn.read_message()).is_none());
            let received = stats.received();
            assert_eq!((received.messages, received.payload_bytes), (count, 5 * count), "{role:?}");
        }
    }
}

#[test]
fn messages_count_however_they_are_read() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let stats = conn.stats();
        let large = pattern(100_000);
        remote.send(
            [binary(role, &large), binary(role, &large), binary(role, &large), text(role, "x")].concat(),
        );
        ready(conn.read_borrowed()).unwrap().unwrap();
        let mut bytes = vec![0; 200_000];
        let mut reader = ready(conn.next_reader()).unwrap().unwrap();
        while ready(reader.read(&mut bytes)).unwrap() > 0 {}
        assert_eq!((stats.received().messages, stats.received().payload_bytes), (2, 200_000), "{role:?}");
        // The rest of the third is skipped.
        let mut reader = ready(conn.next_reader()).unwrap().unwrap();
        ready(reader.read_exact(&mut bytes[..10])).unwrap();
        ready(conn.recv()).unwrap().unwrap();
        assert_eq!((stats.received().messages, stats.received().payload_bytes), (4, 300_001));
    }
}

#[test]
fn messages_count_however_they_are_sent() {
    for role in ROLES {
        for write in [usize::MAX, 700] {
            let pace = Pace { write, ..Pace::default() };
            let (mut conn, remote) = conn_with(role, Config::new(), pace);
            let stats = conn.stats();
            ready(conn.write_message("hello")).unwrap();
            ready(conn.write_message(pattern(10_000))).unwrap();
            ready(conn.queue_message(Message::Ping("ping".into()))).unwrap();
            ready(conn.queue_message("queued")).unwrap();
            conn.start_send("queued").unwrap();
            let prepared = PreparedMessage::new("prepared").unwrap();
            ready(conn.write_prepared(&prepared)).unwrap();
            let mut writer = ready(conn.next_writer(MessageKind::Binary)).unwrap();
            ready(writer.write_all(&pattern(20_000))).unwrap();
            assert_eq!(stats.sent().messages, 5, "{role:?}: it is not finished");
            ready(writer.finish()).unwrap();
            let sent = stats.sent();
            assert_eq!((sent.messages, sent.payload_bytes), (6, 30_025), "{role:?} {write}");
            assert_eq!(sent.wire_bytes, remote.take().len() as u64);
        }
    }
}

#[test]
fn refused_messages_do_not_count() {
    for role in ROLES {
        let (mut conn, _remote) = conn(role);
        let stats = conn.stats();
        ready(conn.write_message(Message::Close(None))).unwrap();
        ready(conn.write_message("late")).unwrap_err();
        assert_eq!(stats.sent().messages, 0);
    }
}

#[test]
fn bytes_count_on_the_wire_when_the_transport_takes_them() {
    let (mut conn, remote) = conn(Role::Server);
    let stats = conn.stats();
    remote.set_capacity(10);
    assert!(now(conn.write_message(pattern(98))).is_none());
    assert_eq!((stats.sent().messages, stats.sent().payload_bytes, stats.sent().wire_bytes), (1, 98, 10));
    remote.set_capacity(usize::MAX);
    ready(conn.flush()).unwrap();
    assert_eq!(stats.sent().wire_bytes, 100);
}

#[test]
fn bytes_that_came_with_the_handshake_count() {
    let (io, _remote) = pipe();
    let early = text(Role::Server, "early");
    let mut conn = Conn::with_read_buf(io, Role::Server, Config::new(), Negotiated::new(), early[..].into());
    let stats = conn.stats();
    ready(conn.read_message()).unwrap();
    assert_eq!((stats.received().messages, stats.received().wire_bytes), (1, early.len() as u64));
}

#[test]
fn counting_begins_when_it_is_asked_for_and_all_handles_read_the_same() {
    let (mut conn, _remote) = conn(Role::Server);
    ready(conn.write_message("before")).unwrap();
    let stats = conn.stats();
    ready(conn.write_message("after")).unwrap();
    let later = conn.stats();
    assert_eq!((stats.sent().messages, stats.sent().payload_bytes), (1, 5));
    assert_eq!(later.sent(), stats.sent());
}

#[test]
fn halves_count_together() {
    let (conn, remote) = conn(Role::Server);
    let (mut read, mut write) = conn.into_split();
    let (of_read, of_write) = (read.stats(), write.stats());
    remote.send(text(Role::Server, "hello"));
    ready(read.read_message()).unwrap();
    ready(write.write_message("hi")).unwrap();
    assert_eq!((of_write.received().messages, of_read.sent().messages), (1, 1));
    drop((read, write));
    assert_eq!(of_read.ended(), Some(End::Dropped));
}

#[test]
fn closing_handshake_tells_both_frames_and_who_was_first() {
    let closed = |by_peer: bool| {
        let (mut client, mut server) = pair(&Config::new(), Pace::default(), 1024);
        let stats = server.stats();
        let (first, second) = if by_peer { (&mut client, &mut server) } else { (&mut server, &mut client) };
        with_timers(|| {
            assert!(now(first.close(CloseCode::GOING_AWAY)).is_none());
            assert_eq!(stats.ended(), None);
            let _ = now(second.read_message());
            finish(first.close(None)).unwrap();
            assert_eq!(finish(second.read_message()).unwrap(), None);
        });
        stats
    };
    for by_peer in [true, false] {
        let stats = closed(by_peer);
        assert_eq!(stats.ended(), Some(End::Closed));
        let closing = stats.closing();
        assert_eq!(closing.received_first(), by_peer);
        assert_eq!(closing.sent().flatten().unwrap().code, CloseCode::GOING_AWAY);
        assert_eq!(closing.received().flatten().unwrap().code, CloseCode::GOING_AWAY);
    }
}

/// The end of a connection that `drive` does something with, and its close frames: sent and received.
fn end(role: Role, wire: &[u8], drive: impl FnOnce(Conn<crate::pipe::Pipe>)) -> (Stats, [bool; 2]) {
    let (mut conn, remote) = conn(role);
    let stats = conn.stats();
    remote.send(wire);
    with_timers(|| drive(conn));
    let closing = stats.closing();
    (stats, [closing.sent().is_some(), closing.received().is_some()])
}

#[test]
fn every_end_is_told_apart() {
    for role in ROLES {
        let read = |mut conn: Conn<_>| drop(now(conn.read_message()));
        let (stats, frames) = end(role, &close(role, 4000), read);
        assert_eq!(frames, [true, true]);
        // A client waits for the server to close the transport.
        assert_eq!(stats.ended(), Some(if role == Role::Server { End::Closed } else { End::Dropped }));

        let (stats, frames) = end(role, b"", drop);
        assert_eq!((stats.ended(), frames), (Some(End::Dropped), [false, false]));
        let (stats, frames) = end(role, b"", Conn::abort);
        assert_eq!((stats.ended(), frames), (Some(End::Dropped), [false, false]));
        let (stats, _) = end(role, b"", |conn| drop(conn.into_parts()));
        assert_eq!(stats.ended(), Some(End::Dropped));

        let (stats, frames) =
            end(role, b"", |mut conn| ready(conn.write_message(Message::Close(None))).unwrap());
        assert_eq!((stats.ended(), frames), (Some(End::Dropped), [true, false]), "not answered");
        let (stats, frames) = end(role, &close(role, 1000), |mut conn| {
            conn.set_close_handler(|_| Reply::Suppress);
            ready(conn.recv()).unwrap();
        });
        assert_eq!((stats.ended(), frames), (Some(End::Dropped), [false, true]), "not answered");
    }
}

#[test]
fn violation_and_loss_are_told_with_their_cause() {
    for role in ROLES {
        let (mut one, remote) = conn(role);
        let stats = one.stats();
        remote.send(broken(role));
        remote.end();
        let error = with_timers(|| finish(one.read_message())).unwrap_err();
        let ErrorKind::Protocol(rule) = error.kind() else { panic!("{error:?}") };
        assert_eq!(stats.ended(), Some(End::Failed(Violation::Protocol(*rule))));
        assert_eq!(stats.closing().sent().flatten().unwrap().code, CloseCode::PROTOCOL_ERROR);

        let (mut one, remote) = conn(role);
        let stats = one.stats();
        remote.end();
        ready(one.read_message()).unwrap_err();
        assert_eq!(stats.ended(), Some(End::Lost(ErrorKind::ConnectionLost)));

        let (mut one, remote) = conn(role);
        let stats = one.stats();
        remote.fail_reads(io::ErrorKind::Other);
        ready(one.read_message()).unwrap_err();
        drop(one);
        assert_eq!(
            stats.ended(),
            Some(End::Lost(ErrorKind::Io(io::ErrorKind::Other))),
            "the first end counts"
        );
    }
}

#[test]
fn connection_that_is_dropped_because_writing_failed_is_lost() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let stats = conn.stats();
        remote.fail_writes(io::ErrorKind::BrokenPipe);
        ready(conn.write_message("hello")).unwrap_err();
        assert_eq!(stats.ended(), None, "there may be something to read");
        drop(conn);
        assert_eq!(stats.ended(), Some(End::Lost(ErrorKind::ConnectionLost)));
    }
}

#[test]
fn failing_for_a_message_where_none_may_come_is_told() {
    let (conn, remote) = conn(Role::Server);
    let (mut read, _write) = conn.into_split();
    let stats = read.stats();
    remote.send(text(Role::Server, "unexpected"));
    remote.end();
    with_timers(|| finish(read.close_read())).unwrap_err();
    assert_eq!(stats.ended(), Some(End::Failed(ProtocolError::UnexpectedMessage.into())));
}

#[test]
fn end_is_told_to_one_who_asks_after_it() {
    let (mut conn, remote) = conn(Role::Server);
    remote.send(close(Role::Server, 4001));
    with_timers(|| ready(conn.read_message())).unwrap_err();
    let stats = conn.stats();
    assert_eq!(stats.ended(), Some(End::Closed));
    assert_eq!(stats.closing().received().flatten().unwrap().code, 4001);
}

#[cfg(feature = "deflate")]
mod deflate {
    use ws_core::{Compression, NegotiatedDeflate};

    use super::*;

    fn pair(no_takeover: bool) -> (Conn<tokio::io::DuplexStream>, Conn<tokio::io::DuplexStream>) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let mut agreed = NegotiatedDeflate::new();
        agreed.client_no_context_takeover = no_takeover;
        let conn = |io, role| Conn::new(io, role, Config::new(), Negotiated::new().with_deflate(agreed));
        (conn(near, Role::Client), conn(far, Role::Server))
    }

    #[test]
    fn compressed_messages_count_with_their_bytes_before_and_after() {
        for no_takeover in [true, false] {
            let (mut client, mut server) = pair(no_takeover);
            client.write_message_now("x".repeat(5000), &mut server);
            let (sent, received) = (client.stats(), server.stats());
            client.write_message_now("x".repeat(30_000), &mut server);
            let mut writer = ready(client.next_writer(MessageKind::Text)).unwrap();
            ready(writer.write_all("y".repeat(40_000).as_bytes())).unwrap();
            ready(writer.finish()).unwrap();
            ready(server.read_message()).unwrap();
            ready(client.write_prepared(&PreparedMessage::new("z".repeat(10_000)).unwrap())).unwrap();
            ready(server.read_message()).unwrap();
            ready(client.write_message_with("plain", Compression::Off)).unwrap();
            ready(server.read_message()).unwrap();

            let (sent, received) = (sent.sent(), received.received());
            assert_eq!(sent, received, "what one sends, the other receives");
            assert_eq!((sent.messages, sent.payload_bytes), (4, 80_005));
            assert_eq!((sent.compressed_messages, sent.uncompressed_bytes), (3, 80_000));
            // All but the headers, of 2 to 4 bytes and a masking key, and the plain message.
            let headers = sent.wire_bytes - sent.compressed_bytes - 5;
            assert!((4 * 6..=20 * 8).contains(&headers), "{headers} {sent:?}");
            assert!(sent.compression_ratio().unwrap() < 0.05, "{sent:?}");
        }
    }

    trait Now {
        fn write_message_now(&mut self, text: String, to: &mut Self);
    }

    impl Now for Conn<tokio::io::DuplexStream> {
        fn write_message_now(&mut self, text: String, to: &mut Self) {
            ready(self.write_message(text)).unwrap();
            ready(to.read_message()).unwrap().unwrap();
        }
    }
}
