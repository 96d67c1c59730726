use tokio::io::BufWriter;
use ws_core::{
    CloseCode, CloseFrame, ErrorKind, Message, ProtocolError, Role, UsageError,
    frame::{FrameHeader, Opcode},
    raw::{Frame, read_message, write_message},
};

use crate::{
    stream::{Both, Pieces, Recorder, run},
    wire::{frames, part, to},
};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

type Stream = Both<Pieces, Recorder>;

fn stream(wire: &[Vec<u8>]) -> Stream {
    Both(Pieces::new(&wire.concat(), 7), Recorder::default())
}

/// The frames that were answered.
fn answers(stream: &Stream) -> Vec<(Opcode, Vec<u8>)> {
    frames(&stream.1.bytes()).into_iter().map(|(_, opcode, payload)| (opcode, payload)).collect()
}

#[test]
fn control_frames_are_answered_on_the_way() {
    for role in ROLES {
        let mut stream = stream(&[
            to(role, Frame::ping("first").unwrap()),
            to(role, part(Opcode::TEXT, b"in \xC3")),
            to(role, Frame::ping("").unwrap()),
            to(role, Frame::pong("unasked").unwrap()),
            to(role, Frame::continuation(&b"\xA9 pieces"[..])),
            to(role, Frame::binary("next")),
        ]);
        assert_eq!(run(read_message(&mut stream, role, 100)).unwrap(), Some(Message::text("in é pieces")));
        assert_eq!(answers(&stream), [(Opcode::PONG, b"first".to_vec()), (Opcode::PONG, vec![])]);
        let (header, _) = FrameHeader::decode(&stream.1.bytes()).unwrap().unwrap();
        assert_eq!(header.mask.is_some(), role == Role::Client);
        assert_eq!(run(read_message(&mut stream, role, 100)).unwrap(), Some(Message::binary("next")));
    }
}

#[test]
fn answers_are_flushed_through_a_stream_that_buffers() {
    let role = Role::Server;
    let cases = [
        (to(role, Frame::ping("hi").unwrap()), (Opcode::PONG, b"hi".to_vec())),
        (to(role, Frame::close(CloseFrame::new(1000, "")).unwrap()), (Opcode::CLOSE, vec![0x03, 0xE8])),
        (to(role, Frame::continuation("x")), (Opcode::CLOSE, vec![0x03, 0xEA])),
    ];
    for (wire, answer) in cases {
        let mut stream = Both(Pieces::new(&wire, 7), BufWriter::new(Recorder::default()));
        let _ = run(read_message(&mut stream, role, 100));
        let arrived = frames(&stream.1.get_ref().bytes());
        assert_eq!(arrived, [(true, answer.0, answer.1)]);
    }
}

#[test]
fn close_frame_is_echoed_and_ends_the_reading() {
    for (frame, answer) in [
        (None, vec![]),
        (Some(CloseFrame::new(1000, "done")), vec![0x03, 0xE8]),
        (Some(CloseFrame::new(1001, "")), vec![0x03, 0xE9]),
    ] {
        let mut stream = stream(&[
            to(Role::Server, part(Opcode::BINARY, b"unfinished")),
            to(Role::Server, Frame::close(frame).unwrap()),
        ]);
        assert_eq!(run(read_message(&mut stream, Role::Server, 100)).unwrap(), None);
        assert_eq!(answers(&stream), [(Opcode::CLOSE, answer)]);
    }
    let frame = CloseFrame::new(1011, "broken");
    let mut stream = stream(&[to(Role::Client, Frame::close(frame.clone()).unwrap())]);
    let error = run(read_message(&mut stream, Role::Client, 100)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Closed(Some(frame)));
    assert_eq!(answers(&stream), [(Opcode::CLOSE, vec![0x03, 0xF3])]);
}

#[test]
fn end_without_a_close_frame_is_a_lost_connection() {
    let wire = to(Role::Server, Frame::text("hello"));
    for cut in 0..wire.len() {
        let error = run(read_message(&mut stream(&[wire[..cut].to_vec()]), Role::Server, 100)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "cut at {cut}");
    }
}

