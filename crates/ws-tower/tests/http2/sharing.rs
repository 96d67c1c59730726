//! What WebSockets on one connection can do to each other, and what a client can do to the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::{Reason, client};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    sync::{Barrier, mpsc, watch},
    time::{Instant, sleep, timeout},
};
use ws_core::{Conn, Message};
use ws_tower::{
    Upgraded, Upgrader,
    http2::{CONNECTION_WINDOW, STREAM_WINDOW},
};

use crate::{
    client::{Connection, Server, Socket, configured, echo, unconfigured},
    support::{TEXT, masked, within},
};

/// Twenty bytes, which are 26 on the wire.
fn message() -> Bytes {
    masked(TEXT, b"a message of twenty.").into()
}

/// The first WebSocket is never read; the others are echoed.
async fn with_one_unread(server: &Server) -> Connection {
    let count = Arc::new(AtomicUsize::new(0));
    let service = Upgrader::new().service(move |mut conn| async move {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        while let Ok(Some(message)) = conn.read_message().await {
            if conn.write_message(message).await.is_err() {
                return;
            }
        }
    });
    Connection::to(server, service).await
}

/// Sends 10,000 messages, each in a DATA frame of its own, as the window lets it, or until the connection ends.
async fn flood(mut socket: Socket, sent: mpsc::UnboundedSender<()>) {
    for _ in 0..10_000 {
        if !socket.try_send_data(message()).await {
            return;
        }
        sent.send(()).ok();
        // What is queued has to leave: a stream that is dropped takes it along.
        tokio::task::yield_now().await;
    }
    std::future::pending().await
}

// Shows H2-07.
#[tokio::test(start_paused = true)]
async fn unread_stream_is_paused_and_the_others_go_on() {
    let connection = with_one_unread(&configured()).await;
    let unread = connection.open().await;
    let mut others = Vec::new();
    for _ in 0..99 {
        others.push(connection.open().await);
    }
    let (send, mut sent) = mpsc::unbounded_channel();
    tokio::spawn(flood(unread, send));
    // Time passes only when nothing else can happen.
    sleep(Duration::from_secs(1)).await;
    let mut count = 0;
    while sent.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, STREAM_WINDOW / 26);
    for _ in 0..3 {
        for socket in &mut others {
            socket.echoes("still here").await;
        }
    }
    sleep(Duration::from_secs(1)).await;
    assert!(sent.try_recv().is_err(), "the stream stays paused");
    assert!(!connection.end.is_finished());
}

/// A connection with a WebSocket that echoes, and the rest of as many streams as h2 remembers or more that the server has
/// dropped. The client does not hear of that yet and sends on: so many frames that nobody takes.
async fn with_frames_for_dropped_streams(server: &Server, frames: usize) -> (Connection, Socket) {
    const STREAMS: usize = 150;
    let (first, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(STREAMS + 1)));
    let all_gone = gone.clone();
    let service = Upgrader::new().service(move |mut conn| async move {
        if first.fetch_add(1, Ordering::SeqCst) == 0 {
            while let Ok(Some(message)) = conn.read_message().await {
                conn.write_message(message).await.expect("written");
            }
            return;
        }
        assert_eq!(conn.read_message().await.expect("an open stream"), Some(Message::from("drop it")));
        drop(conn);
        gone.wait().await;
    });
    let (held, hold) = watch::channel(false);
    let (near, middle) = tokio::io::duplex(1 << 20);
    let (other, far) = tokio::io::duplex(1 << 20);
    tokio::spawn(server.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)));
    tokio::spawn(hold_back(middle, other, hold));
    let connection = Connection::over(near).await;
    let mut neighbour = connection.open().await;
    neighbour.echoes("before").await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(connection.open().await);
    }
    held.send_replace(true);
    for socket in &mut streams {
        socket.send_frame(TEXT, b"drop it").await;
    }
    within(all_gone.wait()).await;
    for number in 0..frames {
        streams[number % STREAMS].send_data(message()).await;
        // What is queued has to leave.
        tokio::task::yield_now().await;
    }
    // Time passes only when nothing else can happen.
    sleep(Duration::from_secs(1)).await;
    held.send_replace(false);
    (connection, neighbour)
}

