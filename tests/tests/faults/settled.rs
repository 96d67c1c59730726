//! What is there when nothing happens: tasks, files, bytes of the heap.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{Result, heap::held};

/// Runs a test while the others wait: what is counted is the whole process's. A runtime has files of its own.
pub(crate) fn alone(test: impl Future<Output = Result>) -> Result {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed has left the mutex as good as it was.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Builder::new_current_thread().enable_all().build()?.block_on(test)
}

/// Tasks and files, at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    tasks: usize,
    files: usize,
}

impl Baseline {
    pub(crate) fn now() -> Self {
        Self { tasks: tasks(), files: files() }
    }

    /// Waits until there are no more tasks than there were.
    pub(crate) async fn tasks_end(self) {
        let start = Instant::now();
        while tasks() > self.tasks {
            assert!(start.elapsed() < PATIENCE, "{} tasks, {} before", tasks(), self.tasks);
            // Most end within a few turns of the runtime; the others wait for the network.
            if start.elapsed() < Duration::from_millis(2) {
                yield_now().await;
            } else {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// Waits until tasks and files are what they were.
    pub(crate) async fn returns(self) {
        self.tasks_end().await;
        let start = Instant::now();
        while Self::now() != self {
            assert!(start.elapsed() < PATIENCE, "{:?}, before {self:?}", Self::now());
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Bytes of the heap that are held once everything has returned.
async fn heap_at(baseline: Baseline) -> isize {
    baseline.returns().await;
    // Timers that were cancelled go with the next turn of the driver.
    sleep(Duration::from_millis(5)).await;
    held()
}

/// Has rounds until one of them leaves nothing on the heap. What is made once is made in the first, or when a pool holds more than
/// ever before; what leaks does so in each.
pub(crate) async fn leave_no_heap<R>(quiet: Baseline, mut round: R) -> Result
where
    R: AsyncFnMut() -> Result<u64>,
{
    let mut before = heap_at(quiet).await;
    let mut grown = Vec::new();
    for _ in 0..4 {
        let count = round().await?;
        let after = heap_at(quiet).await;
        grown.push(after - before);
        println!("{count} connections, {} bytes more", after - before);
        if after - before < 500 {
            return Ok(());
        }
        before = after;
    }
    panic!("{grown:?} bytes are left, each time")
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Far beyond what anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
