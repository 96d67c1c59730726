//! Tasks that are polled when they were woken, in any order that the seed says.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::random::Random;

type Task = Pin<Box<dyn Future<Output = ()>>>;
type Watch = Box<dyn Fn()>;

/// Where tasks are given to be run.
#[derive(Clone)]
pub(crate) struct Executor {
    random: Random,
    fresh: Rc<RefCell<Vec<Entry>>>,
    /// Looks at the world between two polls.
    watch: Rc<RefCell<Option<Watch>>>,
}

struct Entry {
    name: String,
    task: Task,
    woken: Arc<Woken>,
    /// Polls until it is dropped, whatever it is at.
    left: usize,
}

struct Woken {
    flag: AtomicBool,
    root: Arc<Mutex<Option<Waker>>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::SeqCst);
        let root = self.root.lock().expect("no panic with the lock").take();
        root.into_iter().for_each(Waker::wake);
    }
}

impl Executor {
    pub(crate) fn new(random: &Random) -> Self {
        Self { random: random.clone(), fresh: Rc::default(), watch: Rc::default() }
    }

    /// Runs a task until it ends, or until it was polled `polls` times.
    pub(crate) fn spawn(&self, name: String, polls: usize, task: impl Future<Output = ()> + 'static) {
        let woken = Arc::new(Woken { flag: AtomicBool::new(true), root: Arc::default() });
        self.fresh.borrow_mut().push(Entry { name, task: Box::pin(task), woken, left: polls });
    }

    /// Calls this after each poll.
    pub(crate) fn watch(&self, watch: impl Fn() + 'static) {
        *self.watch.borrow_mut() = Some(Box::new(watch));
    }

    /// Runs everything to its end, and asserts that it ends in so much virtual time; tasks that were given to tokio, too.
    pub(crate) fn run(self, limit: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let tasks = Rc::new(RefCell::new(Vec::new()));
        let ended = runtime.block_on(async { tokio::time::timeout(limit, self.all(&tasks)).await });
        let left: Vec<_> = tasks.borrow().iter().map(|entry: &Entry| entry.name.clone()).collect();
        assert!(ended.is_ok(), "tasks that do not end: {left:?}");
        let alive = || runtime.metrics().num_alive_tasks();
        runtime.block_on(async {
            let until = Instant::now() + limit;
            while alive() > 0 && Instant::now() < until {
                sleep(Duration::from_millis(100)).await;
            }
        });
        assert_eq!(alive(), 0, "tasks of tokio that do not end");
    }

    async fn all(&self, tasks: &RefCell<Vec<Entry>>) {
        let root = Arc::new(Mutex::new(None));
        poll_fn(|cx| {
            loop {
                *root.lock().expect("no panic with the lock") = Some(cx.waker().clone());
                let mut all = tasks.borrow_mut();
                for mut entry in self.fresh.take() {
                    entry.woken = Arc::new(Woken { flag: AtomicBool::new(true), root: root.clone() });
                    all.push(entry);
                }
                let ready: Vec<_> =
                    (0..all.len()).filter(|at| all[*at].woken.flag.load(Ordering::SeqCst)).collect();
                if ready.is_empty() {
                    return if all.is_empty() { Poll::Ready(()) } else { Poll::Pending };
                }
                let mut entry = all.swap_remove(self.random.one_of(&ready));
                drop(all);
                entry.woken.flag.store(false, Ordering::SeqCst);
                let waker = Waker::from(entry.woken.clone());
                entry.left -= 1;
                let ended = entry.task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                if !ended && entry.left > 0 {
                    tasks.borrow_mut().push(entry);
                }
                if let Some(watch) = &*self.watch.borrow() {
                    watch();
                }
            }
        })
        .await;
    }
}
