//! In the place of ws-tower's module of this name.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

use atomic::{AtomicBool, Ordering};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no model panics with a lock")
}

/// tokio's, as far as the tracker uses it: who waits hears of what happens after [`notified`](Self::notified).
#[derive(Default)]
pub(crate) struct Notify(Mutex<Notified>);

#[derive(Default)]
struct Notified {
    times: u64,
    wakers: Vec<Waker>,
}

impl Notify {
    pub(crate) fn notified(&self) -> Wait<'_> {
        Wait { notify: self, heard: lock(&self.0).times }
    }

    pub(crate) fn notify_waiters(&self) {
        let mut notified = lock(&self.0);
        notified.times += 1;
        let wakers = std::mem::take(&mut notified.wakers);
        drop(notified);
        wakers.into_iter().for_each(Waker::wake);
    }
}

pub(crate) struct Wait<'a> {
    notify: &'a Notify,
    heard: u64,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut notified = lock(&self.notify.0);
        if notified.times > self.heard {
            return Poll::Ready(());
        }
        notified.wakers.push(waker);
        Poll::Pending
    }
}

/// The standard library's, with an access that loom sees before each of its own.
pub(crate) struct OnceLock<T> {
    seen: AtomicBool,
    cell: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { seen: AtomicBool::new(false), cell: std::sync::OnceLock::new() }
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.seen.store(true, Ordering::Release);
        self.cell.set(value)
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.seen.load(Ordering::Acquire);
        self.cell.get()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cell.fmt(f)
    }
}
