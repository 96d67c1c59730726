//! One incoming message as a byte stream.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use ws_core::{
    Config, Conn, Message, MessageKind, Negotiated, Role,
    frame::{FrameHeader, Opcode},
};

use crate::{
    executor::{finish, now, poll_once, run},
    pipe::{Pace, Pipe, conn, conn_with},
    wire::{ROLES, binary, fragment, frame, frames, pattern, text},
};

/// Reads the next message in steps of `size` bytes.
pub(crate) async fn next_in_steps(conn: &mut Conn<Pipe>, size: usize) -> Option<(MessageKind, Vec<u8>)> {
    let mut reader = conn.next_reader().await.unwrap()?;
    let (mut whole, mut step) = (Vec::new(), vec![0; size]);
    loop {
        match reader.read(&mut step).await.unwrap() {
            0 => return Some((reader.kind(), whole)),
            count => whole.extend_from_slice(&step[..count]),
        }
    }
}

pub(crate) async fn next(conn: &mut Conn<Pipe>) -> Option<(MessageKind, Vec<u8>)> {
    next_in_steps(conn, 5000).await
}

/// Messages of every shape, and control frames between them and inside of them.
pub(crate) fn shapes(to: Role) -> (Vec<u8>, Vec<(MessageKind, Vec<u8>)>) {
    use MessageKind::{Binary, Text};
    let large = "grüße, ".repeat(900).into_bytes();
    let (start, end) = large.split_at(3999);
    assert!(std::str::from_utf8(start).is_err(), "the cut is inside of a character");
    let bytes = [
        text(to, "grüße"),
        binary(to, b""),
        frame(to, Opcode::PING, b"1"),
        binary(to, &pattern(20_000)),
        fragment(to, Opcode::TEXT, b"", false),
        fragment(to, Opcode::CONTINUATION, b"fr\xC3", false),
        frame(to, Opcode::PING, b"2"),
        fragment(to, Opcode::CONTINUATION, b"", false),
        frame(to, Opcode::PONG, b"nobody asked"),
        fragment(to, Opcode::CONTINUATION, b"\xA9", false),
        fragment(to, Opcode::CONTINUATION, b"", true),
        fragment(to, Opcode::TEXT, start, false),
        frame(to, Opcode::PING, b"3"),
        fragment(to, Opcode::CONTINUATION, end, true),
        fragment(to, Opcode::BINARY, b"", false),
        fragment(to, Opcode::CONTINUATION, b"", true),
        fragment(to, Opcode::BINARY, &pattern(2047), false),
        fragment(to, Opcode::CONTINUATION, &pattern(2048), false),
        fragment(to, Opcode::CONTINUATION, &pattern(2049), true),
        text(to, "end"),
    ]
    .concat();
    let messages = vec![
        (Text, "grüße".into()),
        (Binary, Vec::new()),
        (Binary, pattern(20_000)),
        (Text, "fré".into()),
        (Text, large),
        (Binary, Vec::new()),
        (Binary, [pattern(2047), pattern(2048), pattern(2049)].concat()),
        (Text, "end".into()),
    ];
    (bytes, messages)
}

#[test]
fn messages_of_every_shape_come_out_in_steps_of_every_size_at_every_pace() {
    for role in ROLES {
        let (bytes, messages) = shapes(role);
        for read in [1, 7, 1500, 2048, usize::MAX] {
            for size in [1, 3, 2047, 2048, 2049, 100_000] {
                let pace = Pace { read, stutter: size % 2 == 1, ..Pace::default() };
                let (mut conn, remote) = conn_with(role, Config::new(), pace);
                remote.send(&bytes);
                for message in &messages {
                    let read_back = finish(next_in_steps(&mut conn, size)).unwrap();
                    assert!(read_back == *message, "{role:?} {read} {size}");
                }
                assert!(now(conn.next_reader()).is_none());
                finish(conn.flush()).unwrap();
                let pongs = ["1", "2", "3"].map(|payload| (Opcode::PONG, payload.into()));
                assert_eq!(frames(&remote.take()), pongs, "{role:?} {read} {size}");
            }
        }
    }
}

#[test]
fn stream_cut_at_every_byte_gives_the_same_messages_and_no_early_end() {
    for role in ROLES {
        let bytes = [
            fragment(role, Opcode::TEXT, b"", false),
            fragment(role, Opcode::CONTINUATION, "grü".as_bytes(), false),
            frame(role, Opcode::PING, b"ping"),
            fragment(role, Opcode::CONTINUATION, "ße".as_bytes(), true),
            binary(role, b""),
            binary(role, &pattern(300)),
        ]
        .concat();
        for cut in 0..=bytes.len() {
            let (mut conn, remote) = conn(role);
            remote.send(&bytes[..cut]);
            let mut read = pin!(async {
                let messages = [next(&mut conn).await, next(&mut conn).await, next(&mut conn).await];
                messages.map(|message| message.unwrap().1)
            });
            let early = poll_once(read.as_mut());
            assert_eq!(early.is_ready(), cut == bytes.len(), "{role:?} cut at {cut}");
            remote.send(&bytes[cut..]);
            let messages = if let Poll::Ready(messages) = early { messages } else { finish(read) };
            assert!(messages == ["grüße".into(), Vec::new(), pattern(300)], "{role:?} cut at {cut}");
        }
    }
}

