//! Messages that are encoded once and sent many times.

use tokio::io::AsyncWriteExt as _;
use ws_core::{
    CloseFrame, Config, ErrorKind, Message, MessageKind, PreparedMessage, Role, UsageError, frame::Opcode,
};

use crate::{
    executor::{finish, now, with_timers},
    pipe::{Call, Pace, conn, conn_with},
    wire::{ROLES, close, frames, pattern},
    writer::sent,
};

fn messages() -> Vec<Message> {
    let sizes = [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 200_000];
    let binary = sizes.map(|size| Message::binary(pattern(size)));
    let text = sizes.map(|size| Message::text("x".repeat(size)));
    let control = [
        Message::Ping("ping".into()),
        Message::Pong("".into()),
        Message::Ping(vec![7; 125].into()),
        Message::Close(None),
        Message::Close(Some(CloseFrame::new(4000, "bye"))),
        Message::Close(Some(CloseFrame::new(1000, "r".repeat(123)))),
    ];
    binary.into_iter().chain(text).chain(control).collect()
}

#[test]
fn server_sends_the_bytes_that_it_sends_for_the_message_itself() {
    for message in messages() {
        for vectored in [true, false] {
            let pace = Pace { vectored, ..Pace::default() };
            let (mut one, to_one) = conn_with(Role::Server, Config::new(), pace);
            let (mut other, to_other) = conn_with(Role::Server, Config::new(), pace);
            let prepared = PreparedMessage::new(message.clone()).unwrap();
            assert!(prepared.message() == &message);
            now(one.write_prepared(&prepared)).unwrap().unwrap();
            now(other.write_message(message.clone())).unwrap().unwrap();
            assert!(to_one.take() == to_other.take(), "{message:.20?}");
        }
    }
}

#[test]
fn client_masks_it_anew_for_each_send() {
    for message in messages() {
        let (mut one, to_one) = conn(Role::Client);
        let (mut other, to_other) = conn(Role::Client);
        let prepared = PreparedMessage::new(message.clone()).unwrap();
        let mut keys = Vec::new();
        let mut payloads = Vec::new();
        for (conn, remote) in [(&mut one, &to_one), (&mut other, &to_other)] {
            let times = if matches!(message, Message::Close(_)) { 1 } else { 5 };
            for _ in 0..times {
                now(conn.write_prepared(&prepared)).unwrap().unwrap();
            }
            for frame in sent(&remote.take()) {
                assert!(frame.fin);
                keys.push(frame.mask.unwrap().as_bytes());
                payloads.push((frame.opcode, frame.payload));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), payloads.len(), "two keys alike: one chance in a hundred million");
        payloads.dedup();
        assert_eq!(payloads.len(), 1);
        let (mut plain, remote) = conn(Role::Client);
        now(plain.write_message(message)).unwrap().unwrap();
        assert!(payloads == frames(&remote.take()));
    }
}

#[test]
fn large_frame_leaves_every_server_connection_from_where_it_was_encoded() {
    for size in [5000, 70_000] {
        let prepared = PreparedMessage::new(Message::binary(pattern(size))).unwrap();
        let Message::Binary(payload) = prepared.message() else { unreachable!() };
        let header = if size == 5000 { 4 } else { 10 };
        let frame = (payload.as_ptr().addr() - header, size + header);
        for copy in [prepared.clone(), prepared.clone()] {
            let config = Config::new().high_water_mark(1 << 20);
            let (mut conn, remote) = conn_with(Role::Server, config, Pace::default());
            now(conn.queue_message("before")).unwrap().unwrap();
            now(conn.queue_prepared(&copy)).unwrap().unwrap();
            now(conn.queue_message("after")).unwrap().unwrap();
            now(conn.flush()).unwrap().unwrap();
            let calls = remote.take_calls();
            let [Call::Write(pieces), Call::Flush] = &calls[..] else { panic!("{calls:?}") };
            assert_eq!(pieces.len(), 3, "one write for all");
            assert_eq!(pieces[1], frame);
            let written: Vec<_> =
                frames(&remote.take()).into_iter().map(|(_, payload)| payload.len()).collect();
            assert_eq!(written, [6, size, 5]);
        }
    }
}

