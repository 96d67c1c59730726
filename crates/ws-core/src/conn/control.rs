//! Control frames from anywhere.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;

use super::{
    clock::now,
    shared::{Refused, Shared},
    waiters::{Waiter, Waiters},
};
use crate::{
    CloseFrame, Error, ErrorKind, Message, UsageError, frame::MAX_CONTROL_PAYLOAD, keys::Keys, sync::Arc,
};

/// Sends control frames on a connection from anywhere, at any time.
///
/// Cheap to clone, and without a type parameter: keep it beside a connection of any transport, in another task or thread,
/// in a registry. [`Conn::control`](crate::Conn::control) gives one, and so do the halves.
///
/// Control frames are sent by whoever drives the connection: a read or a write that waits is woken for them, between the
/// fragments of a message, too. If nobody reads or writes, they wait; **the pong of a [`ping`](Self::ping) is seen only by a
/// read**.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use ws_core::{CloseCode, Config, Conn, Negotiated, Role};
///
/// # let (near, far) = tokio::io::duplex(1024);
/// let mut server = Conn::new(near, Role::Server, Config::new(), Negotiated::new());
/// # let mut client = Conn::new(far, Role::Client, Config::new(), Negotiated::new());
/// # let peer = async move { client.read_message().await };
/// let control = server.control();
/// let watch = async move {
///     let round_trip = control.ping().await?;
///     println!("the peer answered after {round_trip:?}");
///     control.close(CloseCode::GOING_AWAY)?;
///     control.closed().await;
///     Ok::<(), ws_core::Error>(())
/// };
/// let (watched, read, _) = tokio::join!(watch, server.read_message(), peer);
/// # watched.and(read.map(drop))
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Control(Arc<Shared>);

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Asks for a ping with a payload of at most 125 bytes. Nobody is told of its pong but the
    /// [pong handler](crate::Conn::set_pong_handler) and [`recv`](crate::Conn::recv).
    ///
    /// # Errors
    /// [`UsageError::ControlTooLong`], [`UsageError::ControlQueueFull`] when 64 frames wait and nobody drives the
    /// connection, [`UsageError::CloseSent`] when a close frame was sent or asked for,
    /// [`ErrorKind::ConnectionLost`] when the connection is over.
    pub fn send_ping(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        Ok(self.0.request_ping(checked(payload.into())?)?)
    }

    /// Asks for a pong that no ping asked for (RFC 6455, 5.5.3), with a payload of at most 125 bytes.
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping).
    pub fn send_pong(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        Ok(self.0.request_pong(checked(payload.into())?)?)
    }

    /// Sends a ping, waits for its pong, and gives the time between the two.
    ///
    /// The payload is a number, so that only the pong of this ping, or of one that was sent later, counts. Any number of
    /// pings may be under way. There is no timeout but the end of the connection; wrap the future in one.
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping); [`ErrorKind::ConnectionLost`] also when the connection ends first.
    ///
    /// # Cancel safety
    /// Safe: a ping that was not sent yet is not sent any more.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let ticket = Ticket { shared: &self.0, number: self.0.request_measure()? };
        Ok(Measure(ticket).await?)
    }

    /// Begins the closing handshake (RFC 6455, 7.1.2). The close frame goes out behind everything that is queued, and
    /// whoever reads sees the handshake through, as after a close frame of [`write_message`](crate::Conn::write_message).
    /// This does not wait for it; [`closed`](Self::closed) does.
    ///
    /// Of several close frames only the first is sent. After the end of the connection this does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when the close frame must not be sent as it is.
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        let frame = frame.into();
        if let Some(frame) = &frame {
            frame.check_sendable()?;
        }
        self.0.request_close(frame);
        Ok(())
    }

    /// Waits until the connection is over: closed, failed, lost, aborted or dropped.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn closed(&self) {
        Watch(Ticket { shared: &self.0, number: self.0.watch() }).await;
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_over()
    }

    /// The round trip of the last [`ping`](Self::ping) or keep-alive ping that was answered.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.0.round_trip()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// What somebody waits for, and forgets when dropped.
struct Ticket<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.shared.forget(self.number);
    }
}

struct Measure<'a>(Ticket<'a>);

impl Future for Measure<'_> {
    type Output = Result<Duration, Refused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.shared.poll_measure(self.0.number, cx.waker())
    }
}

struct Watch<'a>(Ticket<'a>);

impl Future for Watch<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.shared.poll_over(self.0.number, cx.waker())
    }
}

fn checked(payload: Bytes) -> Result<Bytes, UsageError> {
    if payload.len() > MAX_CONTROL_PAYLOAD { Err(UsageError::ControlTooLong) } else { Ok(payload) }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closing => UsageError::CloseSent.into(),
            Refused::Over => Self::new(ErrorKind::ConnectionLost),
            Refused::Full => UsageError::ControlQueueFull.into(),
        }
    }
}

/// What a connection knows of its `Control`s: nothing, until one is asked for.
#[derive(Default)]
pub(super) struct ControlSlot(OnceLock<Arc<Shared>>);

impl ControlSlot {
    /// The mailbox, made when it is needed first. Tasks that wait for the connection by then are to be woken for requests.
    pub(super) fn shared(&self, waiters: &Waiters) -> &Arc<Shared> {
        self.0.get_or_init(|| Arc::new(Shared::new(waiters.wakers(), Keys::number())))
    }

    pub(super) fn get(&self) -> Option<&Shared> {
        self.0.get().map(|shared| &**shared)
    }

    /// See [`Shared::is_pending`].
    #[inline]
    pub(super) fn is_pending(&self) -> bool {
        self.get().is_some_and(Shared::is_pending)
    }

    /// The next control frame that was asked for.
    #[inline]
    pub(super) fn take(&self, has_room: bool) -> Option<Message> {
        let shared = self.get().filter(|shared| shared.is_pending())?;
        shared.take(now().into_std(), has_room)
    }

    /// See [`Shared::close_sent`].
    pub(super) fn close_sent(&self) {
        if let Some(shared) = self.get() {
            shared.close_sent();
        }
    }

    /// See [`Shared::park`].
    #[inline]
    pub(super) fn park(&self, by: Waiter, waker: &Waker, has_room: bool) -> bool {
        self.get().is_none_or(|shared| shared.park(by, waker, has_room))
    }

    /// The connection is over.
    pub(super) fn end(&self) {
        if let Some(shared) = self.get() {
            shared.end();
        }
    }
}

impl Drop for ControlSlot {
    fn drop(&mut self) {
        self.end();
    }
}
