//! Connections that are dropped by a panic, or over a close frame that they owe.

use std::{
    cell::RefCell,
    io,
    panic::{self, AssertUnwindSafe},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use ws_core::{
    CloseCode, CloseFrame, Config, Conn, Message, MessageKind, Negotiated, Parts, Role, frame::Opcode,
};

use crate::{
    executor::{Flag, finish, now, poll_once},
    pipe::{Pace, Pipe, Remote, conn, conn_with},
    wire::{ROLES, close, code, fragment, frames, pattern, text},
};

thread_local! {
    static LEFT: RefCell<Option<(Parts<Pipe>, Duration)>> = const { RefCell::new(None) };
}

fn keep(parts: Parts<Pipe>, close_timeout: Duration) {
    LEFT.set(Some((parts, close_timeout)));
}

/// A connection that leaves what it is not done with in `LEFT`.
fn careful(role: Role) -> (Conn<Pipe>, Remote) {
    careful_with(role, Config::new())
}

fn careful_with(role: Role, config: Config) -> (Conn<Pipe>, Remote) {
    let (mut conn, remote) = conn_with(role, config, Pace::default());
    conn.close_on_panic(keep);
    (conn, remote)
}

/// Drops a value while the thread unwinds.
fn unwind_over<T>(value: T) {
    unwind(move || {
        let _value = value;
        // As `panic!`, without the message on standard error.
        panic::resume_unwind(Box::new("a bug"));
    });
}

fn unwind(panics: impl FnOnce()) {
    assert!(panic::catch_unwind(AssertUnwindSafe(panics)).is_err(), "the panic goes on");
}

// Shows LIF-2.
#[test]
fn panic_sends_1011_behind_what_was_queued_and_gives_the_transport_on() {
    for role in ROLES {
        let (mut conn, remote) = careful_with(role, Config::new().close_timeout(Duration::from_secs(3)));
        now(conn.queue_message("queued")).unwrap().unwrap();
        remote.send(text(role, "unread"));
        unwind_over(conn);
        let expected = [(Opcode::TEXT, b"queued".to_vec()), code(1011)];
        assert_eq!(frames(&remote.take()), expected, "{role:?}");
        assert!(!remote.is_shut_down(), "the transport is still there");
        let (parts, close_timeout) = LEFT.take().expect("it was given on");
        assert!(parts.write_buf.is_empty());
        assert_eq!(close_timeout, Duration::from_secs(3));
    }
}

#[test]
fn without_being_asked_for_a_panic_is_silent() {
    let (mut conn, remote) = conn(Role::Server);
    now(conn.queue_message("queued")).unwrap().unwrap();
    unwind_over(conn);
    assert!(remote.take().is_empty());
    assert!(remote.is_shut_down());
}

#[test]
fn frame_that_is_half_written_is_finished_first() {
    for role in ROLES {
        let (mut conn, remote) = careful(role);
        remote.set_capacity(1000);
        assert!(now(conn.write_message(Message::binary(pattern(5000)))).is_none());
        let mut written = remote.take();
        assert_eq!(written.len(), 1000);
        remote.set_capacity(usize::MAX);
        unwind_over(conn);
        written.extend(remote.take());
        let expected = [(Opcode::BINARY, pattern(5000)), code(1011)];
        assert_eq!(frames(&written), expected, "{role:?}");
    }
}

#[test]
fn what_the_transport_does_not_take_is_given_on_in_order() {
    for role in ROLES {
        let (mut conn, remote) = careful(role);
        remote.set_capacity(1000);
        assert!(now(conn.write_message(Message::binary(pattern(5000)))).is_none());
        unwind_over(conn);
        let mut written = remote.take();
        written.extend(LEFT.take().expect("it was given on").0.write_buf);
        let expected = [(Opcode::BINARY, pattern(5000)), code(1011)];
        assert_eq!(frames(&written), expected, "{role:?}");
    }
}

#[test]
fn both_halves_dropped_by_a_panic_send_one_close_frame() {
    for role in ROLES {
        let (conn, remote) = careful(role);
        unwind_over(conn.into_split());
        assert_eq!(frames(&remote.take()), [code(1011)], "{role:?}");
        assert!(LEFT.take().is_some());
    }
}

#[test]
fn half_dropped_by_a_panic_ends_the_other() {
    for role in ROLES {
        let (conn, remote) = careful(role);
        let (mut read, write) = conn.into_split();
        let mut reading = pin!(read.read_message());
        assert!(poll_once(reading.as_mut()).is_pending());
        unwind_over(write);
        assert_eq!(frames(&remote.take()), [code(1011)], "{role:?}");
        assert!(LEFT.take().is_none(), "the other half has it");
        remote.send(close(role, 1011));
        remote.end();
        let error = finish(reading).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::INTERNAL_ERROR));

        let (conn, remote) = careful(role);
        let (read, mut write) = conn.into_split();
        unwind_over(read);
        assert_eq!(frames(&remote.take()), [code(1011)], "{role:?}");
        assert!(now(write.write_message("more")).unwrap().unwrap_err().is_usage());
    }
}

#[test]
fn writer_that_waits_is_woken_when_the_reading_half_panics() {
    let (conn, remote) = careful(Role::Server);
    remote.set_capacity(10);
    let (read, mut write) = conn.into_split();
    let mut writing = pin!(write.write_message(Message::binary(pattern(100))));
    let woken = Flag::new();
    assert!(writing.as_mut().poll(&mut Context::from_waker(&woken.clone().into())).is_pending());
    woken.take();
    unwind_over(read);
    assert!(woken.take());
    let mut written = remote.take();
    remote.set_capacity(usize::MAX);
    finish(writing).unwrap();
    written.extend(remote.take());
    assert_eq!(frames(&written), [(Opcode::BINARY, pattern(100)), code(1011)]);
}

