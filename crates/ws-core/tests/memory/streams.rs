//! What messages take that are read and written as streams.

use std::pin::pin;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, duplex},
    net::{TcpListener, TcpStream},
};
use ws_core::{BufferPool, Config, Conn, MessageKind, Negotiated, Role, frame::Opcode};

use crate::{
    heap::measured,
    wire::{KIB, MIB, ROLES, Wire, conn, frame, header, now, unlimited},
};

/// How many bytes the message has that is echoed: those that `WS_STREAM_BYTES` says, or 64 MiB.
///
/// `WS_STREAM_BYTES=4294967296 cargo test --release -p ws-core --test memory -- --nocapture whatever_its_size` does it
/// with 4 GiB.
fn stream_bytes() -> u64 {
    std::env::var("WS_STREAM_BYTES").map_or(64 << 20, |bytes| bytes.parse().expect("a number of bytes"))
}

/// Echoes a message through a reader and a writer, and checks every byte that comes back.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(near: S, far: S, size: u64) {
    // A prime, so that no two fragments are alike.
    let block: Vec<u8> = (0..65_521_u32).map(|number| (number % 251) as u8).collect();
    let client = Conn::new(near, Role::Client, unlimited(), Negotiated::new());
    let server = Conn::new(far, Role::Server, unlimited(), Negotiated::new());
    let (mut from, mut to) = server.into_split();
    let (mut back, mut out) = client.into_split();
    let echo = async {
        let mut reader = from.next_reader().await.unwrap().unwrap();
        let mut writer = to.next_writer(reader.kind()).await.unwrap();
        assert_eq!(copy(&mut reader, &mut writer).await.unwrap(), size);
        writer.finish().await.unwrap();
    };
    let send = async {
        let mut writer = out.next_writer(MessageKind::Binary).await.unwrap();
        let mut left = size;
        while left > 0 {
            let piece = &block[..usize::try_from(left).unwrap_or(usize::MAX).min(block.len())];
            writer.write_all(piece).await.unwrap();
            left -= piece.len() as u64;
        }
        writer.finish().await.unwrap();
    };
    let receive = async {
        let mut reader = back.next_reader().await.unwrap().unwrap();
        let mut bytes = vec![0; 8 << 10];
        let mut position = 0;
        loop {
            let count = reader.read(&mut bytes).await.unwrap();
            if count == 0 {
                assert_eq!(position, size);
                break;
            }
            let start = (position % block.len() as u64) as usize;
            let first = count.min(block.len() - start);
            assert!(bytes[..first] == block[start..start + first], "at {position}");
            assert!(bytes[first..count] == block[..count - first], "at {position}");
            position += count as u64;
        }
    };
    tokio::join!(echo, send, receive);
}

#[test]
fn message_is_echoed_through_reader_and_writer_in_less_than_a_mebibyte_whatever_its_size() {
    let size = stream_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for room in [4 << 10, 64 << 10] {
        let ((), usage) = measured(|| {
            runtime.block_on(async {
                let (near, far) = duplex(room);
                echo(near, far, size).await;
            });
        });
        println!("{size} bytes echoed through {room} in memory: {usage:?}");
        assert!(usage.peak < MIB, "{usage:?}");
    }
}

#[test]
fn message_is_echoed_over_tcp_in_less_than_a_mebibyte_whatever_its_size() {
    let size = stream_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let ((), usage) = measured(|| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (far, _) = listener.accept().await.unwrap();
            echo(near, far, size).await;
        });
    });
    println!("{size} bytes echoed over TCP: {usage:?}");
    assert!(usage.peak < MIB, "{usage:?}");
}

#[test]
fn frame_is_read_in_pieces_without_an_allocation_whatever_its_size() {
    for role in ROLES {
        for (size, read) in [(100, usize::MAX), (8 << 10, 3000), (8 << 10, usize::MAX)] {
            let header = header(role, true, Opcode::BINARY, 1 << 40);
            let mut conn = conn(role, unlimited(), Wire::new(&header));
            assert!(now(conn.next_reader()).is_none(), "nothing but a header");
            let mut bytes = vec![0; size];
            *conn.get_mut() = Wire::new(&[7; 4096]);
            (conn.get_mut().credit, conn.get_mut().read) = (16 << 20, read);
            let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
            let (count, usage) = measured(|| {
                let mut all = 0;
                while let Some(count) = now(reader.read(&mut bytes)) {
                    all += count.unwrap();
                }
                all
            });
            assert_eq!(count, 16 << 20, "{role:?}");
            assert_eq!(usage.calls, 0, "{role:?} {size}: {usage:?}");
        }
    }
}

