//! Several times on one connection: calls that are given up, halves with deadlines of their own, one timer for all.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Waker},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    join,
    task::LocalSet,
    time::{sleep, timeout},
};
use ws_core::{Error, Message, MessageKind, PreparedMessage, WriteHalf, frame::Opcode};

use crate::{
    calls::{S, assert_timed_out, clock, within},
    closing::timed,
    pipe::{Pipe, conn},
    wakes::yield_until_written,
    wire::{ROLES, close, frames, pattern, text},
    write_deadlines::stuck,
};

#[tokio::test(start_paused = true)]
async fn any_call_can_be_given_up_after_a_time_and_the_connection_goes_on() {
    for role in ROLES {
        let (mut conn, remote) = stuck(role);
        let control = conn.control();
        macro_rules! gives_up {
            ($call:expr) => {{
                let (result, took) = timed(timeout(S, $call)).await;
                assert!(result.is_err(), "{role:?}: {} did not wait", stringify!($call));
                assert_eq!(took, S, "{role:?}: {}", stringify!($call));
            }};
        }
        gives_up!(conn.read_message());
        gives_up!(conn.recv());
        gives_up!(conn.read_borrowed());
        gives_up!(conn.next_reader());
        gives_up!(conn.join_messages("\n").read(&mut [0]));
        gives_up!(control.ping());
        gives_up!(control.closed());
        gives_up!(conn.write_message(Message::binary(pattern(2000))));
        gives_up!(conn.flush());
        gives_up!(conn.queue_message("not queued"));
        gives_up!(conn.next_writer(MessageKind::Text));
        gives_up!(conn.write_prepared(&PreparedMessage::new("not queued").unwrap()));

        let (mut reader, mut writer) = conn.into_split();
        gives_up!(reader.read_message());
        gives_up!(reader.recv());
        gives_up!(reader.next_reader());
        gives_up!(writer.queue_message("not queued"));
        gives_up!(writer.write_message("not queued"));
        gives_up!(writer.flush());
        gives_up!(writer.next_writer(MessageKind::Text));
        let mut conn = reader.reunite(writer).unwrap();

        let mut written = remote.take();
        remote.set_capacity(usize::MAX);
        remote.send(text(role, "still here"));
        assert_eq!(conn.read_message().await.unwrap(), Some(Message::text("still here")), "{role:?}");
        gives_up!(conn.close(None));
        written.extend(remote.take());
        remote.send(close(role, 1000));
        remote.end();
        conn.close(None).await.unwrap();
        let expected = [(Opcode::BINARY, pattern(2000)), (Opcode::CLOSE, Vec::new())];
        assert_eq!(
            frames(&written),
            expected,
            "{role:?}: no ping that nobody waits for, and each message once"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn halves_in_two_tasks_time_out_each_at_its_own_time() {
    for role in ROLES {
        for (read, write) in [(1, 2), (2, 1), (2, 2), (1, 10), (10, 1)] {
            let (conn, _remote) = stuck(role);
            let (mut reader, mut writer) = conn.into_split();
            reader.set_read_deadline(within(read * S));
            writer.set_write_deadline(within(write * S));
            let polls = Rc::new(Cell::new(0));
            let local = LocalSet::new();
            let reads = local.spawn_local(counted(polls.clone(), async move {
                let (result, took) = timed(reader.read_message()).await;
                assert_timed_out(result);
                took
            }));
            let writes = local.spawn_local(counted(polls.clone(), async move {
                let (result, took) = timed(writer.write_message(Message::binary(pattern(500)))).await;
                assert_timed_out(result);
                took
            }));
            let (reads, writes) = local.run_until(async { join!(reads, writes) }).await;
            assert_eq!((reads.unwrap(), writes.unwrap()), (read * S, write * S), "{role:?}");
            assert!(polls.get() <= 10, "{role:?}: {} polls for two timers", polls.get());
        }
    }
}

/// Counts how often a task is polled.
async fn counted<T>(polls: Rc<Cell<u32>>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn deadline_of_one_half_is_moved_and_cleared_while_the_other_half_waits() {
    for role in ROLES {
        let (conn, remote) = stuck(role);
        let (mut reader, mut writer) = conn.into_split();
        let local = LocalSet::new();
        reader.set_read_deadline(within(10 * S));
        let reads = local.spawn_local(async move {
            let (result, took) = timed(reader.read_message()).await;
            assert_timed_out(result);
            // Later than the writer's, then earlier, then none.
            for seconds in [8, 1] {
                reader.set_read_deadline(within(seconds * S));
                let (result, took) = timed(reader.read_message()).await;
                assert_timed_out(result);
                assert_eq!(took, seconds * S, "{role:?}");
            }
            reader.set_read_deadline(None);
            let (message, waited) = timed(reader.read_message()).await;
            assert!(message.unwrap().is_some());
            (took, waited)
        });
        let writes = local.spawn_local(async move {
            for seconds in [3, 1, 20] {
                writer.set_write_deadline(within(seconds * S));
                let (result, took) = timed(writer.flush_something()).await;
                assert_timed_out(result);
                assert_eq!(took, seconds * S, "{role:?}");
            }
            writer.set_write_deadline(None);
            assert!(timeout(100 * S, writer.flush()).await.is_err(), "{role:?}: without a deadline it waits");
            remote.send(text(role, "end"));
            remote
        });
        let (reads, writes) = local.run_until(async { join!(reads, writes) }).await;
        drop(writes.unwrap());
        let (first, last) = reads.unwrap();
        assert_eq!((first, last), (10 * S, 124 * S - 19 * S), "{role:?}");
    }
}

trait FlushSomething {
    async fn flush_something(&mut self) -> Result<(), Error>;
}

impl FlushSomething for WriteHalf<Pipe> {
    /// Writes what the stuck peer does not take.
    async fn flush_something(&mut self) -> Result<(), Error> {
        self.write_message(Message::binary(pattern(20))).await
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_is_moved_earlier_and_later_and_cleared_on_the_timer_that_is_there() {
    for role in ROLES {
        let (mut conn, _remote) = stuck(role);
        let start = clock();
        conn.set_read_deadline(within(10 * S));
        assert!(
            timeout(S, conn.read_message()).await.is_err(),
            "{role:?}: the timer is armed for the tenth second"
        );
        for (deadline, at) in [(2, 3), (20, 23), (1, 24)] {
            conn.set_read_deadline(within(deadline * S));
            assert_timed_out(conn.read_message().await);
            assert_eq!(clock() - start, at * S, "{role:?}");
        }
        conn.set_read_deadline(within(S));
        conn.set_read_deadline(None);
        assert!(timeout(1000 * S, conn.read_message()).await.is_err(), "{role:?}: none");
        // And the other one, on the same timer.
        let start = clock();
        conn.set_write_deadline(within(10 * S));
        assert!(timeout(S, conn.write_message(Message::binary(pattern(500)))).await.is_err());
        for (deadline, at) in [(2, 3), (20, 23), (1, 24)] {
            conn.set_write_deadline(within(deadline * S));
            assert_timed_out(conn.flush().await);
            assert_eq!(clock() - start, at * S, "{role:?}");
        }
        conn.set_write_deadline(None);
        assert!(timeout(1000 * S, conn.flush()).await.is_err(), "{role:?}: none");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_of_a_call_that_was_given_up_wakes_nobody_wrongly() {
    for role in ROLES {
        let (mut conn, remote) = stuck(role);
        conn.set_write_deadline(within(2 * S));
        assert!(timeout(S, conn.write_message(Message::binary(pattern(500)))).await.is_err());
        // The read goes on past the time of the write that nobody waits for any more.
        let peer = async {
            sleep(10 * S).await;
            remote.send(text(role, "later"));
        };
        let ((result, took), ()) = join!(timed(conn.read_message()), peer);
        assert_eq!((result.unwrap(), took), (Some(Message::text("later")), 10 * S), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_beyond_the_clock_of_the_timer_is_waited_for() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        conn.set_read_deadline(within(Duration::from_secs(20 * 365 * 24 * 3600)));
        let peer = async {
            sleep(365 * 24 * 3600 * S).await;
            remote.send(text(role, "a year"));
        };
        let (result, ()) = join!(conn.read_message(), peer);
        assert_eq!(result.unwrap(), Some(Message::text("a year")), "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn request_of_a_control_leaves_while_reads_and_writes_wait_for_their_deadlines() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        let control = conn.control();
        conn.set_read_deadline(within(10 * S));
        let asks = async {
            sleep(3 * S).await;
            control.send_ping("now").unwrap();
            yield_until_written(&remote).await;
            clock()
        };
        let start = clock();
        let ((result, took), sent) = join!(timed(conn.read_message()), asks);
        assert_timed_out(result);
        assert_eq!((took, sent - start), (10 * S, 3 * S), "{role:?}");
    }
}

#[test]
fn setting_no_deadline_needs_no_timer() {
    for role in ROLES {
        let (mut conn, _remote) = conn(role);
        conn.set_read_deadline(None);
        conn.set_write_deadline(None);
        // Outside of any runtime: a timer would panic.
        let mut read = pin!(conn.read_message());
        assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "{role:?}");
    }
}
