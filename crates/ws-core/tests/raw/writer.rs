use std::io;

use tokio::io::AsyncWriteExt as _;
use ws_core::{
    ErrorKind, MessageKind, Role, UsageError,
    frame::{FrameHeader, Opcode, ReservedBits},
    raw::{Frame, FrameWriter},
};

use crate::{
    stream::{Recorder, run, run_for},
    wire::frames,
};

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const BINARY: Opcode = Opcode::BINARY;
const NEXT: Opcode = Opcode::CONTINUATION;

fn writer(role: Role) -> FrameWriter<Recorder> {
    FrameWriter::new(Recorder::default(), role, MessageKind::Binary).buffer_size(8)
}

fn written(writer: &FrameWriter<Recorder>) -> Vec<(bool, Opcode, Vec<u8>)> {
    frames(&writer.get_ref().bytes())
}

#[test]
fn message_no_larger_than_the_buffer_is_one_frame_and_one_write() {
    for role in ROLES {
        for len in 0..=8 {
            for step in 1..=8 {
                let payload: Vec<u8> = (0..len).collect();
                let mut writer = writer(role);
                payload.chunks(step).for_each(|piece| run(writer.write_all(piece)).unwrap());
                assert_eq!(writer.get_ref().writes.len(), 0, "what fits exactly waits");
                run(writer.finish()).unwrap();
                assert_eq!(written(&writer), [(true, BINARY, payload)]);
                assert_eq!(writer.get_ref().writes.len(), 1);
            }
        }
    }
}

#[test]
fn every_fragment_is_one_write() {
    for role in ROLES {
        let mut writer = writer(role);
        run(writer.write_all(b"0123456789abcdefXYZ")).unwrap();
        run(writer.finish()).unwrap();
        let expected = [
            (false, BINARY, b"01234567".to_vec()),
            (false, NEXT, b"89abcdef".to_vec()),
            (true, NEXT, b"XYZ".to_vec()),
        ];
        assert_eq!(written(&writer), expected);
        assert_eq!(writer.get_ref().writes.len(), 3);
        writer.get_ref().writes.iter().for_each(|write| assert_eq!(frames(write).len(), 1));
    }
}

#[test]
fn clients_mask_every_frame_with_its_own_key_and_servers_none() {
    for role in ROLES {
        let mut writer = writer(role);
        run(writer.write_all(&[7; 24])).unwrap();
        run(writer.finish()).unwrap();
        let headers: Vec<_> = writer
            .get_ref()
            .writes
            .iter()
            .map(|write| FrameHeader::decode(write).unwrap().unwrap().0)
            .collect();
        let mut keys: Vec<_> =
            headers.iter().filter_map(|header| header.mask).map(|key| key.as_bytes()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), if role == Role::Client { 3 } else { 0 });
    }
}

#[test]
fn headers_of_every_length_stand_right_before_the_payload() {
    for role in ROLES {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 200_000] {
            let payload: Vec<u8> = (0..=255).cycle().take(len).collect();
            let mut writer =
                FrameWriter::new(Recorder::default(), role, MessageKind::Binary).buffer_size(len.max(1));
            run(writer.write_all(&payload)).unwrap();
            run(writer.finish()).unwrap();
            assert_eq!(written(&writer), [(true, BINARY, payload)]);
            assert_eq!(writer.get_ref().writes.len(), 1);
        }
    }
}

#[test]
fn large_write_of_a_server_passes_by_the_empty_buffer() {
    let payload: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let mut writer =
        FrameWriter::new(Recorder::vectored(), Role::Server, MessageKind::Binary).buffer_size(100);
    run(writer.write_all(&payload)).unwrap();
    assert_eq!(
        written(&writer),
        [(false, BINARY, payload.clone())],
        "one fragment, though the buffer holds 100"
    );
    assert_eq!(writer.get_ref().writes.len(), 1);
    run(writer.write_all(b"tail")).unwrap();
    run(writer.finish()).unwrap();
    assert_eq!(written(&writer), [(false, BINARY, payload), (true, NEXT, b"tail".to_vec())]);
}

