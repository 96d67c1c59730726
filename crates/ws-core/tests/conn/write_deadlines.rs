//! Write deadlines, in virtual time: what was queued goes out whole and once, and what was not is not sent.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::timeout,
};
use ws_core::{
    Config, Conn, Error, Message, MessageKind, Negotiated, PreparedMessage, Role, UsageError, frame::Opcode,
};

use crate::{
    calls::{MS, S, assert_timed_out, error_in, past, within},
    closing::timed,
    pipe::{Pace, Pipe, Remote, conn, conn_with, pipe},
    wire::{ROLES, frame, frames, pattern, text},
};

/// A connection whose peer takes in ten bytes and no more.
pub(crate) fn stuck(role: Role) -> (Conn<Pipe>, Remote) {
    let (conn, remote) = conn_with(role, Config::new().high_water_mark(1000), Pace::default());
    remote.set_capacity(10);
    (conn, remote)
}

/// Lets the peer read again, and gives what it has read after `act`.
async fn unstick(remote: &Remote, act: impl Future<Output = Result<(), Error>>) -> Vec<(Opcode, Vec<u8>)> {
    let mut written = remote.take();
    remote.set_capacity(usize::MAX);
    act.await.unwrap();
    written.extend(remote.take());
    frames(&written)
}

#[tokio::test(start_paused = true)]
async fn write_that_times_out_stays_queued_whole_and_goes_out_once_with_a_later_call() {
    for role in ROLES {
        let prepared = PreparedMessage::new(Message::binary(pattern(100))).unwrap();
        for call in ["message", "prepared", "flush"] {
            let (mut conn, remote) = stuck(role);
            conn.set_write_deadline(within(2 * S));
            let (result, took) = timed(async {
                match call {
                    "message" => conn.write_message(Message::binary(pattern(100))).await,
                    "prepared" => conn.write_prepared(&prepared).await,
                    _ => {
                        conn.queue_message(Message::binary(pattern(100))).await?;
                        conn.flush().await
                    }
                }
            })
            .await;
            assert_timed_out(result);
            assert_eq!(took, 2 * S, "{role:?} {call}");
            let (result, took) = timed(conn.flush()).await;
            assert_timed_out(result);
            assert_eq!(took, Duration::ZERO, "{role:?} {call}: the deadline is still past");
            conn.set_write_deadline(within(2 * S));
            let written = unstick(&remote, conn.write_message("next")).await;
            let expected = [(Opcode::BINARY, pattern(100)), (Opcode::TEXT, b"next".to_vec())];
            assert_eq!(written, expected, "{role:?} {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn write_that_times_out_before_it_was_queued_is_not_sent() {
    for role in ROLES {
        for call in ["queue", "write", "prepared", "writer"] {
            let (mut conn, remote) = stuck(role);
            conn.queue_message(Message::binary(pattern(2000))).await.unwrap();
            conn.set_write_deadline(within(2 * S));
            let prepared = PreparedMessage::new("unsent").unwrap();
            let (result, took) = timed(async {
                match call {
                    "queue" => conn.queue_message("unsent").await,
                    "write" => conn.write_message("unsent").await,
                    "prepared" => conn.queue_prepared(&prepared).await,
                    _ => conn.next_writer(MessageKind::Text).await.map(drop),
                }
            })
            .await;
            assert_timed_out(result);
            assert_eq!(took, 2 * S, "{role:?} {call}");
            conn.set_write_deadline(None);
            let written = unstick(&remote, conn.write_message("sent")).await;
            let expected = [(Opcode::BINARY, pattern(2000)), (Opcode::TEXT, b"sent".to_vec())];
            assert_eq!(written, expected, "{role:?} {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_is_queued_although_there_is_room() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.set_write_deadline(past());
        assert_timed_out(conn.queue_message("a").await);
        assert_timed_out(conn.write_message("b").await);
        assert_timed_out(conn.next_writer(MessageKind::Text).await.map(drop));
        conn.set_write_deadline(None);
        conn.write_message("c").await.unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"c".to_vec())], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_flush_and_answer_whatever_the_write_deadline() {
    for role in ROLES {
        let (mut conn, remote) = stuck(role);
        conn.set_write_deadline(within(S));
        assert_timed_out(conn.write_message("left behind").await);
        let mut written = remote.take();
        remote.set_capacity(usize::MAX);
        remote.send([frame(role, Opcode::PING, b"?"), text(role, "go on")].concat());
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("go on")));
        assert!(timeout(S, conn.read_message()).await.is_err());
        written.extend(remote.take());
        let expected = [(Opcode::TEXT, b"left behind".to_vec()), (Opcode::PONG, b"?".to_vec())];
        assert_eq!(frames(&written), expected, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn streamed_message_times_out_and_never_looks_whole() {
    for role in ROLES {
        let (mut conn, remote) = stuck(role);
        conn.set_write_deadline(within(2 * S));
        let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
        let (result, took) = timed(writer.write_all(&pattern(100_000))).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), took), (io::ErrorKind::TimedOut, 2 * S), "{role:?}");
        assert!(error_in(error).is_timeout());
        drop(writer);
        conn.set_write_deadline(None);
        let written = unstick(&remote, async {
            let open = conn.write_message("another").await.unwrap_err();
            assert_eq!(open.usage(), Some(UsageError::MessageOpen), "{role:?}");
            conn.write_message(Message::Ping("still".into())).await
        })
        .await;
        let (last, fragments) = written.split_last().unwrap();
        assert_eq!(last.0, Opcode::PING, "{role:?}: the connection is usable");
        let data: Vec<_> = fragments.iter().flat_map(|(_, payload)| payload.clone()).collect();
        assert!(!data.is_empty() && data == pattern(100_000)[..data.len()], "{role:?}: a beginning");
    }
}

#[tokio::test(start_paused = true)]
async fn streamed_message_whose_finish_times_out_goes_out_whole_with_a_later_flush() {
    for role in ROLES {
        let (mut conn, remote) = stuck(role);
        conn.set_write_deadline(within(2 * S));
        let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
        writer.write_all(&pattern(500)).await.unwrap();
        let (result, took) = timed(writer.finish()).await;
        assert_timed_out(result);
        assert_eq!(took, 2 * S, "{role:?}");
        conn.set_write_deadline(None);
        assert_eq!(unstick(&remote, conn.flush()).await, [(Opcode::BINARY, pattern(500))], "{role:?}");
    }
}

/// A transport on which every write takes real time, so that a deadline can pass within one poll.
struct Slow(Pipe);

impl AsyncRead for Slow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Slow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::thread::sleep(4 * MS);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn deadline_that_passes_inside_one_write_of_a_stream_takes_no_byte_twice() {
    for role in ROLES {
        let (pipe, remote) = pipe();
        let config = Config::new().write_buffer_size(1000).high_water_mark(1);
        let mut conn = Conn::new(Slow(pipe), role, config, Negotiated::new());
        let message = pattern(20_000);
        let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
        let (mut sent, mut calls) = (0, 0);
        while sent < message.len() {
            calls += 1;
            assert!(calls < 500, "{role:?}: nothing is taken, says the writer, after {sent} bytes");
            // A few of the twenty fragments, within one call.
            writer.set_write_deadline(within(10 * MS));
            match writer.write(&message[sent..]).await {
                Ok(count) => sent += count,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{role:?}"),
            }
        }
        writer.set_write_deadline(None);
        writer.finish().await.unwrap();
        let payload: Vec<u8> = frames(&remote.take()).into_iter().flat_map(|(_, payload)| payload).collect();
        assert!(payload == message, "{role:?}: {} bytes arrived", payload.len());
    }
}
