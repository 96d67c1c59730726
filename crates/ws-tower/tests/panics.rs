//! Handlers that panic: their clients see 1011, and nobody else sees anything.

mod support;

use std::{convert::Infallible, panic::resume_unwind, time::Duration};

use http::Request;
use hyper::body::Incoming;
use support::{CLOSE, Handshake, Raw, TEXT, open_in_memory, within};
use ws_core::{CloseCode, CloseFrame, Conn, Message, MessageKind};
use ws_tower::{ResponseBody, Tracker, Upgraded, Upgrader};

const INTERNAL_ERROR: [u8; 2] = 1011u16.to_be_bytes();

/// As `panic!`, without the message on standard error.
fn bug() -> ! {
    resume_unwind(Box::new("a bug"))
}

/// Echoes until it is told to panic.
async fn echo_or_panic(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        conn.queue_message(message.clone()).await.expect("queued");
        if message == Message::text("panic") {
            bug();
        }
    }
}

// Shows LIF-2.
#[tokio::test]
async fn client_of_a_handler_that_panics_sees_1011_and_the_others_see_nothing() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(echo_or_panic);
    let addr = support::serve_hyper(service).await;
    let (mut other, _) = Raw::open(addr, &Handshake::new("/")).await;
    for panics in 1..=3 {
        let (mut raw, _) = Raw::open(addr, &Handshake::new("/")).await;
        raw.send_frame(TEXT, b"panic").await;
        assert_eq!(raw.frame().await, (TEXT, b"panic".to_vec()), "what was queued comes first");
        assert_eq!(raw.frame().await, (CLOSE, INTERNAL_ERROR.to_vec()));
        assert!(raw.rest().await.is_empty());
        assert_eq!(tracker.panics(), panics);
    }
    other.send_frame(TEXT, b"fine").await;
    assert_eq!(other.frame().await, (TEXT, b"fine".to_vec()));
    drop(other);
    within(tracker.wait_idle()).await;
}

/// Closing a socket over unread bytes resets the connection, and a reset may overtake the close frame.
#[tokio::test]
async fn close_frame_arrives_though_the_server_has_left_bytes_unread() {
    let service = Upgrader::new().service(|mut conn: Conn<Upgraded>| async move {
        let _ = conn.read_message().await;
        bug();
    });
    let addr = support::serve_hyper(service).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/")).await;
    raw.send_frame(TEXT, b"first").await;
    // More than the server's read buffer and what the sockets hold; it ends only if somebody reads it.
    let flood = support::masked(TEXT, &[b'x'; 100]).repeat(100_000);
    raw.send(&flood).await;
    assert_eq!(raw.frame().await, (CLOSE, INTERNAL_ERROR.to_vec()));
    assert!(raw.rest().await.is_empty(), "a FIN and no reset");
    // The client's close, after which the server is done with it.
    raw.send_frame(CLOSE, &INTERNAL_ERROR).await;
}

#[tokio::test]
async fn message_that_is_half_written_is_finished_first() {
    let service = Upgrader::new().service(|mut conn: Conn<Upgraded>| async move {
        let message = Message::binary(vec![7; 8 << 20]);
        // The client does not read yet.
        let _ = tokio::time::timeout(Duration::from_millis(20), conn.write_message(message)).await;
        bug();
    });
    let addr = support::serve_hyper(service).await;
    let (mut raw, _) = Raw::open(addr, &Handshake::new("/")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let rest = raw.rest().await;
    let header = [&[0x82, 127][..], &(8u64 << 20).to_be_bytes()].concat();
    assert_eq!(rest[..10], header);
    assert_eq!(rest.len(), 10 + (8 << 20) + 4);
    assert_eq!(rest[rest.len() - 4..], [0x88, 2, INTERNAL_ERROR[0], INTERNAL_ERROR[1]]);
}

#[tokio::test(start_paused = true)]
async fn client_that_neither_reads_nor_leaves_is_dropped_after_the_close_timeout() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(|conn: Conn<Upgraded>| async move {
        let _conn = conn;
        bug();
    });
    let (_, client) = open_in_memory(service).await;
    let start = tokio::time::Instant::now();
    tracker.wait_idle().await;
    assert_eq!(start.elapsed().as_secs(), 5);
    drop(client);
}

#[tokio::test]
async fn writer_in_progress_and_halves_send_1011_too() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(|conn: Conn<Upgraded>| async move {
        use tokio::io::AsyncWriteExt as _;
        let (_read, mut write) = conn.into_split();
        let mut message = write.next_writer(MessageKind::Text).await.expect("begun");
        message.write_all(b"part").await.expect("written");
        message.flush().await.expect("flushed");
        bug();
    });
    let (_, mut client) = open_in_memory(service).await;
    let error = client.read_message().await.expect_err("the message is never whole");
    assert_eq!(error.close_code(), Some(CloseCode::INTERNAL_ERROR));
    within(tracker.wait_idle()).await;
    assert_eq!(tracker.panics(), 1, "once, whatever was dropped");
}