/// Passes bytes on, and those of the server only while they are not held back.
async fn hold_back(client: DuplexStream, server: DuplexStream, mut held: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        if held.wait_for(|held| !held).await.is_err() || to_client.write_all(&buffer[..count]).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn frames_for_dropped_streams_leave_the_others_alone() {
    let (connection, mut neighbour) = with_frames_for_dropped_streams(&configured(), 9_000).await;
    neighbour.echoes("still here").await;
    assert!(!connection.end.is_finished());
}

/// Another thing that `configure` is for.
#[tokio::test(start_paused = true)]
async fn frames_for_dropped_streams_end_a_connection_with_the_usual_limit() {
    let (connection, _neighbour) = with_frames_for_dropped_streams(&unconfigured(), 9_000).await;
    let error = within(connection.end).await.expect("no panic").expect_err("GOAWAY");
    assert_eq!((error.is_go_away(), error.reason()), (true, Some(Reason::ENHANCE_YOUR_CALM)));
}

/// What `configure` is for: with hyper's own windows the connection ends. If this fails, the documentation can be shorter.
// Shows H2-07.
#[tokio::test(start_paused = true)]
async fn unread_stream_ends_a_connection_with_the_usual_windows() {
    let connection = with_one_unread(&unconfigured()).await;
    let unread = connection.open().await;
    connection.open().await.echoes("before").await;
    let (send, mut sent) = mpsc::unbounded_channel();
    tokio::spawn(flood(unread, send));
    let error = within(connection.end).await.expect("no panic").expect_err("GOAWAY");
    assert_eq!((error.is_go_away(), error.reason()), (true, Some(Reason::ENHANCE_YOUR_CALM)));
    let mut count = 0;
    while sent.try_recv().is_ok() {
        count += 1;
    }
    assert!(count >= 2_279, "{count}");
}

/// The other thing that it is for.
#[tokio::test(start_paused = true)]
async fn unread_stream_stops_the_others_with_the_usual_windows() {
    const SECOND: Duration = Duration::from_secs(1);
    let connection = with_one_unread(&unconfigured()).await;
    let mut unread = connection.open().await;
    let mut other = connection.open().await;
    other.echoes("before").await;
    let mut sent = 0;
    while timeout(SECOND, unread.send_data(vec![0; 1 << 10].into())).await.is_ok() {
        sent += 1 << 10;
    }
    assert!(sent > 1_000_000, "{sent}");
    assert!(timeout(SECOND, other.send_data(vec![0; 1 << 10].into())).await.is_err());
}

// Shows H2-07.
#[tokio::test(start_paused = true)]
async fn fourteen_unread_streams_fit() {
    let service = Upgrader::new().service(|conn| async move {
        std::future::pending::<()>().await;
        drop(conn);
    });
    let connection = Connection::to(&configured(), service).await;
    let (send, _sent) = mpsc::unbounded_channel();
    let mut streams = 0;
    while !connection.end.is_finished() {
        streams += 1;
        tokio::spawn(flood(connection.open().await, send.clone()));
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(streams, 15);
    let error = within(connection.end).await.expect("no panic").expect_err("GOAWAY");
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
}

// Shows H2-04.
#[tokio::test(start_paused = true)]
async fn empty_data_frames_end_the_connection() {
    let connection = Connection::to(&configured(), echo()).await;
    let mut socket = connection.open().await;
    for _ in 0..100 {
        socket.send_data(Bytes::new()).await;
    }
    socket.echoes("still here").await;
    socket.send_data(Bytes::new()).await;
    let error = within(connection.end).await.expect("no panic").expect_err("GOAWAY");
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
}

// Shows H2-07.
#[tokio::test]
async fn small_messages_that_are_read_never_end_the_connection() {
    const SOCKETS: u32 = 20;
    // Unread they would cost more than there is.
    const EACH: u32 = CONNECTION_WINDOW / 2 / 230 / SOCKETS + 1;
    let total = Arc::new(AtomicU32::new(0));
    let seen = total.clone();
    let service = Upgrader::new().service(move |mut conn| async move {
        let mut own = 0;
        while let Ok(Some(_)) = conn.read_message().await {
            own += 1;
            seen.fetch_add(1, Ordering::SeqCst);
            if own == EACH {
                conn.write_message("all").await.expect("written");
            }
        }
    });
    let connection = Connection::to(&configured(), service).await;
    let mut tasks = Vec::new();
    for _ in 0..SOCKETS {
        let mut socket = connection.open().await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..EACH {
                socket.send_data(message()).await;
            }
            socket.frame().await
        }));
    }
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), (TEXT, b"all".to_vec()));
    }
    assert_eq!(total.load(Ordering::SeqCst), SOCKETS * EACH);
    assert!(!connection.end.is_finished());
}

