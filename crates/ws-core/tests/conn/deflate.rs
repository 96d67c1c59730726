//! Compressed messages, over every way to read and to write.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    Compression, CompressionLevel, Config, Conn, DeflateConfig, DeflatePool, ErrorKind, InboundBudget,
    Message, MessageKind, Negotiated, NegotiatedDeflate, PreparedMessage, ProtocolError, Role, UsageError,
    frame::{FrameHeader, Opcode, ReservedBits},
};

use crate::{
    executor::{finish, now, once, poll_and_drop, with_timers},
    pipe::{Pace, Pipe, Remote, pipe},
    wire::{ROLES, close, code, frame, frames, text},
};

fn agreed(no_takeover: bool) -> Negotiated {
    let mut deflate = NegotiatedDeflate::new();
    deflate.server_no_context_takeover = no_takeover;
    deflate.client_no_context_takeover = no_takeover;
    Negotiated::new().with_deflate(deflate)
}

fn deflating_with(role: Role, config: Config, pace: Pace, no_takeover: bool) -> (Conn<Pipe>, Remote) {
    let (mut pipe, remote) = pipe();
    pipe.pace = pace;
    (Conn::new(pipe, role, config, agreed(no_takeover)), remote)
}

fn deflating(role: Role) -> (Conn<Pipe>, Remote) {
    deflating_with(role, Config::new(), Pace::default(), false)
}

