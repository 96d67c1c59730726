//! Connections that come and go in every way there is.

use std::{env, net::SocketAddr, time::Duration};

use http::{HeaderValue, header::ORIGIN};
use tokio::{io::AsyncReadExt as _, time::timeout};
use ws_client::Dialer;
use ws_core::{CloseCode, Config, ErrorKind, Message, frame::Opcode};
use ws_tests::{
    raw::{RawClient, frame, request},
    serve::pattern,
};

use crate::{
    Result,
    host::{Host, Speaks},
    script::upgrader,
    settled::{Baseline, PATIENCE, alone, leave_no_heap},
};

/// A way for a connection to end.
#[derive(Clone, Copy, Debug)]
enum Exit {
    Aborted,
    ClosedByClient,
    ClosedByServer,
    Dropped,
    DroppedByServer,
    FinInAFrame,
    HalfAHead,
    Panicked,
    Refused,
    ResetInAFrame,
    TooBig,
    Violation,
}

const EXITS: [Exit; 12] = [
    Exit::Aborted,
    Exit::ClosedByClient,
    Exit::ClosedByServer,
    Exit::Dropped,
    Exit::DroppedByServer,
    Exit::FinInAFrame,
    Exit::HalfAHead,
    Exit::Panicked,
    Exit::Refused,
    Exit::ResetInAFrame,
    Exit::TooBig,
    Exit::Violation,
];

/// Comes and goes once.
async fn leave(exit: Exit, addr: SocketAddr, dialer: &Dialer, foreign: &Dialer) -> Result {
    let url = format!("ws://{addr}/ws");
    match exit {
        Exit::Aborted => dialer.dial(url).await?.0.abort(),
        Exit::ClosedByClient => {
            let (mut conn, _) = dialer.dial(url).await?;
            conn.write_message("hello ".repeat(100)).await?;
            assert!(conn.read_message().await?.is_some());
            conn.close(CloseCode::NORMAL_CLOSURE).await?;
        }
        Exit::ClosedByServer => {
            let (mut conn, _) = dialer.dial(url).await?;
            conn.write_message("close").await?;
            let end = conn.read_message().await.expect_err("4000 is no normal end");
            assert_eq!(end.close_code(), Some(4000.into()));
        }
        Exit::Dropped => drop(dialer.dial(url).await?),
        Exit::DroppedByServer => {
            let (mut conn, _) = dialer.dial(url).await?;
            conn.write_message("drop").await?;
            let end = conn.read_message().await.expect_err("no close frame");
            assert_eq!(end.kind(), &ErrorKind::ConnectionLost);
        }
        Exit::Panicked => {
            let (mut conn, _) = dialer.dial(url).await?;
            conn.write_message("panic").await?;
            let end = conn.read_message().await.expect_err("1011 is no normal end");
            assert_eq!(end.close_code(), Some(CloseCode::INTERNAL_ERROR));
        }
        Exit::Refused => drop(foreign.dial(url).await.expect_err("the origin is foreign")),
        Exit::TooBig => {
            let (mut conn, _) = dialer.dial(url).await?;
            conn.write_message(Message::binary(pattern(MAX + 1))).await?;
            let end = conn.read_message().await.expect_err("1009 is no normal end");
            assert_eq!(end.close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
        }
        Exit::Violation => {
            let mut client = RawClient::upgrade(addr, b"\x83\x80\0\0\0\0").await?;
            assert_eq!(client.read_frame().await?.1, 1002_u16.to_be_bytes());
            client.read_to_end().await?;
        }
        Exit::HalfAHead => {
            let mut client = RawClient::connect(addr).await?;
            client.send(&request(addr).as_bytes()[..40]).await?;
        }
        Exit::FinInAFrame | Exit::ResetInAFrame => {
            let whole = frame(Opcode::TEXT, b"never whole");
            let stream = RawClient::upgrade(addr, &whole[..9]).await?.into_stream();
            if matches!(exit, Exit::ResetInAFrame) {
                stream.set_zero_linger()?;
            }
        }
    }
    Ok(())
}

/// `WS_CYCLES=100000` has so many of them.
// Shows LIF-1.
#[test]
fn lif_1_connections_that_leave_in_any_way_leave_no_task_no_file_and_no_byte() -> Result {
    alone(async {
        let cycles = env::var("WS_CYCLES").map_or(Ok(480), |cycles| cycles.parse::<usize>())?;
        let start = Baseline::now();
        for deflate in [false, true] {
            let upgrader = upgrader(deflate).config(Config::new().max_message_size(MAX as u64));
            let host = &mut Host::start(upgrader, Speaks::Http1).await?;
            let quiet = Baseline::now();
            let dialer = crate::script::dialer(deflate);
            let foreign =
                dialer.clone().header(ORIGIN, HeaderValue::from_static("https://elsewhere.example"));
            leave_no_heap(quiet, async || {
                for cycle in 0..cycles {
                    let exit = EXITS[cycle % EXITS.len()];
                    let left = timeout(PATIENCE, leave(exit, host.addr, &dialer, &foreign)).await;
                    left.map_err(|_| format!("{exit:?} does not end"))?
                        .map_err(|error| format!("{exit:?}: {error}"))?;
                    // Not more at once than there are ways.
                    if cycle % EXITS.len() == 0 {
                        quiet.tasks_end().await;
                        drop(host.handled());
                    }
                }
                quiet.tasks_end().await;
                drop(host.handled());
                Ok(cycles as u64)
            })
            .await?;
        }
        start.returns().await;
        Ok(())
    })
}

// Shows LIF-2.
#[test]
fn lif_2_handler_that_panics_says_1011_and_others_go_on() -> Result {
    alone(async {
        let host = Host::start(upgrader(false), Speaks::Http1).await?;
        let quiet = Baseline::now();
        let dialer = Dialer::new();
        let url = format!("ws://{}/ws", host.addr);
        let (mut other, _) = dialer.dial(&url).await?;
        leave(Exit::Panicked, host.addr, &dialer, &dialer).await?;
        other.write_message("hello").await?;
        assert_eq!(timeout(PATIENCE, other.read_message()).await??, Some(Message::text("hello")));
        other.close(None).await?;
        drop(other);
        quiet.returns().await;
        Ok(())
    })
}

// Shows LIF-3.
#[test]
fn lif_3_connection_that_is_dropped_ends_in_fin_without_a_close_frame_and_at_once() -> Result {
    alone(async {
        let host = Host::start(upgrader(false), Speaks::Http1).await?;
        let quiet = Baseline::now();
        let mut client = RawClient::upgrade(host.addr, &frame(Opcode::TEXT, b"drop")).await?.into_stream();
        let mut rest = Vec::new();
        // Not an RST, which is an error.
        timeout(PATIENCE, client.read_to_end(&mut rest)).await??;
        assert_eq!(rest, b"");
        drop(client);
        timeout(Duration::from_secs(4), quiet.returns()).await?;
        Ok(())
    })
}

const MAX: usize = 1000;
