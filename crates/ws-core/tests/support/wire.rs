//! A transport that takes nothing from the heap, and connections over it.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::{
    Config, Conn, Negotiated, Role,
    frame::{FrameHeader, MaskingKey, Opcode, apply_mask},
};

/// A transport that takes nothing from the heap: gives a stream over and over, and forgets what is written.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) position: usize,
    /// How much of the stream may be read, over all repetitions.
    pub(crate) credit: usize,
    /// Bytes per read.
    pub(crate) read: usize,
    /// How many bytes it takes before it is full.
    pub(crate) room: usize,
    pub(crate) ended: bool,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(stream: &'a [u8]) -> Self {
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

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

pub(crate) fn frame(to: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let header = header(to, fin, opcode, payload.len() as u64);
    if to == Role::Server {
        apply_mask(&mut payload, KEY);
    }
    [header, payload].concat()
}

pub(crate) fn header(to: Role, fin: bool, opcode: Opcode, payload_len: u64) -> Vec<u8> {
    let mask = (to == Role::Server).then_some(KEY);
    FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload_len) }.encode().to_vec()
}

pub(crate) const KEY: MaskingKey = MaskingKey::new([1, 2, 3, 4]);

pub(crate) fn conn<'a>(role: Role, config: Config, wire: Wire<'a>) -> Conn<Wire<'a>> {
    WOKEN.with(|_| {});
    Conn::new(wire, role, config, Negotiated::new())
}

pub(crate) fn unlimited() -> Config {
    Config::new().max_message_size(None).max_fragments(None)
}

/// Gives what a future is ready with, without anything else happening: it is polled for as long as it wakes itself.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    WOKEN.with(|(flag, waker)| {
        flag.0.store(true, Ordering::Relaxed);
        while flag.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
                return Some(output);
            }
        }
        None
    })
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    /// Made once: what is measured must not allocate.
    static WOKEN: (Arc<Flag>, Waker) = {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        (Arc::clone(&flag), Waker::from(flag))
    };
}

/// Echoes until the transport has no more.
pub(crate) fn echo(conn: &mut Conn<Wire<'_>>) -> usize {
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

pub(crate) const KIB: isize = 1 << 10;
pub(crate) const MIB: isize = 1 << 20;
