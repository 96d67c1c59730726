//! Messages that are read as a byte stream and never come to their end.

use std::{error::Error as _, io};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use ws_core::{
    CloseCode, CloseFrame, Config, Error, ErrorKind, ProtocolError, Role,
    frame::{FrameHeader, Opcode},
};

use crate::{
    executor::{finish, now, with_timers},
    pipe::{Pace, conn, conn_with},
    reader::next,
    wire::{ROLES, binary, broken, close, code, fragment, frame, frames, pattern, text},
};

/// The error of this crate inside of one of a stream.
pub(crate) fn inner(error: &io::Error) -> &Error {
    error.get_ref().expect("an error inside").downcast_ref().expect("an error of this crate")
}

/// Reads until there is an error; gives what was read before, too. Panics at an end.
pub(crate) async fn read_to_error(
    reader: &mut (impl AsyncRead + Unpin),
    size: usize,
) -> (Vec<u8>, io::Error) {
    let (mut whole, mut step) = (Vec::new(), vec![0; size]);
    loop {
        match reader.read(&mut step).await {
            Ok(0) => panic!("an end after {} bytes", whole.len()),
            Ok(count) => whole.extend_from_slice(&step[..count]),
            Err(error) => return (whole, error),
        }
    }
}

#[test]
fn invalid_text_gives_an_error_and_1007_and_never_its_bytes() {
    // Where the bad byte is, in how large a frame, and how many bytes a read of the transport gives.
    for role in ROLES {
        for (good, len) in [(0, 1), (10, 20), (1999, 2500), (6000, 9000), (9000, 9001)] {
            for read in [1, 1000, usize::MAX] {
                for size in [1, 16, 4096] {
                    let pace = Pace { read, ..Pace::default() };
                    let (mut conn, remote) = conn_with(role, Config::new(), pace);
                    let mut payload = vec![b'a'; len];
                    payload[good] = 0xFF;
                    remote.send([fragment(role, Opcode::TEXT, b"a", false)].concat());
                    remote.send(fragment(role, Opcode::CONTINUATION, &payload, true));
                    remote.end();
                    with_timers(|| {
                        let mut reader = finish(conn.next_reader()).unwrap().unwrap();
                        let (whole, error) = finish(read_to_error(&mut reader, size));
                        assert!(whole.len() <= 1 + good && whole.iter().all(|byte| *byte == b'a'));
                        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                        let invalid = ErrorKind::Protocol(ProtocolError::InvalidUtf8);
                        assert_eq!(inner(&error).kind(), &invalid, "{role:?} {good} {read} {size}");
                        for _ in 0..3 {
                            let error = finish(reader.read(&mut [0; 5000])).unwrap_err();
                            assert_eq!(inner(&error).kind(), &invalid, "it stays");
                        }
                        assert_eq!(finish(conn.next_reader()).unwrap_err().kind(), &invalid);
                    });
                    assert_eq!(frames(&remote.take()), [code(1007)], "{role:?} {good} {read} {size}");
                }
            }
        }
    }
}

#[test]
fn text_that_ends_inside_a_character_has_no_end() {
    for role in ROLES {
        for fin_frame in [&b"\xC3"[..], b""] {
            let (mut conn, remote) = conn(role);
            remote.send(fragment(role, Opcode::TEXT, b"good \xC3", false));
            remote.send(fragment(role, Opcode::CONTINUATION, fin_frame, true));
            remote.end();
            with_timers(|| {
                let mut reader = finish(conn.next_reader()).unwrap().unwrap();
                let (whole, error) = finish(read_to_error(&mut reader, 100));
                assert!(b"good \xC3".starts_with(&whole[..]));
                assert_eq!(inner(&error).kind(), &ErrorKind::Protocol(ProtocolError::InvalidUtf8));
            });
            assert_eq!(frames(&remote.take()), [code(1007)]);
        }
    }
}

/// What ends a connection in the middle of a message, and the error that tells.
type End = (fn(Role) -> Option<Vec<u8>>, fn() -> ErrorKind);

const ENDS: [End; 6] = [
    (|role| Some(close(role, 1000)), || ErrorKind::Closed(Some(CloseFrame::new(1000, "")))),
    (|role| Some(frame(role, Opcode::CLOSE, b"")), || ErrorKind::Closed(None)),
    (|role| Some(close(role, 4000)), || ErrorKind::Closed(Some(CloseFrame::new(4000, "")))),
    (|role| Some(broken(role)), || ErrorKind::Protocol(ProtocolError::ReservedOpcode)),
    (|role| Some(text(role, "new")), || ErrorKind::Protocol(ProtocolError::ExpectedContinuation)),
    (|_| None, || ErrorKind::ConnectionLost),
];

#[test]
fn end_in_the_middle_of_a_message_is_an_error_and_stays_one() {
    for role in ROLES {
        for (number, (end, kind)) in ENDS.into_iter().enumerate() {
            for middle in [&b""[..], b"abc", &[b'a'; 5000]] {
                for size in [1, 4096] {
                    let (mut conn, remote) = conn(role);
                    remote.send(fragment(role, Opcode::TEXT, middle, false));
                    remote.send(end(role).unwrap_or_default());
                    remote.end();
                    with_timers(|| {
                        let mut reader = finish(conn.next_reader()).unwrap().unwrap();
                        let (whole, error) = finish(read_to_error(&mut reader, size));
                        assert_eq!(whole, middle, "{role:?} {number}");
                        assert_eq!(inner(&error).kind(), &kind(), "{role:?} {number}");
                        for _ in 0..3 {
                            let error = finish(reader.read(&mut [0; 5000])).unwrap_err();
                            assert_eq!(inner(&error).kind(), &kind(), "{role:?} {number}: it stays");
                        }
                    });
                }
            }
        }
    }
}

