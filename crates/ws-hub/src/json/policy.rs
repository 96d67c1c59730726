//! Who may do what.

use std::{borrow::Cow, future, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;
use ws_core::CloseFrame;

use super::{Client, text};
use crate::Disconnect;

/// Who may do what, of those that speak the [`Protocol`](super::Protocol).
///
/// What clients may do without being asked for: leave, and read the history and presence of rooms that they are in.
pub trait Policy: Sized + Send + Sync + 'static {
    /// A session has begun.
    ///
    /// # Errors
    /// A close frame refuses it.
    fn connect(&self, client: &Client<Self>) -> impl Future<Output = Result<(), CloseFrame>> + Send {
        let _ = client;
        future::ready(Ok(()))
    }

    /// The client says who it is, or renews that. Nobody is believed unless this is written.
    ///
    /// # Errors
    /// [`Denied`], which the client is told.
    fn authenticate(
        &self,
        client: &Client<Self>,
        token: &str,
    ) -> impl Future<Output = Result<Identity, Denied>> + Send {
        let _ = (client, token);
        future::ready(Err(Denied::new("denied", "there is nothing to authenticate for")))
    }

    /// Whether the client may be in a room.
    ///
    /// # Errors
    /// [`Denied`], which the client is told.
    fn join(&self, client: &Client<Self>, room: &str) -> impl Future<Output = Result<(), Denied>> + Send;

    /// Whether the client, which is in the room, may publish this there, and whether it is kept.
    ///
    /// # Errors
    /// [`Denied`], which the client is told.
    fn publish(
        &self,
        client: &Client<Self>,
        room: &str,
        data: &RawValue,
    ) -> impl Future<Output = Result<Publish, Denied>> + Send;

    /// What is to be known of the client in a room, to all who are there: what it says of itself, or what the application makes of
    /// that. It is asked before the client joins with something, and whenever it says something else.
    ///
    /// # Errors
    /// [`Denied`], which the client is told. One that joins with it does not join.
    fn presence(
        &self,
        client: &Client<Self>,
        room: &str,
        data: &RawValue,
    ) -> impl Future<Output = Result<Box<RawValue>, Denied>> + Send {
        let _ = (client, room);
        future::ready(Ok(data.to_owned()))
    }

    /// The client asks the application for something; the answer is a value for it.
    ///
    /// # Errors
    /// [`Denied`], which the client is told.
    fn call(
        &self,
        client: &Client<Self>,
        data: &RawValue,
    ) -> impl Future<Output = Result<Box<RawValue>, Denied>> + Send {
        let _ = (client, data);
        future::ready(Err(Denied::new("unsupported", "there is nothing to call")))
    }

    /// A session has ended.
    fn disconnect(&self, client: &Client<Self>, end: &Disconnect) {
        let _ = (client, end);
    }
}

/// That something may not be, with a code for programs and a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub(super) code: Cow<'static, str>,
    pub(super) message: Cow<'static, str>,
}

impl Denied {
    /// A refusal. The protocol's own codes stand in its description.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Identity {
    pub(super) user: Arc<str>,
    pub(super) expires: Option<Duration>,
}

impl Identity {
    /// A user, for as long as the session lasts.
    pub fn new(user: impl Into<Arc<str>>) -> Self {
        Self { user: user.into(), expires: None }
    }

    /// After this time the session is closed with 1008, unless it is authenticated anew before.
    pub fn expires_in(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }
}

/// How something is published.
#[derive(Clone, Debug)]
#[must_use]
pub struct Publish {
    pub(super) kept: bool,
    pub(super) data: Option<Box<RawValue>>,
}

impl Publish {
    /// It is kept in the history of the room.
    pub fn kept() -> Self {
        Self { kept: true, data: None }
    }

    /// It is sent to those who are there now, and not kept.
    pub fn passing() -> Self {
        Self { kept: false, data: None }
    }

    /// This is published instead of what the client has sent.
    pub fn data(mut self, value: &impl Serialize) -> Self {
        self.data = Some(text::value(value));
        self
    }
}
