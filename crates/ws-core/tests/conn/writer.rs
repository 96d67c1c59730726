//! One outgoing message as a byte stream.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    Config, Conn, Error, ErrorKind, Message, MessageKind, Role, UsageError,
    frame::{FrameHeader, MaskingKey, Opcode, apply_mask},
};

use crate::{
    executor::{finish, now, run, with_timers},
    pipe::{Call, Pace, Pipe, Remote, conn, conn_with, pair},
    wire::{ROLES, close, code, frame, frames, pattern, text},
};

/// A frame as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: Option<MaskingKey>,
    pub(crate) payload: Vec<u8>,
}

/// The whole frames at the front of what an endpoint wrote.
pub(crate) fn sent(mut bytes: &[u8]) -> Vec<Sent> {
    let mut all = Vec::new();
    while let Some((header, len)) = FrameHeader::decode(bytes).unwrap() {
        let end = len + header.payload_len as usize;
        if bytes.len() < end {
            break;
        }
        let mut payload = bytes[len..end].to_vec();
        if let Some(key) = header.mask {
            apply_mask(&mut payload, key);
        }
        all.push(Sent { fin: header.fin, opcode: header.opcode, mask: header.mask, payload });
        bytes = &bytes[end..];
    }
    all
}

/// What a receiver makes of what an endpoint wrote: whole messages, and whether one is open behind them.
pub(crate) fn received(bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let (mut whole, mut open) = (Vec::new(), None);
    for frame in sent(bytes).into_iter().filter(|frame| !frame.opcode.is_control()) {
        assert_eq!(open.is_some(), frame.opcode == Opcode::CONTINUATION, "5.4");
        let message: &mut Vec<u8> = open.get_or_insert_default();
        message.extend(frame.payload);
        if frame.fin {
            whole.extend(open.take());
        }
    }
    (whole, open.is_some())
}

/// The messages that tungstenite reads from what an endpoint of the role `from` wrote.
pub(crate) fn by_tungstenite(from: Role, bytes: &[u8]) -> Vec<tungstenite::Message> {
    use tungstenite::protocol::{Role as Theirs, WebSocket};
    struct Written<'a>(&'a [u8]);
    impl io::Read for Written<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match io::Read::read(&mut self.0, buffer)? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                count => Ok(count),
            }
        }
    }
    impl io::Write for Written<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let role = if from == Role::Client { Theirs::Server } else { Theirs::Client };
    let mut socket = WebSocket::from_raw_socket(Written(bytes), role, None);
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            Err(tungstenite::Error::ConnectionClosed) => return messages,
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return messages;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The error of this crate inside of one of a stream.
fn usage(error: io::Error) -> Option<UsageError> {
    error.downcast::<Error>().expect("an error of this crate").usage()
}

/// Fragments of the smallest size that there is.
fn small(role: Role) -> (Conn<Pipe>, Remote) {
    conn_with(role, Config::new().write_buffer_size(SIZE), Pace::default())
}

const SIZE: usize = 256;

#[test]
fn fragments_are_as_large_as_the_write_buffer_and_the_last_bytes_are_in_the_final_frame() {
    for role in ROLES {
        for len in [0, 1, 255, 256, 257, 511, 512, 513, 10_000] {
            for step in [1, 7, 255, 256, 257, 600, 100_000] {
                let (mut conn, remote) = small(role);
                let payload = pattern(len);
                let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
                assert_eq!(writer.kind(), MessageKind::Binary);
                for piece in payload.chunks(step) {
                    now(writer.write_all(piece)).unwrap().unwrap();
                }
                now(writer.finish()).unwrap().unwrap();
                let fragments: Vec<_> = sent(&remote.take());
                let expected: Vec<_> = if len == 0 { vec![&[][..]] } else { payload.chunks(SIZE).collect() };
                assert_eq!(fragments.len(), expected.len(), "{role:?} {len} by {step}");
                let last = expected.len() - 1;
                for (number, (fragment, expected)) in fragments.iter().zip(expected).enumerate() {
                    assert!(fragment.payload == expected, "{role:?} {len} by {step}: {number}");
                    assert_eq!(fragment.fin, number == last);
                    let opcode = if number == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
                    assert_eq!(fragment.opcode, opcode);
                    assert_eq!(fragment.mask.is_some(), role == Role::Client);
                }
            }
        }
    }
}

#[test]
fn every_fragment_of_a_client_has_a_key_of_its_own() {
    let (mut conn, remote) = small(Role::Client);
    let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
    now(writer.write_all(&pattern(100 * SIZE))).unwrap().unwrap();
    now(writer.finish()).unwrap().unwrap();
    let mut keys: Vec<_> =
        sent(&remote.take()).into_iter().map(|frame| frame.mask.unwrap().as_bytes()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() >= 99, "{} of 100 keys: one pair alike is a chance in a million", keys.len());
}

