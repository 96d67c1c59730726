use bytes::{Bytes, BytesMut};
use ws_core::{
    CloseFrame, ErrorKind, Role, UsageError, Violation,
    frame::{FrameHeader, MaskingKey, Opcode, ReservedBits, apply_mask},
    raw::{Frame, random_masking_key, read_frame, write_frame},
};

use crate::{
    stream::{Pieces, Recorder, run},
    wire::KEY,
};

#[test]
fn constructors_make_the_frames_of_section_5_7() {
    assert_eq!(&Frame::text("Hello").encode()[..], b"\x81\x05Hello");
    let masked = Frame::text("Hello").into_masked(KEY).encode();
    assert_eq!(&masked[..], b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(&Frame::text("Hel").with_fin(false).encode()[..], b"\x01\x03Hel");
    assert_eq!(&Frame::continuation("lo").encode()[..], b"\x80\x02lo");
    assert_eq!(&Frame::ping("Hello").unwrap().encode()[..], b"\x89\x05Hello");
    assert_eq!(&Frame::pong("Hello").unwrap().encode()[..], b"\x8A\x05Hello");
    assert_eq!(&Frame::binary(vec![0; 256]).encode()[..4], b"\x82\x7E\x01\x00");
    assert_eq!(&Frame::binary(vec![0; 65536]).encode()[..10], b"\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00");
    assert_eq!(&Frame::close(None).unwrap().encode()[..], b"\x88\x00");
    assert_eq!(&Frame::close(CloseFrame::new(1000, "bye")).unwrap().encode()[..], b"\x88\x05\x03\xE8bye");
    assert_eq!(&Frame::binary("").with_reserved(ReservedBits::RSV2).encode()[..], b"\xA2\x00");
}

#[test]
fn control_frames_over_125_bytes_are_refused() {
    assert!(Frame::ping(vec![0; 125]).is_ok() && Frame::pong(vec![0; 125]).is_ok());
    assert_eq!(Frame::ping(vec![0; 126]), Err(UsageError::ControlTooLong));
    assert_eq!(Frame::pong(vec![0; 126]), Err(UsageError::ControlTooLong));
    let reason = |len| CloseFrame::new(1000, "x".repeat(len));
    assert_eq!(Frame::close(reason(123)).unwrap().payload().len(), 125);
    assert_eq!(Frame::close(reason(124)), Err(UsageError::CloseReasonTooLong));
    assert_eq!(Frame::close(CloseFrame::new(1005, "")), Err(UsageError::UnsendableCloseCode));
}

#[test]
fn masking_a_copy_leaves_the_frame_as_it_is() {
    let frame = Frame::binary("payload");
    let masked = frame.masked(KEY);
    assert_eq!(frame.payload(), "payload");
    assert_ne!(masked.payload(), "payload");
    assert_eq!(masked.header().mask, Some(KEY));
    assert_eq!(masked.unmasked(), frame);
    assert_eq!(masked.clone().into_unmasked(), frame);
    assert_eq!(masked.header().mask, Some(KEY), "the masked one is as it was, too");
}

#[test]
fn masking_in_place_moves_no_bytes_unless_they_are_shared() {
    let payload = Bytes::from(vec![7; 100]);
    let place = payload.as_ptr();
    let masked = Frame::binary(payload).into_masked(KEY);
    assert_eq!(masked.payload().as_ptr(), place);
    let shared = masked.payload().clone();
    let unmasked = masked.into_unmasked();
    assert_ne!(unmasked.payload().as_ptr(), place);
    assert_eq!(unmasked.payload(), &[7; 100][..]);
    assert_ne!(&shared[..], &[7; 100][..], "whoever shares the bytes sees them unchanged");
}

#[test]
fn masking_again_replaces_the_key() {
    let other = MaskingKey::new([9, 8, 7, 6]);
    let frame = Frame::binary("payload");
    assert_eq!(frame.masked(KEY).masked(other), frame.masked(other));
    assert_eq!(frame.masked(KEY).into_masked(other), frame.masked(other));
}

#[test]
fn only_clients_mask_what_they_send_and_with_a_fresh_key() {
    let frame = Frame::text("hi");
    let (one, two) =
        (frame.clone().sent_by(Role::Client).unwrap(), frame.clone().sent_by(Role::Client).unwrap());
    assert_ne!(one.header().mask, None);
    assert_ne!(one.header().mask, two.header().mask, "one chance in 2^32 to fail");
    assert_eq!(one.into_unmasked(), frame);
    assert_eq!(two.sent_by(Role::Server).unwrap(), frame);
}

#[test]
fn masking_keys_differ_across_batches() {
    let keys: std::collections::HashSet<_> = (0..1000).map(|_| random_masking_key().unwrap()).collect();
    assert!(keys.len() >= 998, "1,000 draws out of 2^32: two collisions are as good as impossible");
}

#[test]
fn compiled_frame_decodes_and_what_follows_stays() {
    let frame = Frame::text("hello").into_masked(KEY);
    let mut input = BytesMut::from(&frame.encode()[..]);
    input.extend_from_slice(b"\x81");
    assert_eq!(Frame::decode(&mut input, 5), Ok(Some(frame)));
    assert_eq!(&input[..], b"\x81");
    assert_eq!(Frame::decode(&mut input, 5), Ok(None));
    assert_eq!(&input[..], b"\x81");
}

#[test]
fn decode_refuses_a_frame_over_the_limit_at_its_header() {
    let mut input = BytesMut::from(&b"\x81\x06"[..]);
    assert_eq!(Frame::decode(&mut input, 5), Err(Violation::TooBig { limit: 5 }));
    assert_eq!(&input[..], b"\x81\x06");
}

#[test]
fn frame_is_read_from_pieces_of_any_width_and_no_byte_more() {
    for frame in
        [Frame::text("hello").into_masked(KEY), Frame::binary(vec![1; 70_000]), Frame::close(None).unwrap()]
    {
        let wire = [&frame.encode()[..], b"next"].concat();
        for width in [1, 2, 3, 7, 4096, usize::MAX] {
            let mut stream = Pieces::new(&wire, width);
            assert_eq!(run(read_frame(&mut stream, 70_000)).unwrap(), Some(frame.clone()));
            assert_eq!(stream.left(), 4);
        }
    }
}

#[test]
fn end_of_the_stream_is_an_error_only_within_a_frame() {
    let wire = Frame::text("hello").into_masked(KEY).encode();
    assert_eq!(run(read_frame(&mut &b""[..], 5)).unwrap(), None);
    for cut in 1..wire.len() {
        let error = run(read_frame(&mut &wire[..cut], 5)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "cut at {cut}");
    }
}

#[test]
fn frame_over_the_limit_is_refused_before_its_payload_is_read() {
    let mut stream = Pieces::new(b"\x82\x06payload", usize::MAX);
    let error = run(read_frame(&mut stream, 5)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooBig { limit: 5 });
    assert_eq!(stream.left(), b"payload".len());
}

#[test]
fn frame_leaves_in_one_write() {
    for mut stream in [Recorder::default(), Recorder::vectored()] {
        for payload_len in [0, 1, 125, 126, 5000, 100_000] {
            let frame = Frame::binary(vec![3; payload_len]);
            run(write_frame(&mut stream, &frame)).unwrap();
            assert_eq!(std::mem::take(&mut stream.writes), [frame.encode().to_vec()]);
        }
    }
}

#[test]
fn frame_is_written_to_a_stream_that_takes_little_at_a_time() {
    let frame = Frame::binary(vec![3; 1000]).into_masked(KEY);
    for vectored in [false, true] {
        let mut stream = Recorder { vectored, ..Recorder::slow(7) };
        run(write_frame(&mut stream, &frame)).unwrap();
        assert_eq!(stream.bytes(), frame.encode());
    }
}

#[test]
fn payload_of_any_frame_is_the_naive_xor() {
    let header = FrameHeader { mask: Some(KEY), ..FrameHeader::new(Opcode::BINARY, 1000) };
    let plain: Vec<u8> = (0..1000u32).map(|number| number as u8).collect();
    let mut masked = plain.clone();
    apply_mask(&mut masked, KEY);
    let wire = [&header.encode()[..], &masked].concat();
    let frame = run(read_frame(&mut Pieces::new(&wire, 11), 1000)).unwrap().unwrap();
    assert_eq!(frame.payload(), &masked[..], "as it stands on the wire");
    assert_eq!(frame.into_unmasked().payload(), &plain[..]);
}
