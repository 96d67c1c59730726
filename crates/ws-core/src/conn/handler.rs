//! What an application does about control frames.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

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
