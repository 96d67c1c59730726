//! One world: what happens in it, and what must hold whatever happens.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::time::{Instant, sleep, timeout};
use ws_client::{DialErrorKind, Dialer};
use ws_core::{
    BufferPool, CloseCode, CloseFrame, Config, Conn, DeflateConfig, Error, ErrorKind, KeepAlive, Message,
};
use ws_tower::{ResponseBody, Tracker, Upgraded, Upgrader};

use crate::{
    executor::Executor,
    heap,
    network::{Cable, Fault, Socket, connect},
    random::Random,
};

/// What came of a world.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Everything that happened, with its time, as a number.
    pub(crate) trace: u64,
    pub(crate) sum: Sum,
}

/// What was seen, in one world or in all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    dialed: usize,
    refused: usize,
    not_dialed: usize,
    faults: usize,
    arrived: usize,
    normal_ends: usize,
    lost: usize,
    /// The most that a connection took from the heap, both ends of it.
    heap: usize,
}

impl Sum {
    pub(crate) fn add(&mut self, other: &Self) {
        self.dialed += other.dialed;
        self.refused += other.refused;
        self.not_dialed += other.not_dialed;
        self.faults += other.faults;
        self.arrived += other.arrived;
        self.normal_ends += other.normal_ends;
        self.lost += other.lost;
        self.heap = self.heap.max(other.heap);
    }
}

#[derive(Clone)]
pub(crate) struct World(Rc<State>);

struct State {
    random: Random,
    executor: Executor,
    /// Nothing goes wrong and nobody is slow: everything must arrive.
    calm: bool,
    /// The one client writes as long as it may, and reads nothing.
    greedy: bool,
    /// Handlers run in tasks of ws-tower's, or are upgraded by hand.
    by_hand: bool,
    /// The server speaks first, so that its message comes with the response.
    greets: bool,
    upgrader: Upgrader,
    tracker: Tracker,
    dialer: Dialer,
    handshake_timeout: Duration,
    close_timeout: Duration,
    compression: bool,
    cables: RefCell<Vec<Cable>>,
    clients: Cell<usize>,
    stopped: Cell<bool>,
    seen: Seen,
}

/// What both ends write down; handlers may run anywhere.
#[derive(Clone)]
struct Seen(Arc<Mutex<Log>>);

struct Log {
    seed: u64,
    started: Option<Instant>,
    trace: DefaultHasher,
    sum: Sum,
}

/// What a server knows of one of its connections, for the other end to look at.
#[derive(Clone, Default)]
struct Served(Arc<Mutex<Echoed>>);

#[derive(Clone, Copy, Default)]
struct Echoed {
    read: usize,
    /// Messages that a write has taken.
    written: usize,
    ended: bool,
    greets: bool,
}

/// A message that says which one it is, and is the same however often it is made.
fn numbered(of: usize, number: usize) -> Message {
    // Each form of a length.
    let size = [0, 3, 100, 600, 5000, if number == 5 { LARGE } else { 20 }][(of + number * 7) % 6];
    sized(of, number, size)
}