fn peer(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

fn document(number: usize) -> String {
    (0..60).map(|line| format!("{{\"id\":{},\"name\":\"user {}\"}},", line * number, line % 7)).collect()
}

/// The headers of what was written.
fn headers(mut bytes: &[u8]) -> Vec<(bool, bool, Opcode, usize)> {
    let mut all = Vec::new();
    while let Some((header, len)) = FrameHeader::decode(bytes).unwrap() {
        let payload = header.payload_len as usize;
        all.push((header.reserved == ReservedBits::RSV1, header.fin, header.opcode, payload));
        bytes = &bytes[len + payload..];
    }
    all
}

/// What a peer of our making writes for these messages, one write each.
fn written(to: Role, messages: &[Message]) -> Vec<Vec<u8>> {
    let (mut conn, remote) = deflating(peer(to));
    messages
        .iter()
        .map(|message| {
            finish(conn.write_message(message.clone())).unwrap();
            remote.take()
        })
        .collect()
}

/// A peer of our making that reads what was written.
struct Reader(Conn<Pipe>, Remote);

impl Reader {
    fn of(writer: Role) -> Self {
        let (conn, remote) = deflating(peer(writer));
        Self(conn, remote)
    }

    fn read(&mut self, bytes: Vec<u8>) -> Message {
        self.1.send(bytes);
        now(self.0.read_message()).expect("a whole message").unwrap().unwrap()
    }
}

#[test]
fn every_way_to_read_gives_the_message() {
    for role in ROLES {
        for pace in [Pace::default(), Pace { read: 1, write: 1, stutter: true, vectored: false }] {
            let text = document(3);
            let messages = [(); 6].map(|()| Message::text(&*text));
            let (mut conn, remote) = deflating_with(role, Config::new(), pace, false);
            written(role, &messages).into_iter().for_each(|bytes| remote.send(bytes));

            assert_eq!(finish(conn.read_message()).unwrap(), Some(messages[0].clone()));
            assert_eq!(finish(conn.recv()).unwrap(), Some(messages[0].clone()));
            assert_eq!(finish(conn.read_borrowed()).unwrap().unwrap().as_text(), Some(&*text));
            let mut out = String::new();
            finish(async {
                let mut reader = conn.next_reader().await.unwrap().unwrap();
                assert_eq!(reader.kind(), MessageKind::Text);
                reader.read_to_string(&mut out).await.unwrap();
            });
            assert_eq!(out, text);
            // One that is left early is skipped, and the window goes on.
            let mut some = [0; 7];
            finish(async {
                conn.next_reader().await.unwrap().unwrap().read_exact(&mut some).await.unwrap();
            });
            assert_eq!(some, text.as_bytes()[..7]);
            let (mut read, _write) = conn.into_split();
            assert_eq!(finish(read.read_message()).unwrap(), Some(messages[0].clone()));
        }
    }
}

#[test]
fn every_way_to_write_is_compressed_as_one_frame() {
    for role in ROLES {
        let text = document(5).repeat(20);
        let prepared = PreparedMessage::new(&*text).unwrap();
        let (mut conn, remote) = deflating(role);
        assert_eq!(conn.deflate(), Some(NegotiatedDeflate::new()));
        let mut reader = Reader::of(role);
        let mut check = |compressed: bool, bytes: Vec<u8>| {
            let headers = headers(&bytes);
            assert_eq!(headers.len(), 1);
            assert_eq!((headers[0].0, headers[0].1), (compressed, true));
            assert_eq!(reader.read(bytes), Message::text(&*text));
        };
        finish(conn.write_message(&*text)).unwrap();
        check(true, remote.take());
        finish(conn.write_message_with(&*text, Compression::Off)).unwrap();
        check(false, remote.take());
        finish(conn.queue_message_with(&*text, Compression::On)).unwrap();
        finish(conn.flush()).unwrap();
        check(true, remote.take());
        finish(conn.write_prepared(&prepared)).unwrap();
        check(true, remote.take());
        conn.set_write_compression(Compression::Off);
        finish(conn.write_message(&*text)).unwrap();
        check(false, remote.take());
        finish(conn.write_prepared(&prepared)).unwrap();
        check(false, remote.take());
        conn.start_send_with(&*text, Compression::On).unwrap();
        finish(conn.flush()).unwrap();
        check(true, remote.take());
        conn.set_write_compression(Compression::On);
        conn.set_compression_level(CompressionLevel::BEST);
        finish(conn.write_message(&*text)).unwrap();
        check(true, remote.take());

        let (read, mut write) = conn.into_split();
        finish(write.write_message(&*text)).unwrap();
        check(true, remote.take());
        finish(write.write_message_with(&*text, Compression::Off)).unwrap();
        check(false, remote.take());
        write.set_write_compression(Compression::Off);
        write.set_compression_level(CompressionLevel::FASTEST);
        write.start_send_with(&*text, Compression::On).unwrap();
        finish(write.flush()).unwrap();
        check(true, remote.take());
        finish(write.write_message(&*text)).unwrap();
        check(false, remote.take());
        assert_eq!(write.deflate(), Some(NegotiatedDeflate::new()));
        let mut conn = read.reunite(write).unwrap();
        conn.set_write_compression(Compression::On);
        finish(conn.write_message(&*text)).unwrap();
        check(true, remote.take());
    }
}

#[test]
fn streamed_message_is_compressed_as_it_is_written() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let mut reader = Reader::of(role);
        let text: String = (0..40).map(document).collect();
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            for piece in text.as_bytes().chunks(777) {
                writer.write_all(piece).await.unwrap();
            }
            writer.finish().await.unwrap();
        });
        let bytes = remote.take();
        assert!(bytes.len() < text.len() / 3);
        let headers = headers(&bytes);
        assert!(headers.len() > 2);
        for (number, (compressed, fin, opcode, len)) in headers.iter().enumerate() {
            let is_first = number == 0;
            assert_eq!((*compressed, *opcode == Opcode::TEXT), (is_first, is_first));
            assert_eq!(*fin, number + 1 == headers.len());
            // As large as the write buffer, and no crumbs.
            assert!(*fin || (4096..3 * 4096).contains(len), "{len}");
        }
        assert_eq!(reader.read(bytes), Message::text(&*text));
        // The next message refers to this one.
        finish(conn.write_message(&text[text.len() - 2000..])).unwrap();
        let bytes = remote.take();
        assert!(bytes.len() < 100, "{}", bytes.len());
        assert_eq!(reader.read(bytes), Message::text(&text[text.len() - 2000..]));
    }
}

// Shows Z-7.
#[test]
fn streamed_noise_grows_by_less_than_a_thousandth() {
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..900 << 10)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
            writer.write_all(&noise).await.unwrap();
            writer.finish().await.unwrap();
        });
        let bytes = remote.take();
        let payloads: usize = headers(&bytes).iter().map(|header| header.3).sum();
        assert!(payloads <= noise.len() + noise.len() / 1000 + 64, "{payloads}");
        let Reader(mut conn, remote) = Reader::of(role);
        remote.send(bytes);
        assert!(finish(conn.read_message()).unwrap() == Some(Message::binary(noise.clone())));
    }
}

