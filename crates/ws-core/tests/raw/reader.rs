use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::AsyncReadExt as _;
use ws_core::{
    CloseCode, Error, ErrorKind, ProtocolError, Role, UsageError,
    frame::{FrameHeader, Opcode, ReservedBits},
    raw::{Frame, FrameChecker, FrameReader},
};

use crate::{
    stream::{Pieces, run, run_for},
    wire::{KEY, part, to},
};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// The rule or limit behind an error of `AsyncRead`.
fn kind(error: &io::Error) -> &ErrorKind {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).expect("an error of ours").kind()
}

fn read<R: tokio::io::AsyncRead + Unpin>(reader: &mut FrameReader<R>) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    run(reader.read_to_end(&mut payload)).map(|_| payload)
}

#[test]
fn message_is_read_to_its_end_with_control_frames_between_its_fragments() {
    for role in ROLES {
        let wire = [
            to(role, part(Opcode::TEXT, b"frag")),
            to(role, Frame::ping("one").unwrap()),
            to(role, part(Opcode::CONTINUATION, b"")),
            to(role, Frame::pong("two").unwrap()),
            to(role, part(Opcode::CONTINUATION, b"men")),
            to(role, Frame::continuation("ted")),
            to(role, Frame::binary("next")),
        ]
        .concat();
        for width in [1, 2, 3, 5, 1000] {
            let (seen, continued) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
            let (seen_by_hook, continued_by_hook) = (seen.clone(), continued.clone());
            let mut reader = FrameReader::new(Pieces::new(&wire, width), role)
                .on_control(move |header, payload| {
                    seen_by_hook.lock().unwrap().push((header.opcode, payload.to_vec()));
                    Ok(())
                })
                .on_continuation(move |_| *continued_by_hook.lock().unwrap() += 1);
            let header = run(reader.next_frame()).unwrap().unwrap();
            assert_eq!((header.opcode, header.fin, header.payload_len), (Opcode::TEXT, false, 4));
            assert_eq!(read(&mut reader).unwrap(), b"fragmented");
            assert!(reader.is_at_end());
            assert_eq!(read(&mut reader).unwrap(), b"", "the end stays the end");
            assert_eq!(
                *seen.lock().unwrap(),
                [(Opcode::PING, b"one".to_vec()), (Opcode::PONG, b"two".to_vec())]
            );
            assert_eq!(*continued.lock().unwrap(), 3);
            let header = run(reader.next_frame()).unwrap().unwrap();
            assert_eq!(header.opcode, Opcode::BINARY);
            assert_eq!(read(&mut reader).unwrap(), b"next");
            assert_eq!(run(reader.next_frame()).unwrap(), None);
        }
    }
}

#[test]
fn control_frames_between_messages_are_frames_like_others() {
    let wire = [to(Role::Server, Frame::ping("hi").unwrap()), to(Role::Server, Frame::text("x"))].concat();
    let mut reader = FrameReader::new(&wire[..], Role::Server);
    assert_eq!(run(reader.next_frame()).unwrap().unwrap().opcode, Opcode::PING);
    assert_eq!(read(&mut reader).unwrap(), b"hi");
    assert_eq!(run(reader.next_frame()).unwrap().unwrap().opcode, Opcode::TEXT);
}

#[test]
fn control_frames_within_a_message_are_dropped_without_a_hook() {
    let wire = [
        to(Role::Client, part(Opcode::BINARY, b"a")),
        to(Role::Client, Frame::ping(vec![1; 125]).unwrap()),
        to(Role::Client, Frame::continuation("b")),
    ]
    .concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client);
    run(reader.next_frame()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), b"ab");
}

#[test]
fn error_of_the_hook_reaches_the_reader_and_reading_can_go_on() {
    let wire = [
        to(Role::Client, part(Opcode::BINARY, b"a")),
        to(Role::Client, Frame::ping("stop").unwrap()),
        to(Role::Client, Frame::continuation("b")),
    ]
    .concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client)
        .on_control(|_, payload| Err(io::Error::other(String::from_utf8_lossy(payload).into_owned())));
    run(reader.next_frame()).unwrap();
    assert_eq!(run(reader.read_u8()).unwrap(), b'a');
    let error = run(reader.read_u8()).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::Io(io::ErrorKind::Other));
    assert_eq!(run(reader.read_u8()).unwrap(), b'b');
}

