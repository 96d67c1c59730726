//! One timer for a connection, and none for one that has no times.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::time::{Instant, advance};
use ws_core::{Config, KeepAlive, frame::Opcode};

use crate::{
    heap::measured,
    wire::{ROLES, Wire, conn, frame, now},
};

const S: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "virtual time, of the test")]
fn within(time: Duration) -> std::time::Instant {
    (Instant::now() + time).into_std()
}

/// A task that is one and the same in every poll.
struct Task(Waker);

impl Task {
    fn new() -> Self {
        struct Nobody;
        impl Wake for Nobody {
            fn wake(self: Arc<Self>) {}
        }
        Self(Waker::from(Arc::new(Nobody)))
    }

    /// Polls once.
    fn poll<F: Future>(&self, future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(&self.0)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn connection_without_times_makes_no_timer_however_long_it_waits() {
    let task = Task::new();
    for role in ROLES {
        let stream = frame(role, true, Opcode::PONG, b"");
        let mut conn = conn(role, Config::new(), Wire::new(&stream));
        conn.set_read_deadline(None);
        conn.set_write_deadline(None);
        assert!(task.poll(conn.read_message()).is_none());
        for _ in 0..100 {
            advance(3600 * S).await;
            conn.get_mut().credit = stream.len();
            let (result, usage) = measured(|| task.poll(conn.read_message()));
            assert!(result.is_none());
            assert_eq!(usage.calls, 0, "{role:?}: {usage:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_times_of_a_connection_share_one_timer() {
    let task = Task::new();
    // What the tests themselves need.
    now(async {});
    for role in ROLES {
        let config = Config::new()
            .keep_alive(KeepAlive::every(1000 * S))
            .message_timeout(500 * S)
            .close_timeout(5 * S);
        let stream = frame(role, false, Opcode::TEXT, b"begun");
        let mut wire = Wire::new(&stream);
        wire.room = 0;
        // The times themselves are there from the beginning beside the state, the timer is not.
        let (mut conn, usage) = measured(|| conn(role, config, wire));
        assert_eq!(usage.calls, 2, "{role:?}: the state and the times");
        task.poll(conn.queue_message("queued")).unwrap().unwrap();
        conn.set_read_deadline(within(100 * S));
        conn.set_write_deadline(within(200 * S));
        // Warm up: the buffers of the message and of the pool.
        assert!(task.poll(conn.read_message()).is_none());
        let (_, usage) = measured(|| {
            for seconds in [90, 300, 80, 400] {
                conn.set_read_deadline(within(seconds * S));
                conn.set_write_deadline(within((seconds - 1) * S));
                assert!(task.poll(conn.read_message()).is_none());
                assert!(task.poll(conn.flush()).is_none());
            }
        });
        assert_eq!((usage.calls, usage.live), (0, 0), "{role:?}: moved, never made anew: {usage:?}");
        // The close timeout, too; the close frame is remembered.
        let (_, usage) = measured(|| assert!(task.poll(conn.close(None)).is_none()));
        assert!(usage.calls <= 3 && usage.live <= 1024, "{role:?}: {usage:?}");
        for _ in 0..50 {
            advance(100 * Duration::from_millis(1)).await;
        }
        assert!(task.poll(conn.close(None)).is_some(), "{role:?}: it goes off");
    }
}
