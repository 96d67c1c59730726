//! A connection, whole or in halves, used in any order and any number of polls, while its peer and its transport do
//! whatever they like.

use std::{
    cell::Cell,
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use arbitrary::{Arbitrary, Result, Unstructured};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, advance, sleep, timeout},
};
use ws_core::{
    BufferPool, CloseFrame, Conn, Control, Error, ErrorKind, Message, MessageKind, Negotiated, ReadHalf,
    Role, WriteHalf,
};

use crate::{
    endpoint::{Seen, Setup, Told},
    grammar::{self, Grammar, peer},
    link::{Far, Flag, Link, link, with_time},
    wire::{self, WireFrame},
};

/// The setup, and steps of the application, the peer and the transport.
pub(crate) fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    with_time(async {
        let Ok(mut play) = Play::new(&mut input) else { return };
        while !input.is_empty() && play.step(&mut input).await.is_ok() {}
        play.finish().await;
    });
}

struct Play {
    setup: Setup,
    far: Far,
    ends: Ends,
    control: Control,
    grammar: Grammar,
    /// All bytes that were there to be read.
    sent: Vec<u8>,
    /// The messages that the application got; `None` for one that it gave up.
    read: Vec<Option<Told>>,
    /// The messages that the application tried to send, and what is known of each.
    tried: Vec<(Told, Fate)>,
    /// The application asked for the end.
    closing: bool,
    /// The last result of a read, once there is one that every other has to repeat.
    end: Option<String>,
    finale: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Dropped on the way, or refused.
    Unknown,
    Queued,
    /// Handed to the transport.
    Written,
    Refused,
}

enum Ends {
    Whole(Box<Conn<Link>>),
    Halves(ReadHalf<Link>, WriteHalf<Link>),
}

/// The same call on whichever end there is.
macro_rules! reader {
    ($ends:expr, $end:ident => $call:expr) => {
        match $ends {
            Ends::Whole($end) => $call,
            Ends::Halves($end, _) => $call,
        }
    };
}
macro_rules! writer {
    ($ends:expr, $end:ident => $call:expr) => {
        match $ends {
            Ends::Whole($end) => $call,
            Ends::Halves(_, $end) => $call,
        }
    };
}

impl Play {
    fn new(input: &mut Unstructured<'_>) -> Result<Self> {
        let bits = u8::arbitrary(input)?;
        let role = if bits & 1 == 0 { Role::Server } else { Role::Client };
        let mut setup = Setup { max_message: 8192, ..Setup::new(role) };
        if bits & 2 != 0 {
            setup.deflate = Some(grammar::negotiated(input)?);
        }
        let sizes = u8::arbitrary(input)?;
        let size = |shift: u8, sizes: [usize; 4]| sizes[usize::from(bits >> shift & 3)];
        let config = setup
            .config()
            .read_buffer_size(size(2, [32 << 10, 1, 200, 4096]))
            .write_buffer_size(size(4, [4096, 1, 200, 1000]))
            .high_water_mark([64 << 10, 1, 100, 3000][usize::from(sizes & 3)])
            .close_timeout(CLOSE_TIMEOUT)
            // One for the play: none depends on what was before.
            .buffer_pool(BufferPool::off());
        let width = [usize::MAX, 1, 5, 300][usize::from(sizes >> 2 & 3)];
        let (near, far) = link(width, sizes & 16 == 0);
        let conn = Conn::new(near, role, config, Negotiated::new().with_deflate(setup.deflate));
        let control = conn.control();
        let ends = if bits & 64 == 0 {
            Ends::Whole(Box::new(conn))
        } else {
            let (read, write) = conn.into_split();
            Ends::Halves(read, write)
        };
        let grammar = Grammar::new(&setup);
        Ok(Self {
            setup,
            far,
            ends,
            control,
            grammar,
            sent: Vec::new(),
            read: Vec::new(),
            tried: Vec::new(),
            closing: false,
            end: None,
            finale: sizes >> 5,
        })
    }

