//! Dials that take too long, and dials that are given up.

mod support;

use std::{
    future::{Pending, pending},
    io,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, sleep},
};
use ws_client::{DialErrorKind, Dialer, Phase, dial};

use support::{handshake, read_head, serve, switching};

#[tokio::test(start_paused = true)]
async fn server_that_never_answers_is_given_up_after_thirty_seconds() {
    let started = Instant::now();
    let script = async |mut io: DuplexStream| {
        read_head(&mut io).await;
        io
    };
    let (dialed, _io) = handshake(&Dialer::new(), script).await;
    let error = dialed.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "timed out while waiting for the response (example.com:80); check the port, or try again later"
    );
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn server_that_answers_a_byte_a_second_is_given_up() {
    let started = Instant::now();
    let script = async |mut io: DuplexStream| {
        let response = switching(&read_head(&mut io).await, "");
        for byte in response.bytes() {
            sleep(Duration::from_secs(1)).await;
            if io.write_u8(byte).await.is_err() {
                break;
            }
        }
    };
    let (dialed, ()) = handshake(&Dialer::new(), script).await;
    assert_eq!(dialed.unwrap_err().kind(), &DialErrorKind::TimedOut(Phase::Http));
    // The script writes once more before it notices.
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_the_answer_is_waited_for() {
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        sleep(Duration::from_secs(3600)).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
    };
    let (dialed, ()) = handshake(&Dialer::new().handshake_timeout(None), script).await;
    dialed.unwrap();
}

#[tokio::test(start_paused = true)]
async fn timeout_beyond_the_clock_is_no_timeout() {
    let dialer = Dialer::new().handshake_timeout(Duration::MAX);
    let script = async |mut io: DuplexStream| {
        let head = read_head(&mut io).await;
        sleep(Duration::from_secs(3600)).await;
        io.write_all(switching(&head, "").as_bytes()).await.unwrap();
    };
    let (dialed, ()) = handshake(&dialer, script).await;
    dialed.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connector_that_never_connects_is_given_up() {
    let dialer = Dialer::new().handshake_timeout(Duration::from_secs(5)).connector(Never);
    let started = Instant::now();
    let error = dialer.dial("ws://example.com/").await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Connect));
    assert_eq!(
        error.to_string(),
        "timed out while connecting (example.com:80); check host and port, and firewalls on the way"
    );
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn tcp_server_that_never_answers_is_given_up_and_hung_up_on() {
    let (addr, server) = serve(|mut io| async move {
        read_head(&mut io).await;
        io.read(&mut [0]).await.unwrap()
    })
    .await;
    let dialer = Dialer::new().handshake_timeout(Duration::from_millis(100));
    let error = dialer.dial(format!("ws://{addr}/")).await.unwrap_err();
    assert_eq!(error.kind(), &DialErrorKind::TimedOut(Phase::Http));
    assert_eq!(server.await.unwrap(), 0);
}

#[tokio::test]
async fn dropped_dial_closes_the_transport() {
    let (requested, request) = tokio::sync::oneshot::channel();
    let (addr, server) = serve(|mut io| async move {
        read_head(&mut io).await;
        requested.send(()).unwrap();
        io.read(&mut [0]).await.unwrap()
    })
    .await;
    tokio::select! {
        dialed = dial(format!("ws://{addr}/")) => panic!("{dialed:?}"),
        requested = request => requested.unwrap(),
    }
    assert_eq!(server.await.unwrap(), 0);
}

#[derive(Clone)]
struct Never;

impl tower_service::Service<Uri> for Never {
    type Response = DuplexStream;
    type Error = io::Error;
    type Future = Pending<io::Result<DuplexStream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        pending()
    }
}
