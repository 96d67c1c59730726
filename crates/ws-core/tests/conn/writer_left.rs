//! Messages that are not written to their end, and peers that do not read.

use tokio::io::AsyncWriteExt as _;
use ws_core::{CloseFrame, Config, Conn, Message, MessageKind, PreparedMessage, UsageError, frame::Opcode};

use crate::{
    executor::{finish, now, poll_and_drop, with_timers},
    pipe::{Pace, Pipe, conn_with},
    wire::{ROLES, close, frames, pattern, text},
    writer::{by_tungstenite, received, sent},
};

const SIZE: usize = 256;

fn config() -> Config {
    Config::new().write_buffer_size(SIZE)
}

#[test]
fn message_of_which_nothing_has_left_is_forgotten() {
    for role in ROLES {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let (mut conn, remote) = conn_with(role, config(), Pace::default());
            for written in [0, 1, SIZE] {
                let mut writer = now(conn.next_writer(kind)).unwrap().unwrap();
                now(writer.write_all(&vec![b'x'; written])).unwrap().unwrap();
                drop(writer);
                now(conn.flush()).unwrap().unwrap();
                assert!(remote.take().is_empty());
            }
            let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
            now(writer.write_all(b"one")).unwrap().unwrap();
            now(writer.finish()).unwrap().unwrap();
            now(conn.write_message("two")).unwrap().unwrap();
            let expected = ["one", "two"].map(|text| (Opcode::TEXT, text.into()));
            assert_eq!(frames(&remote.take()), expected, "{role:?}");
        }
    }
}

#[test]
fn message_of_which_a_part_has_left_stays_open_and_the_connection_can_only_be_read_and_closed() {
    for role in ROLES {
        for flushed in [false, true] {
            let (mut conn, remote) = conn_with(role, config(), Pace::default());
            let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
            // Either a flush has sent a fragment, or one has become full and is only queued.
            now(writer.write_all(&vec![b'x'; if flushed { 1 } else { SIZE + 1 }])).unwrap().unwrap();
            if flushed {
                now(writer.flush()).unwrap().unwrap();
            }
            drop(writer);

            let prepared = PreparedMessage::new("no").unwrap();
            let open = Some(UsageError::MessageOpen);
            assert_eq!(now(conn.write_message("no")).unwrap().unwrap_err().usage(), open);
            assert_eq!(now(conn.queue_message(Message::binary("no"))).unwrap().unwrap_err().usage(), open);
            assert_eq!(now(conn.write_prepared(&prepared)).unwrap().unwrap_err().usage(), open);
            for kind in [MessageKind::Text, MessageKind::Binary] {
                assert_eq!(now(conn.next_writer(kind)).unwrap().unwrap_err().usage(), open);
            }
            now(conn.write_message(Message::Ping("p".into()))).unwrap().unwrap();
            remote.send(text(role, "still heard"));
            assert_eq!(now(conn.read_message()).unwrap().unwrap(), Some(Message::text("still heard")));
            remote.send(close(role, 4000));
            remote.end();
            with_timers(|| finish(conn.close(CloseFrame::new(4000, "")))).unwrap();

            let bytes = remote.take();
            assert_eq!(received(&bytes), (vec![], true), "{role:?}");
            let opcodes: Vec<_> = sent(&bytes).iter().map(|frame| frame.opcode).collect();
            assert_eq!(opcodes, [Opcode::TEXT, Opcode::PING, Opcode::CLOSE], "{role:?}");
            let theirs = by_tungstenite(role, &bytes);
            assert!(
                matches!(theirs[..], [tungstenite::Message::Ping(_), tungstenite::Message::Close(_)]),
                "{theirs:?}"
            );
        }
    }
}

#[test]
fn writer_dropped_after_its_end_leaves_the_connection_as_it_was() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, config(), Pace::default());
        let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
        now(writer.write_all(&pattern(1000))).unwrap().unwrap();
        now(writer.shutdown()).unwrap().unwrap();
        drop(writer);
        now(conn.write_message(Message::binary("next"))).unwrap().unwrap();
        assert_eq!(received(&remote.take()), (vec![pattern(1000), b"next".to_vec()], false), "{role:?}");
    }
}

/// Writes a message with all that a writer can do.
async fn write(conn: &mut Conn<Pipe>, kind: MessageKind) {
    let mut writer = conn.next_writer(kind).await.unwrap();
    writer.write_all(&[b'a'; 3]).await.unwrap();
    writer.flush().await.unwrap();
    writer.write_all(&[b'b'; 700]).await.unwrap();
    writer.write_all(&[b'c'; 1]).await.unwrap();
    writer.flush().await.unwrap();
    writer.write_all(&[b'd'; 10]).await.unwrap();
    writer.finish().await.unwrap();
}