#[test]
fn error_of_the_hook_comes_as_it_is() {
    let wire =
        [to(Role::Client, part(Opcode::BINARY, b"a")), to(Role::Client, Frame::ping("").unwrap())].concat();
    let read_with = |error: fn() -> io::Error| {
        let mut reader = FrameReader::new(&wire[..], Role::Client).on_control(move |_, _| Err(error()));
        run(reader.next_frame()).unwrap();
        read(&mut reader).unwrap_err()
    };
    // Not the end of this stream, whatever it was that ended.
    let error = read_with(|| io::ErrorKind::UnexpectedEof.into());
    assert_eq!(*kind(&error), ErrorKind::Io(io::ErrorKind::UnexpectedEof));
    let error = read_with(|| Error::from(UsageError::ControlTooLong).into());
    assert_eq!(*kind(&error), ErrorKind::Usage(UsageError::ControlTooLong));
}

#[test]
fn hook_that_panics_is_not_called_again_for_its_frame() {
    for panics_at in [Opcode::PING, Opcode::CONTINUATION] {
        let wire = [
            to(Role::Server, part(Opcode::BINARY, b"a")),
            to(Role::Server, Frame::ping("hi").unwrap()),
            to(Role::Server, Frame::continuation("bc")),
        ]
        .concat();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let of_control = calls.clone();
        let of_continuation = calls.clone();
        let mut reader = FrameReader::new(&wire[..], Role::Server)
            .on_control(move |header, payload| {
                of_control.lock().unwrap().push((header.opcode, payload.to_vec()));
                assert!(header.opcode != panics_at);
                Ok(())
            })
            .on_continuation(move |header| {
                of_continuation.lock().unwrap().push((header.opcode, Vec::new()));
                assert!(header.opcode != panics_at);
            });
        run(reader.next_frame()).unwrap();
        assert_eq!(run(reader.read_u8()).unwrap(), b'a');
        panic::catch_unwind(AssertUnwindSafe(|| read(&mut reader))).unwrap_err();
        assert_eq!(read(&mut reader).unwrap(), b"bc");
        let expected = [(Opcode::PING, b"hi".to_vec()), (Opcode::CONTINUATION, Vec::new())];
        assert_eq!(*calls.lock().unwrap_or_else(PoisonError::into_inner), expected);
    }
}

#[test]
fn reading_before_the_first_frame_is_an_error() {
    let mut reader = FrameReader::new(&b"\x81\x00"[..], Role::Client);
    let error = read(&mut reader).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::Usage(UsageError::FrameNotBegun));
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    run(reader.discard()).unwrap();
    assert!(run(reader.next_frame()).unwrap().is_some());
    assert_eq!(read(&mut reader).unwrap(), b"");
}

#[test]
fn rest_of_a_message_is_discarded_fragments_and_all() {
    let wire = [
        to(Role::Server, part(Opcode::BINARY, &[1; 10_000])),
        to(Role::Server, Frame::ping("").unwrap()),
        to(Role::Server, Frame::continuation(vec![2; 10_000])),
        to(Role::Server, Frame::text("next")),
    ]
    .concat();
    for explicit in [true, false] {
        let mut reader = FrameReader::new(Pieces::new(&wire, 999), Role::Server);
        run(reader.next_frame()).unwrap();
        assert_eq!(run(reader.read_u8()).unwrap(), 1);
        if explicit {
            run(reader.discard()).unwrap();
            assert!(reader.is_at_end());
            assert_eq!(read(&mut reader).unwrap(), b"");
        }
        assert_eq!(run(reader.next_frame()).unwrap().unwrap().opcode, Opcode::TEXT);
        assert_eq!(read(&mut reader).unwrap(), b"next");
    }
}

#[test]
fn end_of_the_stream_within_a_message_is_an_error_at_every_byte() {
    for role in ROLES {
        let wire = [
            to(role, part(Opcode::TEXT, b"ab")),
            to(role, Frame::ping("x").unwrap()),
            to(role, Frame::continuation("c")),
        ]
        .concat();
        for cut in 1..wire.len() {
            let mut reader = FrameReader::new(&wire[..cut], role);
            let error = match run(reader.next_frame()) {
                Ok(_) => kind(&read(&mut reader).unwrap_err()).clone(),
                Err(error) => error.kind().clone(),
            };
            assert_eq!(error, ErrorKind::ConnectionLost, "cut at {cut}");
        }
    }
}