#[test]
fn loss_inside_a_frame_is_an_error_with_the_cause_in_it() {
    for role in ROLES {
        for size in [100, 8192] {
            let (mut conn, remote) = conn(role);
            let bytes = binary(role, &pattern(9000));
            remote.send(&bytes[..5000]);
            remote.fail_reads(io::ErrorKind::ConnectionReset);
            let mut reader = finish(conn.next_reader()).unwrap().unwrap();
            let (whole, error) = finish(read_to_error(&mut reader, size));
            assert!(pattern(9000).starts_with(&whole) && whole.len() > 4980, "what came before is given out");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(inner(&error).kind(), &ErrorKind::ConnectionLost);
            assert!(inner(&error).source().is_some(), "{role:?}");
            assert!(finish(reader.read(&mut [0; 9])).is_err());
        }
    }
}

#[test]
fn normal_end_between_messages_is_no_message_and_no_error() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send([text(role, "last"), close(role, 1000)].concat());
        remote.end();
        with_timers(|| {
            assert_eq!(finish(next(&mut conn)).unwrap().1, b"last");
            for _ in 0..3 {
                assert!(finish(conn.next_reader()).unwrap().is_none());
            }
        });
        let (mut conn, remote) = crate::pipe::conn(role);
        remote.send(close(role, 4000));
        remote.end();
        with_timers(|| {
            let error = finish(conn.next_reader()).unwrap_err();
            assert_eq!(error.close_code().map(CloseCode::as_u16), Some(4000));
        });
    }
}

#[test]
fn message_over_the_limit_fails_the_reader_where_a_header_says_so() {
    for role in ROLES {
        let (mut conn, remote) = conn_with(role, Config::new().max_message_size(10), Pace::default());
        remote.send(fragment(role, Opcode::BINARY, b"123456", false));
        remote.send(fragment(role, Opcode::CONTINUATION, b"78901", true));
        remote.end();
        with_timers(|| {
            let mut reader = finish(conn.next_reader()).unwrap().unwrap();
            let (whole, error) = finish(read_to_error(&mut reader, 4));
            assert_eq!(whole, b"123456");
            assert_eq!(inner(&error).kind(), &ErrorKind::TooBig { limit: 10 });
            assert!(finish(reader.read(&mut [0; 4])).is_err());
        });
        assert_eq!(frames(&remote.take()), [code(1009)]);
    }
}

#[test]
fn without_a_limit_frames_of_any_announced_length_are_streamed() {
    for role in ROLES {
        for lift in [true, false] {
            let config = if lift { Config::new() } else { Config::new().max_message_size(None) };
            let (mut conn, remote) = conn_with(role, config, Pace::default());
            if lift {
                conn.set_max_message_size(None);
            }
            let mask = binary(role, b"0")[..].get(2..6).filter(|_| role == Role::Server).map(<[u8]>::to_vec);
            let mut header = FrameHeader::new(Opcode::BINARY, (1 << 63) - 1).encode().to_vec();
            if let Some(mask) = mask {
                header[1] |= 0x80;
                header.extend(mask);
            }
            remote.send(header);
            remote.send([7; 100]);
            let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
            let mut bytes = vec![0; 10_000];
            assert_eq!(now(reader.read(&mut bytes)).unwrap().unwrap(), 100, "{role:?}");
            assert!(now(reader.read(&mut bytes)).is_none(), "{role:?}");
        }
    }
}

#[test]
fn reader_whose_message_a_close_has_dropped_never_goes_on_with_the_next() {
    for role in ROLES {
        for (number, first) in [
            fragment(role, Opcode::TEXT, b"one", false),
            [fragment(role, Opcode::TEXT, b"one", false), fragment(role, Opcode::CONTINUATION, b"", true)]
                .concat(),
            text(role, "one"),
        ]
        .into_iter()
        .enumerate()
        {
            let (conn, remote) = conn(role);
            let (mut read, mut write) = conn.into_split();
            remote.send(first);
            with_timers(|| {
                let mut reader = finish(read.next_reader()).unwrap().unwrap();
                let mut byte = [0];
                assert_eq!(finish(reader.read(&mut byte)).unwrap(), 1);
                assert!(now(write.close(None)).is_none());
                if number == 0 {
                    remote.send(fragment(role, Opcode::CONTINUATION, b"rest", true));
                }
                remote.send([text(role, "next"), close(role, 1000)].concat());
                remote.end();
                let mut whole = Vec::new();
                let result = finish(reader.read_to_end(&mut whole));
                if number == 2 {
                    // It was there as a whole, and is read to its end.
                    assert_eq!((result.unwrap(), &whole[..]), (2, &b"ne"[..]), "{role:?}");
                    return;
                }
                let error = result.unwrap_err();
                assert!(b"ne".starts_with(&whole[..]), "{role:?} {number}");
                assert_eq!(inner(&error).kind(), &ErrorKind::Closed(Some(CloseFrame::new(1000, ""))));
                assert!(finish(reader.read(&mut byte)).is_err(), "it stays");
            });
        }
    }
}
