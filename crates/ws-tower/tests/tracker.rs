//! Trackers: counting, closing, waiting, and the shutdown of a server. In memory and in paused time.

mod support;

use std::{
    convert::Infallible,
    future::{IntoFuture as _, pending},
    io,
    time::Duration,
};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _, future::join_all};
use http::{Request, Response};
use hyper::body::Incoming;
use support::open_in_memory;
use tokio::{
    io::{AsyncReadExt as _, DuplexStream},
    task::JoinHandle,
    time::{Instant, sleep},
};
use tower::Service as _;
use ws_core::{CloseCode, CloseFrame, Conn, ErrorKind, Message};
use ws_tower::{ResponseBody, Tracker, UpgradeService, Upgraded, Upgrader};

async fn echo(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        if conn.write_message(message).await.is_err() {
            return;
        }
    }
}

type Client = Conn<DuplexStream>;

/// A tracked server with one handler.
fn tracked<H, Fut>(handler: H) -> (Tracker, UpgradeService<H>)
where
    H: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(handler);
    (tracker, service)
}

async fn open<H, Fut>(service: &UpgradeService<H>) -> Client
where
    H: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (head, conn) = open_in_memory(service.clone()).await;
    assert_eq!(head.status, 101);
    conn
}

/// Reads to the end of a connection, in a task: the code and the reason that the client sees, and when.
fn watch(mut client: Client) -> JoinHandle<(u16, String, Duration)> {
    let start = Instant::now();
    tokio::spawn(async move {
        loop {
            match client.recv().await {
                Ok(Some(Message::Close(frame))) => {
                    let frame = frame.expect("a code");
                    return (frame.code.as_u16(), frame.reason.to_string(), start.elapsed());
                }
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ends with a close frame"),
                Err(error) => return (1006, error.to_string(), start.elapsed()),
            }
        }
    })
}

async fn code(watch: JoinHandle<(u16, String, Duration)>) -> u16 {
    watch.await.expect("it does not panic").0
}

#[tokio::test(start_paused = true)]
async fn connections_are_counted_from_their_upgrade_to_their_end() {
    let (tracker, service) = tracked(echo);
    assert!(tracker.is_empty());
    assert!(tracker.wait_idle().now_or_never().is_some(), "there is nothing to wait for");
    let (mut one, other) = (open(&service).await, open(&service).await);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(tracker.len(), 2);
    let waiting = tokio::spawn({
        let tracker = tracker.clone();
        async move { tracker.wait_idle().await }
    });
    one.close(None).await.expect("closed");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(tracker.len(), 1);
    assert!(!waiting.is_finished());
    drop(other);
    waiting.await.expect("idle");
    assert!(tracker.is_empty());
}