#[test]
fn errors_of_reading_have_the_kind_of_their_cause() {
    let mut cut = FrameReader::new(&b"\x82\x05abc"[..], Role::Client);
    run(cut.next_frame()).unwrap();
    assert_eq!(read(&mut cut).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let mut wrong = FrameReader::new(&b"\x81\x01\xFF"[..], Role::Client);
    run(wrong.next_frame()).unwrap();
    assert_eq!(read(&mut wrong).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn frame_over_the_limit_fails_at_its_header_and_stays_failed() {
    let wire = [
        to(Role::Client, part(Opcode::BINARY, &[0; 10])),
        to(Role::Client, Frame::continuation(vec![0; 11])),
    ]
    .concat();
    let mut reader = FrameReader::new(Pieces::new(&wire, usize::MAX), Role::Client).max_frame_size(10);
    run(reader.next_frame()).unwrap();
    let error = read(&mut reader).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::TooBig { limit: 10 });
    assert_eq!(reader.get_ref().left(), 11, "the payload is not read");
    for _ in 0..2 {
        let error = run(reader.next_frame()).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
    }
}

#[test]
fn message_over_the_limit_fails_at_the_header_that_exceeds_it() {
    let fragment = to(Role::Client, part(Opcode::CONTINUATION, &[0; 4]));
    let wire = [to(Role::Client, part(Opcode::BINARY, &[0; 4])), fragment.clone(), fragment].concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client).max_message_size(11);
    run(reader.next_frame()).unwrap();
    let mut payload = Vec::new();
    let error = run(reader.read_to_end(&mut payload)).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::TooBig { limit: 11 });
    assert_eq!(payload.len(), 8);
}

#[test]
fn limits_of_messages_are_not_for_control_frames() {
    for role in ROLES {
        let frame = to(role, Frame::ping(vec![7; 125]).unwrap());
        let within = [to(role, part(Opcode::BINARY, b"a")), frame.clone(), to(role, Frame::continuation(""))];
        let wire = [frame, within.concat()].concat();
        let mut reader = FrameReader::new(&wire[..], role).max_message_size(1).max_frame_size(1);
        let header = run(reader.next_frame()).unwrap().unwrap();
        assert_eq!(header.opcode, Opcode::PING);
        assert_eq!(read(&mut reader).unwrap(), [7; 125]);
        run(reader.next_frame()).unwrap().unwrap();
        assert_eq!(read(&mut reader).unwrap(), b"a");
    }
}

#[test]
fn limits_are_those_of_a_connection_of_the_role_unless_set() {
    let refusal = |role: Role, payload_len: u64| {
        let mask = (role == Role::Server).then_some(KEY);
        let header = FrameHeader { mask, ..FrameHeader::new(Opcode::BINARY, payload_len) };
        let wire = header.encode().to_vec();
        let result = run(FrameReader::new(&wire[..], role).next_frame());
        result.err().map(|error| error.kind().clone())
    };
    for (role, limit) in [(Role::Server, 1 << 20), (Role::Client, 16 << 20)] {
        assert_eq!(refusal(role, limit), None);
        assert_eq!(refusal(role, limit + 1), Some(ErrorKind::TooBig { limit }));
    }
    for (role, limit) in [(Role::Server, 16_384), (Role::Client, 262_144)] {
        let endless = to(role, part(Opcode::CONTINUATION, b"")).repeat(limit);
        let wire = [to(role, part(Opcode::BINARY, b"")), endless].concat();
        let fitting = wire.len() - wire.len() / (limit + 1);
        let mut reader = FrameReader::new(&wire[..fitting], role);
        run(reader.next_frame()).unwrap();
        assert_eq!(*kind(&read(&mut reader).unwrap_err()), ErrorKind::ConnectionLost);
        let mut reader = FrameReader::new(&wire[..], role);
        run(reader.next_frame()).unwrap();
        let refused = ErrorKind::Protocol(ProtocolError::TooManyFragments);
        assert_eq!(*kind(&read(&mut reader).unwrap_err()), refused);
    }
}

#[test]
fn limit_may_be_lowered_below_what_was_announced() {
    let wire =
        [to(Role::Client, part(Opcode::BINARY, &[0; 100])), to(Role::Client, Frame::continuation("x"))]
            .concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client);
    run(reader.next_frame()).unwrap();
    let mut reader = reader.max_message_size(10);
    let error = run(reader.discard()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooBig { limit: 10 });
}

#[test]
fn lengths_near_the_largest_number_do_not_wrap() {
    let huge = FrameHeader { fin: false, ..FrameHeader::new(Opcode::BINARY, u64::MAX >> 1) };
    let mut reader = FrameReader::new(io::Cursor::new(huge.encode().to_vec()), Role::Client)
        .max_frame_size(None)
        .max_message_size(None);
    assert_eq!(run(reader.next_frame()).unwrap(), Some(huge));
    assert_eq!(read(&mut reader).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn endless_fragments_are_refused() {
    let empty = to(Role::Client, part(Opcode::CONTINUATION, b""));
    let wire = [to(Role::Client, part(Opcode::BINARY, b"")), empty.repeat(5)].concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client).max_fragments(3);
    run(reader.next_frame()).unwrap();
    let error = read(&mut reader).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::Protocol(ProtocolError::TooManyFragments));
}

