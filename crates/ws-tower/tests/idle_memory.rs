//! What an idle connection holds on the heap of a server, counted by an allocator, and that all of it goes with it.

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../../ws-core/tests/support/heap.rs"]
mod heap;
mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Router, routing::any};
use heap::Mark;
use support::Handshake;
use tokio::{net::TcpListener, runtime::Builder};
use ws_core::{Conn, DeflateConfig, Error};
use ws_tower::{Upgraded, extract::WebSocketUpgrade};

/// A server in a thread of its own, whose heap alone is counted.
struct Server {
    addr: SocketAddr,
    open: Arc<AtomicUsize>,
    ask: tokio::sync::mpsc::UnboundedSender<mpsc::Sender<(isize, isize)>>,
}

/// As a user writes it: the connection is taken by value.
async fn echo(mut conn: Conn<Upgraded>) -> Result<(), Error> {
    while let Some(message) = conn.read_message().await? {
        conn.write_message(message).await?;
    }
    Ok(())
}

impl Server {
    fn start(deflate: Option<DeflateConfig>) -> Self {
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel::<mpsc::Sender<(isize, isize)>>();
        let (tell, told) = mpsc::channel();
        let open = Arc::new(AtomicUsize::new(0));
        let counter = open.clone();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
                tell.send(listener.local_addr().expect("an address")).expect("the test waits");
                let app = Router::new().route(
                    "/ws",
                    any(async move |upgrade: WebSocketUpgrade| {
                        let upgrade = match deflate.clone() {
                            Some(deflate) => upgrade.compression(deflate),
                            None => upgrade,
                        };
                        upgrade.on_upgrade(async move |socket| {
                            counter.fetch_add(1, Ordering::SeqCst);
                            // How it ends is no news.
                            let _ = echo(socket.into_conn()).await;
                            counter.fetch_sub(1, Ordering::SeqCst);
                        })
                    }),
                );
                tokio::spawn(async move { axum::serve(listener, app).await });
                let mark = Mark::new();
                while let Some(answer) = asked.recv().await {
                    let usage = mark.usage();
                    let _ = answer.send((usage.live, usage.blocks));
                }
            });
        });
        Self { addr: told.recv().expect("the server listens"), open, ask }
    }

    /// Bytes and blocks that the server holds.
    fn held(&self) -> (isize, isize) {
        let (answer, answered) = mpsc::channel();
        self.ask.send(answer).expect("the server runs");
        answered.recv().expect("the server runs")
    }

    /// Opens a connection and has a message of 1 KiB echoed.
    fn connect(&self, extensions: bool) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let handshake = Handshake::new("/ws");
        let handshake = match extensions {
            true => handshake.add("Sec-WebSocket-Extensions", "permessage-deflate"),
            false => handshake,
        };
        stream.write_all(&handshake.bytes()).expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a response");
            head.push(byte[0]);
        }
        assert_eq!(head.windows(18).any(|window| window == b"permessage-deflate"), extensions);
        // Binary, of 1 KiB, masked with zeros.
        let frame = [&[0x82, 0xFE, 4, 0, 0, 0, 0, 0][..], &[7; 1024]].concat();
        stream.write_all(&frame).expect("sent");
        let mut header = [0; 2];
        stream.read_exact(&mut header).expect("an echo");
        let [first, len] = header;
        // It is compressed to a few bytes, or comes back as it went.
        assert_eq!((first, len < 126), if extensions { (0xC2, true) } else { (0x82, false) });
        let rest = if extensions { usize::from(len) } else { 2 + 1024 };
        stream.read_exact(&mut vec![0; rest]).expect("an echo");
        stream
    }

    fn wait_for(&self, open: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.open.load(Ordering::SeqCst) != open {
            assert!(Instant::now() < deadline, "{:?} are open", self.open);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Bytes and blocks of one of many idle connections. All of them are freed when they have closed.
fn cost(deflate: Option<DeflateConfig>) -> (isize, isize) {
    // They share the pools of the process.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let extensions = deflate.is_some();
    let server = Server::start(deflate);
    // The first ones fill the pools, and what the runtime keeps.
    let first: Vec<_> = (0..MANY).map(|_| server.connect(extensions)).collect();
    drop(first);
    server.wait_for(0);
    let before = server.held();
    let streams: Vec<_> = (0..MANY).map(|_| server.connect(extensions)).collect();
    let idle = server.held();
    drop(streams);
    server.wait_for(0);
    let after = server.held();
    assert!((after.0 - before.0).abs() <= RUNTIME, "{before:?} before, {after:?} after");
    let each = |idle: isize, before: isize| (idle - before + MANY as isize / 2) / MANY as isize;
    (each(idle.0, before.0), each(idle.1, before.1))
}

#[test]
fn idle_connection_holds_three_blocks() {
    // What tokio knows of the socket, the task, and the state of the connection.
    let (bytes, blocks) = cost(None);
    assert_eq!(blocks, 3);
    assert!(bytes <= PLAIN, "{bytes} bytes");
}

#[test]
fn idle_connection_that_compresses_holds_two_more_without_takeover() {
    let deflate = DeflateConfig::new().no_context_takeover();
    let (bytes, blocks) = cost(Some(deflate));
    assert_eq!(blocks, 5);
    assert!(bytes <= PLAIN + DEFLATE, "{bytes} bytes");
}

#[test]
fn idle_connection_that_compresses_holds_what_it_has_sent_with_takeover() {
    let (bytes, blocks) = cost(Some(DeflateConfig::new()));
    assert_eq!(blocks, 6);
    assert!(bytes <= PLAIN + DEFLATE + 1024, "{bytes} bytes");
}

/// Connections whose cost is averaged.
const MANY: usize = 128;
/// The three blocks on x86-64, where two of them are aligned to 128 bytes, with all features; and some of the runtime's.
const PLAIN: isize = 256 + 384 + 616 + 32;
/// The state of either direction.
const DEFLATE: isize = 192;
/// Queues of the runtime and tables of the server that have grown or shrunk.
const RUNTIME: isize = 16 << 10;
