//! Read deadlines, in virtual time: nothing is lost and nothing is broken by one that passes.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    join,
    time::{advance, sleep, timeout},
};
use ws_core::{
    CloseCode, Config, Conn, ErrorKind, Message, MessageKind, Negotiated, ProtocolError, frame::Opcode,
};

use crate::{
    calls::{MS, READS, Read, S, assert_timed_out, error_in, past, within},
    closing::{CLOSE_TIMEOUT, timed},
    pipe::{Pace, conn, conn_with},
    wire::{ROLES, binary, broken, close, code, fragment, frame, frames, pattern, text},
};

#[tokio::test(start_paused = true)]
async fn read_times_out_at_its_deadline_and_each_later_one_at_once_until_it_is_moved() {
    for role in ROLES {
        for read in READS {
            let (mut conn, remote) = conn(role);
            conn.set_read_deadline(within(2 * S));
            let (result, took) = timed(read.call(&mut conn)).await;
            assert_timed_out(result);
            assert_eq!(took, 2 * S, "{role:?} {read:?}");
            for _ in 0..3 {
                let (result, took) = timed(read.call(&mut conn)).await;
                assert_timed_out(result);
                assert_eq!(took, Duration::ZERO, "{role:?} {read:?}");
            }
            conn.set_read_deadline(within(3 * S));
            let (result, took) = timed(read.call(&mut conn)).await;
            assert_timed_out(result);
            assert_eq!(took, 3 * S, "{role:?} {read:?}: a later deadline holds");
            conn.set_read_deadline(None);
            let peer = async {
                sleep(1000 * S).await;
                remote.send(text(role, "late"));
            };
            let (result, ()) = join!(read.call(&mut conn), peer);
            assert_eq!(result.unwrap().as_deref(), Some(&b"late"[..]), "{role:?} {read:?}: no deadline");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_of_a_message_survives_the_deadline() {
    for role in ROLES {
        // In a fragment, in a frame that the read buffer takes, in one that is read in place, in a header, in a ping.
        let message = pattern(10_000);
        let mut cut_header = fragment(role, Opcode::BINARY, &message[..7000], false);
        cut_header.extend(fragment(role, Opcode::CONTINUATION, &message[7000..], true));
        let mut with_ping = fragment(role, Opcode::BINARY, &message[..20], false);
        with_ping.extend(frame(role, Opcode::PING, b"in between"));
        let in_ping = with_ping.len() - 4;
        with_ping.extend(fragment(role, Opcode::CONTINUATION, &message[20..], true));
        let whole = binary(role, &message);
        for (bytes, cuts) in [
            (&whole, &[1, 2, 9, 5000, whole.len() - 1][..]),
            (&cut_header, &[7000, cut_header.len() - 3004, cut_header.len() - 3001]),
            (&with_ping, &[in_ping]),
        ] {
            for read in [Read::Message, Read::Recv, Read::Borrowed] {
                let (mut conn, remote) = conn(role);
                let mut from = 0;
                for cut in cuts {
                    remote.send(&bytes[from..*cut]);
                    from = *cut;
                    conn.set_read_deadline(within(S));
                    let (result, took) = timed(read.call(&mut conn)).await;
                    assert_timed_out(result);
                    assert_eq!(took, S, "{role:?} {read:?} cut at {cut}");
                }
                conn.set_read_deadline(within(S));
                remote.send(&bytes[from..]);
                let read_on = read.call(&mut conn).await.unwrap();
                assert!(read_on.as_ref() == Some(&message), "{role:?} {read:?} cut at {cuts:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_were_received_are_given_out_after_the_deadline_and_others_are_not() {
    for role in ROLES {
        for read in READS {
            let (mut conn, remote) = conn(role);
            remote.send([text(role, "one"), text(role, "two"), text(role, "three")].concat());
            assert_eq!(read.call(&mut conn).await.unwrap().as_deref(), Some(&b"one"[..]));
            conn.set_read_deadline(past());
            // These came with the first, and lie in the read buffer.
            assert_eq!(
                read.call(&mut conn).await.unwrap().as_deref(),
                Some(&b"two"[..]),
                "{role:?} {read:?}"
            );
            assert_eq!(read.call(&mut conn).await.unwrap().as_deref(), Some(&b"three"[..]));
            // This one lies in the transport, which is not read any more.
            remote.send(text(role, "four"));
            let (result, took) = timed(read.call(&mut conn)).await;
            assert_timed_out(result);
            assert_eq!(took, Duration::ZERO);
            conn.set_read_deadline(None);
            assert_eq!(
                read.call(&mut conn).await.unwrap().as_deref(),
                Some(&b"four"[..]),
                "{role:?} {read:?}"
            );
        }
    }
}

/// A transport that always has one byte more, each of which takes a millisecond.
#[derive(Debug)]
struct Trickle {
    bytes: Vec<u8>,
    position: usize,
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(byte) = self.bytes.get(self.position).copied() else { return Poll::Pending };
        // Its first poll moves the clock.
        let _ = pin!(advance(MS)).poll(&mut Context::from_waker(cx.waker()));
        buf.put_slice(&[byte]);
        self.position += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Trickle {
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

#[tokio::test(start_paused = true)]
async fn peer_that_always_has_another_byte_does_not_extend_the_deadline() {
    for role in ROLES {
        // Bytes of one frame, and pings without end.
        for bytes in [binary(role, &pattern(5000)), frame(role, Opcode::PING, b"ping").repeat(1000)] {
            let trickle = Trickle { bytes, position: 0 };
            let mut conn = Conn::new(trickle, role, Config::new(), Negotiated::new());
            conn.set_read_deadline(within(S));
            let (result, took) = timed(conn.read_message()).await;
            assert_timed_out(result);
            assert_eq!((took, conn.get_ref().position), (S, 1000), "{role:?}: a byte a millisecond");
            conn.set_read_deadline(None);
            let result = timeout(30 * S, conn.read_message()).await;
            if let Ok(message) = result {
                assert!(message.unwrap() == Some(Message::binary(pattern(5000))), "{role:?}");
            }
        }
        let trickle = Trickle { bytes: binary(role, &pattern(5000)), position: 0 };
        let mut conn = Conn::new(trickle, role, Config::new(), Negotiated::new());
        conn.set_read_deadline(within(S));
        let (result, took) = timed(async {
            let mut reader = conn.next_reader().await?.unwrap();
            reader.read_to_end(&mut Vec::new()).await
        })
        .await;
        assert_eq!((result.unwrap_err().kind(), took), (io::ErrorKind::TimedOut, S), "{role:?}: streamed");
    }
}

#[tokio::test(start_paused = true)]
async fn control_frames_are_answered_and_do_not_extend_the_deadline() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.set_read_deadline(within(S));
        let peer = async {
            for number in 0..20_u8 {
                sleep(100 * MS).await;
                remote.send(frame(role, Opcode::PING, &[number]));
            }
        };
        let ((result, took), ()) = join!(timed(conn.read_message()), peer);
        assert_timed_out(result);
        assert_eq!(took, S, "{role:?}");
        let pongs: Vec<_> = (0..9).map(|number| (Opcode::PONG, vec![number])).collect();
        assert_eq!(frames(&remote.take())[..9], pongs, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_in_a_streamed_message_leaves_the_next_messages_whole() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(fragment(role, Opcode::BINARY, b"begun", false));
        conn.set_read_deadline(within(2 * S));
        let mut reader = conn.next_reader().await.unwrap().unwrap();
        let mut bytes = [0; 5];
        reader.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"begun");
        for took in [2 * S, Duration::ZERO] {
            let (result, waited) = timed(reader.read(&mut bytes)).await;
            let error = result.unwrap_err();
            assert_eq!((error.kind(), waited), (io::ErrorKind::TimedOut, took), "{role:?}");
            assert!(error_in(error).is_timeout());
        }
        // What came meanwhile is skipped with the rest of the message, as after any reader that is dropped.
        remote.send([fragment(role, Opcode::CONTINUATION, b"ended", true), text(role, "next")].concat());
        conn.set_read_deadline(within(2 * S));
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("next")), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reader_and_writer_go_on_after_their_deadline_was_moved() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(1), Pace::default());
        remote.send(fragment(role, Opcode::BINARY, b"begun", false));
        let mut reader = conn.next_reader().await.unwrap().unwrap();
        reader.set_read_deadline(within(S));
        let mut read = [0; 10];
        assert_eq!(
            reader.read_exact(&mut read).await.unwrap_err().kind(),
            io::ErrorKind::TimedOut,
            "{role:?}"
        );
        assert_eq!(&read[..5], b"begun");
        reader.set_read_deadline(within(S));
        remote.send(fragment(role, Opcode::CONTINUATION, b"ended", true));
        reader.read_exact(&mut read[5..]).await.unwrap();
        assert_eq!(&read, b"begunended", "{role:?}");

        remote.set_capacity(10);
        let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
        writer.set_write_deadline(within(S));
        writer.write_all(&pattern(3000)).await.unwrap();
        let (result, took) = timed(writer.flush()).await;
        assert_eq!((result.unwrap_err().kind(), took), (io::ErrorKind::TimedOut, S), "{role:?}");
        writer.set_write_deadline(None);
        remote.set_capacity(usize::MAX);
        writer.write_all(b"end").await.unwrap();
        writer.finish().await.unwrap();
        let written: Vec<u8> = frames(&remote.take()).into_iter().flat_map(|(_, payload)| payload).collect();
        assert!(written == [&pattern(3000)[..], b"end"].concat(), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_of_one_read_of_a_streamed_message_loses_nothing() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let message = pattern(30_000);
        remote.send(fragment(role, Opcode::BINARY, &message[..100], false));
        let mut reader = conn.next_reader().await.unwrap().unwrap();
        let mut read = Vec::new();
        let mut from = 100;
        while read.len() < message.len() {
            let mut piece = vec![0; 5000];
            match timeout(S, reader.read(&mut piece)).await {
                Ok(count) => read.extend_from_slice(&piece[..count.unwrap()]),
                Err(_) => {
                    let to = (from + 3000).min(message.len());
                    let last = to == message.len();
                    remote.send(fragment(role, Opcode::CONTINUATION, &message[from..to], last));
                    from = to;
                }
            }
        }
        assert!(read == message, "{role:?}");
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0, "{role:?}: its end");
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines_do_not_bind_close() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.set_read_deadline(past());
        conn.set_write_deadline(past());
        let peer = async {
            sleep(3 * S).await;
            assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}: the close frame is written");
            remote.send([text(role, "dropped"), close(role, 1000)].concat());
            remote.end();
        };
        let ((closed, took), ()) = join!(timed(conn.close(CloseCode::NORMAL_CLOSURE)), peer);
        closed.unwrap();
        assert_eq!(took, 3 * S, "{role:?}");

        let (mut silent, _remote) = crate::pipe::conn(role);
        silent.set_read_deadline(within(S));
        let (result, took) = timed(silent.close(None)).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}: the close timeout counts, not the deadline");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_while_a_failed_connection_ends_does_not_hide_why_it_failed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(broken(role));
        conn.set_read_deadline(within(S));
        // The peer has the close frame and does not end the transport.
        let (result, took) = timed(conn.read_message()).await;
        assert_timed_out(result);
        assert_eq!(took, S, "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1002)]);
        conn.set_read_deadline(None);
        let (result, took) = timed(conn.read_message()).await;
        let reserved = ErrorKind::Protocol(ProtocolError::ReservedOpcode);
        assert_eq!(result.unwrap_err().kind(), &reserved, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT - S, "{role:?}: the close timeout ran all the time");
    }
}
