//! The closing handshake and the end of the transport, in virtual time.

use std::{pin::pin, time::Duration};

use tokio::{
    join,
    time::{Instant, sleep, timeout},
};
use ws_core::{CloseCode, CloseFrame, Config, ErrorKind, Message, Role, UsageError, frame::Opcode};

use crate::{
    executor::poll_once,
    pipe::{Call, Pace, conn, conn_with, pair},
    wire::{ROLES, broken, close, code, fragment, frame, frames, pattern, text},
};

pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a future takes.
pub(crate) async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let start = now();
    let output = future.await;
    (output, now() - start)
}

#[expect(clippy::disallowed_methods, reason = "virtual time, of the test")]
fn now() -> Instant {
    Instant::now()
}

fn frame_of(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(code, reason.to_owned())
}

#[tokio::test(start_paused = true)]
async fn normal_codes_end_the_messages_and_others_are_errors_each_time() {
    let normal = [Some(1000), Some(1001), None];
    let other = [1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    for role in ROLES {
        for code in normal.into_iter().chain(other.map(Some)) {
            let (mut conn, remote) = conn(role);
            let payload = code.map(|code: u16| [&code.to_be_bytes()[..], b"why"].concat());
            remote.send(text(role, "last"));
            remote.send(frame(role, Opcode::CLOSE, &payload.unwrap_or_default()));
            remote.end();
            assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("last")));
            for _ in 0..3 {
                let result = conn.read_message().await;
                if normal.contains(&code) {
                    assert_eq!(result.unwrap(), None, "{role:?} {code:?}");
                    continue;
                }
                let error = result.unwrap_err();
                let frame = code.map(|code| frame_of(code, "why"));
                assert_eq!(error.kind(), &ErrorKind::Closed(frame.clone()), "{role:?}");
                assert_eq!(error.close_frame(), frame.as_ref());
                assert_eq!(error.close_code().map(CloseCode::as_u16), code);
            }
            assert_eq!(conn.closing().received(), Some(code.map(|code| frame_of(code, "why")).as_ref()));
            assert!(conn.closing().received_first() && conn.closing().is_complete());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recv_gives_the_close_frame_once_and_then_the_end_whatever_the_code() {
    for role in ROLES {
        for code in [1000, 1011, 4000] {
            let (mut conn, remote) = conn(role);
            remote.send(close(role, code));
            remote.end();
            let close = Message::Close(Some(frame_of(code, "")));
            assert_eq!(conn.recv().await.unwrap(), Some(close), "{role:?}");
            assert_eq!(conn.recv().await.unwrap(), None, "{role:?}");
            assert_eq!(conn.recv().await.unwrap(), None, "{role:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn close_frame_is_echoed_and_the_server_shuts_down_without_waiting() {
    let (mut server, remote) = conn(Role::Server);
    remote.send(close(Role::Server, 4001));
    let (result, took) = timed(server.recv()).await;
    assert!(matches!(result.unwrap(), Some(Message::Close(_))));
    assert_eq!(took, Duration::ZERO, "the server closes first");
    assert_eq!(frames(&remote.take()), [code(4001)]);
    let calls = remote.take_calls();
    assert!(matches!(calls[..], [Call::Write(_), Call::Flush, Call::Shutdown]), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn client_echoes_and_waits_for_the_server_to_end_the_transport() {
    let (mut client, remote) = conn(Role::Client);
    remote.send(close(Role::Client, 4001));
    let server = async {
        sleep(Duration::from_secs(3)).await;
        assert_eq!(frames(&remote.take()), [code(4001)], "the echo is written at once");
        assert!(!remote.is_shut_down(), "the server closes first");
        remote.end();
    };
    let ((result, took), ()) = join!(timed(client.recv()), server);
    assert!(matches!(result.unwrap(), Some(Message::Close(_))));
    assert_eq!(took, Duration::from_secs(3));
    assert!(remote.is_shut_down(), "then the client follows");
}

#[tokio::test(start_paused = true)]
async fn client_gives_up_on_a_server_that_never_ends_the_transport() {
    let (mut client, remote) = conn(Role::Client);
    remote.send(close(Role::Client, 1000));
    let (result, took) = timed(client.read_message()).await;
    assert_eq!(result.unwrap(), None, "the closing handshake was done all the same");
    assert_eq!(took, CLOSE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn both_ends_of_a_connection_close_it() {
    for begins in ROLES {
        let (mut client, mut server) = pair(&Config::new(), Pace::default(), 1000);
        let (first, second) = match begins {
            Role::Client => (&mut client, &mut server),
            Role::Server => (&mut server, &mut client),
        };
        let ((closed, took), end) = join!(timed(first.close(frame_of(4000, "bye"))), second.read_message());
        // The client waits for the end of a transport that the server still holds.
        closed.unwrap();
        assert!(took <= CLOSE_TIMEOUT);
        assert_eq!(end.unwrap_err().kind(), &ErrorKind::Closed(Some(frame_of(4000, "bye"))), "{begins:?}");
        assert_eq!(first.closing().received(), Some(Some(&frame_of(4000, ""))));
        assert!(!first.closing().received_first() && second.closing().received_first());
    }
}

#[tokio::test(start_paused = true)]
async fn transport_is_ended_as_soon_as_the_handshake_is_done_between_two_of_us() {
    for begins in ROLES {
        let (mut client, mut server) = pair(&Config::new(), Pace::default(), 1000);
        let start = now();
        if begins == Role::Client {
            let (closed, end) = join!(client.close(None), server.read_message());
            closed.unwrap();
            assert_eq!(end.unwrap(), None);
        } else {
            let (closed, end) = join!(server.close(None), client.read_message());
            closed.unwrap();
            assert_eq!(end.unwrap(), None);
        }
        assert_eq!(now() - start, Duration::ZERO, "{begins:?} began");
    }
}

#[tokio::test(start_paused = true)]
async fn both_ends_may_close_at_once() {
    let (mut client, mut server) = pair(&Config::new(), Pace::default(), 1000);
    let (client_end, server_end) =
        join!(client.close(frame_of(3001, "client")), server.close(frame_of(3002, "server")));
    client_end.unwrap();
    server_end.unwrap();
    assert_eq!(client.closing().received(), Some(Some(&frame_of(3002, "server"))));
    assert_eq!(server.closing().received(), Some(Some(&frame_of(3001, "client"))));
    let closed = |frame: CloseFrame| ErrorKind::Closed(Some(frame));
    assert_eq!(client.read_message().await.unwrap_err().kind(), &closed(frame_of(3002, "server")));
    assert_eq!(server.read_message().await.unwrap_err().kind(), &closed(frame_of(3001, "client")));
}

#[tokio::test(start_paused = true)]
async fn peer_that_never_answers_the_close_frame_is_lost_at_the_close_timeout() {
    for role in ROLES {
        for seconds in [1, 5, 30] {
            let config = Config::new().close_timeout(Duration::from_secs(seconds));
            let (mut conn, remote) = conn_with(role, config, Pace::default());
            let (result, took) = timed(conn.close(frame_of(1000, ""))).await;
            assert_eq!(took, Duration::from_secs(seconds), "{role:?}");
            let error = result.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
            assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
            assert_eq!(frames(&remote.take()), [code(1000)]);
            // And for good.
            let (again, took) = timed(conn.read_message()).await;
            assert_eq!((again.unwrap_err().kind(), took), (&ErrorKind::ConnectionLost, Duration::ZERO));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_goes_on_sending_after_the_close_frame_is_lost_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let peer = async {
            loop {
                sleep(Duration::from_millis(100)).await;
                remote.send([text(role, "more"), frame(role, Opcode::PING, b"")].concat());
            }
        };
        let mut result = None;
        let closing = async {
            result = Some(timed(conn.close(None)).await);
        };
        let _ = timeout(Duration::from_secs(60), async {
            tokio::select! {
                () = closing => {}
                () = peer => {}
            }
        })
        .await;
        let (result, took) = result.expect("close returns");
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, Vec::new())], "no ping was answered");
    }
}

#[tokio::test(start_paused = true)]
async fn close_over_a_full_transport_returns_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(10);
        let _ = timeout(Duration::from_secs(1), conn.write_message(Message::binary(pattern(100_000)))).await;
        let (result, took) = timed(conn.close(None)).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answer_to_a_close_frame_over_a_full_transport_is_given_up_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(10);
        conn.queue_message(Message::binary(pattern(100_000))).await.unwrap();
        remote.send(close(role, 1000));
        let (result, took) = timed(conn.read_message()).await;
        assert_eq!(result.unwrap(), None, "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_until_the_close_timeout_is_lost_and_told_so() {
    for role in ROLES {
        for end in [close(role, 1000), broken(role)] {
            let (mut conn, remote) = conn(role);
            remote.set_capacity(10);
            conn.queue_message(Message::binary(pattern(1000))).await.unwrap();
            remote.send(end);
            let _ = conn.read_message().await;
            let (result, took) = timed(timeout(CLOSE_TIMEOUT, conn.flush())).await;
            let error = result.expect("the connection is over: a flush does not wait").unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
            assert_eq!(took, Duration::ZERO);
            assert_eq!(conn.into_parts().write_buf.len(), 0, "{role:?}: nothing is kept");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_queued_before_close_reach_a_peer_that_reads_late_and_before_the_close_frame() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(10);
        conn.queue_message("first").await.unwrap();
        conn.queue_message(Message::binary(pattern(5000))).await.unwrap();
        let mut written = Vec::new();
        let peer = async {
            sleep(Duration::from_secs(2)).await;
            remote.set_capacity(usize::MAX);
            sleep(Duration::from_secs(1)).await;
            written.extend(remote.take());
            remote.send(close(role, 1000));
            remote.end();
        };
        let (closed, ()) = join!(conn.close(frame_of(1000, "")), peer);
        closed.unwrap();
        let expected = [(Opcode::TEXT, b"first".to_vec()), (Opcode::BINARY, pattern(5000)), code(1000)];
        assert_eq!(frames(&written), expected, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_timeout_covers_the_answer_and_the_end_of_the_transport() {
    let (mut client, remote) = conn(Role::Client);
    let peer = async {
        sleep(Duration::from_secs(4)).await;
        remote.send(close(Role::Client, 1000));
    };
    let ((result, took), ()) = join!(timed(client.close(frame_of(1000, ""))), peer);
    result.unwrap();
    assert_eq!(took, CLOSE_TIMEOUT, "not four seconds and five more");
}

#[tokio::test(start_paused = true)]
async fn data_that_arrives_after_the_close_frame_is_dropped() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        // Half of a message before, the rest after; large enough to be read in place.
        remote.send(fragment(role, Opcode::BINARY, &pattern(3000), false));
        assert!(poll_once(pin!(conn.read_message())).is_pending());
        conn.write_message(Message::Close(None)).await.unwrap();
        remote.send(fragment(role, Opcode::CONTINUATION, &pattern(50_000), true));
        remote.send([text(role, "whole"), close(role, 1000)].concat());
        remote.end();
        assert_eq!(conn.recv().await.unwrap(), Some(Message::Close(Some(frame_of(1000, "")))), "{role:?}");
        assert_eq!(conn.recv().await.unwrap(), None);
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, Vec::new())], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn close_frame_inside_a_message_is_echoed_and_the_message_dropped() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([fragment(role, Opcode::TEXT, b"half", false), close(role, 1000)].concat());
        remote.end();
        assert_eq!(conn.read_message().await.unwrap(), None, "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn transport_that_ends_before_the_answer_is_a_lost_connection() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "dropped"));
        remote.end();
        let (result, took) = timed(conn.close(None)).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, Duration::ZERO);
        assert!(conn.closing().received().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn close_after_the_peer_has_closed_has_nothing_left_to_do() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(close(role, 4000));
        remote.end();
        conn.read_message().await.unwrap_err();
        let (result, took) = timed(conn.close(frame_of(1000, ""))).await;
        result.unwrap();
        assert_eq!(took, Duration::ZERO);
        assert_eq!(frames(&remote.take()), [code(4000)], "{role:?}: one close frame");
    }
}

#[tokio::test(start_paused = true)]
async fn close_without_a_code_is_sent_and_reported_so() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(frame(role, Opcode::CLOSE, b""));
        remote.end();
        conn.close(None).await.unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, Vec::new())], "{role:?}");
        assert_eq!((conn.closing().sent(), conn.closing().received()), (Some(None), Some(None)));
    }
}

#[tokio::test(start_paused = true)]
async fn close_with_a_frame_that_may_not_be_sent_is_refused_and_the_connection_stays_open() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        for (frame, error) in [
            (frame_of(1006, ""), UsageError::UnsendableCloseCode),
            (frame_of(1000, &"x".repeat(124)), UsageError::CloseReasonTooLong),
        ] {
            assert_eq!(conn.close(frame).await.unwrap_err().usage(), Some(error), "{role:?}");
        }
        conn.write_message("open").await.unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"open".to_vec())]);
    }
}

