//! What came of a message.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    Session,
    backplane::{ErrorKind, Position, Reply},
    envelope::Outgoing,
    handler::Handler,
    queue::Pushed,
};

/// What came of a message, by the sessions that it was for.
///
/// The counts are of this node; [`remote`](Self::remote) says whether other nodes will hear of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Sessions whose queue has it. It goes out unless the session ends before.
    pub queued: usize,
    /// Of those, sessions where it took the place of an earlier message with its key.
    pub replaced: usize,
    /// Sessions that it was dropped for.
    pub dropped: usize,
    /// Earlier messages that were dropped to make room for it.
    pub displaced: usize,
    /// Sessions that were closed because there was no room.
    pub disconnected: usize,
    /// Sessions that were closing already.
    pub closed: usize,
    /// Sessions that wait for room, under [`Overflow::Wait`](crate::Overflow::Wait). None are left once the
    /// [`Sending`] is awaited.
    pub waiting: usize,
    /// What is known of other nodes.
    pub remote: Remote,
}

impl Delivery {
    /// Whether every session that it was for has it in its queue, on this node, and nothing failed towards others.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.dropped + self.disconnected + self.closed + self.waiting == 0
            && !matches!(self.remote, Remote::Failed(_))
    }

    /// Of one message that was dropped for so many sessions after all.
    pub(crate) fn late_drops(dropped: usize) -> Self {
        Self { dropped, ..Self::default() }
    }

    /// How many sessions it was for.
    #[cfg(feature = "metrics")]
    pub(crate) fn receivers(&self) -> usize {
        self.queued + self.dropped + self.disconnected + self.closed + self.waiting
    }

    pub(crate) fn count(&mut self, pushed: Pushed) {
        match pushed {
            Pushed::Queued => self.queued += 1,
            Pushed::Displaced(messages) => {
                self.queued += 1;
                self.displaced += messages;
            }
            Pushed::Replaced => {
                self.queued += 1;
                self.replaced += 1;
            }
            Pushed::Dropped => self.dropped += 1,
            Pushed::Disconnected => self.disconnected += 1,
            Pushed::Closed => self.closed += 1,
            Pushed::Full => self.waiting += 1,
        }
    }
}

/// What is known of the other nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remote {
    /// There are none, or it was not for them.
    #[default]
    None,
    /// It was handed to the backplane, which has not answered.
    Pending,
    /// The backplane's server has it, and the nodes that ask for it will get it.
    Accepted,
    /// No other node will get it; or, if [`ErrorKind::Unconfirmed`], perhaps.
    Failed(ErrorKind),
}

/// A message on its way: it is sent already, and this tells what came of it.
///
/// [`delivery`](Self::delivery) tells at once what is known. As a future it waits for what is not: for room in the queues of
/// sessions under [`Overflow::Wait`](crate::Overflow::Wait), and for the answer of the backplane.
///
/// Dropping it takes nothing back. Sessions that still wait for room do not get the message then; that counts as dropped.
///
/// # Cancel safety
/// Polling it through a reference is safe.
pub struct Sending<A: Handler> {
    delivery: Delivery,
    waiting: Option<Box<Waiting<A>>>,
    remote: Option<Reply<Option<Position>>>,
}

/// Those that wait for room.
struct Waiting<A: Handler> {
    message: Arc<Outgoing>,
    sessions: Vec<Session<A>>,
    until: Instant,
    /// Made by the first poll, since sending needs no runtime.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Who is woken when there is room.
    waker: Option<Waker>,
}

impl<A: Handler> Waiting<A> {
    /// The queues need not wake anybody for this any more.
    fn forget(&self) {
        let Some(waker) = &self.waker else { return };
        self.sessions.iter().for_each(|session| session.outbox().forget_waiter(waker));
    }
}

impl<A: Handler> Sending<A> {
    pub(crate) fn new(delivery: Delivery) -> Self {
        Self { delivery, waiting: None, remote: None }
    }

    /// Has sessions wait for room.
    pub(crate) fn wait(&mut self, message: Arc<Outgoing>, sessions: Vec<Session<A>>, timeout: Duration) {
        let until = Instant::now() + timeout;
        self.waiting = Some(Box::new(Waiting { message, sessions, until, sleep: None, waker: None }));
    }

    pub(crate) fn remote(&mut self, reply: Reply<Option<Position>>) {
        self.delivery.remote = Remote::Pending;
        self.remote = Some(reply);
    }

    /// What is known so far.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(()) };
        let sleep = waiting.sleep.get_or_insert_with(|| Box::pin(sleep_until(waiting.until)));
        let is_over = sleep.as_mut().poll(cx).is_ready();
        if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            waiting.forget();
            waiting.waker = Some(cx.waker().clone());
        }
        let (message, delivery) = (&waiting.message, &mut self.delivery);
        let mut late = Delivery::default();
        waiting.sessions.retain(|session| {
            let mut pushed = session.push_or_wait(message, cx.waker());
            if pushed == Pushed::Full {
                if !is_over {
                    return true;
                }
                session.outbox().forget_waiter(cx.waker());
                session.count_dropped();
                pushed = Pushed::Dropped;
            }
            delivery.waiting -= 1;
            delivery.count(pushed);
            late.count(pushed);
            false
        });
        crate::observe::sent(&late);
        if !waiting.sessions.is_empty() {
            return Poll::Pending;
        }
        self.waiting = None;
        Poll::Ready(())
    }
}

impl<A: Handler> Future for Sending<A> {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Delivery> {
        let this = &mut *self;
        let waited = this.poll_waiting(cx);
        if let Some(reply) = &mut this.remote {
            if let Poll::Ready(result) = Pin::new(reply).poll(cx) {
                this.remote = None;
                this.delivery.remote = match result {
                    Ok(_) => Remote::Accepted,
                    Err(error) => Remote::Failed(error.kind()),
                };
            }
        }
        if waited.is_pending() || this.remote.is_some() {
            return Poll::Pending;
        }
        Poll::Ready(this.delivery.clone())
    }
}

impl<A: Handler> Drop for Sending<A> {
    fn drop(&mut self) {
        let Some(waiting) = &self.waiting else { return };
        waiting.forget();
        waiting.sessions.iter().for_each(Session::count_dropped);
        crate::observe::sent(&Delivery::late_drops(waiting.sessions.len()));
    }
}

impl<A: Handler> Unpin for Sending<A> {}

impl<A: Handler> fmt::Debug for Sending<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}