#[test]
fn default_fragments_are_of_4_kib() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
        now(writer.write_all(&pattern(10_000))).unwrap().unwrap();
        now(writer.finish()).unwrap().unwrap();
        let sizes: Vec<_> = sent(&remote.take()).iter().map(|frame| frame.payload.len()).collect();
        assert_eq!(sizes, [4096, 4096, 1808]);
    }
}

#[test]
fn what_is_written_waits_for_its_fragment_to_be_full_unless_it_is_flushed() {
    for role in ROLES {
        let (mut conn, remote) = small(role);
        let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        now(writer.write_all(b"hel")).unwrap().unwrap();
        assert!(remote.take().is_empty());
        for _ in 0..2 {
            now(writer.flush()).unwrap().unwrap();
        }
        now(writer.write_all(b"lo")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        now(writer.finish()).unwrap().unwrap();
        let fragments: Vec<_> =
            sent(&remote.take()).into_iter().map(|frame| (frame.opcode, frame.fin, frame.payload)).collect();
        let expected = [
            (Opcode::TEXT, false, b"hel".to_vec()),
            (Opcode::CONTINUATION, false, b"lo".to_vec()),
            (Opcode::CONTINUATION, true, Vec::new()),
        ];
        assert_eq!(fragments, expected, "{role:?}");
        assert!(remote.take_calls().contains(&Call::Flush), "the transport is flushed, too");
    }
}

#[test]
fn shutting_down_finishes_the_message_once() {
    for role in ROLES {
        let (mut conn, remote) = small(role);
        let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"whole")).unwrap().unwrap();
        for _ in 0..3 {
            now(writer.shutdown()).unwrap().unwrap();
        }
        let error = now(writer.write(b"more")).unwrap().unwrap_err();
        assert_eq!(usage(error), Some(UsageError::MessageFinished));
        now(writer.flush()).unwrap().unwrap();
        now(writer.finish()).unwrap().unwrap();
        now(conn.write_message("next")).unwrap().unwrap();
        let written = frames(&remote.take());
        assert_eq!(written, [(Opcode::TEXT, b"whole".to_vec()), (Opcode::TEXT, b"next".to_vec())]);
    }
}

#[test]
fn text_may_be_cut_inside_of_characters_by_writes_and_fragments() {
    let whole = "grüße, € 𝄞; ".repeat(100);
    for role in ROLES {
        for step in [1, 2, 3, 5, 255, 256, 100_000] {
            for flush in [false, true] {
                let (mut conn, remote) = small(role);
                let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
                for piece in whole.as_bytes().chunks(step) {
                    now(writer.write_all(piece)).unwrap().unwrap();
                    if flush {
                        now(writer.flush()).unwrap().unwrap();
                    }
                }
                now(writer.finish()).unwrap().unwrap();
                let bytes = remote.take();
                let cut = |frame: &Sent| std::str::from_utf8(&frame.payload).is_err();
                assert!(sent(&bytes).iter().any(cut) || step == 1 && !flush, "nothing was cut by {step}");
                assert_eq!(by_tungstenite(role, &bytes), [tungstenite::Message::text(&whole)]);
                let peer = if role == Role::Client { Role::Server } else { Role::Client };
                let (mut peer, to_peer) = crate::pipe::conn(peer);
                to_peer.send(bytes);
                assert_eq!(finish(peer.read_message()).unwrap(), Some(Message::text(&whole)));
            }
        }
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_cannot_be_finished() {
    // What was written before in good order, and what makes it wrong.
    let cases: [(&[u8], &[u8]); 4] =
        [(b"", b"\xFF"), (b"good", b"a\xC3("), (b"good \xC3", b"("), (b"", b"\xED\xA0")];
    for role in ROLES {
        for (number, (good, bad)) in cases.into_iter().enumerate() {
            for flush in [false, true] {
                let (mut conn, remote) = small(role);
                let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
                now(writer.write_all(good)).unwrap().unwrap();
                if flush {
                    now(writer.flush()).unwrap().unwrap();
                }
                let refused = |result: Option<io::Result<()>>| {
                    assert_eq!(
                        usage(result.unwrap().unwrap_err()),
                        Some(UsageError::NotText),
                        "{role:?} {number}"
                    );
                };
                refused(now(writer.write_all(bad)));
                refused(now(writer.write_all(b"good")));
                refused(now(writer.shutdown()));
                if !flush && !good.is_empty() {
                    refused(now(writer.flush()));
                }
                let error = now(writer.finish()).unwrap().unwrap_err();
                assert_eq!(error.usage(), Some(UsageError::NotText));
                let left = flush && !good.is_empty();
                let next = now(conn.write_message("next")).unwrap();
                assert_eq!(
                    next.map_err(|error| error.usage()),
                    if left { Err(Some(UsageError::MessageOpen)) } else { Ok(()) }
                );
                let (whole, open) = received(&remote.take());
                assert_eq!(
                    (whole, open),
                    if left { (vec![], true) } else { (vec![b"next".to_vec()], false) }
                );
            }
        }
    }
}

#[test]
fn text_that_is_wrong_behind_many_fragments_is_refused_as_well() {
    for role in ROLES {
        let (mut conn, remote) = small(role);
        let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        let mut payload = vec![b'a'; 10_000];
        payload[9000] = 0xC3;
        let error = now(writer.write_all(&payload)).unwrap().unwrap_err();
        assert_eq!(usage(error), Some(UsageError::NotText));
        assert_eq!(now(writer.finish()).unwrap().unwrap_err().usage(), Some(UsageError::NotText));
        now(conn.flush()).unwrap().unwrap();
        let (whole, open) = received(&remote.take());
        assert!(whole.is_empty() && open, "{role:?}");
    }
}

#[test]
fn text_cannot_be_finished_inside_of_a_character() {
    for role in ROLES {
        for flush in [false, true] {
            let (mut conn, remote) = small(role);
            let mut writer = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
            now(writer.write_all(b"good \xE2\x82")).unwrap().unwrap();
            if flush {
                now(writer.flush()).unwrap().unwrap();
            }
            assert_eq!(now(writer.finish()).unwrap().unwrap_err().usage(), Some(UsageError::NotText));
            let next = now(conn.write_message("next")).unwrap();
            assert_eq!(next.is_ok(), !flush, "{role:?}");
            assert_eq!(received(&remote.take()).1, flush, "{role:?}");
        }
    }
}

#[test]
fn binary_may_hold_any_bytes() {
    for role in ROLES {
        let (mut conn, remote) = small(role);
        let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
        now(writer.write_all(b"\xFF\xC3")).unwrap().unwrap();
        now(writer.finish()).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::BINARY, b"\xFF\xC3".to_vec())]);
    }
}