/// Writes a message that fits into one frame, so that no fragment leaves before its end.
async fn write_short(conn: &mut Conn<Pipe>, kind: MessageKind) {
    let mut writer = conn.next_writer(kind).await.unwrap();
    writer.write_all(&[b'a'; 100]).await.unwrap();
    writer.finish().await.unwrap();
}

#[test]
fn message_given_up_at_any_poll_is_whole_or_never_looks_whole() {
    let whole = [&[b'a'; 3][..], &[b'b'; 700], b"c", &[b'd'; 10]].concat();
    for role in ROLES {
        for (mark, short) in [(1, false), (500, false), (64 << 10, false), (1, true), (64 << 10, true)] {
            let (mut none, mut part, mut full) = (0, 0, 0);
            for polls in 0.. {
                let pace = Pace { write: 13, stutter: true, ..Pace::default() };
                let (mut conn, remote) = conn_with(role, config().high_water_mark(mark), pace);
                // So that even the begin has to wait for room.
                now(conn.queue_message("before")).unwrap().unwrap();
                let ended = if short {
                    poll_and_drop(write_short(&mut conn, MessageKind::Text), polls).is_some()
                } else {
                    poll_and_drop(write(&mut conn, MessageKind::Text), polls).is_some()
                };
                let seen = remote.take();
                finish(conn.flush()).unwrap();
                let bytes = [seen, remote.take()].concat();
                let next =
                    now(conn.queue_message("next")).map(|result| result.map_err(|error| error.usage()));
                let expected = if short { vec![b'a'; 100] } else { whole.clone() };
                match received(&bytes) {
                    (messages, true) => {
                        assert_eq!(messages, [b"before"]);
                        assert_eq!(next, Some(Err(Some(UsageError::MessageOpen))), "{role:?} {mark} {polls}");
                        assert!(!short && !ended);
                        part += 1;
                    }
                    (messages, false) => {
                        assert_eq!(next, Some(Ok(())), "{role:?} {mark} {polls}");
                        if messages.len() == 1 {
                            assert!(!ended, "{role:?} {mark} {polls}");
                            none += 1;
                        } else {
                            assert!(messages == [b"before".to_vec(), expected], "{role:?} {mark} {polls}");
                            full += 1;
                        }
                    }
                }
                assert_eq!(by_tungstenite(role, &bytes).len(), received(&bytes).0.len());
                if ended {
                    break;
                }
            }
            assert!(none > 0 && full > 0 && (part > 10 || short), "{role:?} {mark}: {none} {part} {full}");
        }
    }
}

#[test]
fn peer_that_does_not_read_makes_the_writer_wait_at_the_mark() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, config().high_water_mark(2000), Pace::default());
        remote.set_capacity(100);
        let payload = pattern(1 << 20);
        let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
        let mut taken = 0;
        while let Some(count) = now(writer.write(&payload[taken..])) {
            let count = count.unwrap();
            assert!(count > 0);
            taken += count;
        }
        // The mark, what the transport took, the fragment that crossed the mark, and the one that is held back.
        assert!((2000..2000 + 100 + 2 * SIZE).contains(&taken), "{role:?}: {taken}");
        assert!(now(writer.flush()).is_none(), "the fragment that is held back has to wait");
        let mut bytes = Vec::new();
        loop {
            let written = remote.take();
            if written.is_empty() && taken == payload.len() {
                break;
            }
            bytes.extend(written);
            if let Some(count) = now(writer.write(&payload[taken..])) {
                taken += count.unwrap();
            }
            let _ = now(writer.flush());
        }
        remote.set_capacity(usize::MAX);
        now(writer.finish()).unwrap().unwrap();
        bytes.extend(remote.take());
        let (whole, open) = received(&bytes);
        assert!(whole == [payload] && !open, "{role:?}");
    }
}

#[test]
fn next_writer_that_waits_and_is_given_up_has_begun_nothing() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, config().high_water_mark(1), Pace::default());
        remote.set_capacity(0);
        now(conn.queue_message("before")).unwrap().unwrap();
        assert!(now(conn.next_writer(MessageKind::Text)).is_none());
        remote.set_capacity(usize::MAX);
        now(conn.write_message("after")).unwrap().unwrap();
        assert_eq!(received(&remote.take()), (vec![b"before".to_vec(), b"after".to_vec()], false));
    }
}

#[test]
fn finish_that_is_given_up_while_it_flushes_has_finished() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, config(), Pace::default());
        remote.set_capacity(2);
        let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"hello")).unwrap().unwrap();
        assert!(now(writer.finish()).is_none());
        let mut bytes = remote.take();
        remote.set_capacity(usize::MAX);
        now(conn.write_message("next")).unwrap().unwrap();
        bytes.extend(remote.take());
        assert_eq!(received(&bytes), (vec![b"hello".to_vec(), b"next".to_vec()], false), "{role:?}");
    }
}
