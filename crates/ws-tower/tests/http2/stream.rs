//! The stream as a transport: DATA frames, END_STREAM and RST_STREAM.

use std::sync::Arc;

use h2::Reason;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::sync::Notify;
use ws_core::Message;
use ws_tower::Upgrader;

use crate::{
    client::{Connection, configured, echo},
    support::{BINARY, CLOSE, masked, within},
};

// Shows H2-04.
#[tokio::test]
async fn header_and_payload_leave_in_one_data_frame() {
    // Over the size up to which payloads are copied: over TCP it would be queued by reference.
    let service = Upgrader::new().service(|mut conn| async move {
        conn.write_message(Message::Binary(vec![7; 12_000].into())).await.expect("written");
        conn.read_message().await.ok();
    });
    let connection = Connection::to(&configured(), service).await;
    let mut socket = connection.open().await;
    let data = socket.data().await.expect("a frame").expect("an open stream");
    assert_eq!((data.len(), &data[..4]), (12_004, &[0x82, 126, 0x2E, 0xE0][..]));
}

// Shows H2-04.
#[tokio::test]
async fn no_data_frame_is_empty_but_the_last() {
    let service = Upgrader::new().service(|mut conn| async move {
        for len in [0, 1, 125, 16 << 10, 100_000] {
            conn.write_message(Message::Binary(vec![7; len].into())).await.expect("written");
            conn.flush().await.expect("flushed");
        }
        conn.close(None).await.ok();
    });
    let connection = Connection::to(&configured(), service).await;
    let mut socket = connection.open().await;
    let mut sizes = Vec::new();
    while let Some(Ok(data)) = socket.data().await {
        sizes.push(data.len());
        if data.ends_with(&[0x88, 0]) {
            socket.send_frame(CLOSE, b"").await;
        }
    }
    let last = sizes.iter().rposition(|&size| size > 0).expect("bytes");
    assert!(sizes[..last].iter().all(|&size| size > 0), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 2 + 3 + 127 + (4 + (16 << 10)) + 100_010 + 2);
}

#[tokio::test]
async fn stream_ends_after_the_closing_handshake() {
    let connection = Connection::to(&configured(), echo()).await;
    let mut socket = connection.open().await;
    socket.send_frame(CLOSE, &[0x03, 0xE8]).await;
    assert_eq!(within(socket.frame()).await, (CLOSE, vec![0x03, 0xE8]));
    // END_STREAM comes as it is, or as an empty frame.
    if let Some(data) = socket.data().await {
        assert!(data.expect("the end and no reset").is_empty());
    }
    connection.open().await.echoes("the next").await;
}

#[tokio::test]
async fn stream_of_a_dropped_connection_is_reset() {
    let connection = Connection::to(&configured(), Upgrader::new().service(|_| async {})).await;
    let mut socket = connection.open().await;
    while let Some(Ok(data)) = socket.data().await {
        assert!(data.is_empty());
    }
    let reason = within(std::future::poll_fn(|cx| socket.send.poll_reset(cx))).await.expect("a reset");
    assert_eq!(reason, Reason::NO_ERROR);
}

#[tokio::test]
async fn end_of_stream_and_reset_are_lost_connections() {
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |mut conn| async move {
        ended.send(conn.read_message().await.map_err(|error| error.close_code())).ok();
    });
    let connection = Connection::to(&configured(), service).await;
    let mut socket = connection.open().await;
    socket.send.send_data(bytes::Bytes::new(), true).expect("an open stream");
    let lost = within(ends.recv()).await.expect("an end").expect_err("no closing handshake");
    assert_eq!(lost.map(u16::from), Some(1006));

    let mut socket = connection.open().await;
    for reason in [Reason::CANCEL, Reason::STREAM_CLOSED, Reason::INTERNAL_ERROR, Reason::FLOW_CONTROL_ERROR]
    {
        socket.send.send_reset(reason);
        let lost = within(ends.recv()).await.expect("an end").expect_err("no closing handshake");
        assert_eq!(lost.map(u16::from), Some(1006), "{reason:?}");
        socket = connection.open().await;
    }
}

#[tokio::test]
async fn graceful_shutdown_waits_for_the_stream() {
    let (near, far) = tokio::io::duplex(4096);
    let server = configured().serve_connection(TokioIo::new(far), TowerToHyperService::new(echo()));
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    let served = tokio::spawn(async move {
        let mut server = std::pin::pin!(server);
        tokio::select! {
            result = server.as_mut() => return result,
            () = stopped.notified() => server.as_mut().graceful_shutdown(),
        }
        server.await
    });
    let connection = Connection::over(near).await;
    let mut socket = connection.open().await;
    stop.notify_one();
    for text in ["while", "it", "waits"] {
        socket.echoes(text).await;
    }
    assert!(!served.is_finished());
    socket.send_frame(CLOSE, b"").await;
    assert_eq!(within(socket.frame()).await, (CLOSE, Vec::new()));
    drop(socket);
    within(served).await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn message_in_the_last_data_frame_is_read() {
    let (send, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let service = Upgrader::new().service(move |mut conn| async move {
        while let Ok(Some(message)) = conn.read_message().await {
            send.send(message).ok();
        }
    });
    let connection = Connection::to(&configured(), service).await;
    let mut socket = connection.open().await;
    socket.send.send_data(masked(BINARY, b"last").into(), true).expect("an open stream");
    assert_eq!(within(messages.recv()).await, Some(Message::Binary("last".into())));
}

#[tokio::test]
async fn addresses_are_not_known() {
    let service = Upgrader::new().service(|mut conn| async move {
        let transport = conn.get_ref();
        let known = (transport.peer_addr(), transport.local_addr(), transport.tcp().is_some());
        conn.write_message(format!("{known:?}")).await.expect("written");
    });
    let connection = Connection::to(&configured(), service).await;
    assert_eq!(within(connection.open().await.frame()).await.1, b"(None, None, false)");
}