#[test]
fn queued_ones_wait_for_a_flush_and_for_room() {
    for role in ROLES {
        let prepared = PreparedMessage::new("tick").unwrap();
        let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(1), Pace::default());
        remote.set_capacity(0);
        now(conn.queue_prepared(&prepared)).unwrap().unwrap();
        assert!(now(conn.queue_prepared(&prepared)).is_none(), "above the mark");
        assert!(now(conn.write_prepared(&prepared)).is_none());
        remote.set_capacity(usize::MAX);
        now(conn.flush()).unwrap().unwrap();
        assert_eq!(
            frames(&remote.take()),
            [(Opcode::TEXT, b"tick".to_vec())],
            "{role:?}: what waited was not queued"
        );
    }
}

#[test]
fn half_sends_it_as_well() {
    for role in ROLES {
        let prepared = PreparedMessage::new("tick").unwrap();
        let (conn, remote) = conn(role);
        let (_read, mut write) = conn.into_split();
        now(write.queue_prepared(&prepared)).unwrap().unwrap();
        now(write.write_prepared(&prepared)).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), vec![(Opcode::TEXT, b"tick".to_vec()); 2]);
    }
}

#[test]
fn what_must_not_be_sent_is_not_prepared() {
    for (message, usage) in [
        (Message::Ping(vec![0; 126].into()), UsageError::ControlTooLong),
        (Message::Pong(vec![0; 126].into()), UsageError::ControlTooLong),
        (Message::Close(Some(CloseFrame::new(1005, ""))), UsageError::UnsendableCloseCode),
        (Message::Close(Some(CloseFrame::new(1000, "r".repeat(124)))), UsageError::CloseReasonTooLong),
    ] {
        let error = PreparedMessage::new(message.clone()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Usage(usage), "{message:?}");
    }
}

#[test]
fn prepared_close_frame_closes() {
    for role in ROLES {
        let bye = PreparedMessage::new(Message::Close(Some(CloseFrame::new(4000, "bye")))).unwrap();
        let (mut conn, remote) = conn(role);
        now(conn.write_prepared(&bye)).unwrap().unwrap();
        assert_eq!(conn.closing().sent(), Some(Some(&CloseFrame::new(4000, "bye"))));
        let tick = PreparedMessage::new("tick").unwrap();
        for prepared in [&bye, &tick] {
            let error = now(conn.write_prepared(prepared)).unwrap().unwrap_err();
            assert_eq!(error.usage(), Some(UsageError::CloseSent));
        }
        remote.send(close(role, 4000));
        remote.end();
        with_timers(|| assert!(finish(conn.read_message()).unwrap_err().is_closed()));
        assert_eq!(frames(&remote.take()), [(Opcode::CLOSE, b"\x0F\xA0bye".to_vec())], "{role:?}: once");
    }
}

#[test]
fn prepared_data_waits_for_the_end_of_an_open_message_and_control_frames_do_not() {
    for role in ROLES {
        let [tick, ping] = [Message::text("tick"), Message::Ping("ping".into())]
            .map(|message| PreparedMessage::new(message).unwrap());
        let (mut conn, remote) = conn(role);
        let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"part")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        drop(writer);
        assert_eq!(
            now(conn.write_prepared(&tick)).unwrap().unwrap_err().usage(),
            Some(UsageError::MessageOpen)
        );
        now(conn.write_prepared(&ping)).unwrap().unwrap();
        let written = [(Opcode::TEXT, b"part".to_vec()), (Opcode::PING, b"ping".to_vec())];
        assert_eq!(frames(&remote.take()), written, "{role:?}");
    }
}
