//! One world: what happens in it, and what must hold whatever happens.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
    sync::Mutex,
    task::{Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;
use tokio::time::{Instant, sleep, timeout};
use ws_core::{
    BufferPool, CloseCode, CloseFrame, Config, Conn, DeflateConfig, Error, ErrorKind, KeepAlive, Message,
    MessageKind, Negotiated, NegotiatedDeflate, Pool, PreparedMessage, Role,
};

use crate::{
    executor::Executor,
    network::{Cable, Fault, Socket, connect},
    random::Random,
};

/// What came of a world.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Everything that happened, with its time, as a number.
    pub(crate) trace: u64,
    arrived: usize,
    faults: usize,
    normal_ends: usize,
    ends: usize,
}

/// What came of all worlds.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    arrived: usize,
    faults: usize,
    normal_ends: usize,
    ends: usize,
}

impl Sum {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.arrived += outcome.arrived;
        self.faults += outcome.faults;
        self.normal_ends += outcome.normal_ends;
        self.ends += outcome.ends;
    }
}

#[derive(Clone)]
pub(crate) struct World(Rc<State>);

struct State {
    seed: u64,
    random: Random,
    executor: Executor,
    /// Nothing goes wrong and nobody is slow: everything must arrive.
    calm: bool,
    published: usize,
    members: RefCell<Vec<Rc<Member>>>,
    log: RefCell<DefaultHasher>,
    started: Cell<Option<Instant>>,
    arrived: Cell<usize>,
    faults: Cell<usize>,
    normal_ends: Cell<usize>,
    ends: Cell<usize>,
}

/// A connection, as both ends see it.
struct Member {
    number: usize,
    cable: Cable,
    /// The interval and the timeout of each end.
    keep_alive: [Option<(Duration, Duration)>; 2],
    /// When the client began to read: pings go out while somebody does.
    reads_since: Cell<Option<Instant>>,
    close_timeout: Duration,
    /// When it became half-open.
    lost: Cell<Option<Instant>>,
    /// What waits to be sent to the client, and who waits for it.
    queue: RefCell<VecDeque<PreparedMessage>>,
    no_more: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// How many of the client's messages may have been sent, how many were queued, and how many arrived.
    sent: Cell<usize>,
    taken: Cell<usize>,
    /// The client will send nothing more.
    done: Cell<bool>,
    received: Cell<usize>,
    /// How many of the published messages were queued, and how many arrived.
    given: Cell<usize>,
    heard: Cell<usize>,
    /// Whether each end saw a normal end.
    normal: [Cell<bool>; 2],
    /// Whether that was with a close frame of the other end before its own.
    closed_by_peer: [Cell<bool>; 2],
}

/// A message that says which one it is, and is the same however often it is made.
fn numbered(of: usize, number: usize) -> Message {
    // Each form of a length.
    let size = [0, 3, 100, 600, 5000, if number == 5 { 70_000 } else { 20 }][(of + number * 7) % 6];
    let head = format!("{of}:{number}:");
    if number % 2 == 0 {
        return Message::text(head + &"grün ".repeat(size / 6));
    }
    let tail = (0..size).map(|at| (at * at / 7 + number) as u8);
    Message::binary(head.bytes().chain(tail).collect::<Vec<u8>>())
}

