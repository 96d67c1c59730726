//! Connections between two ends, each direction with a delay, a window and whatever goes wrong with it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::random::Random;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Socket {
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
    random: Random,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// What can be done to a connection from outside.
#[derive(Clone, Debug)]
pub(crate) struct Cable([Arc<Mutex<Lane>>; 2]);

/// One direction.
#[derive(Debug)]
struct Lane {
    /// What is under way, and when it arrives.
    bytes: VecDeque<(Instant, Vec<u8>)>,
    under_way: usize,
    window: usize,
    delay: Duration,
    /// Nothing arrives before.
    stalled: Option<Instant>,
    state: State,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// When a byte was last taken in or given out.
    moved: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// It ends behind what is under way.
    Ended,
    /// What is written disappears.
    Hole,
    Reset,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Both directions fail at once.
    Reset,
    /// Nothing arrives any more, and nobody says so.
    HalfOpen,
    /// One direction ends without a close frame.
    End(usize),
    /// Nothing arrives for a while.
    Stall(Duration),
}

fn locked(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().expect("no panic with the lock")
}

/// The two ends of a connection. A calm one takes no time to speak of, however much is sent.
pub(crate) fn connect(random: &Random, calm: bool) -> (Socket, Socket, Cable) {
    let lane = || {
        // A small window with a long delay would take hours for a large message.
        let paces = [(1, 0), (50, 1), (1000, 20), (1 << 16, 1), (1 << 16, 150), (1 << 20, 0)];
        let (window, delay) =
            if calm { (1 << 16, random.one_of(&[0, 1, 20])) } else { random.one_of(&paces) };
        Arc::new(Mutex::new(Lane {
            bytes: VecDeque::new(),
            under_way: 0,
            window,
            delay: Duration::from_millis(delay),
            stalled: None,
            state: State::Open,
            reader: None,
            writer: None,
            moved: None,
        }))
    };
    let (there, back) = (lane(), lane());
    let socket = |incoming: &Arc<Mutex<Lane>>, outgoing: &Arc<Mutex<Lane>>| Socket {
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        random: random.clone(),
        sleep: None,
    };
    (socket(&back, &there), socket(&there, &back), Cable([there, back]))
}

impl Cable {
    pub(crate) fn suffer(&self, fault: Fault) {
        for (number, lane) in self.0.iter().enumerate() {
            let mut lane = locked(lane);
            match fault {
                Fault::Reset => {
                    lane.state = State::Reset;
                    lane.bytes.clear();
                }
                Fault::HalfOpen if lane.state == State::Open => {
                    lane.state = State::Hole;
                    lane.bytes.clear();
                }
                Fault::End(end) if end == number && lane.state == State::Open => lane.state = State::Ended,
                Fault::Stall(time) => lane.stalled = Some(Instant::now() + time),
                Fault::HalfOpen | Fault::End(_) => {}
            }
            lane.wake();
        }
    }

    /// When a byte was last taken in or given out.
    pub(crate) fn moved(&self) -> Option<Instant> {
        self.0.iter().filter_map(|lane| locked(lane).moved).max()
    }

    /// What the network takes from the heap for what is under way.
    pub(crate) fn heap(&self) -> usize {
        let of = |lane: &Lane| {
            let pieces: usize = lane.bytes.iter().map(|(_, bytes)| bytes.capacity()).sum();
            pieces + lane.bytes.capacity() * size_of::<(Instant, Vec<u8>)>()
        };
        self.0.iter().map(|lane| of(&locked(lane))).sum()
    }
}

impl Lane {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

impl Socket {
    /// Once in a while a call comes to nothing and is to be tried again.
    fn stutters(&self, cx: &Context<'_>) -> bool {
        let stutters = self.random.once_in(8);
        if stutters {
            cx.waker().wake_by_ref();
        }
        stutters
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stutters(cx) {
            return Poll::Pending;
        }
        let incoming = self.incoming.clone();
        let mut lane = locked(&incoming);
        if lane.state == State::Reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let now = Instant::now();
        let stalled = lane.stalled;
        let due = lane.bytes.front().map(|(at, _)| stalled.map_or(*at, |until| until.max(*at)));
        match due {
            Some(due) if due <= now => {
                let limit = buf.remaining().min(self.random.one_of(&[1, 5, 100, 4000, 1 << 20]));
                let (_, bytes) = lane.bytes.front_mut().expect("it is there");
                let count = bytes.len().min(limit);
                buf.put_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    lane.bytes.pop_front();
                }
                lane.under_way -= count;
                lane.moved = Some(now);
                lane.writer.take().into_iter().for_each(Waker::wake);
                Poll::Ready(Ok(()))
            }
            Some(due) => {
                let sleep = self.sleep.insert(Box::pin(sleep_until(due)));
                lane.reader = Some(cx.waker().clone());
                if sleep.as_mut().poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            None if lane.state == State::Ended => Poll::Ready(Ok(())),
            None => {
                lane.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stutters(cx) {
            return Poll::Pending;
        }
        let mut lane = locked(&self.outgoing);
        match lane.state {
            State::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            State::Ended => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            State::Open | State::Hole => {}
        }
        let room = lane.window.saturating_sub(lane.under_way);
        if room == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(room).min(self.random.one_of(&[1, 7, 300, 1 << 20]));
        let now = Instant::now();
        lane.under_way += count;
        lane.moved = Some(now);
        if lane.state == State::Open {
            let at = now + lane.delay;
            lane.bytes.push_back((at, bytes[..count].to_vec()));
            lane.reader.take().into_iter().for_each(Waker::wake);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutters(cx) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lane = locked(&self.outgoing);
        if lane.state == State::Open {
            lane.state = State::Ended;
        }
        lane.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    /// Ends one direction behind what is under way; what still arrives from the other is refused.
    fn drop(&mut self) {
        for lane in [&self.outgoing, &self.incoming] {
            let mut lane = locked(lane);
            if lane.state == State::Open {
                lane.state = State::Ended;
            }
            lane.wake();
        }
    }
}
