//! Keep-alive, in virtual time: pings at an interval, any byte as life, and the end of a peer that is silent.

use std::{error::Error as _, io, time::Duration};

use futures_util::StreamExt as _;
use tokio::{
    io::AsyncReadExt as _,
    join, select,
    task::LocalSet,
    time::{sleep, timeout},
};
use ws_core::{
    CloseCode, Config, Conn, Error, ErrorKind, KeepAlive, Message, MessageKind, Role, frame::Opcode,
};

use crate::{
    calls::{MS, READS, S, clock, error_in, within},
    closing::{CLOSE_TIMEOUT, timed},
    pipe::{Pace, Pipe, Remote, conn, conn_with},
    wakes::yield_until_written,
    wire::{ROLES, binary, close, code, fragment, frame, frames, pattern, text},
};

/// A ping every twenty seconds, and five for the answer.
fn kept_alive(role: Role) -> (Conn<Pipe>, Remote) {
    with_keep_alive(role, KeepAlive::every(20 * S).timeout(5 * S))
}

fn with_keep_alive(role: Role, keep_alive: KeepAlive) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new().keep_alive(keep_alive), Pace::default())
}

#[track_caller]
fn assert_lost(error: &Error) {
    assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
    assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>()).expect("a cause");
    assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    assert_eq!(source.to_string(), "the peer gave no sign of life");
}