#[test]
fn close_frame_stands_between_the_fragments_of_a_message_that_was_being_written() {
    for role in ROLES {
        let (mut conn, remote) = careful(role);
        unwind(move || {
            let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
            now(writer.write_all(b"one")).unwrap().unwrap();
            now(writer.flush()).unwrap().unwrap();
            now(writer.write_all(b"two")).unwrap().unwrap();
            panic::resume_unwind(Box::new("a bug"));
        });
        // The second fragment was not full and had not left: it never does.
        let expected = [(Opcode::TEXT, b"one".to_vec()), code(1011)];
        assert_eq!(frames(&remote.take()), expected, "{role:?}");
    }
}

#[test]
fn message_that_was_being_read_is_no_hindrance() {
    for role in ROLES {
        let (mut conn, remote) = careful(role);
        remote.send(fragment(role, Opcode::BINARY, &pattern(3000), false));
        unwind(move || {
            let mut reader = now(conn.next_reader()).unwrap().unwrap().expect("a message");
            now(reader.read_exact(&mut [0; 10])).unwrap().unwrap();
            panic::resume_unwind(Box::new("a bug"));
        });
        assert_eq!(frames(&remote.take()), [code(1011)], "{role:?}");
    }
}

#[test]
fn panic_of_a_handler_inside_a_read_sends_1011() {
    let (mut conn, remote) = careful(Role::Server);
    conn.set_ping_handler(|_| panic::resume_unwind(Box::new("a bug")));
    remote.send(crate::wire::frame(Role::Server, Opcode::PING, b""));
    unwind(move || drop(now(conn.read_message())));
    assert_eq!(frames(&remote.take()), [code(1011)]);
}

#[test]
fn close_frame_that_was_sent_stays_the_only_one() {
    let (mut conn, remote) = careful(Role::Server);
    now(conn.write_message(Message::Close(Some(CloseCode::NORMAL_CLOSURE.into())))).unwrap().unwrap();
    unwind_over(conn);
    assert_eq!(frames(&remote.take()), [code(1000)]);
    assert!(LEFT.take().is_some(), "the peer may not have seen it yet");
}

#[test]
fn panic_after_the_end_does_nothing() {
    let (mut conn, remote) = careful(Role::Server);
    remote.send(close(Role::Server, 1000));
    assert_eq!(now(conn.read_message()).unwrap().unwrap(), None);
    remote.take();
    unwind_over(conn);
    assert!(remote.take().is_empty());
    assert!(LEFT.take().is_none());
}

#[test]
fn close_frame_that_was_asked_for_is_sent_by_drop() {
    for role in ROLES {
        let (mut conn, remote) = careful(role);
        now(conn.queue_message("queued")).unwrap().unwrap();
        conn.control().close(CloseFrame::new(CloseCode::GOING_AWAY, "bye")).unwrap();
        drop(conn);
        let reason = [&1001u16.to_be_bytes()[..], b"bye"].concat();
        let expected = [(Opcode::TEXT, b"queued".to_vec()), (Opcode::CLOSE, reason)];
        assert_eq!(frames(&remote.take()), expected, "{role:?}");
        assert!(LEFT.take().is_some());
    }
}

#[test]
fn close_frame_that_waits_in_the_queue_is_sent_by_drop() {
    let (mut conn, remote) = careful(Role::Server);
    conn.start_send(Message::Close(Some(CloseCode::GOING_AWAY.into()))).unwrap();
    drop(conn);
    assert_eq!(frames(&remote.take()), [code(1001)]);
}

// Shows LIF-3.
#[test]
fn drop_without_a_panic_and_with_nothing_owed_is_silent() {
    let (mut conn, remote) = careful(Role::Server);
    now(conn.queue_message("queued")).unwrap().unwrap();
    let control = conn.control();
    control.send_ping("").unwrap();
    drop(conn);
    assert!(!frames(&remote.take()).iter().any(|(opcode, _)| *opcode == Opcode::CLOSE));
    assert!(remote.is_shut_down());
    assert!(LEFT.take().is_none());
}

#[test]
fn abort_and_into_parts_say_nothing_even_then() {
    let owing = || {
        let (conn, remote) = careful(Role::Server);
        conn.control().close(None).unwrap();
        (conn, remote)
    };
    let (conn, remote) = owing();
    conn.abort();
    assert!(remote.take().is_empty());
    assert!(remote.is_shut_down());
    let (conn, remote) = owing();
    unwind_over(conn.into_parts());
    assert!(remote.take().is_empty());
}

#[test]
fn reunited_halves_are_as_careful_as_before() {
    let (conn, remote) = careful(Role::Server);
    let (read, write) = conn.into_split();
    unwind_over(read.reunite(write).unwrap());
    assert_eq!(frames(&remote.take()), [code(1011)]);
}

/// Panics in every call.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        panic::resume_unwind(Box::new("a bug in the transport"));
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic::resume_unwind(Box::new("a bug in the transport"));
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic::resume_unwind(Box::new("a bug in the transport"));
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic::resume_unwind(Box::new("a bug in the transport"));
    }
}

#[test]
fn transport_that_panics_twice_does_not_end_the_process() {
    let mut conn = Conn::new(Broken, Role::Server, Config::new(), Negotiated::new());
    conn.close_on_panic(|parts, _| drop(parts));
    unwind(move || drop(now(conn.read_message())));
}
