//! What arrived and was not read, and how the connection stands: the events of a browser go in, reads take out.

use std::{
    cell::{RefCell, RefMut},
    collections::VecDeque,
    fmt, io,
    rc::Rc,
    task::{Poll, Waker},
};

use bytes::Bytes;
use ws_core::{CloseFrame, Error, ErrorKind, Message, ProtocolError, UsageError};

use super::{
    Closing,
    closing::legal,
    settings::{Overflow, Settings},
};

/// The queue of a socket, shared with the handlers of its events.
///
/// Wakers are cloned, woken and dropped while the state is not borrowed: each of that may run code of their tasks.
pub(crate) struct Inbox<Blob>(Rc<RefCell<State<Blob>>>);

struct State<Blob> {
    settings: Settings,
    phase: Phase,
    queue: VecDeque<Arrived<Blob>>,
    queued: usize,
    /// Somebody waits for the end, or nobody can read: what arrives is of no use any more.
    discarding: bool,
    /// A write has failed, and the close event is to follow.
    broken: bool,
    dropped: u64,
    /// Why this end has failed the connection. Boxed: nearly none does.
    failure: Option<Box<Failure>>,
    /// The code of the close event.
    end: Option<u16>,
    closing: Closing,
    reader: Option<Waker>,
    writer: Option<Waker>,
    closer: Option<Waker>,
    /// Reads from a `WebSocketStream`.
    pump: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    /// Nothing more is taken from the browser.
    Over,
}

#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    /// Told once, to one who reads.
    source: Option<io::Error>,
}

/// A message as it came.
#[derive(Debug)]
pub(crate) enum Arrived<Blob> {
    Message(Message),
    Blob(Blob, usize),
}

impl<Blob> Arrived<Blob> {
    fn len(&self) -> usize {
        match self {
            Self::Message(Message::Text(text)) => text.len(),
            Self::Message(Message::Binary(data)) => data.len(),
            Self::Message(_) => 0,
            Self::Blob(_, len) => *len,
        }
    }
}