fn sized(of: usize, number: usize, size: usize) -> Message {
    let head = format!("{of}:{number}:");
    if number % 2 == 0 {
        return Message::text(head + &"grün ".repeat(size / 6));
    }
    let tail = (0..size).map(|at| (at * at / 7 + number) as u8);
    Message::binary(head.bytes().chain(tail).collect::<Vec<u8>>())
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        let calm = random.once_in(3);
        let close_timeout = Duration::from_secs(1 + random.below(5) as u64);
        let handshake_timeout = Duration::from_secs(if calm { 600 } else { 2 + random.below(9) as u64 });
        let keep_alive = || {
            let interval = Duration::from_millis(random.one_of(&[500, 2000, 7000]));
            // Long enough for the slowest of calm networks.
            let timeout = Duration::from_secs(if calm { 600 } else { 1 + random.below(4) as u64 });
            (!random.once_in(3)).then(|| KeepAlive::every(interval).timeout(timeout))
        };
        let config = || {
            Config::new()
                .close_timeout(close_timeout)
                .keep_alive(keep_alive())
                .max_message_size(MAX_MESSAGE)
                .high_water_mark(random.one_of(&[1, 300, 1 << 16]))
                // That of the thread remembers other worlds.
                .buffer_pool(BufferPool::off())
        };
        let compression = random.once_in(3);
        let deflate = |yes: bool| yes.then(|| DeflateConfig::new().threshold(0));
        let tracker = Tracker::new();
        let upgrader = Upgrader::new()
            .config(config())
            .compression(deflate(compression))
            .handshake_timeout(handshake_timeout)
            .tracker(tracker.clone());
        let dialer = Dialer::new()
            .config(config())
            .compression(deflate(compression))
            .handshake_timeout(handshake_timeout);
        Self(Rc::new(State {
            calm,
            greedy: !calm && !compression && random.once_in(4),
            by_hand: random.once_in(2),
            greets: random.once_in(2),
            upgrader,
            tracker,
            dialer,
            handshake_timeout,
            close_timeout,
            compression,
            cables: RefCell::default(),
            clients: Cell::default(),
            stopped: Cell::default(),
            seen: Seen(Arc::new(Mutex::new(Log {
                seed,
                started: None,
                trace: DefaultHasher::new(),
                sum: Sum::default(),
            }))),
            executor: Executor::new(&random),
            random,
        }))
    }

    pub(crate) fn run(self) -> Outcome {
        let state = &self.0;
        let world = self.clone();
        state.executor.spawn("the world".into(), usize::MAX, async move { world.begin() });
        let (weak, before, turns) = (Rc::downgrade(state), heap::held(), Cell::new(0_u32));
        state.executor.watch(move || {
            turns.set(turns.get() + 1);
            if let Some(state) = weak.upgrade().filter(|_| turns.get() % 8 == 0) {
                state.look_at_the_heap(heap::held() - before);
            }
        });
        state.executor.clone().run(Duration::from_secs(3600));
        let tracker = &state.tracker;
        state.seen.must(tracker.is_empty(), || format!("left: {tracker:?}"));
        let log = state.seen.0.lock().expect("no panic with the lock");
        Outcome { trace: log.trace.finish(), sum: log.sum }
    }

    fn begin(&self) {
        let state = &self.0;
        let count = if state.greedy { 1 } else { 1 + state.random.below(4) };
        state.clients.set(count);
        state.seen.0.lock().expect("no panic with the lock").started = Some(Instant::now());
        for number in 0..count {
            let random = &state.random;
            let polls = if state.calm || !random.once_in(12) { usize::MAX } else { 1 + random.below(400) };
            let world = self.clone();
            state.executor.spawn(
                format!("client {number}"),
                polls,
                async move { world.client(number).await },
            );
        }
        let world = self.clone();
        state.executor.spawn("shutdown".into(), usize::MAX, async move { world.stop().await });
    }

    /// A new connection, whose other end is the server's.
    fn open(&self, number: usize) -> (Socket, Served) {
        let state = &self.0;
        let (near, far, cable) = connect(&state.random, state.calm || state.greedy);
        state.cables.borrow_mut().push(cable.clone());
        let served = Served::default();
        served.0.lock().expect("no panic with the lock").greets = state.greets;
        let told = served.clone();
        let connection = TokioIo::new(far);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(16 << 10);
        let seen = state.seen.clone();
        let pause = if state.calm { None } else { Some(state.random.clone()) };
        let name = format!("server {number}");
        if state.by_hand {
            let (upgrader, executor, task) = (state.upgrader.clone(), state.executor.clone(), name.clone());
            let answer = service_fn(move |mut request: Request<Incoming>| {
                let response = match upgrader.upgrade(&mut request) {
                    Ok(accepted) => {
                        let (served, seen, pause) = (served.clone(), seen.clone(), pause.clone());
                        executor.spawn(task.clone(), usize::MAX, async move {
                            if let Ok(conn) = accepted.conn.await {
                                serve(conn, number, served, seen, pause).await;
                            }
                        });
                        accepted.response.map(|()| ResponseBody::empty())
                    }
                    Err(rejection) => rejection.into(),
                };
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http.serve_connection(connection, answer).with_upgrades();
            state.executor.spawn(
                format!("http of {name}"),
                usize::MAX,
                async move { drop(connection.await) },
            );
        } else {
            let service =
                state.upgrader.clone().service(move |conn| serve(conn, number, served, seen, pause));
            let connection =
                http.serve_connection(connection, TowerToHyperService::new(service)).with_upgrades();
            state.executor.spawn(
                format!("http of {name}"),
                usize::MAX,
                async move { drop(connection.await) },
            );
        }
        if !state.calm && state.random.once_in(2) {
            let world = self.clone();
            state.executor.spawn(
                format!("fault {number}"),
                usize::MAX,
                async move { world.fail(&cable).await },
            );
        } else if !state.calm {
            // A task may be dropped, and nobody be there who would end its connection.
            state.executor.spawn(format!("end {number}"), usize::MAX, async move { give_up(&cable).await });
        }
        (near, told)
    }

    async fn fail(&self, cable: &Cable) {
        let random = &self.0.random;
        let within = random.one_of(&[5, 20, 200, 3000]);
        sleep(Duration::from_millis(random.below(within) as u64)).await;
        let stall = Duration::from_millis(random.below(8000) as u64);
        let fault = random.one_of(&[
            Fault::Reset,
            Fault::HalfOpen,
            Fault::End(0),
            Fault::End(1),
            Fault::Stall(stall),
        ]);
        cable.suffer(fault);
        self.0.seen.log(&format!("{fault:?}"), 0, 0);
        self.0.seen.count(|sum| sum.faults += 1);
        give_up(cable).await;
    }

    /// The server stops: when all are done, or while they are not.
    async fn stop(&self) {
        let state = &self.0;
        if state.calm {
            while state.clients.get() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        } else {
            sleep(Duration::from_millis(state.random.below(10_000) as u64)).await;
        }
        let wait = Duration::from_millis(state.random.one_of(&[0, 500, 6000]));
        let stagger = Duration::from_millis(state.random.one_of(&[0, 300]));
        let began = Instant::now();
        state.stopped.set(true);
        let summary = state.tracker.shutdown().stagger(stagger).timeout(wait).await;
        state.seen.log("stopped", summary.closed, summary.aborted);
        // Half a second for handlers that are dropped, and again for transports that are made to fail.
        let limit = stagger + wait + Duration::from_secs(1) + TICK;
        state.seen.must(began.elapsed() <= limit, || format!("stopped after {:?}", began.elapsed()));
    }

    async fn client(&self, number: usize) {
        let state = &self.0;
        if let Some((conn, served)) = self.dial(number).await {
            self.talk(number, conn, &served).await;
        }
        state.clients.set(state.clients.get() - 1);
    }

    async fn dial(&self, number: usize) -> Option<(Conn<Socket>, Served)> {
        let state = &self.0;
        let served = Rc::new(RefCell::new(Served::default()));
        let opens = {
            let (world, served) = (self.clone(), served.clone());
            tower::service_fn(move |_| {
                let (socket, new) = world.open(number);
                *served.borrow_mut() = new;
                async { Ok::<_, io::Error>(socket) }
            })
        };
        let dialer = state.dialer.clone().connector(opens);
        for attempt in 0..3 {
            self.pause().await;
            let began = Instant::now();
            let stopped = state.stopped.get();
            let dialed = dialer.dial("ws://simulated/ws").await;
            let took = began.elapsed();
            state.seen.must(took <= state.handshake_timeout + TICK, || format!("dialed for {took:?}"));
            let kind = match dialed {
                Ok((conn, _)) => {
                    state.seen.must(!stopped, || "accepted by a server that has stopped".to_owned());
                    state.seen.log("dialed", number, attempt);
                    state.seen.count(|sum| sum.dialed += 1);
                    let served = served.borrow().clone();
                    return Some((conn, served));
                }
                Err(error) => error,
            };
            state.seen.log(&format!("{:?}", kind.kind()), number, attempt);
            if let DialErrorKind::Refused(status) = kind.kind() {
                let must = *status == StatusCode::SERVICE_UNAVAILABLE && state.stopped.get();
                state.seen.must(must, || format!("refused with {status}"));
                state.seen.count(|sum| sum.refused += 1);
            } else {
                state.seen.must(!state.calm, || format!("{kind}"));
                state.seen.count(|sum| sum.not_dialed += 1);
            }
        }
        None
    }

    /// Sends messages, reads their echoes, and closes.
    async fn talk(&self, number: usize, mut conn: Conn<Socket>, served: &Served) {
        let state = &self.0;
        let greedy = state.greedy;
        let count = if greedy { 40 } else { state.random.below(10) };
        let message = |at| if greedy { sized(number, at, LARGE) } else { numbered(number, at) };
        let greeting = usize::from(state.greets);
        let reply = |at: usize| at.checked_sub(greeting).map_or_else(|| Message::from(GREETING), message);
        let mut heard = 0;
        let mut end = None;
        'sends: for at in 0..count {
            loop {
                let patience = Duration::from_millis(state.random.one_of(&[0, 5, 1000]));
                match timeout(patience, conn.queue_message(message(at))).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => break 'sends,
                    Err(_) if greedy => {
                        if timeout(GREED, conn.flush()).await.is_err() {
                            break 'sends;
                        }
                    }
                    Err(_) => {
                        // Room comes from writing, and from a server that is not held up by its own echoes.
                        end = self.hear(number, &mut conn, &mut heard, &reply, patience).await;
                        if end.is_some() {
                            break 'sends;
                        }
                    }
                }
            }
            self.pause().await;
        }
        if greedy {
            // What it was sent is lost with it.
            state.seen.log("greedy", number, 0);
            return;
        }
        while end.is_none() && heard < count + greeting {
            let patience = Duration::from_millis(state.random.one_of(&[1, 10, 100_000]));
            end = self.hear(number, &mut conn, &mut heard, &reply, patience).await;
        }
        let end = match end {
            Some(end) => end,
            None => {
                let began = Instant::now();
                let closed = conn.close(CloseFrame::from(CloseCode::NORMAL_CLOSURE)).await;
                let took = began.elapsed();
                state.seen.must(took <= state.close_timeout + TICK, || format!("closed for {took:?}"));
                closed
            }
        };
        state.seen.end("client", number, &end);
        let echoed = *served.0.lock().expect("no panic with the lock");
        state.seen.must(heard <= echoed.written + 1, || format!("{heard} of {} messages", echoed.written));
        if end.is_ok() && conn.closing().received_first() {
            // What was written before a close frame arrives before it.
            state.seen.must(heard >= echoed.written, || format!("{heard} of {} messages", echoed.written));
        }
        if state.calm {
            let all = end.is_ok() && heard == count + greeting && echoed.read == count;
            state.seen.must(all, || format!("{end:?}: {heard} of {count} echoes, {} read", echoed.read));
        }
        let began = Instant::now();
        let again = conn.read_message().await;
        state.seen.must(!matches!(again, Ok(Some(_))), || "a message after the end".to_owned());
        state.seen.must(began.elapsed().is_zero(), || "the end has to be waited for".to_owned());
    }

    /// Reads for a while: an end, if there is one.
    async fn hear(
        &self,
        number: usize,
        conn: &mut Conn<Socket>,
        heard: &mut usize,
        reply: &impl Fn(usize) -> Message,
        patience: Duration,
    ) -> Option<Result<(), Error>> {
        match timeout(patience, conn.read_message()).await {
            Ok(Ok(Some(message))) => {
                self.0.seen.must(message == reply(*heard), || format!("not message {heard} of {number}"));
                *heard += 1;
                self.0.seen.log("heard", number, *heard);
                self.0.seen.count(|sum| sum.arrived += 1);
                None
            }
            Ok(end) => Some(end.map(drop)),
            Err(_) => {
                // Time has to pass: a patience of nothing would be all that happens.
                sleep(Duration::from_millis(1)).await;
                None
            }
        }
    }

    /// Some time, often none.
    async fn pause(&self) {
        if self.0.random.once_in(3) {
            sleep(Duration::from_millis(self.0.random.one_of(&[1, 30, 400]))).await;
        }
    }
}

