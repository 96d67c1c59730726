//! [`Relay`]: messages from the client to the backend and back.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until, timeout},
};
use ws_core::{
    CloseCode, CloseFrame, Conn, Control, Error, ErrorKind, Message, ReadHalf, Reply, Stats, WriteHalf,
};

use crate::{
    Carried, Cause, Side,
    tunnel::Bounds,
    tunnels::{Member, Order},
};

/// How messages are relayed; [`Proxy::relay`](crate::Proxy::relay) takes it.
///
/// A relay is an endpoint towards each side. It reads whole messages, holds them to the limits of both configurations
/// ([`Upgrader::config`](ws_tower::Upgrader::config) for the client's side, [`Dialer::config`](ws_client::Dialer::config) for the
/// backend's), and answers pings itself; with a keep-alive it pings a side that is silent. A message is one frame behind it, whatever it was before.
/// One message of each direction is in memory, and what waits to be sent up to the high-water mark.
///
/// # Close codes
///
/// The closing handshake goes from one end to the other: the close frame of one side is sent to the other one, and answered with
/// what that one answers. A close frame without a code is passed on without one. Data that a side still sends once it was sent a close
/// frame is dropped, as browsers drop it. What has no close frame becomes one:
///
/// | One side | The other side gets |
/// |---|---|
/// | the backend is lost, or breaks the protocol | 1014 |
/// | the client is lost, or breaks the protocol | 1011 |
/// | either sends a message beyond the limit | 1009 |
///
/// ```
/// use ws_proxy::{Proxy, Relay, Verdict, ws_core::CloseFrame};
///
/// let relay = Relay::new().inspect(|_side, message| match message.to_text() {
///     Ok(text) if text.contains("forbidden") => Verdict::Close(CloseFrame::new(1008, "not here")),
///     _ => Verdict::Forward(message),
/// });
/// let proxy = Proxy::to("ws://127.0.0.1:9000")?.relay(relay);
/// # let _ = proxy;
/// # Ok::<(), ws_proxy::InvalidBackend>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Relay {
    inspector: Option<Arc<dyn Fn() -> Inspector + Send + Sync>>,
    #[cfg(feature = "deflate")]
    is_end_to_end: bool,
}

pub(crate) type Inspector = Box<dyn FnMut(Side, Message) -> Verdict + Send>;

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on, or another one in its place.
    Forward(Message),
    /// It does not.
    Drop,
    /// Both sides are closed with this; one that must not be sent as it is stands for 1008. What they still send goes nowhere.
    Close(CloseFrame),
}

impl Relay {
    /// Passes every message on. Each side has compression by its own policy: that of the upgrader, and that of the dialer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at each message, from either side, and says what becomes of it. The function runs in the task of the connection and must
    /// not block.
    pub fn inspect<F>(self, inspect: F) -> Self
    where
        F: Fn(Side, Message) -> Verdict + Clone + Send + Sync + 'static,
    {
        self.inspect_each(move || inspect.clone())
    }

    /// As [`inspect`](Self::inspect), with a function of its own for each connection, which may keep what it has seen.
    ///
    /// ```
    /// use ws_proxy::{Relay, Side, Verdict};
    ///
    /// // A hundred messages of each client, and no more.
    /// let relay = Relay::new().inspect_each(|| {
    ///     let mut left = 100;
    ///     move |side, message| match side {
    ///         Side::Client if left == 0 => Verdict::Drop,
    ///         Side::Client => {
    ///             left -= 1;
    ///             Verdict::Forward(message)
    ///         }
    ///         Side::Backend => Verdict::Forward(message),
    ///     }
    /// });
    /// # let _ = relay;
    /// ```
    pub fn inspect_each<F, I>(mut self, begin: F) -> Self
    where
        F: Fn() -> I + Send + Sync + 'static,
        I: FnMut(Side, Message) -> Verdict + Send + 'static,
    {
        self.inspector = Some(Arc::new(move || Box::new(begin())));
        self
    }

    /// Negotiates permessage-deflate with both sides or with neither. Each side has its own parameters, by its own policy.
    ///
    /// Unless set, a backend without compression does not keep clients from having it, nor the other way round.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn compress_end_to_end(mut self, end_to_end: bool) -> Self {
        self.is_end_to_end = end_to_end;
        self
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn is_end_to_end(&self) -> bool {
        self.is_end_to_end
    }

    pub(crate) fn begin(&self) -> Option<Inspector> {
        self.inspector.as_ref().map(|begin| begin())
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("inspects", &self.inspector.is_some()).finish_non_exhaustive()
    }
}

/// Relays until both sides have ended.
pub(crate) async fn run<C, B>(
    inspector: Option<Inspector>,
    client: Conn<C>,
    backend: Conn<B>,
    bounds: Bounds,
    member: Arc<Member>,
) -> Carried
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let mut relaying = Relaying::new(inspector, End::new(client), End::new(backend), bounds, member);
    let cause = poll_fn(|cx| relaying.poll(cx)).await;
    relaying.leave(cause).await
}

