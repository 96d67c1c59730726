//! What a control sees of the end of its connection.

use std::{
    any::Any,
    cell::Cell,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    join,
    time::{sleep, timeout},
};
use ws_core::{
    CloseCode, CloseFrame, Config, Conn, Control, Error, ErrorKind, Role, UsageError, frame::Opcode,
};

use crate::{
    closing::{CLOSE_TIMEOUT, timed},
    executor::{Flag, finish, now, poll_once, run, with_timers},
    pipe::{Pace, Pipe, Remote, conn, conn_with, pair},
    wire::{ROLES, broken, close, code, fragment, frames},
};

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn lost<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    result.unwrap_err().kind() == &ErrorKind::ConnectionLost
}

/// The close frame is asked for before anybody has waited for the connection.
#[tokio::test(start_paused = true)]
async fn close_that_is_not_answered_ends_the_first_read_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.control().close(None).unwrap();
        let (result, took) = timed(timeout(Duration::from_secs(3600), conn.read_message())).await;
        assert!(lost(result.expect("the close timeout bounds the read")), "{role:?}");
        assert_eq!(took, CLOSE_TIMEOUT, "{role:?}");
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, vec![])]);
    }
}

#[tokio::test(start_paused = true)]
async fn close_that_is_not_answered_ends_a_read_that_waits_at_the_close_timeout() {
    for role in ROLES {
        let (mut conn, _remote) = conn(role);
        let control = conn.control();
        let close = async {
            sleep(millis(700)).await;
            control.close(None).unwrap();
            control.closed().await;
        };
        let (result, took) = timed(async { join!(conn.read_message(), close).0 }).await;
        assert!(lost(result), "{role:?}");
        assert_eq!(took, millis(700) + CLOSE_TIMEOUT, "{role:?}");
    }
}

/// There is no room for it in the queue until the connection has failed.
#[tokio::test(start_paused = true)]
async fn frame_that_waits_for_room_is_forgotten_when_the_connection_fails() {
    for role in ROLES {
        let config = Config::new().high_water_mark(1).message_timeout(millis(1000));
        let (mut conn, remote) = conn_with(role, config, Pace::default());
        remote.set_capacity(0);
        conn.queue_message("queued").await.unwrap();
        conn.control().send_ping("late").unwrap();
        remote.send(fragment(role, Opcode::TEXT, b"begun", false));
        let peer = async {
            sleep(millis(2000)).await;
            remote.set_capacity(usize::MAX);
            sleep(millis(1000)).await;
            remote.end();
        };
        join!(conn.read_message(), peer).0.unwrap_err();
        let sent = [(Opcode::TEXT, b"queued".to_vec()), code(1008)];
        assert_eq!(frames(&remote.take()), sent, "{role:?}");
    }
}

#[test]
fn frames_that_are_asked_for_in_the_closing_handshake_are_refused_and_close_is_not() {
    with_timers(|| {
        type Asks = fn(&Control) -> Result<(), Error>;
        let refused: Option<UsageError> = Some(UsageError::CloseSent);
        let all: [(Asks, _); 3] = [
            (|control| control.send_ping("late"), refused),
            (|control| control.send_pong("late"), refused),
            (|control| control.close(None), None),
        ];
        for (asks, answer) in all {
            let (mut conn, remote) = conn(Role::Client);
            let control = conn.control();
            remote.send(close(Role::Client, 1000));
            // The client waits for the server to end the transport.
            let mut read = pin!(conn.read_message());
            assert!(poll_once(read.as_mut()).is_pending());
            assert_eq!(asks(&control).err().and_then(|error| error.usage()), answer);
            assert!(poll_once(read.as_mut()).is_pending());
            remote.end();
            assert!(matches!(poll_once(read.as_mut()), Poll::Ready(Ok(None))));
            assert_eq!(frames(&remote.take()), [code(1000)]);
        }
    });
}

/// What ends a connection, and goes on until it has. Gives what is left of it: its drop must not be what ends it.
type Ends = fn(Conn<Pipe>, &Remote, Role) -> Box<dyn Any>;

const ENDS: [(&str, Ends); 9] = [
    ("closed by the peer", |mut conn, remote, role| {
        remote.send(close(role, 4000));
        remote.end();
        finish(conn.read_message()).unwrap_err();
        Box::new(conn)
    }),
    ("closed here", |mut conn, remote, role| {
        remote.send(close(role, 1000));
        remote.end();
        finish(conn.close(None)).unwrap();
        Box::new(conn)
    }),
    ("closed through a control", |mut conn, remote, role| {
        conn.control().close(None).unwrap();
        assert!(now(conn.read_message()).is_none());
        remote.send(close(role, 1000));
        remote.end();
        finish(conn.read_message()).unwrap();
        Box::new(conn)
    }),
    ("violation", |mut conn, remote, role| {
        remote.send(broken(role));
        remote.end();
        finish(conn.read_message()).unwrap_err();
        Box::new(conn)
    }),
    ("lost", |mut conn, remote, _| {
        remote.end();
        finish(conn.read_message()).unwrap_err();
        Box::new(conn)
    }),
    ("aborted", |conn, _, _| {
        conn.abort();
        Box::new(())
    }),
    ("dropped", |conn, _, _| {
        drop(conn);
        Box::new(())
    }),
    ("halves dropped", |conn, _, _| {
        let (read, write) = conn.into_split();
        let control = read.control();
        drop(read);
        assert!(!control.is_closed());
        drop(write);
        Box::new(())
    }),
    ("taken apart", |conn, _, _| Box::new(conn.into_parts())),
];

