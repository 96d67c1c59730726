//! The choice of a subprotocol: whose order counts, or what a function says.

use std::{fmt, sync::Arc};

use http::{HeaderValue, request::Parts};
use ws_core::{Utf8Bytes, handshake};

use super::Upgrader;

impl Upgrader {
    /// The subprotocols that the server speaks (RFC 6455, 1.9).
    ///
    /// Of those that the client offers, the first one that is among them is chosen; the client lists them by preference, and
    /// [`subprotocol_order`](Self::subprotocol_order) prefers the server's. Names are compared case-sensitively. When there
    /// is none in common, the handshake goes on without one, and the client may give up.
    pub fn subprotocols<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Utf8Bytes>,
    {
        let names = names.into_iter().map(Into::into).collect();
        self.set(|settings| settings.subprotocols.names = names)
    }

    /// Whose order of preference counts; the client's unless set.
    pub fn subprotocol_order(self, order: SubprotocolOrder) -> Self {
        self.set(|settings| settings.subprotocols.order = order)
    }

    /// Lets a function choose, in place of [`subprotocols`](Self::subprotocols).
    ///
    /// It is given the head of the request and what the client offers, in its order, and gives one of these or none. There is
    /// no way to give another: clients fail a connection with a subprotocol that they did not offer (RFC 6455, 4.1).
    ///
    /// ```
    /// use ws_tower::Upgrader;
    ///
    /// // The highest version that the client speaks; on the old route none but the first.
    /// let upgrader = Upgrader::new().choose_subprotocol(|request, offered| {
    ///     let is_old = request.uri.path().starts_with("/v1/");
    ///     offered.filter(|name| name.as_str().starts_with("chat.v") && (!is_old || *name == "chat.v1")).max()
    /// });
    /// # let _ = upgrader;
    /// ```
    pub fn choose_subprotocol<F>(self, choose: F) -> Self
    where
        F: for<'a> Fn(&'a Parts, OfferedSubprotocols<'a>) -> Option<OfferedSubprotocol<'a>>
            + Send
            + Sync
            + 'static,
    {
        self.set(|settings| settings.subprotocols.choose = Some(Choose(Arc::new(choose))))
    }

    /// Refuses, with 400, clients of which no subprotocol was chosen. Off unless set.
    ///
    /// Above axum's extractor the choice is that of this policy, not the one that a handler makes later.
    pub fn require_subprotocol(self, required: bool) -> Self {
        self.set(|settings| settings.subprotocols.required = required)
    }
}

/// Whose order of preference decides between subprotocols that both sides speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubprotocolOrder {
    /// The first one that the client names.
    #[default]
    Client,
    /// The first one that the server names.
    Server,
}

/// The subprotocols that a client offers, the one it likes best first.
#[derive(Debug)]
pub struct OfferedSubprotocols<'a>(handshake::Tokens<'a>);

impl<'a> Iterator for OfferedSubprotocols<'a> {
    type Item = OfferedSubprotocol<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(OfferedSubprotocol)
    }
}

/// The name of a subprotocol that a client offers: a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferedSubprotocol<'a>(&'a str);

impl<'a> OfferedSubprotocol<'a> {
    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl PartialEq<str> for OfferedSubprotocol<'_> {
    fn eq(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl PartialEq<&str> for OfferedSubprotocol<'_> {
    fn eq(&self, name: &&str) -> bool {
        self.0 == *name
    }
}

impl fmt::Display for OfferedSubprotocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// What the policy says of subprotocols.
#[derive(Clone, Debug, Default)]
pub(super) struct Subprotocols {
    names: Vec<Utf8Bytes>,
    pub(super) order: SubprotocolOrder,
    choose: Option<Choose>,
    required: bool,
}

impl Subprotocols {
    /// The answer to a request; `Err` if there must be one and is none.
    pub(super) fn answer(&self, request: &Parts) -> Result<Option<HeaderValue>, Required> {
        let headers = &request.headers;
        if self.names.is_empty() && self.choose.is_none() {
            return if self.required { Err(Required) } else { Ok(None) };
        }
        let offered = || handshake::requested_subprotocols(headers);
        let chosen = match (&self.choose, self.order) {
            (Some(Choose(choose)), _) => choose(request, OfferedSubprotocols(offered())).map(|name| name.0),
            (None, SubprotocolOrder::Client) => {
                offered().find(|name| self.names.iter().any(|known| known == name))
            }
            (None, SubprotocolOrder::Server) => {
                self.names.iter().find_map(|known| offered().find(|name| known == name))
            }
        };
        // Always a valid value: it is a token.
        let chosen = chosen.and_then(|name| HeaderValue::from_str(name).ok());
        if chosen.is_none() && self.required { Err(Required) } else { Ok(chosen) }
    }
}

/// There is no subprotocol, and the policy requires one.
#[derive(Debug)]
pub(super) struct Required;

type Choice =
    dyn for<'a> Fn(&'a Parts, OfferedSubprotocols<'a>) -> Option<OfferedSubprotocol<'a>> + Send + Sync;

#[derive(Clone)]
struct Choose(Arc<Choice>);

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose(..)")
    }
}
