//! The time that a message may take to arrive, in virtual time.

use std::{future::Future, time::Duration};

use tokio::{
    io::AsyncReadExt as _,
    join, select,
    time::{advance, sleep, timeout},
};
use ws_core::{CloseCode, Config, Conn, Error, ErrorKind, Message, ProtocolError, Role, frame::Opcode};

use crate::{
    calls::{MS, READS, S, clock, error_in},
    closing::CLOSE_TIMEOUT,
    executor::once,
    pipe::{Pace, Pipe, Remote, conn_with},
    wakes::yield_until_written,
    wire::{ROLES, binary, close, code, fragment, frame, frames, pattern, text},
};

/// A connection whose messages may take ten seconds.
fn hurried(role: Role) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new().message_timeout(10 * S), Pace::default())
}

#[track_caller]
fn assert_too_slow(error: &Error) {
    assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::MessageTooSlow));
    assert_eq!(error.close_code(), Some(CloseCode::POLICY_VIOLATION));
}

/// When the close frame was written, which is the last frame; the peer ends the transport then.
async fn closed_at(remote: &Remote) -> (Duration, Vec<(Opcode, Vec<u8>)>) {
    let start = clock();
    let mut seen = Vec::new();
    loop {
        yield_until_written(remote).await;
        seen.extend(frames(&remote.take()));
        if seen.last().is_some_and(|(opcode, _)| *opcode == Opcode::CLOSE) {
            remote.end();
            return (clock() - start, seen);
        }
    }
}

