//! How connections and their WebSockets end, and that nothing is left of them.

use std::{future::poll_fn, time::Duration};

use h2::Reason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    task::yield_now,
    time::Instant,
};
use ws_client::{Conn, DialError, Dialer, ErrorKind, Http2Connection, Http2Stream, Message};

use crate::server::{Asked, Host, Server, Stream, builder, connected, dialer, pair, pipe, within};

async fn open(connection: &Http2Connection, server: &mut Server) -> (Conn<Http2Stream>, Conn<Stream>) {
    let (opened, accepted) =
        within(async { tokio::join!(connection.open("ws://example.com/"), server.accept()) }).await;
    (opened.unwrap().0, accepted)
}

/// The tasks of this runtime, once those that are ending have ended.
async fn tasks(expected: usize) {
    within(async {
        while Handle::current().metrics().num_alive_tasks() != expected {
            yield_now().await;
        }
    })
    .await;
}

// Shows H2-09.
#[tokio::test]
async fn lost_connection_is_lost_for_every_websocket_on_it() {
    let (connection, mut server) = connected().await;
    let (mut one, _one) = open(&connection, &mut server).await;
    let (mut other, _other) = open(&connection, &mut server).await;
    server.end.abort();
    for conn in [&mut one, &mut other] {
        let error = within(conn.read_message()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
        assert!(conn.write_message("too late").await.is_err());
    }
}

#[tokio::test]
async fn stream_that_is_reset_is_a_lost_connection_and_the_others_go_on() {
    let (connection, mut server) = connected().await;
    let (mut one, mut accepted) = open(&connection, &mut server).await;
    let (mut other, mut other_accepted) = open(&connection, &mut server).await;
    accepted.get_mut().reset(Reason::CANCEL);
    assert_eq!(within(one.read_message()).await.unwrap_err().kind(), &ErrorKind::ConnectionLost);
    let error = one.write_message("too late").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectionLost);
    other.write_message("hello").await.unwrap();
    assert_eq!(other_accepted.read_message().await.unwrap(), Some(Message::text("hello")));
}

#[tokio::test]
async fn what_was_written_arrives_though_the_websocket_is_dropped() {
    let (connection, mut server) = connected().await;
    let (mut conn, mut accepted) = open(&connection, &mut server).await;
    conn.write_message("last words").await.unwrap();
    drop(conn);
    assert_eq!(within(accepted.read_message()).await.unwrap(), Some(Message::text("last words")));
    assert_eq!(within(accepted.read_message()).await.unwrap_err().kind(), &ErrorKind::ConnectionLost);
}

#[tokio::test]
async fn dropped_open_resets_its_stream() {
    let (connection, mut server) = connected().await;
    let opening = {
        let connection = connection.clone();
        tokio::spawn(async move { connection.open("ws://example.com/").await })
    };
    let mut asked: Asked = server.asked().await;
    opening.abort();
    let reset = within(poll_fn(|cx| asked.respond.poll_reset(cx))).await.unwrap();
    assert_eq!(reset, Reason::CANCEL);
    open(&connection, &mut server).await;
}

// Shows H2-07.
#[tokio::test(start_paused = true)]
async fn writes_wait_for_the_window_of_the_server() {
    let (connection, mut server) = connected().await;
    let (mut conn, accepted) = open(&connection, &mut server).await;
    let mut written = 0;
    // The server reads nothing. The loop ends because writes wait, with the queue of the connection full.
    while let Ok(result) =
        tokio::time::timeout(Duration::from_secs(1), conn.write_message(vec![0; 10_000])).await
    {
        result.unwrap();
        written += 10_000;
        assert!(written < 1 << 20, "it does not wait");
    }
    assert!(written >= 50_000, "{written}");
    drop(accepted);
}

// Shows LIF-3.
#[tokio::test]
async fn task_of_a_connection_ends_with_its_last_user() {
    let (near, far) = pipe();
    let before = Handle::current().metrics().num_alive_tasks();
    let mut server = Server::new(far, builder());
    let connection = within(Dialer::new().http2().handshake(near)).await.unwrap();
    let (conn, _accepted) = open(&connection, &mut server).await;
    drop(connection.clone());
    drop(connection);
    tasks(before + 2).await;
    drop(conn);
    drop(_accepted);
    within(server.ended()).await.unwrap();
    tasks(before).await;
}

