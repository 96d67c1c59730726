use std::{
    future::poll_fn,
    io,
    sync::{Arc, Weak},
    task::Poll,
    time::Duration,
};

use loom::{future::block_on, thread};
use tokio::io::{DuplexStream, duplex};
use ws_core::{CloseCode, Config, Conn, Negotiated, Role};

use crate::{
    Tracker,
    member::{Member, Side},
    rejection::Fault,
};

fn conn() -> Conn<DuplexStream> {
    Conn::new(duplex(64).0, Role::Server, Config::new(), Negotiated::new())
}

/// Whether a close frame was asked for: nothing else is taken behind it.
fn is_closing(conn: &Conn<DuplexStream>) -> bool {
    conn.control().send_ping("").is_err()
}

fn close_all(tracker: &Tracker) {
    for member in tracker.members().iter().filter_map(Weak::upgrade) {
        member.close(CloseCode::GOING_AWAY.into());
    }
}

/// What [`Shutdown`](crate::Shutdown) begins with.
fn stop(tracker: &Tracker) {
    tracker.stop(CloseCode::GOING_AWAY.into(), Duration::ZERO);
    close_all(tracker);
}

/// A read or write that never comes to anything but what an abort makes of it.
fn wait(member: &Member, side: Side) -> io::Result<()> {
    block_on(poll_fn(|cx| member.watch(side, cx, Poll::Pending)))
}

#[test]
fn handshake_that_races_with_the_end_is_refused_or_closed() {
    loom::model(|| {
        let tracker = Tracker::new();
        let serves = thread::spawn({
            let tracker = tracker.clone();
            move || match tracker.admit() {
                Ok(member) => {
                    let conn = conn();
                    member.upgraded(conn.control());
                    Some((member, conn))
                }
                Err(Fault::ShuttingDown { .. }) => None,
            }
        });
        stop(&tracker);
        if let Some((member, conn)) = serves.join().unwrap() {
            assert!(is_closing(&conn));
            assert_eq!(tracker.len(), 1);
            drop(member);
        }
        assert!(tracker.admit().is_err());
        assert!(tracker.is_empty() && tracker.members().is_empty());
    });
}

#[test]
fn two_who_end_the_server_close_a_connection_that_comes_meanwhile() {
    loom::model(|| {
        let tracker = Tracker::new();
        let member = tracker.admit().unwrap();
        let ends = thread::spawn({
            let tracker = tracker.clone();
            move || stop(&tracker)
        });
        let serves = thread::spawn(move || {
            let conn = conn();
            member.upgraded(conn.control());
            (member, conn)
        });
        stop(&tracker);
        ends.join().unwrap();
        let (_member, conn) = serves.join().unwrap();
        assert!(is_closing(&conn));
    });
}

// Shows LIF-1.
#[test]
fn last_two_who_leave_wake_who_waits_for_them() {
    loom::model(|| {
        let tracker = Tracker::new();
        let leaves = || {
            let member = tracker.admit().unwrap();
            let conn = conn();
            member.upgraded(conn.control());
            thread::spawn(move || drop(member))
        };
        let leaving = [leaves(), leaves()];
        block_on(tracker.wait_idle());
        assert!(tracker.is_empty() && tracker.members().is_empty());
        leaving.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Both the connection and the task of its handler hold the member, and the tracker's list is gone through meanwhile.
// Shows LIF-1.
#[test]
fn last_holder_lets_the_tracker_forget_whoever_it_is() {
    loom::model(|| {
        let tracker = Tracker::new();
        let member = tracker.admit().unwrap();
        member.upgraded(conn().control());
        let other = Arc::clone(&member);
        let handler = thread::spawn(move || drop(other));
        let closes = thread::spawn({
            let tracker = tracker.clone();
            move || close_all(&tracker)
        });
        drop(member);
        block_on(tracker.wait_idle());
        assert!(tracker.is_empty());
        handler.join().unwrap();
        closes.join().unwrap();
    });
}

#[test]
fn who_waits_for_the_end_to_begin_is_woken() {
    loom::model(|| {
        let tracker = Tracker::new();
        let _member = tracker.admit().unwrap();
        let waits = thread::spawn({
            let begun = tracker.shutdown_begun();
            move || block_on(begun)
        });
        stop(&tracker);
        waits.join().unwrap();
    });
}

#[test]
fn transport_that_is_killed_wakes_its_reader_and_its_writer() {
    loom::model(|| {
        let tracker = Tracker::new();
        let member = tracker.admit().unwrap();
        let waits = |side| {
            let member = Arc::clone(&member);
            thread::spawn(move || wait(&member, side))
        };
        let waiting = [waits(Side::Read), waits(Side::Write)];
        member.kill();
        for thread in waiting {
            assert_eq!(thread.join().unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        }
    });
}

#[test]
fn panic_of_a_connection_counts_once() {
    loom::model(|| {
        let tracker = Tracker::new();
        let member = tracker.admit().unwrap();
        let panics = || {
            let member = Arc::clone(&member);
            thread::spawn(move || member.panicked())
        };
        [panics(), panics()].into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(tracker.panics(), 1);
    });
}
