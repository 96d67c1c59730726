//! What is played: messages are sent to a peer that echoes, the echoes are read, and the connection ends, in every way that there
//! is for each.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    runtime::{Builder, Runtime},
    time::timeout,
};
use ws_core::{
    CloseCode, Config, Conn, DeflateConfig, DeflatePool, Error, ErrorKind, Message, MessageKind, Negotiated,
    NegotiatedDeflate, PreparedMessage, Role, UsageError,
};

use crate::{
    faulty::{Faulty, Fuse},
    heap::held,
};

/// How messages are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Send {
    Write,
    Queue,
    Prepared,
    Writer,
    Sink,
}

/// How echoes are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    Message,
    Recv,
    Borrowed,
    Reader,
    Stream,
}

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Control,
    Drop,
}

/// One of 75.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) send: Send,
    pub(crate) read: Read,
    pub(crate) end: End,
}

impl Script {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let sends = [Send::Write, Send::Queue, Send::Prepared, Send::Writer, Send::Sink];
        let reads = [Read::Message, Read::Recv, Read::Borrowed, Read::Reader, Read::Stream];
        let ends = [End::Close, End::Control, End::Drop];
        sends.into_iter().flat_map(move |send| {
            reads.into_iter().flat_map(move |read| ends.into_iter().map(move |end| Self { send, read, end }))
        })
    }
}

/// Polls futures and drops the one that is polled for the n-th time.
#[derive(Debug)]
pub(crate) struct Scissors {
    left: Cell<usize>,
    has_cut: Cell<bool>,
}

impl Scissors {
    pub(crate) fn after(polls: usize) -> Self {
        Self { left: Cell::new(polls), has_cut: Cell::new(false) }
    }

    pub(crate) fn never() -> Self {
        Self::after(usize::MAX)
    }

    pub(crate) fn has_cut(&self) -> bool {
        self.has_cut.get()
    }

    /// The output, or nothing when the future was dropped.
    async fn step<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let poll = future.as_mut().poll(cx);
            match self.left.get() {
                0 if !self.has_cut.get() && poll.is_pending() => {
                    self.has_cut.set(true);
                    return Poll::Ready(None);
                }
                left => self.left.set(left.saturating_sub(1)),
            }
            poll.map(Some)
        })
        .await
    }

    /// Again, until it is not dropped.
    async fn insist<T>(&self, mut call: impl AsyncFnMut() -> T) -> T {
        loop {
            if let Some(output) = self.step(call()).await {
                return output;
            }
        }
    }
}

/// What both ends have seen.
#[derive(Debug)]
pub(crate) struct Played {
    /// How the script ended; in an error that belongs to it.
    pub(crate) end: Result<(), Error>,
    pub(crate) echoes: Vec<Message>,
    /// Messages whose sending was dropped may have been sent or not.
    pub(crate) dropped: Vec<usize>,
    /// What the peer got, and how it ended for it.
    pub(crate) peer: (Vec<Message>, Result<(), Error>),
}

/// The n-th message; the last one is the mark.
pub(crate) fn message(number: usize) -> Message {
    Message::text(format!("{number} and ").repeat([3, 40, 150, 1][number % 4]))
}

pub(crate) const MESSAGES: usize = 3;

