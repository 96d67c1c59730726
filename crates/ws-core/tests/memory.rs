//! What a connection takes from the heap, counted by the allocator.

#![cfg(feature = "io")]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{
    Config, Conn, ErrorKind, Message, Negotiated, Role,
    frame::{FrameHeader, MaskingKey, Opcode, apply_mask},
};

/// Counts what each thread takes and gives; a test runs on a thread of its own.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize) {
    LIVE.set(LIVE.get() + change);
    PEAK.set(PEAK.get().max(LIVE.get()));
    if change > 0 {
        TOTAL.set(TOTAL.get() + change);
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
        // While it moves, both are there.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the rules of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What the heap of this thread did in between.
#[derive(Clone, Copy, Debug)]
struct Usage {
    /// More than before.
    live: isize,
    /// The most at any time.
    peak: isize,
    /// The sum of all that was taken.
    total: isize,
    /// How often some was taken.
    calls: usize,
}

fn measured<T>(run: impl FnOnce() -> T) -> (T, Usage) {
    let (live, total, calls) = (LIVE.get(), TOTAL.get(), CALLS.get());
    PEAK.set(live);
    let output = run();
    let usage = Usage {
        live: LIVE.get() - live,
        peak: PEAK.get() - live,
        total: TOTAL.get() - total,
        calls: CALLS.get() - calls,
    };
    (output, usage)
}

/// A transport that takes nothing from the heap: gives a stream over and over, and forgets what is written.
#[derive(Debug)]
struct Wire<'a> {
    stream: &'a [u8],
    position: usize,
    /// How much of the stream may be read, over all repetitions.
    credit: usize,
    /// Bytes per read.
    read: usize,
    /// How many bytes it takes before it is full.
    room: usize,
    ended: bool,
}

impl<'a> Wire<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self { stream, position: 0, credit: stream.len(), read: usize::MAX, room: usize::MAX, ended: false }
    }
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.credit == 0 {
            return if self.ended { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let rest = &self.stream[self.position..];
        let count = rest.len().min(self.credit).min(self.read).min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.credit -= count;
        self.position = (self.position + count) % self.stream.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = buf.len().min(self.room);
        self.room -= count;
        if count == 0 { Poll::Pending } else { Poll::Ready(Ok(count)) }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn frame(to: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let header = header(to, fin, opcode, payload.len() as u64);
    if to == Role::Server {
        apply_mask(&mut payload, KEY);
    }
    [header, payload].concat()
}

fn header(to: Role, fin: bool, opcode: Opcode, payload_len: u64) -> Vec<u8> {
    let mask = (to == Role::Server).then_some(KEY);
    FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload_len) }.encode().to_vec()
}

const KEY: MaskingKey = MaskingKey::new([1, 2, 3, 4]);

fn conn<'a>(role: Role, config: Config, wire: Wire<'a>) -> Conn<Wire<'a>> {
    Conn::new(wire, role, config, Negotiated::new())
}

fn unlimited() -> Config {
    Config::new().max_message_size(None).max_fragments(None)
}

/// Polls once.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Echoes until the transport has no more.
fn echo(conn: &mut Conn<Wire<'_>>) -> usize {
    let mut echoed = 0;
    loop {
        let mut waits = 0;
        let message = loop {
            if let Some(message) = now(conn.read_message()) {
                break message;
            }
            waits += 1;
            if conn.get_ref().credit == 0 && waits > 1 {
                return echoed;
            }
        };
        let message = message.expect("an open connection").expect("a message");
        now(conn.queue_message(message)).expect("room").expect("an open connection");
        echoed += 1;
    }
}

const KIB: isize = 1 << 10;
const MIB: isize = 1 << 20;

#[test]
fn idle_connections_hold_nothing_after_traffic() {
    for role in ROLES {
        // Whole messages small and large, fragments, a ping, and the beginning of a header.
        let stream = [
            frame(role, true, Opcode::TEXT, b"hello"),
            frame(role, true, Opcode::BINARY, &[7; 100_000]),
            frame(role, false, Opcode::TEXT, b"frag"),
            frame(role, true, Opcode::PING, b"ping"),
            frame(role, true, Opcode::CONTINUATION, b"ments"),
            vec![0x81],
        ]
        .concat();
        let mut conns: Vec<_> = (0..1000).map(|_| conn(role, Config::new(), Wire::new(&stream))).collect();
        let (echoed, usage) = measured(|| conns.iter_mut().map(echo).sum::<usize>());
        assert_eq!(echoed, 3000);
        // The buffers that the pool of this thread keeps for all of them, a few of either kind.
        assert!(usage.live <= 16 * 128 * KIB + 16 * 12 * KIB, "{role:?}: {usage:?}");
        let state = (conns.capacity() * size_of::<Conn<Wire<'_>>>()) as isize;
        let (_, usage) = measured(|| drop(conns));
        assert_eq!(-usage.live, state, "{role:?}: idle connections held something else");
    }
}

#[test]
fn new_connection_takes_nothing_from_the_heap() {
    let config = Config::new();
    for role in ROLES {
        let (conn, usage) = measured(|| conn(role, config.clone(), Wire::new(b"")));
        assert_eq!((usage.calls, usage.live), (0, 0), "{role:?}");
        drop(conn);
    }
}

#[test]
fn state_of_a_connection_is_small() {
    let size = size_of::<Conn<()>>();
    assert!(size <= 640, "{size} bytes");
}

#[test]
fn without_a_pool_an_idle_connection_holds_nothing_at_all() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::TEXT, b"hello");
        let config = Config::new().buffer_pool(ws_core::BufferPool::off());
        let mut conn = conn(role, config, Wire::new(&stream));
        let (_, usage) = measured(|| echo(&mut conn));
        assert_eq!(usage.live, 0, "{role:?}: {usage:?}");
    }
}

