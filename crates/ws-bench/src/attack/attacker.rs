//! Attackers, in a process of their own for the sake of its limit of open files.

use std::{
    env,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _, stdin},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    net::sockopt,
    process::{Signal, set_parent_process_death_signal},
};

use super::shape::Shape;
use crate::{
    Result,
    args::Args,
    limits,
    load::{FIN, Prepared, REQUEST, Target, masked},
    out::say,
    workload::IDLE,
};

/// A process of attackers; killed when dropped.
pub(super) struct Attacker {
    child: Child,
    lines: Receiver<String>,
    patience: Duration,
}

impl Attacker {
    pub(super) fn start(shape: Shape, addr: SocketAddr, count: usize) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["attack-from-here", &shape.to_string(), "--at", &addr.to_string()])
            .args(["--connections", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe from the attackers")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        // Ten milliseconds for a handshake is a lot.
        Ok(Self {
            child,
            lines,
            patience: Duration::from_secs(60) + Duration::from_millis(10) * count as u32,
        })
    }

    /// # Errors
    /// When they do not say so in time.
    pub(super) fn wait_until_ready(&self) -> Result<()> {
        match self.lines.recv_timeout(self.patience)?.as_str() {
            "ready" => Ok(()),
            line => Err(format!("the attackers say {line}").into()),
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Ends them: how many connections there were, how many of them the server ended, and what was sent.
    ///
    /// # Errors
    /// When they do not end.
    pub(super) fn stop(mut self) -> Result<[u64; 3]> {
        drop(self.child.stdin.take());
        let line = match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Err("the attackers do not end".into()),
            Err(RecvTimeoutError::Disconnected) => return Err("the attackers have failed".into()),
        };
        let mut counts = [0; 3];
        for (count, word) in counts.iter_mut().zip(line.split(' ')) {
            *count = word.parse()?;
        }
        Ok(counts)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // They may have ended by themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ws-bench attack-from-here SHAPE`, until standard input ends.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let shape: Shape = args.positional().ok_or("which shape?")?.parse()?;
    let addr: SocketAddr = args.option("at", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let count: usize = args.option("connections", 1)?;
    args.finish()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    thread::spawn(move || {
        let _ = stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Relaxed);
    });
    let mut attack = Attack {
        target: Target { addr, websocket: true },
        prepared: Prepared::new(&IDLE),
        over,
        opened: 0,
        ended: 0,
        sent: 0,
    };
    match shape {
        Shape::Churn => attack.churn(count)?,
        Shape::Fragments => attack.flood(limits::connections(count)?, &fragments())?,
        Shape::Idle => attack.idle(limits::connections(count)?)?,
        Shape::Pings => attack.flood(limits::connections(count)?, &pings())?,
        Shape::SlowReaders => attack.read_nothing(limits::connections(count)?)?,
        Shape::Slowloris => attack.drip(limits::connections(count)?)?,
    }
    say!("{} {} {}", attack.opened, attack.ended, attack.sent)?;
    Ok(())
}

struct Attack {
    target: Target,
    prepared: Prepared,
    over: Arc<AtomicBool>,
    opened: u64,
    ended: u64,
    sent: u64,
}

impl Attack {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn open(&mut self) -> Result<TcpStream> {
        let stream = self.target.open(&self.prepared, 0)?.stream;
        self.opened += 1;
        Ok(stream)
    }

    fn open_all(&mut self, count: usize) -> Result<Vec<TcpStream>> {
        let mut streams = Vec::with_capacity(count);
        while streams.len() < count && !self.is_over() {
            let stream = self.open()?;
            stream.set_nonblocking(true)?;
            streams.push(stream);
        }
        Ok(streams)
    }

    /// Says nothing; at the end, those that still have their connection get an answer to a ping.
    fn idle(&mut self, count: usize) -> Result<()> {
        let streams = self.open_all(count)?;
        say!("ready")?;
        while !self.is_over() {
            thread::sleep(TICK);
        }
        let ping = masked(FIN | 9, b"", [1, 2, 3, 4]);
        for mut stream in streams {
            stream.set_nonblocking(false)?;
            let mut pong = [0; 2];
            let answered = stream.write_all(&ping).and_then(|()| stream.read_exact(&mut pong));
            if answered.is_err() || pong != [FIN | 10, 0] {
                self.ended += 1;
            }
        }
        Ok(())
    }

    /// Asks for echoes of 16 KiB and reads none.
    fn read_nothing(&mut self, count: usize) -> Result<()> {
        let mut streams = Vec::with_capacity(count);
        while streams.len() < count && !self.is_over() {
            let stream = self.open()?;
            sockopt::set_socket_recv_buffer_size(&stream, 4096)?;
            stream.set_nonblocking(true)?;
            streams.push(Sender { stream: Some(stream), at: 0 });
        }
        let bytes = masked(FIN | 2, &vec![0; 16 << 10], [1, 2, 3, 4]);
        let (mut still, mut ready) = (0, false);
        while !self.is_over() {
            let before = self.sent;
            for sender in &mut streams {
                self.sent += sender.send(&bytes);
                self.ended += sender.take_end();
            }
            // Until then they are senders; what they cost comes when everything between them and the server is full.
            still = if self.sent == before { still + 1 } else { 0 };
            if still == STILL && !ready {
                ready = true;
                say!("ready")?;
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    /// Sends a byte of a request a second, which never has an end.
    fn drip(&mut self, count: usize) -> Result<()> {
        let mut streams = Vec::with_capacity(count);
        while streams.len() < count && !self.is_over() {
            let stream = TcpStream::connect_timeout(&self.target.addr, PATIENCE)?;
            stream.set_nonblocking(true)?;
            self.opened += 1;
            if self.opened % 100 == 0 {
                // A connection that finds the queue of the listener full waits for a second.
                thread::sleep(Duration::from_millis(5));
            }
            streams.push(Sender { stream: Some(stream), at: 0 });
        }
        say!("ready")?;
        let mut request = REQUEST.to_owned() + "X-Slow: ";
        request += &"x".repeat(4096);
        for byte in request.bytes() {
            let next = Instant::now() + Duration::from_secs(1);
            for sender in &mut streams {
                sender.at = 0;
                self.sent += sender.send_once(&[byte]);
                sender.discard(&mut [0; 1024]);
                self.ended += sender.take_end();
            }
            while Instant::now() < next {
                if self.is_over() {
                    return Ok(());
                }
                thread::sleep(TICK);
            }
        }
        Ok(())
    }

    /// Comes, and goes with a reset.
    fn churn(&mut self, count: usize) -> Result<()> {
        say!("ready")?;
        for _ in 0..count {
            if self.is_over() {
                break;
            }
            match self.open() {
                Ok(stream) => drop(stream),
                Err(_) => self.ended += 1,
            }
        }
        Ok(())
    }

    /// Sends `bytes` again and again over each connection, and opens another one when the server ends it.
    fn flood(&mut self, count: usize, flood: &Flood) -> Result<()> {
        let mut senders: Vec<_> =
            self.open_all(count)?.into_iter().map(|stream| Sender { stream: Some(stream), at: 0 }).collect();
        say!("ready")?;
        let mut buffer = vec![0; 64 << 10];
        while !self.is_over() {
            for sender in &mut senders {
                self.sent += sender.send_from(&flood.bytes, flood.again);
                sender.discard(&mut buffer);
                if sender.take_end() == 1 {
                    self.ended += 1;
                    // The server may have no time for it just now.
                    if let Ok(stream) = self.open() {
                        stream.set_nonblocking(true)?;
                        *sender = Sender { stream: Some(stream), at: 0 };
                    }
                } else if sender.stream.is_none() {
                    if let Ok(stream) = self.open() {
                        stream.set_nonblocking(true)?;
                        *sender = Sender { stream: Some(stream), at: 0 };
                    }
                }
            }
            // The core may be shared with the server.
            thread::yield_now();
        }
        Ok(())
    }
}

/// What is sent without end: all of it, and then from `again` on.
struct Flood {
    bytes: Vec<u8>,
    again: usize,
}

fn pings() -> Flood {
    Flood { bytes: masked(FIN | 9, b"", [1, 2, 3, 4]).repeat(2000), again: 0 }
}

fn fragments() -> Flood {
    let first = masked(2, b"x", [1, 2, 3, 4]);
    let more = masked(0, b"x", [1, 2, 3, 4]).repeat(2000);
    Flood { again: first.len(), bytes: [first, more].concat() }
}

/// A connection that is written to without waiting.
struct Sender {
    /// None when the server has ended it.
    stream: Option<TcpStream>,
    at: usize,
}

impl Sender {
    /// Writes the bytes again and again until the socket is full.
    fn send(&mut self, bytes: &[u8]) -> u64 {
        let mut sum = 0;
        loop {
            match self.send_from(bytes, 0) {
                0 => return sum,
                sent => sum += sent,
            }
        }
    }

    /// Writes once, from where the last write ended; behind the end come those from `again` on.
    fn send_from(&mut self, bytes: &[u8], again: usize) -> u64 {
        if self.at == bytes.len() {
            self.at = again;
        }
        self.send_once(&bytes[self.at..])
    }

    fn send_once(&mut self, bytes: &[u8]) -> u64 {
        let Some(stream) = &mut self.stream else { return 0 };
        match stream.write(bytes) {
            Ok(sent) => {
                self.at += sent;
                sent as u64
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.stream = None;
                self.at = ENDED;
                0
            }
        }
    }

    /// Takes what the server has sent.
    fn discard(&mut self, buffer: &mut [u8]) {
        let Some(stream) = &mut self.stream else { return };
        match stream.read(buffer) {
            Ok(0) => {}
            Ok(_) => return,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => {}
        }
        self.stream = None;
        self.at = ENDED;
    }

    /// 1 when the connection has ended since the last call.
    fn take_end(&mut self) -> u64 {
        let ended = self.at == ENDED;
        if ended {
            self.at = 0;
        }
        u64::from(ended)
    }
}

const ENDED: usize = usize::MAX;
/// Turns without a byte after which everything is full.
const STILL: u32 = 10;
const TICK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);
