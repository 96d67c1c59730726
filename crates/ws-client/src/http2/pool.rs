//! [`Pool`]: the connections of an [`Http2Dialer`](super::Http2Dialer), by where they lead.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use http::Uri;
use tokio::time::Instant;

use super::{
    attempt::{Attempt, Opened, Outcome},
    link::{Link, LinkId, Room, Slot},
};
use crate::DialError;

/// What is known of the servers that were dialed.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Uri, Origin>>);

/// What is known of a server: a scheme, a host and a port.
#[derive(Default)]
struct Origin {
    links: Vec<Link>,
    /// The connection that is being opened. Those who wait for it hold it.
    attempt: Weak<Attempt>,
    /// Until when the server is taken for one that has WebSockets over HTTP/1.1 alone.
    http1_until: Option<Instant>,
}

/// What a dialer allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// HTTP/1.1 for servers that have no WebSockets over HTTP/2.
    pub(super) fallback: bool,
    /// How many connections there are to one server, at the most.
    pub(super) max_connections: usize,
}

/// How a dial goes on.
pub(super) enum Way {
    /// On a connection that is open.
    Stream(Slot),
    /// On one that is being opened.
    Wait(Arc<Attempt>),
    /// Over HTTP/1.1.
    Http1,
    /// Not at all: no connection has room, and there are enough of them.
    Full,
}

impl Pool {
    /// Finds a connection with room, or has one opened by `start` if the rules allow it.
    pub(super) fn way(
        &self,
        endpoint: &Uri,
        avoid: Option<&LinkId>,
        rules: Rules,
        start: impl FnOnce() -> Attempt,
    ) -> Way {
        let mut origins = self.lock();
        if !origins.contains_key(endpoint) {
            // As good a time as any to forget what is over.
            origins.retain(|_, origin| origin.is_worth_keeping());
        }
        let origin = origins.entry(endpoint.clone()).or_default();
        if rules.fallback && origin.is_http1() {
            return Way::Http1;
        }
        origin.links.retain(Link::is_usable);
        for link in &origin.links {
            if avoid.is_some_and(|avoid| *avoid == link.id()) {
                continue;
            }
            if let Room::Free(slot) = link.room() {
                return Way::Stream(slot);
            }
        }
        if let Some(attempt) = origin.attempt.upgrade() {
            return Way::Wait(attempt);
        }
        if origin.links.len() >= rules.max_connections {
            return Way::Full;
        }
        let attempt = Arc::new(start());
        origin.attempt = Arc::downgrade(&attempt);
        Way::Wait(attempt)
    }

    /// Keeps what came of opening a connection.
    pub(super) fn conclude(&self, endpoint: &Uri, opened: Result<Opened, DialError>) -> Outcome {
        let mut origins = self.lock();
        let origin = origins.entry(endpoint.clone()).or_default();
        // Who comes from now on finds the connection, or begins anew.
        origin.attempt = Weak::new();
        match opened {
            Ok(Opened::Http2(link)) => {
                origin.links.push(link);
                Outcome::Connected
            }
            Ok(Opened::Http1(transport)) => {
                origin.remember_http1();
                Outcome::http1(transport)
            }
            Err(error) => Outcome::failed(error),
        }
    }

    /// Takes the server for one that has WebSockets over HTTP/1.1 alone, for a while.
    pub(super) fn remember_http1(&self, endpoint: &Uri) {
        self.lock().entry(endpoint.clone()).or_default().remember_http1();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uri, Origin>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    fn remember_http1(&mut self) {
        self.http1_until = Instant::now().checked_add(HTTP1_MEMORY);
    }

    fn is_http1(&self) -> bool {
        self.http1_until.is_some_and(|until| Instant::now() < until)
    }

    fn is_worth_keeping(&self) -> bool {
        self.is_http1() || self.attempt.strong_count() > 0 || self.links.iter().any(Link::is_usable)
    }
}

/// How long a server without WebSockets over HTTP/2 is not asked again.
const HTTP1_MEMORY: Duration = Duration::from_secs(300);
