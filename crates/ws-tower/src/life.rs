//! [`Life`]: what lasts from an accepted handshake to the end of the transport.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{io::AsyncWriteExt, runtime::Handle};
use ws_core::{Conn, Parts};

use crate::{
    OnUpgrade, UpgradeError, Upgraded,
    limit::Permit,
    member::{Member, Side},
};

/// Present only where connections are tracked or limited.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) member: Option<Arc<Member>>,
    pub(crate) permit: Option<Permit>,
}

impl Life {
    /// See [`Member::watch`].
    pub(crate) fn watch<T>(
        &self,
        side: Side,
        cx: &Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &self.member {
            Some(member) => member.watch(side, cx, result),
            None => result,
        }
    }
}

/// The connection is there: from here on it says what it has to say, whatever happens.
pub(crate) fn begin(conn: &mut Conn<Upgraded>) {
    conn.close_on_panic(leave);
    if let Some(member) = conn.get_ref().member() {
        member.upgraded(conn.control());
    }
}

/// Runs the handler that `start` gives for the connection, in a task that counts as that does, and can be aborted.
pub(crate) fn serve<S, H>(conn: OnUpgrade, start: S)
where
    S: FnOnce(Result<Conn<Upgraded>, UpgradeError>) -> Option<H> + Send + 'static,
    H: Future<Output = ()> + Send + 'static,
{
    let member = conn.member();
    let handler = Serving::Upgrading { conn, start: Some(start) };
    let Some(member) = member else {
        tokio::spawn(handler);
        return;
    };
    let task = tokio::spawn(Tracked { handler, _member: member.clone() });
    member.spawned(task.abort_handle());
}

pin_project! {
    /// What waits for the connection, and then the handler in the same place: a task never shrinks. An `async` block would keep
    /// a place for both, for as long as the connection lives.
    #[project = ServingProjection]
    enum Serving<S, H> {
        Upgrading { conn: OnUpgrade, start: Option<S> },
        Running { #[pin] handler: H },
    }
}

impl<S, H> Future for Serving<S, H>
where
    S: FnOnce(Result<Conn<Upgraded>, UpgradeError>) -> Option<H>,
    H: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let ServingProjection::Upgrading { conn, start } = self.as_mut().project() {
            let upgraded = ready!(Pin::new(conn).poll(cx));
            let Some(handler) = start.take().and_then(|start| start(upgraded)) else {
                return Poll::Ready(());
            };
            self.set(Self::Running { handler });
        }
        match self.project() {
            ServingProjection::Running { handler } => handler.poll(cx),
            ServingProjection::Upgrading { .. } => Poll::Ready(()),
        }
    }
}

pin_project! {
    /// A handler that is one with its member: at the end of the handler, by a panic, and when it is aborted, both go.
    // No `async` block, which would keep two places for the handler.
    struct Tracked<F> {
        #[pin]
        handler: F,
        _member: Arc<Member>,
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().handler.poll(cx)
    }
}

/// Sees a connection through that was dropped in the middle: what was queued and the close frame go out, and what the peer
/// still sends is read until it closes. Closing a socket over unread bytes makes the system reset the connection, and the peer
/// might never see the close frame.
fn leave(mut parts: Parts<Upgraded>, close_timeout: Duration) {
    if thread::panicking() {
        parts.io.observer.panicked();
        if let Some(member) = parts.io.member() {
            member.panicked();
        }
    }
    // Without a runtime nothing can be awaited any more.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move { tokio::time::timeout(close_timeout, linger(parts)).await });
    }
}

async fn linger(Parts { mut io, write_buf, .. }: Parts<Upgraded>) -> io::Result<()> {
    io.write_all(&write_buf).await?;
    io.shutdown().await?;
    tokio::io::copy(&mut io, &mut tokio::io::sink()).await?;
    Ok(())
}
