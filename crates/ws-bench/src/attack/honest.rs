//! Those who are served meanwhile: a few connections, a message at a time, now and then a new one.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    load::{FIN, Latency, Prepared, Target, masked},
    workload::IDLE,
};

pub(super) struct Honest {
    target: Target,
    prepared: Prepared,
    connections: Vec<TcpStream>,
    message: Vec<u8>,
}

/// How long they waited.
pub(super) struct Waits {
    pub(super) messages: Latency,
    pub(super) handshakes: Latency,
    pub(super) count: u64,
    /// Connections that ended, or had no answer within five seconds, and handshakes that failed.
    pub(super) lost: u64,
}

impl Honest {
    /// # Errors
    /// When the server does not accept.
    pub(super) fn connect(target: Target) -> Result<Self> {
        let prepared = Prepared::new(&IDLE);
        let connections =
            (0..CONNECTIONS).map(|index| Ok(target.open(&prepared, index)?.stream)).collect::<Result<_>>()?;
        let message = masked(FIN | 2, &[b'x'; PAYLOAD], [1, 2, 3, 4]);
        Ok(Self { target, prepared, connections, message })
    }

    /// Talks for so long, or until `stop` says so, which is asked after each message.
    ///
    /// # Errors
    /// When an answer is wrong.
    pub(super) fn talk(&mut self, window: Duration, mut stop: impl FnMut() -> bool) -> Result<Waits> {
        let mut waits = Waits { messages: Latency::new(), handshakes: Latency::new(), count: 0, lost: 0 };
        let start = Instant::now();
        let mut reply = [0; 2 + PAYLOAD];
        for turn in 0.. {
            if start.elapsed() > window || stop() {
                break;
            }
            let index = turn % self.connections.len();
            let sent = Instant::now();
            let mut stream = &self.connections[index];
            let answered = stream.write_all(&self.message).and_then(|()| stream.read_exact(&mut reply));
            match answered {
                Ok(()) if reply[..2] == [FIN | 2, PAYLOAD as u8] && reply[2..] == [b'x'; PAYLOAD] => {
                    waits.messages.record(sent.elapsed());
                    waits.count += 1;
                }
                Ok(()) => return Err(format!("a wrong answer: {reply:x?}").into()),
                Err(_) => {
                    waits.lost += 1;
                    self.reopen(index, &mut waits);
                }
            }
            if turn % NEW == NEW - 1 {
                self.reopen(index, &mut waits);
            }
            thread::sleep(PAUSE);
        }
        Ok(waits)
    }

    /// Replaces a connection by a new one.
    fn reopen(&mut self, index: usize, waits: &mut Waits) {
        let asked = Instant::now();
        match self.target.open(&self.prepared, index) {
            Ok(client) => {
                waits.handshakes.record(asked.elapsed());
                self.connections[index] = client.stream;
            }
            Err(_) => waits.lost += 1,
        }
    }
}

const CONNECTIONS: usize = 50;
const PAYLOAD: usize = 64;
/// Between two messages: some 500 a second.
const PAUSE: Duration = Duration::from_millis(2);
/// After so many messages there is a new connection.
const NEW: usize = 20;