#[tokio::test(start_paused = true)]
async fn writes_after_either_close_frame_are_refused() {
    for role in ROLES {
        let (mut ours, _remote) = conn(role);
        ours.write_message(Message::Close(None)).await.unwrap();
        let (mut theirs, remote) = conn(role);
        remote.send(close(role, 1000));
        remote.end();
        theirs.read_message().await.unwrap();
        for conn in [&mut ours, &mut theirs] {
            for message in [Message::text(""), Message::Ping("".into()), Message::Close(None)] {
                let error = conn.write_message(message).await.unwrap_err();
                assert_eq!(error.usage(), Some(UsageError::CloseSent), "{role:?}");
            }
        }
    }
}

#[test]
fn open_connection_needs_no_timer() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "a"), frame(role, Opcode::PING, b"")].concat());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            conn.read_message().await.unwrap();
            conn.write_message("b").await.unwrap();
            assert!(poll_once(pin!(conn.read_message())).is_pending(), "{role:?}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn abort_ends_the_transport_without_a_close_frame() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.queue_message("lost").await.unwrap();
        conn.abort();
        assert_eq!(remote.take(), b"", "{role:?}");
        assert!(remote.is_shut_down());
    }
}

#[tokio::test(start_paused = true)]
async fn close_timeout_beyond_what_the_clock_can_say_is_no_timeout() {
    for role in ROLES {
        let config = Config::new().close_timeout(Duration::MAX);
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        let peer = async {
            sleep(Duration::from_secs(24 * 3600)).await;
            remote.send(close(role, 1000));
            remote.end();
        };
        let (closed, ()) = join!(conn.close(frame_of(1000, "")), peer);
        closed.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn close_timeout_of_nothing_still_tries_to_write_the_close_frame() {
    for role in ROLES {
        let config = || Config::new().close_timeout(Duration::ZERO);
        let (mut begins, remote) = conn_with(role, config(), Pace::default());
        let (_, took) = timed(begins.close(frame_of(1000, ""))).await;
        assert_eq!((frames(&remote.take()), took), (vec![code(1000)], Duration::ZERO), "{role:?} begins");
        let (mut answers, remote) = conn_with(role, config(), Pace::default());
        remote.send(close(role, 1000));
        let (result, took) = timed(answers.read_message()).await;
        assert_eq!(result.unwrap(), None);
        assert_eq!((frames(&remote.take()), took), (vec![code(1000)], Duration::ZERO), "{role:?} answers");
    }
}

#[tokio::test(start_paused = true)]
async fn close_frame_of_a_control_bounds_a_write_that_the_peer_does_not_take() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(100);
        let control = conn.control();
        let write = timed(conn.write_message(pattern(1 << 20)));
        let close = async {
            sleep(Duration::from_secs(3)).await;
            control.close(CloseCode::GOING_AWAY).unwrap();
            control.closed().await;
        };
        let ((result, took), ()) = join!(write, close);
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(took, Duration::from_secs(3) + CLOSE_TIMEOUT, "{role:?}");
        assert!(conn.read_message().await.is_err(), "{role:?}");
    }
}