/// Reads until the end, which has to be that a message was too slow, after ten seconds.
async fn assert_failed_after_ten_seconds(read: impl Future<Output = Error>, remote: &Remote, what: &str) {
    let all = async { join!(read, closed_at(remote)) };
    let (error, (took, seen)) = timeout(60 * S, all).await.unwrap_or_else(|_| panic!("{what}: never failed"));
    assert_too_slow(&error);
    assert_eq!(took, 10 * S, "{what}");
    assert_eq!(seen.last(), Some(&code(1008)), "{what}");
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn message_that_is_not_complete_in_time_fails_the_connection_with_1008() {
    for role in ROLES {
        let large = binary(role, &pattern(100_000));
        for (begun, what) in [
            (&fragment(role, Opcode::TEXT, b"begun", false)[..], "a first fragment"),
            (&fragment(role, Opcode::TEXT, b"", false), "an empty first fragment"),
            (&text(role, "")[..1], "one byte of a header"),
            (&large[..5], "a header in part"),
            (&text(role, "half a frame")[..10], "half of a small frame"),
            (&large[..50_000], "half of a large frame"),
            (&frame(role, Opcode::PING, b"half a ping")[..9], "half of a ping"),
        ] {
            for read in READS {
                let (mut conn, remote) = hurried(role);
                remote.send(begun);
                let reads = async {
                    loop {
                        // What joins messages gives out pieces.
                        if let Err(error) = read.call(&mut conn).await {
                            break error;
                        }
                    }
                };
                let what = format!("{role:?} {read:?} {what}");
                assert_failed_after_ten_seconds(reads, &remote, &what).await;
            }
        }
    }
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn pings_are_answered_meanwhile_and_do_not_extend_the_time() {
    for role in ROLES {
        let (mut conn, remote) = hurried(role);
        remote.send(fragment(role, Opcode::TEXT, b"begun", false));
        let pings = async {
            for number in 0..100_u8 {
                // None of them at the very end of the time.
                sleep(390 * MS).await;
                remote.send(frame(role, Opcode::PING, &[number]));
            }
        };
        let all = async { join!(conn.read_message(), closed_at(&remote)) };
        let (result, (took, seen)) = select! {
            all = all => all,
            () = pings => panic!("{role:?}: it never failed"),
        };
        assert_too_slow(&result.unwrap_err());
        assert_eq!(took, 10 * S, "{role:?}");
        assert_eq!(seen.len(), 26, "{role:?}: {} pongs and the close frame", seen.len() - 1);
        assert!(seen[..25].iter().all(|(opcode, _)| *opcode == Opcode::PONG), "{role:?}");
    }
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn fragments_and_bytes_that_trickle_in_do_not_extend_the_time() {
    for role in ROLES {
        let fragments: Vec<_> =
            (0..50).map(|_| fragment(role, Opcode::CONTINUATION, b"more", false)).collect();
        let bytes: Vec<_> = binary(role, &pattern(100))[8..].iter().map(|byte| vec![*byte]).collect();
        for (first, rest) in [
            (fragment(role, Opcode::BINARY, b"", false), fragments),
            (binary(role, &pattern(100))[..8].to_vec(), bytes),
        ] {
            let (mut conn, remote) = hurried(role);
            remote.send(first);
            let trickle = async {
                for piece in rest {
                    sleep(S).await;
                    remote.send(piece);
                }
                std::future::pending::<()>().await;
            };
            let reads = async { conn.read_message().await.unwrap_err() };
            select! {
                () = assert_failed_after_ten_seconds(reads, &remote, "trickle") => {}
                () = trickle => {}
            }
        }
    }
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn rest_of_a_message_that_is_skipped_and_one_that_is_streamed_are_timed_as_well() {
    for role in ROLES {
        let (mut conn, remote) = hurried(role);
        remote.send(fragment(role, Opcode::BINARY, b"begun", false));
        let skips = async {
            let _ = conn.next_reader().await.unwrap().unwrap();
            conn.read_message().await.unwrap_err()
        };
        assert_failed_after_ten_seconds(skips, &remote, "skipped").await;

        let (mut conn, remote) = hurried(role);
        remote.send(fragment(role, Opcode::BINARY, b"begun", false));
        let streams = async {
            let mut reader = conn.next_reader().await.unwrap().unwrap();
            reader.read_exact(&mut [0; 5]).await.unwrap();
            error_in(reader.read(&mut [0; 5]).await.unwrap_err())
        };
        assert_failed_after_ten_seconds(streams, &remote, "streamed").await;
    }
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn each_message_has_the_whole_time() {
    for role in ROLES {
        let (mut conn, remote) = hurried(role);
        let peer = async {
            for _ in 0..10 {
                remote.send(fragment(role, Opcode::TEXT, b"slow ", false));
                sleep(9 * S).await;
                remote.send(fragment(role, Opcode::CONTINUATION, b"message", true));
            }
        };
        let app = async {
            for _ in 0..10 {
                let message = conn.read_message().await.unwrap();
                assert_eq!(message, Some(Message::text("slow message")), "{role:?}");
            }
        };
        join!(peer, app);
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_begins_in_the_read_that_ends_another_has_the_whole_time() {
    for role in ROLES {
        let whole = text(role, "0123456789");
        let (mut conn, remote) = hurried(role);
        // Each read but the first ends one frame and begins the next.
        remote.send(&whole[..5]);
        let peer = async {
            for _ in 0..10 {
                sleep(9 * S).await;
                remote.send([&whole[5..], &whole[..5]].concat());
            }
        };
        let app = async {
            for _ in 0..10 {
                assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("0123456789")), "{role:?}");
            }
            conn.read_message().await.unwrap_err()
        };
        let (error, (took, _), ()) = join!(app, closed_at(&remote), peer);
        assert_too_slow(&error);
        assert_eq!(took, 100 * S, "{role:?}: the last one is too slow, ten seconds after its beginning");
    }
}

#[tokio::test(start_paused = true)]
async fn ping_that_begins_in_the_read_that_ends_another_has_the_whole_time() {
    for role in ROLES {
        let whole = frame(role, Opcode::PING, b"0123456789");
        let (mut conn, remote) = hurried(role);
        remote.send(&whole[..5]);
        let peer = async {
            for _ in 0..5 {
                sleep(9 * S).await;
                remote.send([&whole[5..], &whole[..5]].concat());
            }
            sleep(9 * S).await;
            remote.send([&whole[5..], &text(role, "alive")].concat());
        };
        let (result, ()) = join!(conn.read_message(), peer);
        assert_eq!(result.unwrap(), Some(Message::text("alive")), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn between_messages_time_does_not_run() {
    for role in ROLES {
        let (mut conn, remote) = hurried(role);
        for _ in 0..3 {
            assert!(timeout(3600 * S, conn.read_message()).await.is_err(), "{role:?}");
            remote.send([text(role, "a"), frame(role, Opcode::PING, b"")].concat());
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("a")), "{role:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_does_not_end_the_transport_either_is_gone_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, remote) = hurried(role);
        remote.send(fragment(role, Opcode::TEXT, b"begun", false));
        let start = clock();
        assert_too_slow(&conn.read_message().await.unwrap_err());
        assert_eq!(clock() - start, 10 * S + CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1008)], "{role:?}");
        assert!(remote.is_shut_down(), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_lies_whole_in_the_transport_is_not_too_slow_however_late_it_is_read() {
    for role in ROLES {
        let whole = text(role, "0123456789");
        let (mut conn, remote) = hurried(role);
        remote.send(&whole[..5]);
        assert!(timeout(S, conn.read_message()).await.is_err());
        remote.send(&whole[5..]);
        // The application is busy; the peer was in time.
        sleep(60 * S).await;
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("0123456789")), "{role:?}");
    }
}

// Shows MEM-9.
#[tokio::test(start_paused = true)]
async fn message_whose_fragments_never_stop_is_too_slow_as_well() {
    for role in ROLES {
        let config = Config::new().message_timeout(10 * S).max_fragments(None);
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(fragment(role, Opcode::BINARY, b"", false));
        remote.send(fragment(role, Opcode::CONTINUATION, b"more", false).repeat(10_000));
        assert!(once(conn.read_message()).is_none(), "others have a turn");
        advance(11 * S).await;
        // There is always more to read, so that nobody ever waits for the time.
        for _ in 0..3 {
            assert!(once(conn.read_message()).is_none());
        }
        assert_eq!(frames(&remote.take()), [code(1008)], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_is_read_in_pieces_too_slowly_fails_though_there_is_more_of_it() {
    for role in ROLES {
        let pace = Pace { read: 100, ..Pace::default() };
        let (mut conn, remote) = conn_with(role, Config::new().message_timeout(10 * S), pace);
        remote.send(binary(role, &pattern(10_000)));
        let mut reader = conn.next_reader().await.unwrap().unwrap();
        // The time begins where it goes on to read the message.
        reader.read_exact(&mut [0; 180]).await.unwrap();
        advance(9 * S).await;
        reader.read_exact(&mut [0; 180]).await.unwrap();
        advance(2 * S).await;
        remote.end();
        let error = reader.read_exact(&mut [0; 500]).await.unwrap_err();
        assert_too_slow(error.get_ref().unwrap().downcast_ref().unwrap());
        assert_eq!(frames(&remote.take()), [code(1008)], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_is_under_way_does_not_hurry_the_closing_handshake() {
    for role in ROLES {
        let config = Config::new().message_timeout(S).close_timeout(10 * S);
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.send(fragment(role, Opcode::TEXT, b"begun", false));
        assert!(once(conn.read_message()).is_none());
        let peer = async {
            sleep(3 * S).await;
            remote.send(fragment(role, Opcode::CONTINUATION, b"and ended", true));
            remote.send(close(role, 1000));
            remote.end();
        };
        join!(conn.close(None), peer).0.unwrap_or_else(|error| panic!("{role:?}: {error}"));
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, Vec::new())], "{role:?}");
    }
}
