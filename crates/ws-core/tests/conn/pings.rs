//! Pings that wait for their pong, and the time that takes.

use std::{future::pending, pin::pin, time::Duration};

use tokio::{
    io::AsyncReadExt,
    join, select,
    time::{sleep, timeout},
};
use ws_core::{Conn, Role, UsageError, frame::Opcode};

use crate::{
    control_ends::{lost, millis},
    executor::{now, poll_once},
    pipe::{Pipe, Remote, conn},
    wakes::yield_until_written,
    wire::{ROLES, close, fragment, frame, frames},
};

/// What `future` comes to while the connection is read.
async fn reading<T>(conn: &mut Conn<Pipe>, future: impl Future<Output = T>) -> T {
    let reads = async {
        while let Ok(Some(_)) = conn.read_message().await {}
        pending::<()>().await;
    };
    select! {
        biased;
        output = future => output,
        () = reads => unreachable!(),
        () = sleep(Duration::from_secs(3600)) => panic!("waits for ever"),
    }
}

/// The payloads of the pings that were written.
async fn pings(remote: &Remote) -> Vec<Vec<u8>> {
    yield_until_written(remote).await;
    let frames = frames(&remote.take());
    assert!(frames.iter().all(|(opcode, _)| *opcode == Opcode::PING), "{frames:?}");
    frames.into_iter().map(|(_, payload)| payload).collect()
}

fn pong(to: Role, payload: &[u8]) -> Vec<u8> {
    frame(to, Opcode::PONG, payload)
}

#[tokio::test(start_paused = true)]
async fn ping_gives_the_time_until_its_pong() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        assert_eq!(control.round_trip_time(), None);
        let peer = async {
            sleep(millis(40)).await;
            let pings = pings(&remote).await;
            assert_eq!(pings.len(), 1);
            sleep(millis(250)).await;
            remote.send(pong(role, &pings[0]));
        };
        let ask = async {
            sleep(millis(40)).await;
            control.ping().await
        };
        let (took, ()) = reading(&mut conn, async { join!(ask, peer) }).await;
        assert_eq!(took.unwrap(), millis(250), "{role:?}");
        assert_eq!(control.round_trip_time(), Some(millis(250)));
        assert_eq!(conn.round_trip_time(), Some(millis(250)));
    }
}

#[tokio::test(start_paused = true)]
async fn pings_that_are_under_way_together_are_measured_apart() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let peer = async {
            let first = pings(&remote).await;
            let second = pings(&remote).await;
            sleep(millis(200)).await;
            remote.send(pong(role, &first[0]));
            sleep(millis(50)).await;
            remote.send(pong(role, &second[0]));
        };
        let later = async {
            sleep(millis(100)).await;
            control.ping().await
        };
        let all = async { join!(control.ping(), later, peer) };
        let (first, second, ()) = reading(&mut conn, all).await;
        assert_eq!(first.unwrap(), millis(300), "{role:?}");
        assert_eq!(second.unwrap(), millis(250), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pong_of_the_latest_ping_answers_all_before_it() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let peer = async {
            let (_, _, last) = (pings(&remote).await, pings(&remote).await, pings(&remote).await);
            sleep(millis(10)).await;
            remote.send(pong(role, &last[0]));
        };
        let after = |delay| {
            let control = control.clone();
            async move {
                sleep(millis(delay)).await;
                control.ping().await.unwrap()
            }
        };
        let all = async { join!(after(100), after(200), after(300), peer) };
        let (first, second, third, ()) = reading(&mut conn, all).await;
        assert_eq!([first, second, third], [210, 110, 10].map(millis), "{role:?}");
        assert_eq!(control.round_trip_time(), Some(millis(10)), "that of the latest");
    }
}