#[test]
fn whoever_waits_for_the_end_is_woken_by_any_end() {
    with_timers(|| {
        for role in ROLES {
            for (how, ends) in ENDS {
                let (conn, remote) = conn(role);
                let control = conn.control();
                let (watch, measure) = (Flag::new(), Flag::new());
                let wakers = [Waker::from(watch.clone()), Waker::from(measure.clone())];
                let mut contexts = wakers.each_ref().map(Context::from_waker);
                let mut closed = pin!(control.closed());
                let mut ping = pin!(control.ping());
                assert!(closed.as_mut().poll(&mut contexts[0]).is_pending());
                assert!(ping.as_mut().poll(&mut contexts[1]).is_pending());
                assert!(watch.take() && measure.take() && !control.is_closed());
                let _left = ends(conn, &remote, role);
                assert!(control.is_closed(), "{how}");
                assert!(watch.take() && measure.take(), "{role:?} {how}: nobody was woken");
                assert!(closed.as_mut().poll(&mut contexts[0]).is_ready(), "{how}");
                let Poll::Ready(result) = ping.as_mut().poll(&mut contexts[1]) else {
                    panic!("{role:?} {how}: the ping still waits")
                };
                assert!(lost(result), "{how}");
            }
        }
    });
}

#[test]
fn after_the_end_nothing_can_be_asked_for() {
    with_timers(|| {
        for role in ROLES {
            for (how, ends) in ENDS {
                let (conn, remote) = conn(role);
                let control = conn.control();
                let _left = ends(conn, &remote, role);
                assert!(lost(control.send_ping("")), "{how}");
                assert!(lost(control.send_pong("")), "{how}");
                assert!(lost(now(control.ping()).expect("at once")), "{how}");
                control.close(None).unwrap();
                now(control.closed()).expect("at once");
            }
        }
    });
}

#[test]
fn control_that_is_made_after_the_end_knows_of_it() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.end();
        finish(conn.read_message()).unwrap_err();
        let control = conn.control();
        assert!(control.is_closed(), "{role:?}");
        now(control.closed()).expect("at once");
        assert!(lost(control.send_ping("")), "{role:?}");
    }
}

#[test]
fn two_ends_that_close_through_controls_at_once_both_end_well() {
    with_timers(|| {
        for capacity in [1, 7, 1000] {
            let (client, server) = pair(&Config::new(), Pace::default(), capacity);
            let controls = [client.control(), server.control()];
            let ended = Cell::new(0);
            let reader = |mut conn: Conn<Pipe>| {
                let ended = &ended;
                async move {
                    assert_eq!(conn.read_message().await.unwrap(), None);
                    assert!(conn.closing().is_complete());
                    drop(conn);
                    ended.set(ended.get() + 1);
                }
            };
            let closer = async {
                for control in &controls {
                    control.close(CloseFrame::new(1001, "")).unwrap();
                }
                for control in &controls {
                    control.closed().await;
                }
            };
            let tasks =
                vec![Box::pin(reader(client)) as _, Box::pin(closer) as _, Box::pin(reader(server)) as _];
            assert_eq!(run(tasks), Ok(()), "{capacity}");
            assert_eq!(ended.get(), 2);
        }
    });
}

#[test]
fn many_wait_for_the_end_and_those_who_gave_up_are_forgotten() {
    for role in ROLES {
        let (conn, _remote) = conn(role);
        let control = conn.control();
        for _ in 0..1000 {
            assert!(now(control.closed()).is_none());
        }
        let flags = [Flag::new(), Flag::new()];
        let wakers = flags.clone().map(Waker::from);
        let mut one = pin!(control.closed());
        let mut two = Box::pin(control.closed());
        assert!(one.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
        assert!(two.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
        flags.iter().for_each(|flag| assert!(flag.take()));
        drop(two);
        drop(conn);
        assert!(flags[0].take() && !flags[1].take(), "{role:?}");
    }
}

#[test]
fn nothing_is_asked_for_behind_a_close_frame_by_old_controls_and_new() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = conn(role);
            let control = conn.control();
            let close_sent = Some(UsageError::CloseSent);
            control.close(CloseCode::GOING_AWAY).unwrap();
            let refused = control.send_ping("late").unwrap_err();
            assert_eq!(refused.usage(), close_sent, "{role:?}: asked for");
            assert!(now(conn.read_message()).is_none());
            assert_eq!(frames(&remote.take()), [code(1001)], "{role:?}");
            for control in [control, conn.control()] {
                assert_eq!(control.send_pong("late").unwrap_err().usage(), close_sent, "{role:?}: sent");
                assert_eq!(now(control.ping()).unwrap().unwrap_err().usage(), close_sent, "{role:?}");
                control.close(None).unwrap();
            }
        }
    });
}
