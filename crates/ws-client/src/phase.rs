//! Where a dial stands: what it was doing when its time ran out or it failed.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
};

use tokio::time::{Instant, timeout_at};

use crate::{DialError, DialErrorKind, observe};

/// A step of a dial, in the order they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The host name is being resolved: the server's, or the proxy's.
    Dns,
    /// The TCP connection, or whatever a custom connector opens, is being established.
    Connect,
    /// The proxy is connected, and a tunnel through it is not: TLS with the proxy, `CONNECT`, SOCKS.
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    Proxy,
    /// The TLS handshake with the server is under way.
    Tls,
    /// The request was sent and the response is awaited.
    Http,
}

/// What a dial and its connector tell each other.
struct Progress {
    phase: Cell<Phase>,
    /// The proxy that it goes through.
    proxy: RefCell<Option<Box<str>>>,
    #[cfg(feature = "proxy")]
    deadline: Option<Instant>,
}

tokio::task_local! {
    /// The dial that this task is polling. A connector is any `tower::Service<Uri>`, so its signature has no room for
    /// progress; a task-local passes through whatever layers a caller puts around ours.
    static PROGRESS: Progress;
}

/// Notes that a phase begins. Outside a dial it does nothing.
pub(crate) fn enter(phase: Phase) {
    observe::phase(phase);
    // An error says that nobody dials: the connector is used on its own.
    let _ = PROGRESS.try_with(|progress| progress.phase.set(phase));
}

/// The phase of the dial that this task is polling.
pub(crate) fn current() -> Phase {
    PROGRESS.try_with(|progress| progress.phase.get()).unwrap_or(Phase::Connect)
}

/// Where a dial stands, for another one that waits for the same.
#[cfg(feature = "http2")]
#[derive(Clone)]
pub(crate) struct Standing {
    phase: Phase,
    proxy: Option<Box<str>>,
}

#[cfg(feature = "http2")]
impl Standing {
    pub(crate) fn new(phase: Phase) -> Self {
        Self { phase, proxy: None }
    }

    /// That of the dial that this task is polling.
    pub(crate) fn current() -> Self {
        let proxy = PROGRESS.try_with(|progress| progress.proxy.borrow().clone()).ok().flatten();
        Self { phase: current(), proxy }
    }

    /// Puts the dial that this task is polling there.
    pub(crate) fn enter(&self) {
        enter(self.phase);
        let _ = PROGRESS.try_with(|progress| progress.proxy.replace(self.proxy.clone()));
    }
}

/// Notes that the dial goes through this proxy from here on.
#[cfg(feature = "proxy")]
pub(crate) fn through(proxy: &str) {
    let _ = PROGRESS.try_with(|progress| progress.proxy.replace(Some(proxy.into())));
}

/// When the dial is to have ended.
#[cfg(feature = "proxy")]
pub(crate) fn deadline() -> Option<Instant> {
    PROGRESS.try_with(|progress| progress.deadline).ok().flatten()
}

/// Runs a dial that fails with the phase it had come to when the deadline passes.
pub(crate) async fn bounded<T>(
    deadline: Option<Instant>,
    first: Phase,
    dial: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    let timed = async move {
        let dialed = match deadline {
            None => dial.await,
            Some(deadline) => timeout_at(deadline, dial)
                .await
                .unwrap_or_else(|_elapsed| Err(DialErrorKind::TimedOut(current()).into())),
        };
        dialed.map_err(|error| error.with_proxy(PROGRESS.with(|progress| progress.proxy.take())))
    };
    let progress = Progress {
        phase: Cell::new(first),
        proxy: RefCell::new(None),
        #[cfg(feature = "proxy")]
        deadline,
    };
    PROGRESS.scope(progress, timed).await
}

impl Phase {
    /// What to look at when a dial goes no further.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Dns => "check the network of this machine",
            Self::Connect => "check host and port, and firewalls on the way",
            #[cfg(feature = "proxy")]
            Self::Proxy => "check the proxy's port and scheme, or try again later",
            Self::Tls | Self::Http => "check the port, or try again later",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "resolving the host name",
            Self::Connect => "connecting",
            #[cfg(feature = "proxy")]
            Self::Proxy => "waiting for the proxy",
            Self::Tls => "waiting for the TLS handshake",
            Self::Http => "waiting for the response",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{future, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn deadline_names_the_phase_that_was_reached() {
        let dial = async {
            enter(Phase::Tls);
            future::pending::<Result<(), DialError>>().await
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        let error = bounded(Some(deadline), Phase::Dns, dial).await.unwrap_err();
        assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Tls));
    }

    #[tokio::test(start_paused = true)]
    async fn dials_inside_a_dial_keep_their_own_phase() {
        let inner = bounded(None, Phase::Dns, async {
            enter(Phase::Http);
            Ok(())
        });
        let outer = bounded(None, Phase::Connect, async {
            inner.await?;
            Ok(current())
        });
        assert_eq!(outer.await.unwrap(), Phase::Connect);
    }
}