#[test]
fn what_a_slow_stream_does_not_take_of_a_large_write_is_kept() {
    let payload: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for (width, waits) in [(1, true), (3, false), (10, false), (13, true), (1000, false), (70_000, true)] {
        let stream = Recorder { vectored: true, waits, ..Recorder::slow(width) };
        let mut writer = FrameWriter::new(stream, Role::Server, MessageKind::Binary).buffer_size(100);
        run(writer.write_all(&payload)).unwrap();
        run(writer.finish()).unwrap();
        let frames = written(&writer);
        assert!(frames.iter().all(|(_, _, payload)| payload.len() <= 64 << 10), "copies are bounded");
        let whole: Vec<u8> = frames.into_iter().flat_map(|(_, _, payload)| payload).collect();
        assert!(whole == payload, "the payload is as it was, width {width}");
        assert!(writer.into_parts().1.capacity() <= 114, "the buffer shrinks again");
    }
}

#[test]
fn write_through_is_a_fragment_of_its_own_behind_what_is_buffered() {
    for role in ROLES {
        for stream in [Recorder::default(), Recorder::vectored(), Recorder::slow(5)] {
            let mut writer = FrameWriter::new(stream, role, MessageKind::Text).buffer_size(8);
            run(writer.write_all(b"abc")).unwrap();
            run(writer.write_through(&[b'x'; 300])).unwrap();
            run(writer.write_all(b"def")).unwrap();
            run(writer.finish()).unwrap();
            let expected = [
                (false, Opcode::TEXT, b"abc".to_vec()),
                (false, NEXT, vec![b'x'; 300]),
                (true, NEXT, b"def".to_vec()),
            ];
            assert_eq!(written(&writer), expected);
        }
    }
}

#[test]
fn flush_makes_a_fragment_of_what_is_buffered() {
    for role in ROLES {
        let mut writer = writer(role);
        run(writer.flush()).unwrap();
        run(writer.flush_fragment()).unwrap();
        assert_eq!(writer.get_ref().writes.len(), 0, "nothing is buffered");
        run(writer.write_all(b"a")).unwrap();
        run(writer.flush_fragment()).unwrap();
        run(writer.write_all(b"b")).unwrap();
        run(writer.flush()).unwrap();
        run(writer.finish()).unwrap();
        let expected = [(false, BINARY, b"a".to_vec()), (false, NEXT, b"b".to_vec()), (true, NEXT, vec![])];
        assert_eq!(written(&writer), expected);
    }
}

#[test]
fn shutdown_finishes_an_open_message_and_only_that() {
    let mut writer = writer(Role::Server);
    run(writer.shutdown()).unwrap();
    assert_eq!(writer.get_ref().writes.len(), 0);
    run(writer.write_all(b"a")).unwrap();
    run(writer.shutdown()).unwrap();
    run(writer.shutdown()).unwrap();
    assert_eq!(written(&writer), [(true, BINARY, b"a".to_vec())]);
}

#[test]
fn buffer_grows_where_fragments_are_unwanted_and_shrinks_after_the_message() {
    for role in ROLES {
        let mut writer = writer(role).without_fragments();
        let payload = vec![5; 100_000];
        for piece in payload.chunks(777) {
            run(writer.write_all(piece)).unwrap();
            run(writer.flush()).unwrap();
        }
        assert_eq!(writer.get_ref().writes.len(), 0, "flushing makes no fragment");
        run(writer.finish()).unwrap();
        assert_eq!(written(&writer), [(true, BINARY, payload)]);
        assert_eq!(writer.get_ref().writes.len(), 1);
        assert!(writer.into_parts().1.capacity() <= 22);
    }
}

#[test]
fn reserved_room_is_available_for_good() {
    let mut writer = writer(Role::Client);
    assert_eq!((writer.size(), writer.available(), writer.buffered()), (8, 8, 0));
    run(writer.write_all(b"abc")).unwrap();
    assert_eq!((writer.size(), writer.available(), writer.buffered()), (8, 5, 3));
    writer.reserve(5);
    assert_eq!(writer.size(), 8, "there is room already");
    writer.reserve(16);
    assert_eq!((writer.size(), writer.available()), (19, 16));
    run(writer.write_all(&[b'x'; 16])).unwrap();
    run(writer.finish()).unwrap();
    assert_eq!(written(&writer).len(), 1);
    assert_eq!(writer.available(), 19);
}