/// With what a socket has to be closed, since the connection is failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the socket stays open unless it is closed with this"]
pub(crate) struct Farewell {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl<Blob> Clone for Inbox<Blob> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<Blob> Inbox<Blob> {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Rc::new(RefCell::new(State {
            settings,
            phase: Phase::Connecting,
            queue: VecDeque::new(),
            queued: 0,
            discarding: false,
            broken: false,
            dropped: 0,
            failure: None,
            end: None,
            closing: Closing::default(),
            reader: None,
            writer: None,
            closer: None,
            pump: None,
        })))
    }

    // The side of the browser.

    /// The opening handshake is done.
    pub(crate) fn opened(&self) {
        let mut state = self.0.borrow_mut();
        if state.phase == Phase::Connecting {
            state.phase = Phase::Open;
        }
        let reader = state.reader.take();
        drop(state);
        wake([reader]);
    }

    /// A message arrived, of so many bytes at least. It is brought to memory only if it may have that much.
    ///
    /// Some if that fails the connection.
    pub(crate) fn offer(
        &self,
        at_least: usize,
        bring: impl FnOnce() -> Option<Arrived<Blob>>,
    ) -> Option<Farewell> {
        if let Some(refused) = self.refuses(at_least) {
            return refused;
        }
        let arrived = bring()?;
        if let Some(refused) = self.refuses(arrived.len()) {
            return refused;
        }
        let mut state = self.0.borrow_mut();
        state.queued += arrived.len();
        state.queue.push_back(arrived);
        let reader = state.reader.take();
        drop(state);
        wake([reader]);
        None
    }

    /// Whether a message of this size is not taken; then Some of what has to be done.
    fn refuses(&self, len: usize) -> Option<Option<Farewell>> {
        let mut state = self.0.borrow_mut();
        if state.phase != Phase::Open || state.discarding || state.failure.is_some() {
            return Some(None);
        }
        if let Some(limit) = state.settings.max_message_size.filter(|limit| len as u64 > *limit) {
            drop(state);
            return Some(self.fail(ErrorKind::TooBig { limit }, None));
        }
        if state.settings.paced {
            return None;
        }
        // One that is larger than the queue has it for itself.
        let is_full = |state: &State<Blob>| {
            let is_full = state.queued.saturating_add(len) > state.settings.max_queued;
            !state.queue.is_empty() && (is_full || state.queue.len() >= state.settings.max_messages())
        };
        while is_full(&state) {
            match state.settings.overflow {
                Overflow::Close => {
                    drop(state);
                    return Some(self.fail(ErrorKind::OutOfBudget, None));
                }
                Overflow::DropNewest => {
                    state.dropped += 1;
                    return Some(None);
                }
                Overflow::DropOldest => {
                    if let Some(oldest) = state.queue.pop_front() {
                        state.queued -= oldest.len();
                    }
                    state.dropped += 1;
                }
            }
        }
        None
    }

    /// The connection is over, as the close event tells.
    pub(crate) fn closed(&self, code: u16, reason: &str, was_clean: bool) {
        let mut state = self.0.borrow_mut();
        if state.end.is_some() {
            return;
        }
        state.phase = Phase::Over;
        state.end = Some(code);
        state.closing.was_clean = Some(was_clean);
        let frame = match code {
            // 7.1.5: there was no close frame, or no connection.
            1006 | 1015 => None,
            1005 => Some(None),
            code => Some(Some(CloseFrame::new(code, reason))),
        };
        if frame.is_some() {
            state.closing.received_first = state.closing.sent.is_none();
            state.closing.received = frame;
        }
        let wakers = [state.reader.take(), state.writer.take(), state.closer.take(), state.pump.take()];
        drop(state);
        wake(wakers);
    }

    /// Some of what was sent is on its way.
    pub(crate) fn drained(&self) {
        let writer = self.0.borrow_mut().writer.take();
        wake([writer]);
    }

    /// Nothing can be sent any more, so that there is nothing to wait for but the end.
    pub(crate) fn broken(&self) {
        let mut state = self.0.borrow_mut();
        state.broken = true;
        let pump = state.pump.take();
        drop(state);
        wake([pump]);
    }

    /// Waits until there is room for what a server that can be slowed down has sent; false when there is none to come.
    pub(crate) fn poll_wanted(&self, waker: &Waker) -> Poll<bool> {
        let waker = waker.clone();
        let state = self.0.borrow_mut();
        if state.phase == Phase::Over || state.failure.is_some() || state.broken {
            return Poll::Ready(false);
        }
        if state.phase == Phase::Open && state.wants_more() {
            return Poll::Ready(true);
        }
        leave(state, |state| &mut state.pump, waker)
    }

    // The side of the socket.

    /// Waits for the end of the opening handshake; gives the code and the reason of one that failed.
    pub(super) fn poll_opened(&self, waker: &Waker) -> Poll<Result<(), Option<u16>>> {
        let waker = waker.clone();
        let state = self.0.borrow_mut();
        match state.phase {
            Phase::Connecting => leave(state, |state| &mut state.reader, waker),
            Phase::Open => Poll::Ready(Ok(())),
            // What a server sends at once and then closes is there to be read.
            Phase::Over if !state.queue.is_empty() || state.closing.received.is_some() => Poll::Ready(Ok(())),
            Phase::Over => Poll::Ready(Err(state.end)),
        }
    }

    /// The next message, or None at a normal end.
    pub(super) fn poll_next(&self, waker: &Waker) -> Poll<Result<Option<Arrived<Blob>>, Error>> {
        let waker = waker.clone();
        let mut state = self.0.borrow_mut();
        if let Some(arrived) = state.queue.pop_front() {
            state.queued -= arrived.len();
            let pump = if state.wants_more() { state.pump.take() } else { None };
            drop(state);
            wake([pump]);
            return Poll::Ready(Ok(Some(arrived)));
        }
        if let Some(result) = state.result(true) {
            return Poll::Ready(result.map(|()| None));
        }
        leave(state, |state| &mut state.reader, waker)
    }

    /// Nobody will read: what waits is dropped, and so is what arrives.
    pub(super) fn discard(&self) {
        let mut state = self.0.borrow_mut();
        state.discarding = true;
        state.queue.clear();
        state.queued = 0;
        // What a server that can be slowed down has sent is in the way of the end.
        let pump = state.pump.take();
        drop(state);
        wake([pump]);
    }

    /// Waits for the end. What still arrives is dropped.
    pub(super) fn poll_end(&self, waker: &Waker) -> Poll<Result<(), Error>> {
        self.discard();
        let waker = waker.clone();
        let mut state = self.0.borrow_mut();
        match state.result(false) {
            Some(result) => Poll::Ready(result),
            None => leave(state, |state| &mut state.closer, waker),
        }
    }

    /// Who is woken when what was sent is on its way, and when the connection ends.
    pub(super) fn set_writer(&self, waker: &Waker) {
        let waker = waker.clone();
        let _: Poll<()> = leave(self.0.borrow_mut(), |state| &mut state.writer, waker);
    }

    pub(super) fn check_writable(&self) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        match state.result(false) {
            Some(Err(error)) => Err(error),
            // The browser has answered by itself, so this is no misuse.
            Some(Ok(())) if state.closing.sent.is_none() => {
                Err(ErrorKind::Closed(state.closing.received.clone().flatten()).into())
            }
            Some(Ok(())) => Err(UsageError::CloseSent.into()),
            None if state.closing.sent.is_some() => Err(UsageError::CloseSent.into()),
            None => Ok(()),
        }
    }

    /// Fails the connection, for those who read and write even if it is over; Some unless it was closing or over already.
    pub(super) fn fail(&self, kind: ErrorKind, source: Option<io::Error>) -> Option<Farewell> {
        let mut state = self.0.borrow_mut();
        if state.failure.is_some() {
            return None;
        }
        let farewell = farewell(&kind);
        let is_closing = state.closing.sent.is_some() || state.end.is_some();
        if !matches!(kind, ErrorKind::TooBig { .. } | ErrorKind::OutOfBudget) {
            // Found in the place of a message: what came behind it must not be read as if it were the next.
            state.queue.clear();
            state.queued = 0;
        }
        state.failure = Some(Box::new(Failure { kind, source }));
        if !is_closing {
            state.closing.sent = Some(Some(CloseFrame::new(farewell.code, farewell.reason)));
        }
        let wakers = [state.reader.take(), state.writer.take(), state.closer.take(), state.pump.take()];
        drop(state);
        wake(wakers);
        (!is_closing).then_some(farewell)
    }

    /// Notes the close frame of this end; false if there was one, or the connection is over.
    pub(super) fn close(&self, frame: Option<CloseFrame>) -> bool {
        let mut state = self.0.borrow_mut();
        if state.closing.sent.is_some() || state.end.is_some() {
            return false;
        }
        state.closing.sent = Some(frame);
        // They bound their waits from here on.
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wake(wakers);
        true
    }

    /// No handler is to be heard any more.
    pub(super) fn forget(&self) {
        let mut state = self.0.borrow_mut();
        state.phase = Phase::Over;
        state.queue.clear();
        state.queued = 0;
        let pump = state.pump.take();
        drop(state);
        wake([pump]);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.borrow().end.is_some()
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.0.borrow();
        state.phase == Phase::Open && state.closing.sent.is_none()
    }

    pub(super) fn closing(&self) -> Closing {
        self.0.borrow().closing.clone()
    }

    pub(super) fn queued(&self) -> usize {
        self.0.borrow().queued
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.borrow().dropped
    }

    pub(super) fn set_max_message_size(&self, limit: Option<u64>) {
        self.0.borrow_mut().settings.max_message_size = limit;
    }
}

