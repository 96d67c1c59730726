//! Connections of HTTP/2 that end at any byte, and take their WebSockets with them. What RST_STREAM and GOAWAY do is tested with a
//! server by hand in `crates/ws-client/tests/http2` and a client by hand in `crates/ws-tower/tests/http2`.

use tokio::time::timeout;
use ws_client::{DialErrorKind, Http2Error};
use ws_core::{CloseCode, ErrorKind, Message};
use ws_tests::fault::{Direction, Fault, FaultProxy, Plan};

use crate::{
    Result,
    host::{Host, Speaks},
    script::{dialer, messages, upgrader},
    settled::{Baseline, PATIENCE, alone, leave_no_heap},
};

/// Two WebSockets on one connection that breaks.
async fn broken(host: &mut Host, deflate: bool, plan: Plan) -> Result {
    let mut proxy = FaultProxy::start(host.addr, move |number| {
        // A dial that finds its connection broken may make another one, which fails likewise.
        if number < 4 { plan } else { Plan::fault(Direction::ToServer, 0, Fault::Reset) }
    })
    .await?;
    let url = format!("ws://{}/ws", proxy.addr());
    let dialer = dialer(deflate).http2().prior_knowledge(true);
    let mut conns = Vec::new();
    for _ in 0..2 {
        match timeout(PATIENCE, dialer.dial(&url)).await? {
            Ok((conn, _)) => conns.push(conn),
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    DialErrorKind::Http2(Http2Error::Lost | Http2Error::Protocol | Http2Error::GoAway)
                ),
                "{plan:?}: {error:?}"
            ),
        }
    }
    for mut conn in conns {
        let talk = async {
            for message in messages() {
                conn.write_message(message.clone()).await?;
                assert_eq!(conn.read_message().await?, Some::<Message>(message));
            }
            conn.close(CloseCode::NORMAL_CLOSURE).await
        };
        if let Err(error) = timeout(PATIENCE, talk).await? {
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{plan:?}");
        }
    }
    drop(dialer);
    timeout(PATIENCE, proxy.report()).await?.ok_or("no report")?;
    drop(proxy);
    for handled in host.handled() {
        if let Err(error) = handled.end {
            assert_eq!(error.kind(), &ErrorKind::ConnectionLost, "{plan:?}");
        }
    }
    Ok(())
}

#[test]
fn connection_that_breaks_is_lost_for_every_websocket_on_it_and_leaves_nothing() -> Result {
    alone(async {
        for deflate in [false, true] {
            let start = Baseline::now();
            let mut host = Host::start(upgrader(deflate), Speaks::Http2).await?;
            let quiet = Baseline::now();
            leave_no_heap(quiet, async || {
                let mut count = 0;
                for fault in [Fault::Cut, Fault::HalfClose, Fault::Reset] {
                    for direction in Direction::ALL {
                        for offset in (0..1800).step_by(17) {
                            broken(&mut host, deflate, Plan::fault(direction, offset, fault)).await?;
                            quiet.tasks_end().await;
                            count += 1;
                        }
                    }
                }
                Ok(count)
            })
            .await?;
            drop(host);
            start.returns().await;
        }
        Ok(())
    })
}
