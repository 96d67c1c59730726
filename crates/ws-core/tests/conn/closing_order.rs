//! The closing handshake in time and order (CLS-1 to CLS-7): both close frames, who was first, how long it takes.

use std::{error::Error as _, pin::pin, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    join,
    time::{sleep, timeout},
};
use ws_core::{CloseCode, CloseFrame, Config, Conn, ErrorKind, Message, Role, frame::Opcode};

use crate::{
    calls::{MS, S, clock},
    closing::{CLOSE_TIMEOUT, timed},
    executor::poll_once,
    pipe::{Call, Pace, Pipe, Remote, conn, pair},
    wire::{ROLES, close, code, frame, frames, pattern, text},
};

fn close_frame(code: u16) -> CloseFrame {
    CloseFrame::new(code, "")
}

/// The codes of both close frames, and whether the peer's was first.
fn codes(conn: &Conn<Pipe>) -> (Option<u16>, Option<u16>, bool) {
    let code = |frame: Option<Option<&CloseFrame>>| frame.flatten().map(|frame| frame.code.as_u16());
    let closing = conn.closing();
    (code(closing.sent()), code(closing.received()), closing.received_first())
}

// Shows CLS-1.
#[tokio::test(start_paused = true)]
async fn cls_1_both_ends_close_at_once_and_each_knows_both_frames_and_that_its_own_was_first() {
    for pace in [Pace::default(), Pace { read: 1, write: 1, stutter: true, ..Pace::default() }] {
        let (mut client, mut server) = pair(&Config::new(), pace, 1000);
        // In the middle of other things, too.
        client.queue_message("from the client").await.unwrap();
        server.queue_message("from the server").await.unwrap();
        let ((client_end, client_took), (server_end, server_took)) =
            join!(timed(client.close(close_frame(3001))), timed(server.close(close_frame(3002))));
        client_end.unwrap();
        server_end.unwrap();
        assert_eq!((client_took, server_took), (Duration::ZERO, Duration::ZERO), "{pace:?}");
        assert_eq!(codes(&client), (Some(3001), Some(3002), false), "{pace:?}");
        assert_eq!(codes(&server), (Some(3002), Some(3001), false), "{pace:?}");
        assert!(client.closing().is_complete() && server.closing().is_complete());
    }
}

// Shows CLS-2.
#[tokio::test(start_paused = true)]
async fn cls_2_peer_that_answers_and_never_ends_the_transport() {
    for begins in [true, false] {
        // The server ends it itself, at once.
        let (mut server, remote) = conn(Role::Server);
        remote.send(close(Role::Server, 4000));
        let (took, calls) = end(&mut server, begins, &remote).await;
        assert_eq!(took, Duration::ZERO, "the server began: {begins}");
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush, Call::Shutdown]), "{calls:?}");
        assert_eq!(codes(&server), (Some(4000), Some(4000), !begins));

        // The client waits for that until the close timeout.
        let (mut client, remote) = conn(Role::Client);
        remote.send(close(Role::Client, 4000));
        let (took, calls) = end(&mut client, begins, &remote).await;
        assert_eq!(took, CLOSE_TIMEOUT, "the client began: {begins}");
        assert!(matches!(calls[..], [Call::Write(_), Call::Flush]), "{calls:?}");
        assert_eq!(codes(&client), (Some(4000), Some(4000), !begins));
    }
}

/// Ends a connection whose peer's close frame is there, from this side or from the other.
async fn end(conn: &mut Conn<Pipe>, begins: bool, remote: &Remote) -> (Duration, Vec<Call>) {
    let took = if begins {
        let (closed, took) = timed(conn.close(close_frame(4000))).await;
        closed.unwrap();
        took
    } else {
        let (read, took) = timed(conn.read_message()).await;
        assert_eq!(read.unwrap_err().kind(), &ErrorKind::Closed(Some(close_frame(4000))));
        took
    };
    assert_eq!(frames(&remote.take()), [code(4000)]);
    (took, remote.take_calls())
}

// Shows CLS-3.
#[tokio::test(start_paused = true)]
async fn cls_3_peer_that_never_answers_is_told_as_lost_with_what_was_sent() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let (result, took) = timed(conn.close(close_frame(4321))).await;
        let error = result.unwrap_err();
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
        assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
        assert_eq!(error.source().unwrap().to_string(), "the close frame was not answered");
        assert_eq!(codes(&conn), (Some(4321), None, false), "{role:?}");
        assert!(!conn.closing().is_complete());
        drop(conn);
        assert!(remote.is_shut_down(), "{role:?}: the socket is gone");
    }
}

// Shows CLS-4.
#[tokio::test(start_paused = true)]
async fn cls_4_peer_that_sends_a_megabyte_a_second_after_the_close_frame_is_gone_in_time() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let chunk = frame(role, Opcode::BINARY, &pattern(100_000));
        let peer = async {
            loop {
                sleep(100 * MS).await;
                remote.send(&chunk);
            }
        };
        let closes = async {
            let (result, took) = timed(conn.close(close_frame(1000))).await;
            assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
            took
        };
        let took = tokio::select! { took = closes => took, () = peer => unreachable!() };
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(frames(&remote.take()), [code(1000)], "{role:?}");
        let read = conn.read_message().await.unwrap_err();
        assert_eq!(read.kind(), &ErrorKind::ConnectionLost, "{role:?}: nothing of it is delivered");
    }
}