/// Tortures all scripts, with compression and without, by what gives how many runs that were; none of them leaves anything.
pub(crate) fn play_all(role: Role, torture: fn(&Runtime, Script, Role, bool, usize) -> usize) {
    let runtime = runtime();
    for deflate in [false, true] {
        let all = |step| -> usize {
            Script::all().map(|script| torture(&runtime, script, role, deflate, step)).sum()
        };
        all(9);
        let before = held();
        let runs = all(1);
        // Before the line is printed, which a test keeps.
        let grown = held() - before;
        println!("{role:?}, deflate {deflate}: {runs} runs, {grown} bytes more");
        assert_eq!(grown, 0, "{role:?}, deflate {deflate}: of {runs} runs");
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

pub(crate) fn play(
    runtime: &Runtime,
    script: Script,
    role: Role,
    deflate: bool,
    fuse: Fuse,
    scissors: &Scissors,
) -> Played {
    runtime.block_on(async {
        // Small, so that calls wait.
        let (near, far) = tokio::io::duplex(100);
        let conn = conn(Faulty::new(near, fuse), role, deflate);
        let peer_role = if role == Role::Client { Role::Server } else { Role::Client };
        let peer = echo(conn_of(far, peer_role, deflate));
        let mut seen = Seen::default();
        let played = async { run(script, conn, scissors, &mut seen).await };
        let both = timeout(Duration::from_secs(600), async { tokio::join!(played, peer) }).await;
        let (end, peer) =
            both.unwrap_or_else(|_| panic!("{script:?} {role:?} {deflate}: somebody waits for ever"));
        Played { end, echoes: seen.echoes, dropped: seen.dropped, peer }
    })
}

fn conn(io: Faulty, role: Role, deflate: bool) -> Conn<Faulty> {
    conn_of(io, role, deflate)
}

fn conn_of<S>(io: S, role: Role, deflate: bool) -> Conn<S> {
    thread_local! {
        /// That of the process is for all threads, each of which counts its own heap.
        static POOL: DeflatePool = DeflatePool::new();
    }
    let deflate_config = DeflateConfig::new().pool(POOL.with(Clone::clone));
    let config = Config::new().high_water_mark(200).compression(deflate_config);
    let negotiated = match deflate {
        true => Negotiated::new().with_deflate(NegotiatedDeflate::new()),
        false => Negotiated::new(),
    };
    Conn::new(io, role, config, negotiated)
}

/// Sends a ping, reads everything up to the mark, and sends it back.
async fn echo(mut conn: Conn<DuplexStream>) -> (Vec<Message>, Result<(), Error>) {
    let mut messages = Vec::new();
    let end = async {
        conn.control().send_ping("before")?;
        let mut echoed = 0;
        while let Some(message) = conn.read_message().await? {
            messages.push(message);
            // Not before: the script writes and does not read.
            if messages.last() == Some(&self::message(MESSAGES)) {
                for message in &messages[echoed..] {
                    conn.write_message(message.clone()).await?;
                }
                echoed = messages.len();
            }
        }
        Ok(())
    }
    .await;
    (messages, end)
}

#[derive(Default)]
struct Seen {
    echoes: Vec<Message>,
    dropped: Vec<usize>,
}

async fn run(
    script: Script,
    mut conn: Conn<Faulty>,
    scissors: &Scissors,
    seen: &mut Seen,
) -> Result<(), Error> {
    let sent = async {
        for number in 0..MESSAGES {
            match scissors.step(send(script.send, &mut conn, message(number))).await {
                Some(sent) => sent?,
                None => seen.dropped.push(number),
            }
        }
        Ok::<(), Error>(())
    };
    match sent.await {
        Ok(()) => {}
        // A part of a message has left that nobody finishes now: there is nothing to do but to close.
        Err(error) if error.kind() == &ErrorKind::Usage(UsageError::MessageOpen) => {
            assert!(scissors.has_cut(), "{script:?}: no writer was dropped");
            return scissors.insist(async || conn.close(None).await).await;
        }
        Err(error) => return after(&mut conn, error).await,
    }
    // The mark says that there will be nothing more. It may come twice.
    let mark = scissors.insist(async || conn.write_message(message(MESSAGES)).await).await;
    if let Err(error) = mark {
        if error.kind() == &ErrorKind::Usage(UsageError::MessageOpen) {
            return scissors.insist(async || conn.close(None).await).await;
        }
        return after(&mut conn, error).await;
    }
    loop {
        match read(script.read, &mut conn, scissors).await {
            Ok(Some(echo)) if echo == message(MESSAGES) => break,
            Ok(Some(echo)) => seen.echoes.push(echo),
            Ok(None) => panic!("{script:?}: the peer closed"),
            Err(error) => return after(&mut conn, error).await,
        }
    }
    match script.end {
        End::Close => scissors.insist(async || conn.close(CloseCode::NORMAL_CLOSURE).await).await,
        End::Control => {
            conn.control().close(CloseCode::NORMAL_CLOSURE)?;
            // An echo of a mark that came twice is dropped now.
            while scissors.insist(async || conn.read_message().await).await?.is_some() {}
            Ok(())
        }
        End::Drop => Ok(()),
    }
}

async fn send(how: Send, conn: &mut Conn<Faulty>, message: Message) -> Result<(), Error> {
    match how {
        Send::Write => conn.write_message(message).await,
        Send::Queue => {
            conn.queue_message(message).await?;
            conn.flush().await
        }
        Send::Prepared => conn.write_prepared(&PreparedMessage::new(message)?).await,
        Send::Writer => {
            let mut writer = conn.next_writer(MessageKind::Text).await?;
            writer.write_all(&message.into_data()).await.map_err(error_in)?;
            writer.finish().await
        }
        Send::Sink => conn.send(message).await,
    }
}

async fn read(how: Read, conn: &mut Conn<Faulty>, scissors: &Scissors) -> Result<Option<Message>, Error> {
    match how {
        Read::Message => scissors.insist(async || conn.read_message().await).await,
        Read::Recv => loop {
            match scissors.insist(async || conn.recv().await).await? {
                Some(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => {}
                other => return Ok(other),
            }
        },
        Read::Borrowed => {
            scissors
                .insist(async || Ok(conn.read_borrowed().await?.map(|message| message.to_message())))
                .await
        }
        Read::Stream => scissors.insist(async || conn.next().await.transpose()).await,
        Read::Reader => {
            // A reader that is dropped skips what is left, so it is kept and its reads are dropped.
            let mut reader = loop {
                let mut next = pin!(conn.next_reader());
                let Some(reader) = next_step(scissors, next.as_mut()).await else { continue };
                match reader? {
                    Some(reader) => break reader,
                    None => return Ok(None),
                }
            };
            let mut text = Vec::new();
            loop {
                let mut piece = [0; 64];
                match scissors.insist(async || reader.read(&mut piece).await).await.map_err(error_in)? {
                    0 => break,
                    count => text.extend_from_slice(&piece[..count]),
                }
            }
            Ok(Some(Message::text(String::from_utf8(text).expect("text is UTF-8"))))
        }
    }
}

async fn next_step<F: Future>(scissors: &Scissors, future: Pin<&mut F>) -> Option<F::Output> {
    scissors.step(future).await
}

/// What failed goes on failing, and nothing panics.
async fn after(conn: &mut Conn<Faulty>, error: Error) -> Result<(), Error> {
    for _ in 0..2 {
        // What had arrived before may still be read.
        while let Ok(Some(_)) = conn.read_message().await {}
        assert!(conn.write_message("more").await.is_err(), "a write succeeds after {error:?}");
    }
    Err(error)
}

/// The error of the connection inside of one of a stream.
fn error_in(error: std::io::Error) -> Error {
    error.downcast::<Error>().expect("an error of the connection")
}