#[tokio::test]
async fn connection_without_websockets_ends_with_its_owner() {
    let (connection, server) = connected().await;
    let before = Handle::current().metrics().num_alive_tasks();
    drop(connection);
    within(server.ended()).await.unwrap();
    tasks(before - 2).await;
}

#[tokio::test]
async fn connections_end_with_the_dialer_and_its_clones() {
    let mut host = Host::new(builder()).await;
    let before = Handle::current().metrics().num_alive_tasks();
    let dialer = dialer();
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        (server.accept().await, server)
    };
    let (dialed, (mut accepted, server)) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    let mut conn = dialed.unwrap().0;
    drop(dialer);
    // The WebSocket does not need it.
    conn.write_message("hello").await.unwrap();
    assert_eq!(accepted.read_message().await.unwrap(), Some(Message::text("hello")));
    drop((conn, accepted));
    within(server.ended()).await.unwrap();
    tasks(before).await;
}

#[tokio::test]
async fn connection_without_websockets_is_closed_after_a_time() {
    let mut host = Host::new(builder()).await;
    // The shortest there is.
    let dialer = dialer().idle_timeout(Duration::ZERO);
    let url = host.url();
    let script = async {
        let mut server = host.connection().await;
        (server.accept().await, server)
    };
    let (dialed, (accepted, server)) = within(async { tokio::join!(dialer.dial(&url), script) }).await;
    let start = Instant::now();
    drop((dialed.unwrap(), accepted));
    within(server.ended()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(900), "it was not kept");
}

/// What the peer does not take is not kept for ever.
#[tokio::test(start_paused = true)]
async fn bytes_that_the_server_does_not_take_hold_an_unused_connection_for_ten_seconds() {
    let (near, mut far) = tokio::io::duplex(100);
    // SETTINGS with ENABLE_CONNECT_PROTOCOL.
    far.write_all(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01").await.unwrap();
    let before = Handle::current().metrics().num_alive_tasks();
    let connection = Dialer::new().http2().handshake(near).await.unwrap();
    // The request does not fit into the pipe.
    let timeout = Duration::from_secs(1);
    assert!(tokio::time::timeout(timeout, connection.open("ws://example.com/")).await.is_err());
    let start = Instant::now();
    drop(connection);
    while Handle::current().metrics().num_alive_tasks() != before {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(start.elapsed().as_secs(), 10);
}

/// A server that has vanished without a word: the pipe takes bytes, and nothing comes back.
async fn vanished(dialer: ws_client::Http2Dialer) -> Result<Http2Connection, DialError> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    far.write_all(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01").await.unwrap();
    // The acknowledgement of the client's.
    far.write_all(b"\x00\x00\x00\x04\x01\x00\x00\x00\x00").await.unwrap();
    tokio::spawn(async move {
        let mut sink = vec![0; 1024];
        while far.read(&mut sink).await.is_ok_and(|length| length > 0) {}
    });
    dialer.handshake(near).await
}

#[tokio::test(start_paused = true)]
async fn server_that_does_not_answer_a_ping_has_lost_the_connection() {
    let start = Instant::now();
    let connection = vanished(Dialer::new().handshake_timeout(None).http2()).await.unwrap();
    connection.open("ws://example.com/").await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 60 + 20);
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn pings_can_be_set_and_turned_off() {
    let start = Instant::now();
    let dialer = Dialer::new().handshake_timeout(None).http2();
    let connection = vanished(dialer.clone().keep_alive(Duration::from_secs(5))).await.unwrap();
    connection.open("ws://example.com/").await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 5 + 20);

    let connection = vanished(dialer.keep_alive(None)).await.unwrap();
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, connection.open("ws://example.com/")).await.is_err());
    assert!(!connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn answered_pings_keep_a_connection() {
    let (connection, mut server) = pair(Dialer::new().http2()).await;
    let connection = connection.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let (opened, _accepted) = tokio::join!(connection.open("ws://example.com/"), server.accept());
    opened.unwrap();
}
