//! What an application does about control frames.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::Conn;
use crate::{CloseFrame, proto::Event};

/// What happens after a handler for a ping or close frame returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a control frame is answered or it is not")]
pub enum Reply {
    /// The reply that RFC 6455 asks for: a pong for a ping, a close frame with the same code for a close frame.
    #[default]
    Automatic,
    /// No reply from the connection: the application has answered, or will.
    Suppress,
}

impl<S> Conn<S> {
    /// Is called with the payload of each ping that is read, before it is answered, and may suppress the pong.
    ///
    /// The handler runs inside the read that meets the ping, between the fragments of a message, too; it must not block.
    /// Without one, pings are answered (RFC 6455, 5.5.2).
    ///
    /// ```
    /// # use ws_core::{Conn, Reply};
    /// # fn set<S>(conn: &mut Conn<S>) {
    /// let mut pings = 0;
    /// conn.set_ping_handler(move |_payload| {
    ///     pings += 1;
    ///     if pings > 1000 { Reply::Suppress } else { Reply::Automatic }
    /// });
    /// # }
    /// ```
    pub fn set_ping_handler(&mut self, handler: impl FnMut(&Bytes) -> Reply + Send + 'static) {
        self.0.handlers.get_or_insert_default().ping = Some(Exclusive::ping(handler));
    }

    /// Is called with the payload of each pong that is read, whether a ping asked for it or not (RFC 6455, 5.5.3).
    ///
    /// The handler runs inside the read that meets the pong; it must not block.
    pub fn set_pong_handler(&mut self, handler: impl FnMut(&Bytes) + Send + 'static) {
        self.0.handlers.get_or_insert_default().pong = Some(Exclusive::pong(handler));
    }

    /// Is called with the peer's close frame when it is read, before it is answered, and may suppress the answer.
    ///
    /// With [`Reply::Suppress`], the read ends as it does after any close frame of the peer, but the transport stays and
    /// messages can still be written, until the application sends its own close frame with [`close`](Self::close) or
    /// [`Control::close`](crate::Control::close): the rest of a reply, for instance. It must not leave the peer without
    /// one. Reads do not wait any more, so what is queued goes out by [`flush`](Self::flush); and no timeout runs until the
    /// answer is sent. When this endpoint has closed first, there is nothing to suppress.
    ///
    /// The handler runs inside the read that meets the close frame; it must not block. Without one, the code is echoed
    /// (RFC 6455, 5.5.1).
    pub fn set_close_handler(&mut self, handler: impl FnMut(Option<&CloseFrame>) -> Reply + Send + 'static) {
        self.0.handlers.get_or_insert_default().close = Some(Exclusive::close(handler));
    }
}

/// The handlers of one connection. Most have none.
#[derive(Default)]
pub(super) struct Handlers {
    pub(super) ping: Option<Exclusive<OnPing>>,
    pub(super) pong: Option<Exclusive<OnPong>>,
    pub(super) close: Option<Exclusive<OnClose>>,
}

type OnPing = dyn FnMut(&Bytes) -> Reply + Send;
type OnPong = dyn FnMut(&Bytes) + Send;
type OnClose = dyn FnMut(Option<&CloseFrame>) -> Reply + Send;

impl Handlers {
    /// Tells the handler of a control frame, and gives what it decided.
    pub(super) fn handle(&mut self, event: &Event<'_>) -> Reply {
        match event {
            Event::Ping(payload) => self.ping.as_mut().map(|handler| handler.get_mut()(payload)),
            Event::Pong(payload) => {
                if let Some(handler) = &mut self.pong {
                    handler.get_mut()(payload);
                }
                None
            }
            Event::Close(frame) => self.close.as_mut().map(|handler| handler.get_mut()(frame.as_ref())),
            Event::Data { .. } => None,
        }
        .unwrap_or_default()
    }
}

/// Makes a closure that needs `&mut` part of something that can be shared: it is only reached through `&mut`, so the lock
/// is never taken.
pub(super) struct Exclusive<T: ?Sized>(Box<Mutex<T>>);

impl<T: ?Sized> Exclusive<T> {
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exclusive<OnPing> {
    pub(super) fn ping(handler: impl FnMut(&Bytes) -> Reply + Send + 'static) -> Self {
        Self(Box::new(Mutex::new(handler)))
    }
}

impl Exclusive<OnPong> {
    pub(super) fn pong(handler: impl FnMut(&Bytes) + Send + 'static) -> Self {
        Self(Box::new(Mutex::new(handler)))
    }
}

impl Exclusive<OnClose> {
    pub(super) fn close(handler: impl FnMut(Option<&CloseFrame>) -> Reply + Send + 'static) -> Self {
        Self(Box::new(Mutex::new(handler)))
    }
}
