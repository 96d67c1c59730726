//! Nothing leaves that was not sent: all memory is filled with a mark, which must not be seen on the wire.

#![cfg(feature = "io")]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "support/wire.rs"]
mod wire;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_core::{
    CloseFrame, Config, Conn, Message, MessageKind, Negotiated, Role,
    frame::{FrameHeader, Opcode, apply_mask},
};

use wire::{ROLES, frame};

struct Marking;

/// Stands in all memory that nobody has written to.
const MARK: u8 = 0xA7;
static MARKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator as it came. What is written lies in the block that the system has
// just given out, behind what the caller had in it before.
unsafe impl GlobalAlloc for Marking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `alloc`.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            MARKED.fetch_add(layout.size(), Ordering::Relaxed);
            // SAFETY: the block has this size, and is nobody else's yet.
            unsafe { block.write_bytes(MARK, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `realloc`.
        let block = unsafe { System.realloc(block, layout, size) };
        if !block.is_null() && size > layout.size() {
            // SAFETY: the block has the new size; what is written is behind the old one.
            unsafe { block.add(layout.size()).write_bytes(MARK, size - layout.size()) };
        }
        block
    }
}

#[global_allocator]
static HEAP: Marking = Marking;

/// Sends and answers everything there is, and gives what was on the wire.
async fn conversation(role: Role) -> Vec<u8> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let mut conn = Conn::new(near, role, Config::new().write_buffer_size(256), Negotiated::new());
    for size in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536] {
        conn.write_message(Message::binary(vec![b'a'; size])).await.expect("written");
        conn.queue_message("t".repeat(size)).await.expect("queued");
    }
    let mut writer = conn.next_writer(MessageKind::Binary).await.expect("a writer");
    for size in [1, 255, 256, 257, 5000] {
        writer.write_all(&vec![b'f'; size]).await.expect("written");
        writer.flush().await.expect("flushed");
    }
    writer.finish().await.expect("finished");
    for size in [0, 1, 60, 125] {
        far.write_all(&frame(role, true, Opcode::PING, &vec![b'p'; size])).await.expect("room");
    }
    // Begun and never ended, so that what is there of it is dropped.
    far.write_all(&frame(role, false, Opcode::BINARY, &[b'm'; 3000])).await.expect("room");
    far.write_all(&frame(role, true, Opcode::CLOSE, &[])).await.expect("room");
    conn.control().send_ping("ping").expect("room");
    assert!(conn.read_message().await.expect("a close frame").is_none());
    drop(conn);

    let (near, mut closing) = tokio::io::duplex(1 << 10);
    let mut conn = Conn::new(near, role, Config::new(), Negotiated::new());
    closing.write_all(&frame(role, true, Opcode::CLOSE, &1000_u16.to_be_bytes())).await.expect("room");
    conn.close(CloseFrame::new(4000, "reason")).await.expect("closed");
    drop(conn);

    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.expect("the end");
    closing.read_to_end(&mut sent).await.expect("the end");
    sent
}

// Shows LEAK-1.
#[tokio::test(start_paused = true)]
async fn nothing_that_memory_held_before_is_ever_on_the_wire() {
    for role in ROLES {
        let sent = conversation(role).await;
        let (mut rest, mut frames) = (&sent[..], 0);
        while let Some((header, len)) = FrameHeader::decode(rest).expect("a frame") {
            let end = len + usize::try_from(header.payload_len).expect("a short frame");
            let mut payload = rest[len..end].to_vec();
            if let Some(key) = header.mask {
                apply_mask(&mut payload, key);
            }
            // Code and reason of the close frame; all else is of letters.
            let letters = if header.opcode == Opcode::CLOSE { payload.get(2..) } else { Some(&payload[..]) };
            let foreign = letters.unwrap_or_default().iter().find(|byte| !byte.is_ascii_lowercase());
            assert_eq!(foreign, None, "{role:?}: {header:?}");
            rest = &rest[end..];
            frames += 1;
        }
        assert!(rest.is_empty() && frames > 30, "{role:?}: {frames} frames");
    }
    assert!(MARKED.load(Ordering::Relaxed) > 1 << 20);
}
