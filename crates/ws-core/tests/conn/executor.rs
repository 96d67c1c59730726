//! Polling by hand.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Polls a future once, with a waker that is heard by no one.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future at most `times` times, then drops it.
pub(crate) fn poll_and_drop<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return Some(output);
        }
    }
    None
}

/// Polls a future once, then drops it.
pub(crate) fn once<F: Future>(future: F) -> Option<F::Output> {
    poll_and_drop(future, 1)
}

/// Gives what a future is ready with, without anything else happening: it is polled for as long as it wakes itself.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    let flag = Flag::new();
    let waker = Waker::from(Arc::clone(&flag));
    let mut future = pin!(future);
    while flag.take() {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

/// Polls a future until it is ready, in at most so many polls that only a hang needs more.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    poll_and_drop(future, 10_000_000).expect("the future does not finish")
}

/// Whether a task was woken since it was polled last.
#[derive(Debug)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(crate) type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs tasks to their end and polls each only when it was woken. Gives the index of a task that nobody will wake.
pub(crate) fn run(tasks: Vec<Task<'_>>) -> Result<(), usize> {
    let mut tasks: Vec<_> = tasks.into_iter().map(|task| (Some(task), Flag::new())).collect();
    loop {
        let mut idle = true;
        for (slot, flag) in &mut tasks {
            let Some(task) = slot.as_mut().filter(|_| flag.take()) else { continue };
            idle = false;
            let waker = Waker::from(flag.clone());
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *slot = None;
            }
        }
        if idle {
            return match tasks.iter().position(|(task, _)| task.is_some()) {
                None => Ok(()),
                Some(stuck) => Err(stuck),
            };
        }
    }
}

/// Runs where timers can be made. None of them ever fires: what finishes, finishes without them.
pub(crate) fn with_timers<T>(run: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();
    run()
}
