//! What an opening handshake without an HTTP server takes from the heap, counted by the allocator.

#![cfg(feature = "raw")]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Uri, header::SERVER};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{
    BufferPool,
    raw::handshake::{Dialer, UpgradeError, Upgrader},
};

/// Counts what each thread takes; a test runs on a thread of its own.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    LIVE.set(LIVE.get() + change);
    PEAK.set(PEAK.get().max(LIVE.get()));
    if change > 0 {
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: everything is handed on to the system's allocator as it came; counting touches no memory of the callers, and
// cells without a destructor can be used at any time in the life of a thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Gives bytes, so many at a time, and forgets what is written.
struct Wire<'a> {
    input: &'a [u8],
    step: usize,
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.input.len().min(self.step).min(buf.remaining());
        let (now, later) = self.input.split_at(count);
        buf.put_slice(now);
        self.input = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// One direction between two ends.
struct Lane {
    bytes: [u8; 4096],
    length: usize,
    reader: Option<Waker>,
}

impl Lane {
    fn new() -> RefCell<Self> {
        RefCell::new(Self { bytes: [0; 4096], length: 0, reader: None })
    }
}

/// One of two ends.
struct End<'a> {
    incoming: &'a RefCell<Lane>,
    outgoing: &'a RefCell<Lane>,
}

impl AsyncRead for End<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut lane = self.incoming.borrow_mut();
        if lane.length == 0 {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = lane.length.min(buf.remaining());
        buf.put_slice(&lane.bytes[..count]);
        lane.bytes.copy_within(count.., 0);
        lane.length -= count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut lane = self.outgoing.borrow_mut();
        let start = lane.length;
        lane.bytes[start..start + buf.len()].copy_from_slice(buf);
        lane.length += buf.len();
        if let Some(reader) = lane.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
    Origin: https://Example.org\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: soap, chat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

fn request(more: &str) -> Vec<u8> {
    format!("{REQUEST}{more}\r\n").into_bytes()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// How often a handshake takes something from the heap, once the pool has seen one.
async fn server_calls(upgrader: &Upgrader, input: &[u8], step: usize) -> (usize, Result<(), UpgradeError>) {
    let mut outcome = Ok(());
    let mut calls = 0;
    for _ in 0..4 {
        let before = CALLS.get();
        let result = upgrader.upgrade(&mut Wire { input, step }).await;
        calls = CALLS.get() - before;
        outcome = result.map(|handshake| BufferPool::per_thread().put(handshake.read_buf));
    }
    (calls, outcome)
}

fn upgrader() -> Upgrader {
    Upgrader::new()
        .subprotocols(["chat"])
        .header(SERVER, HeaderValue::from_static("test"))
        .on_request(|request| {
            request.target().starts_with('/').then_some(()).ok_or_else(|| http::StatusCode::NOT_FOUND.into())
        })
        .on_header(|_, _| Ok(()))
        .negotiate(|_| Ok(None))
        .before_upgrade(|_, headers| {
            Ok(headers.append(&http::header::SET_COOKIE, &HeaderValue::from_static("a=b"))?)
        })
}

#[test]
fn accepting_takes_nothing_from_the_heap() {
    let cookies = format!("Cookie: {}\r\n", "a".repeat(8000));
    let large = format!("{cookies}Authorization: {}\r\n", "b".repeat(6000));
    block_on(async {
        for (name, input, step) in [
            ("at once", request(""), usize::MAX),
            ("byte by byte", request(""), 1),
            ("8 KiB", request(&cookies), usize::MAX),
            ("14 KiB, byte by byte", request(&large), 1),
            ("with frames behind it", [request("").as_slice(), &[0x82; 100]].concat(), usize::MAX),
        ] {
            let (calls, outcome) = server_calls(&upgrader(), &input, step).await;
            assert!(outcome.is_ok(), "{name}: {outcome:?}");
            assert_eq!(calls, 0, "{name}");
        }
    });
}

#[test]
fn refusing_takes_nothing_from_the_heap() {
    block_on(async {
        for input in [
            request("").replace_first("websocket", "h2c"),
            request("").replace_first("https://Example.org", "https://example.com"),
            request("Content-Length: 9\r\n"),
            b"\x16\x03\x01".to_vec(),
            vec![b'a'; 1 << 20],
        ] {
            let (calls, outcome) = server_calls(&upgrader(), &input, usize::MAX).await;
            assert!(outcome.is_err_and(|error| error.status().is_some()));
            assert_eq!(calls, 0, "{}", input[..20.min(input.len())].escape_ascii());
        }
    });
}

trait ReplaceFirst {
    fn replace_first(self, from: &str, to: &str) -> Self;
}

impl ReplaceFirst for Vec<u8> {
    fn replace_first(self, from: &str, to: &str) -> Self {
        String::from_utf8(self).unwrap().replacen(from, to, 1).into_bytes()
    }
}

#[test]
fn both_ends_together_take_nothing_from_the_heap() {
    block_on(async {
        let (upgrader, uri) = (upgrader(), Uri::from_static("ws://example.org/chat?a=b"));
        let dialer = Dialer::new()
            .subprotocols(["soap", "chat"])
            .header(http::header::ORIGIN, HeaderValue::from_static("https://example.org"))
            .on_header(|_, _| Ok(()));
        let mut calls = usize::MAX;
        for _ in 0..4 {
            let (there, back) = (Lane::new(), Lane::new());
            let mut near = End { incoming: &there, outgoing: &back };
            let mut far = End { incoming: &back, outgoing: &there };
            let before = CALLS.get();
            let (server, client) =
                tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
            calls = CALLS.get() - before;
            assert_eq!(server.unwrap().subprotocol.as_deref(), Some("chat"));
            assert_eq!(client.unwrap().subprotocol.as_deref(), Some("chat"));
        }
        assert_eq!(calls, 0);
    });
}

#[test]
fn no_request_takes_more_memory_than_its_bound() {
    let huge = vec![b'a'; 1 << 20];
    let lines = [b"GET / HTTP/1.1\r\n".to_vec(), b"a: b\r\n".repeat(100_000)].concat();
    let quotes = request(&format!("Sec-WebSocket-Extensions: a; b=\"{}\"\r\n", "\\a".repeat(3500)));
    for input in [huge, lines, quotes] {
        for step in [1, 1000, usize::MAX] {
            block_on(async {
                let upgrader = Upgrader::new().buffer_pool(BufferPool::off());
                let before = LIVE.get();
                PEAK.set(before);
                let _ = upgrader.upgrade(&mut Wire { input: &input, step }).await;
                let peak = PEAK.get() - before;
                // The head, once more while it moves to a larger buffer, the response.
                assert!(peak <= 40 << 10, "{peak} bytes");
                assert_eq!(LIVE.get(), before);
            });
        }
    }
}
