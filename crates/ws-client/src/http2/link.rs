//! [`Link`]: one connection of HTTP/2, and the count of the streams on it.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use h2::client::{self, SendRequest};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::Instant,
};

use super::{
    Http2Error,
    driver::{self, Life},
    error::from_h2,
    stream::{Lingering, Piece},
};
use crate::{DialError, Transport, handshake::MAX_HEAD};

/// A connection that takes new streams as long as this exists. Dropped, the connection goes on until its last stream ends.
pub(super) struct Link(Arc<Shared>);

/// What the owner of a connection, its streams and its task have in common.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the task of the connection for what h2 does not wake it for: the end of the last stream, and of the owner.
    pub(super) changed: Notify,
    addresses: Option<Addresses>,
}

struct State {
    /// `None` once there are to be no more streams. h2 ends a connection when nobody holds one of these.
    requests: Option<SendRequest<Piece>>,
    /// The streams that are open or being opened.
    streams: usize,
    /// Since when there has been none.
    idle_since: Instant,
    /// Streams that were dropped with something left to send, the oldest first.
    lingering: VecDeque<Lingering>,
}

/// Both ends of the TCP connection.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

impl Addresses {
    pub(super) fn of(transport: &Transport) -> Option<Self> {
        Some(Self { local: transport.local_addr().ok()?, peer: transport.peer_addr().ok()? })
    }
}

/// What came of asking for room for a stream.
pub(super) enum Room {
    Free(Slot),
    /// As many streams are open as may be.
    Full,
    /// The connection ends, or has ended.
    Closed,
}

impl Link {
    /// Speaks HTTP/2 over a transport, and waits until the server has said what it takes.
    pub(super) async fn open<S>(io: S, addresses: Option<Addresses>, life: Life) -> Result<Self, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, mut connection) = builder().handshake::<_, Piece>(io).await.map_err(from_h2)?;
        poll_fn(|cx| {
            let ended = Pin::new(&mut connection).poll(cx);
            // 3.4 of RFC 9113: the first frame of a server is SETTINGS, and h2 replaces our number by what they say of it, if
            // that is nothing then by no limit.
            if requests.current_max_send_streams() != SETTINGS_TO_COME {
                return Poll::Ready(Ok(()));
            }
            match ended {
                Poll::Ready(Ok(())) => Poll::Ready(Err(Http2Error::Lost.into())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(from_h2(error))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await?;
        if !requests.is_extended_connect_protocol_enabled() {
            return Err(Http2Error::NoExtendedConnect.into());
        }
        if requests.current_max_send_streams() == 0 {
            return Err(Http2Error::TooManyStreams.into());
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                requests: Some(requests),
                streams: 0,
                idle_since: Instant::now(),
                lingering: VecDeque::new(),
            }),
            changed: Notify::new(),
            addresses,
        });
        tokio::spawn(driver::run(connection, Arc::clone(&shared), life));
        Ok(Self(shared))
    }

    /// Takes room for one more stream.
    pub(super) fn room(&self) -> Room {
        let mut state = self.0.state();
        let Some(requests) = state.usable() else { return Room::Closed };
        if state.streams >= requests.current_max_send_streams().min(MAX_STREAMS) {
            return Room::Full;
        }
        state.streams += 1;
        Room::Free(Slot { requests: Some(requests), shared: Arc::clone(&self.0) })
    }

    /// Whether there may be more streams, now or later.
    pub(super) fn is_usable(&self) -> bool {
        self.0.state().usable().is_some()
    }

    pub(super) fn id(&self) -> LinkId {
        LinkId(Arc::clone(&self.0))
    }
}

impl State {
    /// What opens streams, if the connection takes more of them.
    fn usable(&self) -> Option<SendRequest<Piece>> {
        let mut requests = self.requests.clone()?;
        // An error means that the server has sent GOAWAY, or that the connection is over. It never waits: that is for those
        // who have sent a request that found no room.
        match requests.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(_)) => None,
            Poll::Ready(Ok(())) | Poll::Pending => Some(requests),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Room for a stream, until it is dropped.
pub(super) struct Slot {
    /// What opens the stream. Given up once that is done: h2 ends a connection when nobody holds one.
    requests: Option<SendRequest<Piece>>,
    shared: Arc<Shared>,
}

impl Slot {
    /// What opens the stream, once.
    pub(super) fn take_requests(&mut self) -> Option<SendRequest<Piece>> {
        self.requests.take()
    }