/// A peer that answers each ping after a while. Gives when each came, as long as somebody waits for it.
async fn answers(role: Role, remote: &Remote, after: Duration, pings: &mut Vec<Duration>) {
    let start = clock();
    loop {
        yield_until_written(remote).await;
        for (opcode, payload) in frames(&remote.take()) {
            if opcode == Opcode::PING {
                pings.push(clock() - start);
                sleep(after).await;
                remote.send(frame(role, Opcode::PONG, &payload));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ping_is_sent_every_interval_whatever_else_is_sent_and_received() {
    for role in ROLES {
        for busy in [false, true] {
            let (mut conn, remote) = kept_alive(role);
            let mut pings = Vec::new();
            let app = async {
                let mut ticks = tokio::time::interval(3 * S);
                loop {
                    select! {
                        message = conn.read_message() => assert!(message.unwrap().is_some()),
                        _ = ticks.tick(), if busy => conn.write_message("tick").await.unwrap(),
                    }
                }
            };
            let talk = async {
                loop {
                    sleep(7 * S).await;
                    if busy {
                        remote.send(text(role, "tock"));
                    }
                }
            };
            let all = async { join!(app, talk, answers(role, &remote, 100 * MS, &mut pings)) };
            assert!(timeout(201 * S, all).await.is_err());
            let expected: Vec<_> = (1..=10).map(|number| number * 20 * S).collect();
            assert_eq!(pings, expected, "{role:?} busy: {busy}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_a_ping_is_a_lost_connection_for_every_call_that_reads() {
    for role in ROLES {
        for read in READS {
            let (mut conn, remote) = kept_alive(role);
            let (result, took) = timed(read.call(&mut conn)).await;
            assert_lost(&result.unwrap_err());
            assert_eq!(took, 25 * S, "{role:?} {read:?}");
            let written = frames(&remote.take());
            assert!(matches!(written[..], [(Opcode::PING, _)]), "{role:?} {read:?}: {written:?}");
            // And for good, for every call.
            let (again, took) = timed(read.call(&mut conn)).await;
            assert_eq!((again.unwrap_err().kind(), took), (&ErrorKind::ConnectionLost, Duration::ZERO));
            let write = conn.write_message("late").await.unwrap_err();
            assert_eq!(write.kind(), &ErrorKind::ConnectionLost, "{role:?}");
            assert!(timeout(1000 * S, conn.control().closed()).await.is_ok());
            assert_eq!(remote.take(), b"", "{role:?}: no pings after the end");
        }
    }
}

#[cfg(feature = "stream")]
#[tokio::test(start_paused = true)]
async fn silence_is_noticed_by_halves_streams_and_byte_streams() {
    for role in ROLES {
        let (mut reader, _writer) = kept_alive(role).0.into_split();
        let (result, took) = timed(reader.read_message()).await;
        assert_lost(&result.unwrap_err());
        assert_eq!(took, 25 * S, "{role:?}: the reading half");

        let (reader, _writer) = kept_alive(role).0.into_split();
        let (result, took) = timed(reader.close_read()).await;
        assert_lost(&result.unwrap_err());
        assert_eq!(took, 25 * S, "{role:?}: close_read");

        let mut stream = kept_alive(role).0;
        let (result, took) = timed(stream.next()).await;
        assert_lost(&result.unwrap().unwrap_err());
        assert_eq!(took, 25 * S, "{role:?}: the stream");

        let mut bytes = kept_alive(role).0.into_byte_stream(MessageKind::Binary);
        let (result, took) = timed(bytes.read(&mut [0])).await;
        assert_lost(&error_in(result.unwrap_err()));
        assert_eq!(took, 25 * S, "{role:?}: the byte stream");

        let (mut conn, remote) = kept_alive(role);
        remote.send(fragment(role, Opcode::BINARY, b"begun", false));
        let mut message = conn.next_reader().await.unwrap().unwrap();
        let (result, took) = timed(message.read_to_end(&mut Vec::new())).await;
        assert_lost(&error_in(result.unwrap_err()));
        assert_eq!(took, 25 * S, "{role:?}: in the middle of a message");
    }
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    for role in ROLES {
        // Bytes of one large frame, messages, pings: never a pong.
        let trickle = binary(role, &pattern(5000));
        let messages = text(role, "alive").repeat(300);
        let pings = frame(role, Opcode::PING, b"").repeat(300);
        for (bytes, step) in [
            (trickle, 1),
            (messages, text(role, "alive").len()),
            (pings, frame(role, Opcode::PING, b"").len()),
        ] {
            let (mut conn, remote) = kept_alive(role);
            let peer = async {
                // Right before the time is over, each time.
                sleep(100 * MS).await;
                for piece in bytes.chunks(step).take(100) {
                    sleep(4900 * MS).await;
                    remote.send(piece);
                }
                clock()
            };
            let app = async {
                loop {
                    if let Err(error) = conn.read_message().await {
                        break (error, clock());
                    }
                }
            };
            let (last, (error, lost)) = join!(peer, app);
            assert_lost(&error);
            // The last byte came at 490.1 seconds; the ping at 500 was answered by nobody.
            assert_eq!(lost - last, 505 * S - 490_100 * MS, "{role:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_reads_nothing_is_lost_although_our_queue_is_full_and_a_writer_waits() {
    for role in ROLES {
        let (conn, remote) = kept_alive(role);
        remote.set_capacity(10);
        let (mut reader, mut writer) = conn.into_split();
        let local = LocalSet::new();
        let writes = local.spawn_local(async move {
            let large = Message::binary(pattern(200_000));
            timed(async {
                writer.queue_message(large.clone()).await?;
                writer.write_message(large).await
            })
            .await
        });
        let reads = local.spawn_local(async move { timed(reader.read_message()).await });
        let (reads, writes) = local.run_until(async { join!(reads, writes) }).await;
        let ((read, read_took), (write, write_took)) = (reads.unwrap(), writes.unwrap());
        assert_lost(&read.unwrap_err());
        assert_eq!(write.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!((read_took, write_took), (25 * S, 25 * S), "{role:?}");
    }
}

// Shows OUT-2.
#[tokio::test(start_paused = true)]
async fn pings_do_not_pile_up_for_a_peer_that_sends_and_does_not_read() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(
            role,
            Config::new().keep_alive(KeepAlive::every(S)).high_water_mark(500),
            Pace::default(),
        );
        remote.set_capacity(0);
        let app = async { while let Ok(Some(_)) = conn.read_message().await {} };
        let peer = async {
            for _ in 0..2000 {
                sleep(500 * MS).await;
                remote.send(text(role, "chatter"));
            }
        };
        assert!(timeout(1000 * S, async { join!(app, peer) }).await.is_err(), "{role:?}: it is alive");
        let queued = conn.into_parts().write_buf.len();
        assert!((1..=520).contains(&queued), "{role:?}: {queued} bytes of pings");
    }
}

#[tokio::test(start_paused = true)]
async fn ping_that_waited_for_room_leaves_as_soon_as_there_is_some() {
    for role in ROLES {
        let keep_alive = KeepAlive::every(20 * S).timeout(15 * S);
        let config = Config::new().keep_alive(keep_alive).high_water_mark(100);
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.set_capacity(0);
        conn.start_send(pattern(200)).unwrap();
        let start = clock();
        let peer = async {
            sleep(25 * S).await;
            remote.set_capacity(usize::MAX);
            while !frames(&remote.take()).iter().any(|(opcode, _)| *opcode == Opcode::PING) {
                yield_until_written(&remote).await;
            }
            clock() - start
        };
        let (read, asked) = join!(timeout(60 * S, conn.read_message()), peer);
        assert_lost(&read.expect("it ends").unwrap_err());
        assert_eq!(asked, 25 * S, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn round_trip_time_is_that_of_the_last_answer() {
    for role in ROLES {
        let (mut conn, remote) = kept_alive(role);
        let control = conn.control();
        assert_eq!((conn.round_trip_time(), control.round_trip_time()), (None, None), "{role:?}");
        for round_trip in [300 * MS, 20 * MS, 4 * S, Duration::ZERO] {
            let answer = async {
                answers(role, &remote, round_trip, &mut Vec::new()).await;
            };
            // The first ping comes in twenty seconds at the latest.
            let all = async { join!(conn.read_message(), answer) };
            assert!(timeout(25 * S, all).await.is_err());
            assert_eq!(control.round_trip_time(), Some(round_trip), "{role:?}");
            assert_eq!(conn.round_trip_time(), Some(round_trip), "{role:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answer_in_the_transport_counts_however_late_the_application_reads_it() {
    for role in ROLES {
        let (mut conn, remote) = kept_alive(role);
        assert!(timeout(21 * S, conn.read_message()).await.is_err());
        let ping = frames(&remote.take()).pop().expect("a ping went out");
        remote.send(frame(role, Opcode::PONG, &ping.1));
        // The application is busy with something else for long, past the timeout and many intervals.
        sleep(1000 * S).await;
        let (result, took) = timed(timeout(4 * S, conn.read_message())).await;
        assert!(result.is_err(), "{role:?}: the connection is alive");
        assert_eq!(took, 4 * S);
        assert_eq!(frames(&remote.take()).len(), 1, "{role:?}: one ping, not fifty");
        // That one is not answered.
        let (result, took) = timed(conn.read_message()).await;
        assert_lost(&result.unwrap_err());
        assert_eq!(took, S, "{role:?}: five seconds after it");
    }
}

#[tokio::test(start_paused = true)]
async fn connection_that_nobody_drove_is_asked_first_and_given_up_later() {
    for role in ROLES {
        let (mut conn, remote) = kept_alive(role);
        assert!(timeout(S, conn.read_message()).await.is_err());
        sleep(1000 * S).await;
        assert_eq!(remote.take(), b"", "{role:?}: nobody drove it");
        let (result, took) = timed(conn.read_message()).await;
        assert_lost(&result.unwrap_err());
        assert_eq!(took, 5 * S, "{role:?}: a ping at once, and its timeout");
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_beyond_the_interval_counts_from_the_first_ping_without_an_answer() {
    for role in ROLES {
        let (mut conn, remote) = with_keep_alive(role, KeepAlive::every(2 * S).timeout(5 * S));
        let (result, took) = timed(conn.read_message()).await;
        assert_lost(&result.unwrap_err());
        assert_eq!(took, 7 * S, "{role:?}");
        assert_eq!(frames(&remote.take()).len(), 3, "{role:?}: pings at 2, 4 and 6 seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn keep_alive_stops_with_the_own_close_frame() {
    for role in ROLES {
        let config = Config::new().keep_alive(KeepAlive::every(S).timeout(S));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        // The peer takes longer than the keep-alive would allow, and less than the close timeout.
        let peer = async {
            sleep(4 * S).await;
            assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}: no pings after the close frame");
            remote.send(close(role, 1000));
            remote.end();
        };
        let ((closed, took), ()) = join!(timed(conn.close(CloseCode::NORMAL_CLOSURE)), peer);
        closed.unwrap();
        assert_eq!(took, 4 * S, "{role:?}");

        // A ping that waited for its answer by then does not end it earlier either.
        let (mut asked, _remote) = with_keep_alive(role, KeepAlive::every(S).timeout(2 * S));
        assert!(timeout(2 * S, asked.read_message()).await.is_err());
        let (result, took) = timed(asked.close(None)).await;
        assert_eq!(result.unwrap_err().source().unwrap().to_string(), "the close frame was not answered");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}: with a ping under way");

        let config = Config::new().keep_alive(KeepAlive::every(S).timeout(S));
        let (mut silent, _remote) = conn_with(role, config, Pace::default());
        let (result, took) = timed(silent.close(None)).await;
        let error = result.unwrap_err();
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(error.source().unwrap().to_string(), "the close frame was not answered", "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_go_out_between_the_fragments_of_a_message_that_is_being_written() {
    for role in ROLES {
        let (conn, remote) = kept_alive(role);
        let (mut reader, mut writer) = conn.into_split();
        let writes = async {
            use tokio::io::AsyncWriteExt as _;
            let mut message = writer.next_writer(MessageKind::Text).await.unwrap();
            for _ in 0..3 {
                message.write_all(b"piece").await.unwrap();
                message.flush().await.unwrap();
                sleep(15 * S).await;
            }
            message.finish().await.unwrap();
        };
        let mut seen = Vec::new();
        let peer = async {
            loop {
                yield_until_written(&remote).await;
                for (opcode, payload) in frames(&remote.take()) {
                    if opcode == Opcode::PING {
                        remote.send(frame(role, Opcode::PONG, &payload));
                    }
                    seen.push(opcode);
                }
            }
        };
        select! {
            _ = reader.read_message() => panic!("nothing comes"),
            () = peer => {}
            () = async { writes.await; sleep(S).await } => {}
        }
        let (text, more, ping) = (Opcode::TEXT, Opcode::CONTINUATION, Opcode::PING);
        assert_eq!(seen, [text, more, ping, more, ping, more], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_keep_alive_nothing_is_sent_and_nobody_is_given_up() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        assert!(timeout(24 * 3600 * S, conn.read_message()).await.is_err(), "{role:?}");
        assert_eq!(remote.take(), b"", "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn round_trip_beyond_the_interval_is_measured_too() {
    for role in ROLES {
        let (mut conn, remote) = with_keep_alive(role, KeepAlive::every(S).timeout(10 * S));
        let peer = async {
            let mut late = std::collections::VecDeque::new();
            loop {
                sleep(100 * MS).await;
                for (opcode, payload) in frames(&remote.take()) {
                    assert_eq!(opcode, Opcode::PING);
                    late.push_back((clock() + 2500 * MS, payload));
                }
                while late.front().is_some_and(|(at, _)| *at <= clock()) {
                    let (_, payload) = late.pop_front().unwrap();
                    remote.send(frame(role, Opcode::PONG, &payload));
                }
            }
        };
        assert!(timeout(20 * S, async { join!(conn.read_message(), peer) }).await.is_err(), "{role:?}");
        let round_trip = conn.round_trip_time().expect("many pongs came");
        assert!((2400 * MS..=2700 * MS).contains(&round_trip), "{role:?}: {round_trip:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_takes_a_large_message_slowly_and_says_nothing_is_alive() {
    for role in ROLES {
        let keep_alive = KeepAlive::every(3 * S).timeout(2 * S);
        let (conn, remote) = conn_with(role, Config::new().keep_alive(keep_alive), Pace::default());
        remote.set_capacity(1000);
        let (mut read, mut write) = conn.into_split();
        let peer = async {
            let mut taken = 0;
            // The message and its header.
            while taken < 100_010 {
                sleep(S).await;
                taken += remote.take().len();
            }
            // From here on it takes nothing, and says nothing.
            remote.set_capacity(0);
        };
        let writes = async { write.write_message(pattern(100_000)).await };
        let all = async { join!(timed(read.read_message()), writes, peer) };
        let ((ended, took), written, ()) = timeout(200 * S, all).await.expect("it ends");
        written.unwrap();
        assert_lost(&ended.unwrap_err());
        assert!(took > 100 * S, "{role:?}: given up after {took:?}, while it read");
        assert!(took < 110 * S, "{role:?}: given up after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_are_sent_for_the_task_that_waits_last() {
    for role in ROLES {
        for deadline in [None, Some(600 * S)] {
            let (mut conn, remote) = kept_alive(role);
            conn.set_read_deadline(deadline.map(within));
            // This task sets the timer, more than once, and another one takes over.
            for _ in 0..3 {
                remote.send(text(role, "message"));
                conn.read_message().await.unwrap();
                assert!(timeout(S, conn.read_message()).await.is_err());
            }
            LocalSet::new()
                .run_until(async {
                    let reader = tokio::task::spawn_local(async move { conn.read_message().await });
                    sleep(18 * S).await;
                    let pings = frames(&remote.take());
                    assert_eq!(pings.iter().map(|(opcode, _)| *opcode).collect::<Vec<_>>(), [Opcode::PING]);
                    assert_lost(&reader.await.unwrap().unwrap_err());
                })
                .await;
        }
    }
}