impl<Blob> State<Blob> {
    /// Whether more is to be fetched from a server that can be slowed down.
    fn wants_more(&self) -> bool {
        self.queued < READ_AHEAD && self.queue.len() < MESSAGES_AHEAD
    }

    /// How the connection ended, if it has; for one who waits for data, a close code may be an error.
    fn result(&mut self, for_data: bool) -> Option<Result<(), Error>> {
        if let Some(failure) = &mut self.failure {
            let error = Error::from(failure.kind.clone());
            return Some(Err(match failure.source.take_if(|_| for_data) {
                Some(source) => error.with_source(source),
                None => error,
            }));
        }
        self.end?;
        Some(match &self.closing.received {
            None => Err(ErrorKind::ConnectionLost.into()),
            Some(frame) if for_data && frame.as_ref().is_some_and(|frame| !frame.code.is_normal()) => {
                Err(ErrorKind::Closed(frame.clone()).into())
            }
            Some(_) => Ok(()),
        })
    }
}

impl<Blob> fmt::Debug for Inbox<Blob> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.borrow();
        f.debug_struct("Inbox")
            .field("phase", &state.phase)
            .field("messages", &state.queue.len())
            .field("bytes", &state.queued)
            .field("closing", &state.closing)
            .finish_non_exhaustive()
    }
}

/// What the server is told of a failure.
fn farewell(kind: &ErrorKind) -> Farewell {
    let code = Error::from(kind.clone()).close_code().filter(|code| code.is_sendable());
    let reason = match kind {
        ErrorKind::TooBig { .. } => "message too big",
        ErrorKind::OutOfBudget => "too much waits to be read",
        ErrorKind::Protocol(ProtocolError::UnacceptableKind) => "message of another kind",
        ErrorKind::Protocol(ProtocolError::UnexpectedMessage) => "unexpected message",
        _ => "",
    };
    let code = legal(code.unwrap_or(ws_core::CloseCode::INTERNAL_ERROR)).as_u16();
    Farewell { code, reason }
}

/// Has the waker woken by what is to come, in the place of the one before.
fn leave<Blob, T>(
    mut state: RefMut<'_, State<Blob>>,
    place: impl FnOnce(&mut State<Blob>) -> &mut Option<Waker>,
    waker: Waker,
) -> Poll<T> {
    let before = place(&mut state).replace(waker);
    drop(state);
    drop(before);
    Poll::Pending
}

fn wake<const N: usize>(wakers: [Option<Waker>; N]) {
    wakers.into_iter().flatten().for_each(Waker::wake);
}

impl<Blob> From<Bytes> for Arrived<Blob> {
    fn from(data: Bytes) -> Self {
        Self::Message(Message::Binary(data))
    }
}

/// What is fetched ahead of reads from a server that can be slowed down.
const READ_AHEAD: usize = 64 << 10;
/// The same in messages, which may be empty.
const MESSAGES_AHEAD: usize = 1024;