    pub(super) fn addresses(&self) -> Option<Addresses> {
        self.shared.addresses
    }

    /// Has a stream end when all is sent.
    pub(super) fn linger(&self, stream: Lingering) {
        self.shared.state().lingering.push_back(stream);
        self.shared.changed.notify_one();
    }

    pub(super) fn link(&self) -> LinkId {
        LinkId(Arc::clone(&self.shared))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.requests = None;
        let mut state = self.shared.state();
        state.streams -= 1;
        if state.streams == 0 {
            state.idle_since = Instant::now();
            drop(state);
            self.shared.changed.notify_one();
        }
    }
}

/// Which connection it was, for a dial that must not take it again. It keeps nothing open.
#[derive(Clone)]
pub(super) struct LinkId(Arc<Shared>);

impl PartialEq for LinkId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no more streams in.
    pub(super) fn close(&self) {
        let requests = self.state().requests.take();
        // h2 has a lock of its own.
        drop(requests);
        self.changed.notify_one();
    }

    /// Lets go of streams that have sent all, or had the time to; tells when the next one has had it.
    pub(super) fn end_lingering(&self) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        let (over, lingering) =
            mem::take(&mut state.lingering).into_iter().partition(|stream| stream.is_over(now));
        state.lingering = lingering;
        let next = state.lingering.front().map(|stream| stream.until);
        drop(state);
        // h2 has a lock of its own.
        drop::<VecDeque<Lingering>>(over);
        next
    }

    /// Lets no more streams in if there has been none for this long; else tells when that will be so.
    pub(super) fn close_if_idle(&self, timeout: Option<Duration>) -> Idle {
        let mut state = self.state();
        if state.streams > 0 {
            return Idle::InUse;
        }
        if state.requests.is_none() {
            return Idle::Closed;
        }
        let Some(until) = timeout.and_then(|timeout| state.idle_since.checked_add(timeout)) else {
            return Idle::InUse;
        };
        if Instant::now() < until {
            return Idle::Until(until);
        }
        let requests = state.requests.take();
        drop(state);
        drop(requests);
        Idle::Closed
    }
}

/// What keeps a connection open.
pub(super) enum Idle {
    /// Streams, or an owner that sets no limit.
    InUse,
    /// Nothing; it is kept for the next stream until then.
    Until(Instant),
    /// Nothing, and no stream will follow.
    Closed,
}

fn builder() -> client::Builder {
    let mut builder = client::Builder::new();
    builder
        .initial_max_send_streams(SETTINGS_TO_COME)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .data_frame_budget(DATA_FRAME_BUDGET)
        // h2 soon forgets a stream that was reset, counts what arrives for it as an offence of the server's, and ends the
        // connection at the 1,024th in its life. But it is only what was on its way when a WebSocket was dropped. Without that
        // count h2 answers with RST_STREAM, of which no more than one for each stream that there was can wait to be sent.
        .max_local_error_reset_streams(None)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(MAX_HEAD as u32)
        .enable_push(false);
    builder
}

/// A number of streams that no server can allow, as settings have 32 bits; with 32-bit words it can, but has no reason to.
const SETTINGS_TO_COME: usize = usize::MAX - 1;
/// How many bytes of a stream may be unread, and may arrive in one round trip.
const STREAM_WINDOW: u32 = 64 << 10;
/// How many streams a connection has at the most, whatever the server allows.
const MAX_STREAMS: usize = 200;
/// More than all streams can have unread, so that none of them stops another.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// What h2 may hold for unread DATA frames beside their payload. A frame of n bytes counts for 256 - n; the stream window lets
/// a stream that nobody reads have 2,978 messages of 20 bytes, so this is enough for 48 such streams.
const DATA_FRAME_BUDGET: usize = 32 << 20;
/// How many bytes h2 takes from a stream before the socket has taken them.
const SEND_BUFFER: usize = 64 << 10;
