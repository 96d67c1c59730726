//! What servers take from the heap: for a message, and for a connection that waits.

use std::{net::SocketAddr, thread};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use self::heap::Mark;
use crate::{
    load::{Prepared, Target},
    server::{Kind, Server},
    stats::print_table,
    workload::{IDLE, Traffic, Workload},
};

#[allow(dead_code, reason = "other tests of memory use the rest")]
#[path = "../../../../ws-core/tests/support/heap.rs"]
mod heap;

/// A server in a thread of its own, whose heap alone is counted.
struct Counted {
    target: Target,
    ask: mpsc::UnboundedSender<oneshot::Sender<heap::Usage>>,
}

impl Counted {
    fn start(name: &str) -> Self {
        let server = Server::find(name).unwrap();
        let Kind::Tokio(serve) = server.kind else { panic!("{name} is not on tokio") };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr: SocketAddr = listener.local_addr().unwrap();
        let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<heap::Usage>>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let serving = serve(TcpListener::from_std(listener).unwrap(), Traffic::Echo);
                let mark = Mark::new();
                let answers = async {
                    while let Some(answer) = asked.recv().await {
                        let _ = answer.send(mark.usage());
                    }
                };
                tokio::select! {
                    () = answers => {}
                    ended = serving => ended.unwrap(),
                }
            });
        });
        Self { target: Target { addr, websocket: server.is_websocket() }, ask }
    }

    fn usage(&self) -> heap::Usage {
        let (answer, answered) = oneshot::channel();
        self.ask.send(answer).unwrap();
        answered.blocking_recv().unwrap()
    }

    /// How often memory is taken for a message that is echoed.
    fn calls_per_message(&self, workload: &Workload) -> f64 {
        let prepared = Prepared::new(workload);
        let mut client = self.target.open(&prepared, 0).unwrap();
        // What is taken once for all that follow.
        (0..WARM).for_each(|_| client.echo().unwrap());
        let before = self.usage().calls;
        (0..MESSAGES).for_each(|_| client.echo().unwrap());
        (self.usage().calls - before) as f64 / MESSAGES as f64
    }

    /// Blocks and bytes of a connection that has echoed 1 KiB and waits.
    fn idle(&self) -> [f64; 2] {
        let prepared = Prepared::new(&IDLE);
        let open = |index| {
            let mut client = self.target.open(&prepared, index).unwrap();
            client.echo().unwrap();
            client
        };
        // The first ones fill the pools, and what the runtime keeps.
        let first: Vec<_> = (0..CONNECTIONS).map(open).collect();
        let before = self.usage();
        let more: Vec<_> = (0..CONNECTIONS).map(open).collect();
        let after = self.usage();
        drop((first, more));
        [after.blocks - before.blocks, after.live - before.live].map(|more| more as f64 / CONNECTIONS as f64)
    }
}

fn calls(server: &Counted) -> Vec<f64> {
    WORKLOADS.iter().map(|name| server.calls_per_message(&Workload::find(name).unwrap())).collect()
}

#[test]
fn short_message_of_ours_takes_memory_for_its_payload_alone() {
    let mut rows = Vec::new();
    for name in OURS.iter().chain(PEERS) {
        let server = Counted::start(name);
        let calls = calls(&server);
        let mut row = vec![(*name).to_owned()];
        row.extend(calls.iter().map(|calls| format!("{calls:.2}")));
        rows.push(row);
        if OURS.contains(name) {
            // Larger ones may come in several reads, which is up to the kernel.
            assert_eq!(calls[..2], [0.0, 1.0], "{name}");
        }
    }
    print_table(&[&["calls a message"], WORKLOADS].concat(), &rows).unwrap();
}

#[test]
fn connection_of_ours_that_waits_holds_a_few_small_blocks_whatever_its_loop() {
    let mut rows = Vec::new();
    for name in OURS.iter().chain(PEERS) {
        let [blocks, bytes] = Counted::start(name).idle();
        rows.push(vec![(*name).to_owned(), format!("{blocks:.1}"), format!("{bytes:.0}")]);
        if OURS.contains(name) {
            assert!(blocks < 4.5 && bytes < 2000.0, "{name}: {blocks} blocks, {bytes} bytes");
        }
    }
    print_table(&["idle", "blocks", "bytes"], &rows).unwrap();
}

const OURS: &[&str] = &[
    "ours-axum",
    "ours-axum-socket",
    "ours-axum-queue",
    "ours-axum-borrow",
    "ours-axum-split",
    "ours-axum-stream",
    "ours-axum-stream-split",
    "ours-hyper",
];
const PEERS: &[&str] =
    &["fastwebsockets", "tokio-tungstenite", "tokio-websockets", "axum-ws", "sockudo-ws", "yawc"];
const WORKLOADS: &[&str] = &["t32-d1", "b1k-d1", "b16k", "b64k"];
const WARM: usize = 8;
const MESSAGES: usize = 64;
const CONNECTIONS: usize = 32;