#[tokio::test]
async fn panic_reaches_the_task_of_a_connection_by_hand_and_is_counted() {
    let (send, mut tasks) = tokio::sync::mpsc::unbounded_channel();
    let tracker = Tracker::new();
    let upgrader = Upgrader::new().tracker(tracker.clone());
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        let accepted = upgrader.upgrade(&mut request).expect("accepted");
        let task = tokio::spawn(async move {
            let _conn = accepted.conn.await.expect("upgraded");
            bug();
        });
        send.send(task).ok();
        std::future::ready(Ok::<_, Infallible>(accepted.response.map(|()| ResponseBody::empty())))
    });
    let (_, mut client) = open_in_memory(service).await;
    let task = tasks.recv().await.expect("a task");
    let error: tokio::task::JoinError = task.await.expect_err("it panics");
    assert!(error.is_panic());
    let error = client.read_message().await.expect_err("closed with an error");
    assert_eq!(error.close_code(), Some(CloseCode::INTERNAL_ERROR));
    assert_eq!(tracker.panics(), 1);
}

#[tokio::test]
async fn handler_that_panics_after_the_end_is_counted() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(|mut conn: Conn<Upgraded>| async move {
        while let Ok(Some(_)) = conn.read_message().await {}
        drop(conn);
        bug();
    });
    let (_, mut client) = open_in_memory(service).await;
    client.close(None).await.expect("a normal end");
    within(tracker.wait_idle()).await;
    assert_eq!(tracker.panics(), 1);
}

// Shows LIF-3.
#[tokio::test]
async fn connection_that_is_dropped_or_aborted_without_a_panic_is_silent() {
    let service = Upgrader::new().service(|mut conn: Conn<Upgraded>| async move {
        match conn.read_message().await.expect("read") {
            Some(message) if message == Message::text("abort") => conn.abort(),
            _ => drop(conn),
        }
    });
    for how in ["abort", "drop"] {
        let (_, mut client) = open_in_memory(service.clone()).await;
        client.write_message(how).await.expect("sent");
        let error = client.read_message().await.expect_err("no close frame");
        assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE), "{how}");
    }
}

#[cfg(feature = "axum")]
mod axum {
    use ::axum::{Router, routing::any};
    use futures_util::StreamExt as _;
    use ws_tower::{UpgradeLayer, extract::WebSocketUpgrade};

    use super::*;

    #[tokio::test]
    async fn extractor_sends_1011_whole_and_split() {
        let tracker = Tracker::new();
        let app = Router::new()
            .route(
                "/whole",
                any(async |ws: WebSocketUpgrade| {
                    ws.on_upgrade(|mut socket| async move {
                        let _ = socket.recv().await;
                        bug();
                    })
                }),
            )
            .route(
                "/split",
                any(async |ws: WebSocketUpgrade| {
                    ws.on_upgrade(|socket| async move {
                        let (_sink, mut stream) = socket.split();
                        let _ = stream.next().await;
                        bug();
                    })
                }),
            )
            .layer(UpgradeLayer::new(Upgrader::new().tracker(tracker.clone())));
        let addr = support::serve_axum(app).await;
        for path in ["/whole", "/split"] {
            let (mut raw, _) = Raw::open(addr, &Handshake::new(path)).await;
            raw.send_frame(TEXT, b"hello").await;
            assert_eq!(raw.frame().await, (CLOSE, INTERNAL_ERROR.to_vec()), "{path}");
        }
        assert_eq!(tracker.panics(), 2);
    }

    #[tokio::test]
    async fn handler_before_the_upgrade_that_panics_is_no_connection() {
        let tracker = Tracker::new();
        let app = Router::new()
            .route("/", any(async |_: WebSocketUpgrade| -> ::axum::response::Response { bug() }))
            .layer(UpgradeLayer::new(Upgrader::new().tracker(tracker.clone())));
        let addr = support::serve_axum(app).await;
        let mut raw = Raw::connect(addr).await;
        raw.send(&Handshake::new("/").bytes()).await;
        assert!(raw.rest().await.is_empty());
        within(tracker.wait_idle()).await;
        assert_eq!(tracker.panics(), 0);
    }
}

/// Of the close frame of a shutdown and that of a panic, the one that was asked for first is sent.
#[tokio::test(start_paused = true)]
async fn close_frame_that_was_asked_for_before_is_the_one() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(|conn: Conn<Upgraded>| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let _conn = conn;
        bug();
    });
    let (_, mut client) = open_in_memory(service).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracker.close_all(CloseFrame::new(CloseCode::SERVICE_RESTART, "")).expect("asked");
    let error = client.read_message().await.expect_err("closed with an error");
    assert_eq!(error.close_code(), Some(CloseCode::SERVICE_RESTART));
}
