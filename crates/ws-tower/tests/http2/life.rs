//! Streams that are tracked and limited, and handlers that panic on one of them.

use std::{panic::resume_unwind, time::Duration};

use http::header;
use ws_core::{Conn, Message};
use ws_tower::{AllowedHosts, ConnectionLimit, Tracker, Upgraded, Upgrader, http::uri::Scheme};

use crate::{
    client::{Connection, configured, handshake},
    support::{CLOSE, TEXT, within},
};

const GOING_AWAY: [u8; 2] = 1001u16.to_be_bytes();
const INTERNAL_ERROR: [u8; 2] = 1011u16.to_be_bytes();

/// Echoes; panics when it is told to, and when it is told to hang, never comes back to its connection.
async fn serve(mut conn: Conn<Upgraded>) {
    while let Ok(Some(message)) = conn.read_message().await {
        match message {
            Message::Text(text) if text == "panic" => resume_unwind(Box::new("a bug")),
            Message::Text(text) if text == "hang" => std::future::pending().await,
            message => conn.write_message(message).await.expect("written"),
        }
    }
}

async fn status(connection: &Connection) -> (u16, Option<String>) {
    let (response, _stream) = connection.ask(handshake().body(()).expect("a request")).await;
    let retry_after = response.headers().get(header::RETRY_AFTER);
    assert!(!response.headers().contains_key(header::CONNECTION));
    (response.status().as_u16(), retry_after.map(|value| value.to_str().expect("text").to_owned()))
}

// Shows LIF-2.
#[tokio::test(start_paused = true)]
async fn panic_closes_its_stream_with_1011_and_gives_its_place_back() {
    let tracker = Tracker::new();
    let upgrader = Upgrader::new().tracker(tracker.clone()).limit(ConnectionLimit::new().total(2));
    let connection = Connection::to(&configured(), upgrader.service(serve)).await;
    let mut other = connection.open().await;
    for panics in 1..=3 {
        let mut socket = connection.open().await;
        assert_eq!(status(&connection).await, (503, Some("5".to_owned())));
        socket.send_frame(TEXT, b"panic").await;
        assert_eq!(within(socket.frame()).await, (CLOSE, INTERNAL_ERROR.to_vec()));
        socket.send_frame(CLOSE, &INTERNAL_ERROR).await;
        socket.send.send_data(bytes::Bytes::new(), true).expect("an open stream");
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((tracker.len(), tracker.panics()), (1, panics));
        other.echoes("fine").await;
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_every_stream_and_refuses_new_ones() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(serve);
    let connection = Connection::to(&configured(), service).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(connection.open().await);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(tracker.len(), 5);
    let shutdown = tokio::spawn(tracker.shutdown().into_future());
    for socket in &mut sockets {
        assert_eq!(within(socket.frame()).await, (CLOSE, GOING_AWAY.to_vec()));
    }
    assert_eq!(status(&connection).await, (503, Some("5".to_owned())));
    for socket in &mut sockets {
        socket.send_frame(CLOSE, &GOING_AWAY).await;
    }
    let summary = within(shutdown).await.expect("no panic");
    assert_eq!((summary.closed, summary.aborted), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn stream_whose_handler_hangs_is_aborted_with_its_close_frame() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(serve);
    let connection = Connection::to(&configured(), service).await;
    let mut socket = connection.open().await;
    socket.echoes("here").await;
    socket.send_frame(TEXT, b"hang").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let shutdown = tokio::spawn(tracker.shutdown().timeout(Duration::from_millis(50)).into_future());
    assert_eq!(within(socket.frame()).await, (CLOSE, GOING_AWAY.to_vec()));
    let summary = within(shutdown).await.expect("no panic");
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    assert!(tracker.is_empty());
}

#[tokio::test(start_paused = true)]
async fn stream_whose_peer_takes_nothing_is_aborted_and_the_connection_lives() {
    let tracker = Tracker::new();
    let service = Upgrader::new().tracker(tracker.clone()).service(|mut conn| async move {
        conn.write_message(Message::Binary(vec![0; 1 << 20].into())).await.expect_err("nobody takes it");
    });
    let connection = Connection::to(&configured(), service).await;
    let _unread = connection.open().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let summary = within(tracker.shutdown().timeout(Duration::from_millis(50)).into_future()).await;
    assert_eq!((summary.closed, summary.aborted), (0, 1));
    assert!(tracker.is_empty());
    assert_eq!(status(&connection).await.0, 503);
}

// Shows ORG-5.
#[tokio::test(start_paused = true)]
async fn scheme_that_the_client_names_counts_for_nothing() {
    let upgrader = Upgrader::new().external_scheme(Scheme::HTTPS);
    let connection = Connection::to(&configured(), upgrader.service(serve)).await;
    for scheme in ["https", "http"] {
        for (origin, expected) in [("https://server.example", 200), ("http://server.example", 403)] {
            let request = http::Request::connect(format!("{scheme}://server.example/ws"))
                .extension(h2::ext::Protocol::from_static("websocket"))
                .header("sec-websocket-version", "13")
                .header("origin", origin);
            let (response, _stream) = connection.ask(request.body(()).expect("a request")).await;
            assert_eq!(response.status(), expected, "{scheme}, {origin}");
        }
    }
}

// Shows ORG-6.
#[tokio::test(start_paused = true)]
async fn authority_is_the_host_that_must_be_allowed() {
    for (hosts, expected) in [("server.example", 200), ("other.example", 421)] {
        let upgrader = Upgrader::new().allowed_hosts(AllowedHosts::list([hosts]).expect("hosts"));
        let connection = Connection::to(&configured(), upgrader.service(serve)).await;
        assert_eq!(status(&connection).await.0, expected, "{hosts}");
    }
}

/// hyper calls a service in the task of the connection: a panic there would end all of its streams.
#[tokio::test(start_paused = true)]
async fn panic_that_shapes_a_refusal_leaves_the_other_streams_alone() {
    let upgrader = Upgrader::new().on_rejection(|_, _| resume_unwind(Box::new("a bug")));
    let connection = Connection::to(&configured(), upgrader.service(serve)).await;
    let mut other = connection.open().await;
    other.echoes("before").await;
    let request = handshake().header("origin", "null").body(()).expect("a request");
    let (response, _stream) = connection.ask(request).await;
    assert_eq!(response.status(), 403);
    other.echoes("after").await;
}
