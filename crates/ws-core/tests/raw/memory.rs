//! What the toolkit takes from the heap, counted by the allocator.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use ws_core::{
    ErrorKind, MessageKind, Role,
    frame::{FrameHeader, Opcode},
    raw::{Frame, FrameReader, FrameWriter, read_frame, read_message, write_frame},
};

use crate::{
    heap,
    stream::{Both, run},
    wire::KEY,
};

/// Runs something: what it gives, the most bytes it held at any time, and how often it took some.
fn measured<T>(work: impl FnOnce() -> T) -> (T, isize, usize) {
    let (result, usage) = heap::measured(work);
    (result, usage.peak, usage.calls)
}

/// A header, and zeros behind it.
struct Zeros {
    head: Vec<u8>,
    at: usize,
    zeros: usize,
}

impl Zeros {
    fn new(header: FrameHeader, zeros: usize) -> Self {
        Self { head: header.encode().to_vec(), at: 0, zeros }
    }
}

impl AsyncRead for Zeros {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let head = &this.head[this.at..];
        if head.is_empty() {
            let count = this.zeros.min(buf.remaining());
            buf.initialize_unfilled_to(count).fill(0);
            buf.advance(count);
            this.zeros -= count;
        } else {
            let count = head.len().min(buf.remaining());
            buf.put_slice(&head[..count]);
            this.at += count;
        }
        Poll::Ready(Ok(()))
    }
}

fn binary(payload_len: u64) -> FrameHeader {
    FrameHeader { mask: Some(KEY), ..FrameHeader::new(Opcode::BINARY, payload_len) }
}

#[test]
fn nothing_is_taken_for_a_length_that_is_only_announced() {
    for payload_len in [1 << 20, 1 << 30, 1 << 40, u64::MAX >> 1] {
        let mut stream = Zeros::new(binary(payload_len), 10);
        let (result, peak, _) = measured(|| run(read_frame(&mut stream, u64::MAX)));
        assert_eq!(*result.unwrap_err().kind(), ErrorKind::ConnectionLost);
        assert!(peak < 5000, "{peak} bytes for {payload_len}");

        let mut stream = Both(Zeros::new(binary(payload_len), 10), tokio::io::sink());
        let (result, peak, _) = measured(|| run(read_message(&mut stream, Role::Server, u64::MAX)));
        assert_eq!(*result.unwrap_err().kind(), ErrorKind::ConnectionLost);
        assert!(peak < 5000, "{peak} bytes for {payload_len}");

        let mut input = BytesMut::from(&binary(payload_len).encode()[..]);
        let (result, peak, _) = measured(|| Frame::decode(&mut input, u64::MAX));
        assert_eq!((result, peak), (Ok(None), 0));
    }
}

#[test]
fn memory_of_a_frame_follows_the_bytes_that_arrived() {
    for arrived in [10_000, 100_000, 1_000_000] {
        let mut stream = Zeros::new(binary(1 << 40), arrived);
        let (result, peak, _) = measured(|| run(read_frame(&mut stream, u64::MAX)));
        assert!(result.is_err());
        // The double of what is there, and what is there while it moves.
        assert!(peak as usize <= 3 * arrived + 10_000, "{peak} bytes for {arrived}");
    }
}

#[test]
fn short_frame_takes_no_more_than_its_payload() {
    let mut stream = Zeros::new(binary(100), 100);
    let (frame, peak, _) = measured(|| run(read_frame(&mut stream, 100)));
    assert_eq!(frame.unwrap().unwrap().into_unmasked().payload().len(), 100);
    assert!(peak <= 200, "{peak}");
}

#[test]
fn reader_passes_a_message_of_any_size_on_without_the_heap() {
    let size = 64 << 20;
    let mut reader = FrameReader::new(Zeros::new(binary(size as u64), size), Role::Server)
        .max_frame_size(None)
        .max_message_size(None);
    let mut buffer = vec![0; 16 << 10];
    let (count, peak, calls) = measured(|| {
        run(reader.next_frame()).unwrap();
        let mut count = 0;
        loop {
            match run(reader.read(&mut buffer)).unwrap() {
                0 => return count,
                read => count += read,
            }
        }
    });
    assert_eq!((count, peak, calls), (size, 0, 0));
}

#[test]
fn writer_takes_its_buffer_once_and_for_all_messages() {
    for role in [Role::Client, Role::Server] {
        let mut writer = FrameWriter::new(tokio::io::sink(), role, MessageKind::Binary).buffer_size(100);
        let payload = [7; 150];
        let ((), peak, calls) = measured(|| {
            for _ in 0..1000 {
                run(writer.write_all(&payload[..90])).unwrap();
                run(writer.write_all(&payload[..60])).unwrap();
                run(writer.finish()).unwrap();
            }
        });
        assert_eq!((peak, calls), (114, 1), "{role:?}");
    }
}

#[test]
fn large_payload_of_a_server_is_not_copied_for_a_stream_that_takes_it() {
    let mut writer = FrameWriter::new(tokio::io::sink(), Role::Server, MessageKind::Binary);
    let payload = vec![7; 1 << 20];
    let ((), peak, _) = measured(|| {
        run(writer.write_all(&payload)).unwrap();
        run(writer.write_through(&payload)).unwrap();
    });
    assert_eq!(peak, 0);
    let frame = Frame::binary(payload);
    let ((), peak, _) = measured(|| run(write_frame(&mut tokio::io::sink(), &frame)).unwrap());
    assert_eq!(peak, 0);
}