#[test]
fn fragments_are_the_same_on_a_transport_without_vectored_writes() {
    for vectored in [true, false] {
        let pace = Pace { vectored, write: 1000, ..Pace::default() };
        let (mut conn, remote) = conn_with(Role::Server, Config::new().write_buffer_size(20_000), pace);
        let mut writer = finish(conn.next_writer(MessageKind::Binary)).unwrap();
        finish(writer.write_all(&pattern(100_000))).unwrap();
        finish(writer.finish()).unwrap();
        let sizes: Vec<_> = sent(&remote.take()).iter().map(|frame| frame.payload.len()).collect();
        assert_eq!(sizes, [20_000; 5]);
    }
}

#[test]
fn control_frames_go_between_fragments() {
    for role in ROLES {
        let (conn, remote) = small(role);
        let control = conn.control();
        let (mut read, mut write) = conn.into_split();
        let mut writer = now(write.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"1")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        control.send_ping("ours").unwrap();
        now(writer.write_all(b"2")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        remote.send(frame(role, Opcode::PING, b"theirs"));
        assert!(now(read.read_message()).is_none());
        control.send_pong("unasked").unwrap();
        now(writer.write_all(b"3")).unwrap().unwrap();
        now(writer.finish()).unwrap().unwrap();
        let written: Vec<_> =
            sent(&remote.take()).into_iter().map(|frame| (frame.opcode, frame.payload)).collect();
        let mut sorted = written.clone();
        sorted.retain(|(opcode, _)| opcode.is_control());
        let controls = [
            (Opcode::PING, b"ours".to_vec()),
            (Opcode::PONG, b"theirs".to_vec()),
            (Opcode::PONG, b"unasked".to_vec()),
        ];
        assert_eq!(sorted, controls, "{role:?}");
        assert_eq!(written.first().unwrap().1, b"1");
        assert_eq!(written[3], controls[1], "the answer is not held back by the open message");
        let mut data = written;
        data.retain(|(opcode, _)| !opcode.is_control());
        let payloads: Vec<_> = data.iter().map(|(_, payload)| &payload[..]).collect();
        assert_eq!(payloads, [b"1", b"2", b"3"], "{role:?}");
    }
}

#[test]
fn messages_are_read_while_one_is_written_in_pieces() {
    for role in ROLES {
        let (conn, remote) = small(role);
        let (mut read, mut write) = conn.into_split();
        let mut writer = now(write.next_writer(MessageKind::Text)).unwrap().unwrap();
        for round in ["a", "b"] {
            now(writer.write_all(b"x")).unwrap().unwrap();
            now(writer.flush()).unwrap().unwrap();
            remote.send(text(role, round));
            assert_eq!(now(read.read_message()).unwrap().unwrap(), Some(Message::text(round)));
        }
        now(writer.finish()).unwrap().unwrap();
        assert_eq!(received(&remote.take()), (vec![b"xx".to_vec()], false));
    }
}

#[test]
fn failure_of_the_transport_is_told_by_whatever_meets_it_and_by_all_that_follows() {
    for role in ROLES {
        for error in [io::ErrorKind::BrokenPipe, io::ErrorKind::PermissionDenied] {
            let kind = match error {
                io::ErrorKind::BrokenPipe => ErrorKind::ConnectionLost,
                other => ErrorKind::Io(other),
            };
            let told = |error: io::Error| error.downcast::<Error>().unwrap().kind().clone();
            let config = Config::new().write_buffer_size(SIZE).high_water_mark(1000);
            let (mut conn, remote) = conn_with(role, config, Pace::default());
            let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
            now(writer.write_all(b"some")).unwrap().unwrap();
            remote.fail_writes(error);
            assert_eq!(told(now(writer.flush()).unwrap().unwrap_err()), kind, "{role:?}");
            assert_eq!(told(now(writer.write_all(&[0; 5000])).unwrap().unwrap_err()), kind, "{role:?}");
            assert_eq!(now(writer.finish()).unwrap().unwrap_err().kind(), &kind, "{role:?}");
            assert_eq!(now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap_err().kind(), &kind);

            let (mut conn, remote) = conn_with(role, Config::new().high_water_mark(1000), Pace::default());
            remote.fail_writes(error);
            let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
            assert_eq!(told(now(writer.write_all(&[0; 50_000])).unwrap().unwrap_err()), kind, "{role:?}");
        }
    }
}

#[test]
fn no_message_is_begun_after_the_close_frame_and_none_is_finished() {
    for role in ROLES {
        let (conn, remote) = small(role);
        let (mut read, mut write) = conn.into_split();
        let mut writer = now(write.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(writer.write_all(b"never whole")).unwrap().unwrap();
        now(writer.flush()).unwrap().unwrap();
        remote.send(close(role, 1000));
        remote.end();
        with_timers(|| assert_eq!(finish(read.read_message()).unwrap(), None));
        assert_eq!(
            usage(now(writer.write_all(&[b'a'; 1000])).unwrap().unwrap_err()),
            Some(UsageError::CloseSent)
        );
        assert_eq!(now(writer.finish()).unwrap().unwrap_err().usage(), Some(UsageError::CloseSent));
        let error = now(write.next_writer(MessageKind::Text)).unwrap().unwrap_err();
        assert_eq!(error.usage(), Some(UsageError::CloseSent));
        let written = remote.take();
        assert_eq!(received(&written), (vec![], true));
        assert_eq!(frames(&written).last(), Some(&code(1000)));
    }
}

#[test]
fn echo_by_copying_needs_no_more_wakes_than_the_transport_gives() {
    for size in [0, 1, 100, 4096, 10_000, 100_000] {
        for pace in [
            Pace::default(),
            Pace { read: 100, write: 100, stutter: true, vectored: true },
            Pace { read: 5000, write: 3000, stutter: false, vectored: false },
        ] {
            let (client, server) = pair(&Config::new().high_water_mark(5000), pace, 2000);
            let (mut from, mut to) = server.into_split();
            let (mut back, mut out) = client.into_split();
            let payload = pattern(size);
            let echo = async {
                for _ in 0..3 {
                    let mut reader = from.next_reader().await.unwrap().unwrap();
                    let mut writer = to.next_writer(reader.kind()).await.unwrap();
                    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                    writer.finish().await.unwrap();
                }
            };
            let send = async {
                for _ in 0..3 {
                    let mut writer = out.next_writer(MessageKind::Binary).await.unwrap();
                    writer.write_all(&payload).await.unwrap();
                    writer.finish().await.unwrap();
                }
            };
            let receive = async {
                for _ in 0..3 {
                    let mut whole = Vec::new();
                    let mut reader = back.next_reader().await.unwrap().unwrap();
                    reader.read_to_end(&mut whole).await.unwrap();
                    assert!(whole == payload, "{size}");
                }
            };
            assert_eq!(
                run(vec![Box::pin(echo), Box::pin(send), Box::pin(receive)]),
                Ok(()),
                "{size} {pace:?}"
            );
        }
    }
}

#[test]
fn full_fragments_are_handed_to_the_transport_without_a_flush() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().write_buffer_size(1000), Pace::default());
        let mut writer = now(conn.next_writer(MessageKind::Binary)).unwrap().unwrap();
        now(writer.write_all(&pattern(2500))).unwrap().unwrap();
        let sizes: Vec<_> = frames(&remote.take()).into_iter().map(|(_, payload)| payload.len()).collect();
        assert_eq!(sizes, [1000, 1000], "{role:?}");
    }
}
