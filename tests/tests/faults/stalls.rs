//! Connections that fall silent at some byte, or are harmed at random, many at a time: whoever waits for them gives up in time.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;
use ws_client::DialErrorKind;
use ws_core::{Config, ErrorKind, KeepAlive};
use ws_tests::fault::{Direction, Fault, FaultProxy, Plan};

use crate::{
    Result,
    host::{Host, Speaks},
    script::{End, dialer, talk, upgrader},
    settled::{Baseline, PATIENCE, alone},
};

/// Settings under which everything that waits gives up within a second or two.
fn impatient() -> Config {
    let keep_alive = KeepAlive::every(Duration::from_millis(300)).timeout(Duration::from_millis(300));
    Config::new().keep_alive(keep_alive).close_timeout(Duration::from_millis(300))
}

/// Has a conversation under each of these plans, all at once.
async fn all_at_once(deflate: bool, plans: Vec<Plan>) -> Result {
    let start = Baseline::now();
    let mut host = Host::start(upgrader(deflate).config(impatient()), Speaks::Http1).await?;
    let quiet = Baseline::now();
    let count = plans.len();
    let plans = Arc::new(plans);
    let proxy = FaultProxy::start(host.addr, move |number| plans[number as usize]).await?;
    let url = format!("ws://{}/ws", proxy.addr());
    let dialer = dialer(deflate).config(impatient()).handshake_timeout(Duration::from_secs(2));

    let ends = timeout(PATIENCE, join_all((0..count).map(|_| talk(&dialer, &url)))).await?;
    let mut clean = 0;
    for (echoes, end) in ends {
        match end {
            End::Dial(kind) => {
                assert!(matches!(kind, DialErrorKind::TimedOut(_) | DialErrorKind::Http), "{kind:?}");
            }
            End::Lost(error) => assert_eq!(error.kind(), &ErrorKind::ConnectionLost),
            End::Clean => {
                assert_eq!(echoes, 3);
                clean += 1;
            }
        }
    }
    // A stall may come behind everything.
    assert!(clean < count, "no connection was harmed");
    // Those that are silent end with the proxy; the server has given up on them before or does so now.
    drop(proxy);
    quiet.returns().await;
    for handled in host.handled() {
        if let Err(error) = handled.end {
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
        }
    }
    drop(host);
    start.returns().await;
    Ok(())
}

// Shows LIF-1.
#[test]
fn silence_at_any_byte_ends_within_the_times_that_are_set() -> Result {
    alone(async {
        for deflate in [false, true] {
            for direction in Direction::ALL {
                // Beyond the longer of the two directions, too.
                let plans = (0..1300).step_by(7).map(|offset| Plan::fault(direction, offset, Fault::Stall));
                all_at_once(deflate, plans.collect()).await?;
            }
        }
        Ok(())
    })
}

// Shows LIF-1.
#[test]
fn harm_at_random_leaves_no_task_and_no_file() -> Result {
    alone(async {
        for seed in 0..4 {
            let plans = (0..150).map(|connection| Plan::random(seed, connection, 1000)).collect();
            all_at_once(seed % 2 == 1, plans).await?;
        }
        Ok(())
    })
}
