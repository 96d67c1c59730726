//! Connections that open, close and nothing else (RFC 6455, 4 and 7), in slots that begin anew when they are done.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
    net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt},
};

use super::{
    Target,
    frame::{FIN, masked},
    generator::STALLED,
    opening,
    replies::Counted,
    window::{Limit, Measured, Window},
};
use crate::{Result, workload::Workload};

/// Puts handshakes on a server. A message of the result is one connection, from its first packet to its close frame.
///
/// # Errors
/// When the server refuses, answers with something else than a close frame, or nothing moves for five seconds.
pub(super) fn run(target: &Target, workload: &Workload, limit: Limit, server: u32) -> Result<Measured> {
    const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

    let mut handshakes = Handshakes::new(target, workload)?;
    let mut window = Window::open(limit, 1, server)?;
    for index in 0..handshakes.slots.len() {
        handshakes.next(index, &mut window)?;
    }
    let mut events = Vec::with_capacity(workload.connections.max(1));
    let mut last_done = Instant::now();
    while !window.is_over() {
        events.clear();
        match epoll::wait(&handshakes.epoll, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let event: &epoll::Event = event;
            if handshakes.turn(event.data.u64() as usize, &mut window)? {
                last_done = Instant::now();
            }
        }
        let now = Instant::now();
        if now - last_done > STALLED {
            return Err(format!("no handshake for {STALLED:?}").into());
        }
        window.turn(now)?;
    }
    Ok(window.measured)
}

struct Handshakes<'a> {
    target: &'a Target,
    epoll: OwnedFd,
    slots: Vec<Slot>,
    request: String,
    close: Vec<u8>,
    /// Connections so far: the next source address follows from it.
    opened: usize,
}

#[derive(Default)]
struct Slot {
    /// Nothing once there is no more to be opened.
    stream: Option<TcpStream>,
    began: Option<Instant>,
    /// Whether the opening handshake is behind it.
    is_open: bool,
    received: Vec<u8>,
    wire: u64,
}

impl<'a> Handshakes<'a> {
    fn new(target: &'a Target, workload: &Workload) -> Result<Self> {
        // 5.5.1: a close frame with the code 1000.
        let close = masked(FIN | 8, &1000_u16.to_be_bytes(), [0x12, 0x34, 0x56, 0x78]);
        let slots = (0..workload.connections).map(|_| Slot::default()).collect();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { target, epoll, slots, request: opening::request(None), close, opened: 0 })
    }

    /// Opens the next connection of a slot, which ends the one before.
    fn next(&mut self, index: usize, window: &mut Window) -> Result<()> {
        self.slots[index] = Slot::default();
        if !window.takes_batch(1) {
            return Ok(());
        }
        let began = Instant::now();
        let mut stream = open(self.target, self.opened)?;
        self.opened += 1;
        let first = if self.target.websocket { self.request.as_bytes() } else { &self.close };
        stream.write_all(first)?;
        stream.set_nonblocking(true)?;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
        let is_open = !self.target.websocket;
        self.slots[index] = Slot { stream: Some(stream), began: Some(began), is_open, ..Slot::default() };
        Ok(())
    }

    /// Takes what has arrived. Whether that was the end of a connection.
    fn turn(&mut self, index: usize, window: &mut Window) -> Result<bool> {
        let slot = &mut self.slots[index];
        let Some(stream) = &mut slot.stream else { return Ok(false) };
        let mut buffer = [0; 1024];
        let received = match stream.read(&mut buffer) {
            Ok(0) => return Err("the server closed a connection without a close frame".into()),
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        slot.received.extend_from_slice(&buffer[..received]);
        slot.wire += received as u64;
        if !slot.is_open {
            if opening::is_whole(&slot.received)? {
                opening::agreed(&slot.received, None)?;
                slot.is_open = true;
                slot.received.clear();
                stream.write_all(&self.close)?;
            }
            return Ok(false);
        }
        let right: &[&[u8]] = if self.target.websocket { CLOSE } else { &[&self.close] };
        if right.contains(&slot.received.as_slice()) {
            let counted = Counted { messages: 1, wire: slot.wire, plain: slot.wire, uncompressed: 0 };
            window.measured.replies += counted;
            if let Some(began) = slot.began {
                window.measured.latency.record(began.elapsed());
            }
            self.next(index, window)?;
            return Ok(true);
        }
        if right.iter().any(|right| right.starts_with(&slot.received)) {
            return Ok(false);
        }
        Err(format!("{:02x?} came in reply to a close frame", slot.received).into())
    }
}

/// Connects from one of many addresses, so that the ports of none run out.
fn open(target: &Target, index: usize) -> Result<TcpStream> {
    let source = Ipv4Addr::new(127, 0, 1, (1 + index % SOURCES) as u8);
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    connect(&socket, &target.addr)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(STALLED))?;
    // Closed by reset: nothing is left in TIME_WAIT.
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    Ok(stream)
}

/// The code comes back (5.5.1), or a server may leave it out.
const CLOSE: &[&[u8]] = &[&[0x88, 2, 0x03, 0xe8], &[0x88, 0]];

const SOURCES: usize = 200;
