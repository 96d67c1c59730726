//! The other side of the load: answers what clients send, without a WebSocket library.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Range,
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
    net::sockopt,
};

use super::{
    extension::Encoding,
    frame::KEY_LEN,
    generator::STALLED,
    opening,
    prepared::Prepared,
    replies::{Counted, Replies},
    requests::Requests,
    window::{Limit, Measured, Window},
};
use crate::{Result, workload::Workload};

/// One thread, one level-triggered epoll: every message is answered with the one it should have been.
pub(crate) struct Responder {
    listener: TcpListener,
    epoll: OwnedFd,
    requests: Rc<Requests>,
    answers: Requests,
    connections: HashMap<u64, Connection>,
    opened: u64,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    state: State,
    incoming: Replies,
    /// The variant that is answered next.
    variant: usize,
    /// Answers that the socket has not taken yet; while there are any, nothing is read.
    unsent: Range<usize>,
    /// Of the first connection, until it has sent each message once.
    check: Option<Check>,
}

/// What has arrived of the message that is to be compared with the right one.
#[derive(Default)]
struct Check {
    variant: usize,
    seen: Vec<u8>,
}

enum State {
    /// What has arrived of the request.
    Opening(Vec<u8>),
    Open,
}

impl Responder {
    /// # Errors
    /// When there is nothing to listen on.
    pub(crate) fn new(prepared: &Prepared) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        let requests = prepared.requests(Encoding::Plain)?;
        let answers = requests.unmasked();
        let buffer = vec![0; BUFFER];
        Ok(Self { listener, epoll, requests, answers, connections: HashMap::new(), opened: 0, buffer })
    }

    /// Where clients find it.
    ///
    /// # Errors
    /// When the system does not know.
    pub(crate) fn addr(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers a client, the process `client`, once it has opened all connections of the workload.
    ///
    /// # Errors
    /// When a message is wrong, the client closes a connection, nothing moves for five seconds, or it does not begin within a minute.
    pub(crate) fn run(&mut self, workload: &Workload, limit: Limit, client: u32) -> Result<Measured> {
        let mut window = None;
        let mut answered = Counted::default();
        let mut last_moved = Instant::now();
        loop {
            let before = answered.messages;
            self.turn(&mut answered)?;
            let now = Instant::now();
            if answered.messages != before {
                last_moved = now;
            } else if now - last_moved > if window.is_none() { OPENING } else { STALLED } {
                return Err(format!("no message for {:?}", now - last_moved).into());
            }
            if window.is_none() && self.is_open(workload.connections) {
                window = Some(Window::open(limit, 1, client)?);
                answered = Counted::default();
            }
            if let Some(window) = &mut window {
                window.measured.replies += std::mem::take(&mut answered);
                window.turn(now)?;
                if window.is_over() {
                    return Ok(window.measured.clone());
                }
            }
        }
    }

    fn is_open(&self, connections: usize) -> bool {
        self.connections.len() == connections
            && self.connections.values().all(|connection| matches!(connection.state, State::Open))
    }

    fn turn(&mut self, answered: &mut Counted) -> Result<()> {
        const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

        let mut events: Vec<epoll::Event> = Vec::with_capacity(1024);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let key = event.data.u64();
            if key == LISTENER {
                self.accept()?;
                continue;
            }
            let connection = self.connections.get_mut(&key).ok_or("an event of no connection")?;
            let was_sent = connection.unsent.is_empty();
            if was_sent {
                *answered += connection.receive(&mut self.buffer, &self.requests, &self.answers)?;
            }
            connection.send(&self.answers)?;
            let is_sent = connection.unsent.is_empty();
            if was_sent != is_sent {
                let interest = if is_sent { epoll::EventFlags::IN } else { epoll::EventFlags::OUT };
                epoll::modify(&self.epoll, &connection.stream, epoll::EventData::new_u64(key), interest)?;
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        let key = self.opened;
        self.opened += 1;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
        let connection = Connection {
            stream,
            state: State::Opening(Vec::new()),
            incoming: Replies::from_client(self.requests.clone(), 0),
            variant: 0,
            unsent: 0..0,
            check: (key == 0).then(Check::default),
        };
        self.connections.insert(key, connection);
        Ok(())
    }
}

impl Connection {
    fn receive(&mut self, buffer: &mut [u8], requests: &Rc<Requests>, answers: &Requests) -> Result<Counted> {
        let len = match self.stream.read(buffer) {
            Ok(0) => return Err("the client closed a connection".into()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Counted::default()),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = &buffer[..len];
        if let State::Opening(head) = &mut self.state {
            // A client without WebSockets begins with a frame.
            if head.is_empty() && !bytes.starts_with(b"G") {
                self.state = State::Open;
            } else {
                head.extend_from_slice(bytes);
                if !opening::is_whole(head)? {
                    return Ok(Counted::default());
                }
                let response = opening::response(head)?;
                self.state = State::Open;
                self.stream.write_all(response.as_bytes())?;
                bytes = &[];
            }
        }
        self.compare(bytes, requests)?;
        let counted = self.incoming.receive(bytes)?;
        // A client sends a batch when it has had all of the one before, so that what is owed is at most one.
        let owed = counted.messages as usize;
        if owed > answers.depth() {
            return Err("more messages than a batch has".into());
        }
        if owed > 0 {
            self.unsent = answers.batch(self.variant, owed);
            self.variant += owed;
        }
        Ok(counted)
    }

    fn send(&mut self, answers: &Requests) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&answers.bytes()[self.unsent.clone()]) {
                Ok(len) => self.unsent.start += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Compares each message once, byte for byte.
    fn compare(&mut self, bytes: &[u8], requests: &Rc<Requests>) -> Result<()> {
        let Some(check) = &mut self.check else { return Ok(()) };
        check.seen.extend_from_slice(bytes);
        while check.variant < requests.variants() {
            let payload = requests.payload(check.variant);
            let header = requests.plain_len(check.variant) - payload.len();
            let frame = header + KEY_LEN + payload.len();
            if check.seen.len() < frame {
                return Ok(());
            }
            let (key, masked) = check.seen[header..frame].split_at(KEY_LEN);
            let unmasked = masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
            if !unmasked.eq(payload.iter().copied()) {
                return Err(format!("message {} is not the one of the workload", check.variant).into());
            }
            check.seen.drain(..frame);
            check.variant += 1;
        }
        self.check = None;
        Ok(())
    }
}

const LISTENER: u64 = u64::MAX;

/// Shared by all connections.
const BUFFER: usize = 256 << 10;
/// How long a client may take to begin: one that is counted runs in an emulator.
const OPENING: Duration = Duration::from_secs(60);
