//! RSV1: in the first frame of a compressed message, and nowhere else (RFC 7692, 6).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    ErrorKind, MessageKind, ProtocolError, Role, Violation,
    frame::{Opcode, ReservedBits},
    raw::{
        Frame, FrameReader, FrameWriter,
        deflate::{CompressedBit, Deflater, Inflater},
    },
};

use super::{agreed, config, document, other};
use crate::{
    stream::{Pieces, Recorder, run},
    wire::{KEY, part, to},
};

const RSV1: ReservedBits = ReservedBits::RSV1;
const RSV2: ReservedBits = ReservedBits::RSV2;
const NONE: ReservedBits = ReservedBits::NONE;

fn deflater(role: Role) -> Deflater {
    Deflater::new(role, &agreed(15, false), &config())
}

fn inflater(role: Role) -> Inflater {
    Inflater::new(role, &agreed(15, false), &config())
}

#[test]
fn bit_is_set_with_the_payload_and_cleared_with_it() {
    let text = String::from_utf8(document(500)).unwrap();
    let sent = deflater(Role::Server).compress_frame(Frame::text(&*text).with_reserved(RSV2));
    assert_eq!(sent.header().reserved, RSV1.union(RSV2));
    assert!(sent.header().fin && sent.header().opcode == Opcode::TEXT);
    assert_eq!(sent.header().payload_len, sent.payload().len() as u64);
    assert!(sent.payload().len() < 250);
    let received = inflater(Role::Client).decompress_frame(sent, 500).unwrap();
    assert_eq!(received, Frame::text(text).with_reserved(RSV2));
}

#[test]
fn mask_is_taken_off_on_the_way() {
    let frame = Frame::binary(document(500));
    let sent = deflater(Role::Client).compress_frame(frame.masked(KEY));
    assert_eq!(sent.header().mask, None);
    let received = inflater(Role::Server).decompress_frame(sent.masked(KEY), 500).unwrap();
    assert_eq!(received, frame);
}

#[test]
fn control_frames_fragments_and_what_is_compressed_already_are_left_as_they_are() {
    let text = document(500);
    let mut deflater = deflater(Role::Server);
    for frame in [
        Frame::ping(document(125)).unwrap(),
        Frame::close(None).unwrap(),
        part(Opcode::TEXT, &text),
        part(Opcode::CONTINUATION, &text),
        Frame::continuation(text.clone()).masked(KEY),
        Frame::binary(text.clone()).with_reserved(RSV1),
    ] {
        assert_eq!(deflater.compress_frame(frame.clone()), frame);
    }
    let mut inflater = inflater(Role::Client);
    for frame in [
        Frame::pong("pong").unwrap(),
        Frame::binary(text.clone()).masked(KEY),
        Frame::text("text").with_reserved(RSV2),
        Frame::continuation(text.clone()),
        part(Opcode::BINARY, &text).with_reserved(RSV1),
    ] {
        assert_eq!(inflater.decompress_frame(frame.clone(), 10), Ok(frame));
    }
}

#[test]
fn bit_on_control_frames_and_continuations_is_a_violation() {
    for frame in [
        Frame::ping("ping").unwrap(),
        Frame::close(None).unwrap(),
        Frame::continuation("end"),
        part(Opcode::CONTINUATION, b"middle"),
        Frame::new(Opcode::from_bits(3), "reserved"),
    ] {
        let mut inflater = inflater(Role::Client);
        let wrong = Err(Violation::Protocol(ProtocolError::ReservedBits));
        assert_eq!(inflater.decompress_frame(frame.with_reserved(RSV1), 100), wrong);
        assert_eq!(inflater.decompress(&[0], 100), Err(Violation::Protocol(ProtocolError::ReservedBits)));
    }
}

