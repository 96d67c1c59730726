//! The load itself: one thread, one edge-triggered epoll.

use std::{
    io::{self, ErrorKind, Write as _},
    net::TcpStream,
    ops::Range,
    process,
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
    net::{RecvFlags, recv},
};

use super::{
    Target,
    client::Client,
    latency::Latency,
    prepared::Prepared,
    replies::{Counted, Replies, Want},
    requests::Requests,
};
use crate::{Result, procfs::cpu_time, workload::Workload};

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// After this many messages, rounded up to whole batches. All of them are counted.
    Messages(u64),
    /// After a window of this length, which begins when the warm-up is over.
    Window { warm_up: Duration, measured: Duration },
}

/// What came back in the measured window.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) replies: Counted,
    pub(crate) wall: Duration,
    /// CPU time of the server.
    pub(crate) server: Duration,
    /// CPU time of this process.
    pub(crate) generator: Duration,
    /// From the sending of a batch to the last of its replies.
    pub(crate) latency: Latency,
}

/// Puts one workload on a server.
///
/// `server` is the process whose CPU time is read at both ends of the measured window.
///
/// # Errors
/// When a reply is wrong, the server closes a connection, or nothing moves for five seconds.
pub(crate) fn run(
    target: &Target,
    workload: &Workload,
    prepared: &Prepared,
    limit: Limit,
    server: u32,
) -> Result<Measured> {
    let mut generator = Generator::connect(target, workload, prepared)?;
    let mut window = Window::open(limit, workload.depth, server)?;
    generator.start(&mut window)?;
    let mut last_reply = Instant::now();
    while !window.is_over() {
        let before = window.measured.replies.messages;
        generator.turn(&mut window)?;
        let now = Instant::now();
        if window.measured.replies.messages != before {
            last_reply = now;
        } else if now - last_reply > STALLED {
            return Err(format!("no reply for {STALLED:?} after {before} messages").into());
        }
        window.turn(now)?;
    }
    Ok(window.measured)
}

/// The connections and the buffers they share.
struct Generator {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    depth: usize,
}

struct Connection {
    stream: TcpStream,
    requests: Rc<Requests>,
    replies: Replies,
    /// The variant that the next batch begins with.
    variant: usize,
    /// The part of the current batch that the socket has not taken yet.
    unsent: Range<usize>,
    /// Replies the current batch waits for.
    owed: usize,
    sent_at: Instant,
}