#[test]
fn streamed_noise_between_what_can_be_compressed_comes_back() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    // Each as long as the write buffer, so that it is a piece of its own to the compressor.
    let pieces = [0, 1, 0, 1, 1, 0, 0, 1].map(|is_noise| -> Vec<u8> {
        (0..4096).map(|_| if is_noise == 1 { noise() } else { b'a' }).collect()
    });
    let data = pieces.concat();
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
            writer.write_all(&data).await.unwrap();
            writer.finish().await.unwrap();
        });
        let Reader(mut conn, wire) = Reader::of(role);
        wire.send(remote.take());
        assert!(finish(conn.read_message()).unwrap() == Some(Message::binary(data.clone())), "{role:?}");
    }
}

// RFC 7692, 7.2.1.
#[test]
fn streamed_message_leaves_the_tail_out() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            writer.write_all(document(1).as_bytes()).await.unwrap();
            writer.finish().await.unwrap();
        });
        let payload: Vec<u8> = frames(&remote.take()).into_iter().flat_map(|(_, payload)| payload).collect();
        assert!(!payload.ends_with(b"\0\0\xFF\xFF\0"), "{role:?}");
    }
}

#[test]
fn flush_in_the_middle_lets_the_peer_read_up_to_there() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let (mut other, wire) = deflating(peer(role));
        let text = document(7).repeat(4);
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            let mut read = String::new();
            for piece in [&text[..100], &text[100..5000], ""] {
                writer.write_all(piece.as_bytes()).await.unwrap();
                writer.flush().await.unwrap();
                wire.send(remote.take());
                read.push_str(piece);
            }
            let mut some = vec![0; 5000];
            let mut reader = other.next_reader().await.unwrap().unwrap();
            reader.read_exact(&mut some).await.unwrap();
            assert_eq!(some, read.as_bytes());
            // Nothing between the flush and the end.
            writer.finish().await.unwrap();
            wire.send(remote.take());
            assert_eq!(reader.read(&mut some).await.unwrap(), 0);
        });
    }
}

#[test]
fn choice_for_one_streamed_message_holds_for_it_alone() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let text = document(2).repeat(9);
        for (choice, compressed) in
            [(Some(Compression::Off), false), (None, true), (Some(Compression::On), true)]
        {
            finish(async {
                let mut writer = match choice {
                    Some(choice) => conn.next_writer_with(MessageKind::Text, choice).await.unwrap(),
                    None => conn.next_writer(MessageKind::Text).await.unwrap(),
                };
                writer.write_all(text.as_bytes()).await.unwrap();
                writer.finish().await.unwrap();
            });
            assert_eq!(headers(&remote.take())[0].0, compressed, "{choice:?}");
        }
    }
}

#[test]
fn short_streamed_message_is_held_to_the_threshold() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        for (len, compressed) in [(127, false), (128, true), (0, false)] {
            finish(async {
                let mut writer = conn.next_writer(MessageKind::Binary).await.unwrap();
                writer.write_all(&vec![7; len]).await.unwrap();
                writer.finish().await.unwrap();
            });
            let headers = headers(&remote.take());
            assert_eq!((headers.len(), headers[0].0), (1, compressed), "{len}");
        }
    }
}

#[test]
fn writer_that_is_left_before_anything_was_sent_leaves_no_trace() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let mut reader = Reader::of(role);
        finish(conn.write_message(document(1))).unwrap();
        reader.read(remote.take());
        finish(async {
            // A fragment of plain text, and not yet one of what it is compressed to.
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            writer.write_all(document(2).repeat(3).as_bytes()).await.unwrap();
        });
        assert_eq!(remote.take(), b"");
        for number in 1..4 {
            finish(conn.write_message(document(number))).unwrap();
            assert_eq!(reader.read(remote.take()), Message::text(document(number)));
        }
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            writer.write_all(document(2).as_bytes()).await.unwrap();
            writer.flush().await.unwrap();
        });
        let error = finish(conn.write_message("x")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Usage(UsageError::MessageOpen));
    }
}