// Shows CLS-5.
#[tokio::test(start_paused = true)]
async fn cls_5_ten_thousand_peers_that_never_answer_are_gone_in_seven_seconds() {
    for role in ROLES {
        let start = clock();
        let mut closing: FuturesUnordered<_> = (0..10_000)
            .map(|number: u64| async move {
                let (mut conn, remote) = conn(role);
                // Some read nothing, some go on sending, some are silent.
                match number % 3 {
                    0 => remote.set_capacity(0),
                    1 => remote.send(text(role, "more")),
                    _ => {}
                }
                sleep((number % 1000) as u32 * MS).await;
                let (result, took) = timed(conn.close(None)).await;
                assert_eq!(result.unwrap_err().kind(), &ErrorKind::ConnectionLost);
                assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
                drop(conn);
                assert!(remote.is_shut_down());
            })
            .collect();
        let mut gone = 0;
        while closing.next().await.is_some() {
            gone += 1;
        }
        assert_eq!(gone, 10_000, "{role:?}");
        let took = clock() - start;
        assert!(took <= 7 * S, "{role:?}: {took:?}");
    }
}

// Shows CLS-6.
#[tokio::test(start_paused = true)]
async fn cls_6_close_with_a_full_queue_returns_at_the_close_timeout_from_every_handle() {
    for role in ROLES {
        for handle in ["conn", "half", "both halves", "control"] {
            let (mut conn, remote) = conn(role);
            remote.set_capacity(10);
            // Above the high-water mark: a message would have to wait, a close frame does not.
            conn.queue_message(Message::binary(pattern(100_000))).await.unwrap();
            assert!(timeout(S, conn.queue_message("waits")).await.is_err());
            let start = clock();
            let lost = match handle {
                "conn" => conn.close(close_frame(1000)).await.unwrap_err(),
                "half" => conn.into_split().1.close(close_frame(1000)).await.unwrap_err(),
                "both halves" => {
                    let (mut reader, mut writer) = conn.into_split();
                    let (closed, read) = join!(writer.close(close_frame(1000)), reader.read_message());
                    assert_eq!(read.unwrap_err().kind(), &ErrorKind::ConnectionLost, "{role:?}");
                    closed.unwrap_err()
                }
                _ => {
                    conn.control().close(close_frame(1000)).unwrap();
                    conn.read_message().await.unwrap_err()
                }
            };
            assert_eq!(lost.kind(), &ErrorKind::ConnectionLost, "{role:?} {handle}");
            assert_eq!(clock() - start, CLOSE_TIMEOUT, "{role:?} {handle}");
        }
    }
}

// Shows CLS-7.
#[tokio::test(start_paused = true)]
async fn cls_7_close_frame_goes_out_behind_everything_that_is_queued_from_every_handle() {
    for role in ROLES {
        for handle in ["conn", "half", "control", "message"] {
            let (mut conn, remote) = conn(role);
            remote.set_capacity(10);
            conn.queue_message("first").await.unwrap();
            conn.queue_message(Message::binary(pattern(100_000))).await.unwrap();
            let peer = async {
                sleep(2 * S).await;
                let mut written = remote.take();
                remote.set_capacity(usize::MAX);
                sleep(S).await;
                written.extend(remote.take());
                remote.send(close(role, 1000));
                remote.end();
                written
            };
            let closes = async {
                match handle {
                    "conn" => conn.close(close_frame(1000)).await.unwrap(),
                    "half" => conn.into_split().1.close(close_frame(1000)).await.unwrap(),
                    "control" => {
                        conn.control().close(close_frame(1000)).unwrap();
                        assert_eq!(conn.read_message().await.unwrap(), None);
                    }
                    _ => {
                        conn.start_send(Message::Close(Some(close_frame(1000)))).unwrap();
                        assert_eq!(conn.read_message().await.unwrap(), None);
                    }
                }
            };
            let (written, ()) = join!(peer, closes);
            let expected =
                [(Opcode::TEXT, b"first".to_vec()), (Opcode::BINARY, pattern(100_000)), code(1000)];
            assert!(frames(&written) == expected, "{role:?} {handle}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn order_of_the_close_frames_is_known_whoever_begins() {
    for begins in ROLES {
        let (mut client, mut server) = pair(&Config::new(), Pace::default(), 1000);
        let (first, second) = match begins {
            Role::Client => (&mut client, &mut server),
            Role::Server => (&mut server, &mut client),
        };
        let (closed, read) = join!(first.close(close_frame(4100)), second.read_message());
        closed.unwrap();
        assert_eq!(read.unwrap_err().kind(), &ErrorKind::Closed(Some(close_frame(4100))));
        assert_eq!(codes(first), (Some(4100), Some(4100), false), "{begins:?} began");
        assert_eq!(codes(second), (Some(4100), Some(4100), true), "{begins:?} began");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_of_a_message_in_part_is_given_back_while_the_answer_to_close_is_awaited() {
    for role in ROLES {
        let budget = ws_core::InboundBudget::new(1 << 20);
        let config = Config::new().inbound_budget(budget.clone());
        let (mut conn, remote) = crate::pipe::conn_with(role, config, Pace::default());
        remote.send(&frame(role, Opcode::BINARY, &pattern(500_000))[..300_000]);
        assert!(timeout(S, conn.read_message()).await.is_err());
        assert!(budget.in_use() >= 290_000, "{role:?}");
        assert!(poll_once(pin!(conn.close(None))).is_pending(), "{role:?}: the peer does not answer");
        assert_eq!(budget.in_use(), 0, "{role:?}: nobody will ever see that message");
    }
}
