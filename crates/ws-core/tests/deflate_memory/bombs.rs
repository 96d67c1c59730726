//! A little on the wire that becomes much: refused before it does.

use tokio::io::{AsyncRead, ReadBuf};
use ws_core::{Config, Conn, DeflateConfig, ErrorKind, Role, frame::Opcode};
use zlib_rs::{Deflate, DeflateFlush};

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use super::{deflating, message, negotiated, rsv1, settings};
use crate::{
    heap::{Usage, measured_in_place},
    wire::{KIB, MIB, ROLES, Wire, frame, now, unlimited},
};

/// 1 GiB of zeros, about 1 MB.
fn gigabyte() -> Vec<u8> {
    let mut deflate = Deflate::new(9, false, 15);
    let zeros = vec![0; 1 << 20];
    let mut out = vec![0; 2 << 20];
    for _ in 0..1024 {
        let at = deflate.total_out() as usize;
        deflate.compress(&zeros, &mut out[at..], DeflateFlush::NoFlush).expect("it compresses");
    }
    let at = deflate.total_out() as usize;
    deflate.compress(&[], &mut out[at..], DeflateFlush::SyncFlush).expect("it compresses");
    let len = deflate.total_out() as usize;
    assert_eq!(deflate.total_in(), 1 << 30);
    out.truncate(len - 4);
    out
}

/// The same message in so many fragments.
fn fragments(to: Role, payload: &[u8], count: usize) -> Vec<u8> {
    let size = payload.len().div_ceil(count);
    let mut bytes = Vec::new();
    for (number, piece) in payload.chunks(size).enumerate() {
        let opcode = if number == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
        let piece = frame(to, (number + 1) * size >= payload.len(), opcode, piece);
        bytes.extend(if number == 0 { rsv1(piece) } else { piece });
    }
    bytes
}

/// Runs where the end of a connection can be timed.
fn with_timers<T>(run: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _guard = runtime.enter();
    run()
}

/// Reads until the connection has refused the stream.
fn refused(role: Role, config: Config, deflate: &DeflateConfig, stream: &[u8]) -> (ErrorKind, Usage) {
    with_timers(|| {
        let mut wire = Wire::new(stream);
        wire.ended = true;
        let mut conn = deflating(role, config, negotiated(15, true), deflate, wire);
        let (error, usage) = measured_in_place(|| {
            loop {
                if let Some(result) = now(conn.read_message()) {
                    break result.unwrap_err();
                }
            }
        });
        let code = conn.closing().sent().flatten().map(|frame| frame.code.as_u16());
        assert_eq!(code, Some(1009));
        (error.kind().clone(), usage)
    })
}

// Shows Z-1.
#[test]
fn z_1_gigabyte_of_zeros_is_refused_within_the_limit_and_a_decompressor() {
    let bomb = gigabyte();
    assert!(bomb.len() < 1_100_000, "{}", bomb.len());
    for role in ROLES {
        for limit in [64 * KIB, MIB] {
            // The wire limit follows the message limit, and is not what refuses it here.
            let config =
                Config::new().max_message_size(limit as u64).max_frame_size(None).max_fragments(None);
            let settings = settings(15);
            for stream in [
                message(role, &bomb[..limit as usize / 2]),
                fragments(role, &bomb[..limit as usize / 2], 100),
            ] {
                let (kind, usage) = refused(role, config.clone(), &settings, &stream);
                assert_eq!(kind, ErrorKind::TooBig { limit: limit as u64 });
                assert!(usage.peak <= limit + DECODER + READ_BUFFER, "{role:?}, {limit}: {usage:?}");
            }
        }
        // As a whole, too large on the wire already: nothing of it is decompressed.
        let small = Config::new().max_message_size(1000);
        let (kind, usage) = refused(role, small, &settings(15), &message(role, &bomb));
        assert_eq!(kind, ErrorKind::TooBig { limit: 1000 });
        assert!(usage.peak <= READ_BUFFER, "{usage:?}");
    }
}

// Shows Z-1.
#[test]
fn z_1_tower_of_blocks_that_hold_nothing_ends_at_the_wire_limit() {
    for role in ROLES {
        // Empty stored blocks, five bytes each; final blocks of nothing behind as many empty ones as they need.
        let stored = [0, 0, 0, 0xFF, 0xFF];
        for block in [stored.to_vec(), [&stored.repeat(6)[..], &[3, 0]].concat()] {
            let stream = message(role, &block.repeat(2 * MIB as usize / block.len()));
            let (kind, usage) =
                refused(role, Config::new().max_message_size(MIB as u64), &settings(15), &stream);
            assert_eq!(kind, ErrorKind::TooBig { limit: MIB as u64 });
            assert!(usage.peak <= DECODER + READ_BUFFER, "{role:?}: {usage:?}");
        }
    }
}

// Shows Z-2.
#[test]
fn z_2_ratio_alone_refuses_nothing() {
    let zeros = super::compressed(15, &vec![0; 1 << 20]);
    assert!(zeros.len() < 1100);
    for role in ROLES {
        let stream = message(role, &zeros);
        let mut conn =
            deflating(role, Config::new(), negotiated(15, true), &settings(15), Wire::new(&stream));
        let message = loop {
            if let Some(message) = now(conn.read_message()) {
                break message.unwrap().unwrap();
            }
        };
        assert_eq!(message.into_data().len(), 1 << 20);
    }
}

// Shows Z-1.
#[test]
fn bomb_that_is_streamed_takes_no_more_than_a_chunk() {
    let bomb = gigabyte();
    for role in ROLES {
        let stream = message(role, &bomb);
        for (buffer, most) in [(512, 4 * MIB), (64 << 10, 64 * MIB)] {
            let mut conn =
                deflating(role, unlimited(), negotiated(15, true), &settings(15), Wire::new(&stream));
            let mut buffer = vec![0xAA; buffer];
            let (read, usage) = measured_in_place(|| read_some(&mut conn, &mut buffer, most));
            assert!(read >= most);
            assert!(usage.peak <= DECODER + 2 * READ_BUFFER, "{role:?}: {usage:?}");
        }
    }
}

/// Reads so much of the next message through a reader.
fn read_some(conn: &mut Conn<Wire<'_>>, buffer: &mut [u8], most: isize) -> isize {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut reader = now(conn.next_reader()).unwrap().unwrap().unwrap();
    let mut read = 0;
    while read < most {
        let mut dst = ReadBuf::new(buffer);
        if Pin::new(&mut reader).poll_read(cx, &mut dst).is_ready() {
            assert!(!dst.filled().is_empty() && dst.filled().iter().all(|byte| *byte == 0));
            read += dst.filled().len() as isize;
        }
    }
    read
}

/// A decompressor with its output and window, and what is kept of it.
const DECODER: isize = 47_552 + 16 * KIB + 32 * KIB + KIB;
/// A read buffer.
const READ_BUFFER: isize = 34 * KIB;