#[test]
fn violations_are_answered_with_their_close_code() {
    let cases: [(Vec<u8>, ErrorKind, CloseCode); 6] = [
        (
            Frame::text("unmasked").encode().to_vec(),
            ErrorKind::Protocol(ProtocolError::UnmaskedFrame),
            CloseCode::PROTOCOL_ERROR,
        ),
        (
            to(Role::Server, Frame::continuation("x")),
            ErrorKind::Protocol(ProtocolError::UnexpectedContinuation),
            CloseCode::PROTOCOL_ERROR,
        ),
        (
            to(Role::Server, Frame::new(Opcode::TEXT, &b"\xFF"[..])),
            ErrorKind::Protocol(ProtocolError::InvalidUtf8),
            CloseCode::INVALID_PAYLOAD,
        ),
        (
            to(Role::Server, Frame::new(Opcode::CLOSE, &b"\x03"[..])),
            ErrorKind::Protocol(ProtocolError::ClosePayloadTooShort),
            CloseCode::PROTOCOL_ERROR,
        ),
        (
            vec![0x82, 0xFE, 0, 1],
            ErrorKind::Protocol(ProtocolError::NonMinimalLength),
            CloseCode::PROTOCOL_ERROR,
        ),
        (
            to(Role::Server, Frame::binary(vec![0; 11])),
            ErrorKind::TooBig { limit: 10 },
            CloseCode::MESSAGE_TOO_BIG,
        ),
    ];
    for (wire, kind, code) in cases {
        let mut stream = stream(&[wire]);
        let error = run(read_message(&mut stream, Role::Server, 10)).unwrap_err();
        assert_eq!(*error.kind(), kind);
        assert_eq!(answers(&stream), [(Opcode::CLOSE, code.as_u16().to_be_bytes().to_vec())]);
    }
}

#[test]
fn limit_is_of_the_message_and_not_of_its_frames() {
    let fragments = |last: usize| {
        stream(&[
            to(Role::Client, part(Opcode::BINARY, &[0; 6])),
            to(Role::Client, Frame::continuation(vec![0; last])),
        ])
    };
    let message = run(read_message(&mut fragments(4), Role::Client, 10)).unwrap();
    assert_eq!(message, Some(Message::binary(vec![0; 10])));
    let error = run(read_message(&mut fragments(5), Role::Client, 10)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooBig { limit: 10 });
}

#[test]
fn text_fails_within_its_frame_and_at_its_end() {
    // 100 bytes are announced; the stream ends after the wrong one.
    let mut early = Both(Pieces::new(b"\x81\x64ab\xFF", 1), Recorder::default());
    let error = run(read_message(&mut early, Role::Client, 100)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Protocol(ProtocolError::InvalidUtf8));
    let mut late = stream(&[to(Role::Client, Frame::new(Opcode::TEXT, &b"a\xE2\x82"[..]))]);
    let error = run(read_message(&mut late, Role::Client, 100)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Protocol(ProtocolError::InvalidUtf8));
}

#[test]
fn message_is_written_in_one_frame_and_one_write() {
    for role in ROLES {
        let messages = [
            (Message::text("text"), Opcode::TEXT, b"text".to_vec()),
            (Message::binary(vec![1; 70_000]), Opcode::BINARY, vec![1; 70_000]),
            (Message::Ping("ping".into()), Opcode::PING, b"ping".to_vec()),
            (Message::Pong("pong".into()), Opcode::PONG, b"pong".to_vec()),
            (Message::Close(None), Opcode::CLOSE, vec![]),
        ];
        for (message, opcode, payload) in messages {
            for mut stream in [Recorder::default(), Recorder::vectored()] {
                let kept = message.clone();
                run(write_message(&mut stream, role, message.clone())).unwrap();
                assert_eq!(kept, message, "masking does not reach who shares the payload");
                assert_eq!(stream.writes.len(), 1);
                assert_eq!(frames(&stream.bytes()), [(true, opcode, payload.clone())]);
                let (header, _) = FrameHeader::decode(&stream.bytes()).unwrap().unwrap();
                assert_eq!(header.mask.is_some(), role == Role::Client);
            }
        }
    }
}

#[test]
fn control_frames_that_must_not_be_sent_are_not() {
    let mut stream = Recorder::default();
    let error =
        run(write_message(&mut stream, Role::Server, Message::Ping(vec![0; 126].into()))).unwrap_err();
    assert_eq!(error.usage(), Some(UsageError::ControlTooLong));
    let close = Message::Close(Some(CloseFrame::new(1006, "")));
    let error = run(write_message(&mut stream, Role::Server, close)).unwrap_err();
    assert_eq!(error.usage(), Some(UsageError::UnsendableCloseCode));
    assert_eq!(stream.writes.len(), 0);
}
