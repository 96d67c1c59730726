//! What a dial takes of the heap until it is answered.

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncWriteExt, DuplexStream};
use ws_client::Dialer;

use support::{handshake, read_head, switching};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is passed on to the system's allocator; what is counted beside it touches no memory of it.
#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// A proxy has as many dials as clients: they must not have the buffers of an HTTP client each.
#[tokio::test]
async fn dial_takes_no_more_than_its_heads_need() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
        io
    };
    // What is made once, by whoever is the first.
    drop(handshake(&Dialer::new(), script).await);
    let dialer = Dialer::new();
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (conn, _io) = handshake(&dialer, script).await;
    let peak = PEAK.load(Ordering::Relaxed) - before;
    conn.unwrap();
    // With the pipe, and what the script reads.
    assert!(peak < 8 << 10, "{peak} bytes");
}