#[test]
fn character_may_be_split_over_frames_and_over_control_frames() {
    let text = "aé€𝄞".as_bytes();
    for cut in 0..=text.len() {
        let wire = [
            to(Role::Server, part(Opcode::TEXT, &text[..cut])),
            to(Role::Server, Frame::ping(&b"\xFF"[..]).unwrap()),
            to(Role::Server, Frame::continuation(text[cut..].to_vec())),
            to(Role::Server, Frame::text("again")),
        ]
        .concat();
        let mut reader = FrameReader::new(Pieces::new(&wire, 1), Role::Server);
        for expected in [text, b"again"] {
            run(reader.next_frame()).unwrap();
            assert_eq!(read(&mut reader).unwrap(), expected, "cut at {cut}");
        }
    }
}

#[test]
fn text_that_is_not_utf8_fails_within_its_frame() {
    // 100 bytes are announced, and the second of three that have arrived is wrong.
    let mut reader = FrameReader::new(Pieces::new(b"\x81\x64a\xFFb", 1), Role::Client);
    run(reader.next_frame()).unwrap();
    assert_eq!(run(reader.read_u8()).unwrap(), b'a');
    let error = run(reader.read_u8()).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::Protocol(ProtocolError::InvalidUtf8));
}

#[test]
fn text_that_ends_within_a_character_fails_even_if_its_last_frame_is_empty() {
    for last in [&b""[..], b"\xC3"] {
        let wire = [
            to(Role::Client, part(Opcode::TEXT, b"a\xC3")),
            to(Role::Client, Frame::continuation(last.to_vec())),
        ]
        .concat();
        for discards in [false, true] {
            let mut reader = FrameReader::new(&wire[..], Role::Client);
            run(reader.next_frame()).unwrap();
            let error = if discards {
                run(reader.discard()).unwrap_err().kind().clone()
            } else {
                kind(&read(&mut reader).unwrap_err()).clone()
            };
            assert_eq!(error, ErrorKind::Protocol(ProtocolError::InvalidUtf8));
        }
    }
}

#[test]
fn text_is_unchecked_on_request_and_binary_always() {
    let text = to(Role::Client, Frame::new(Opcode::TEXT, &b"\xFF"[..]));
    let mut reader = FrameReader::new(&text[..], Role::Client).without_utf8_check();
    run(reader.next_frame()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), b"\xFF");
    let binary = to(Role::Client, Frame::binary(&b"\xFF"[..]));
    let mut reader = FrameReader::new(&binary[..], Role::Client);
    run(reader.next_frame()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), b"\xFF");
}

#[test]
fn headers_are_held_to_the_rules_within_messages_too() {
    let cases: [(Vec<u8>, ProtocolError); 4] = [
        (Frame::text("x").encode().to_vec(), ProtocolError::ExpectedContinuation),
        (vec![0x09, 0], ProtocolError::FragmentedControl),
        (vec![0x89, 126, 0, 126], ProtocolError::ControlTooLong),
        (vec![0xC0, 0], ProtocolError::ReservedBits),
    ];
    for (second, rule) in cases {
        let wire = [to(Role::Client, part(Opcode::BINARY, b"a")), second].concat();
        let mut reader = FrameReader::new(&wire[..], Role::Client);
        run(reader.next_frame()).unwrap();
        assert_eq!(*kind(&read(&mut reader).unwrap_err()), ErrorKind::Protocol(rule));
        let again = run(reader.next_frame()).unwrap_err();
        assert_eq!(*again.kind(), ErrorKind::Protocol(rule), "a violation is final");
    }
}

#[test]
fn headers_go_unchecked_on_request_but_control_frames_stay_bounded() {
    // A masked frame for a client, a reserved opcode, a message within a message.
    let wire = [&b"\x03\x81\x00\x00\x00\x00a"[..], b"\x82\x01b"].concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client).without_header_check();
    assert_eq!(run(reader.next_frame()).unwrap().unwrap().opcode, Opcode::from_bits(3));
    assert_eq!(read(&mut reader).unwrap(), b"ab");

    // Text that calls its second fragment text is one text.
    let mut reader = FrameReader::new(&b"\x01\x01\xC3\x81\x01\xA9"[..], Role::Client).without_header_check();
    run(reader.next_frame()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), "é".as_bytes());

    let wire = [&b"\x02\x00"[..], b"\x89\x7E\x00\x7E"].concat();
    let mut reader = FrameReader::new(&wire[..], Role::Client).without_header_check();
    run(reader.next_frame()).unwrap();
    let error = read(&mut reader).unwrap_err();
    assert_eq!(*kind(&error), ErrorKind::Protocol(ProtocolError::ControlTooLong));
}