/// The publisher, in the place of a client.
const PUBLISHER: usize = 99;
/// More waiting messages make a member a slow consumer.
const QUEUE: usize = 12;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        let calm = random.once_in(3);
        Self(Rc::new(State {
            seed,
            calm,
            published: random.below(16),
            members: RefCell::default(),
            log: RefCell::new(DefaultHasher::new()),
            started: Cell::default(),
            arrived: Cell::default(),
            faults: Cell::default(),
            normal_ends: Cell::default(),
            ends: Cell::default(),
            executor: Executor::new(&random),
            random,
        }))
    }

    pub(crate) fn run(self) -> Outcome {
        let world = self.clone();
        self.0.executor.spawn("the world".into(), usize::MAX, async move { world.begin() });
        self.0.executor.clone().run(Duration::from_secs(3600));
        let state = &self.0;
        for member in state.members.borrow().iter() {
            let (sent, received, heard) = (member.sent.get(), member.received.get(), member.heard.get());
            assert!(received <= sent, "seed {}: {} has sent less than arrived", state.seed, member.number);
            // What was taken in before a close frame arrives before it, unless the other end has closed already.
            let lost = |taken: usize, arrived: usize, end: usize| {
                assert!(arrived <= taken + 1, "seed {}: more than was sent", state.seed);
                let is_lost = member.closed_by_peer[end].get() && arrived < taken;
                assert!(!is_lost, "seed {}: {arrived} of {taken} before a normal end", state.seed);
            };
            lost(member.given.get(), heard, 0);
            lost(member.taken.get(), received, 1);
            if state.calm {
                let must = (sent, state.published, true, true);
                let normal = |end: usize| member.normal[end].get();
                assert_eq!((received, heard, normal(0), normal(1)), must, "seed {}", state.seed);
            }
        }
        Outcome {
            trace: state.log.borrow().finish(),
            arrived: state.arrived.get(),
            faults: state.faults.get(),
            normal_ends: state.normal_ends.get(),
            ends: state.ends.get(),
        }
    }

    fn log(&self, what: &str, of: usize, number: usize) {
        let time = self.0.started.get().map(|started| started.elapsed());
        (what, of, number, time).hash(&mut *self.0.log.borrow_mut());
    }

    /// Polls until a task is dropped: for most, never.
    fn life(&self) -> usize {
        let random = &self.0.random;
        if self.0.calm || !random.once_in(12) { usize::MAX } else { 1 + random.below(200) }
    }

    fn begin(&self) {
        self.0.started.set(Some(Instant::now()));
        for number in 0..1 + self.0.random.below(4) {
            self.begin_member(number);
        }
        let world = self.clone();
        self.0.executor.spawn("publisher".into(), usize::MAX, async move { world.publish().await });
    }

    fn begin_member(&self, number: usize) {
        let random = &self.0.random;
        let (client, server, cable) = connect(random, self.0.calm);
        let close_timeout = Duration::from_secs(1 + random.below(5) as u64);
        let keep_alive = [(); 2].map(|()| {
            let interval = Duration::from_millis(random.one_of(&[500, 2000, 7000]));
            // Long enough for the slowest of calm networks.
            let timeout = if self.0.calm { 600 } else { 1 + random.below(4) as u64 };
            (!random.once_in(3)).then_some((interval, Duration::from_secs(timeout)))
        });
        let deflate = random.below(3);
        let negotiated = match deflate {
            0 => Negotiated::new(),
            kind => {
                let mut agreed = NegotiatedDeflate::new();
                (agreed.server_max_window_bits, agreed.client_max_window_bits) = (10, 12);
                agreed.server_no_context_takeover = kind == 1;
                Negotiated::new().with_deflate(agreed)
            }
        };
        let config = |end: usize| {
            Config::new()
                .close_timeout(close_timeout)
                .keep_alive(keep_alive[end].map(|(every, timeout)| KeepAlive::every(every).timeout(timeout)))
                .high_water_mark(random.one_of(&[1, 300, 1 << 16]))
                .read_buffer_size(random.one_of(&[16, 300, 4096]))
                .write_buffer_size(random.one_of(&[16, 300, 4096]))
                .compression(DeflateConfig::new().threshold(random.one_of(&[0, 128])))
                .buffer_pool(BufferPool::own(Fresh::default()))
        };
        let client = Conn::new(client, Role::Client, config(0), negotiated.clone());
        let server = Conn::new(server, Role::Server, config(1), negotiated);
        let member = Rc::new(Member {
            number,
            cable,
            keep_alive,
            close_timeout,
            reads_since: Cell::default(),
            lost: Cell::default(),
            queue: RefCell::default(),
            no_more: Cell::default(),
            waker: RefCell::default(),
            sent: Cell::default(),
            done: Cell::default(),
            taken: Cell::default(),
            given: Cell::default(),
            received: Cell::default(),
            heard: Cell::default(),
            normal: Default::default(),
            closed_by_peer: Default::default(),
        });
        self.0.members.borrow_mut().push(member.clone());

        let (world, of) = (self.clone(), member.clone());
        self.spawn("client", number, async move { world.client(&of, client).await });
        if random.once_in(2) {
            let (mut read, mut write) = server.into_split();
            let (world, of) = (self.clone(), member.clone());
            self.spawn("server reads", number, async move { world.read_from_client(&of, &mut read).await });
            let (world, of) = (self.clone(), member.clone());
            self.spawn("server writes", number, async move {
                while let Some(message) = of.next().await {
                    if write.write_prepared(&message).await.is_err() {
                        return;
                    }
                    of.given.set(of.given.get() + 1);
                }
                world.close_in_time(&of, write.close(CloseFrame::from(CloseCode::GOING_AWAY))).await;
            });
        } else {
            let (world, of) = (self.clone(), member.clone());
            self.spawn("server", number, async move { world.server(&of, server).await });
        }
        if !self.0.calm && random.once_in(2) {
            let world = self.clone();
            self.0.executor.spawn(
                format!("fault {number}"),
                usize::MAX,
                async move { world.fail(&member).await },
            );
        }
    }

    fn spawn(&self, what: &str, number: usize, task: impl Future<Output = ()> + 'static) {
        let life = self.life();
        self.0.executor.spawn(format!("{what} {number}"), life, task);
        if life < usize::MAX {
            // Half a connection may be left, and nobody who would end it.
            let cable = self.0.members.borrow()[number].cable.clone();
            self.0.executor.spawn(format!("end {number}"), usize::MAX, async move { give_up(&cable).await });
        }
    }

    async fn fail(&self, member: &Member) {
        let random = &self.0.random;
        let within = random.one_of(&[20, 200, 3000]);
        sleep(Duration::from_millis(random.below(within) as u64)).await;
        let stall = Duration::from_millis(random.below(8000) as u64);
        let fault = random.one_of(&[
            Fault::Reset,
            Fault::HalfOpen,
            Fault::End(0),
            Fault::End(1),
            Fault::Stall(stall),
        ]);
        member.cable.suffer(fault);
        self.log(&format!("{fault:?}"), member.number, 0);
        self.0.faults.set(self.0.faults.get() + 1);
        if fault == Fault::HalfOpen {
            member.lost.set(Some(Instant::now()));
        }
        if fault == Fault::HalfOpen {
            give_up(&member.cable).await;
        }
    }

    /// Sends one message after the other to all, and ends.
    async fn publish(&self) {
        for number in 0..self.0.published {
            self.pause().await;
            let message = PreparedMessage::new(numbered(PUBLISHER, number)).expect("a message");
            for member in self.0.members.borrow().iter() {
                let mut queue = member.queue.borrow_mut();
                if queue.len() >= QUEUE && !self.0.calm {
                    member.no_more.set(true);
                }
                if !member.no_more.get() {
                    queue.push_back(message.clone());
                }
                member.waker.take().into_iter().for_each(Waker::wake);
            }
        }
        // The server closes while messages may be under way to it, but in a calm world.
        let all_done = || {
            self.0.members.borrow().iter().all(|member| member.done.get() && member.received == member.sent)
        };
        while self.0.calm && !all_done() {
            sleep(Duration::from_millis(10)).await;
        }
        for member in self.0.members.borrow().iter() {
            member.no_more.set(true);
            member.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Some time, often none.
    async fn pause(&self) {
        let random = &self.0.random;
        if random.once_in(3) {
            sleep(Duration::from_millis(random.one_of(&[1, 30, 400]))).await;
        }
    }

    async fn client(&self, member: &Member, mut conn: Conn<Socket>) {
        let random = &self.0.random;
        for number in 0..random.below(10) {
            let message = numbered(member.number, number);
            // Whoever hears of an error, or is dropped meanwhile, may have it sent all the same.
            member.sent.set(number + 1);
            let sent = if random.once_in(3) {
                self.send_pieces(&mut conn, &message).await
            } else {
                self.queue_patiently(&mut conn, &message).await
            };
            if sent.is_err() {
                break;
            }
            member.taken.set(number + 1);
            self.pause().await;
        }
        member.done.set(true);
        member.reads_since.set(Some(Instant::now()));
        let mut heard = 0;
        // In a calm world the server closes, once everything is published.
        let until = if self.0.calm || random.once_in(2) { usize::MAX } else { random.below(6) };
        let end = loop {
            if heard == until {
                self.close_in_time(member, conn.close(CloseFrame::from(CloseCode::NORMAL_CLOSURE))).await;
                return;
            }
            match self.read_impatiently(&mut conn).await {
                Ok(Some(message)) => {
                    assert!(message == numbered(PUBLISHER, heard), "seed {}: another message", self.0.seed);
                    heard += 1;
                    member.heard.set(heard);
                    self.arrived("heard", member.number, heard);
                    if !self.0.calm {
                        self.pause().await;
                    }
                }
                end => break end,
            }
        };
        self.ended(member, 0, end.map(drop), conn.closing().received_first());
        self.assert_same_end(&mut conn).await;
    }

    /// Reads and writes in one task.
    async fn server(&self, member: &Member, mut conn: Conn<Socket>) {
        let control = conn.control();
        let mut next: Option<PreparedMessage> = None;
        let mut finished = false;
        let end = poll_fn(|cx| {
            loop {
                let mut progress = false;
                if !finished {
                    next = next.take().or_else(|| member.queue.borrow_mut().pop_front());
                    match &next {
                        Some(message) => {
                            let queued = Box::pin(conn.queue_prepared(message)).as_mut().poll(cx);
                            match queued {
                                Poll::Ready(Ok(())) => {
                                    next = None;
                                    member.given.set(member.given.get() + 1);
                                    progress = true;
                                }
                                // Reading tells.
                                Poll::Ready(Err(_)) => finished = true,
                                Poll::Pending => {}
                            }
                        }
                        None if member.no_more.get() => {
                            let _ = control.close(CloseFrame::from(CloseCode::GOING_AWAY));
                            finished = true;
                        }
                        None => *member.waker.borrow_mut() = Some(cx.waker().clone()),
                    }
                }
                match conn.poll_read_message(cx) {
                    Poll::Ready(Ok(Some(message))) => self.take(member, &message),
                    Poll::Ready(end) => return Poll::Ready(end.map(drop)),
                    Poll::Pending if progress => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
        self.ended(member, 1, end, conn.closing().received_first());
        self.assert_same_end(&mut conn).await;
    }

    async fn read_from_client(&self, member: &Member, read: &mut ws_core::ReadHalf<Socket>) {
        let end = loop {
            match read.read_message().await {
                Ok(Some(message)) => self.take(member, &message),
                end => break end.map(drop),
            }
        };
        self.ended(member, 1, end, read.closing().received_first());
    }

    /// The server has got a message of a client.
    fn take(&self, member: &Member, message: &Message) {
        let number = member.received.get();
        let must = numbered(member.number, number);
        assert!(*message == must, "seed {}: not message {number} of {}", self.0.seed, member.number);
        member.received.set(number + 1);
        self.arrived("received", member.number, number);
    }

    fn arrived(&self, what: &str, of: usize, number: usize) {
        self.log(what, of, number);
        self.0.arrived.set(self.0.arrived.get() + 1);
    }

    /// Gives the call up again and again until it has queued the message.
    async fn queue_patiently(&self, conn: &mut Conn<Socket>, message: &Message) -> Result<(), Error> {
        loop {
            let patience = Duration::from_millis(self.0.random.one_of(&[0, 5, 1000]));
            match timeout(patience, conn.queue_message(message.clone())).await {
                Ok(result) => return result,
                // Room comes from writing.
                Err(_) => drop(timeout(patience, conn.flush()).await),
            }
        }
    }

    async fn send_pieces(&self, conn: &mut Conn<Socket>, message: &Message) -> Result<(), Error> {
        use tokio::io::AsyncWriteExt;
        let kind = message.kind().unwrap_or(MessageKind::Binary);
        let mut writer = conn.next_writer(kind).await?;
        let data = message.clone().into_data();
        for piece in data.chunks(self.0.random.one_of(&[50, 700, 1 << 20]).max(data.len() / 20).max(1)) {
            // The end of the message tells.
            if writer.write_all(piece).await.is_err() {
                break;
            }
        }
        writer.finish().await
    }

    async fn read_impatiently(&self, conn: &mut Conn<Socket>) -> Result<Option<Message>, Error> {
        loop {
            let patience = Duration::from_millis(self.0.random.one_of(&[0, 10, 100_000]));
            if let Ok(result) = timeout(patience, conn.read_message()).await {
                return result;
            }
            // Time has to pass: a patience of nothing would be all that happens.
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Closing takes the close timeout at the longest.
    async fn close_in_time(&self, member: &Member, close: impl Future<Output = Result<(), Error>>) {
        let began = Instant::now();
        let closed = close.await;
        let limit = member.close_timeout + TICK;
        assert!(began.elapsed() <= limit, "seed {}: closed in {:?}", self.0.seed, began.elapsed());
        self.log(if closed.is_ok() { "closed" } else { "not closed" }, member.number, 0);
    }

    /// The one end of one end.
    fn ended(&self, member: &Member, end: usize, result: Result<(), Error>, by_peer: bool) {
        self.log(&format!("{:?}", result.as_ref().map_err(Error::kind)), member.number, end);
        self.0.ends.set(self.0.ends.get() + 1);
        let Err(error) = result else {
            assert!(!member.normal[end].replace(true), "seed {}: two ends", self.0.seed);
            member.closed_by_peer[end].set(by_peer);
            self.0.normal_ends.set(self.0.normal_ends.get() + 1);
            return;
        };
        let expected = matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Io(_));
        assert!(expected && !self.0.calm, "seed {}: {error:?}", self.0.seed);
        // A peer that is gone is noticed in time: by keep-alive, or by the end of a closing handshake that has begun meanwhile.
        if let (Some(lost), Some((interval, timeout))) = (member.lost.get(), member.keep_alive[end]) {
            let since = [Some(lost), member.cable.moved(), member.reads_since.get().filter(|_| end == 0)];
            let silence = since.into_iter().flatten().max().map_or(Duration::ZERO, |since| since.elapsed());
            let pauses = if end == 0 { SLOW } else { TICK };
            let limit = interval + timeout + member.close_timeout + pauses;
            assert!(silence <= limit, "seed {}: {end} noticed after {silence:?}", self.0.seed);
        }
    }

    async fn assert_same_end(&self, conn: &mut Conn<Socket>) {
        let began = Instant::now();
        let again = conn.read_message().await;
        assert!(!matches!(again, Ok(Some(_))), "seed {}: a message after the end", self.0.seed);
        assert!(conn.write_message("late").await.is_err(), "seed {}: sent after the end", self.0.seed);
        assert_eq!(began.elapsed(), Duration::ZERO, "seed {}: the end has to be waited for", self.0.seed);
    }
}

impl Member {
    /// The next message for the client; none when there will be no more.
    async fn next(&self) -> Option<PreparedMessage> {
        poll_fn(|cx| {
            if let Some(message) = self.queue.borrow_mut().pop_front() {
                return Poll::Ready(Some(message));
            }
            if self.no_more.get() {
                return Poll::Ready(None);
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Without keep-alive nobody would ever notice that a peer is gone; the network does, late.
async fn give_up(cable: &Cable) {
    sleep(Duration::from_secs(900)).await;
    cable.suffer(Fault::Reset);
}

/// What tokio's timer rounds to.
const TICK: Duration = Duration::from_millis(2);
/// The longest time that a client of these looks elsewhere.
const SLOW: Duration = Duration::from_millis(500);

/// A pool for one connection, so that no other world has a part in it.
#[derive(Default)]
struct Fresh(Mutex<Vec<BytesMut>>);

impl Pool for Fresh {
    fn take(&self, capacity: usize) -> BytesMut {
        let known = self.0.lock().expect("no panic with the lock").pop();
        known
            .filter(|known| known.capacity() >= capacity)
            .unwrap_or_else(|| BytesMut::with_capacity(capacity))
    }

    fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        self.0.lock().expect("no panic with the lock").push(buffer);
    }
}
