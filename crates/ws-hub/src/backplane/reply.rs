//! What becomes of something asked for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::{BackplaneError, ErrorKind};

/// A future of what becomes of something asked of a backplane.
///
/// It is asked for already, in the order of the calls: the future only waits. Dropping it takes nothing back.
///
/// # Cancel safety
///
/// Cancel safe.
#[must_use = "what fails is told here alone"]
pub struct Reply<T>(State<T>);

enum State<T> {
    Known(Option<Result<T, BackplaneError>>),
    Waiting(oneshot::Receiver<Result<T, BackplaneError>>),
}

impl<T> Reply<T> {
    /// A reply that is known already. For implementations of [`Backplane`](super::Backplane).
    pub fn ready(result: Result<T, BackplaneError>) -> Self {
        Self(State::Known(Some(result)))
    }

    /// A reply that comes through a channel; [`ErrorKind::Closed`] when its sender is dropped. For implementations of [`Backplane`](super::Backplane).
    pub fn waiting(receiver: oneshot::Receiver<Result<T, BackplaneError>>) -> Self {
        Self(State::Waiting(receiver))
    }

    /// Gives up waiting, and what becomes of it is not told. A name for not caring.
    pub fn forget(self) {}
}

impl<T> Unpin for Reply<T> {}

impl<T> Future for Reply<T> {
    type Output = Result<T, BackplaneError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Polled after its end, it has ended.
            State::Known(result) => {
                Poll::Ready(result.take().unwrap_or_else(|| Err(ErrorKind::Closed.into())))
            }
            State::Waiting(receiver) => {
                let result =
                    ready!(Pin::new(receiver).poll(cx)).unwrap_or_else(|_| Err(ErrorKind::Closed.into()));
                self.0 = State::Known(None);
                Poll::Ready(result)
            }
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Known(_) => "Reply(known)",
            State::Waiting(_) => "Reply(waiting)",
        })
    }
}