#[test]
fn writer_that_is_left_in_its_middle_gives_its_compressor_back() {
    for role in ROLES {
        let deflate = DeflateConfig::new().pool(DeflatePool::new().max_compressors(1));
        let config = Config::new().compression(deflate);
        let (mut left, _left) = deflating_with(role, config.clone(), Pace::default(), false);
        let (mut other, remote) = deflating_with(role, config, Pace::default(), false);
        finish(async {
            let mut writer = left.next_writer(MessageKind::Text).await.unwrap();
            writer.write_all(document(2).as_bytes()).await.unwrap();
            writer.flush().await.unwrap();
            // The only one is in use.
            other.write_message(document(1)).await.unwrap();
            assert!(!headers(&remote.take())[0].0);
        });
        finish(other.write_message(document(1))).unwrap();
        assert!(headers(&remote.take())[0].0);
        let error = finish(left.write_message("x")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Usage(UsageError::MessageOpen));
    }
}

// Shows Z-6.
#[test]
fn z_6_given_up_sends_leave_the_window_as_the_peer_has_it() {
    let slow = Pace { read: 3, write: 3, stutter: true, vectored: true };
    for role in ROLES {
        for polls in 1..12 {
            let (mut conn, remote) = deflating_with(role, Config::new().high_water_mark(200), slow, false);
            let mut all = Vec::new();
            for number in 0..5 {
                drop(poll_and_drop(conn.write_message(document(number)), polls));
                drop(poll_and_drop(conn.queue_message(document(number)), polls));
                all.extend(remote.take());
            }
            for number in 10..20 {
                finish(conn.write_message(document(number))).unwrap();
                all.extend(remote.take());
            }
            let (mut other, wire) = deflating(peer(role));
            wire.send(all);
            let mut read = Vec::new();
            while let Some(message) = now(other.read_message()) {
                read.push(message.unwrap().unwrap());
            }
            let documents: Vec<_> = (0..20).map(|number| Message::text(document(number))).collect();
            assert!(read.iter().all(|message| documents.contains(message)), "{role:?} {polls}");
            assert_eq!(read[read.len() - 10..], documents[10..]);
        }
    }
}

#[test]
fn reads_that_are_given_up_lose_nothing() {
    let slow = Pace { read: 5, write: 3, stutter: true, vectored: true };
    for role in ROLES {
        for polls in 1..12 {
            let (mut conn, remote) = deflating_with(role, Config::new(), slow, false);
            let messages: Vec<_> = (1..4).map(|number| Message::text(document(number))).collect();
            written(role, &messages).into_iter().for_each(|bytes| remote.send(bytes));
            for message in &messages {
                let read = (0..1_000_000).find_map(|_| poll_and_drop(conn.read_message(), polls));
                assert_eq!(read.unwrap().unwrap().as_ref(), Some(message));
            }
        }
    }
}

#[test]
fn message_whose_read_was_given_up_is_streamed_from_its_beginning() {
    for role in ROLES {
        for cut in [1, 20, 60] {
            let (mut conn, remote) = deflating(role);
            let bytes = written(role, &[Message::text(document(3))]).remove(0);
            remote.send(&bytes[..cut]);
            assert!(now(conn.read_message()).is_none());
            remote.send(&bytes[cut..]);
            let mut out = String::new();
            finish(async {
                conn.next_reader().await.unwrap().unwrap().read_to_string(&mut out).await.unwrap();
            });
            assert_eq!(out, document(3));
        }
    }
}

#[test]
fn control_frames_pass_between_the_fragments() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let control = conn.control();
        finish(async {
            let mut writer = conn.next_writer(MessageKind::Text).await.unwrap();
            for _ in 0..3 {
                writer.write_all(document(2).as_bytes()).await.unwrap();
                control.send_ping("between").unwrap();
                writer.flush().await.unwrap();
            }
            writer.finish().await.unwrap();
        });
        let bytes = remote.take();
        let pings =
            headers(&bytes).iter().filter(|(rsv1, _, opcode, _)| *opcode == Opcode::PING && !rsv1).count();
        assert_eq!(pings, 3);
        assert_eq!(Reader::of(role).read(bytes), Message::text(document(2).repeat(3)));
    }
}