#[tokio::test(start_paused = true)]
async fn pong_answers_no_ping_that_was_sent_after_its_own() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let mut first = pin!(control.ping());
        let mut second = pin!(control.ping());
        assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
        let peer = async {
            let sent = pings(&remote).await;
            remote.send(pong(role, &sent[0]));
            first.await.unwrap();
        };
        reading(&mut conn, peer).await;
        assert!(poll_once(second.as_mut()).is_pending(), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pongs_that_no_ping_asked_for_are_ignored() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let peer = async {
            let sent = pings(&remote).await.remove(0);
            let number = u64::from_be_bytes(sent.clone().try_into().unwrap());
            for payload in [
                &(number + 1).to_be_bytes()[..],
                &u64::MAX.to_be_bytes(),
                &0u64.to_be_bytes(),
                &number.wrapping_sub(1).to_be_bytes(),
                &number.to_le_bytes(),
                &sent[..7],
                &[&sent[..], &[0]].concat(),
                &[],
                &[0; 125],
            ] {
                sleep(millis(1)).await;
                remote.send(pong(role, payload));
            }
            sleep(millis(91)).await;
            remote.send(pong(role, &sent));
        };
        let (took, ()) = reading(&mut conn, async { join!(control.ping(), peer) }).await;
        assert_eq!(took.unwrap(), millis(100), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pong_of_a_ping_of_the_application_answers_no_other_ping() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        for number in 0..20u64 {
            control.send_ping(number.to_be_bytes().to_vec()).unwrap();
        }
        let peer = async {
            let sent = pings(&remote).await;
            assert_eq!(sent.len(), 21);
            for payload in &sent[..20] {
                remote.send(pong(role, payload));
            }
            sleep(millis(100)).await;
            remote.send(pong(role, &sent[20]));
        };
        let (took, ()) = reading(&mut conn, async { join!(control.ping(), peer) }).await;
        assert_eq!(took.unwrap(), millis(100), "{role:?}");
    }
}

#[test]
fn dropped_ping_is_not_sent_if_it_was_not_yet() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        control.send_ping("before").unwrap();
        assert!(now(control.ping()).is_none(), "asked for, then dropped");
        control.send_ping("after").unwrap();
        assert!(now(conn.read_message()).is_none());
        let sent = [(Opcode::PING, b"before".to_vec()), (Opcode::PING, b"after".to_vec())];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ping_that_was_dropped_after_it_was_sent_leaves_the_others() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let mut first = Box::pin(control.ping());
        let mut second = pin!(control.ping());
        assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
        assert!(now(conn.read_message()).is_none());
        drop(first);
        for payload in pings(&remote).await {
            remote.send(pong(role, &payload));
        }
        reading(&mut conn, second.as_mut()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn pong_between_the_fragments_of_a_message_that_is_read_in_pieces_is_measured() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let read = async {
            let mut text = String::new();
            let mut reader = conn.next_reader().await.unwrap().unwrap();
            reader.read_to_string(&mut text).await.unwrap();
            text
        };
        let peer = async {
            remote.send(fragment(role, Opcode::TEXT, b"one", false));
            let sent = pings(&remote).await;
            sleep(millis(30)).await;
            remote.send(fragment(role, Opcode::CONTINUATION, b"two", false));
            remote.send(pong(role, &sent[0]));
            remote.send(fragment(role, Opcode::CONTINUATION, b"three", true));
        };
        let all = async { join!(read, control.ping(), peer) };
        let (text, took, ()) = timeout(Duration::from_secs(9), all).await.expect("ends");
        assert_eq!((&text[..], took.unwrap()), ("onetwothree", millis(30)), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_during_the_closing_handshake_are_refused_and_one_under_way_ends_with_it() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        let peer = async {
            sleep(millis(10)).await;
            let refused = control.ping().await.unwrap_err();
            assert_eq!(refused.usage(), Some(UsageError::CloseSent), "{role:?}");
            remote.send(close(role, 1000));
            remote.end();
        };
        let early = async {
            // Asked for before the connection is driven, and sent before the close frame.
            let measured = control.ping().await;
            assert!(lost(measured), "{role:?}");
        };
        let all = async { join!(early, conn.close(None), peer) };
        let ((), closed, ()) = timeout(Duration::from_secs(3), all).await.expect("all end");
        closed.unwrap();
        let sent: Vec<_> = frames(&remote.take()).into_iter().map(|(opcode, _)| opcode).collect();
        assert_eq!(sent, [Opcode::PING, Opcode::CLOSE], "{role:?}");
    }
}