impl State {
    /// All that is there but for the network is bounded by how many connections there were.
    fn look_at_the_heap(&self, held: isize) {
        let cables = self.cables.borrow();
        let network: usize = cables.iter().map(Cable::heap).sum();
        let each = held.saturating_sub_unsigned(network).max(0) as usize / cables.len().max(1);
        self.seen.count(|sum| sum.heap = sum.heap.max(each));
        let most = if self.compression { MAX_HEAP_COMPRESSED } else { MAX_HEAP };
        self.seen.must(each <= most, || format!("{each} bytes for each of {} connections", cables.len()));
    }
}

impl Seen {
    fn must(&self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            let seed = self.0.lock().map_or(0, |log| log.seed);
            panic!("seed {seed}: {}", otherwise());
        }
    }

    fn log(&self, what: &str, of: usize, number: usize) {
        let mut log = self.0.lock().expect("no panic with the lock");
        let time = log.started.map(|started| started.elapsed());
        (what, of, number, time).hash(&mut log.trace);
    }

    fn count(&self, count: impl FnOnce(&mut Sum)) {
        count(&mut self.0.lock().expect("no panic with the lock").sum);
    }

    /// How one end of a connection ended: as it may.
    fn end(&self, which: &str, number: usize, end: &Result<(), Error>) {
        self.log(&format!("{which}: {:?}", end.as_ref().map_err(Error::kind)), number, 0);
        match end {
            Ok(()) => self.count(|sum| sum.normal_ends += 1),
            Err(error) => {
                let expected = matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Io(_));
                self.must(expected, || format!("{which} {number}: {error:?}"));
                self.count(|sum| sum.lost += 1);
            }
        }
    }
}

