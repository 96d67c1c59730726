//! [`Member`]: one connection as its [`Tracker`](crate::Tracker) sees it.

use std::{
    fmt, io,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
};

use tokio::task::AbortHandle;
use ws_core::{CloseFrame, Control};

use crate::{
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
        lock,
    },
    tracker::Shared,
};

/// A handshake that was accepted, and the connection that follows it. Whatever belongs to the connection holds it: the
/// future of the upgrade, the transport, the task that this crate has spawned. The tracker forgets it when the last does.
pub(crate) struct Member {
    tracker: Arc<Shared>,
    key: u64,
    /// Set once the connection is there.
    control: OnceLock<Control>,
    /// The task of the handler, if this crate has spawned it.
    task: OnceLock<AbortHandle>,
    panicked: AtomicBool,
    /// Nothing is read or written any more.
    dead: AtomicBool,
    /// Who waits for the transport, by [`Side`].
    waiting: Mutex<[Option<Waker>; 2]>,
}

/// The direction of the transport that a task waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Read,
    Write,
}

impl Member {
    pub(crate) fn new(tracker: Arc<Shared>, key: u64) -> Self {
        Self {
            tracker,
            key,
            control: OnceLock::new(),
            task: OnceLock::new(),
            panicked: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            waiting: Mutex::new([None, None]),
        }
    }

    // The side of the connection.

    /// The connection is there.
    pub(crate) fn upgraded(&self, control: Control) {
        if self.control.set(control).is_err() {
            return;
        }
        // Either this sees that the server stops, or the one who stops it sees the control.
        if let Some(frame) = self.tracker.upgraded() {
            self.close(frame);
        }
    }

    pub(crate) fn spawned(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// Counts the panic that the thread unwinds from, once.
    pub(crate) fn panicked(&self) {
        if !self.panicked.swap(true, Ordering::Relaxed) {
            self.tracker.panicked();
        }
    }

    /// Fails what the transport came to if the connection was aborted; otherwise remembers who waits.
    pub(crate) fn watch<T>(
        &self,
        side: Side,
        cx: &Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_pending() {
            let mut waiting = lock(&self.waiting);
            match &mut waiting[side as usize] {
                Some(waker) => waker.clone_from(cx.waker()),
                slot => *slot = Some(cx.waker().clone()),
            }
        }
        // After the waker is left: either this sees it, or the one who aborts sees the waker.
        if self.dead.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server stops")));
        }
        result
    }

    // The side of the tracker.

    /// Asks for a close frame. Of several only the first is sent; a handshake that is not upgraded yet has none.
    pub(crate) fn close(&self, frame: CloseFrame) {
        if let Some(control) = self.control.get() {
            // It can be sent: that was seen to before.
            let _ = control.close(frame);
        }
    }

    /// Drops the handler; gives whether there is one in a task of ours. The task of a handshake that is not upgraded yet is
    /// left to say so: it waits for nothing but the transport.
    pub(crate) fn abort_handler(&self) -> bool {
        let task = self.task.get().filter(|_| self.control.get().is_some());
        task.inspect(|task| task.abort()).is_some_and(|task| !task.is_finished())
    }

    /// Makes the transport fail, whoever holds it.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let upgraded = self.control.get().is_some();
        if upgraded && thread::panicking() {
            self.panicked();
        }
        self.tracker.leave(self.key, upgraded);
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("key", &self.key)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
