//! The task of a connection: what moves the bytes of all its streams, and ends.

use std::{
    future::{pending, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use h2::{Ping, PingPong, client::Connection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    link::{Idle, Shared},
    stream::{LINGER, Piece},
};

/// How long a connection is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How long without streams; `None` for as long as its owner has it.
    pub(super) idle_timeout: Option<Duration>,
    /// How often the server is asked whether it is still there.
    pub(super) keep_alive: Option<Duration>,
}

/// Drives a connection until it ends: by the server, by the network, or because nobody has a use for it any more.
pub(super) async fn run<S>(mut connection: Connection<S, Piece>, shared: Arc<Shared>, life: Life)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut keep_alive = pin!(keep_alive(connection.ping_pong(), life.keep_alive));
    let mut changed = pin!(shared.changed.notified());
    let mut timer = pin!(sleep_until(Instant::now()));
    let mut closed_until = None;
    poll_fn(|cx| {
        while changed.as_mut().poll(cx).is_ready() {
            changed.set(shared.changed.notified());
        }
        loop {
            let lingering = shared.end_lingering();
            let idle = match shared.close_if_idle(life.idle_timeout) {
                Idle::InUse => None,
                Idle::Until(until) => Some(until),
                // h2 ends the connection by itself now, when all is sent.
                Idle::Closed => {
                    let until = *closed_until.get_or_insert_with(|| Instant::now() + LINGER);
                    if Instant::now() >= until {
                        return Poll::Ready(());
                    }
                    Some(until)
                }
            };
            let Some(next) = lingering.into_iter().chain(idle).min() else { break };
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
        }
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // What has sent its last piece just now.
        shared.end_lingering();
        keep_alive.as_mut().poll(cx)
    })
    .await;
    shared.close();
}

/// Ends when the server does not answer any more.
async fn keep_alive(ping: Option<PingPong>, interval: Option<Duration>) {
    let (Some(mut ping), Some(interval)) = (ping, interval) else { return pending().await };
    loop {
        sleep(interval).await;
        let Ok(Ok(_)) = timeout(KEEP_ALIVE_TIMEOUT, ping.ping(Ping::opaque())).await else { return };
    }
}

/// How long the server may take to answer a PING.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