/// Echoes, often slowly.
async fn serve(mut conn: Conn<Upgraded>, number: usize, served: Served, seen: Seen, pauses: Option<Random>) {
    let echoed = || served.0.lock().expect("no panic with the lock");
    if echoed().greets && conn.write_message(GREETING).await.is_ok() {
        echoed().written += 1;
    }
    let end = loop {
        let message = match conn.read_message().await {
            Ok(Some(message)) => message,
            end => break end.map(drop),
        };
        echoed().read += 1;
        if let Some(random) = pauses.as_ref().filter(|random| random.once_in(4)) {
            sleep(Duration::from_millis(random.one_of(&[1, 30, 300]))).await;
        }
        let written = if number % 2 == 0 {
            conn.queue_message(message).await
        } else {
            conn.write_message(message).await
        };
        match written {
            Ok(()) => echoed().written += 1,
            // Asked to close, it may still be sent what is on the way.
            Err(error) if matches!(error.kind(), ErrorKind::Usage(_)) => {}
            Err(error) => break Err(error),
        }
    };
    let twice = std::mem::replace(&mut echoed().ended, true);
    seen.must(!twice, || "two handlers".to_owned());
    seen.end("server", number, &end);
}

/// Without keep-alive nobody would ever notice that a peer is gone; the network does, late.
async fn give_up(cable: &Cable) {
    sleep(Duration::from_secs(900)).await;
    cable.suffer(Fault::Reset);
}

const GREETING: &str = "hello";
const LARGE: usize = 70_000;
/// What both ends take.
const MAX_MESSAGE: u64 = 80_000;
/// Messages, queues and buffers of both ends, with those of hyper and of the dialer.
const MAX_HEAP: usize = 768 << 10;
/// … and compressors and decompressors.
const MAX_HEAP_COMPRESSED: usize = 1536 << 10;
/// For a head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long somebody waits for room who does not read.
const GREED: Duration = Duration::from_secs(3);
/// What tokio's timer rounds to.
const TICK: Duration = Duration::from_millis(2);