    async fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let step = u8::arbitrary(input)?;
        let polls = 1 + usize::from(step >> 6) * 2;
        match step % 24 {
            0..=5 => {
                self.grammar.step(input)?;
                let bytes = self.grammar.take();
                self.send(&bytes);
            }
            6 => self.far.set_room([0, 1, 10, 1000, usize::MAX][input.choose_index(5)?]),
            7 => advance(Duration::from_millis([1, 100, 6000][input.choose_index(3)?])).await,
            8 if input.ratio(1, 4)? => self.far.end(Ok(())),
            9 if input.ratio(1, 4)? => self.far.end(Err(io::ErrorKind::ConnectionReset)),
            10 if input.ratio(1, 4)? => self.far.fail_writes(io::ErrorKind::BrokenPipe),
            11 | 12 => self.read_message(polls),
            13 => self.recv(polls),
            14 => self.read_pieces(polls, input)?,
            15 | 16 => self.write(polls, input, true)?,
            17 => self.write(polls, input, false)?,
            18 => drop(polled(polls, async { writer!(&mut self.ends, end => end.flush().await) })),
            19 => self.write_pieces(polls, input)?,
            20 => drop(self.control.send_ping(vec![b'p'; usize::from(u8::arbitrary(input)?) % 130])),
            21 if input.ratio(1, 4)? => {
                let frame = self.close_frame(input)?;
                self.closing |= self.control.close(frame).is_ok();
            }
            22 if input.ratio(1, 4)? => {
                let frame = self.close_frame(input)?;
                self.closing = true;
                // From the whole or from the half that writes.
                let closed = polled(polls, async { writer!(&mut self.ends, end => end.close(frame).await) });
                if let Some(Err(error)) = closed {
                    self.closing &= error.usage().is_none();
                }
            }
            _ => {
                let pong = self.control.send_pong(vec![b'q'; 3]);
                drop(pong);
            }
        }
        Ok(())
    }

    fn close_frame(&self, input: &mut Unstructured<'_>) -> Result<Option<CloseFrame>> {
        Ok(match input.int_in_range(0..=3)? {
            0 => None,
            1 => Some(CloseFrame::new(1000, "bye")),
            2 => Some(CloseFrame::new(4000, "r".repeat(123))),
            _ => Some(CloseFrame::new(u16::arbitrary(input)?, "")),
        })
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.far.send(bytes) {
            self.sent.extend_from_slice(bytes);
        }
    }

    fn read_message(&mut self, polls: usize) {
        let result = polled(polls, async { reader!(&mut self.ends, end => end.read_message().await) });
        if let Some(result) = result {
            self.take_in(result, true);
        }
    }

    fn recv(&mut self, polls: usize) {
        let result = polled(polls, async { reader!(&mut self.ends, end => end.recv().await) });
        if let Some(result) = result {
            // It ends otherwise than `read_message` after a close frame with a code.
            self.take_in(result, false);
        }
    }

    fn take_in(&mut self, result: std::result::Result<Option<Message>, Error>, final_word: bool) {
        match result {
            Ok(Some(message)) => {
                assert!(self.end.is_none(), "I7: {message:?} after the end");
                self.read.extend(told(&message).map(Some));
            }
            Ok(None) if final_word => self.ended("the end".to_owned()),
            Err(error) if final_word => self.ended(format!("{:?}", error.kind())),
            Ok(None) | Err(_) => {}
        }
    }

    fn ended(&mut self, end: String) {
        if let Some(before) = &self.end {
            assert_eq!(*before, end, "I7: it ends once");
        }
        self.end = Some(end);
    }

    fn read_pieces(&mut self, polls: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let size = *input.choose(&[1, 30, 5000])?;
        let reads = input.int_in_range(0..=20)?;
        let begun = Cell::new(None);
        let mut data = Vec::new();
        let ended = self.end.is_some();
        let result = polled(polls, async {
            let mut read = async |reader: &mut (dyn tokio::io::AsyncRead + Unpin), kind: MessageKind| {
                assert!(!ended, "I7: a message after the end");
                begun.set(Some(kind));
                let mut piece = vec![0; size];
                for _ in 0..reads {
                    match reader.read(&mut piece).await {
                        Ok(0) => return Some(()),
                        Ok(count) => data.extend_from_slice(&piece[..count]),
                        Err(_) => return None,
                    }
                }
                None
            };
            reader!(&mut self.ends, end => match end.next_reader().await {
                Ok(Some(mut reader)) => { let kind = reader.kind(); read(&mut reader, kind).await }
                Ok(None) | Err(_) => None,
            })
        });
        if let Some(kind) = begun.take() {
            self.read.push(result.flatten().map(|()| Told::Message(kind, data)));
        }
        Ok(())
    }

    fn message(&self, input: &mut Unstructured<'_>) -> Result<Message> {
        // No two are the same.
        let mut text = format!("{}:", self.tried.len());
        text.push_str(&"long ".repeat([0, 1, 20, 30, 600, 3000][input.choose_index(6)?]));
        Ok(if bool::arbitrary(input)? { Message::text(text) } else { Message::binary(text) })
    }

    fn write(&mut self, polls: usize, input: &mut Unstructured<'_>, flush: bool) -> Result<()> {
        let message = self.message(input)?;
        let told = told(&message).expect("a data message");
        let result = polled(polls, async {
            if flush {
                writer!(&mut self.ends, end => end.write_message(message).await)
            } else {
                writer!(&mut self.ends, end => end.queue_message(message).await)
            }
        });
        let fate = match result {
            None => Fate::Unknown,
            Some(Ok(())) if flush => Fate::Written,
            Some(Ok(())) => Fate::Queued,
            Some(Err(error)) if error.usage().is_some() => Fate::Refused,
            Some(Err(_)) => Fate::Unknown,
        };
        self.tried.push((told, fate));
        Ok(())
    }

    fn write_pieces(&mut self, polls: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let message = self.message(input)?;
        let told = told(&message).expect("a data message");
        let Told::Message(kind, data) = told.clone() else { return Ok(()) };
        let (size, finish) = (*input.choose(&[1, 100, 5000])?, input.ratio(3, 4)?);
        let result = polled(polls, async {
            writer!(&mut self.ends, end => {
                let mut writer = end.next_writer(kind).await?;
                for piece in data.chunks(size) {
                    writer.write_all(piece).await?;
                }
                if finish { writer.finish().await?; Ok(true) } else { Ok::<_, io::Error>(false) }
            })
        });
        let fate = match result {
            Some(Ok(true)) => Fate::Written,
            Some(Ok(false)) => Fate::Refused,
            Some(Err(_)) | None => Fate::Unknown,
        };
        self.tried.push((told, fate));
        Ok(())
    }

    /// Ends it in one way or another, and looks back.
    async fn finish(mut self) {
        let began = Instant::now();
        match self.finale % 3 {
            // The peer closes: reading gives what is left, and the end.
            0 => {
                let close = WireFrame::new(self.setup.role, 0x88, wire::close_payload(1000, b"")).bytes();
                let far = self.far.clone();
                let sent = far.send(&[]);
                if sent {
                    self.sent.extend_from_slice(&close);
                }
                // Later, so that whoever waits has to be woken.
                let peer = async {
                    sleep(Duration::from_millis(1)).await;
                    far.send(&close);
                    sleep(Duration::from_millis(1)).await;
                    far.set_room(usize::MAX);
                    sleep(Duration::from_millis(1)).await;
                    far.end(Ok(()));
                };
                let reads = async { while self.read_one().await {} };
                let done = timeout(PATIENCE, async { tokio::join!(reads, peer) }).await;
                assert!(done.is_ok(), "I10: nobody wakes the reader");
            }
            // The application closes, and the peer says no more.
            1 | 2 => {
                if self.finale % 3 == 2 {
                    self.far.set_room(0);
                }
                let closed = timeout(PATIENCE, async {
                    writer!(&mut self.ends, end => end.close(CloseFrame::new(1001, "")).await)
                });
                assert!(closed.await.is_ok(), "I10: nobody wakes the one who closes");
                let took = began.elapsed();
                assert!(took <= CLOSE_TIMEOUT + Duration::from_millis(10), "I17: closing took {took:?}");
                self.closing = true;
                if self.far.has_failed() {
                    // No close frame went out then, and the peer may go on sending.
                    self.far.end(Ok(()));
                }
                let read = timeout(PATIENCE, async { while self.read_one().await {} }).await;
                assert!(read.is_ok(), "I10: nobody wakes the reader after the end");
            }
            _ => unreachable!("three ways"),
        }
        self.read_message(1);
        self.read_message(1);
        self.check();
    }

    /// Reads to the end; false there.
    async fn read_one(&mut self) -> bool {
        let result = reader!(&mut self.ends, end => end.read_message().await);
        let goes_on = matches!(result, Ok(Some(_)));
        self.take_in(result, true);
        goes_on
    }

    fn check(self) {
        let seen = self.setup.feed([&self.sent[..]]);
        self.check_read(&seen);
        self.check_written();
    }

    /// I3: the application gets what the bytes say, whatever it does meanwhile.
    fn check_read(&self, seen: &Seen) {
        let messages: Vec<_> = seen.told.iter().filter(|told| matches!(told, Told::Message(..))).collect();
        for (at, read) in self.read.iter().enumerate() {
            match (read, messages.get(at)) {
                (Some(read), Some(message)) => assert_eq!(read, *message, "I11: message {at}"),
                // Given up, or cut off.
                (None, _) => {}
                (Some(read), None) => panic!("I11: {read:?} was not sent"),
            }
        }
        if self.closing || self.far.has_failed() || self.finale % 3 != 0 {
            return;
        }
        assert!(self.read.len() >= messages.len(), "I11: {} of {} messages", self.read.len(), messages.len());
        let end = self.end.as_deref().expect("I10: an end");
        let close = seen.told.iter().find_map(|told| match told {
            Told::Close(frame) => Some(frame.clone()),
            _ => None,
        });
        let expected = match (seen.failed, close) {
            (Some(violation), _) => format!("{:?}", Error::from(violation).kind()),
            (None, Some(frame)) if frame.as_ref().is_none_or(|frame| frame.code.is_normal()) => {
                "the end".to_owned()
            }
            (None, Some(frame)) => format!("{:?}", ErrorKind::Closed(frame)),
            (None, None) => format!("{:?}", ErrorKind::ConnectionLost),
        };
        assert_eq!(end, expected, "I9: how it ended");
    }

    /// I8, I11 and I14: what is on the wire is right, and of the messages those that it has to be.
    fn check_written(&self) {
        let written = self.far.written();
        let compressed = self.setup.deflate.is_some();
        let (frames, rest) = wire::written(self.setup.role, &written, compressed);
        let whole = &written[..written.len() - rest.len()];
        let other = Setup {
            max_message: u64::MAX,
            max_fragments: u32::MAX,
            deflate: self.setup.deflate,
            ..Setup::new(peer(self.setup.role))
        };
        let seen = other.feed([whole]);
        assert_eq!(seen.failed, None, "I8: the peer fails on {frames:x?}");
        let mut arrived = seen.told.iter().filter(|told| matches!(told, Told::Message(..))).peekable();
        for (message, fate) in &self.tried {
            let is_there = arrived.next_if(|arrived| *arrived == message).is_some();
            match fate {
                Fate::Written => assert!(is_there, "I11: {message:?} was written, and is not there"),
                Fate::Refused => assert!(!is_there, "I14: {message:?} was refused, and is there"),
                Fate::Queued | Fate::Unknown => {}
            }
        }
        assert_eq!(arrived.next(), None, "I14: what nobody sent, or in another order");
    }
}

fn told(message: &Message) -> Option<Told> {
    match message {
        Message::Text(text) => Some(Told::Message(MessageKind::Text, text.as_bytes().to_vec())),
        Message::Binary(data) => Some(Told::Message(MessageKind::Binary, data.to_vec())),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    }
}

/// Polls a future so many times at the most, and only when it was woken; then drops it.
fn polled<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if !flag.take() {
            return None;
        }
    }
    None
}

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// In virtual time: longer than anything that a connection does.
const PATIENCE: Duration = Duration::from_secs(60);
