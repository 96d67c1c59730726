//! Transports that fail: what is told, how often, and to whom.

use std::io;

use tokio::io::AsyncWrite;
use ws_core::{Config, Conn, Error, ErrorKind, Message, Negotiated, Role, frame::Opcode};

use crate::{
    executor::now,
    pipe::{Pace, conn, conn_with},
    wire::{ROLES, frame, frames, pattern, text},
};

fn ready<T>(future: impl Future<Output = T>) -> T {
    now(future).expect("does not wait")
}

fn kinds<T: std::fmt::Debug>(mut call: impl FnMut() -> Result<T, Error>) -> Vec<ErrorKind> {
    (0..3).map(|_| call().unwrap_err().kind().clone()).collect()
}

#[test]
fn failure_of_a_read_is_told_the_same_to_every_call() {
    for role in ROLES {
        for (error, kind) in [
            (io::ErrorKind::ConnectionReset, ErrorKind::ConnectionLost),
            (io::ErrorKind::Other, ErrorKind::Io(io::ErrorKind::Other)),
            (io::ErrorKind::TimedOut, ErrorKind::ConnectionLost),
        ] {
            let (mut conn, remote) = conn(role);
            remote.fail_reads(error);
            assert_eq!(kinds(|| ready(conn.read_message())), vec![kind.clone(); 3], "{role:?} {error:?}");
            assert_eq!(kinds(|| ready(conn.recv())), vec![kind; 3], "{role:?} {error:?}");
        }
    }
}

#[test]
fn messages_before_the_failure_of_a_read_are_given_out() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "one"), text(role, "two")].concat());
        remote.fail_reads(io::ErrorKind::ConnectionReset);
        assert_eq!(ready(conn.read_message()).unwrap(), Some(Message::text("one")));
        assert_eq!(ready(conn.read_message()).unwrap(), Some(Message::text("two")));
        assert_eq!(ready(conn.read_message()).unwrap_err().kind(), &ErrorKind::ConnectionLost);
    }
}

#[test]
fn lost_connection_refuses_every_write() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.end();
        ready(conn.read_message()).unwrap_err();
        let lost = vec![ErrorKind::ConnectionLost; 3];
        assert_eq!(kinds(|| ready(conn.write_message("a"))), lost, "{role:?}");
        assert_eq!(kinds(|| ready(conn.queue_message("a"))), lost);
        assert_eq!(kinds(|| ready(conn.close(None))), lost);
        assert_eq!(remote.take(), b"", "nothing is written to a lost connection");
    }
}

#[test]
fn flush_of_messages_that_were_lost_does_not_succeed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(0);
        ready(conn.queue_message("never sent")).unwrap();
        remote.end();
        ready(conn.read_message()).unwrap_err();
        assert_eq!(kinds(|| ready(conn.flush())), vec![ErrorKind::ConnectionLost; 3], "{role:?}");
    }
}

#[test]
fn failure_of_a_write_is_told_to_this_and_every_later_write() {
    for role in ROLES {
        for (error, kind) in [
            (io::ErrorKind::BrokenPipe, ErrorKind::ConnectionLost),
            (io::ErrorKind::PermissionDenied, ErrorKind::Io(io::ErrorKind::PermissionDenied)),
        ] {
            let (mut conn, remote) = conn(role);
            remote.fail_writes(error);
            assert_eq!(ready(conn.write_message("a")).unwrap_err().kind(), &kind, "{role:?}");
            assert_eq!(kinds(|| ready(conn.write_message("b"))), vec![kind.clone(); 3]);
            assert_eq!(kinds(|| ready(conn.queue_message("c"))), vec![kind.clone(); 3]);
            assert_eq!(kinds(|| ready(conn.flush())), vec![kind; 3]);
        }
    }
}

#[test]
fn failure_of_the_writing_that_a_read_does_is_told_to_the_next_write() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        ready(conn.queue_message("queued")).unwrap();
        remote.fail_writes(io::ErrorKind::BrokenPipe);
        assert!(now(conn.read_message()).is_none(), "the read still waits");
        remote.send(text(role, "sent before"));
        assert_eq!(ready(conn.read_message()).unwrap(), Some(Message::text("sent before")), "{role:?}");
        assert_eq!(kinds(|| ready(conn.flush())), vec![ErrorKind::ConnectionLost; 3]);
    }
}

#[test]
fn failed_writes_do_not_resume_in_the_middle_of_a_frame() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.set_capacity(5);
        ready(conn.queue_message("half of this is written")).unwrap();
        assert!(now(conn.flush()).is_none());
        remote.fail_writes(io::ErrorKind::TimedOut);
        ready(conn.flush()).unwrap_err();
        assert_eq!(remote.take().len(), 5);
        // The transport recovers; the connection must not.
        remote.recover_writes();
        ready(conn.write_message("more")).unwrap_err();
        assert!(now(conn.read_message()).is_none());
        assert_eq!(remote.take(), b"", "{role:?}");
    }
}

#[test]
fn pings_that_arrive_after_writing_failed_are_given_out_and_take_no_room() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.fail_writes(io::ErrorKind::BrokenPipe);
        ready(conn.write_message("a")).unwrap_err();
        for number in 0..1000_u32 {
            remote.send(frame(role, Opcode::PING, &number.to_be_bytes().repeat(30)));
            assert!(matches!(ready(conn.recv()).unwrap(), Some(Message::Ping(_))), "{role:?}");
        }
        assert!(now(conn.read_message()).is_none());
        let waits = conn.into_parts().write_buf.len();
        assert_eq!(waits, 0, "what can never be sent is not kept: {role:?}");
    }
}

#[test]
fn transport_that_takes_nothing_is_lost() {
    for role in ROLES {
        let (mut conn, _remote) = conn_with(role, Config::new(), Pace { write: 0, ..Pace::default() });
        let error = ready(conn.write_message("a")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{role:?}");
    }
}

#[test]
fn short_writes_and_waits_leave_every_frame_whole() {
    for role in ROLES {
        for write in [1, 2, 3, 7, 1000] {
            for vectored in [false, true] {
                let pace = Pace { write, stutter: true, vectored, ..Pace::default() };
                let (mut conn, remote) = conn_with(role, Config::new(), pace);
                let messages = [Message::text("small"), Message::binary(pattern(9000)), Message::text("")];
                for message in &messages {
                    crate::executor::finish(conn.write_message(message.clone())).unwrap();
                }
                let written: Vec<_> =
                    frames(&remote.take()).into_iter().map(|(_, payload)| payload).collect();
                let expected: Vec<_> = messages.map(|message| message.into_data().to_vec()).into();
                assert!(written == expected, "{role:?} by {write}, vectored: {vectored}");
            }
        }
    }
}

#[test]
fn client_can_be_taken_apart_on_a_thread_that_has_drawn_no_masking_keys() {
    let (near, far) = tokio::io::duplex(16);
    let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    let mut far = Box::pin(far);
    // A pong waits behind a message that the peer does not read, then the peer is gone.
    ready(client.queue_message(Message::binary(pattern(5000)))).unwrap();
    let ping = frame(Role::Client, Opcode::PING, b"late");
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(AsyncWrite::poll_write(far.as_mut(), &mut cx, &ping).is_ready());
    assert!(now(client.read_message()).is_none());
    drop(far);
    ready(client.flush()).unwrap_err();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(client.into_parts().write_buf.len(), 0));
    });
}