#[test]
fn extensions_claim_bits_of_data_frames_only() {
    let marked = |frame: Frame| to(Role::Client, frame.with_reserved(ReservedBits::RSV2));
    let claims = |header: &FrameHeader| {
        assert!(!header.opcode.is_control(), "nobody is asked about control frames");
        let is_first = header.opcode != Opcode::CONTINUATION;
        Ok(if is_first { ReservedBits::RSV2 } else { ReservedBits::NONE })
    };
    let reader = |wire: Vec<u8>| FrameReader::new(io::Cursor::new(wire), Role::Client).extension(claims);

    // Not UTF-8: what an extension has made of text is not checked as text.
    let mut good = reader(marked(Frame::new(Opcode::TEXT, &b"\xFF"[..])));
    let header = run(good.next_frame()).unwrap().unwrap();
    assert_eq!(header.reserved, ReservedBits::RSV2);
    assert_eq!(read(&mut good).unwrap(), b"\xFF");

    let refused = ErrorKind::Protocol(ProtocolError::ReservedBits);
    let mut ping = reader(marked(Frame::ping("").unwrap()));
    assert_eq!(*run(ping.next_frame()).unwrap_err().kind(), refused);
    let mut other = reader(to(Role::Client, Frame::binary("").with_reserved(ReservedBits::RSV3)));
    assert_eq!(*run(other.next_frame()).unwrap_err().kind(), refused);
    let mut next = reader([marked(part(Opcode::BINARY, b"a")), marked(Frame::continuation("b"))].concat());
    run(next.next_frame()).unwrap();
    assert_eq!(*kind(&read(&mut next).unwrap_err()), refused);
}

#[test]
fn extension_can_refuse_what_its_own_rules_forbid() {
    let wire = to(Role::Client, Frame::binary("").with_reserved(ReservedBits::RSV1));
    let mut reader =
        FrameReader::new(&wire[..], FrameChecker::from(Role::Client).frame_bits(ReservedBits::RSV1))
            .extension(|_: &FrameHeader| Err(ProtocolError::ReservedBits));
    assert_eq!(
        *run(reader.next_frame()).unwrap_err().kind(),
        ErrorKind::Protocol(ProtocolError::ReservedBits)
    );
}

#[test]
fn dropped_futures_lose_nothing() {
    for role in ROLES {
        let wire = [
            to(role, part(Opcode::TEXT, b"frag")),
            to(role, Frame::ping("between").unwrap()),
            to(role, Frame::continuation("mented")),
            to(role, Frame::text("next")),
        ]
        .concat();
        for width in 1..8 {
            let mut reader = FrameReader::new(Pieces::new(&wire, width), role);
            // Every poll is the first of a new future.
            let retried = |reader: &mut FrameReader<Pieces>| {
                (0..1000).find_map(|_| run_for(1, reader.next_frame())).unwrap().unwrap().unwrap()
            };
            assert_eq!(retried(&mut reader).payload_len, 4);
            let mut payload = [0; 10];
            let mut len = 0;
            for _ in 0..1000 {
                len += run_for(1, reader.read(&mut payload[len..])).map_or(0, Result::unwrap);
            }
            assert_eq!(&payload[..len], b"fragmented");
            assert_eq!(retried(&mut reader).payload_len, 4);
            while run_for(1, reader.discard()).is_none() {}
            assert!(reader.is_at_end());
        }
    }
}

#[test]
fn nothing_is_taken_from_the_stream_beyond_the_message() {
    let wire = [&to(Role::Server, Frame::text("whole"))[..], b"other protocol"].concat();
    let mut reader = FrameReader::new(Pieces::new(&wire, usize::MAX), Role::Server);
    run(reader.next_frame()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), b"whole");
    assert_eq!(reader.into_inner().left(), b"other protocol".len());
}

#[test]
fn stream_that_ended_between_messages_may_go_on() {
    let mut reader = FrameReader::new(Pieces::new(b"\x82\x00", 9), Role::Client);
    run(reader.next_frame()).unwrap();
    assert_eq!(run(reader.next_frame()).unwrap(), None);
    reader.get_mut().push(b"\x82\x01z");
    assert!(run(reader.next_frame()).unwrap().is_some());
    assert_eq!(read(&mut reader).unwrap(), b"z");
}