#[test]
fn ping_between_fragments_is_answered_before_the_message_ends() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(fragment(role, Opcode::TEXT, b"one", false));
        remote.send(frame(role, Opcode::PING, b"there?"));
        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
        let mut bytes = [0; 10];
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 3);
        assert!(now(reader.read(&mut bytes)).is_none(), "the message goes on");
        assert_eq!(frames(&remote.take()), [(Opcode::PONG, b"there?".to_vec())]);
    }
}

#[test]
fn reader_is_given_with_the_first_frame_and_its_bytes_as_they_arrive() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let whole = binary(role, &pattern(10_000));
        let header = whole.len() - 10_000;
        remote.send(&whole[..header]);
        assert!(now(conn.next_reader()).is_none(), "nothing but a header");
        remote.send(&whole[header..=header]);
        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
        assert_eq!(reader.kind(), MessageKind::Binary);
        let mut bytes = vec![0; 20_000];
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 1);
        remote.send(&whole[header + 1..header + 101]);
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 100);
        assert!(now(reader.read(&mut bytes)).is_none());
    }
}

#[test]
fn end_of_a_message_is_told_again_and_again_and_takes_nothing_of_the_next() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "one"), text(role, "two")].concat());
        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
        let mut bytes = [0; 10];
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 3);
        for _ in 0..3 {
            assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 0);
        }
        assert_eq!(now(next(&mut conn)).unwrap().unwrap().1, b"two");
    }
}

#[test]
fn read_into_no_room_takes_nothing_and_waits_for_nothing() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(fragment(role, Opcode::TEXT, b"one", false));
        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
        let mut bytes = [0; 3];
        assert_eq!(now(reader.read(&mut [])).unwrap().unwrap(), 0);
        assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 3);
        assert_eq!(now(reader.read(&mut [])).unwrap().unwrap(), 0);
        assert!(now(reader.read(&mut bytes)).is_none());
    }
}

/// A transport that gives one frame and remembers where it was read to.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    position: usize,
    reads: Vec<(usize, usize)>,
}

impl AsyncRead for Frame {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buf.initialize_unfilled();
        let (address, room) = (room.as_ptr().addr(), room.len());
        let rest = &self.bytes[self.position..];
        if rest.is_empty() {
            return Poll::Pending;
        }
        let count = rest.len().min(room).min(3000);
        buf.put_slice(&rest[..count]);
        self.position += count;
        self.reads.push((address, room));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Frame {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn large_frame_is_read_straight_into_the_buffer_of_the_caller_and_no_further_than_its_end() {
    for role in ROLES {
        let bytes = [binary(role, &pattern(20_000)), text(role, "next")].concat();
        let io = Frame { bytes, position: 0, reads: Vec::new() };
        let mut conn = Conn::new(io, role, Config::new(), Negotiated::new());
        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
        let mut whole = vec![0; 30_000];
        let start = whole.as_ptr().addr();
        let mut filled = 0;
        while filled < 20_000 {
            filled += now(reader.read(&mut whole[filled..])).unwrap().unwrap();
        }
        assert!(whole[..filled] == pattern(20_000));
        let reads = &conn.get_ref().reads;
        let mut position = 3000 - FrameHeader::new(Opcode::BINARY, 20_000).encode().len();
        position -= if role == Role::Server { 4 } else { 0 };
        let [_, direct @ .., last] = &reads[..] else { panic!("{reads:?}") };
        for read in direct {
            assert_eq!(*read, (start + position, 20_000 - position), "{role:?}");
            position += 3000;
        }
        assert!(
            direct.len() >= 5 && !(start..start + 30_000).contains(&last.0),
            "a short rest, with what follows"
        );
        assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("next")));
    }
}

#[test]
fn queued_messages_go_out_before_a_reader_waits_and_disturb_nothing_that_lies_in_the_read_buffer() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let (mut read, mut write) = conn.into_split();
        remote.send(fragment(role, Opcode::TEXT, b"abc", false));
        let mut reader = finish(read.next_reader()).unwrap().unwrap();
        let mut byte = [0];
        for expected in b"abc" {
            finish(write.queue_message("queued")).unwrap();
            assert_eq!(finish(reader.read(&mut byte)).unwrap(), 1);
            assert_eq!(byte[0], *expected);
        }
        assert!(remote.take().is_empty());
        assert!(now(reader.read(&mut byte)).is_none());
        assert_eq!(frames(&remote.take()), vec![(Opcode::TEXT, b"queued".to_vec()); 3]);
    }
}

#[test]
fn reader_of_a_half_reads_while_the_other_half_writes() {
    for role in ROLES {
        let (bytes, messages) = shapes(role);
        let pace = Pace { read: 100, write: 100, stutter: true, ..Pace::default() };
        let (conn, remote) = conn_with(role, Config::new(), pace);
        let (mut read, mut write) = conn.into_split();
        remote.send(&bytes);
        let reads = async {
            for (kind, payload) in messages {
                let mut reader = read.next_reader().await.unwrap().unwrap();
                assert_eq!(reader.kind(), kind);
                let mut whole = Vec::new();
                reader.read_to_end(&mut whole).await.unwrap();
                assert!(whole == payload);
            }
        };
        let writes = async {
            for number in 0..50_u8 {
                write.write_message(Message::binary(vec![number; 300])).await.unwrap();
            }
        };
        assert_eq!(run(vec![Box::pin(reads), Box::pin(writes)]), Ok(()));
        let written = frames(&remote.take());
        let data: Vec<_> = written.iter().filter(|(opcode, _)| *opcode == Opcode::BINARY).collect();
        assert_eq!(data.len(), 50);
        assert_eq!(written.len(), 53, "and three pongs");
    }
}