#[test]
fn buffer_of_the_caller_is_used_up_to_the_room_for_the_header_and_given_back() {
    for role in ROLES {
        let buffer = Vec::with_capacity(30);
        let (place, size) = (buffer.as_ptr(), buffer.capacity() - 14);
        let mut writer = FrameWriter::new(Recorder::default(), role, MessageKind::Binary).buffer(buffer);
        assert_eq!(writer.size(), size);
        run(writer.write_all(&vec![1; 3 * size])).unwrap();
        run(writer.finish()).unwrap();
        assert_eq!(written(&writer).len(), 3);
        let (_, buffer) = writer.into_parts();
        assert_eq!(buffer.as_ptr(), place, "it never moved");
    }
}

#[test]
fn buffer_too_small_for_a_header_is_grown() {
    for capacity in [0, 1, 14] {
        let buffer = Vec::with_capacity(capacity);
        let mut writer =
            FrameWriter::new(Recorder::default(), Role::Client, MessageKind::Binary).buffer(buffer);
        assert_eq!(writer.size(), 1);
        run(writer.write_all(b"ab")).unwrap();
        run(writer.finish()).unwrap();
        assert_eq!(written(&writer), [(false, BINARY, b"a".to_vec()), (true, NEXT, b"b".to_vec())]);
    }
}

#[test]
fn buffer_changes_within_a_message_and_even_a_frame() {
    for role in ROLES {
        let stream = Recorder::slow(1);
        let mut writer = FrameWriter::new(stream, role, MessageKind::Binary).buffer_size(8);
        run(writer.write_all(b"0123")).unwrap();
        writer = writer.buffer(Vec::with_capacity(14 + 6));
        assert_eq!((writer.buffered(), writer.size()), (4, 6));
        run(writer.write_all(b"45")).unwrap();
        assert!(run_for(5, writer.flush_fragment()).is_none(), "a part of the fragment is written");
        writer = writer.buffer(Vec::with_capacity(14 + 2));
        run(writer.write_all(b"67")).unwrap();
        run(writer.finish()).unwrap();
        assert_eq!(written(&writer), [(false, BINARY, b"012345".to_vec()), (true, NEXT, b"67".to_vec())]);
    }
}

#[test]
fn buffer_of_any_size_takes_the_memory_that_is_filled() {
    for mut writer in [writer(Role::Client).buffer_size(usize::MAX), writer(Role::Server)] {
        run(writer.write_all(b"a")).unwrap();
        writer.reserve(usize::MAX);
        run(writer.write_all(&[b'a'; 200_000])).unwrap();
        run(writer.finish()).unwrap();
        assert_eq!(written(&writer), [(true, BINARY, vec![b'a'; 200_001])]);
        assert!(writer.into_parts().1.capacity() < 1_000_000);
    }
}

#[test]
fn kind_changes_between_messages_only() {
    let mut writer = writer(Role::Server);
    run(writer.write_all(b"a")).unwrap();
    assert_eq!(writer.reset(MessageKind::Text), Err(UsageError::MessageOpen));
    run(writer.flush_fragment()).unwrap();
    assert!(writer.is_open());
    assert_eq!(writer.reset(MessageKind::Text), Err(UsageError::MessageOpen));
    run(writer.finish()).unwrap();
    assert!(!writer.is_open());
    assert_eq!(writer.reset(MessageKind::Text), Ok(()));
    run(writer.write_all(b"b")).unwrap();
    run(writer.finish()).unwrap();
    assert_eq!(written(&writer)[2], (true, Opcode::TEXT, b"b".to_vec()));
}

#[test]
fn control_frames_go_between_fragments() {
    for role in ROLES {
        let mut writer = writer(role);
        run(writer.write_all(b"0123456789")).unwrap();
        run(writer.write_control(Frame::ping("hi").unwrap())).unwrap();
        run(writer.finish()).unwrap();
        let expected = [
            (false, BINARY, b"01234567".to_vec()),
            (true, Opcode::PING, b"hi".to_vec()),
            (true, NEXT, b"89".to_vec()),
        ];
        assert_eq!(written(&writer), expected);
        assert_eq!(writer.get_ref().writes.len(), 3);
        let mask = FrameHeader::decode(&writer.get_ref().writes[1]).unwrap().unwrap().0.mask;
        assert_eq!(mask.is_some(), role == Role::Client);
    }
}

