//! FIN, half-close and RST after every byte of a conversation over HTTP/1.1, in both directions.

use std::sync::{Arc, Mutex};

use tokio::time::timeout;
use ws_client::Dialer;
use ws_tests::fault::{Direction, Fault, FaultProxy, Lane, Plan, Report};

use crate::{
    Result,
    host::{Handled, Host, Speaks},
    script::{End, Shape, check, dialer, talk, upgrader},
    settled::{Baseline, PATIENCE, alone, leave_no_heap},
};

/// A server, a client and the proxy between them.
struct Stack {
    host: Host,
    proxy: FaultProxy,
    plan: Arc<Mutex<Plan>>,
    dialer: Dialer,
    url: String,
    /// Between two conversations.
    quiet: Baseline,
}

impl Stack {
    async fn start(deflate: bool) -> Result<Self> {
        let host = Host::start(upgrader(deflate), Speaks::Http1).await?;
        let plan = Arc::new(Mutex::new(Plan::new()));
        let next = Arc::clone(&plan);
        let proxy = FaultProxy::start(host.addr, move |_| *next.lock().expect("it is whole")).await?;
        let url = format!("ws://{}/ws", proxy.addr());
        let quiet = Baseline::now();
        Ok(Self { host, proxy, plan, dialer: dialer(deflate), url, quiet })
    }

    /// Has one conversation; it is over on both sides then, and nothing of it is left.
    async fn play(&mut self, plan: Plan) -> Result<(Report, (usize, End), Vec<Handled>)> {
        *self.plan.lock().expect("it is whole") = plan;
        let talked = timeout(PATIENCE, talk(&self.dialer, &self.url)).await?;
        let report = timeout(PATIENCE, self.proxy.report()).await?.ok_or("no report")?;
        self.quiet.tasks_end().await;
        Ok((report, talked, self.host.handled()))
    }

    /// Goes through these bytes in one direction.
    async fn sweep(
        &mut self,
        shapes: &[Shape; 2],
        direction: Direction,
        fault: Fault,
        step: usize,
    ) -> Result<u64> {
        let mut count = 0;
        for offset in (0..=shapes[direction as usize].total).step_by(step) {
            let (report, talked, handled) = self.play(Plan::fault(direction, offset, fault)).await?;
            check(shapes, &report, &talked, &handled);
            count += 1;
        }
        Ok(count)
    }
}

async fn sweep_all(fault: Fault) -> Result {
    let start = Baseline::now();
    for deflate in [false, true] {
        let mut stack = Stack::start(deflate).await?;
        let (report, talked, handled) = stack.play(Plan::new().record(true)).await?;
        assert!(matches!((&talked, &handled[..]), ((3, End::Clean), [Handled { messages: 3, end: Ok(()) }])));
        let shapes = report.bytes.each_ref().map(|bytes| Shape::of(bytes));
        drop((report, talked, handled));

        // What is made once is made by a part of it.
        for direction in Direction::ALL {
            stack.sweep(&shapes, direction, fault, 9).await?;
        }
        let quiet = stack.quiet;
        leave_no_heap(quiet, async || {
            let mut count = 0;
            for direction in Direction::ALL {
                count += stack.sweep(&shapes, direction, fault, 1).await?;
            }
            Ok(count)
        })
        .await?;
        drop(stack);
        start.returns().await;
    }
    Ok(())
}

// Shows LIF-1.
#[test]
fn fin_at_every_byte_ends_both_sides_as_documented_and_leaves_nothing() -> Result {
    alone(async { sweep_all(Fault::Cut).await })
}

// Shows LIF-1.
#[test]
fn half_close_at_every_byte_ends_both_sides_as_documented_and_leaves_nothing() -> Result {
    alone(async { sweep_all(Fault::HalfClose).await })
}

// Shows LIF-1.
#[test]
fn reset_at_every_byte_ends_both_sides_as_documented_and_leaves_nothing() -> Result {
    alone(async { sweep_all(Fault::Reset).await })
}

#[test]
fn conversation_in_pieces_of_a_byte_is_the_same() -> Result {
    alone(async {
        for deflate in [false, true] {
            let mut stack = Stack::start(deflate).await?;
            let lane = Lane::new().piece(1);
            let plan = Plan::new().lane(Direction::ToServer, lane).lane(Direction::ToClient, lane);
            let (_, talked, handled) = stack.play(plan).await?;
            assert!(matches!(
                (&talked, &handled[..]),
                ((3, End::Clean), [Handled { messages: 3, end: Ok(()) }])
            ));
        }
        Ok(())
    })
}