#[test]
fn what_cannot_be_decompressed_fails_the_connection_with_1007() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = deflating(role);
            let mut bytes = frame(role, Opcode::TEXT, &[0xFF, 0xFF, 0xFF]);
            bytes[0] |= 0x40;
            remote.send([text(role, "before"), bytes, text(role, "after")].concat());
            remote.end();
            assert_eq!(finish(conn.read_message()).unwrap(), Some(Message::text("before")));
            let error = finish(conn.read_message()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::InvalidDeflate));
            assert_eq!(frames(&remote.take()), [code(1007)]);
            // Every further call gives the same.
            let error = finish(conn.read_message()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Protocol(ProtocolError::InvalidDeflate));
        }
    });
}

#[test]
fn close_in_the_middle_of_a_compressed_message_is_no_end_of_it() {
    with_timers(|| {
        for role in ROLES {
            let (mut conn, remote) = deflating(role);
            let bytes = written(role, &[Message::text(document(3))]).remove(0);
            let (header, len) = FrameHeader::decode(&bytes).unwrap().unwrap();
            let mut first = bytes.clone();
            // The whole payload in a frame that is not the last.
            first[0] &= 0x7F;
            assert_eq!(header.payload_len as usize, bytes.len() - len);
            remote.send([first, close(role, 1000)].concat());
            remote.end();
            let mut out = Vec::new();
            let error = finish(async {
                conn.next_reader().await.unwrap().unwrap().read_to_end(&mut out).await.unwrap_err()
            });
            assert_eq!(out, document(3).as_bytes());
            let error = error.downcast::<ws_core::Error>().unwrap();
            assert!(matches!(error.kind(), ErrorKind::Closed(_)));
        }
    });
}

#[test]
fn decompressed_bytes_are_what_the_budget_counts() {
    with_timers(|| {
        for role in ROLES {
            let message = Message::binary(vec![0; 300_000]);
            let bytes = written(role, std::slice::from_ref(&message)).remove(0);
            assert!(bytes.len() < 2000);
            for (budget, is_enough) in [(100_000, false), (1 << 20, true)] {
                let budget = InboundBudget::new(budget);
                let config = Config::new().inbound_budget(budget);
                let (mut conn, remote) = deflating_with(role, config, Pace::default(), false);
                remote.send(&bytes);
                remote.end();
                match finish(conn.read_message()) {
                    Ok(read) => assert!(is_enough && read == Some(message.clone())),
                    Err(error) => assert!(!is_enough && error.kind() == &ErrorKind::OutOfBudget, "{error}"),
                }
            }
        }
    });
}

#[test]
fn reader_that_takes_little_leaves_the_rest_compressed() {
    for role in ROLES {
        let config = Config::new().max_message_size(None).read_buffer_size(1024);
        let (mut conn, remote) = deflating_with(role, config, Pace::default(), true);
        // 64 MiB in 64 KiB.
        let mut writer = deflating_with(peer(role), Config::new(), Pace::default(), true);
        finish(writer.0.write_message(vec![0; 64 << 20])).unwrap();
        let bytes = writer.1.take();
        let len = bytes.len();
        remote.send(bytes);
        finish(async {
            let mut reader = conn.next_reader().await.unwrap().unwrap();
            let mut some = vec![1; 100_000];
            reader.read_exact(&mut some).await.unwrap();
            assert!(some.iter().all(|byte| *byte == 0));
        });
        let left = conn.get_ref().unread();
        assert!(left >= len - 8192, "{left} of {len}");
    }
}

#[test]
fn small_message_that_becomes_a_large_one_lets_other_tasks_run() {
    for role in ROLES {
        let config = Config::new().max_message_size(None);
        let (mut conn, remote) = deflating_with(role, config, Pace::default(), true);
        let mut writer = deflating_with(peer(role), Config::new(), Pace::default(), true);
        finish(writer.0.write_message(vec![0; 32 << 20])).unwrap();
        remote.send(writer.1.take());
        let mut polls = 0;
        let message = loop {
            polls += 1;
            if let Some(message) = once(conn.read_message()) {
                break message;
            }
        };
        assert_eq!(message.unwrap().unwrap().into_data().len(), 32 << 20);
        assert!(polls >= 20, "{polls}");
    }
}

