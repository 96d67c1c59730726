//! What an opening handshake without an HTTP server takes from the heap, counted by the allocator.

#![cfg(feature = "raw")]

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "support/heap.rs"]
mod heap;
#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "support/wire.rs"]
mod wire;

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Uri, header::SERVER};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{
    BufferPool,
    raw::handshake::{Dialer, OwnedExtension, UpgradeError, Upgrader},
};

use crate::{
    heap::{Mark, held},
    wire::Wire,
};

/// Gives bytes, so many at a time, and ends; what is written is forgotten.
fn stream(input: &[u8], step: usize) -> Wire<'_> {
    Wire { read: step, ended: true, ..Wire::new(input) }
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
        let mark = Mark::new();
        let result = upgrader.upgrade(&mut stream(input, step)).await;
        calls = mark.usage().calls;
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
            let mark = Mark::new();
            let (server, client) =
                tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
            calls = mark.usage().calls;
            assert_eq!(server.unwrap().subprotocol.as_deref(), Some("chat"));
            assert_eq!(client.unwrap().subprotocol.as_deref(), Some("chat"));
        }
        assert_eq!(calls, 0);
    });
}

/// Each end hands out a list, and for each extension its name, its list of parameters, and their names and values.
#[test]
fn accepted_extensions_take_no_more_than_what_is_handed_out() {
    let uri = Uri::from_static("ws://example.org/");
    let upgrader = Upgrader::new().negotiate(|offer| Ok(Some(offer.clone().into())));
    for (extensions, parameters) in [(1, 0), (1, 1), (3, 2)] {
        // Of those with one name only the first would be accepted.
        let offer = |number| {
            let offer = OwnedExtension::new(&format!("x-{number}")).unwrap();
            (0..parameters).fold(offer, |offer, _| offer.with_parameter("key", "value").unwrap())
        };
        let dialer = Dialer::new().extensions((0..extensions).map(offer).collect::<Vec<_>>());
        let mut usage = None;
        for _ in 0..4 {
            let (there, back) = (Lane::new(), Lane::new());
            let mut near = End { incoming: &there, outgoing: &back };
            let mut far = End { incoming: &back, outgoing: &there };
            usage = Some(block_on(async {
                let mark = Mark::new();
                let (server, client) =
                    tokio::join!(upgrader.upgrade(&mut near), dialer.handshake(&mut far, &uri));
                let usage = mark.usage();
                assert_eq!(client.unwrap().extensions.len(), extensions);
                assert_eq!(server.unwrap().extensions.len(), extensions);
                usage
            }));
        }
        let usage = usage.unwrap();
        let handed_out = 1 + extensions * (2 + 2 * parameters);
        assert!(usage.calls <= 2 * handed_out, "{extensions}, {parameters}: {usage:?}");
        assert!(usage.total <= 2 << 10, "{extensions}, {parameters}: {usage:?}");
    }
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
                let (before, mark) = (held(), Mark::new());
                let _ = upgrader.upgrade(&mut stream(&input, step)).await;
                let peak = mark.usage().peak;
                // The head, once more while it moves to a larger buffer, the response.
                assert!(peak <= 40 << 10, "{peak} bytes");
                assert_eq!(held(), before);
            });
        }
    }
}