/// The bits of what a writer sends for two messages in fragments, the first compressed, and a ping within each.
#[test]
fn writer_sets_the_bit_in_the_first_frame_only() {
    let bit = CompressedBit::new();
    for role in [Role::Client, Role::Server] {
        let mut writer = FrameWriter::new(Recorder::default(), role, MessageKind::Binary)
            .buffer_size(2)
            .extension(bit.clone());
        for is_compressed in [true, false] {
            bit.set(is_compressed);
            assert_eq!(bit.is_set(), is_compressed);
            run(writer.write_all(b"aabb")).unwrap();
            run(writer.write_control(Frame::ping("").unwrap())).unwrap();
            run(writer.write_all(b"c")).unwrap();
            run(writer.finish()).unwrap();
        }
        let mut input = bytes::BytesMut::from(&writer.get_ref().bytes()[..]);
        let mut seen = Vec::new();
        while let Some(frame) = Frame::decode(&mut input, 10).unwrap() {
            seen.push((frame.header().opcode, frame.header().reserved));
        }
        let message = |first| {
            let rest = [(Opcode::PING, NONE), (Opcode::CONTINUATION, NONE), (Opcode::CONTINUATION, NONE)];
            [[(Opcode::BINARY, first)].as_slice(), &rest].concat()
        };
        assert_eq!(seen, [message(RSV1), message(NONE)].concat());
    }
}

#[test]
fn reader_permits_the_bit_in_the_first_frame_only_and_tells() {
    for role in [Role::Client, Role::Server] {
        let wire = [
            to(role, part(Opcode::TEXT, b"\xFF").with_reserved(RSV1)),
            to(role, Frame::ping("between").unwrap()),
            to(role, Frame::continuation("b")),
            to(role, Frame::pong("").unwrap()),
            to(role, Frame::binary("plain")),
            to(role, Frame::binary("compressed").with_reserved(RSV1)),
        ]
        .concat();
        let bit = CompressedBit::new();
        assert!(!bit.is_set());
        let mut reader = FrameReader::new(Pieces::new(&wire, 3), role).extension(bit.clone());
        let mut seen = Vec::new();
        while let Some(header) = run(reader.next_frame()).unwrap() {
            let mut payload = Vec::new();
            run(reader.read_to_end(&mut payload)).unwrap();
            seen.push((header.opcode, payload, bit.is_set()));
        }
        let expected = [
            (Opcode::TEXT, &b"\xFFb"[..], true),
            // A control frame says nothing about the message.
            (Opcode::PONG, b"", true),
            (Opcode::BINARY, b"plain", false),
            (Opcode::BINARY, b"compressed", true),
        ];
        assert_eq!(seen, expected.map(|(opcode, payload, bit)| (opcode, payload.to_vec(), bit)));
    }
}

#[test]
fn reader_refuses_the_bit_where_it_must_not_be() {
    for role in [Role::Client, Role::Server] {
        let first = |bits| to(role, part(Opcode::BINARY, b"a").with_reserved(bits));
        let ping = Frame::ping("").unwrap().with_reserved(RSV1);
        let last = Frame::continuation("b").with_reserved(RSV1);
        for wire in [
            to(role, ping.clone()),
            [first(RSV1), to(role, ping)].concat(),
            [first(RSV1), to(role, last.clone())].concat(),
            [first(NONE), to(role, last)].concat(),
            first(RSV1.union(RSV2)),
        ] {
            let mut reader = FrameReader::new(&wire[..], role).extension(CompressedBit::new());
            let result = run(async {
                while reader.next_frame().await?.is_some() {
                    reader.discard().await?;
                }
                Ok::<_, ws_core::Error>(())
            });
            let kind = result.unwrap_err().kind().clone();
            assert_eq!(kind, ErrorKind::Protocol(ProtocolError::ReservedBits), "{wire:?}");
        }
        // Without the extension, nowhere.
        let wire = to(role, Frame::binary("a").with_reserved(RSV1));
        let error = run(FrameReader::new(&wire[..], role).next_frame()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Protocol(ProtocolError::ReservedBits));
        assert!(run(FrameReader::new(&to(other(role), Frame::binary("a"))[..], role).next_frame()).is_err());
    }
}
