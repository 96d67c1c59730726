//! [`OnUpgrade`]: the connection that follows an accepting response.

use std::{
    error, fmt, io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use ws_core::{Config, Conn, Negotiated, Role};

use crate::{
    Upgraded, Upgrader,
    life::{self, Life},
    member::{Member, Side},
    observe::Handshaking,
    source::UpgradeSource,
};

/// Resolves to the connection once the HTTP server has sent the response.
///
/// Await it in a task of its own: the server sends the response only after the handler has returned it, so a handler
/// that awaits this future waits for itself. Dropping the future drops the transport.
///
/// # Errors
/// [`UpgradeError`] when the response was not sent, or not within the
/// [handshake timeout](crate::Upgrader::handshake_timeout), or not before the end of a
/// [shutdown](crate::Tracker::shutdown).
///
/// # Panics
/// When it is polled outside a tokio runtime with timers, unless the handshake timeout is off.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
// Boxed because the task that awaits it goes on with the connection, and a task never shrinks: inline, the timer and
// the settings would take their space for as long as the connection lives.
pub struct OnUpgrade(Pin<Box<Waiting>>);

pin_project! {
    #[derive(Debug)]
    struct Waiting {
        // `None` once the future is done.
        source: Option<UpgradeSource>,
        upgrader: Upgrader,
        // Where it is not that of the policy.
        config: Option<Box<Config>>,
        negotiated: Negotiated,
        observed: Handshaking,
        life: Option<Box<Life>>,
        #[pin]
        deadline: Option<Sleep>,
    }
}

impl OnUpgrade {
    pub(crate) fn new(
        source: UpgradeSource,
        upgrader: Upgrader,
        config: Option<Box<Config>>,
        negotiated: Negotiated,
        observed: Handshaking,
        life: Option<Box<Life>>,
    ) -> Self {
        Self(Box::pin(Waiting {
            source: Some(source),
            upgrader,
            config,
            negotiated,
            observed,
            life,
            deadline: None,
        }))
    }

    /// What the connection will be made with.
    pub(crate) fn negotiated(&mut self) -> &mut Negotiated {
        self.0.as_mut().project().negotiated
    }

    /// What the task of the handler holds, so that it counts for as long as it runs.
    pub(crate) fn member(&self) -> Option<Arc<Member>> {
        self.0.life.as_ref()?.member.clone()
    }
}

impl Future for OnUpgrade {
    type Output = Result<Conn<Upgraded>, UpgradeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.0.as_mut().project();
        let Some(source) = this.source else {
            // Polled after it was done: there is nothing to wait for, and nothing worth a panic.
            return Poll::Pending;
        };
        if let Poll::Ready(upgraded) = source.poll_upgrade(cx) {
            *this.source = None;
            let life = this.life.take();
            let failed = |error| this.observed.failed(UpgradeError(Cause::NotUpgraded(error)));
            let (io, read_buf) = upgraded.map_err(failed)?;
            let config = this.config.as_deref().unwrap_or_else(|| this.upgrader.conn_config());
            let negotiated = mem::take(this.negotiated);
            let read_buf = first_buffer(read_buf, config);
            let io = io.with_life(life);
            let mut conn = Conn::with_read_buf(io, Role::Server, config, negotiated, read_buf);
            life::begin(&mut conn);
            this.observed.opened(&mut conn);
            return Poll::Ready(Ok(conn));
        }
        if let Some(life) = this.life {
            if let Poll::Ready(Err::<(), _>(error)) = life.watch(Side::Read, cx, Poll::Pending) {
                *this.source = None;
                *this.life = None;
                return Poll::Ready(Err(this.observed.failed(UpgradeError(Cause::Aborted(error)))));
            }
        }
        // The timer is made here and not in `new`: a handshake may be accepted outside the runtime.
        if let (None, Some(timeout)) = (this.deadline.as_ref().as_pin_ref(), this.upgrader.timeout()) {
            this.deadline.set(Some(tokio::time::sleep(timeout)));
        }
        let Some(deadline) = this.deadline.as_pin_mut() else { return Poll::Pending };
        ready!(deadline.poll(cx));
        *this.source = None;
        *this.life = None;
        Poll::Ready(Err(this.observed.failed(UpgradeError(Cause::TimedOut))))
    }
}

/// The buffer for the first read, with what has been read already.
///
/// hyper is done with its buffer, so the connection goes on with it: nothing is allocated, nothing is copied. Only
/// when the user chose another size and it is empty is it not worth keeping.
fn first_buffer(read_buf: Bytes, config: &Config) -> BytesMut {
    if read_buf.is_empty() && !config.has_default_read_buffer() {
        return BytesMut::new();
    }
    read_buf.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]))
}

/// An accepted handshake that was not followed by a connection.
///
/// The wording of `Display` is for people and not stable.
#[derive(Debug)]
pub struct UpgradeError(Cause);

#[derive(Debug)]
enum Cause {
    NotUpgraded(hyper::Error),
    TimedOut,
    /// The server stops and has waited long enough.
    Aborted(io::Error),
}

impl UpgradeError {
    /// Whether the handshake timeout passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0, Cause::TimedOut)
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Cause::Aborted(_) => "the server did not upgrade the connection before it stopped",
            Cause::NotUpgraded(_) => "the server did not upgrade the connection",
            Cause::TimedOut => "the server did not upgrade the connection within the handshake timeout",
        })
    }
}

impl error::Error for UpgradeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Cause::NotUpgraded(error) => Some(error),
            Cause::Aborted(error) => Some(error),
            Cause::TimedOut => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_of_the_http_server_is_reused() {
        let buffer = BytesMut::with_capacity(16_324);
        let address = buffer.as_ptr();
        let first = first_buffer(buffer.freeze(), &Config::new());
        assert_eq!((first.as_ptr(), first.len(), first.capacity()), (address, 0, 16_324));
    }

    #[test]
    fn buffer_is_dropped_when_another_size_was_asked_for() {
        let buffer = BytesMut::with_capacity(16_324).freeze();
        assert_eq!(first_buffer(buffer, &Config::new().read_buffer_size(4096)).capacity(), 0);
    }

    #[test]
    fn early_bytes_are_kept_whoever_owns_them() {
        let shared = Bytes::from(b"\x81\x80abcd".to_vec());
        let other = shared.clone();
        assert_eq!(first_buffer(shared, &Config::new().read_buffer_size(4096)), other);
        assert_eq!(first_buffer(other, &Config::new()), &b"\x81\x80abcd"[..]);
    }
}
