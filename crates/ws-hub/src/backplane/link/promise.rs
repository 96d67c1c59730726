//! The other end of a [`Reply`], which is kept even when it is dropped.

use tokio::sync::oneshot;

use crate::backplane::{BackplaneError, ErrorKind, Reply};

/// Will tell what became of something, and tells a failure of a known kind when it is dropped.
pub(super) struct Promise<T> {
    sender: Option<oneshot::Sender<Result<T, BackplaneError>>>,
    otherwise: ErrorKind,
}

impl<T> Promise<T> {
    pub(super) fn new(otherwise: ErrorKind) -> (Self, Reply<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender: Some(sender), otherwise }, Reply::waiting(receiver))
    }

    /// Changes what a drop tells.
    pub(super) fn or(&mut self, otherwise: ErrorKind) {
        self.otherwise = otherwise;
    }

    pub(super) fn keep(mut self, result: Result<T, BackplaneError>) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(result);
        }
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Err(self.otherwise.into()));
        }
    }
}