/// One side: its connection, and what has arrived from it.
struct End<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    control: Control,
    stats: Stats,
    /// Queued, and not flushed.
    is_dirty: bool,
    /// A message of this side that the other one has no room for.
    held: Option<Message>,
    ended: bool,
}

impl<S> End<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn new(mut conn: Conn<S>) -> Self {
        // The other side gives the answer.
        conn.set_close_handler(|_| Reply::Suppress);
        let (control, stats) = (conn.control(), conn.stats());
        let (reader, writer) = conn.into_split();
        Self { reader, writer, control, stats, is_dirty: false, held: None, ended: false }
    }

    /// Asks for a close frame; of several the first is sent.
    fn close(&mut self, frame: Option<CloseFrame>) {
        // What came from a peer can be sent, and so can what is written here.
        let _ = self.control.close(frame);
        self.is_dirty = true;
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) {
        // An error comes again with the read.
        if self.is_dirty && self.writer.poll_flush(cx).is_ready() {
            self.is_dirty = false;
        }
    }
}

struct Relaying<C, B> {
    inspector: Option<Inspector>,
    client: End<C>,
    backend: End<B>,
    bounds: Bounds,
    member: Arc<Member>,
    began: Instant,
    /// When something was read or written last, and how much in all.
    moved: Instant,
    carried: u64,
    cause: Option<Cause>,
    /// Until when all must have ended, once something has.
    until: Option<Instant>,
    is_aborted: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What a message of one side comes to.
enum Heard {
    Message(Message),
    Closed(Option<CloseFrame>),
    Failed(Cause, CloseCode),
}

impl<C, B> Relaying<C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    fn new(
        inspector: Option<Inspector>,
        client: End<C>,
        backend: End<B>,
        bounds: Bounds,
        member: Arc<Member>,
    ) -> Self {
        let began = Instant::now();
        Self {
            inspector,
            client,
            backend,
            bounds,
            member,
            began,
            moved: began,
            carried: 0,
            cause: None,
            until: None,
            is_aborted: false,
            timer: None,
        }
    }

    /// Ready when both sides have ended, or it is time.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        match self.member.poll_order(cx) {
            Some(Order::Close(frame)) => self.end_with(Cause::Drained, &frame),
            Some(Order::Abort) => {
                self.is_aborted = true;
                return Poll::Ready(Cause::Drained);
            }
            None => {}
        }
        loop {
            let Self { client, backend, inspector, .. } = self;
            let up = carry(cx, Side::Client, client, backend, inspector);
            let down = carry(cx, Side::Backend, backend, client, inspector);
            client.poll_flush(cx);
            backend.poll_flush(cx);
            self.note_traffic();
            let mut is_inspected = false;
            for over in [up, down].into_iter().flatten() {
                match over {
                    Over::Ended(cause) => {
                        self.cause.get_or_insert(cause);
                    }
                    Over::Inspected(frame) => {
                        is_inspected = true;
                        let frame = if frame.check_sendable().is_ok() {
                            frame
                        } else {
                            CloseCode::POLICY_VIOLATION.into()
                        };
                        self.end_with(Cause::Inspected, &frame);
                    }
                }
                self.until.get_or_insert_with(|| Instant::now() + self.bounds.close_timeout);
                // What was asked for above goes out below.
                self.client.poll_flush(cx);
                self.backend.poll_flush(cx);
            }
            if self.client.ended && self.backend.ended {
                return Poll::Ready(self.cause.unwrap_or(Cause::Closed));
            }
            if is_inspected {
                // There may be more to read of a side that was left at its message.
                continue;
            }
            match ready!(self.poll_deadline(cx)) {
                Cause::Idle => self.end_with(Cause::Idle, &CloseFrame::new(1001, "idle timeout")),
                Cause::Lifetime => self.end_with(Cause::Lifetime, &CloseFrame::new(1001, "maximum lifetime")),
                timeout => {
                    // One side has closed, and the other one does not.
                    let own = self.cause.filter(|cause| *cause != Cause::Closed);
                    return Poll::Ready(own.unwrap_or(timeout));
                }
            }
        }
    }

    fn end_with(&mut self, cause: Cause, frame: &CloseFrame) {
        self.cause.get_or_insert(cause);
        self.until.get_or_insert_with(|| Instant::now() + self.bounds.close_timeout);
        self.client.close(Some(frame.clone()));
        self.backend.close(Some(frame.clone()));
    }

    /// Any byte counts, those of a large message that a slow side takes, and of pongs, too.
    fn note_traffic(&mut self) {
        let wire = |stats: &Stats| stats.received().wire_bytes.wrapping_add(stats.sent().wire_bytes);
        let carried = wire(&self.client.stats).wrapping_add(wire(&self.backend.stats));
        if carried != self.carried {
            self.carried = carried;
            self.moved = Instant::now();
        }
    }

    /// Waits until something has to be done though nothing moves.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        loop {
            let after = |from: Instant, timeout: Option<Duration>| timeout.and_then(|t| from.checked_add(t));
            let deadline = match self.until {
                Some(until) => Some((Cause::CloseTimeout, until)),
                None => [
                    after(self.moved, self.bounds.idle_timeout).map(|at| (Cause::Idle, at)),
                    after(self.began, self.bounds.max_lifetime).map(|at| (Cause::Lifetime, at)),
                ]
                .into_iter()
                .flatten()
                .min_by_key(|(_, at)| *at),
            };
            let Some((cause, at)) = deadline else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            if at <= Instant::now() {
                return Poll::Ready(cause);
            }
            timer.as_mut().reset(at);
        }
    }

    /// Sees the closing handshakes through, bounded in time.
    async fn leave(mut self, cause: Cause) -> Carried {
        let until = self.until.unwrap_or_else(Instant::now).max(Instant::now() + LEAVE);
        let (client, backend) = (&mut self.client.writer, &mut self.backend.writer);
        let (mut client, mut backend) = (pin!(client.close(None)), pin!(backend.close(None)));
        let mut ended = [false; 2];
        let both = poll_fn(|cx| {
            ended[0] = ended[0] || client.as_mut().poll(cx).is_ready();
            ended[1] = ended[1] || backend.as_mut().poll(cx).is_ready();
            if ended == [true; 2] { Poll::Ready(()) } else { Poll::Pending }
        });
        if !self.is_aborted {
            let _ = timeout(until - Instant::now(), both).await;
        }
        let (client, backend) = (&self.client.stats, &self.backend.stats);
        let code = |stats: &Stats| {
            let closing = stats.closing();
            let received = closing.received()?;
            Some(received.map_or(CloseCode::NO_STATUS_RECEIVED, |frame| frame.code))
        };
        let is_own = matches!(cause, Cause::Drained | Cause::Idle | Cause::Lifetime | Cause::Inspected);
        Carried {
            bytes_from_client: client.received().wire_bytes,
            bytes_from_backend: backend.received().wire_bytes,
            messages_from_client: client.received().messages,
            messages_from_backend: backend.received().messages,
            close_from_client: code(client).filter(|_| !is_own),
            close_from_backend: code(backend).filter(|_| !is_own),
            cause,
        }
    }
}