#[test]
fn small_messages_are_streamed_in_without_an_allocation() {
    for role in ROLES {
        let whole = frame(role, true, Opcode::TEXT, b"hello");
        let fragments =
            [frame(role, false, Opcode::TEXT, b"hel"), frame(role, true, Opcode::CONTINUATION, b"lo")]
                .concat();
        for stream in [whole, fragments] {
            for batch in [1, 20] {
                let stream = stream.repeat(batch);
                let mut conn = conn(role, Config::new(), Wire::new(&stream));
                let mut read = |times: usize| {
                    conn.get_mut().credit = times * stream.len();
                    let mut bytes = [0; 16];
                    for _ in 0..times * batch {
                        let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
                        let mut count = 0;
                        loop {
                            match now(reader.read(&mut bytes[count..])).unwrap().unwrap() {
                                0 => break,
                                more => count += more,
                            }
                        }
                        assert_eq!(&bytes[..count], b"hello");
                    }
                    assert!(now(conn.next_reader()).is_none());
                };
                read(1);
                let ((), usage) = measured(|| read(100));
                assert_eq!((usage.calls, usage.live), (0, 0), "{role:?} {batch}: {usage:?}");
            }
        }
    }
}

#[test]
fn message_that_is_streamed_out_takes_one_small_allocation() {
    for role in ROLES {
        for size in [10, 1 << 20] {
            let mut conn = conn(role, Config::new(), Wire::new(b"x"));
            let payload = vec![7; size];
            let mut write = || {
                let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
                now(writer.write_all(&payload)).unwrap().unwrap();
                now(writer.finish()).unwrap().unwrap();
            };
            write();
            let ((), usage) = measured(|| (0..10).for_each(|_| write()));
            assert_eq!(usage.live, 0, "{role:?}");
            // The write buffer, with room for all up to the mark, is the pool's; this is the message's own state.
            assert_eq!(usage.calls, 10, "{role:?} {size}: {usage:?}");
            assert!(usage.total <= 10 * 256, "{role:?} {size}: {usage:?}");
        }
    }
}

#[test]
fn what_a_peer_does_not_read_is_bounded_by_the_mark_however_much_is_written() {
    for role in ROLES {
        let mut wire = Wire::new(b"x");
        wire.room = 10;
        let mut conn = conn(role, Config::new(), wire);
        let payload = vec![7; 4 * MIB as usize];
        let ((), usage) = measured(|| {
            let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
            let mut write = pin!(writer.write_all(&payload));
            for _ in 0..100 {
                assert!(now(write.as_mut()).is_none());
            }
        });
        // The buffer of the queue doubles up to the mark, and once more with the frame that crosses it.
        assert!(usage.peak <= 3 * 72 * KIB, "{role:?}: {usage:?}");
        assert!(usage.live <= 2 * 72 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn byte_stream_takes_a_message_of_any_size_in_little_memory() {
    for role in ROLES {
        let header = header(role, true, Opcode::BINARY, 1 << 40);
        let mut conn = conn(role, Config::new(), Wire::new(&header));
        conn.get_mut().ended = false;
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        let mut bytes = vec![0; 8 << 10];
        let (count, usage) = measured(|| {
            let mut all = 0;
            assert!(now(stream.read(&mut bytes)).is_none());
            *stream.get_mut().get_mut() = Wire::new(&[7; 4096]);
            stream.get_mut().get_mut().credit = 16 << 20;
            while let Some(count) = now(stream.read(&mut bytes)) {
                all += count.unwrap();
            }
            all
        });
        assert_eq!(count, 16 << 20, "{role:?}");
        assert!(usage.peak <= 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn stream_that_is_left_or_done_holds_nothing_while_the_connection_waits() {
    for role in ROLES {
        let config = Config::new().buffer_pool(BufferPool::off());
        let stream = [
            frame(role, false, Opcode::BINARY, &[7; 5000]),
            frame(role, true, Opcode::CONTINUATION, &[7; 50_000]),
        ]
        .concat();
        for credit in [100, 5500, 20_000, stream.len()] {
            for begun in [false, true] {
                let mut wire = Wire::new(&stream);
                (wire.credit, wire.read) = (if begun { 90 } else { credit }, 2500);
                let mut conn = conn(role, config.clone(), wire);
                let ((), usage) = measured(|| {
                    // Either a read of the whole is given up first, or the reader gets it from the start.
                    if begun {
                        assert!(now(conn.read_message()).is_none());
                        conn.get_mut().credit = credit - 90;
                    }
                    let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
                    let mut bytes = [0; 50];
                    assert!(now(reader.read(&mut bytes)).unwrap().unwrap() > 0);
                    assert!(now(conn.read_message()).is_none());
                    assert_eq!(conn.get_ref().credit, 0);
                });
                assert_eq!(usage.live, 0, "{role:?} {credit} {begun}: {usage:?}");
            }
        }
    }
}

#[test]
fn reader_that_waits_in_the_middle_of_its_message_holds_nothing() {
    for role in ROLES {
        let config = Config::new().buffer_pool(BufferPool::off());
        let stream = frame(role, true, Opcode::BINARY, &[7; 50_000]);
        for size in [100, 8 << 10] {
            let mut wire = Wire::new(&stream);
            wire.credit = 20_000;
            let mut conn = conn(role, config.clone(), wire);
            let mut bytes = vec![0; size];
            let ((), usage) = measured(|| {
                let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
                while now(reader.read(&mut bytes)).is_some() {}
            });
            assert_eq!(usage.live, 0, "{role:?} {size}: {usage:?}");
        }
    }
}