#[test]
fn message_that_takes_long_to_decompress_to_nothing_lets_other_tasks_run() {
    // Stored blocks without content; of the last one, the header.
    let nothing = [&[0, 0, 0, 0xFF, 0xFF].repeat(100 << 10)[..], &[0]].concat();
    for role in ROLES {
        let config = Config::new().max_message_size(None);
        let (mut conn, remote) = deflating_with(role, config, Pace::default(), true);
        let mut bytes = frame(role, Opcode::BINARY, &nothing);
        bytes[0] |= 0x40;
        remote.send(bytes);
        let mut polls = 0;
        let message = loop {
            polls += 1;
            if let Some(message) = once(conn.read_message()) {
                break message;
            }
        };
        assert_eq!(message.unwrap().unwrap(), Message::binary(vec![]));
        assert!(polls >= 8, "{polls}");
    }
}

#[test]
fn many_small_messages_that_become_large_ones_let_other_tasks_run() {
    for role in ROLES {
        let (mut conn, remote) = deflating_with(role, Config::new(), Pace::default(), true);
        let mut writer = deflating_with(peer(role), Config::new(), Pace::default(), true);
        finish(writer.0.write_message(vec![0; 200_000])).unwrap();
        // 20 MB in 20 KB, of which one read takes all.
        remote.send(writer.1.take().repeat(100));
        let mut most = 0;
        let mut in_one_turn = 0;
        for _ in 0..100 {
            while once(conn.read_message()).is_none() {
                in_one_turn = 0;
            }
            in_one_turn += 1;
            most = most.max(in_one_turn);
        }
        assert!(most < 10, "{most}");
    }
}

/// Whoever is gone by then is noticed before more is decompressed.
#[test]
fn answers_to_messages_that_become_large_ones_go_out_before_other_tasks_run() {
    for role in ROLES {
        let (mut conn, remote) = deflating_with(role, Config::new(), Pace::default(), true);
        let mut writer = deflating_with(peer(role), Config::new(), Pace::default(), true);
        finish(writer.0.write_message(vec![0; 200_000])).unwrap();
        remote.send(writer.1.take().repeat(100));
        let mut read = 0;
        while once(conn.read_message()).is_some() {
            read += 1;
            now(conn.queue_message("answer")).expect("there is room").unwrap();
        }
        assert_eq!(frames(&remote.take()).len(), read, "{role:?}");
    }
}

#[test]
fn choice_of_a_write_half_holds_for_one_queued_message() {
    for role in ROLES {
        let (conn, remote) = deflating(role);
        let (_read, mut write) = conn.into_split();
        finish(write.queue_message_with(document(3), Compression::Off)).unwrap();
        finish(write.queue_message(document(3))).unwrap();
        assert!(remote.take().is_empty());
        finish(write.flush()).unwrap();
        let compressed: Vec<_> = headers(&remote.take()).iter().map(|header| header.0).collect();
        assert_eq!(compressed, [false, true]);
    }
}

// Shows Z-11.
#[test]
fn without_the_extension_nothing_is_compressed_whatever_is_set() {
    for role in ROLES {
        let (mut conn, remote) = crate::pipe::conn(role);
        conn.set_write_compression(Compression::On);
        conn.set_compression_level(CompressionLevel::BEST);
        finish(conn.write_message_with(document(1), Compression::On)).unwrap();
        assert!(!headers(&remote.take())[0].0);
        assert_eq!(conn.deflate(), None);
    }
}

#[cfg(feature = "json")]
#[test]
fn json_is_compressed() {
    for role in ROLES {
        let (mut conn, remote) = deflating(role);
        let value: Vec<_> = (0..100).map(|number| format!("item {number}")).collect();
        finish(conn.write_json(&value)).unwrap();
        let bytes = remote.take();
        assert!(headers(&bytes)[0].0);
        let (mut other, wire) = deflating(peer(role));
        wire.send(bytes);
        assert_eq!(finish(other.read_json::<Vec<String>>()).unwrap(), Some(value));
    }
}

#[test]
fn level_none_and_the_threshold_are_those_of_the_configuration() {
    for role in ROLES {
        for (deflate, compressed) in [
            (DeflateConfig::new().level(CompressionLevel::NONE), false),
            (DeflateConfig::new().threshold(1 << 20), false),
            (DeflateConfig::new(), true),
        ] {
            let config = Config::new().compression(deflate);
            let (mut conn, remote) = deflating_with(role, config, Pace::default(), false);
            finish(conn.write_message(document(1))).unwrap();
            assert_eq!(headers(&remote.take())[0].0, compressed);
        }
    }
}