/// What ends a relay.
enum Over {
    Ended(Cause),
    Inspected(CloseFrame),
}

/// Carries what there is from one side to the other, as far as the other one takes it. Gives what has ended the side, once.
fn carry<F, T>(
    cx: &mut Context<'_>,
    side: Side,
    from: &mut End<F>,
    to: &mut End<T>,
    inspector: &mut Option<Inspector>,
) -> Option<Over>
where
    F: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    if from.ended {
        return None;
    }
    loop {
        if from.held.is_some() {
            match to.writer.poll_ready(cx) {
                Poll::Pending => break None,
                // The other side is closed or lost, which its own reads tell: what is left of this one is read to its end.
                Poll::Ready(Err(_)) => from.held = None,
                Poll::Ready(Ok(())) => {
                    if let Some(message) = from.held.take() {
                        let _ = to.writer.start_send(message);
                        to.is_dirty = true;
                    }
                }
            }
        }
        let Poll::Ready(read) = from.reader.poll_read_message(cx) else { break None };
        match heard(side, read, &from.reader) {
            Heard::Message(message) => match inspector.as_mut() {
                None => from.held = Some(message),
                Some(inspect) => match inspect(side, message) {
                    Verdict::Forward(message) => from.held = Some(message),
                    Verdict::Drop => {}
                    Verdict::Close(frame) => break Some(Over::Inspected(frame)),
                },
            },
            Heard::Closed(frame) => {
                from.ended = true;
                to.close(frame);
                break Some(Over::Ended(Cause::Closed));
            }
            Heard::Failed(cause, code) => {
                from.ended = true;
                // There is a close frame for this side, too, if it broke a rule.
                from.is_dirty = true;
                to.close(Some(code.into()));
                break Some(Over::Ended(cause));
            }
        }
    }
}

fn heard<S>(side: Side, read: Result<Option<Message>, Error>, reader: &ReadHalf<S>) -> Heard {
    let error = match read {
        Ok(Some(message)) => return Heard::Message(message),
        Ok(None) => return Heard::Closed(reader.closing().received().flatten().cloned()),
        Err(error) => error,
    };
    // 1014 is what a gateway says of its backend; a client that fails is its own business.
    let code = match side {
        Side::Backend => CloseCode::BAD_GATEWAY,
        Side::Client => CloseCode::INTERNAL_ERROR,
    };
    match error.kind() {
        ErrorKind::Closed(frame) => Heard::Closed(frame.clone()),
        ErrorKind::Protocol(_) => Heard::Failed(Cause::Violated(side), code),
        ErrorKind::TooBig { .. } => Heard::Failed(Cause::Violated(side), CloseCode::MESSAGE_TOO_BIG),
        _ => Heard::Failed(Cause::Lost(side), code),
    }
}

/// What a closing handshake that has been seen through takes at the least, to get its last bytes out.
const LEAVE: Duration = Duration::from_secs(1);