#[tokio::test(start_paused = true)]
async fn handler_counts_until_it_returns() {
    let (tracker, service) = tracked(|conn: Conn<Upgraded>| async move {
        echo(conn).await;
        sleep(Duration::from_secs(3)).await;
    });
    let mut client = open(&service).await;
    client.close(None).await.expect("closed");
    let start = Instant::now();
    tracker.wait_idle().await;
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn several_upgraders_share_a_tracker() {
    let (tracker, service) = tracked(echo);
    let second = Upgrader::new().tracker(tracker.clone()).service(echo);
    let _clients = (open(&service).await, open(&second).await);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(tracker.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn close_all_closes_those_that_there_are_and_no_others() {
    let (tracker, service) = tracked(echo);
    let clients: Vec<_> = join_all((0..3).map(|_| open(&service))).await.into_iter().map(watch).collect();
    sleep(Duration::from_millis(1)).await;
    let unsendable = tracker.close_all(CloseCode::ABNORMAL_CLOSURE).expect_err("1006 is never sent");
    assert!(unsendable.is_usage());
    let long = CloseFrame::new(CloseCode::GOING_AWAY, "x".repeat(124));
    assert!(tracker.close_all(long).expect_err("too long").is_usage());
    assert_eq!(tracker.len(), 3);

    tracker.close_all(CloseFrame::new(4000, "round over")).expect("it can be sent");
    for client in clients {
        let (code, reason, _) = client.await.expect("no panic");
        assert_eq!((code, &reason[..]), (4000, "round over"));
    }
    tracker.wait_idle().await;
    let mut client = open(&service).await;
    client.write_message("still there").await.expect("sent");
    assert_eq!(client.read_message().await.expect("read"), Some("still there".into()));
}

#[tokio::test(start_paused = true)]
async fn shutdown_says_1001_to_all_and_waits_for_them() {
    let (tracker, service) = tracked(echo);
    let clients: Vec<_> = join_all((0..20).map(|_| open(&service))).await.into_iter().map(watch).collect();
    sleep(Duration::from_millis(1)).await;
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (20, 0));
    assert!(tracker.is_empty());
    for client in clients {
        assert_eq!(code(client).await, 1001);
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_are_refused_from_the_shutdown_on() {
    let (tracker, service) = tracked(echo);
    let begun = tokio::spawn(tracker.shutdown_begun());
    tokio::task::yield_now().await;
    assert!(!begun.is_finished());
    drop(tracker.shutdown());
    let _client = open(&service).await;
    let shutdown = tracker.shutdown().retry_after(Duration::from_millis(1500)).into_future();
    // It has begun with the first poll, and goes on refusing when it is dropped.
    assert!(shutdown.now_or_never().is_none());
    begun.await.expect("it has begun");
    let (head, _) = open_in_memory(service.clone()).await;
    assert_eq!((head.status, head.get("retry-after").as_deref()), (503, Some("2")));
    assert!(head.has("connection", "close"));

    let mut request = Request::new(());
    let rejection = Upgrader::new().tracker(tracker.clone()).upgrade(&mut request).unwrap_err();
    assert_eq!(rejection.status(), 400, "what is wrong with a request is said first");
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (1, 0), "a further shutdown does the rest");
}

#[tokio::test(start_paused = true)]
async fn close_frame_may_be_chosen() {
    for (frame, expected) in [
        (CloseFrame::new(CloseCode::SERVICE_RESTART, "back soon"), (1012, "back soon")),
        (CloseFrame::new(CloseCode::ABNORMAL_CLOSURE, "cannot be sent"), (1001, "")),
    ] {
        let (tracker, service) = tracked(echo);
        let client = watch(open(&service).await);
        sleep(Duration::from_millis(1)).await;
        let _ = tracker.shutdown().close_frame(frame).await;
        let (code, reason, _) = client.await.expect("no panic");
        assert_eq!((code, &reason[..]), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn stagger_spreads_the_close_frames_evenly() {
    let (tracker, service) = tracked(echo);
    let clients: Vec<_> = join_all((0..10).map(|_| open(&service))).await.into_iter().map(watch).collect();
    let summary = tracker.shutdown().stagger(Duration::from_secs(10)).await;
    assert_eq!((summary.closed, summary.aborted), (10, 0));
    let mut times = Vec::new();
    for client in clients {
        let (code, _, time) = client.await.expect("no panic");
        assert_eq!(code, 1001);
        times.push(time.as_secs());
    }
    times.sort_unstable();
    assert_eq!(times, Vec::from_iter(0..10));
}

#[tokio::test(start_paused = true)]
async fn handshake_that_was_accepted_before_is_closed_once_it_is_upgraded() {
    let tracker = Tracker::new();
    let upgrader = Upgrader::new().tracker(tracker.clone());
    // The response waits for something else, as it does behind slow middleware.
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        let accepted = upgrader.upgrade(&mut request).expect("accepted");
        tokio::spawn(async move { echo(accepted.conn.await.expect("upgraded")).await });
        async move {
            sleep(Duration::from_secs(2)).await;
            Ok::<Response<ResponseBody>, Infallible>(accepted.response.map(|()| ResponseBody::empty()))
        }
    });
    let client = tokio::spawn(open_in_memory(service));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(tracker.len(), 0, "it is no connection yet");
    let shutdown = tokio::spawn(tracker.shutdown().into_future());
    let (head, conn) = client.await.expect("answered");
    assert_eq!(head.status, 101);
    assert_eq!(code(watch(conn)).await, 1001);
    let summary = shutdown.await.expect("no panic");
    assert_eq!((summary.closed, summary.aborted), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn handshake_that_never_becomes_a_connection_is_given_up() {
    let tracker = Tracker::new();
    let upgrader = Upgrader::new().handshake_timeout(None).tracker(tracker.clone());
    let (send, mut results) = tokio::sync::mpsc::unbounded_channel();
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        let accepted = upgrader.upgrade(&mut request).expect("accepted");
        let send = send.clone();
        tokio::spawn(async move { send.send(accepted.conn.await.map(drop)) });
        pending::<Result<Response<ResponseBody>, Infallible>>()
    });
    tokio::spawn(open_in_memory(service));
    sleep(Duration::from_secs(1)).await;
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    let error = results.recv().await.expect("it has ended").expect_err("not upgraded");
    assert!(!error.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn handshake_that_never_becomes_a_connection_is_told_as_a_failed_upgrade() {
    let tracker = Tracker::new();
    let (send, mut failures) = tokio::sync::mpsc::unbounded_channel();
    let endpoint = Upgrader::new()
        .handshake_timeout(None)
        .tracker(tracker.clone())
        .service(|_| async {})
        .on_failed_upgrade(move |error| drop(send.send(error)));
    let service = tower::service_fn(move |request: Request<Incoming>| {
        // Accepts, and never lets the response go out.
        drop(endpoint.clone().call(request));
        pending::<Result<Response<ResponseBody>, Infallible>>()
    });
    tokio::spawn(open_in_memory(service));
    sleep(Duration::from_secs(1)).await;
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    assert!(!failures.try_recv().expect("told").is_timeout());
}

/// What a client sees of a handler during a shutdown, and whether that had to abort it.
async fn sees<H, Fut>(handler: H) -> (u16, usize)
where
    H: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (tracker, service) = tracked(handler);
    let client = watch(open(&service).await);
    sleep(Duration::from_millis(10)).await;
    let start = Instant::now();
    let summary = tracker.shutdown().await;
    assert_eq!(summary.closed + summary.aborted, 1);
    assert!(start.elapsed() <= Duration::from_secs(7), "{:?}", start.elapsed());
    assert!(tracker.is_empty());
    (code(client).await, summary.aborted)
}

#[tokio::test(start_paused = true)]
async fn handler_that_only_writes_sends_the_close_frame() {
    let seen = sees(|mut conn: Conn<Upgraded>| async move {
        // As fast as the client reads.
        while conn.write_message("tick").await.is_ok() {
            sleep(Duration::from_micros(100)).await;
        }
    });
    assert_eq!(seen.await, (1001, 0));
}

#[tokio::test(start_paused = true)]
async fn handler_that_waits_for_something_else_sends_the_close_frame_with_its_next_call() {
    let seen = sees(|mut conn: Conn<Upgraded>| async move {
        loop {
            sleep(Duration::from_secs(2)).await;
            if conn.write_message("tick").await.is_err() {
                return;
            }
        }
    });
    assert_eq!(seen.await, (1001, 0));
}

// Shows LIF-3.
#[tokio::test(start_paused = true)]
async fn handler_that_drops_its_connection_meanwhile_sends_the_close_frame() {
    let seen = sees(|conn: Conn<Upgraded>| async move {
        sleep(Duration::from_secs(2)).await;
        drop(conn);
    });
    assert_eq!(seen.await, (1001, 0));
}

#[tokio::test(start_paused = true)]
async fn handler_that_never_polls_its_connection_is_aborted_and_the_client_sees_the_close_frame() {
    let seen = sees(|conn: Conn<Upgraded>| async move {
        pending::<()>().await;
        drop(conn);
    });
    assert_eq!(seen.await, (1001, 1));
}

#[tokio::test(start_paused = true)]
async fn halves_close() {
    let seen = sees(|conn: Conn<Upgraded>| async move {
        let (mut read, write) = conn.into_split();
        let writer = tokio::spawn(async move {
            pending::<()>().await;
            drop(write);
        });
        while let Ok(Some(_)) = read.read_message().await {}
        writer.abort();
    });
    assert_eq!(seen.await, (1001, 0));
}

#[tokio::test(start_paused = true)]
async fn half_in_a_task_of_its_own_ends_with_the_transport() {
    let (send, mut results) = tokio::sync::mpsc::unbounded_channel();
    let (tracker, service) = tracked(move |conn: Conn<Upgraded>| async move {
        let (read, mut write) = conn.into_split();
        tokio::spawn(async move {
            let _ = send.send(write.write_message(Message::binary(vec![0; 1 << 20])).await);
        });
        pending::<()>().await;
        drop(read);
    });
    let client = open(&service).await;
    sleep(Duration::from_millis(1)).await;
    let summary = tracker.shutdown().timeout(Duration::from_secs(1)).await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    assert!(tracker.is_empty());
    let error = results.recv().await.expect("it has ended").expect_err("aborted");
    assert!(matches!(error.kind(), ErrorKind::ConnectionLost), "{error:?}");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn halves_of_a_stream_close() {
    let seen = sees(|conn: Conn<Upgraded>| async move {
        let (mut sink, mut stream) = conn.split();
        while let Some(Ok(message)) = stream.next().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
    });
    assert_eq!(seen.await, (1001, 0));
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_answer_costs_the_close_timeout() {
    let (tracker, service) = tracked(echo);
    let client = open(&service).await;
    sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (1, 0));
    assert_eq!(start.elapsed().as_secs(), 5);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_is_given_up_in_time() {
    let (tracker, service) = tracked(|mut conn: Conn<Upgraded>| async move {
        let _ = conn.write_message(Message::binary(vec![0; 1 << 20])).await;
        pending::<()>().await;
    });
    let client = open(&service).await;
    sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    let summary = tracker.shutdown().timeout(Duration::from_secs(1)).await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(tracker.is_empty());
    drop(client);
}

/// Serves connections that the test drives by hand.
fn by_hand<F, Fut>(tracker: &Tracker, handler: F) -> impl ServeOnce
where
    F: FnOnce(Conn<Upgraded>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let upgrader = Upgrader::new().tracker(tracker.clone());
    tower::service_fn(move |mut request: Request<Incoming>| {
        let handler = handler.clone();
        let accepted = upgrader.upgrade(&mut request).expect("accepted");
        tokio::spawn(async move { handler(accepted.conn.await.expect("upgraded")).await });
        std::future::ready(Ok::<_, Infallible>(accepted.response.map(|()| ResponseBody::empty())))
    })
}

trait ServeOnce:
    tower::Service<
        Request<Incoming>,
        Response = Response<ResponseBody>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> ServeOnce for S where
    S: tower::Service<
            Request<Incoming>,
            Response = Response<ResponseBody>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static
{
}

#[tokio::test(start_paused = true)]
async fn transport_that_was_taken_out_by_hand_fails_and_wakes() {
    let tracker = Tracker::new();
    let (send, mut results) = tokio::sync::mpsc::unbounded_channel();
    let service = by_hand(&tracker, |conn| async move {
        let mut io = conn.into_parts().io;
        let _ = send.send(io.read_u8().await.map_err(|error| error.kind()));
        let _ = send.send(io.read_u8().await.map_err(|error| error.kind()));
    });
    let (_, client) = open_in_memory(service).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(tracker.len(), 1);
    let summary = tracker.shutdown().await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    for _ in 0..2 {
        assert_eq!(results.recv().await, Some(Err(io::ErrorKind::ConnectionAborted)));
    }
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn connection_by_hand_that_waits_for_a_client_is_lost_in_time() {
    let tracker = Tracker::new();
    let (send, mut results) = tokio::sync::mpsc::unbounded_channel();
    let service = by_hand(&tracker, |mut conn| async move {
        let _ = send.send(conn.write_message(Message::binary(vec![0; 1 << 20])).await);
    });
    let (_, client) = open_in_memory(service).await;
    let summary = tracker.shutdown().timeout(Duration::from_secs(1)).await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    let error = results.recv().await.expect("it has ended").expect_err("aborted");
    assert!(matches!(error.kind(), ErrorKind::ConnectionLost), "{error:?}");
    drop(client);
}

#[test]
fn tracker_and_shutdown_cross_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Tracker>();
    sent::<ws_tower::Shutdown>();
    sent::<ws_tower::ShutdownFuture>();
}

// Shows LIF-1.
#[tokio::test]
async fn ten_thousand_connections_are_tracked_and_shut_down() {
    const MANY: usize = 10_000;
    let (tracker, service) = tracked(echo);
    let mut clients = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        clients.push(watch(open(&service).await));
    }
    let shutdown = tracker.shutdown().stagger(Duration::from_millis(100)).timeout(Duration::from_secs(60));
    let summary = shutdown.await;
    assert_eq!((summary.closed, summary.aborted), (MANY, 0));
    for client in clients {
        assert_eq!(code(client).await, 1001);
    }
    assert!(tracker.is_empty());
}