#[test]
fn announced_length_takes_no_memory() {
    for role in ROLES {
        for length in [1 << 30, 1 << 40, 1 << 62, (1 << 63) - 1] {
            let mut stream = header(role, true, Opcode::BINARY, length);
            stream.push(0);
            let mut conn = conn(role, unlimited(), Wire::new(&stream));
            let (_, usage) = measured(|| assert!(now(conn.read_message()).is_none()));
            assert!(usage.total <= 64 * KIB, "{role:?} {length}: {usage:?}");
        }
    }
}

#[test]
fn header_over_the_limit_takes_no_memory() {
    for role in ROLES {
        let stream = header(role, true, Opcode::BINARY, 1 << 40);
        let mut wire = Wire::new(&stream);
        wire.ended = true;
        let mut conn = conn(role, Config::new(), wire);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _guard = runtime.enter();
        let (result, usage) = measured(|| now(conn.read_message()));
        assert!(matches!(result.unwrap().unwrap_err().kind(), ErrorKind::TooBig { .. }));
        assert!(usage.total <= 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn begun_messages_hold_little_more_than_their_bytes() {
    for role in ROLES {
        let mut stream = header(role, true, Opcode::BINARY, 1 << 40);
        stream.push(0);
        let mut conns: Vec<_> = (0..1000).map(|_| conn(role, unlimited(), Wire::new(&stream))).collect();
        let (_, usage) = measured(|| {
            conns.iter_mut().for_each(|conn| assert!(now(conn.read_message()).is_none()));
        });
        assert!(usage.live <= 1000 * 5 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn large_frame_byte_by_byte_takes_at_most_twice_its_size() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; MIB as usize]);
        let mut wire = Wire::new(&stream);
        wire.read = 1;
        let mut conn = conn(role, Config::new(), wire);
        let (message, usage) = measured(|| {
            loop {
                if let Some(message) = now(conn.read_message()) {
                    break message.unwrap().unwrap();
                }
            }
        });
        assert_eq!(message.into_data().len(), MIB as usize);
        // Room for the whole is made once half of it is there: both halves of that move count.
        assert!(usage.peak <= 2 * MIB + 64 * KIB, "{role:?}: {usage:?}");
        assert!(usage.live <= MIB + 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn memory_follows_what_has_arrived() {
    for role in ROLES {
        for read in [100, 1000, 20_000] {
            let stream = frame(role, true, Opcode::BINARY, &vec![7; 4 * MIB as usize]);
            let mut wire = Wire::new(&stream);
            (wire.read, wire.credit) = (read, 0);
            let mut conn = conn(role, unlimited(), wire);
            let mut arrived = 0;
            measured(|| {
                let before = LIVE.get();
                while arrived + 20_000 < 2 * MIB as usize {
                    conn.get_mut().credit += 20_000;
                    arrived += 20_000;
                    while conn.get_ref().credit > 0 {
                        assert!(now(conn.read_message()).is_none());
                    }
                    let live = LIVE.get() - before;
                    assert!(live <= 2 * arrived as isize + 256 * KIB, "{role:?}: {live} of {arrived}");
                }
            });
        }
    }
}

#[test]
fn fragments_of_one_byte_take_at_most_twice_their_payload() {
    for role in ROLES {
        let size = 256 * KIB;
        let config = || Config::new().max_message_size(size as u64).max_fragments(None);
        let first = frame(role, false, Opcode::TEXT, b"a");
        let middle = frame(role, false, Opcode::CONTINUATION, b"a");
        let last = frame(role, true, Opcode::CONTINUATION, b"a");
        let stream = [first, middle.repeat(size as usize - 2), last].concat();
        let mut conn = conn(role, config(), Wire::new(&stream));
        let (message, usage) = measured(|| {
            loop {
                if let Some(message) = now(conn.read_message()) {
                    break message.unwrap().unwrap();
                }
            }
        });
        assert_eq!(message.into_data().len(), size as usize);
        assert!(usage.peak <= 3 * size + 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn message_given_out_pins_little_more_than_its_payload() {
    for role in ROLES {
        for fragment in [1, 100, 5000] {
            // A size right behind a power of two: the worst for what doubles.
            let size = 131_073;
            let payload = vec![b'a'; fragment];
            let first = frame(role, false, Opcode::TEXT, &payload);
            let middle = frame(role, false, Opcode::CONTINUATION, &payload);
            let last = frame(role, true, Opcode::CONTINUATION, b"");
            let stream = [first, middle.repeat(size / fragment), last].concat();
            let mut conn = conn(role, unlimited(), Wire::new(&stream));
            let (message, usage) = measured(|| {
                loop {
                    if let Some(message) = now(conn.read_message()) {
                        break message.unwrap().unwrap();
                    }
                }
            });
            let len = message.into_data().len() as isize;
            let pooled = 32 * KIB;
            assert!(
                usage.live <= len + len / 4 + 4 * KIB + pooled,
                "{role:?} {fragment}: {usage:?} for {len}"
            );
        }
    }
}

#[test]
fn small_message_is_echoed_with_one_allocation() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &[7; 32]);
        let mut conn = conn(role, Config::new(), Wire::new(&stream));
        // Warm up the pool.
        echo(&mut conn);
        for (read, what) in [(stream.len(), "one at a time"), (usize::MAX, "in batches")] {
            conn.get_mut().read = read;
            conn.get_mut().credit = 1000 * stream.len();
            let (echoed, usage) = measured(|| echo(&mut conn));
            assert_eq!(echoed, 1000);
            assert_eq!(usage.calls, 1000, "{role:?} {what}: the payload of the message and nothing else");
            assert_eq!(usage.live, 0, "{role:?} {what}");
        }
    }
}

#[test]
fn small_message_that_is_written_takes_no_allocation() {
    for role in ROLES {
        let mut conn = conn(role, Config::new(), Wire::new(b"x"));
        let message = Message::binary(vec![7; 32]);
        now(conn.write_message(message.clone())).unwrap().unwrap();
        let (_, usage) = measured(|| {
            for _ in 0..1000 {
                now(conn.write_message(message.clone())).unwrap().unwrap();
            }
        });
        assert_eq!(usage.calls, 0, "{role:?}: {usage:?}");
    }
}

#[test]
fn large_payload_of_a_server_is_not_copied() {
    let mut conn = conn(Role::Server, Config::new(), Wire::new(b"x"));
    let message = Message::binary(vec![7; 4 * MIB as usize]);
    let (_, usage) = measured(|| now(conn.write_message(message.clone())).unwrap().unwrap());
    assert!(usage.total <= 8 * KIB, "{usage:?}");
}

#[test]
fn flood_of_pings_from_a_peer_that_does_not_read_takes_little() {
    for role in ROLES {
        let stream = frame(role, true, Opcode::PING, &[7; 125]);
        let mut wire = Wire::new(&stream);
        (wire.room, wire.credit) = (10, 0);
        let mut conn = conn(role, Config::new(), wire);
        let (_, usage) = measured(|| {
            for _ in 0..10_000 {
                conn.get_mut().credit = stream.len();
                assert!(now(conn.read_message()).is_none());
            }
        });
        assert!(usage.peak <= 48 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn queue_of_a_peer_that_does_not_read_is_bounded_by_its_mark_and_one_message() {
    for role in ROLES {
        let mut wire = Wire::new(b"x");
        (wire.room, wire.credit) = (0, 0);
        let mut conn = conn(role, Config::new().high_water_mark(64 << 10), wire);
        let message = Message::binary(vec![7; 1000]);
        let (_, usage) = measured(|| {
            for _ in 0..10_000 {
                if let Some(result) = now(conn.queue_message(message.clone())) {
                    result.unwrap();
                }
            }
        });
        assert!(usage.live <= 2 * 66 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn data_after_the_own_close_frame_takes_no_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for role in ROLES {
        let stream = frame(role, true, Opcode::BINARY, &vec![7; 4 * MIB as usize]);
        let mut conn = conn(role, unlimited(), Wire::new(&stream));
        now(conn.write_message(Message::Close(None))).unwrap().unwrap();
        let (_, usage) = measured(|| {
            while conn.get_ref().credit > 0 {
                assert!(now(conn.read_message()).is_none());
            }
        });
        assert!(usage.peak <= 64 * KIB, "{role:?}: {usage:?}");
    }
}

#[test]
fn ended_connections_hold_only_their_close_frames() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for role in ROLES {
        let half = frame(role, false, Opcode::BINARY, &[7; 50_000]);
        for end in [
            &frame(role, true, Opcode::CLOSE, b"\x03\xE8bye")[..],
            &header(role, true, Opcode::from_bits(3), 0),
            b"",
        ] {
            let stream = [&half[..], end].concat();
            let config = Config::new().buffer_pool(ws_core::BufferPool::off());
            let mut wire = Wire::new(&stream);
            wire.ended = true;
            let mut conn = conn(role, config, wire);
            let (_, usage) = measured(|| {
                drop(now(conn.queue_message(Message::binary(vec![7; 10_000]))));
                while now(conn.recv()).is_none_or(|result| matches!(result, Ok(Some(_)))) {}
            });
            assert!(usage.live <= KIB, "{role:?} {end:x?}: {usage:?}");
        }
    }
}