/// A service that floods its peer, or echoes when it is asked to. It counts what was written, and says why it ended.
fn flooding(
    write_deadline: Option<Duration>,
) -> (impl FnOnce(Conn<Upgraded>) -> BoxFuture<'static, ()> + Clone + Send + 'static, Flood) {
    let (failed, failures) = mpsc::unbounded_channel();
    let written = Arc::new(AtomicUsize::new(0));
    let count = written.clone();
    let handler = move |mut conn: Conn<Upgraded>| -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while let Ok(Some(message)) = conn.read_message().await {
                if message == Message::from("flood") {
                    break;
                }
                conn.write_message(message).await.expect("written");
            }
            conn.set_write_deadline(write_deadline.map(|after| (Instant::now() + after).into_std()));
            loop {
                match conn.write_message(Message::Binary(vec![7; 10_000].into())).await {
                    Ok(()) => {
                        count.fetch_add(10_000, Ordering::SeqCst);
                    }
                    Err(error) => {
                        failed.send(error.is_timeout()).ok();
                        return;
                    }
                }
            }
        })
    };
    (handler, Flood { written, failures })
}

struct Flood {
    written: Arc<AtomicUsize>,
    failures: mpsc::UnboundedReceiver<bool>,
}

// Shows H2-05.
#[tokio::test(start_paused = true)]
async fn writes_wait_for_the_window_of_the_peer() {
    let (handler, flood) = flooding(None);
    let closed = &mut client::Builder::new();
    let connection =
        Connection::to_with(&configured(), Upgrader::new().service(handler), closed.initial_window_size(0))
            .await;
    let mut socket = connection.open().await;
    socket.send_frame(TEXT, b"flood").await;
    sleep(Duration::from_secs(60)).await;
    let stalled = flood.written.load(Ordering::SeqCst);
    assert!(stalled <= 64 << 10, "{stalled} bytes taken");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(flood.written.load(Ordering::SeqCst), stalled);
}

// Shows H2-06.
#[tokio::test(start_paused = true)]
async fn write_deadline_passes_and_the_connection_lives() {
    let (handler, mut flood) = flooding(Some(Duration::from_secs(5)));
    let wide = &mut client::Builder::new();
    let client = wide.initial_connection_window_size(1 << 20);
    let connection = Connection::to_with(&configured(), Upgrader::new().service(handler), client).await;
    let mut stuck = connection.open().await;
    stuck.send_frame(TEXT, b"flood").await;
    assert_eq!(flood.failures.recv().await, Some(true), "the deadline passed");

    // What the client sends to it now is thrown away, and takes nothing from the others.
    for _ in 0..2_000 {
        stuck.send_data(message()).await;
    }
    connection.open().await.echoes("still here").await;
    // hyper resets a stream only when what it has taken is gone.
    let taken = flood.written.load(Ordering::SeqCst) + 10_000;
    let mut received = 0;
    while let Some(Ok(data)) = stuck.data().await {
        received += data.len();
    }
    assert!(received <= taken + (taken >> 8), "{received} of {taken}");
    connection.open().await.echoes("and here").await;
}

#[tokio::test]
async fn message_larger_than_every_window_comes_through() {
    let connection = Connection::to(&configured(), echo()).await;
    let mut socket = connection.open().await;
    let mut frame = vec![0x82, 0xFF];
    frame.extend(1_000_000_u64.to_be_bytes());
    // A masking key of zeros leaves the payload as it is.
    frame.extend([0; 4]);
    frame.resize(frame.len() + 1_000_000, 7);
    for piece in frame.chunks(10_000) {
        socket.send_data(Bytes::copy_from_slice(piece)).await;
    }
    let mut received = Vec::new();
    while received.len() < 1_000_010 {
        received.extend_from_slice(&socket.data().await.expect("more").expect("an open stream"));
    }
    assert!(received[10..].iter().all(|&byte| byte == 7));
}
