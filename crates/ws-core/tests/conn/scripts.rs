//! Random scripts: two connections, each used by several tasks in every way there is, over transports of any pace. Tasks are
//! polled only when they were woken, and all of them finish; messages arrive whole and in order.
//!
//! `WS_SCRIPTS=1000000 cargo test --release -p ws-core --test conn scripts` runs that many; `WS_SCRIPT=7` runs one.

use std::{
    cell::{Cell, RefCell},
    env,
    future::poll_fn,
    ops::Range,
    pin::{Pin, pin},
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use futures_util::{
    SinkExt, StreamExt,
    future::select,
    stream::{SplitSink, SplitStream},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_core::{
    BufferPool, CloseFrame, Config, Conn, Control, Error, ErrorKind, Message, MessageKind, Pool,
    PreparedMessage, ReadHalf, UsageError, WriteHalf,
};

use crate::{
    executor::{Task, run, with_timers},
    pipe::{Pipe, pair},
    wakes::Random,
};

// Shows WAKE-1.
#[test]
fn every_script_finishes_and_messages_arrive_whole_and_in_order() {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds: Range<u64> = match number("WS_SCRIPT") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("WS_SCRIPTS").unwrap_or(3000),
    };
    with_timers(|| seeds.for_each(|seed| Script::new(seed).play()));
}

struct Script {
    seed: u64,
    random: RefCell<Random>,
    /// The connection ends only after everything has arrived; or at any time.
    orderly: bool,
    /// What each end sends.
    messages: [Vec<Message>; 2],
    /// How much of that has arrived.
    arrived: [Cell<usize>; 2],
    /// Messages whose rest was skipped, and may still be under way.
    skipped: [Cell<usize>; 2],
    gate: Gate,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let orderly = random.below(3) > 0;
        Self {
            seed,
            orderly,
            messages: Default::default(),
            arrived: Default::default(),
            skipped: Default::default(),
            gate: Gate::default(),
            random: RefCell::new(random),
        }
    }

    fn below(&self, end: usize) -> usize {
        self.random.borrow_mut().below(end)
    }

    fn play(mut self) {
        let mut random = self.random.borrow_mut();
        let (pace, capacity) = (random.pace(), random.capacity());
        self.messages = [(); 2].map(|()| {
            let count = random.below(7);
            (0..count).map(|_| message(random.message(pace, capacity), random.below(2) == 0)).collect()
        });
        let config = Config::new()
            .high_water_mark([1, 50, 1 << 16][random.below(3)])
            .read_buffer_size([1, 300, 4096][random.below(3)])
            .write_buffer_size([1, 300, 4096][random.below(3)])
            .buffer_pool(BufferPool::own(Fresh::default()));
        drop(random);
        let (client, server) = pair(&config, pace, capacity);
        let mut tasks = Vec::new();
        // One of the two always closes.
        let closes = self.below(3);
        for (end, conn) in [client, server].into_iter().enumerate() {
            self.use_connection(end, conn, closes != end, &mut tasks);
        }
        let seed = self.seed;
        assert_eq!(run(tasks), Ok(()), "seed {seed}: a task was not woken");
        if self.orderly {
            for end in 0..2 {
                assert_eq!(self.arrived[1 - end].get(), self.messages[end].len(), "seed {seed}: lost");
            }
        }
    }

    /// Adds the tasks of one end.
    fn use_connection<'a>(&'a self, end: usize, conn: Conn<Pipe>, closes: bool, tasks: &mut Vec<Task<'a>>) {
        let control = conn.control();
        for _ in 0..self.below(3) {
            tasks.push(Box::pin(self.control(control.clone())));
        }
        let vanishes = closes && !self.orderly && self.below(3) == 0;
        let mode = self.below(3);
        // The two ways to close: by the one who writes, or through a control.
        let by_writer = closes && !vanishes && mode < 2 && self.below(2) == 0;
        if closes && !vanishes && (!by_writer || self.below(4) == 0) {
            let control = control.clone();
            tasks.push(Box::pin(async move {
                self.wait_to_close(&control).await;
                control.close(CloseFrame::new(1000, "")).unwrap();
                control.closed().await;
            }));
        }
        let vanishes_at = self.below(1 + self.messages.iter().map(Vec::len).sum::<usize>());
        let until = move |task: Task<'a>| -> Task<'a> {
            if !vanishes {
                return task;
            }
            let stops = self.gate.wait(vanishes_at);
            Box::pin(async move { drop(select(task, Box::pin(stops)).await) })
        };
        match mode {
            0 => {
                let (mut read, mut write) = conn.into_split();
                let reads = async move { self.check_end(self.read(end, &mut read).await) };
                let writes = async move {
                    self.check(self.write(end, &mut write).await);
                    if by_writer {
                        self.wait_to_close(&control).await;
                        self.check(write.close(CloseFrame::new(1000, "")).await);
                    }
                };
                tasks.push(until(Box::pin(reads)));
                tasks.push(until(Box::pin(writes)));
            }
            1 => {
                let (mut sink, mut stream) = conn.split();
                let reads = async move { self.check_end(self.read_stream(end, &mut stream).await) };
                let writes = async move {
                    self.check(self.write_sink(end, &mut sink).await);
                    if by_writer {
                        self.wait_to_close(&control).await;
                        self.check(sink.close().await);
                    }
                };
                tasks.push(until(Box::pin(reads)));
                tasks.push(until(Box::pin(writes)));
            }
            _ => tasks
                .push(until(Box::pin(async move { self.check_end(self.read_and_write(end, conn).await) }))),
        }
    }

    /// Waits for everything, or for some of it; or until the other end was faster.
    async fn wait_to_close(&self, control: &Control) {
        let all = self.messages.iter().map(Vec::len).sum();
        let count = if self.orderly { all } else { self.below(all + 1) };
        select(pin!(self.gate.wait(count)), pin!(control.closed())).await;
    }

    /// A message arrived, or so much of it that the rest is skipped.
    fn arrived(&self, end: usize, message: Option<Message>) {
        let at = self.arrived[end].get();
        let sent = &self.messages[1 - end];
        assert!(at < sent.len(), "seed {}: more than was sent", self.seed);
        self.arrived[end].set(at + 1);
        let Some(message) = message else {
            self.skipped[end].set(self.skipped[end].get() + 1);
            return;
        };
        assert!(message == sent[at], "seed {}: message {at} is another", self.seed);
        self.gate.count(1 + self.skipped[end].take());
    }

    fn check_end(&self, result: Result<(), Error>) {
        let Err(error) = result else { return };
        let expected = !self.orderly && error.kind() == &ErrorKind::ConnectionLost;
        assert!(expected, "seed {}: {error:?}", self.seed);
    }

    fn check(&self, result: Result<(), Error>) {
        let Err(error) = result else { return };
        let (lost, closed) = (&ErrorKind::ConnectionLost, &ErrorKind::Usage(UsageError::CloseSent));
        let expected = if self.orderly {
            // All of it was taken in, and the other end was gone before the transport was flushed.
            error.kind() == lost && (0..2).all(|end| self.arrived[end].get() == self.messages[1 - end].len())
        } else {
            error.kind() == lost || error.kind() == closed
        };
        assert!(expected, "seed {}: {error:?}", self.seed);
    }

    /// What a future comes to, unless it is dropped at its next wake-up first.
    fn impatient<F: Future>(&self, future: F) -> Impatient<F> {
        let left = if self.below(2) == 0 { usize::MAX } else { 1 + self.below(4) };
        Impatient { future: Box::pin(future), left }
    }

    async fn control(&self, control: Control) {
        for _ in 0..self.below(6) {
            let asked = match self.below(3) {
                0 => control.send_ping(vec![7; self.below(126)]),
                1 => control.send_pong(vec![8; self.below(126)]),
                _ => match self.impatient(control.ping()).await {
                    Some(answer) => answer.map(drop),
                    None => Ok(()),
                },
            };
            if let Err(error) = asked {
                let expected = [UsageError::ControlQueueFull, UsageError::CloseSent];
                let over = error.kind() == &ErrorKind::ConnectionLost && control.is_closed();
                assert!(
                    over || error.usage().is_some_and(|usage| expected.contains(&usage)),
                    "seed {}: {error:?}",
                    self.seed
                );
            }
        }
    }

    async fn read(&self, end: usize, read: &mut ReadHalf<Pipe>) -> Result<(), Error> {
        loop {
            let message = match self.below(4) {
                0 => self.impatient(read.read_message()).await,
                1 => self.impatient(read.recv()).await,
                2 => self.impatient(read.next()).await.map(Option::transpose),
                _ => {
                    match self.read_pieces(end, read).await {
                        Ok(true) => {}
                        ended => return ended.map(drop),
                    }
                    continue;
                }
            };
            match message.transpose()? {
                None | Some(Some(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
                Some(Some(message)) => self.arrived(end, Some(message)),
                Some(None) => return Ok(()),
            }
        }
    }

    /// Reads one message as a stream; false at the end.
    async fn read_pieces(&self, end: usize, read: &mut ReadHalf<Pipe>) -> Result<bool, Error> {
        let Some(reader) = self.impatient(read.next_reader()).await else { return Ok(true) };
        let Some(mut reader) = reader? else { return Ok(false) };
        let is_last = self.arrived[end].get() + 1 >= self.messages[1 - end].len();
        let skipped_at = if !is_last && self.below(4) == 0 { self.below(6) } else { usize::MAX };
        let mut data = BytesMut::new();
        for read in 0.. {
            if read == skipped_at {
                self.arrived(end, None);
                return Ok(true);
            }
            let mut piece = vec![0; [1, 30, 5000][self.below(3)]];
            let Some(count) = self.impatient(reader.read(&mut piece)).await else { continue };
            match count {
                Ok(0) => break,
                Ok(count) => data.extend_from_slice(&piece[..count]),
                // The same comes from the next call, as it is.
                Err(_) => return Ok(true),
            }
        }
        let binary = Message::binary(data.freeze());
        self.arrived(end, Some(message(binary, reader.kind() == MessageKind::Text)));
        Ok(true)
    }

    async fn write(&self, end: usize, write: &mut WriteHalf<Pipe>) -> Result<(), Error> {
        for message in &self.messages[end] {
            match self.below(5) {
                0 => write.write_message(message.clone()).await?,
                1 => write.send(message.clone()).await?,
                2 => {
                    let prepared = PreparedMessage::new(message.clone())?;
                    while self.impatient(write.queue_prepared(&prepared)).await.transpose()?.is_none() {}
                }
                3 => {
                    while self.impatient(write.queue_message(message.clone())).await.transpose()?.is_none() {}
                }
                _ => self.write_pieces(write, message).await?,
            }
            if self.below(3) == 0 {
                self.impatient(write.flush()).await.transpose()?;
            }
        }
        while self.impatient(write.flush()).await.transpose()?.is_none() {}
        Ok(())
    }

    async fn write_pieces(&self, write: &mut WriteHalf<Pipe>, message: &Message) -> Result<(), Error> {
        let (kind, mut rest) = match message {
            Message::Text(text) => (MessageKind::Text, text.as_bytes()),
            Message::Binary(data) => (MessageKind::Binary, &data[..]),
            _ => unreachable!("a script sends no control frames as messages"),
        };
        let mut writer = loop {
            // Polled by hand: a borrow that is given out of a loop is too much for the borrow checker.
            if self.impatient(poll_fn(|cx| write.poll_ready(cx))).await.transpose()?.is_some() {
                break write.next_writer(kind).await?;
            }
        };
        let mut failed = None;
        while !rest.is_empty() && failed.is_none() {
            let piece = &rest[..rest.len().min([1, 30, 5000][self.below(3)])];
            match self.impatient(writer.write(piece)).await {
                Some(Ok(count)) => rest = &rest[count..],
                Some(Err(error)) => failed = Some(error),
                None => {}
            }
            if failed.is_none() && self.below(8) == 0 {
                failed = writer.flush().await.err();
            }
        }
        match failed {
            // The next call tells.
            Some(_) => Ok(()),
            None => writer.finish().await,
        }
    }

    async fn read_stream(&self, end: usize, stream: &mut SplitStream<Conn<Pipe>>) -> Result<(), Error> {
        loop {
            match self.impatient(stream.next()).await {
                Some(Some(message)) => self.arrived(end, Some(message?)),
                Some(None) => return Ok(()),
                None => {}
            }
        }
    }

    async fn write_sink(&self, end: usize, sink: &mut SplitSink<Conn<Pipe>, Message>) -> Result<(), Error> {
        for message in &self.messages[end] {
            if self.below(2) == 0 {
                sink.feed(message.clone()).await?;
            } else {
                sink.send(message.clone()).await?;
            }
        }
        while self.impatient(sink.flush()).await.transpose()?.is_none() {}
        Ok(())
    }

    /// Both in one task, by polling.
    async fn read_and_write(&self, end: usize, mut conn: Conn<Pipe>) -> Result<(), Error> {
        let mut messages = self.messages[end].iter();
        let mut next = messages.next();
        let mut failed = false;
        poll_fn(|cx| {
            loop {
                while let Some(message) = next.filter(|_| !failed) {
                    match conn.poll_ready(cx) {
                        Poll::Ready(Ok(())) => failed = conn.start_send(message.clone()).is_err(),
                        Poll::Ready(Err(_)) => failed = true,
                        Poll::Pending => break,
                    }
                    next = messages.next();
                }
                if self.below(2) == 0 && conn.poll_flush(cx).map_err(drop) == Poll::Ready(Err(())) {
                    failed = true;
                }
                match conn.poll_read_message(cx)? {
                    Poll::Ready(Some(message)) => self.arrived(end, Some(message)),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    // A read flushes, so there is room again if the transport has any.
                    Poll::Pending if next.is_some() && !failed && is_ready(&mut conn, cx) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

fn is_ready(conn: &mut Conn<Pipe>, cx: &mut Context<'_>) -> bool {
    conn.poll_ready(cx).is_ready()
}

/// As text if it may be.
fn message(message: Message, text: bool) -> Message {
    match message {
        Message::Binary(data) if text => {
            let text: String = data.iter().map(|byte| char::from(byte & 0x7F)).collect();
            Message::text(text)
        }
        other => other,
    }
}

/// A pool for one script, so that no other has a part in it.
#[derive(Default)]
struct Fresh(Mutex<Vec<BytesMut>>);

impl Pool for Fresh {
    fn take(&self, capacity: usize) -> BytesMut {
        let known = self.0.lock().unwrap().pop();
        known
            .filter(|known| known.capacity() >= capacity)
            .unwrap_or_else(|| BytesMut::with_capacity(capacity))
    }

    fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        self.0.lock().unwrap().push(buffer);
    }
}

/// Counts, and wakes those who wait for a count.
#[derive(Default)]
struct Gate {
    count: Cell<usize>,
    wakers: RefCell<Vec<Waker>>,
}

impl Gate {
    fn count(&self, more: usize) {
        self.count.set(self.count.get() + more);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    async fn wait(&self, count: usize) {
        poll_fn(|cx| {
            if self.count.get() >= count {
                return Poll::Ready(());
            }
            self.wakers.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Gives a future up when it was woken so many times, as the other branch of a `select!` does.
struct Impatient<F> {
    future: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for Impatient<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(cx).map(Some)
    }
}
