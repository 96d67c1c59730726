//! The load itself: one thread, one edge-triggered epoll.

use std::{
    io::{ErrorKind, Write as _},
    net::TcpStream,
    ops::Range,
    rc::Rc,
    thread,
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
    handshakes,
    prepared::Prepared,
    replies::{Counted, Replies, Want},
    requests::Requests,
    window::{Limit, Measured, Window},
};
use crate::{
    Result,
    workload::{Traffic, Workload},
};

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
    if workload.traffic == Traffic::Handshake {
        return handshakes::run(target, workload, limit, server);
    }
    let mut generator = Generator::connect(target, workload, prepared)?;
    let mut window = Window::open(limit, generator.batch_replies(), server)?;
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
    traffic: Traffic,
    /// Connections that have not had all of the current broadcast.
    waiting: usize,
    /// Nobody reads from these.
    _deaf: Vec<TcpStream>,
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
            let Client { stream, requests, mut replies, variant, .. } = client;
            if let (Traffic::Broadcast, Some(sender)) = (workload.traffic, connections.first()) {
                let sender: &Connection = sender;
                replies = sender.replies.clone();
            }
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
        let deaf =
            (0..workload.deaf).map(|_| Ok(target.open_deaf(prepared)?.stream)).collect::<Result<_>>()?;
        if workload.traffic == Traffic::Broadcast {
            // The server may need a moment after the last handshake to know all its connections.
            thread::sleep(SETTLE);
        }
        let events = Vec::with_capacity(workload.connections.max(1));
        let (depth, traffic) = (workload.depth, workload.traffic);
        let buffer = vec![0; BUFFER];
        Ok(Self { epoll, connections, events, buffer, depth, traffic, waiting: 0, _deaf: deaf })
    }

    /// Replies that one batch has in all.
    fn batch_replies(&self) -> usize {
        match self.traffic {
            Traffic::Broadcast => self.depth * self.connections.len(),
            Traffic::Echo | Traffic::Handshake => self.depth,
        }
    }

    fn start(&mut self, window: &mut Window) -> Result<()> {
        let now = Instant::now();
        if self.traffic == Traffic::Broadcast {
            return self.broadcast(window, now);
        }
        for connection in &mut self.connections {
            if window.takes_batch(self.depth) {
                connection.expect(self.depth, now);
                connection.next_batch(self.depth)?;
            }
        }
        Ok(())
    }

    /// Sends a batch over the first connection, which all of them are owed.
    fn broadcast(&mut self, window: &mut Window, now: Instant) -> Result<()> {
        if !window.takes_batch(self.batch_replies()) {
            return Ok(());
        }
        self.waiting = self.connections.len();
        for connection in &mut self.connections {
            connection.expect(self.depth, now);
        }
        self.connections.first_mut().map_or(Ok(()), |sender| sender.next_batch(self.depth))
    }

    /// Waits for events and answers all of them.
    fn turn(&mut self, window: &mut Window) -> Result<()> {
        const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for at in 0..self.events.len() {
            let index = self.events[at].data.u64() as usize;
            let connection = &mut self.connections[index];
            connection.send()?;
            while let Some(replies) = self.connections[index].receive(&mut self.buffer)? {
                let connection = &mut self.connections[index];
                if replies.messages == 0 {
                    continue;
                }
                window.measured.replies += replies;
                let owed = connection.owed.checked_sub(replies.messages as usize);
                connection.owed = owed.ok_or("more replies than requests")?;
                if connection.owed > 0 {
                    continue;
                }
                if self.traffic == Traffic::Broadcast {
                    self.waiting -= 1;
                    if self.waiting > 0 {
                        continue;
                    }
                }
                let now = Instant::now();
                window.measured.latency.record(now - connection.sent_at);
                if self.traffic == Traffic::Broadcast {
                    self.broadcast(window, now)?;
                } else if window.takes_batch(self.depth) {
                    connection.expect(self.depth, now);
                    connection.next_batch(self.depth)?;
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Is owed a batch that is sent now, by this connection or by another.
    fn expect(&mut self, depth: usize, now: Instant) {
        self.owed = depth;
        self.sent_at = now;
    }

    fn next_batch(&mut self, depth: usize) -> Result<()> {
        self.unsent = self.requests.batch(self.variant, depth);
        self.variant += depth;
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

/// Shared by all connections; what is discarded passes through it by length only.
const BUFFER: usize = 256 << 10;

/// Nothing has moved for so long that it never will.
pub(super) const STALLED: Duration = Duration::from_secs(5);

const SETTLE: Duration = Duration::from_millis(100);