impl Generator {
    fn connect(target: &Target, workload: &Workload, prepared: &Prepared) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(workload.connections);
        for index in 0..workload.connections {
            let mut client = target.open(prepared, index)?;
            if index == 0 {
                for _ in 0..client.requests.variants() {
                    client.echo()?;
                }
            }
            let Client { stream, requests, replies, variant, .. } = client;
            stream.set_nonblocking(true)?;
            let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(index as u64), interest)?;
            connections.push(Connection {
                stream,
                requests,
                replies,
                variant,
                unsent: 0..0,
                owed: 0,
                sent_at: Instant::now(),
            });
        }
        let events = Vec::with_capacity(workload.connections.max(1));
        Ok(Self { epoll, connections, events, buffer: vec![0; BUFFER], depth: workload.depth })
    }

    fn start(&mut self, window: &mut Window) -> Result<()> {
        let now = Instant::now();
        for connection in &mut self.connections {
            if window.takes_batch(self.depth) {
                connection.next_batch(self.depth, now)?;
            }
        }
        Ok(())
    }

    /// Waits for events and answers all of them.
    fn turn(&mut self, window: &mut Window) -> Result<()> {
        const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let connection = &mut self.connections[event.data.u64() as usize];
            connection.send()?;
            while let Some(replies) = connection.receive(&mut self.buffer)? {
                if replies.messages == 0 {
                    continue;
                }
                window.measured.replies += replies;
                let owed = connection.owed.checked_sub(replies.messages as usize);
                connection.owed = owed.ok_or("more replies than requests")?;
                if connection.owed > 0 {
                    continue;
                }
                let now = Instant::now();
                window.measured.latency.record(now - connection.sent_at);
                if window.takes_batch(self.depth) {
                    connection.next_batch(self.depth, now)?;
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    fn next_batch(&mut self, depth: usize, now: Instant) -> Result<()> {
        self.unsent = self.requests.batch(self.variant, depth);
        self.variant += depth;
        self.owed = depth;
        self.sent_at = now;
        self.send()
    }

    fn send(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.requests.bytes()[self.unsent.clone()]) {
                Ok(len) => self.unsent.start += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives once: the replies completed, or `None` when there is nothing to receive.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<Counted>> {
        if self.owed == 0 {
            return Ok(None);
        }
        let (len, flags) = match self.replies.want(buffer.len()) {
            Want::Bytes(len) => (len, RecvFlags::empty()),
            // tcp(7): with MSG_TRUNC received bytes are discarded instead of being copied.
            Want::Discard(left) => (left.min(buffer.len()), RecvFlags::TRUNC),
        };
        let received = match recv(&self.stream, &mut buffer[..len], flags) {
            Ok((0, _)) => return Err("the server closed a connection".into()),
            Ok((received, _)) => received,
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if flags == RecvFlags::TRUNC {
            Ok(Some(self.replies.discarded(received)))
        } else {
            self.replies.receive(&buffer[..received]).map(Some)
        }
    }
}

/// Knows when the measured window begins and ends, and collects what happens in it.
struct Window {
    limit: Limit,
    phase: Phase,
    opened: Instant,
    /// Messages that may still be sent under [`Limit::Messages`].
    unsent: u64,
    server: u32,
    /// CPU time of server and generator when the window opened.
    cpu: (Duration, Duration),
    measured: Measured,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measuring,
    Over,
}

impl Window {
    fn open(limit: Limit, depth: usize, server: u32) -> Result<Self> {
        let (limit, phase, unsent) = match limit {
            Limit::Messages(messages) => {
                let whole_batches = messages.next_multiple_of(depth as u64);
                (Limit::Messages(whole_batches), Phase::Measuring, whole_batches)
            }
            Limit::Window { .. } => (limit, Phase::WarmUp, u64::MAX),
        };
        let measured = Measured {
            replies: Counted::default(),
            wall: Duration::ZERO,
            server: Duration::ZERO,
            generator: Duration::ZERO,
            latency: Latency::new(),
        };
        Ok(Self { limit, phase, opened: Instant::now(), unsent, server, cpu: sample(server)?, measured })
    }

    fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether another batch belongs to this run.
    fn takes_batch(&mut self, depth: usize) -> bool {
        let takes = self.unsent > 0;
        self.unsent = self.unsent.saturating_sub(depth as u64);
        takes
    }

    fn turn(&mut self, now: Instant) -> Result<()> {
        let open = now - self.opened;
        match (self.limit, self.phase) {
            (Limit::Window { warm_up, .. }, Phase::WarmUp) if open >= warm_up => {
                self.phase = Phase::Measuring;
                self.measured.replies = Counted::default();
                self.measured.latency = Latency::new();
                self.cpu = sample(self.server)?;
                self.opened = Instant::now();
                Ok(())
            }
            (Limit::Window { measured, .. }, Phase::Measuring) if open >= measured => self.end(),
            (Limit::Messages(messages), Phase::Measuring) if self.measured.replies.messages >= messages => {
                self.end()
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<()> {
        let (server, generator) = sample(self.server)?;
        self.phase = Phase::Over;
        self.measured.wall = self.opened.elapsed();
        self.measured.server = server.saturating_sub(self.cpu.0);
        self.measured.generator = generator.saturating_sub(self.cpu.1);
        Ok(())
    }
}

fn sample(server: u32) -> io::Result<(Duration, Duration)> {
    Ok((cpu_time(server)?, cpu_time(process::id())?))
}

/// Shared by all connections; what is discarded passes through it by length only.
const BUFFER: usize = 256 << 10;

const STALLED: Duration = Duration::from_secs(5);
