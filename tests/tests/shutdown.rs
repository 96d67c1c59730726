//! Servers that stop, and servers that are held up: over sockets, with many clients.

use std::{
    future::IntoFuture as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{Router, response::Response, routing::any};
use futures_util::future::try_join_all;
use http::HeaderMap;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use ws_client::{Transport, dial};
use ws_core::{CloseCode, Conn, Message};
use ws_tests::{
    raw::{RawClient, request},
    serve::{echo, upgrade_to},
};
use ws_tower::{ShutdownSummary, Tracker, UpgradeLayer, Upgrader, extract::WebSocketUpgrade};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = ()> = std::result::Result<T, Error>;

/// A program as it should be written: it serves until it is told to stop, and ends when its clients know.
struct Program {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<std::io::Result<ShutdownSummary>>,
}

impl Program {
    async fn start(app: impl FnOnce(Tracker) -> Router) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let tracker = Tracker::new();
        let app = app(tracker.clone());
        let server = axum::serve(listener, app).with_graceful_shutdown(tracker.shutdown_begun());
        let server = tokio::spawn(server.into_future());
        let (stop, signal) = oneshot::channel();
        let end = tokio::spawn(async move {
            let _ = signal.await;
            let summary = tracker.shutdown().stagger(Duration::from_millis(200)).await;
            server.await??;
            Ok(summary)
        });
        Ok(Self { addr, stop, end })
    }

    fn url(&self) -> String {
        format!("ws://{}/ws", self.addr)
    }

    /// Stops it, as a signal does, and waits for its end.
    async fn stop(self) -> Result<ShutdownSummary> {
        let _ = self.stop.send(());
        Ok(timeout(PATIENCE, self.end).await???)
    }
}

fn echoing(tracker: Tracker) -> Router {
    Router::new()
        .route("/ws", upgrade_to(|conn| async move { drop(echo(conn).await) }))
        .layer(UpgradeLayer::new(Upgrader::new().tracker(tracker)))
}

/// Sends and receives without a pause until the server ends it; gives the code that the server sent.
async fn busy(mut conn: Conn<Transport>) -> Result<Option<u16>> {
    for number in 0u32.. {
        match conn.write_message(Message::text(format!("message {number}"))).await {
            Ok(()) => {}
            // The close frame came with the last answer.
            Err(error) if error.is_usage() => {}
            Err(error) => return Err(error.into()),
        }
        match conn.read_message().await? {
            Some(message) => assert_eq!(message, Message::text(format!("message {number}"))),
            None => break,
        }
    }
    assert!(conn.closing().received_first());
    Ok(conn.closing().received().flatten().map(|frame| frame.code.as_u16()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_busy_client_sees_1001_and_the_program_ends() -> Result {
    const CLIENTS: usize = 200;
    let program = Program::start(echoing).await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (conn, _) = dial(program.url()).await?;
        clients.spawn(busy(conn));
    }
    // Everybody is in the middle of something.
    sleep(Duration::from_millis(50)).await;
    let addr = program.addr;
    let summary = program.stop().await?;
    assert_eq!((summary.closed, summary.aborted), (CLIENTS, 0));
    while let Some(client) = clients.join_next().await {
        assert_eq!(client??, Some(1001));
    }
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_handlers_that_only_write_see_1001_though_they_write_too() -> Result {
    const CLIENTS: usize = 20;
    let program = Program::start(|tracker| {
        let write = |mut conn: Conn<ws_tower::Upgraded>| async move {
            while conn.write_message("tick").await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        Router::new()
            .route("/ws", upgrade_to(write))
            .layer(UpgradeLayer::new(Upgrader::new().tracker(tracker)))
    })
    .await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (mut conn, _) = dial(program.url()).await?;
        clients.spawn(async move {
            let mut sent = 0;
            loop {
                // Nobody reads this.
                if sent < 100 {
                    conn.queue_message(Message::binary(vec![0; 100])).await?;
                    sent += 1;
                }
                if conn.read_message().await?.is_none() {
                    return Ok::<_, Error>(conn.closing().received().flatten().map(|frame| frame.code));
                }
            }
        });
    }
    sleep(Duration::from_millis(50)).await;
    let summary = program.stop().await?;
    assert_eq!((summary.closed, summary.aborted), (CLIENTS, 0));
    while let Some(client) = clients.join_next().await {
        assert_eq!(client??, Some(CloseCode::GOING_AWAY));
    }
    Ok(())
}

#[tokio::test]
async fn handshakes_on_their_way_get_a_connection_that_closes_or_503() -> Result {
    let program = Program::start(|tracker| {
        // Slow before the upgrade, as after a look into a database.
        let slow = async |headers: HeaderMap, ws: WebSocketUpgrade| -> Response {
            if headers.contains_key("x-slow") {
                sleep(Duration::from_millis(300)).await;
            }
            ws.on_upgrade(|socket| async move { drop(echo(socket.into_conn()).await) })
        };
        Router::new().route("/ws", any(slow)).layer(UpgradeLayer::new(Upgrader::new().tracker(tracker)))
    })
    .await?;
    let addr = program.addr;
    let mut checked = RawClient::connect(addr).await?;
    let slow = request(addr).replace("\r\n\r\n", "\r\nX-Slow: yes\r\n\r\n");
    checked.send(slow.as_bytes()).await?;
    let mut unfinished = RawClient::connect(addr).await?;
    let bytes = request(addr).into_bytes();
    unfinished.send(&bytes[..bytes.len() - 2]).await?;
    sleep(Duration::from_millis(100)).await;

    let stopped = tokio::spawn(program.stop());
    sleep(Duration::from_millis(50)).await;
    unfinished.send(&bytes[bytes.len() - 2..]).await?;
    let head = unfinished.read_head().await?.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 503 ") && head.contains("retry-after: 5"), "{head}");

    let head = checked.read_head().await?;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (header, payload) = checked.read_frame().await?;
    assert_eq!((header.opcode, &payload[..]), (ws_core::frame::Opcode::CLOSE, &1001u16.to_be_bytes()[..]));
    // It closes, and the server has nothing left to wait for.
    drop(checked);
    let summary = stopped.await??;
    assert_eq!((summary.closed, summary.aborted), (1, 0));
    Ok(())
}

#[tokio::test]
async fn shutdown_goes_along_with_that_of_hyper_util() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let addr = listener.local_addr()?;
    let tracker = Tracker::new();
    let app = echoing(tracker.clone());
    let server = tokio::spawn({
        let begun = tracker.shutdown_begun();
        async move {
            let graceful = GracefulShutdown::new();
            let mut begun = std::pin::pin!(begun);
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted?.0,
                    () = &mut begun => break,
                };
                let service = TowerToHyperService::new(app.clone());
                let builder = auto::Builder::new(TokioExecutor::new());
                let conn = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
                let conn = graceful.watch(conn);
                tokio::spawn(async move { drop(conn.await) });
            }
            graceful.shutdown().await;
            Ok::<_, std::io::Error>(())
        }
    });
    let dialled = try_join_all((0..10).map(|_| dial(format!("ws://{addr}/ws")))).await?;
    let clients: Vec<_> = dialled.into_iter().map(|(conn, _)| tokio::spawn(busy(conn))).collect();
    sleep(Duration::from_millis(20)).await;
    let summary = timeout(PATIENCE, tracker.shutdown().into_future()).await?;
    assert_eq!((summary.closed, summary.aborted), (10, 0));
    timeout(PATIENCE, server).await???;
    for client in clients {
        assert_eq!(client.await??, Some(1001));
    }
    Ok(())
}