#[test]
fn only_whole_and_short_control_frames_are_written_as_such() {
    let ping = |len| Frame::new(Opcode::PING, vec![0; len]);
    let wrong = [
        (Frame::text("no"), UsageError::NotControl),
        (Frame::continuation("no"), UsageError::NotControl),
        (ping(1).with_fin(false), UsageError::NotControl),
        (ping(126), UsageError::ControlTooLong),
    ];
    let mut writer = writer(Role::Server);
    for (frame, usage) in wrong {
        assert_eq!(run(writer.write_control(frame)).unwrap_err().usage(), Some(usage));
    }
    assert_eq!(writer.get_ref().writes.len(), 0);
    run(writer.write_control(ping(125))).unwrap();
    assert_eq!(written(&writer), [(true, Opcode::PING, vec![0; 125])]);
}

#[test]
fn extensions_set_bits_once_for_each_data_frame() {
    let mut asked = 0;
    let mut writer = FrameWriter::new(Recorder::slow(3), Role::Server, MessageKind::Binary)
        .buffer_size(4)
        .extension(|header: &FrameHeader| {
            if header.opcode == Opcode::CONTINUATION { ReservedBits::NONE } else { ReservedBits::RSV1 }
        })
        .extension(move |header: &FrameHeader| {
            asked += 1;
            assert_eq!(header.reserved.contains(ReservedBits::RSV1), asked == 1);
            if asked == 2 { ReservedBits::RSV3 } else { ReservedBits::NONE }
        });
    run(writer.write_all(b"0123456789")).unwrap();
    run(writer.write_control(Frame::ping("").unwrap())).unwrap();
    run(writer.finish()).unwrap();
    let mut bytes = bytes::BytesMut::from(&writer.get_ref().bytes()[..]);
    let mut bits = Vec::new();
    while let Some(frame) = Frame::decode(&mut bytes, 10).unwrap() {
        bits.push((frame.header().opcode, frame.header().reserved));
    }
    let expected = [
        (BINARY, ReservedBits::RSV1),
        (NEXT, ReservedBits::RSV3),
        (Opcode::PING, ReservedBits::NONE),
        (NEXT, ReservedBits::NONE),
    ];
    assert_eq!(bits, expected);
}

#[test]
fn error_of_the_stream_is_final() {
    let stream = Recorder { fails_after: Some(1), ..Recorder::default() };
    let mut writer = FrameWriter::new(stream, Role::Server, MessageKind::Binary).buffer_size(4);
    run(writer.write_all(b"01234567")).unwrap();
    let error = run(writer.write_all(b"89")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    writer.get_mut().fails_after = None;
    assert_eq!(run(writer.write_all(b"x")).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(*run(writer.finish()).unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(writer.get_ref().writes.len(), 1);
}

#[test]
fn error_of_flushing_is_final_too() {
    type Flush = fn(&mut FrameWriter<Recorder>) -> io::Result<()>;
    let flushes: [Flush; 5] = [
        |writer| run(writer.flush()),
        |writer| run(writer.shutdown()),
        |writer| run(writer.finish()).map_err(io::Error::from),
        |writer| run(writer.flush_fragment()).map_err(io::Error::from),
        |writer| run(writer.write_control(Frame::ping("").unwrap())).map_err(io::Error::from),
    ];
    for flush in flushes {
        let mut writer = writer(Role::Server);
        writer.get_mut().fails_to_flush = true;
        flush(&mut writer).unwrap_err();
        writer.get_mut().fails_to_flush = false;
        let writes = writer.get_ref().writes.len();
        assert_eq!(run(writer.write_all(b"x")).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(*run(writer.finish()).unwrap_err().kind(), ErrorKind::ConnectionLost);
        assert_eq!(writer.get_ref().writes.len(), writes);
    }
}

#[test]
fn dropped_futures_never_cut_a_frame() {
    for role in ROLES {
        for vectored in [false, true] {
            for polls in 1..60 {
                let stream = Recorder { vectored, ..Recorder::slow(2) };
                let mut writer = FrameWriter::new(stream, role, MessageKind::Binary).buffer_size(4);
                run_for(polls, writer.write_all(b"0123456789"));
                run_for(polls, writer.write_through(b"through"));
                run_for(polls, writer.write_all(b"ab"));
                run_for(polls, writer.write_control(Frame::ping("ping").unwrap()));
                run_for(polls, writer.flush_fragment());
                run(writer.finish()).unwrap();
                let mut open = false;
                for (fin, opcode, _) in
                    written(&writer).into_iter().filter(|(_, opcode, _)| !opcode.is_control())
                {
                    assert_eq!(opcode, if open { NEXT } else { BINARY });
                    open = !fin;
                }
                assert!(!open);
            }
        }
    }
}
