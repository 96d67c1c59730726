//! Connections that the peer made fail: what is told, what goes out, and how the transport ends, in virtual time.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    join,
    time::{sleep, timeout},
};
use ws_core::{Config, Conn, ErrorKind, Message, Negotiated, ProtocolError};

use crate::{
    closing::{CLOSE_TIMEOUT, timed},
    executor::poll_once,
    pipe::{Call, Pace, conn, conn_with},
    wire::{ROLES, binary, broken, code, frames, pattern},
};

#[tokio::test(start_paused = true)]
async fn violation_is_answered_shut_down_and_told_each_time() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(broken(role));
        let peer = async {
            sleep(Duration::from_secs(2)).await;
            assert!(remote.is_shut_down(), "the close frame is out, the write direction is shut down");
            // What the peer sent before it read the close frame: more than is read in one go.
            remote.send(pattern(1_000_000));
            remote.end();
        };
        let ((result, took), ()) = join!(timed(conn.read_message()), peer);
        let kind = ErrorKind::Protocol(ProtocolError::ReservedOpcode);
        assert_eq!(result.unwrap_err().kind(), &kind, "{role:?}");
        assert_eq!(took, Duration::from_secs(2), "waits until the peer has seen it");
        assert_eq!(conn.read_message().await.unwrap_err().kind(), &kind);
        assert_eq!(conn.recv().await.unwrap_err().kind(), &kind);
        assert_eq!(frames(&remote.take()), [code(1002)]);
        let calls = remote.take_calls();
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush, Call::Shutdown]), "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_takes_too_long_fails_the_connection_while_the_peer_is_silent() {
    for role in ROLES {
        let config = Config::new().message_timeout(Duration::from_secs(10));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(&binary(role, b"never whole")[..1]);
        let (result, took) = timed(timeout(Duration::from_secs(60), conn.read_message())).await;
        let kind = ErrorKind::Protocol(ProtocolError::MessageTooSlow);
        assert_eq!(result.expect("it ends").unwrap_err().kind(), &kind, "{role:?}");
        assert_eq!(took, Duration::from_secs(10) + CLOSE_TIMEOUT, "{role:?}: the peer does not end, either");
        assert_eq!(frames(&remote.take()), [code(1008)]);
    }
}

#[tokio::test(start_paused = true)]
async fn violation_of_a_peer_that_neither_reads_nor_ends_is_told_at_the_close_timeout() {
    for role in ROLES {
        for capacity in [0, usize::MAX] {
            let (mut conn, remote) = conn(role);
            remote.set_capacity(capacity);
            remote.send(broken(role));
            let (result, took) = timed(conn.read_message()).await;
            assert!(matches!(result.unwrap_err().kind(), ErrorKind::Protocol(_)), "{role:?}");
            assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn message_over_the_limit_is_told_with_the_limit_and_answered_with_1009() {
    for role in ROLES {
        let config = Config::new().max_message_size(1000);
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(binary(role, &pattern(1001)));
        remote.end();
        let error = conn.read_message().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TooBig { limit: 1000 }, "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1009)], "{role:?}");
    }
}

/// Gives zeros, ever more, and takes everything.
struct Endless {
    reads: u32,
    first: Vec<u8>,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        assert!(self.reads < 1_000_000, "one poll reads without end");
        let first = std::mem::take(&mut self.first);
        buf.put_slice(&first);
        let count = buf.remaining().min(100);
        buf.put_slice(&[0; 100][..count]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_sends_without_end_after_a_violation_does_not_keep_the_thread() {
    for role in ROLES {
        let endless = Endless { reads: 0, first: broken(role) };
        let mut conn = Conn::new(endless, role, Config::new(), Negotiated::new());
        assert!(poll_once(pin!(conn.read_message())).is_pending(), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_sends_without_end_instead_of_answering_does_not_keep_the_thread() {
    for role in ROLES {
        let endless = Endless { reads: 0, first: binary(role, &[]) };
        let config = Config::new().accept_unmasked_frames(true).max_message_size(None).max_fragments(None);
        let mut conn = Conn::new(endless, role, config, Negotiated::new());
        conn.write_message(Message::Close(None)).await.unwrap();
        // Zeros are continuations of nothing: a violation, and then no end.
        assert!(poll_once(pin!(conn.read_message())).is_pending(), "{role:?}");
    }
}