/// Clients that begin a handshake and never finish it, beside honest ones: the server as in `examples/src/serve.rs`.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_handshakes_are_shed_and_honest_clients_go_on() -> Result {
    const HALF_OPEN: usize = 2000;
    const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
    // Both ends are in this process.
    let many = HALF_OPEN.min((open_files_limit()?.saturating_sub(200)) / 2);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let addr = listener.local_addr()?;
    let tracker = Tracker::new();
    let app = echoing(tracker.clone());
    let server = tokio::spawn(async move {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(16 << 10);
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(app.clone());
            let conn = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
            tokio::spawn(async move { drop(conn.await) });
        }
    });
    let (mut honest, _) = dial(format!("ws://{addr}/ws")).await?;
    honest.write_message("before").await?;
    assert_eq!(honest.read_message().await?, Some("before".into()));
    let before = open_files()?;

    let bytes = request(addr).into_bytes();
    let mut half_open = Vec::with_capacity(many);
    for number in 0..many {
        let mut client = RawClient::connect(addr).await?;
        // Each stops somewhere else.
        client.send(&bytes[..number % bytes.len()]).await?;
        half_open.push(client);
    }
    let start = Instant::now();
    while start.elapsed() < HEAD_TIMEOUT / 2 {
        timeout(PATIENCE, honest.write_message("meanwhile")).await??;
        assert_eq!(timeout(PATIENCE, honest.read_message()).await??, Some("meanwhile".into()));
        let (mut newcomer, _) = timeout(PATIENCE, dial(format!("ws://{addr}/ws"))).await??;
        timeout(PATIENCE, newcomer.close(None)).await??;
    }
    // Half a handshake is no connection; the newcomers have left.
    timeout(PATIENCE, async {
        while tracker.len() > 1 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await?;
    // Each is answered or cut off.
    timeout(PATIENCE, try_join_all(half_open.iter_mut().map(RawClient::read_to_end))).await??;
    drop(half_open);
    timeout(PATIENCE, async {
        while open_files().is_ok_and(|now| now > before + 10) {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await?;
    honest.write_message("after").await?;
    assert_eq!(honest.read_message().await?, Some("after".into()));
    server.abort();
    Ok(())
}

#[cfg(target_os = "linux")]
fn open_files() -> Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

/// How many there may be.
#[cfg(target_os = "linux")]
fn open_files_limit() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    Ok(soft.and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX))
}

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
